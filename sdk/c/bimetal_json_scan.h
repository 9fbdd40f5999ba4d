/*
 * bimetal_json_scan.h - a pull scanner over JSON text that lies in memory: it hands out one token after the other and checks the grammar of
 * RFC 8259 on the way. Nothing is copied and nothing is allocated. For a plugin's configuration bimetal_json.h is enough.
 *
 *   bp_scan scan;
 *   bp_scan_token token;
 *   bp_scan_begin(&scan, text);
 *   while (bp_scan_next(&scan, &token)) { if (token.kind == BP_SCAN_KEY && bp_equals(token.text, bp_text("exp"))) ... }
 *   if (!bp_scan_ended(&scan)) ...                          // the text is not JSON; scan.cursor is where
 *
 * Strings are handed out as they stand, escapes included: bp_json_unescape undoes them. Bytes above 127 are not checked to be UTF-8.
 */
#ifndef BIMETAL_JSON_SCAN_H
#define BIMETAL_JSON_SCAN_H

#include "bimetal_plugin.h"

#define BP_SCAN_MAX_DEPTH 64u /* open objects and arrays; deeper text is an error */

typedef enum bp_scan_kind {
    BP_SCAN_OBJECT,     /* { */
    BP_SCAN_OBJECT_END, /* } */
    BP_SCAN_ARRAY,      /* [ */
    BP_SCAN_ARRAY_END,  /* ] */
    BP_SCAN_KEY,        /* text: between the quotes */
    BP_SCAN_STRING,     /* text: between the quotes */
    BP_SCAN_NUMBER,     /* text: the number */
    BP_SCAN_TRUE,
    BP_SCAN_FALSE,
    BP_SCAN_NULL,
} bp_scan_kind;

typedef struct bp_scan_token {
    bp_scan_kind kind;
    bp_slice text; /* a part of what is scanned */
} bp_scan_token;

typedef enum bp_scan_state_ { BP_WANTS_VALUE_, BP_WANTS_FIRST_, BP_WANTS_KEY_, BP_WANTS_MORE_, BP_WANTS_NOTHING_, BP_IS_BROKEN_ } bp_scan_state_;

typedef struct bp_scan {
    const uint8_t *cursor;
    const uint8_t *end;
    uint64_t objects; /* bit n: what is open at depth n + 1 is an object */
    uint32_t depth;
    bp_scan_state_ state;
} bp_scan;

static inline void bp_scan_begin(bp_scan *scan, bp_slice text)
{
    *scan = (bp_scan){.cursor = text.data, .end = text.data + text.length, .objects = 0, .depth = 0, .state = BP_WANTS_VALUE_};
}

/*
 * Loops go on with a cursor of their own and put it back at their end: bytes that are read might be those of the scanner, as far as a compiler can
 * tell, so that it would store the scanner's for each of them.
 */
static inline bool bp_scan_skip_space_(bp_scan *scan)
{
    const uint8_t *at = scan->cursor, *end = scan->end;
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    scan->cursor = at;
    return at != end;
}

static inline bool bp_scan_is_hex_(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind a backslash: the last byte of the escape, or null where there is none. */
static inline const uint8_t *bp_scan_escape_(const uint8_t *at, const uint8_t *end)
{
    if (at == end) return 0;
    switch (*at) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return at;
    case 'u':
        if (end - at < 5) return 0;
        for (int i = 1; i <= 4; i++)
            if (!bp_scan_is_hex_(at[i])) return 0;
        return at + 4;
    default: return 0;
    }
}

/* The cursor is behind the opening quote, and behind the closing one afterwards; where there is none, at what is wrong. */
static inline bool bp_scan_string_(bp_scan *scan, bp_slice *text)
{
    const uint8_t *start = scan->cursor, *at = start, *end = scan->end;
    while (at != end) {
        uint8_t c = *at;
        if (c == '"' || c < 0x20) break;
        if (__builtin_expect(c == '\\', 0)) {
            const uint8_t *last = bp_scan_escape_(at + 1, end);
            if (last == 0) break;
            at = last;
        }
        at++;
    }
    bool is_closed = at != end && *at == '"';
    scan->cursor = at + is_closed;
    *text = bp_bytes(start, (size_t)(at - start));
    return is_closed;
}

static inline const uint8_t *bp_scan_digits_(const uint8_t *at, const uint8_t *end)
{
    while (at != end && *at >= '0' && *at <= '9') at++;
    return at;
}

static inline bool bp_scan_number_(bp_scan *scan, bp_slice *text)
{
    const uint8_t *start = scan->cursor, *end = scan->end;
    const uint8_t *whole = start + (*start == '-'), *at = bp_scan_digits_(whole, end);
    bool is_number = at != whole && (at == whole + 1 || *whole != '0');
    if (is_number && at != end && *at == '.') {
        const uint8_t *fraction = at + 1;
        at = bp_scan_digits_(fraction, end);
        is_number = at != fraction;
    }
    if (is_number && at != end && (*at | 0x20) == 'e') {
        at++;
        if (at != end && (*at == '+' || *at == '-')) at++;
        const uint8_t *exponent = at;
        at = bp_scan_digits_(exponent, end);
        is_number = at != exponent;
    }
    scan->cursor = at;
    *text = bp_bytes(start, (size_t)(at - start));
    return is_number;
}

static inline bool bp_scan_word_(bp_scan *scan, bp_scan_token *token, const char *word, bp_scan_kind kind)
{
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->cursor) < length || memcmp(scan->cursor, word, length) != 0) return false;
    token->kind = kind;
    token->text = bp_bytes(scan->cursor, length);
    scan->cursor += length;
    return true;
}

static inline bool bp_scan_open_(bp_scan *scan, bp_scan_token *token, bool is_object)
{
    if (scan->depth == BP_SCAN_MAX_DEPTH) return false;
    uint64_t bit = (uint64_t)1 << scan->depth++;
    scan->objects = is_object ? scan->objects | bit : scan->objects & ~bit;
    scan->state = BP_WANTS_FIRST_;
    token->kind = is_object ? BP_SCAN_OBJECT : BP_SCAN_ARRAY;
    token->text = bp_bytes(scan->cursor++, 1);
    return true;
}

static inline bool bp_scan_in_object_(const bp_scan *scan)
{
    return (scan->objects >> (scan->depth - 1) & 1) != 0;
}

static inline bool bp_scan_value_(bp_scan *scan, bp_scan_token *token)
{
    uint8_t c = *scan->cursor;
    if (c == '{' || c == '[') return bp_scan_open_(scan, token, c == '{');
    scan->state = scan->depth == 0 ? BP_WANTS_NOTHING_ : BP_WANTS_MORE_;
    if (c == '"') {
        scan->cursor++;
        token->kind = BP_SCAN_STRING;
        return bp_scan_string_(scan, &token->text);
    }
    if (c == 't') return bp_scan_word_(scan, token, "true", BP_SCAN_TRUE);
    if (c == 'f') return bp_scan_word_(scan, token, "false", BP_SCAN_FALSE);
    if (c == 'n') return bp_scan_word_(scan, token, "null", BP_SCAN_NULL);
    token->kind = BP_SCAN_NUMBER;
    return bp_scan_number_(scan, &token->text);
}

static inline bool bp_scan_key_(bp_scan *scan, bp_scan_token *token)
{
    if (*scan->cursor != '"') return false;
    scan->cursor++;
    token->kind = BP_SCAN_KEY;
    if (!bp_scan_string_(scan, &token->text) || !bp_scan_skip_space_(scan) || *scan->cursor != ':') return false;
    scan->cursor++;
    scan->state = BP_WANTS_VALUE_;
    return true;
}

static inline bool bp_scan_close_(bp_scan *scan, bp_scan_token *token)
{
    bool is_object = bp_scan_in_object_(scan);
    if (*scan->cursor != (is_object ? '}' : ']')) return false;
    token->kind = is_object ? BP_SCAN_OBJECT_END : BP_SCAN_ARRAY_END;
    token->text = bp_bytes(scan->cursor++, 1);
    scan->state = --scan->depth == 0 ? BP_WANTS_NOTHING_ : BP_WANTS_MORE_;
    return true;
}

static inline bool bp_scan_step_(bp_scan *scan, bp_scan_token *token)
{
    if (!bp_scan_skip_space_(scan)) return false;
    switch (scan->state) {
    case BP_WANTS_VALUE_: return bp_scan_value_(scan, token);
    case BP_WANTS_FIRST_:
        if (*scan->cursor == '}' || *scan->cursor == ']') return bp_scan_close_(scan, token);
        return bp_scan_in_object_(scan) ? bp_scan_key_(scan, token) : bp_scan_value_(scan, token);
    case BP_WANTS_MORE_:
        if (*scan->cursor != ',') return bp_scan_close_(scan, token);
        scan->cursor++;
        if (!bp_scan_skip_space_(scan)) return false;
        return bp_scan_in_object_(scan) ? bp_scan_key_(scan, token) : bp_scan_value_(scan, token);
    default: return false;
    }
}

/* The next token; false at the end and at the first error: bp_scan_ended tells which. */
static inline bool bp_scan_next(bp_scan *scan, bp_scan_token *token)
{
    if (bp_scan_step_(scan, token)) return true;
    if (scan->state != BP_WANTS_NOTHING_ || scan->cursor != scan->end) scan->state = BP_IS_BROKEN_;
    return false;
}

/* Whether one whole value was read, with nothing but white space behind it. */
static inline bool bp_scan_ended(const bp_scan *scan)
{
    return scan->state == BP_WANTS_NOTHING_ && scan->cursor == scan->end;
}

/* Passes over the value that follows a key. False: the text is broken. */
static inline bool bp_scan_skip(bp_scan *scan)
{
    bp_scan_token token;
    uint32_t depth = scan->depth;
    do {
        if (!bp_scan_next(scan, &token)) return false;
    } while (scan->depth > depth);
    return true;
}

#endif
