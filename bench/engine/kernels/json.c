/*
 * json - a document of about 8 KiB is checked in full (RFC 8259) by a recursive descent, while its members are looked for by the
 * names that a policy asks for: their numbers are added up, their strings hashed.
 */
#include "kernel.h"

#define DOCUMENT_MAX_BYTES 16384u
#define RECORD_COUNT 48u
#define MAX_DEPTH 32u

typedef struct parser {
    const u8 *at, *end;
    u64 found;  /* checksum of what was looked for */
    u32 values; /* all values, of any kind */
} parser;

static const char *const s_wanted[] = {"sub", "exp", "score", "roles"};
static u8 s_document[DOCUMENT_MAX_BYTES];
static u32 s_length;

static u32 parse_value(parser *p, u32 depth, u32 wanted);

static void skip_space(parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) p->at++;
}

static u32 accept(parser *p, u8 character) {
    skip_space(p);
    if (p->at == p->end || *p->at != character) return 0;
    p->at++;
    return 1;
}

static u32 is_hex(u8 c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

/* A string whose opening quote was read; gives its hash. */
static u32 parse_string(parser *p, u32 *hash) {
    u32 h = 2166136261u;
    while (p->at < p->end) {
        u8 c = *p->at++;
        if (c == '"') {
            *hash = h;
            return 1;
        }
        if (c < 0x20) return 0;
        if (c == '\\') {
            if (p->at == p->end) return 0;
            c = *p->at++;
            switch (c) {
                case '"': case '\\': case '/': break;
                case 'b': c = '\b'; break;
                case 'f': c = '\f'; break;
                case 'n': c = '\n'; break;
                case 'r': c = '\r'; break;
                case 't': c = '\t'; break;
                case 'u':
                    if (p->end - p->at < 4) return 0;
                    for (u32 i = 0; i < 4; i++) {
                        if (!is_hex(p->at[i])) return 0;
                        h = (h ^ p->at[i]) * 16777619u;
                    }
                    p->at += 4;
                    break;
                default: return 0;
            }
        }
        h = (h ^ c) * 16777619u;
    }
    return 0;
}

static u32 parse_digits(parser *p, double *number, double *scale) {
    const u8 *start = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        *number = *number * 10 + (*p->at++ - '0');
        *scale *= 10;
    }
    return p->at != start;
}

static u32 parse_number(parser *p, double *result) {
    double number = 0, scale = 1, ignored = 1;
    u32 negative = *p->at == '-';
    if (negative) p->at++;
    const u8 *first = p->at;
    if (!parse_digits(p, &number, &ignored)) return 0;
    if (*first == '0' && p->at - first > 1) return 0;
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (!parse_digits(p, &number, &scale)) return 0;
    }
    double exponent = 0;
    if (p->at < p->end && (*p->at | 32) == 'e') {
        p->at++;
        u32 down = p->at < p->end && *p->at == '-';
        if (p->at < p->end && (*p->at == '-' || *p->at == '+')) p->at++;
        if (!parse_digits(p, &exponent, &ignored)) return 0;
        for (; exponent >= 1; exponent -= 1) scale = down ? scale * 10 : scale / 10;
    }
    number /= scale;
    *result = negative ? -number : number;
    return 1;
}

static u32 parse_word(parser *p, const char *word) {
    for (; *word != '\0'; word++) {
        if (p->at == p->end || *p->at++ != (u8)*word) return 0;
    }
    return 1;
}

static u32 is_wanted(const u8 *name, u32 length) {
    for (u32 i = 0; i < LENGTH(s_wanted); i++) {
        const char *wanted = s_wanted[i];
        u32 at = 0;
        while (at < length && wanted[at] != '\0' && (u8)wanted[at] == name[at]) at++;
        if (at == length && wanted[at] == '\0') return 1;
    }
    return 0;
}

static u32 parse_object(parser *p, u32 depth) {
    if (accept(p, '}')) return 1;
    do {
        if (!accept(p, '"')) return 0;
        const u8 *name = p->at;
        u32 hash;
        if (!parse_string(p, &hash)) return 0;
        u32 wanted = is_wanted(name, (u32)(p->at - 1 - name));
        if (!accept(p, ':') || !parse_value(p, depth, wanted)) return 0;
    } while (accept(p, ','));
    return accept(p, '}');
}

static u32 parse_array(parser *p, u32 depth, u32 wanted) {
    if (accept(p, ']')) return 1;
    do {
        if (!parse_value(p, depth, wanted)) return 0;
    } while (accept(p, ','));
    return accept(p, ']');
}

static u32 parse_value(parser *p, u32 depth, u32 wanted) {
    skip_space(p);
    if (p->at == p->end || depth == MAX_DEPTH) return 0;
    p->values++;
    switch (*p->at) {
        case '{': p->at++; return parse_object(p, depth + 1);
        case '[': p->at++; return parse_array(p, depth + 1, wanted);
        case 't': return parse_word(p, "true");
        case 'f': return parse_word(p, "false");
        case 'n': return parse_word(p, "null");
        case '"': {
            u32 hash;
            p->at++;
            if (!parse_string(p, &hash)) return 0;
            if (wanted) p->found = mix(p->found, hash);
            return 1;
        }
        default: {
            double number;
            if (!parse_number(p, &number)) return 0;
            if (wanted) p->found = mix(p->found, (u64)(long long)(number * 1000));
            return 1;
        }
    }
}

void setup(void) {
    u32 random = 5, n = append(s_document, 0, "{\"version\": 3, \"items\": [\n");
    for (u32 i = 0; i < RECORD_COUNT; i++) {
        if (i > 0) n = append(s_document, n, ",\n");
        n = append(s_document, n, "  {\"sub\": \"user-");
        n = append_number(s_document, n, next_random(&random));
        n = append(s_document, n, "\", \"exp\": 17");
        n = append_number(s_document, n, 10000000 + next_random(&random) % 80000000);
        n = append(s_document, n, ", \"active\": ");
        n = append(s_document, n, i % 3 == 0 ? "false" : "true");
        n = append(s_document, n, ", \"score\": -0.");
        n = append_number(s_document, n, next_random(&random) % 1000);
        n = append(s_document, n, i % 5 == 0 ? "e1" : "");
        n = append(s_document, n, ", \"roles\": [\"reader\", \"w\\u0072iter\"], \"note\": \"line\\none \\\"two\\\"\", \"parent\": {\"id\": null}}");
    }
    s_length = append(s_document, n, "\n]}\n");
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        s_document[12] = (u8)('0' + i % 10); /* the version */
        parser p = {s_document, s_document + s_length, 0, 0};
        u32 valid = parse_value(&p, 0, 0);
        skip_space(&p);
        checksum = mix(checksum, p.found + p.values + (valid && p.at == p.end));
    }
    return checksum;
}
