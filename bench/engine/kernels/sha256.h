/* SHA-256 (FIPS 180-4), shared by the kernels sha256 and hmac. */
#ifndef BENCH_ENGINE_SHA256_H
#define BENCH_ENGINE_SHA256_H

#include "kernel.h"

#define SHA256_BLOCK_BYTES 64u
#define SHA256_DIGEST_BYTES 32u

typedef struct sha256 {
    u32 state[8];
    u64 length; /* bytes so far */
    u8 block[SHA256_BLOCK_BYTES];
} sha256;

static const u32 s_sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline u32 rotate_right(u32 value, u32 count) { return (value >> count) | (value << (32 - count)); }

static void sha256_compress(u32 state[8], const u8 *block) {
    u32 w[64];
    for (u32 i = 0; i < 16; i++) {
        const u8 *p = block + 4 * i;
        w[i] = (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
    }
    for (u32 i = 16; i < 64; i++) {
        u32 s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ (w[i - 15] >> 3);
        u32 s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (u32 i = 0; i < 64; i++) {
        u32 s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        u32 t1 = h + s1 + ((e & f) ^ (~e & g)) + s_sha256_constants[i] + w[i];
        u32 s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        u32 t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256_start(sha256 *hash) {
    static const u32 initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (u32 i = 0; i < 8; i++) hash->state[i] = initial[i];
    hash->length = 0;
}

static void sha256_update(sha256 *hash, const u8 *data, u32 count) {
    u32 used = (u32)(hash->length % SHA256_BLOCK_BYTES);
    hash->length += count;
    if (used != 0) {
        while (used < SHA256_BLOCK_BYTES && count > 0) hash->block[used++] = *data++, count--;
        if (used < SHA256_BLOCK_BYTES) return;
        sha256_compress(hash->state, hash->block);
    }
    for (; count >= SHA256_BLOCK_BYTES; count -= SHA256_BLOCK_BYTES, data += SHA256_BLOCK_BYTES) sha256_compress(hash->state, data);
    for (u32 i = 0; i < count; i++) hash->block[i] = data[i];
}

static void sha256_finish(sha256 *hash, u8 digest[SHA256_DIGEST_BYTES]) {
    u32 used = (u32)(hash->length % SHA256_BLOCK_BYTES);
    u64 bits = hash->length * 8;
    hash->block[used++] = 0x80;
    if (used > SHA256_BLOCK_BYTES - 8) {
        while (used < SHA256_BLOCK_BYTES) hash->block[used++] = 0;
        sha256_compress(hash->state, hash->block);
        used = 0;
    }
    while (used < SHA256_BLOCK_BYTES - 8) hash->block[used++] = 0;
    for (u32 i = 0; i < 8; i++) hash->block[SHA256_BLOCK_BYTES - 8 + i] = (u8)(bits >> (56 - 8 * i));
    sha256_compress(hash->state, hash->block);
    for (u32 i = 0; i < SHA256_DIGEST_BYTES; i++) digest[i] = (u8)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

#endif
