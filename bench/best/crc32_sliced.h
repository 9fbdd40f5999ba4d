/* CRC-32 (ISO 3309), eight bytes at a step by eight tables, which are made when the plugin is loaded. */
static uint32_t s_crc[8][256];

__attribute__((constructor)) static void make_crc_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
        s_crc[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int table = 1; table < 8; table++) s_crc[table][byte] = s_crc[table - 1][byte] >> 8 ^ s_crc[0][s_crc[table - 1][byte] & 255];
}

static uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t eight;
        memcpy(&eight, bytes, 8);
        eight ^= crc;
        crc = 0;
        for (int byte = 0; byte < 8; byte++) crc ^= s_crc[7 - byte][eight >> 8 * byte & 255];
    }
    for (; length != 0; bytes++, length--) crc = crc >> 8 ^ s_crc[0][(crc ^ *bytes) & 255];
    return ~crc;
}
