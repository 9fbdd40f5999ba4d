/*
 * bimetal_sha256.h - SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over it. Plain C without tables of pointers, allocation or data-dependent branches.
 * Checked by the cases of plugins/token-auth, whose signatures were made by another implementation: messages of every length around a block, long keys.
 */
#ifndef BIMETAL_SHA256_H
#define BIMETAL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32u
#define SHA256_BLOCK_BYTES 64u

/* The chaining value after whole blocks. */
typedef struct sha256_state {
    uint32_t h[8];
} sha256_state;

static const sha256_state sha256_initial = {
    {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};

static const uint32_t sha256_round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t sha256_rotate(uint32_t value, unsigned count)
{
    return (value >> count) | (value << (32 - count));
}

static inline uint32_t sha256_load(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void sha256_store(uint8_t *bytes, uint32_t word)
{
    bytes[0] = (uint8_t)(word >> 24);
    bytes[1] = (uint8_t)(word >> 16);
    bytes[2] = (uint8_t)(word >> 8);
    bytes[3] = (uint8_t)word;
}

/* Takes one block of 64 bytes into the state (FIPS 180-4, 6.2.2). */
static inline void sha256_block_portable(sha256_state *state, const uint8_t *block)
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++) w[i] = sha256_load(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = sha256_rotate(w[i - 15], 7) ^ sha256_rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
        uint32_t s1 = sha256_rotate(w[i - 2], 17) ^ sha256_rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }

    uint32_t a = state->h[0], b = state->h[1], c = state->h[2], d = state->h[3];
    uint32_t e = state->h[4], f = state->h[5], g = state->h[6], h = state->h[7];
    for (int i = 0; i < 64; i++) {
        uint32_t sum1 = sha256_rotate(e, 6) ^ sha256_rotate(e, 11) ^ sha256_rotate(e, 25);
        uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + sha256_round_constants[i] + w[i];
        uint32_t sum0 = sha256_rotate(a, 2) ^ sha256_rotate(a, 13) ^ sha256_rotate(a, 22);
        uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state->h[0] += a, state->h[1] += b, state->h[2] += c, state->h[3] += d;
    state->h[4] += e, state->h[5] += f, state->h[6] += g, state->h[7] += h;
}

#if defined(SHA256_BLOCK)
#include SHA256_BLOCK /* a header with a sha256_block for one kind of processor */
#else
static void sha256_block(sha256_state *state, const uint8_t *block)
{
    sha256_block_portable(state, block);
}
#endif

/* Ends a message: its last bytes after taken_bytes (a multiple of 64) that the state has seen; writes the 32 bytes of the digest. */
static void sha256_finish(sha256_state state, uint64_t taken_bytes, const uint8_t *rest, size_t rest_length, uint8_t digest[SHA256_BYTES])
{
    uint64_t total_bits = (taken_bytes + rest_length) * 8;
    for (; rest_length >= SHA256_BLOCK_BYTES; rest_length -= SHA256_BLOCK_BYTES, rest += SHA256_BLOCK_BYTES) sha256_block(&state, rest);

    uint8_t last[2 * SHA256_BLOCK_BYTES] = {0};
    if (rest_length != 0) memcpy(last, rest, rest_length);
    last[rest_length] = 0x80;
    size_t last_length = rest_length < SHA256_BLOCK_BYTES - 8 ? SHA256_BLOCK_BYTES : 2 * SHA256_BLOCK_BYTES;
    sha256_store(last + last_length - 8, (uint32_t)(total_bits >> 32));
    sha256_store(last + last_length - 4, (uint32_t)total_bits);
    sha256_block(&state, last);
    if (last_length > SHA256_BLOCK_BYTES) sha256_block(&state, last + SHA256_BLOCK_BYTES);
    for (int i = 0; i < 8; i++) sha256_store(digest + 4 * i, state.h[i]);
}

/* A key of HMAC-SHA256, with both of its blocks taken in already: two compressions fewer for every message. */
typedef struct hmac_sha256_key {
    sha256_state inner;
    sha256_state outer;
} hmac_sha256_key;

static void hmac_sha256_prepare(hmac_sha256_key *prepared, const uint8_t *key, size_t key_length)
{
    uint8_t block[SHA256_BLOCK_BYTES] = {0};
    if (key_length > SHA256_BLOCK_BYTES)
        sha256_finish(sha256_initial, 0, key, key_length, block);
    else if (key_length != 0)
        memcpy(block, key, key_length);

    prepared->inner = sha256_initial;
    prepared->outer = sha256_initial;
    for (size_t i = 0; i < SHA256_BLOCK_BYTES; i++) block[i] ^= 0x36;
    sha256_block(&prepared->inner, block);
    for (size_t i = 0; i < SHA256_BLOCK_BYTES; i++) block[i] ^= 0x36 ^ 0x5c;
    sha256_block(&prepared->outer, block);
}

static void hmac_sha256(const hmac_sha256_key *key, const uint8_t *message, size_t length, uint8_t code[SHA256_BYTES])
{
    sha256_finish(key->inner, SHA256_BLOCK_BYTES, message, length, code);
    sha256_finish(key->outer, SHA256_BLOCK_BYTES, code, SHA256_BYTES, code);
}

#endif
