/* aho-corasick - a body of 8 KiB is searched for some forty signatures at once, as a web application firewall does. */
#include "kernel.h"

#define BODY_BYTES 8192u
#define MAX_STATES 640u

static const char *const s_patterns[] = {"<script", "javascript:", "onerror=", "onload=", "document.cookie", "eval(", "union select", "or 1=1", "drop table",
    "insert into", "--", "/*", "xp_cmdshell", "information_schema", "../", "..\\", "/etc/passwd", "/proc/self", "cmd.exe", "powershell", "wget ", "curl ",
    "base64_decode", "phpinfo", "<?php", "${jndi:", "ldap://", "rmi://", "file://", "gopher://", "sleep(", "benchmark(", "load_file", "into outfile", "char(",
    "concat(", "waitfor delay", "<iframe", "<object", "srcdoc="};
static const char *const s_words[] = {"the ", "user ", "selected ", "a document ", "from the table ", "and the order ", "was onload ", "script ", "cookie ", "in 2024; ",
    "path/to/file ", "value=1&", "name=wool ", "evaluate ", "dropped ", "-", ".", "<b>", "</b>", "\n"};

static u16 s_next[MAX_STATES][256]; /* the automaton in full: one look-up for each byte */
static u8 s_matches[MAX_STATES];    /* how many patterns end in a state */
static u8 s_body[BODY_BYTES];

static void build(void) {
    static u16 fallback[MAX_STATES], queue[MAX_STATES];
    u32 count = 1, head = 0, tail = 0;
    for (u32 i = 0; i < LENGTH(s_patterns); i++) {
        u32 state = 0;
        for (const char *c = s_patterns[i]; *c != '\0'; c++) {
            u16 *next = &s_next[state][(u8)*c];
            if (*next == 0) *next = (u16)count++;
            state = *next;
        }
        s_matches[state]++;
    }
    for (u32 c = 0; c < 256; c++) {
        if (s_next[0][c] != 0) queue[tail++] = s_next[0][c];
    }
    while (head < tail) {
        u32 state = queue[head++];
        s_matches[state] += s_matches[fallback[state]];
        for (u32 c = 0; c < 256; c++) {
            u16 *next = &s_next[state][c];
            u16 otherwise = s_next[fallback[state]][c];
            if (*next == 0) {
                *next = otherwise;
            } else {
                fallback[*next] = otherwise;
                queue[tail++] = *next;
            }
        }
    }
}

void setup(void) {
    build();
    u32 random = 7, n = 0;
    while (n < BODY_BYTES - 32) {
        u32 pick = next_random(&random);
        n = append(s_body, n, pick % 97 == 0 ? s_patterns[pick / 97 % LENGTH(s_patterns)] : s_words[pick / 97 % LENGTH(s_words)]);
    }
    while (n < BODY_BYTES) s_body[n++] = ' ';
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < 16; i++) s_body[i] = ' ';
    for (u32 i = 0; i < iterations; i++) {
        u32 state = 0, found = 0;
        u64 places = 0;
        s_body[i % 16] = (u8)('a' + i % 26);
        for (u32 at = 0; at < BODY_BYTES; at++) {
            u8 c = s_body[at];
            if (c >= 'A' && c <= 'Z') c += 32;
            state = s_next[state][c];
            if (s_matches[state] != 0) {
                found += s_matches[state];
                places += at;
            }
        }
        checksum = mix(checksum, places << 16 | found);
    }
    return checksum;
}
