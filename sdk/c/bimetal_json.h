/*
 * bimetal_json.h - reads the configuration of a plugin: one flat JSON object of strings, whole numbers, true, false and null.
 * `config:` mappings of the gateway arrive as JSON. Nested values are refused: a configuration that needs them deserves a real parser.
 *
 *   bp_json reader;
 *   bp_json_member member;
 *   if (!bp_json_begin(&reader, configuration)) return false;
 *   while (bp_json_next(&reader, &member)) { if (bp_json_is(&member, "leeway_seconds")) ... }
 *   return bp_json_ended(&reader);                          // false: the text was not such an object
 */
#ifndef BIMETAL_JSON_H
#define BIMETAL_JSON_H

#include "bimetal_plugin.h"

typedef enum bp_json_kind { BP_JSON_STRING, BP_JSON_NUMBER, BP_JSON_TRUE, BP_JSON_FALSE, BP_JSON_NULL } bp_json_kind;

/* One member. key and text are what stands between the quotes, escapes as they are; numbers are whole and fit 64 bits. */
typedef struct bp_json_member {
    bp_slice key;
    bp_json_kind kind;
    bp_slice text;
    int64_t number;
} bp_json_member;

typedef struct bp_json {
    const uint8_t *cursor;
    const uint8_t *end;
    bool is_first;
    bool has_ended;
} bp_json;

static inline void bp_json_skip_space_(bp_json *reader)
{
    while (reader->cursor != reader->end &&
           (*reader->cursor == ' ' || *reader->cursor == '\t' || *reader->cursor == '\n' || *reader->cursor == '\r'))
        reader->cursor++;
}

static inline bool bp_json_take_(bp_json *reader, char expected)
{
    bp_json_skip_space_(reader);
    if (reader->cursor == reader->end || *reader->cursor != (uint8_t)expected) return false;
    reader->cursor++;
    return true;
}

static inline bool bp_json_take_word_(bp_json *reader, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->cursor) < length || memcmp(reader->cursor, word, length) != 0) return false;
    reader->cursor += length;
    return true;
}

static inline bool bp_json_take_string_(bp_json *reader, bp_slice *text)
{
    if (!bp_json_take_(reader, '"')) return false;
    const uint8_t *start = reader->cursor;
    for (; reader->cursor != reader->end; reader->cursor++) {
        if (*reader->cursor < 0x20) return false;
        if (*reader->cursor == '"') {
            *text = bp_bytes(start, (size_t)(reader->cursor - start));
            reader->cursor++;
            return true;
        }
        if (*reader->cursor == '\\' && ++reader->cursor == reader->end) return false;
    }
    return false;
}

static inline bool bp_json_take_number_(bp_json *reader, int64_t *number)
{
    bool is_negative = reader->cursor != reader->end && *reader->cursor == '-';
    if (is_negative) reader->cursor++;
    const uint8_t *start = reader->cursor;
    uint64_t value = 0;
    while (reader->cursor != reader->end && *reader->cursor >= '0' && *reader->cursor <= '9') {
        if (value > (INT64_MAX - 9) / 10) return false;
        value = value * 10 + (uint64_t)(*reader->cursor++ - '0');
    }
    size_t digits = (size_t)(reader->cursor - start);
    if (digits == 0 || (digits > 1 && *start == '0')) return false;
    *number = is_negative ? -(int64_t)value : (int64_t)value;
    return reader->cursor == reader->end || (*reader->cursor != '.' && *reader->cursor != 'e' && *reader->cursor != 'E');
}

static inline bool bp_json_take_value_(bp_json *reader, bp_json_member *member)
{
    bp_json_skip_space_(reader);
    if (reader->cursor == reader->end) return false;
    member->text = bp_bytes(0, 0);
    member->number = 0;
    switch (*reader->cursor) {
    case '"': member->kind = BP_JSON_STRING; return bp_json_take_string_(reader, &member->text);
    case 't': member->kind = BP_JSON_TRUE; return bp_json_take_word_(reader, "true");
    case 'f': member->kind = BP_JSON_FALSE; return bp_json_take_word_(reader, "false");
    case 'n': member->kind = BP_JSON_NULL; return bp_json_take_word_(reader, "null");
    default: member->kind = BP_JSON_NUMBER; return bp_json_take_number_(reader, &member->number);
    }
}

/* False when the text does not begin an object. */
static inline bool bp_json_begin(bp_json *reader, bp_slice text)
{
    *reader = (bp_json){.cursor = text.data, .end = text.data + text.length, .is_first = true, .has_ended = false};
    return text.length != 0 && bp_json_take_(reader, '{');
}

/* The next member; false at the end and at the first error: bp_json_ended tells which. */
static inline bool bp_json_next(bp_json *reader, bp_json_member *member)
{
    bool is_first = reader->is_first;
    reader->is_first = false;
    if (bp_json_take_(reader, '}')) {
        bp_json_skip_space_(reader);
        reader->has_ended = reader->cursor == reader->end;
        return false;
    }
    if (!is_first && !bp_json_take_(reader, ',')) return false;
    return bp_json_take_string_(reader, &member->key) && bp_json_take_(reader, ':') && bp_json_take_value_(reader, member);
}

/* Whether the object was read to its end and nothing follows it. */
static inline bool bp_json_ended(const bp_json *reader)
{
    return reader->has_ended;
}

static inline bool bp_json_is(const bp_json_member *member, const char *key)
{
    return bp_equals(member->key, bp_text(key));
}

/* Four hexadecimal digits; -1 when they are not. */
static inline int32_t bp_json_hex4_(const uint8_t *digits)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int32_t c = digits[i];
        int32_t digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static inline size_t bp_json_put_utf8_(uint8_t *target, uint32_t scalar)
{
    if (scalar < 0x80) {
        target[0] = (uint8_t)scalar;
        return 1;
    }
    size_t length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, scalar >>= 6) target[i] = (uint8_t)(0x80 | (scalar & 0x3f));
    target[0] = (uint8_t)((0xf00u >> length) | scalar);
    return length;
}

/* Undoes the escapes of a member's text into memory of at least text.length bytes; false when an escape is not one. */
static inline bool bp_json_unescape(bp_slice text, uint8_t *target, size_t *length)
{
    size_t written = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '\\') {
            target[written++] = text.data[i];
            continue;
        }
        i++; /* the reader saw that a byte follows */
        static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
        size_t at = 0;
        while (escapes[at] != 0 && (uint8_t)escapes[at] != text.data[i]) at += 2;
        if (escapes[at] != 0) {
            target[written++] = (uint8_t)escapes[at + 1];
            continue;
        }
        if (text.data[i] != 'u' || text.length - i < 5) return false;
        int32_t unit = bp_json_hex4_(text.data + i + 1);
        i += 4;
        if (unit < 0 || (unit & 0xfc00) == 0xdc00) return false;
        uint32_t scalar = (uint32_t)unit;
        if ((unit & 0xfc00) == 0xd800) { /* the first half of a pair */
            if (text.length - i < 7 || text.data[i + 1] != '\\' || text.data[i + 2] != 'u') return false;
            int32_t second = bp_json_hex4_(text.data + i + 3);
            if (second < 0 || (second & 0xfc00) != 0xdc00) return false;
            scalar = 0x10000u + ((scalar & 0x3ff) << 10) + ((uint32_t)second & 0x3ff);
            i += 6;
        }
        written += bp_json_put_utf8_(target + written, scalar);
    }
    *length = written;
    return true;
}

#endif
