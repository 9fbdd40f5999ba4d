/*
 * header-policy - what a gateway does to the headers of every exchange: takes away what clients and upstreams must not say, sets what the
 * operator wants to be said, and answers for CORS (the Fetch standard) in the upstream's place. README.md has the configuration.
 */
#include <bimetal_text.h>

#define MAX_ORIGINS 64u
#define MAX_NAMES 64u
#define MAX_SETS 32u
#define MAX_ORIGIN_BYTES 256u /* longer ones are not allowed, whatever the list says */
#define MAX_VARY_BYTES 512u
#define MAX_AGE_SECONDS 86400

struct names {
    bp_slice items[MAX_NAMES];
    size_t count;
};

/* Written by configure, only read afterwards. */
static struct {
    bp_slice origins[MAX_ORIGINS]; /* a whole origin, or one with a star before a domain, for every name below it */
    size_t origin_count;
    bool allows_any;
    bool allows_credentials;
    bp_slice methods;
    bp_slice headers;
    bp_slice exposed;
    bp_slice max_age;
    struct names request_removals;
    struct names response_removals;
    bp_field sets[MAX_SETS];
    size_t set_count;
} s_policy;

/* One exchange. */
struct visit {
    bool is_allowed; /* the request has an origin, and it is allowed */
    size_t origin_length;
    uint8_t origin[MAX_ORIGIN_BYTES];
};
BP_STREAM_STATE(struct visit)

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool is_field_name(bp_slice name)
{
    if (name.length == 0 || name.length > 64) return false;
    for (size_t i = 0; i < name.length; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
    }
    return true;
}

static bool take_names(bp_slice list, struct names *names)
{
    bp_slice item;
    while (bp_next_item(&list, ',', &item)) {
        if (!is_field_name(item)) return bp_refuse("header-policy: a list of fields must hold lower-case names with commas between");
        if (names->count == MAX_NAMES) return bp_refuse("header-policy: a list of fields has more than 64 names");
        names->items[names->count++] = item;
    }
    return true;
}

static bool take_origins(bp_slice list)
{
    bp_slice item;
    while (bp_next_item(&list, ',', &item)) {
        if (bp_equals(item, bp_text("*"))) {
            s_policy.allows_any = true;
            continue;
        }
        bool has_scheme = bp_starts_with(item, bp_text("https://")) || bp_starts_with(item, bp_text("http://"));
        if (!has_scheme || item.length > MAX_ORIGIN_BYTES) return bp_refuse("header-policy: an origin looks like https://shop.example or https://*.shop.example");
        if (s_policy.origin_count == MAX_ORIGINS) return bp_refuse("header-policy: allow_origins has more than 64 origins");
        s_policy.origins[s_policy.origin_count++] = item;
    }
    return true;
}

/* One field a line, "name: value". */
static bool take_sets(bp_slice lines)
{
    bp_slice line;
    while (bp_next_item(&lines, '\n', &line)) {
        if (line.length == 0) continue;
        size_t colon = bp_find(line, ':');
        bp_slice name = bp_trim(bp_part(line, 0, colon));
        if (colon == line.length || !is_field_name(name)) return bp_refuse("header-policy: set_response has a line that is not `name: value`");
        if (s_policy.set_count == MAX_SETS) return bp_refuse("header-policy: set_response has more than 32 fields");
        s_policy.sets[s_policy.set_count++] = (bp_field){name, bp_trim(bp_part(line, colon + 1, line.length))};
    }
    return true;
}

static bool take_age(const bp_json_member *member)
{
    static char digits[20];
    if (member->kind != BP_JSON_NUMBER || member->number < 0 || member->number > MAX_AGE_SECONDS)
        return bp_refuse("header-policy: max_age_seconds must be a number from 0 to 86400");
    s_policy.max_age = bp_decimal((uint64_t)member->number, digits);
    return true;
}

static bool take_member(const bp_json_member *member)
{
    if (bp_json_is(member, "max_age_seconds")) return take_age(member);
    if (bp_json_is(member, "allow_credentials")) {
        s_policy.allows_credentials = member->kind == BP_JSON_TRUE;
        return member->kind == BP_JSON_TRUE || member->kind == BP_JSON_FALSE || bp_refuse("header-policy: allow_credentials must be true or false");
    }
    bp_slice text;
    if (!bp_keep_text(member, &text)) return bp_refuse("header-policy: every key but max_age_seconds and allow_credentials takes a string");
    if (bp_json_is(member, "allow_origins")) return take_origins(text);
    if (bp_json_is(member, "remove_request")) return take_names(text, &s_policy.request_removals);
    if (bp_json_is(member, "remove_response")) return take_names(text, &s_policy.response_removals);
    if (bp_json_is(member, "set_response")) return take_sets(text);
    if (bp_json_is(member, "allow_methods")) s_policy.methods = text;
    else if (bp_json_is(member, "allow_headers")) s_policy.headers = text;
    else if (bp_json_is(member, "expose_headers")) s_policy.exposed = text;
    else return bp_refuse("header-policy: unknown key; there are allow_origins, allow_methods, allow_headers, expose_headers, max_age_seconds, "
                          "allow_credentials, remove_request, remove_response, set_response");
    return true;
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    s_policy.methods = bp_text("GET, HEAD, POST");
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("header-policy: the configuration must be a JSON object");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member)) return false;
    if (!bp_json_ended(&reader)) return bp_refuse("header-policy: the configuration is not a flat JSON object");
    if (s_policy.allows_any && s_policy.allows_credentials) return bp_refuse("header-policy: credentials with every origin would give them to any site; name the origins");
    return true;
}
BP_ON_CONFIGURE(configure)

/* ---- Origins ---------------------------------------------------------------------------------------------------------------------- */

/* Scheme and port of both must be the same; of the host only what stands before the star may differ, and it must be at least a label. */
static bool matches_wildcard(bp_slice pattern, size_t star, bp_slice origin)
{
    size_t tail = pattern.length - star - 1;
    if (origin.length < star + tail + 1 || memcmp(origin.data, pattern.data, star) != 0) return false;
    if (memcmp(origin.data + origin.length - tail, pattern.data + star + 1, tail) != 0) return false;
    for (size_t i = star; i < origin.length - tail; i++) {
        uint8_t c = origin.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.')) return false;
    }
    return true;
}

static bool is_origin_allowed(bp_slice origin)
{
    if (origin.length == 0 || origin.length > MAX_ORIGIN_BYTES || bp_equals(origin, bp_text("null"))) return false;
    if (s_policy.allows_any) return true;
    for (size_t i = 0; i < s_policy.origin_count; i++) {
        bp_slice pattern = s_policy.origins[i];
        size_t star = bp_find(pattern, '*');
        if (star == pattern.length ? bp_equals(pattern, origin) : matches_wildcard(pattern, star, origin)) return true;
    }
    return false;
}

static bool is_in_list(bp_slice list, bp_slice wanted, bool ignores_case)
{
    bp_slice item;
    while (bp_next_item(&list, ',', &item))
        if (ignores_case ? bp_equals_ignoring_case(item, wanted) : bp_equals(item, wanted)) return true;
    return false;
}

static bool are_headers_allowed(bp_slice wanted)
{
    bp_slice item;
    while (bp_next_item(&wanted, ',', &item))
        if (item.length != 0 && !is_in_list(s_policy.headers, item, true)) return false;
    return true;
}

/* ---- The request ------------------------------------------------------------------------------------------------------------------ */

/* Answers a preflight. Fields are added only where they say something, as browsers expect. */
static bp_action answer_preflight(bp_stream stream, const struct visit *visit, bp_slice method)
{
    bp_slice headers;
    bool has_headers = bp_header_get(stream, BP_REQUEST_HEADERS, "access-control-request-headers", &headers) == BP_OK;
    bool is_granted = visit->is_allowed && is_in_list(s_policy.methods, method, false) && (!has_headers || are_headers_allowed(headers));
    bp_field fields[8] = {{bp_text("vary"), bp_text("origin, access-control-request-method, access-control-request-headers")}};
    size_t count = 1;
    if (is_granted) {
        fields[count++] = (bp_field){bp_text("access-control-allow-origin"), s_policy.allows_any ? bp_text("*") : bp_bytes(visit->origin, visit->origin_length)};
        fields[count++] = (bp_field){bp_text("access-control-allow-methods"), s_policy.methods};
        if (s_policy.headers.length != 0) fields[count++] = (bp_field){bp_text("access-control-allow-headers"), s_policy.headers};
        if (s_policy.max_age.length != 0) fields[count++] = (bp_field){bp_text("access-control-max-age"), s_policy.max_age};
        if (s_policy.allows_credentials) fields[count++] = (bp_field){bp_text("access-control-allow-credentials"), bp_text("true")};
    }
    bp_respond(stream, is_granted ? 204 : 403, fields, count, bp_bytes(0, 0));
    return BP_PAUSE;
}

static void remove_all(bp_stream stream, bp_map map, const struct names *names)
{
    for (size_t i = 0; i < names->count; i++) bp_header_remove_named(stream, map, names->items[i]);
}

static bp_action on_request_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    (void)end_of_stream;
    remove_all(stream, BP_REQUEST_HEADERS, &s_policy.request_removals);
    bp_slice origin;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, "origin", &origin) != BP_OK) return BP_CONTINUE;
    visit->is_allowed = is_origin_allowed(origin);
    if (visit->is_allowed) {
        visit->origin_length = origin.length;
        memcpy(visit->origin, origin.data, origin.length);
    }
    bp_slice method, wanted;
    bool is_options = bp_header_get(stream, BP_REQUEST_HEADERS, ":method", &method) == BP_OK && bp_equals(method, bp_text("OPTIONS"));
    if (is_options && bp_header_get(stream, BP_REQUEST_HEADERS, "access-control-request-method", &wanted) == BP_OK)
        return answer_preflight(stream, visit, wanted);
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)

/* ---- The response ----------------------------------------------------------------------------------------------------------------- */

/* A cache must not give the answer for one origin to another. */
static void vary_by_origin(bp_stream stream)
{
    uint8_t text[MAX_VARY_BYTES];
    bp_writer writer = bp_writer_over(text, sizeof text);
    bp_slice present;
    if (bp_header_get(stream, BP_RESPONSE_HEADERS, "vary", &present) == BP_OK && present.length != 0) {
        if (is_in_list(present, bp_text("*"), false) || is_in_list(present, bp_text("origin"), true)) return;
        bp_put(&writer, present);
        bp_put_text(&writer, ", ");
    }
    bp_put_text(&writer, "origin");
    bp_header_set(stream, BP_RESPONSE_HEADERS, "vary", writer.is_short ? bp_text("*") : bp_written(&writer));
}

static void grant(bp_stream stream, const struct visit *visit)
{
    if (s_policy.allows_any) {
        bp_header_set(stream, BP_RESPONSE_HEADERS, "access-control-allow-origin", bp_text("*"));
    } else {
        bp_header_set(stream, BP_RESPONSE_HEADERS, "access-control-allow-origin", bp_bytes(visit->origin, visit->origin_length));
    }
    if (s_policy.allows_credentials) bp_header_set(stream, BP_RESPONSE_HEADERS, "access-control-allow-credentials", bp_text("true"));
    if (s_policy.exposed.length != 0) bp_header_set(stream, BP_RESPONSE_HEADERS, "access-control-expose-headers", s_policy.exposed);
}

static bp_action on_response_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    (void)end_of_stream;
    remove_all(stream, BP_RESPONSE_HEADERS, &s_policy.response_removals);
    for (size_t i = 0; i < s_policy.set_count; i++) bp_header_set_named(stream, BP_RESPONSE_HEADERS, s_policy.sets[i].name, s_policy.sets[i].value);
    if (s_policy.origin_count == 0 && !s_policy.allows_any) return BP_CONTINUE;

    /* The policy is the gateway's: what the upstream says of CORS is not passed on. */
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "access-control-allow-origin");
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "access-control-allow-credentials");
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "access-control-expose-headers");
    if (!s_policy.allows_any) vary_by_origin(stream);
    if (visit->is_allowed) grant(stream, visit);
    return BP_CONTINUE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)
