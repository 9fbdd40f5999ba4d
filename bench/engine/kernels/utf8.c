/* utf8 - 4 KiB of mixed text to UTF-16 and back, every sequence checked: overlong forms, surrogates, range (RFC 3629). */
#include "kernel.h"

#define TEXT_BYTES 4096u
#define REPLACEMENT 0xfffdu

static u8 s_text[TEXT_BYTES], s_back[TEXT_BYTES * 3];
static u16 s_units[TEXT_BYTES];

/* Reads one code point of well-formed or broken UTF-8 and moves on; what is broken becomes U+FFFD and moves on by one byte. */
static u32 read_code_point(const u8 **at, const u8 *end) {
    const u8 *p = *at;
    u32 c = *p++;
    *at = p;
    if (c < 0x80) return c;
    if (c < 0xc2 || c > 0xf4) return REPLACEMENT;
    u32 more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if ((u32)(end - p) < more) return REPLACEMENT;
    u32 lowest = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, highest = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (*p < lowest || *p > highest) return REPLACEMENT;
    u32 point = (c & (0x3fu >> more)) << 6 | (*p++ & 0x3f);
    for (; more > 1; more--) {
        if ((*p & 0xc0) != 0x80) return REPLACEMENT;
        point = point << 6 | (*p++ & 0x3f);
    }
    *at = p;
    return point;
}

static u8 *write_code_point(u8 *out, u32 point) {
    if (point < 0x80) {
        *out++ = (u8)point;
    } else if (point < 0x800) {
        *out++ = (u8)(0xc0 | point >> 6);
        *out++ = (u8)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (u8)(0xe0 | point >> 12);
        *out++ = (u8)(0x80 | (point >> 6 & 0x3f));
        *out++ = (u8)(0x80 | (point & 0x3f));
    } else {
        *out++ = (u8)(0xf0 | point >> 18);
        *out++ = (u8)(0x80 | (point >> 12 & 0x3f));
        *out++ = (u8)(0x80 | (point >> 6 & 0x3f));
        *out++ = (u8)(0x80 | (point & 0x3f));
    }
    return out;
}

static u32 to_utf16(const u8 *text, u32 length, u16 *units) {
    const u8 *at = text, *end = text + length;
    u16 *out = units;
    while (at < end) {
        u32 point = read_code_point(&at, end);
        if (point < 0x10000) {
            *out++ = (u16)point;
        } else {
            *out++ = (u16)(0xd800 + ((point - 0x10000) >> 10));
            *out++ = (u16)(0xdc00 + (point & 0x3ff));
        }
    }
    return (u32)(out - units);
}

static u32 to_utf8(const u16 *units, u32 count, u8 *text) {
    u8 *out = text;
    for (u32 i = 0; i < count; i++) {
        u32 point = units[i];
        if (point >= 0xd800 && point < 0xdc00 && i + 1 < count) point = 0x10000 + ((point - 0xd800) << 10) + (units[++i] - 0xdc00u);
        out = write_code_point(out, point);
    }
    return (u32)(out - text);
}

void setup(void) {
    u32 random = 8;
    u8 *at = s_text;
    while (at < s_text + TEXT_BYTES - 8) {
        u32 pick = next_random(&random), run = 1 + pick / 16 % 12;
        for (; run > 0 && at < s_text + TEXT_BYTES - 8; run--) {
            u32 value = next_random(&random);
            switch (pick % 16) {
                case 0: at = write_code_point(at, 0x1f300 + value % 512); break;   /* pictographs */
                case 1: at = write_code_point(at, 0x4e00 + value % 20000); break;  /* ideographs */
                case 2: case 3: at = write_code_point(at, 0x400 + value % 256); break; /* Cyrillic */
                case 4: at = write_code_point(at, 0xc0 + value % 64); break;       /* accented Latin */
                default: at = write_code_point(at, 0x20 + value % 95); break;
            }
        }
        if (pick % 64 == 5) *at++ = 0xff; /* broken */
    }
    while (at < s_text + TEXT_BYTES) *at++ = '.';
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        s_text[TEXT_BYTES - 1] = (u8)('a' + i % 26);
        u32 units = to_utf16(s_text, TEXT_BYTES, s_units);
        u32 length = to_utf8(s_units, units, s_back);
        checksum = mix(checksum, (u64)units << 32 | length << 8 | s_back[length - 1]);
        checksum = mix(checksum, (u64)s_units[units / 2] << 8 | s_back[length / 2]);
    }
    return checksum;
}
