/*
 * lz - a body of 16 KiB compressed and expanded again: Lempel-Ziv with a hash table of positions and the block format of LZ4
 * (a token with two lengths, literals, a 16-bit distance), the expanded bytes compared with the body.
 */
#include "kernel.h"

#define BODY_BYTES 16384u
#define PACKED_BYTES (BODY_BYTES + BODY_BYTES / 255 + 16)
#define HASH_BITS 12u
#define MIN_MATCH 4u
#define END_LITERALS 12u /* the last bytes are literals, so that the search may read ahead */

static u8 s_body[BODY_BYTES], s_packed[PACKED_BYTES], s_expanded[BODY_BYTES];
static u16 s_positions[1u << HASH_BITS];

static u32 read32(const u8 *p) { return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24; }

static u8 *write_length(u8 *out, u32 length) {
    for (; length >= 255; length -= 255) *out++ = 255;
    *out++ = (u8)length;
    return out;
}

static u8 *write_literals(u8 *out, const u8 *literals, u32 count, u32 matchCode) {
    *out++ = (u8)((count < 15 ? count : 15) << 4 | (matchCode < 15 ? matchCode : 15));
    if (count >= 15) out = write_length(out, count - 15);
    for (u32 i = 0; i < count; i++) *out++ = literals[i];
    return out;
}

static u32 compress(const u8 *body, u32 length, u8 *packed) {
    u8 *out = packed;
    u32 anchor = 0, at = 1, limit = length - END_LITERALS;
    for (u32 i = 0; i < LENGTH(s_positions); i++) s_positions[i] = 0;
    while (at < limit) {
        u32 sequence = read32(body + at);
        u16 *slot = &s_positions[sequence * 2654435761u >> (32 - HASH_BITS)];
        u32 candidate = *slot;
        *slot = (u16)at;
        if (read32(body + candidate) != sequence) {
            at++;
            continue;
        }
        u32 match = MIN_MATCH;
        while (at + match < limit && body[candidate + match] == body[at + match]) match++;
        out = write_literals(out, body + anchor, at - anchor, match - MIN_MATCH);
        *out++ = (u8)(at - candidate);
        *out++ = (u8)((at - candidate) >> 8);
        if (match - MIN_MATCH >= 15) out = write_length(out, match - MIN_MATCH - 15);
        at += match;
        anchor = at;
    }
    return (u32)(write_literals(out, body + anchor, length - anchor, 0) - packed);
}

static u32 read_length(const u8 **in, u32 length) {
    u32 more;
    if (length < 15) return length;
    do length += more = *(*in)++;
    while (more == 255);
    return length;
}

/* The number of bytes, or 0 when the input is damaged. */
static u32 expand(const u8 *packed, u32 count, u8 *out, u32 capacity) {
    const u8 *in = packed, *end = packed + count;
    u32 n = 0;
    while (in < end) {
        u32 token = *in++;
        u32 literals = read_length(&in, token >> 4);
        if (literals > (u32)(end - in) || literals > capacity - n) return 0;
        for (u32 i = 0; i < literals; i++) out[n++] = *in++;
        if (in == end) return n;
        u32 distance = in[0] | (u32)in[1] << 8;
        in += 2;
        u32 match = read_length(&in, token & 15) + MIN_MATCH;
        if (distance == 0 || distance > n || match > capacity - n) return 0;
        for (u32 i = 0; i < match; i++, n++) out[n] = out[n - distance];
    }
    return 0;
}

void setup(void) {
    static const char *const words[] = {"{\"id\":", "\"name\":\"", "\"price\":", "\"tags\":[\"new\",\"sale\"]", "},", "\",", "wool ", "socks ", "blue ", "large ", "\"stock\":", "null,", "true,"};
    u32 random = 9, n = 0;
    while (n < BODY_BYTES - 32) {
        u32 pick = next_random(&random);
        n = pick % 4 == 0 ? append_number(s_body, n, pick % 100000) : append(s_body, n, words[pick / 4 % LENGTH(words)]);
    }
    while (n < BODY_BYTES) s_body[n++] = '\n';
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        s_body[100] = (u8)i;
        u32 packed = compress(s_body, BODY_BYTES, s_packed);
        u32 length = expand(s_packed, packed, s_expanded, BODY_BYTES), same = 0;
        while (same < length && s_expanded[same] == s_body[same]) same++;
        checksum = mix(checksum, (u64)same << 32 | packed);
    }
    return checksum;
}
