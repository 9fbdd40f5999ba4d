/*
 * json-redact - takes personal data out of JSON responses before they leave: the values of named members, and strings that are e-mail
 * addresses or payment card numbers, wherever they stand. Everything else leaves byte for byte as it came. README.md has the configuration.
 *
 * The body is held until it is whole, because a part that was sent cannot be taken back. What says that it is JSON and is not is not let
 * through: the client gets the configured answer instead.
 */
#include <bimetal_json_scan.h>
#include <bimetal_text.h>

#define MAX_KEYS 64u
#define REPLACEMENT "\"[redacted]\""
#define MIN_CARD_DIGITS 13u
#define MAX_CARD_DIGITS 19u

/* Written by configure, only read afterwards. */
static bp_slice s_keys[MAX_KEYS]; /* lower case */
static size_t s_key_count;
static bool s_finds_emails = true;
static bool s_finds_cards = true;

/* One response. */
struct visit {
    bool is_json;
};
BP_STREAM_STATE(struct visit)

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool take_keys(bp_slice list)
{
    bp_slice item;
    s_key_count = 0;
    while (bp_next_item(&list, ',', &item)) {
        if (item.length == 0) continue;
        if (s_key_count == MAX_KEYS) return bp_refuse("json-redact: keys has more than 64 names");
        s_keys[s_key_count++] = item;
    }
    return true;
}

static bool take_detect(bp_slice list)
{
    bp_slice item;
    s_finds_emails = s_finds_cards = false;
    while (bp_next_item(&list, ',', &item)) {
        if (bp_equals(item, bp_text("email"))) s_finds_emails = true;
        else if (bp_equals(item, bp_text("card"))) s_finds_cards = true;
        else if (item.length != 0) return bp_refuse("json-redact: detect knows email and card");
    }
    return true;
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    bp_slice text;
    take_keys(bp_text("email, phone, ssn, password, card_number, iban, birth_date"));
    if (configuration.length == 0) return true;
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("json-redact: the configuration must be a JSON object");
    while (bp_json_next(&reader, &member)) {
        if (!bp_keep_text(&member, &text)) return bp_refuse("json-redact: keys and detect are strings");
        if (bp_json_is(&member, "keys") ? !take_keys(text) : bp_json_is(&member, "detect") ? !take_detect(text) : !bp_refuse("json-redact: unknown key; there are keys and detect"))
            return false;
    }
    return bp_json_ended(&reader) || bp_refuse("json-redact: the configuration is not a flat JSON object");
}
BP_ON_CONFIGURE(configure)

/* ---- What is personal ------------------------------------------------------------------------------------------------------------- */

static bool is_personal_key(bp_slice key)
{
    for (size_t i = 0; i < s_key_count; i++)
        if (bp_equals_ignoring_case(key, s_keys[i])) return true;
    return false;
}

static bool is_mailbox_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (bp_lower(c) >= 'a' && bp_lower(c) <= 'z') || c == '.' || c == '_' || c == '-' || c == '+' || c == '%';
}

/* Something@name.name anywhere in the text. */
static bool has_email(bp_slice text)
{
    for (size_t at = 1; at + 3 < text.length; at++) {
        if (text.data[at] != '@' || !is_mailbox_byte(text.data[at - 1])) continue;
        size_t end = at + 1, last_dot = 0;
        while (end < text.length && is_mailbox_byte(text.data[end])) {
            if (text.data[end] == '.') last_dot = end;
            end++;
        }
        if (last_dot > at + 1 && end - last_dot > 2) return true;
    }
    return false;
}

/* ISO/IEC 7812-1, annex B. */
static bool passes_luhn(const uint8_t *digits, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t digit = digits[count - 1 - i];
        if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

/* 13 to 19 digits, also in groups with one space or hyphen between, that pass the checksum. */
static bool has_card(bp_slice text)
{
    uint8_t digits[MAX_CARD_DIGITS];
    for (size_t start = 0; start < text.length; start++) {
        uint8_t before = start == 0 ? 0 : text.data[start - 1];
        if (text.data[start] < '0' || text.data[start] > '9' || (before >= '0' && before <= '9')) continue;
        size_t count = 0, at = start;
        bool is_too_long = false;
        for (; at < text.length; at++) {
            uint8_t c = text.data[at];
            if (c >= '0' && c <= '9') {
                is_too_long = count == MAX_CARD_DIGITS;
                if (is_too_long) break;
                digits[count++] = (uint8_t)(c - '0');
            } else if ((c != ' ' && c != '-') || text.data[at - 1] == ' ' || text.data[at - 1] == '-') {
                break;
            }
        }
        if (!is_too_long && count >= MIN_CARD_DIGITS && passes_luhn(digits, count)) return true;
        if (is_too_long) while (at < text.length && text.data[at] >= '0' && text.data[at] <= '9') at++;
        if (count >= MIN_CARD_DIGITS) start = at - 1; /* what was read as one number is not read again from its middle */
    }
    return false;
}

#if !defined(MAY_BE_PERSONAL)
#define MAY_BE_PERSONAL(text) true /* a quicker look for one kind of processor can stand here: false only for text that is not personal */
#endif

static bool is_personal_text(bp_slice text)
{
    return MAY_BE_PERSONAL(text) && ((s_finds_emails && has_email(text)) || (s_finds_cards && has_card(text)));
}

/* ---- Rewriting -------------------------------------------------------------------------------------------------------------------- */

struct rewrite {
    bp_scan scan;
    bp_writer out;
    const uint8_t *copied; /* up to here the input has been written */
    size_t redacted;
};

/* Writes what lies before start as it is, a replacement for what follows, and goes on at end. */
static void replace(struct rewrite *rewrite, const uint8_t *start, const uint8_t *end)
{
    bp_put(&rewrite->out, bp_bytes(rewrite->copied, (size_t)(start - rewrite->copied)));
    bp_put_text(&rewrite->out, REPLACEMENT);
    rewrite->copied = end;
    rewrite->redacted++;
}

/* The value of a personal member, whatever it is: also a whole object. */
static bool redact_member(struct rewrite *rewrite)
{
    bp_scan_token token;
    uint32_t depth = rewrite->scan.depth;
    if (!bp_scan_next(&rewrite->scan, &token)) return false;
    const uint8_t *start = token.text.data - (token.kind == BP_SCAN_STRING ? 1 : 0);
    while (rewrite->scan.depth > depth)
        if (!bp_scan_next(&rewrite->scan, &token)) return false;
    if (token.kind != BP_SCAN_NULL) replace(rewrite, start, rewrite->scan.cursor);
    return true;
}

static bool rewrite_all(struct rewrite *rewrite)
{
    bp_scan_token token;
    while (bp_scan_next(&rewrite->scan, &token)) {
        if (token.kind == BP_SCAN_KEY && is_personal_key(token.text)) {
            if (!redact_member(rewrite)) return false;
        } else if (token.kind == BP_SCAN_STRING && is_personal_text(token.text)) {
            replace(rewrite, token.text.data - 1, rewrite->scan.cursor);
        }
    }
    bp_put(&rewrite->out, bp_bytes(rewrite->copied, (size_t)(rewrite->scan.end - rewrite->copied)));
    return bp_scan_ended(&rewrite->scan) && !rewrite->out.is_short;
}

/* ---- The response ----------------------------------------------------------------------------------------------------------------- */

static bp_action on_response_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    bp_slice type, coding;
    if (end_of_stream || bp_header_get(stream, BP_RESPONSE_HEADERS, "content-type", &type) != BP_OK) return BP_CONTINUE;
    type = bp_trim(bp_part(type, 0, bp_find(type, ';')));
    visit->is_json = bp_equals_ignoring_case(type, bp_text("application/json")) ||
                     (type.length > 5 && bp_equals_ignoring_case(bp_part(type, type.length - 5, 5), bp_text("+json")));
    if (!visit->is_json) return BP_CONTINUE;

    /* A compressed body cannot be read here, so it must not pass either. */
    if (bp_header_get(stream, BP_RESPONSE_HEADERS, "content-encoding", &coding) == BP_OK && !bp_equals_ignoring_case(coding, bp_text("identity"))) {
        bp_respond(stream, 502, NULL, 0, bp_text("{\"error\":\"compressed\"}\n"));
        return BP_PAUSE;
    }
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "content-length");
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "etag"); /* it names other bytes */
    return BP_PAUSE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)

static bp_action refuse_body(bp_stream stream, const char *why)
{
    bp_field fields[] = {{bp_text("content-type"), bp_text("application/json")}};
    bp_respond(stream, 502, fields, 1, bp_text(why));
    return BP_PAUSE;
}

static bp_action on_response_body(bp_stream stream, struct visit *visit, size_t body_length, bool end_of_stream)
{
    bp_slice body;
    char digits[20];
    if (!visit->is_json) return BP_CONTINUE;
    if (!end_of_stream) return BP_PAUSE;
    if (bp_body_get(stream, BP_RESPONSE_BODY, 0, body_length, &body) != BP_OK) return refuse_body(stream, "{\"error\":\"body\"}\n");

    /* A value of one byte can become a replacement, and at least a comma or a bracket stands between two. */
    size_t capacity = body.length / 2 * (sizeof REPLACEMENT + 1) + sizeof REPLACEMENT;
    uint8_t *memory = bp_scratch(capacity);
    if (memory == NULL) return refuse_body(stream, "{\"error\":\"too-large\"}\n");
    struct rewrite rewrite = {.out = bp_writer_over(memory, capacity), .copied = body.data, .redacted = 0};
    bp_scan_begin(&rewrite.scan, body);
    if (!rewrite_all(&rewrite)) return refuse_body(stream, "{\"error\":\"not-json\"}\n");
    if (rewrite.redacted != 0 && bp_body_replace(stream, BP_RESPONSE_BODY, 0, SIZE_MAX, bp_written(&rewrite.out)) != BP_OK)
        return refuse_body(stream, "{\"error\":\"too-large\"}\n");
    bp_header_set(stream, BP_RESPONSE_HEADERS, "x-redacted", bp_decimal(rewrite.redacted, digits));
    return BP_CONTINUE;
}
BP_ON_RESPONSE_BODY(on_response_body)
