/*
 * geo-prefix - tells the upstream which country a client's address belongs to: the longest match over 100,000 IPv4 prefixes. README.md has
 * the table's source and format, and the configuration.
 *
 * The prefixes nest, a smaller one inside a larger one of another country. At configuration they are flattened into intervals: within each
 * /16 the points where the answer changes, as 16-bit offsets, found through an index of 65,536 entries. A look-up is two loads and a binary
 * search over a handful of points, and the whole takes less than a megabyte.
 */
#include <bimetal_text.h>

#define RECORD_BYTES 6u /* address (4, big endian), length, country */
#define HIGH_COUNT 65536u
#define MAX_POINTS 400000u
#define MAX_NESTING 33u
#define MAX_DENIED 64u
#define UNKNOWN 0u /* number of the country that is none */

/* 2 bytes for each country, number 0 being "??"; then records, by address, the larger prefix first. */
static const uint8_t s_countries[] = {
#embed "countries.bin"
};
static const uint8_t s_prefixes[] = {
#embed "prefixes.bin"
};

/* Written by configure, only read afterwards. */
static uint32_t *s_first;   /* for each /16: its first point; one more at the end */
static uint16_t *s_lows;    /* where an interval starts within its /16 */
static uint8_t *s_answers;  /* the country from there on */
static uint32_t s_point_count;
static bp_slice s_header;
static uint8_t s_denied[MAX_DENIED];
static size_t s_denied_count;

/* ---- Flattening ------------------------------------------------------------------------------------------------------------------- */

struct builder {
    uint64_t position; /* up to here everything has its answer */
    uint32_t next_high;
    uint8_t last;      /* the answer of the last point in the current /16 */
};

/* Gives [builder->position, end) one answer. Each /16 begins with a point of its own, so none needs to look at its neighbour. */
static bool fill_to(struct builder *builder, uint64_t end, uint8_t answer)
{
    while (builder->position < end) {
        uint32_t high = (uint32_t)(builder->position >> 16);
        uint64_t border = ((uint64_t)high + 1) << 16;
        bool is_start = high == builder->next_high;
        if (is_start) s_first[builder->next_high++] = s_point_count;
        if (is_start || answer != builder->last) {
            if (s_point_count == MAX_POINTS) return false;
            s_lows[s_point_count] = (uint16_t)builder->position;
            s_answers[s_point_count++] = answer;
            builder->last = answer;
        }
        builder->position = end < border ? end : border;
    }
    return true;
}

struct open_prefix {
    uint64_t end;
    uint8_t answer;
};

/* The records come by address with the larger first, so those around the current position are a stack. */
static bool flatten(void)
{
    struct open_prefix stack[MAX_NESTING] = {{(uint64_t)1 << 32, UNKNOWN}};
    size_t depth = 1;
    struct builder builder = {0, 0, UNKNOWN};
    for (size_t at = 0; at + RECORD_BYTES <= sizeof s_prefixes; at += RECORD_BYTES) {
        const uint8_t *record = s_prefixes + at;
        uint64_t start = (uint64_t)record[0] << 24 | (uint64_t)record[1] << 16 | (uint64_t)record[2] << 8 | record[3];
        if (record[4] > 32 || record[5] >= sizeof s_countries / 2 || start < builder.position) return false;
        for (; depth > 1 && stack[depth - 1].end <= start; depth--)
            if (!fill_to(&builder, stack[depth - 1].end, stack[depth - 1].answer)) return false;
        if (depth == MAX_NESTING || !fill_to(&builder, start, stack[depth - 1].answer)) return false;
        stack[depth++] = (struct open_prefix){start + ((uint64_t)1 << (32 - record[4])), record[5]};
    }
    for (; depth > 0; depth--)
        if (!fill_to(&builder, stack[depth - 1].end, stack[depth - 1].answer)) return false;
    s_first[HIGH_COUNT] = s_point_count;
    return true;
}

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool take_denied(bp_slice list)
{
    bp_slice item;
    while (bp_next_item(&list, ',', &item)) {
        size_t number = 0;
        while (number * 2 < sizeof s_countries && !bp_equals(item, bp_bytes(s_countries + 2 * number, 2))) number++;
        if (number * 2 == sizeof s_countries) return bp_refuse("geo-prefix: deny holds a country that the table does not know; codes look like CH");
        if (s_denied_count == MAX_DENIED) return bp_refuse("geo-prefix: deny has more than 64 countries");
        s_denied[s_denied_count++] = (uint8_t)number;
    }
    return true;
}

static bool configure(bp_slice configuration)
{
    s_first = bp_keep((HIGH_COUNT + 1) * sizeof *s_first);
    s_lows = bp_keep(MAX_POINTS * sizeof *s_lows);
    s_answers = bp_keep(MAX_POINTS);
    if (s_first == NULL || s_lows == NULL || s_answers == NULL) return bp_refuse("geo-prefix: no memory for the table");
    if (!flatten()) return bp_refuse("geo-prefix: the table is broken");
    bp_json reader;
    bp_json_member member;
    bp_slice text;
    if (configuration.length == 0) return true;
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("geo-prefix: the configuration must be a JSON object");
    while (bp_json_next(&reader, &member)) {
        bool is_deny = bp_json_is(&member, "deny"), is_header = bp_json_is(&member, "header");
        if (!(is_deny || is_header) || !bp_keep_text(&member, &text)) return bp_refuse("geo-prefix: there are header and deny, both strings");
        if (is_header) s_header = text;
        else if (!take_denied(text)) return false;
    }
    return bp_json_ended(&reader) || bp_refuse("geo-prefix: the configuration is not a flat JSON object");
}
BP_ON_CONFIGURE(configure)

/* ---- The look-up ------------------------------------------------------------------------------------------------------------------ */

/* A dotted quad, also with a port behind it or as an IPv6 address that stands for one. False for every other address. */
static bool parse_address(bp_slice text, uint32_t *address)
{
    if (bp_starts_with_ignoring_case(text, "[::ffff:")) text = bp_part(text, 8, bp_find(text, ']') - 8);
    else if (bp_starts_with_ignoring_case(text, "::ffff:")) text = bp_part(text, 7, text.length);
    text = bp_part(text, 0, bp_find(text, ':'));
    uint32_t value = 0, count = 0;
    bp_slice part;
    while (bp_next_item(&text, '.', &part)) {
        uint64_t byte;
        if (++count > 4 || part.length > 3 || !bp_parse_decimal(part, 255, &byte)) return false;
        value = value << 8 | (uint32_t)byte;
    }
    *address = value;
    return count == 4;
}

static uint8_t country_of(uint32_t address)
{
    uint32_t high = address >> 16, low = s_first[high], end = s_first[high + 1];
    uint16_t offset = (uint16_t)address;
    while (end - low > 1) { /* the point at low is at or before the offset */
        uint32_t middle = low + (end - low) / 2;
        if (s_lows[middle] <= offset) low = middle;
        else end = middle;
    }
    return s_answers[low];
}

/* The last address of a list such as x-forwarded-for: the one that the nearest hop saw itself. */
static bp_slice last_of(bp_slice list)
{
    bp_slice item = list, last = list;
    while (bp_next_item(&list, ',', &item)) last = item;
    return last;
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_slice text = bp_bytes(0, 0);
    uint32_t address;
    if (s_header.length != 0) {
        if (bp_header_get_named(stream, BP_REQUEST_HEADERS, s_header, &text) == BP_OK) text = last_of(text);
    } else {
        BP_PROPERTY(stream, "source\0address", &text);
    }
    uint8_t country = parse_address(text, &address) ? country_of(address) : UNKNOWN;
    for (size_t i = 0; i < s_denied_count; i++) {
        if (s_denied[i] != country) continue;
        bp_field fields[] = {{bp_text("content-type"), bp_text("application/json")}};
        bp_respond(stream, 403, fields, 1, bp_text("{\"error\":\"country\"}\n"));
        return BP_PAUSE;
    }
    bp_header_set(stream, BP_REQUEST_HEADERS, "x-geo-country", bp_bytes(s_countries + 2 * country, 2));
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)
