/*
 * bimetal_text.h - small things that plugins do with bytes: cut lists and lines, trim, compare, write into a buffer that has an end, hash.
 */
#ifndef BIMETAL_TEXT_H
#define BIMETAL_TEXT_H

#include "bimetal_json.h"
#include "bimetal_plugin.h"

static inline uint8_t bp_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline bool bp_equals_ignoring_case(bp_slice left, bp_slice right)
{
    if (left.length != right.length) return false;
    for (size_t i = 0; i < left.length; i++)
        if (bp_lower(left.data[i]) != bp_lower(right.data[i])) return false;
    return true;
}

static inline bool bp_starts_with(bp_slice text, bp_slice start)
{
    return text.length >= start.length && (start.length == 0 || memcmp(text.data, start.data, start.length) == 0);
}

/* What lies from start on, and at most length bytes of it; both are cut to what is there. */
static inline bp_slice bp_part(bp_slice text, size_t start, size_t length)
{
    if (start > text.length) start = text.length;
    if (length > text.length - start) length = text.length - start;
    return bp_bytes(length != 0 ? text.data + start : text.data, length); /* the data of an empty text may be null */
}

/* Where a byte is, or text.length. */
static inline size_t bp_find(bp_slice text, uint8_t byte)
{
    size_t at = 0;
    while (at < text.length && text.data[at] != byte) at++;
    return at;
}

/* Without spaces and tabs (and CR, at the end of lines) on both sides. */
static inline bp_slice bp_trim(bp_slice text)
{
    size_t start = 0, end = text.length;
    while (start < end && (text.data[start] == ' ' || text.data[start] == '\t')) start++;
    while (end > start && (text.data[end - 1] == ' ' || text.data[end - 1] == '\t' || text.data[end - 1] == '\r')) end--;
    return bp_bytes(end != start ? text.data + start : text.data, end - start);
}

/* Takes the next item off a list; items are trimmed and may be empty. False when the list is used up. Start with *rest = the list. */
static inline bool bp_next_item(bp_slice *rest, uint8_t separator, bp_slice *item)
{
    if (rest->data == 0) return false;
    size_t end = bp_find(*rest, separator);
    *item = bp_trim(bp_part(*rest, 0, end));
    if (end == rest->length) *rest = bp_bytes(0, 0);
    else *rest = bp_part(*rest, end + 1, rest->length);
    return true;
}

/* A number of decimal digits alone, at most max. */
static inline bool bp_parse_decimal(bp_slice text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    if (text.length == 0) return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (c < '0' || c > '9' || value > (UINT64_MAX - 9) / 10) return false;
        value = value * 10 + (uint64_t)(c - '0');
    }
    *number = value;
    return value <= max;
}

/* The value of a hexadecimal digit, or 16. */
static inline uint32_t bp_hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
    c = bp_lower(c);
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 16;
}

/* FNV-1a in 64 bits with a finish that spreads every bit. For tables of our own making and for buckets, not against collisions by design. */
static inline uint64_t bp_hash(uint64_t seed, bp_slice text)
{
    uint64_t hash = seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.length; i++) hash = (hash ^ text.data[i]) * 0x100000001b3u;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------------------------- */

/* Bytes in memory that somebody else owns; what has no room is left out and noted. */
typedef struct bp_writer {
    uint8_t *data;
    size_t length;
    size_t capacity;
    bool is_short;
} bp_writer;

static inline bp_writer bp_writer_over(void *data, size_t capacity)
{
    return (bp_writer){.data = (uint8_t *)data, .length = 0, .capacity = capacity, .is_short = false};
}

static inline void bp_put(bp_writer *writer, bp_slice bytes)
{
    if (bytes.length > writer->capacity - writer->length) {
        writer->is_short = true;
        return;
    }
    if (bytes.length != 0) memcpy(writer->data + writer->length, bytes.data, bytes.length);
    writer->length += bytes.length;
}

static inline void bp_put_text(bp_writer *writer, const char *text)
{
    bp_put(writer, bp_text(text));
}

static inline void bp_put_byte(bp_writer *writer, uint8_t byte)
{
    bp_put(writer, bp_bytes(&byte, 1));
}

static inline void bp_put_decimal(bp_writer *writer, uint64_t number)
{
    char digits[20];
    bp_put(writer, bp_decimal(number, digits));
}

static inline bp_slice bp_written(const bp_writer *writer)
{
    return bp_bytes(writer->data, writer->length);
}

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

/* Logs why a configuration is refused; for `return bp_refuse("...")`. */
static inline bool bp_refuse(const char *why)
{
    bp_log(BP_ERROR, why);
    return false;
}

/* A copy for good of a member's text, escapes undone. False when it is no string or memory ran out. */
static inline bool bp_keep_text(const bp_json_member *member, bp_slice *kept)
{
    if (member->kind != BP_JSON_STRING) return false;
    uint8_t *copy = bp_keep(member->text.length);
    size_t length;
    if (copy == NULL || !bp_json_unescape(member->text, copy, &length)) return false;
    *kept = bp_bytes(copy, length);
    return true;
}

#endif
