/*
 * token-auth - lets a request pass only with a valid, unexpired token. README.md has the format of the token and the configuration.
 *
 * A token is checked in this order: shape, signature (constant time), contents, expiry. So nothing that came from the client is parsed
 * beyond the two base64url alphabets before the signature has been found good.
 */
#include <bimetal_base64url.h>
#include <bimetal_json.h>
#include <bimetal_plugin.h>
#include <bimetal_sha256.h>

#define SUBJECT_HEADER "x-token-subject"
#define REASON_HEADER "x-token-error"
#define MIN_KEY_BYTES 16u
#define MAX_KEY_BYTES 1024u
#define MAX_TOKEN_BYTES 1024u
#define MAX_SUBJECT_BYTES 128u
#define MAX_EXPIRY_DIGITS 12u
#define SIGNATURE_LENGTH 43u /* 32 bytes in base64url without padding */
#define MAX_LEEWAY_SECONDS 86400
#define NANOSECONDS_PER_SECOND 1000000000u

/* Written by configure, only read afterwards. */
static struct {
    hmac_sha256_key key;
    bp_slice header;
    bool is_bearer; /* the value is "Bearer TOKEN"; in any header but authorization it is the bare token */
    uint64_t leeway_seconds;
} s_settings;

typedef enum verdict { VALID, MISSING, MALFORMED, BAD_SIGNATURE, EXPIRED } verdict;

/* The reasons as clients read them: the header's value and the body. */
static const struct {
    const char *reason;
    const char *body;
    const char *challenge; /* RFC 6750, 3.1: no error code when no token was offered */
} s_answers[] = {
    [MISSING] = {"missing", "{\"error\":\"missing\"}\n", "Bearer"},
    [MALFORMED] = {"malformed", "{\"error\":\"malformed\"}\n", "Bearer error=\"invalid_token\""},
    [BAD_SIGNATURE] = {"bad-signature", "{\"error\":\"bad-signature\"}\n", "Bearer error=\"invalid_token\""},
    [EXPIRED] = {"expired", "{\"error\":\"expired\"}\n", "Bearer error=\"invalid_token\""},
};

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool refuse(const char *why)
{
    bp_log(BP_ERROR, why);
    return false;
}

static bool take_key(bp_slice text, bool is_base64url)
{
    uint8_t *key = text.length <= 2 * MAX_KEY_BYTES ? bp_keep(text.length) : NULL;
    size_t length = 0;
    if (key == NULL || !(is_base64url ? bp_base64url_decode(text, key, &length) : bp_json_unescape(text, key, &length)))
        return refuse("token-auth: the key cannot be decoded, or is too long");
    if (length < MIN_KEY_BYTES || length > MAX_KEY_BYTES) return refuse("token-auth: the key must have 16 to 1024 bytes");
    hmac_sha256_prepare(&s_settings.key, key, length);
    memset(key, 0, length);
    return true;
}

static bool take_header(bp_slice text)
{
    uint8_t *name = text.length >= 1 && text.length <= 64 ? bp_keep(text.length) : NULL;
    if (name == NULL) return refuse("token-auth: header must have 1 to 64 characters");
    for (size_t i = 0; i < text.length; i++) {
        name[i] = text.data[i];
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-'))
            return refuse("token-auth: header must be a lower-case field name (a-z, 0-9, -)");
    }
    s_settings.header = bp_bytes(name, text.length);
    return true;
}

static bool take_member(const bp_json_member *member, bool *has_key)
{
    if (bp_json_is(member, "leeway_seconds")) {
        if (member->kind != BP_JSON_NUMBER || member->number < 0 || member->number > MAX_LEEWAY_SECONDS)
            return refuse("token-auth: leeway_seconds must be a number from 0 to 86400");
        s_settings.leeway_seconds = (uint64_t)member->number;
        return true;
    }
    bool is_base64url = bp_json_is(member, "key_base64url");
    if (is_base64url || bp_json_is(member, "key")) {
        if (*has_key) return refuse("token-auth: give one of key and key_base64url, once");
        *has_key = true;
        return member->kind == BP_JSON_STRING ? take_key(member->text, is_base64url) : refuse("token-auth: the key must be a string");
    }
    if (bp_json_is(member, "header")) return member->kind == BP_JSON_STRING ? take_header(member->text) : refuse("token-auth: header must be a string");
    return refuse("token-auth: unknown key in the configuration; there are key, key_base64url, header, leeway_seconds");
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    bool has_key = false;
    s_settings.header = bp_text("authorization");
    if (!bp_json_begin(&reader, configuration)) return refuse("token-auth: the configuration must be a JSON object, such as {\"key\":\"...\"}");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member, &has_key)) return false;
    if (!bp_json_ended(&reader)) return refuse("token-auth: the configuration is not a flat JSON object");
    if (!has_key) return refuse("token-auth: the configuration lacks key");
    s_settings.is_bearer = bp_equals(s_settings.header, bp_text("authorization"));
    return true;
}
BP_ON_CONFIGURE(configure)

/* ---- The token -------------------------------------------------------------------------------------------------------------------- */

/* Cuts the scheme off. False when the value offers no bearer token at all. */
static bool take_scheme(bp_slice *value)
{
    if (!bp_starts_with_ignoring_case(*value, "bearer") || (value->length > 6 && value->data[6] != ' ')) return false;
    size_t start = 6;
    while (start < value->length && value->data[start] == ' ') start++;
    *value = bp_bytes(value->data + start, value->length - start);
    return true;
}

/* Checks the signature over the encoded payload and decodes the payload. */
static verdict open_token(bp_slice token, uint8_t payload[MAX_TOKEN_BYTES], size_t *payload_length)
{
    if (token.length < SIGNATURE_LENGTH + 2 || token.length > MAX_TOKEN_BYTES) return MALFORMED;
    bp_slice encoded = bp_bytes(token.data, token.length - SIGNATURE_LENGTH - 1);
    bp_slice signature = bp_bytes(token.data + encoded.length + 1, SIGNATURE_LENGTH);
    uint8_t offered[SHA256_BYTES + 1], computed[SHA256_BYTES];
    size_t offered_length;
    if (token.data[encoded.length] != '.' || !bp_base64url_decode(signature, offered, &offered_length)) return MALFORMED;
    hmac_sha256(&s_settings.key, encoded.data, encoded.length, computed);
    if (!bp_equals_constant_time(offered, computed, SHA256_BYTES)) return BAD_SIGNATURE;
    return bp_base64url_decode(encoded, payload, payload_length) ? VALID : MALFORMED;
}

/* Reads EXPIRY ":" SUBJECT. */
static verdict read_payload(bp_slice payload, uint64_t *expiry_seconds, bp_slice *subject)
{
    size_t digits = 0;
    *expiry_seconds = 0;
    while (digits < payload.length && payload.data[digits] >= '0' && payload.data[digits] <= '9') {
        if (digits == MAX_EXPIRY_DIGITS) return MALFORMED;
        *expiry_seconds = *expiry_seconds * 10 + (uint64_t)(payload.data[digits++] - '0');
    }
    if (digits == 0 || digits == payload.length || payload.data[digits] != ':') return MALFORMED;
    *subject = bp_bytes(payload.data + digits + 1, payload.length - digits - 1);
    if (subject->length == 0 || subject->length > MAX_SUBJECT_BYTES) return MALFORMED;
    for (size_t i = 0; i < subject->length; i++)
        if (subject->data[i] <= 0x20 || subject->data[i] >= 0x7f) return MALFORMED; /* it becomes a header's value */
    return VALID;
}

static verdict check(bp_slice value, uint8_t payload[MAX_TOKEN_BYTES], bp_slice *subject)
{
    if (s_settings.is_bearer && !take_scheme(&value)) return MISSING;
    size_t payload_length;
    uint64_t expiry_seconds;
    verdict result = open_token(value, payload, &payload_length);
    if (result == VALID) result = read_payload(bp_bytes(payload, payload_length), &expiry_seconds, subject);
    if (result != VALID) return result;
    uint64_t now_seconds = bp_now_realtime() / NANOSECONDS_PER_SECOND;
    return now_seconds != 0 && now_seconds < expiry_seconds + s_settings.leeway_seconds ? VALID : EXPIRED; /* no clock: nothing is valid */
}

static bp_action reject(bp_stream stream, verdict why)
{
    bp_field fields[] = {
        {bp_text("content-type"), bp_text("application/json")},
        {bp_text("www-authenticate"), bp_text(s_answers[why].challenge)},
        {bp_text(REASON_HEADER), bp_text(s_answers[why].reason)},
    };
    bp_respond(stream, 401, fields, sizeof fields / sizeof *fields, bp_text(s_answers[why].body));
    return BP_PAUSE; /* also when the answer could not be made: the request must not go on */
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    uint8_t payload[MAX_TOKEN_BYTES];
    bp_slice value, subject;
    bool has_value = bp_header_get_named(stream, BP_REQUEST_HEADERS, s_settings.header, &value) == BP_OK;
    verdict result = has_value ? check(value, payload, &subject) : MISSING;
    if (result != VALID) return reject(stream, result);
    /* Replaces whatever the client sent under this name: the upstream trusts it. */
    return bp_header_set(stream, BP_REQUEST_HEADERS, SUBJECT_HEADER, subject) == BP_OK ? BP_CONTINUE : reject(stream, MALFORMED);
}
BP_ON_REQUEST_HEADERS(on_request_headers)
