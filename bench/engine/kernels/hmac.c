/* hmac - HMAC-SHA256 (RFC 2104) of tokens of a few hundred bytes, each compared with its signature in constant time. */
#include "sha256.h"

#define TOKEN_COUNT 8u
#define TOKEN_MAX_BYTES 400u
#define KEY_BYTES 32u

typedef struct token {
    u32 length;
    u8 bytes[TOKEN_MAX_BYTES];
    u8 signature[SHA256_DIGEST_BYTES];
} token;

static u8 s_key[KEY_BYTES];
static token s_tokens[TOKEN_COUNT];

static void hmac_sha256(const u8 *key, const u8 *data, u32 count, u8 mac[SHA256_DIGEST_BYTES]) {
    u8 pad[SHA256_BLOCK_BYTES];
    sha256 hash;
    for (u32 i = 0; i < SHA256_BLOCK_BYTES; i++) pad[i] = (u8)((i < KEY_BYTES ? key[i] : 0) ^ 0x36);
    sha256_start(&hash);
    sha256_update(&hash, pad, SHA256_BLOCK_BYTES);
    sha256_update(&hash, data, count);
    sha256_finish(&hash, mac);
    for (u32 i = 0; i < SHA256_BLOCK_BYTES; i++) pad[i] ^= 0x36 ^ 0x5c;
    sha256_start(&hash);
    sha256_update(&hash, pad, SHA256_BLOCK_BYTES);
    sha256_update(&hash, mac, SHA256_DIGEST_BYTES);
    sha256_finish(&hash, mac);
}

static u32 differs(const u8 *left, const u8 *right, u32 count) {
    u8 difference = 0;
    for (u32 i = 0; i < count; i++) difference |= left[i] ^ right[i];
    return difference != 0;
}

void setup(void) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    u32 random = 2;
    for (u32 i = 0; i < KEY_BYTES; i++) s_key[i] = (u8)next_random(&random);
    for (u32 t = 0; t < TOKEN_COUNT; t++) {
        token *token = &s_tokens[t];
        token->length = 120 + next_random(&random) % (TOKEN_MAX_BYTES - 120);
        for (u32 i = 0; i < token->length; i++) token->bytes[i] = (u8)alphabet[next_random(&random) % 64];
        hmac_sha256(s_key, token->bytes, token->length, token->signature);
        if (t % 4 == 3) token->signature[t] ^= 1; /* a forged one */
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        const token *token = &s_tokens[i % TOKEN_COUNT];
        u8 mac[SHA256_DIGEST_BYTES];
        hmac_sha256(s_key, token->bytes, token->length, mac);
        checksum = mix(checksum, differs(mac, token->signature, SHA256_DIGEST_BYTES) + mac[0]);
    }
    return checksum;
}
