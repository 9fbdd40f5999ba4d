/* crc32 - the CRC of gzip over an 8 KiB body, eight table look-ups for eight bytes ("slicing by 8"). */
#include "kernel.h"

#define BODY_BYTES 8192u
#define POLYNOMIAL 0xedb88320u

static u32 s_tables[8][256];
static u8 s_body[BODY_BYTES];

static u32 little_endian(const u8 *p) { return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24; }

static u32 crc32(const u8 *data, u32 count) {
    u32 crc = ~0u;
    for (; count >= 8; count -= 8, data += 8) {
        u32 low = crc ^ little_endian(data), high = little_endian(data + 4);
        crc = s_tables[7][low & 255] ^ s_tables[6][low >> 8 & 255] ^ s_tables[5][low >> 16 & 255] ^ s_tables[4][low >> 24] ^
              s_tables[3][high & 255] ^ s_tables[2][high >> 8 & 255] ^ s_tables[1][high >> 16 & 255] ^ s_tables[0][high >> 24];
    }
    for (; count > 0; count--) crc = crc >> 8 ^ s_tables[0][(crc ^ *data++) & 255];
    return ~crc;
}

void setup(void) {
    for (u32 byte = 0; byte < 256; byte++) {
        u32 crc = byte;
        for (u32 bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        s_tables[0][byte] = crc;
    }
    for (u32 byte = 0; byte < 256; byte++) {
        for (u32 table = 1; table < 8; table++) {
            u32 previous = s_tables[table - 1][byte];
            s_tables[table][byte] = previous >> 8 ^ s_tables[0][previous & 255];
        }
    }
    u32 random = 3;
    for (u32 i = 0; i < BODY_BYTES; i++) s_body[i] = (u8)next_random(&random);
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        s_body[0] = (u8)i;
        checksum = mix(checksum, crc32(s_body, BODY_BYTES - i % 8));
    }
    return checksum;
}
