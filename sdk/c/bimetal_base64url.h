/*
 * bimetal_base64url.h - base64url without padding (RFC 4648, section 5), and the comparison of secrets: what tokens are made of.
 */
#ifndef BIMETAL_BASE64URL_H
#define BIMETAL_BASE64URL_H

#include "bimetal_plugin.h"

/* The 6 bits of a character, or 64. */
static inline uint32_t bp_base64url_value_(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0' + 52);
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

/* Decodes into target, which has room for 3/4 of text.length. False for a foreign character, an impossible length, and bits that no
 * encoder writes: of two different texts at most one is the encoding of given bytes. */
static inline bool bp_base64url_decode(bp_slice text, uint8_t *target, size_t *length)
{
    if (text.length % 4 == 1) return false;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t written = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint32_t value = bp_base64url_value_(text.data[i]);
        if (value == 64) return false;
        bits = bits << 6 | value;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        target[written++] = (uint8_t)(bits >> bit_count);
    }
    *length = written;
    return (bits & ((1u << bit_count) - 1)) == 0;
}

/* Whether two runs of bytes are the same; the time says nothing of where they differ. */
static inline bool bp_equals_constant_time(const uint8_t *left, const uint8_t *right, size_t length)
{
    volatile uint8_t difference = 0; /* volatile: no early exit can be made of the loop */
    for (size_t i = 0; i < length; i++) difference |= (uint8_t)(left[i] ^ right[i]);
    return difference == 0;
}

#endif
