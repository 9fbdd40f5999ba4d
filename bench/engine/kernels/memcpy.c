/*
 * memcpy - the copies of a proxy: many short ones (header names and values), some of a few KiB (body chunks), few large ones, and the
 * moves within a buffer that make room in it. Native: libc's memcpy and memmove; WebAssembly: memory.copy.
 */
#include "kernel.h"

#define BUFFER_BYTES 65536u
#define COPY_COUNT 256u

typedef struct copy {
    u32 from, to, length;
} copy;

static u8 s_source[BUFFER_BYTES], s_target[BUFFER_BYTES];
static copy s_copies[COPY_COUNT];

void setup(void) {
    u32 random = 14;
    for (u32 i = 0; i < BUFFER_BYTES; i++) s_source[i] = (u8)next_random(&random);
    for (u32 i = 0; i < COPY_COUNT; i++) {
        u32 pick = next_random(&random), kind = pick % 64;
        u32 length = kind == 0 ? 16384 : kind < 4 ? 2048 + pick / 64 % 2048 : kind < 16 ? 128 + pick / 64 % 384 : 1 + pick / 64 % 64;
        u32 room = BUFFER_BYTES - length;
        s_copies[i] = (copy){next_random(&random) % room, next_random(&random) % room, length};
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < BUFFER_BYTES; i++) s_target[i] = 0;
    for (u32 i = 0; i < iterations; i++) {
        for (u32 k = 0; k < COPY_COUNT; k++) {
            const copy *c = &s_copies[k];
            if (k % 8 == 7) {
                u32 length = c->length < 1024 ? c->length : 1024, shift = c->from % 96;
                u32 start = c->to < BUFFER_BYTES - 2048 ? c->to : 0;
                __builtin_memmove(s_target + start + shift, s_target + start, length);
            } else {
                __builtin_memcpy(s_target + c->to, s_source + c->from, c->length);
            }
        }
        const copy *probe = &s_copies[i % COPY_COUNT];
        checksum = mix(checksum, (u64)s_target[probe->to] << 16 | (u64)s_target[probe->to + probe->length - 1] << 8 | s_target[i % BUFFER_BYTES]);
    }
    return checksum;
}
