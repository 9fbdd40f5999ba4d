/* base64 - a token part of 1 KiB to base64url without padding and back, every character checked (RFC 4648). */
#include "kernel.h"

#define DATA_BYTES 1024u
#define TEXT_BYTES (DATA_BYTES / 3 * 4 + 4)
#define INVALID 0xffu

static const char s_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static u8 s_values[256];
static u8 s_data[DATA_BYTES], s_decoded[DATA_BYTES];
static u8 s_text[TEXT_BYTES];

static u32 encode(const u8 *data, u32 count, u8 *text) {
    u8 *out = text;
    u32 i = 0;
    for (; i + 3 <= count; i += 3) {
        u32 group = (u32)data[i] << 16 | (u32)data[i + 1] << 8 | data[i + 2];
        *out++ = (u8)s_alphabet[group >> 18];
        *out++ = (u8)s_alphabet[group >> 12 & 63];
        *out++ = (u8)s_alphabet[group >> 6 & 63];
        *out++ = (u8)s_alphabet[group & 63];
    }
    if (i == count) return (u32)(out - text);
    u32 group = (u32)data[i] << 16 | (i + 1 < count ? (u32)data[i + 1] << 8 : 0);
    *out++ = (u8)s_alphabet[group >> 18];
    *out++ = (u8)s_alphabet[group >> 12 & 63];
    if (i + 1 < count) *out++ = (u8)s_alphabet[group >> 6 & 63];
    return (u32)(out - text);
}

/* The number of bytes; 0 when a character is not of the alphabet. */
static u32 decode(const u8 *text, u32 count, u8 *data) {
    u8 *out = data;
    u32 i = 0;
    for (; i + 4 <= count; i += 4) {
        u32 a = s_values[text[i]], b = s_values[text[i + 1]], c = s_values[text[i + 2]], d = s_values[text[i + 3]];
        if ((a | b | c | d) == INVALID) return 0;
        u32 group = a << 18 | b << 12 | c << 6 | d;
        *out++ = (u8)(group >> 16);
        *out++ = (u8)(group >> 8);
        *out++ = (u8)group;
    }
    u32 bits = 0, left = 0;
    for (; i < count; i++) {
        u32 value = s_values[text[i]];
        if (value == INVALID) return 0;
        bits = bits << 6 | value;
        left += 6;
        if (left >= 8) *out++ = (u8)(bits >> (left -= 8));
    }
    return (u32)(out - data);
}

void setup(void) {
    u32 random = 4;
    for (u32 i = 0; i < DATA_BYTES; i++) s_data[i] = (u8)next_random(&random);
    for (u32 i = 0; i < 256; i++) s_values[i] = INVALID;
    for (u32 i = 0; i < 64; i++) s_values[(u8)s_alphabet[i]] = (u8)i;
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < DATA_BYTES; i++) s_decoded[i] = 0;
    for (u32 i = 0; i < iterations; i++) {
        s_data[1] = (u8)i;
        u32 textLength = encode(s_data, DATA_BYTES - i % 3, s_text);
        if (i % 16 == 15) s_text[i / 16 % textLength] = '!';
        u32 length = decode(s_text, textLength, s_decoded);
        checksum = mix(checksum, (u64)length << 32 | (u32)s_text[i % textLength] << 8 | s_decoded[i % DATA_BYTES]);
    }
    return checksum;
}
