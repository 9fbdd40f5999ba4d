/*
 * headers - the head of an HTTP/1.1 request of about 1 KiB: request line, names checked and lower-cased, values trimmed, the known
 * names found in a perfect-hash-like table, cookies and the accepted encodings split (RFC 9110, 9112).
 */
#include "kernel.h"

#define HEAD_MAX_BYTES 2048u
#define MAX_HEADERS 64u
#define NAME_MAX_BYTES 64u
#define TABLE_SLOTS 64u

typedef struct header {
    u32 name, nameLength, value, valueLength; /* offsets in the head */
    u32 known;                                /* 1 + index of s_known, or 0 */
} header;

static const char *const s_known[] = {"host", "user-agent", "accept", "accept-encoding", "accept-language", "authorization", "cache-control",
    "connection", "content-length", "content-type", "cookie", "if-none-match", "origin", "referer", "traceparent", "x-forwarded-for", "x-request-id"};
static const char s_request[] =
    "GET /v1/accounts/7731/statements?from=2024-01-01&to=2024-03-31 HTTP/1.1\r\nHost: api.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: application/json, text/plain;q=0.9, */*;q=0.8\r\nAccept-Encoding: gzip, deflate, br;q=0.9, zstd\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.7\r\n"
    "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3NzMxIiwiZXhwIjoxNzE5MDAwMDAwfQ.h7Jq0u1xQ0m2vV0m3b1J4kT5sY6r7Z8x9C0v1B2n3M4\r\n"
    "Cookie: session=31d4d96e407aad42; theme=dark; consent=necessary+statistics; _ga=GA1.2.1234567890.1719000000\r\n"
    "Referer: https://app.example.com/accounts/7731\r\nOrigin: https://app.example.com\r\nTraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    "X-Forwarded-For: 203.0.113.7, 198.51.100.23\r\nX-Request-ID:   6f1b3c2a-93c1-4f7e-8d55-0f6f4f4a7c11  \r\nIf-None-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n"
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-site\r\nDNT: 1\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n\r\n";

static u8 s_head[HEAD_MAX_BYTES], s_isToken[256];
static u32 s_length;
static u8 s_table[TABLE_SLOTS];

static u32 hash(const u8 *name, u32 length) {
    u32 h = length;
    for (u32 i = 0; i < length; i++) h = h * 31 + name[i];
    return (h ^ h >> 7) % TABLE_SLOTS;
}

static u32 find_known(const u8 *name, u32 length) {
    for (u32 slot = hash(name, length); s_table[slot] != 0; slot = (slot + 1) % TABLE_SLOTS) {
        const char *known = s_known[s_table[slot] - 1];
        u32 i = 0;
        while (i < length && known[i] != '\0' && (u8)known[i] == name[i]) i++;
        if (i == length && known[i] == '\0') return s_table[slot];
    }
    return 0;
}

/* Elements of a list and the lengths of what stands before the parameters, separated by a character. */
static u64 walk_list(const u8 *value, u32 length, u8 separator, u64 checksum) {
    u32 i = 0;
    while (i < length) {
        while (i < length && (value[i] == ' ' || value[i] == separator)) i++;
        u32 start = i;
        while (i < length && value[i] != separator && value[i] != ';' && value[i] != '=') i++;
        if (i > start) checksum = mix(checksum, (i - start) << 8 | value[start]);
        while (i < length && value[i] != separator) i++;
    }
    return checksum;
}

/* The number of headers, or 0 when the head is malformed. */
static u32 parse(const u8 *head, u32 length, header *headers) {
    u32 at = 0, spaces = 0, count = 0;
    for (; at < length && head[at] != '\r'; at++) {
        if (head[at] < 0x20 || head[at] == 0x7f) return 0;
        spaces += head[at] == ' ';
    }
    if (spaces != 2) return 0;
    while (at + 4 <= length && count < MAX_HEADERS) {
        at += 2;
        if (head[at] == '\r') return head[at + 1] == '\n' ? count : 0;
        u8 lower[NAME_MAX_BYTES];
        header *header = &headers[count++];
        header->name = at;
        while (at < length && s_isToken[head[at]] && at - header->name < NAME_MAX_BYTES) {
            u8 c = head[at];
            lower[at++ - header->name] = (u8)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        header->nameLength = at - header->name;
        if (header->nameLength == 0 || at == length || head[at++] != ':') return 0;
        while (at < length && (head[at] == ' ' || head[at] == '\t')) at++;
        header->value = at;
        while (at < length && (head[at] >= 0x20 || head[at] == '\t')) at++;
        if (at == length || head[at] != '\r') return 0;
        u32 end = at;
        while (end > header->value && (head[end - 1] == ' ' || head[end - 1] == '\t')) end--;
        header->valueLength = end - header->value;
        header->known = find_known(lower, header->nameLength);
    }
    return 0;
}

void setup(void) {
    s_length = append(s_head, 0, s_request);
    for (u32 c = 0; c < 256; c++) s_isToken[c] = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
    for (const char *c = "!#$%&'*+-.^_`|~"; *c != '\0'; c++) s_isToken[(u8)*c] = 1;
    for (u32 i = 0; i < LENGTH(s_known); i++) {
        u32 slot = hash((const u8 *)s_known[i], text_length(s_known[i]));
        while (s_table[slot] != 0) slot = (slot + 1) % TABLE_SLOTS;
        s_table[slot] = (u8)(i + 1);
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        header headers[MAX_HEADERS];
        s_head[5] = (u8)('a' + i % 26);
        u32 count = parse(s_head, s_length, headers);
        for (u32 k = 0; k < count; k++) {
            const header *header = &headers[k];
            checksum = mix(checksum, header->known << 24 | header->nameLength << 16 | header->valueLength);
            if (header->known == 0) continue;
            u8 first = s_known[header->known - 1][0];
            if (first == 'a') checksum = walk_list(s_head + header->value, header->valueLength, ',', checksum);
            if (first == 'c') checksum = walk_list(s_head + header->value, header->valueLength, ';', checksum);
        }
        checksum = mix(checksum, s_head[5]);
    }
    return checksum;
}
