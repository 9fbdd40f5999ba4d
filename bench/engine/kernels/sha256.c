/* sha256 - the digest of a 4 KiB body, as content signatures and cache keys need it. */
#include "sha256.h"

#define BODY_BYTES 4096u

static u8 s_body[BODY_BYTES];

void setup(void) {
    u32 random = 1;
    for (u32 i = 0; i < BODY_BYTES; i++) s_body[i] = (u8)next_random(&random);
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < 64; i++) s_body[i] = 0;
    for (u32 i = 0; i < iterations; i++) {
        s_body[i % 64] = (u8)i;
        sha256 hash;
        u8 digest[SHA256_DIGEST_BYTES];
        sha256_start(&hash);
        sha256_update(&hash, s_body, BODY_BYTES);
        sha256_finish(&hash, digest);
        checksum = mix_bytes(checksum, digest, SHA256_DIGEST_BYTES);
    }
    return checksum;
}
