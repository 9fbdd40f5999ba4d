/*
 * jwt-check - lets a request pass only with a valid JSON Web Token (RFC 7519) signed with HS256. README.md has the configuration.
 *
 * Order: shape, signature over the text as it stands (constant time), then the header's algorithm and the claims. The header is read only
 * after its signature was found good, so no parser works on what a stranger wrote; a token that names another algorithm is refused.
 */
#include <bimetal_base64url.h>
#include <bimetal_json_scan.h>
#include <bimetal_sha256.h>
#include <bimetal_text.h>

#define MIN_KEY_BYTES 32u /* RFC 7518, 3.2: at least the size of the hash */
#define MAX_KEY_BYTES 1024u
#define MAX_TOKEN_BYTES 8192u
#define MAX_SUBJECT_BYTES 256u
#define MAX_LEEWAY_SECONDS 86400
#define SIGNATURE_LENGTH 43u
#define NANOSECONDS_PER_SECOND 1000000000u
#define MAX_TIME 253402300799u /* the end of the year 9999 */

/* Written by configure, only read afterwards. */
static struct {
    hmac_sha256_key key;
    bp_slice issuer;   /* empty: any */
    bp_slice audience; /* empty: any */
    bp_slice header;   /* that the upstream gets the subject in */
    uint64_t leeway_seconds;
} s_settings;

typedef enum verdict { VALID, MISSING, MALFORMED, BAD_SIGNATURE, BAD_ALGORITHM, EXPIRED, NOT_YET_VALID, WRONG_ISSUER, WRONG_AUDIENCE } verdict;

static const char *const s_reasons[] = {
    [MISSING] = "missing", [MALFORMED] = "malformed", [BAD_SIGNATURE] = "bad-signature", [BAD_ALGORITHM] = "bad-algorithm", [EXPIRED] = "expired",
    [NOT_YET_VALID] = "not-yet-valid", [WRONG_ISSUER] = "wrong-issuer", [WRONG_AUDIENCE] = "wrong-audience",
};

struct claims {
    uint64_t expiry;     /* 0: none */
    uint64_t not_before; /* 0: none */
    bool has_issuer;     /* the right one */
    bool has_audience;   /* the right one */
    uint8_t subject[MAX_SUBJECT_BYTES];
    size_t subject_length;
};

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool take_key(bp_slice text, bool is_base64url)
{
    static uint8_t key[MAX_KEY_BYTES];
    size_t length = text.length;
    if (text.length > MAX_KEY_BYTES * 4 / 3 || (!is_base64url && text.length > MAX_KEY_BYTES)) return bp_refuse("jwt-check: the key has more than 1024 bytes");
    if (is_base64url ? !bp_base64url_decode(text, key, &length) : (memcpy(key, text.data, text.length), false))
        return bp_refuse("jwt-check: key_base64url is not base64url");
    if (length < MIN_KEY_BYTES) return bp_refuse("jwt-check: the key must have at least 32 bytes");
    hmac_sha256_prepare(&s_settings.key, key, length);
    memset(key, 0, sizeof key);
    return true;
}

static bool take_member(const bp_json_member *member, bool *has_key)
{
    if (bp_json_is(member, "leeway_seconds")) {
        if (member->kind != BP_JSON_NUMBER || member->number < 0 || member->number > MAX_LEEWAY_SECONDS)
            return bp_refuse("jwt-check: leeway_seconds must be a number from 0 to 86400");
        s_settings.leeway_seconds = (uint64_t)member->number;
        return true;
    }
    bp_slice text;
    if (!bp_keep_text(member, &text)) return bp_refuse("jwt-check: every key but leeway_seconds takes a string");
    bool is_base64url = bp_json_is(member, "key_base64url");
    if (is_base64url || bp_json_is(member, "key")) {
        if (*has_key) return bp_refuse("jwt-check: give one of key and key_base64url, once");
        *has_key = true;
        return take_key(text, is_base64url);
    }
    if (bp_json_is(member, "issuer")) s_settings.issuer = text;
    else if (bp_json_is(member, "audience")) s_settings.audience = text;
    else if (bp_json_is(member, "subject_header")) s_settings.header = text;
    else return bp_refuse("jwt-check: unknown key; there are key, key_base64url, issuer, audience, subject_header, leeway_seconds");
    return true;
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    bool has_key = false;
    s_settings.header = bp_text("x-jwt-subject");
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("jwt-check: the configuration must be a JSON object, such as {\"key\":\"...\"}");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member, &has_key)) return false;
    if (!bp_json_ended(&reader)) return bp_refuse("jwt-check: the configuration is not a flat JSON object");
    return has_key || bp_refuse("jwt-check: the configuration lacks key");
}
BP_ON_CONFIGURE(configure)

/* ---- The token -------------------------------------------------------------------------------------------------------------------- */

/* A NumericDate, fractions cut off. */
static bool read_time(const bp_scan_token *token, uint64_t *seconds)
{
    if (token->kind != BP_SCAN_NUMBER) return false;
    return bp_parse_decimal(bp_part(token->text, 0, bp_find(token->text, '.')), MAX_TIME, seconds);
}

/* A string, or an array that holds it (RFC 7519, 4.1.3). */
static bool read_audience(bp_scan *scan, bool *is_ours)
{
    bp_scan_token token;
    if (!bp_scan_next(scan, &token)) return false;
    if (token.kind == BP_SCAN_STRING) {
        *is_ours = bp_equals(token.text, s_settings.audience);
        return true;
    }
    if (token.kind != BP_SCAN_ARRAY) return false;
    while (bp_scan_next(scan, &token)) {
        if (token.kind == BP_SCAN_ARRAY_END) return true;
        if (token.kind != BP_SCAN_STRING) return false;
        *is_ours |= bp_equals(token.text, s_settings.audience);
    }
    return false;
}

/* It becomes a header's value: visible ASCII without escapes, or it is refused. */
static bool read_subject(const bp_scan_token *token, struct claims *claims)
{
    if (token->kind != BP_SCAN_STRING || token->text.length == 0 || token->text.length > MAX_SUBJECT_BYTES) return false;
    for (size_t i = 0; i < token->text.length; i++)
        if (token->text.data[i] <= 0x20 || token->text.data[i] >= 0x7f || token->text.data[i] == '\\') return false;
    memcpy(claims->subject, token->text.data, token->text.length);
    claims->subject_length = token->text.length;
    return true;
}

static bool read_claim(bp_scan *scan, bp_slice name, struct claims *claims)
{
    bp_scan_token token;
    if (bp_equals(name, bp_text("aud"))) return read_audience(scan, &claims->has_audience);
    bool is_known = bp_equals(name, bp_text("exp")) || bp_equals(name, bp_text("nbf")) || bp_equals(name, bp_text("iss")) || bp_equals(name, bp_text("sub"));
    if (!is_known) return bp_scan_skip(scan);
    if (!bp_scan_next(scan, &token)) return false;
    switch (name.data[0]) {
    case 'e': return read_time(&token, &claims->expiry) && claims->expiry != 0;
    case 'n': return read_time(&token, &claims->not_before);
    case 'i': claims->has_issuer = bp_equals(token.text, s_settings.issuer); return token.kind == BP_SCAN_STRING;
    default: return read_subject(&token, claims);
    }
}

static bool read_claims(bp_slice payload, struct claims *claims)
{
    bp_scan scan;
    bp_scan_token token;
    bp_scan_begin(&scan, payload);
    if (!bp_scan_next(&scan, &token) || token.kind != BP_SCAN_OBJECT) return false;
    while (bp_scan_next(&scan, &token))
        if (token.kind == BP_SCAN_KEY && !read_claim(&scan, token.text, claims)) return false;
    return bp_scan_ended(&scan);
}

/* alg must be HS256, and crit must not be there: it names extensions that have to be understood (RFC 7515, 4.1.11). */
static verdict read_header(bp_slice header)
{
    bp_scan scan;
    bp_scan_token token;
    bool is_hs256 = false, is_critical = false;
    bp_scan_begin(&scan, header);
    if (!bp_scan_next(&scan, &token) || token.kind != BP_SCAN_OBJECT) return MALFORMED;
    while (bp_scan_next(&scan, &token)) {
        if (token.kind != BP_SCAN_KEY) continue;
        bool is_algorithm = bp_equals(token.text, bp_text("alg"));
        is_critical |= bp_equals(token.text, bp_text("crit"));
        if (!is_algorithm && !bp_scan_skip(&scan)) return MALFORMED;
        if (is_algorithm && bp_scan_next(&scan, &token)) is_hs256 = token.kind == BP_SCAN_STRING && bp_equals(token.text, bp_text("HS256"));
    }
    if (!bp_scan_ended(&scan)) return MALFORMED;
    return is_hs256 && !is_critical ? VALID : BAD_ALGORITHM;
}

static verdict judge(const struct claims *claims)
{
    uint64_t now = bp_now_realtime() / NANOSECONDS_PER_SECOND;
    if (now == 0 || claims->expiry == 0 || now >= claims->expiry + s_settings.leeway_seconds) return EXPIRED; /* no clock, no expiry: not valid */
    if (now + s_settings.leeway_seconds < claims->not_before) return NOT_YET_VALID;
    if (s_settings.issuer.length != 0 && !claims->has_issuer) return WRONG_ISSUER;
    if (s_settings.audience.length != 0 && !claims->has_audience) return WRONG_AUDIENCE;
    return VALID;
}

static verdict check(bp_slice token, struct claims *claims)
{
    if (token.length < SIGNATURE_LENGTH + 4 || token.length > MAX_TOKEN_BYTES) return MALFORMED;
    bp_slice signed_part = bp_bytes(token.data, token.length - SIGNATURE_LENGTH - 1);
    size_t dot = bp_find(signed_part, '.');
    bp_slice header = bp_part(signed_part, 0, dot), payload = bp_part(signed_part, dot + 1, signed_part.length);
    uint8_t offered[SHA256_BYTES + 1], computed[SHA256_BYTES];
    size_t length;
    bool has_shape = token.data[signed_part.length] == '.' && dot != signed_part.length && bp_find(payload, '.') == payload.length;
    if (!has_shape || !bp_base64url_decode(bp_part(token, signed_part.length + 1, SIGNATURE_LENGTH), offered, &length)) return MALFORMED;
    hmac_sha256(&s_settings.key, signed_part.data, signed_part.length, computed);
    if (!bp_equals_constant_time(offered, computed, SHA256_BYTES)) return BAD_SIGNATURE;

    uint8_t text[MAX_TOKEN_BYTES];
    if (!bp_base64url_decode(header, text, &length)) return MALFORMED;
    verdict result = read_header(bp_bytes(text, length));
    if (result != VALID) return result;
    if (!bp_base64url_decode(payload, text, &length) || !read_claims(bp_bytes(text, length), claims)) return MALFORMED;
    return judge(claims);
}

/* ---- The request ------------------------------------------------------------------------------------------------------------------ */

static bp_action reject(bp_stream stream, verdict why)
{
    uint8_t text[64];
    bp_writer body = bp_writer_over(text, sizeof text);
    bp_put_text(&body, "{\"error\":\"");
    bp_put_text(&body, s_reasons[why]);
    bp_put_text(&body, "\"}\n");
    bp_field fields[] = {
        {bp_text("content-type"), bp_text("application/json")},
        {bp_text("www-authenticate"), why == MISSING ? bp_text("Bearer") : bp_text("Bearer error=\"invalid_token\"")},
        {bp_text("x-jwt-error"), bp_text(s_reasons[why])},
    };
    bp_respond(stream, 401, fields, sizeof fields / sizeof *fields, bp_written(&body));
    return BP_PAUSE;
}

static bool find_token(bp_stream stream, bp_slice *token)
{
    bp_slice value;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, "authorization", &value) != BP_OK || !bp_starts_with_ignoring_case(value, "bearer ")) return false;
    *token = bp_trim(bp_part(value, 7, value.length));
    return true;
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    struct claims claims;
    claims.expiry = claims.not_before = 0;
    claims.has_issuer = claims.has_audience = false;
    claims.subject_length = 0;
    bp_slice token;
    verdict result = find_token(stream, &token) ? check(token, &claims) : MISSING;
    if (result != VALID) return reject(stream, result);

    /* Whatever the client sent under this name is gone: the upstream trusts it. */
    if (claims.subject_length == 0) bp_header_remove_named(stream, BP_REQUEST_HEADERS, s_settings.header);
    else if (bp_header_set_named(stream, BP_REQUEST_HEADERS, s_settings.header, bp_bytes(claims.subject, claims.subject_length)) != BP_OK)
        return reject(stream, MALFORMED);
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)
