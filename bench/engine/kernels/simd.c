/*
 * simd - vectors of 16 bytes, written with the compiler's vector types: unmasks WebSocket frames, lower-cases and finds the ends of
 * lines, blends pixels, and takes a dot product of floats. Only this kernel is compiled with WebAssembly's SIMD.
 */
#include "kernel.h"

#define FRAME_BYTES 4096u
#define PIXEL_COUNT 1024u
#define FLOAT_COUNT 1024u

typedef u8 bytes16 __attribute__((vector_size(16)));
typedef signed char flags16 __attribute__((vector_size(16)));
typedef u8 bytes8 __attribute__((vector_size(8)));
typedef u16 words8 __attribute__((vector_size(16)));
typedef u32 ints4 __attribute__((vector_size(16)));
typedef u64 longs2 __attribute__((vector_size(16)));
typedef float floats4 __attribute__((vector_size(16)));

static bytes16 s_frame[FRAME_BYTES / 16], s_plain[FRAME_BYTES / 16];
static bytes8 s_front[PIXEL_COUNT / 2], s_back[PIXEL_COUNT / 2], s_blended[PIXEL_COUNT / 2];
static floats4 s_left[FLOAT_COUNT / 4], s_right[FLOAT_COUNT / 4];

static void unmask(u32 key) {
    bytes16 keys = (bytes16)(ints4){key, key, key, key};
    for (u32 i = 0; i < LENGTH(s_frame); i++) s_plain[i] = s_frame[i] ^ keys;
}

static u64 sum_of_bytes(bytes16 bytes) {
    longs2 pairs = (longs2)bytes, low = pairs & 0x00ff00ff00ff00ffu, high = pairs >> 8 & 0x00ff00ff00ff00ffu;
    longs2 words = low + high;
    u64 total = 0;
    for (u32 lane = 0; lane < 2; lane++) total += (words[lane] & 0xffff) + (words[lane] >> 16 & 0xffff) + (words[lane] >> 32 & 0xffff) + (words[lane] >> 48);
    return total;
}

/* Lower-cases the letters of s_plain and counts line ends; a comparison gives -1 where it holds, so taking it away counts. */
static u64 lower_and_count(void) {
    u64 total = 0;
    for (u32 block = 0; block < LENGTH(s_plain); block += 128) {
        bytes16 counts = {0};
        for (u32 i = block; i < block + 128; i++) {
            bytes16 text = s_plain[i];
            flags16 isUpper = (flags16)(text >= 'A') & (flags16)(text <= 'Z');
            s_plain[i] = text | ((bytes16)isUpper & 0x20);
            counts -= (bytes16)(text == '\n');
        }
        total += sum_of_bytes(counts);
    }
    return total;
}

/* The index of the first vector that holds a quote or a backslash from `from` on. */
static u32 find_special(u32 from) {
    for (; from < LENGTH(s_plain); from++) {
        longs2 found = (longs2)((s_plain[from] == '"') | (s_plain[from] == '\\'));
        if ((found[0] | found[1]) != 0) break;
    }
    return from;
}

static void blend(u16 alpha) {
    for (u32 i = 0; i < LENGTH(s_front); i++) {
        words8 front = __builtin_convertvector(s_front[i], words8), back = __builtin_convertvector(s_back[i], words8);
        words8 mixed = (front * alpha + back * (u16)(256 - alpha)) >> 8;
        s_blended[i] = __builtin_convertvector(mixed, bytes8);
    }
}

static float dot(void) {
    floats4 sum = {0}, other = {0};
    for (u32 i = 0; i < LENGTH(s_left); i += 2) {
        sum += s_left[i] * s_right[i];
        other += s_left[i + 1] * s_right[i + 1];
    }
    sum += other;
    return sum[0] + sum[1] + sum[2] + sum[3];
}

void setup(void) {
    u32 random = 15;
    for (u32 i = 0; i < FRAME_BYTES; i++) ((u8 *)s_frame)[i] = (u8)next_random(&random);
    for (u32 i = 0; i < PIXEL_COUNT * 4; i++) {
        ((u8 *)s_front)[i] = (u8)next_random(&random);
        ((u8 *)s_back)[i] = (u8)next_random(&random);
    }
    for (u32 i = 0; i < FLOAT_COUNT; i++) {
        ((float *)s_right)[i] = (float)(next_random(&random) % 2000) / 1000 - 1;
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < FLOAT_COUNT; i++) ((float *)s_left)[i] = (float)(i * 37 % 1000) / 500 - 1;
    for (u32 i = 0; i < iterations; i++) {
        unmask(i * 2654435761u);
        checksum = mix(checksum, lower_and_count());
        u32 at = 0, specials = 0;
        while ((at = find_special(at)) < LENGTH(s_plain)) specials += at++;
        blend((u16)(i % 257));
        ((float *)s_left)[i % FLOAT_COUNT] = (float)(i % 64) / 64;
        checksum = mix(checksum, (u64)specials << 32 | (u32)(i32)(dot() * 65536));
        checksum = mix(checksum, (u64)((u8 *)s_blended)[i % (PIXEL_COUNT * 4)] << 8 | ((u8 *)s_plain)[i % FRAME_BYTES]);
    }
    return checksum;
}
