/*
 * ab-bucket - puts each visitor into one variant of every experiment, always the same one, from the visitor's cookie alone: nothing is
 * stored, every node and both metals agree. README.md has the configuration and how the bucket is made.
 */
#include <bimetal_text.h>

#define MAX_EXPERIMENTS 16u
#define MAX_VARIANTS 8u
#define MAX_WEIGHT 1000000
#define MAX_NAME_BYTES 32u
#define MAX_VISITOR_BYTES 256u
#define PREFIX "x-ab-"

struct variant {
    bp_slice name;
    uint64_t below; /* weights of this variant and of those before it */
};

struct experiment {
    uint8_t header[sizeof PREFIX - 1 + MAX_NAME_BYTES];
    size_t header_length;
    uint64_t seed;
    uint64_t weight;
    struct variant variants[MAX_VARIANTS];
    size_t variant_count;
};

/* Written by configure, only read afterwards. */
static struct experiment s_experiments[MAX_EXPERIMENTS];
static size_t s_experiment_count;
static bp_slice s_cookie;

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool is_name(bp_slice text)
{
    if (text.length == 0 || text.length > MAX_NAME_BYTES) return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

/* "blue=25" */
static bool take_variant(bp_slice text, struct experiment *experiment)
{
    size_t equals = bp_find(text, '=');
    bp_slice name = bp_trim(bp_part(text, 0, equals));
    uint64_t weight = 0;
    if (!is_name(name) || equals == text.length || !bp_parse_decimal(bp_trim(bp_part(text, equals + 1, text.length)), MAX_WEIGHT, &weight))
        return bp_refuse("ab-bucket: a variant is NAME=WEIGHT, with a weight from 0 to 1000000");
    if (experiment->variant_count == MAX_VARIANTS) return bp_refuse("ab-bucket: an experiment has more than 8 variants");
    experiment->weight += weight;
    experiment->variants[experiment->variant_count++] = (struct variant){name, experiment->weight};
    return true;
}

/* "checkout: control=50, blue=25, green=25" */
static bool take_experiment(bp_slice line)
{
    size_t colon = bp_find(line, ':');
    bp_slice name = bp_trim(bp_part(line, 0, colon)), variants = bp_part(line, colon + 1, line.length), variant;
    if (colon == line.length || !is_name(name)) return bp_refuse("ab-bucket: an experiment is a line `name: variant=weight, variant=weight`");
    if (s_experiment_count == MAX_EXPERIMENTS) return bp_refuse("ab-bucket: there are more than 16 experiments");
    struct experiment *experiment = &s_experiments[s_experiment_count++];
    memcpy(experiment->header, PREFIX, sizeof PREFIX - 1);
    memcpy(experiment->header + sizeof PREFIX - 1, name.data, name.length);
    experiment->header_length = sizeof PREFIX - 1 + name.length;
    experiment->seed = bp_hash(0, name);
    while (bp_next_item(&variants, ',', &variant))
        if (!take_variant(variant, experiment)) return false;
    return experiment->weight != 0 || bp_refuse("ab-bucket: the weights of an experiment are all 0");
}

static bool take_member(const bp_json_member *member)
{
    bp_slice text, line;
    if (!bp_keep_text(member, &text)) return bp_refuse("ab-bucket: cookie and experiments are strings");
    if (bp_json_is(member, "cookie")) {
        s_cookie = text;
        return text.length != 0 || bp_refuse("ab-bucket: cookie must be the name of a cookie");
    }
    if (!bp_json_is(member, "experiments")) return bp_refuse("ab-bucket: unknown key; there are cookie and experiments");
    while (bp_next_item(&text, '\n', &line))
        if (line.length != 0 && !take_experiment(line)) return false;
    return true;
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    s_cookie = bp_text("visitor");
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("ab-bucket: the configuration must be a JSON object, such as {\"experiments\":\"checkout: a=50, b=50\"}");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member)) return false;
    if (!bp_json_ended(&reader)) return bp_refuse("ab-bucket: the configuration is not a flat JSON object");
    return s_experiment_count != 0 || bp_refuse("ab-bucket: the configuration lacks experiments");
}
BP_ON_CONFIGURE(configure)

/* ---- The visitor ------------------------------------------------------------------------------------------------------------------ */

static bool find_in_cookie(bp_slice cookies, bp_slice *visitor)
{
    bp_slice pair;
    while (bp_next_item(&cookies, ';', &pair)) {
        size_t equals = bp_find(pair, '=');
        if (equals == pair.length || !bp_equals(bp_part(pair, 0, equals), s_cookie)) continue;
        *visitor = bp_part(pair, equals + 1, pair.length);
        return visitor->length != 0 && visitor->length <= MAX_VISITOR_BYTES;
    }
    return false;
}

/* Browsers send one cookie field, HTTP/2 clients may send many. The first cookie of the name counts. */
static bool find_visitor(bp_stream stream, bp_slice *visitor)
{
    bp_list list;
    bp_field field;
    if (bp_header_list(stream, BP_REQUEST_HEADERS, &list) != BP_OK) return false;
    for (size_t i = 0; i < list.count; i++)
        if (bp_header_at(&list, i, &field) == BP_OK && bp_equals(field.name, bp_text("cookie")) && find_in_cookie(field.value, visitor)) return true;
    return false;
}

static bp_slice choose(const struct experiment *experiment, bp_slice visitor)
{
    /* The high half of the product spreads 2^32 hashes over the weights without a division's bias. */
    uint64_t point = (bp_hash(experiment->seed, visitor) >> 32) * experiment->weight >> 32;
    size_t i = 0;
    while (point >= experiment->variants[i].below) i++;
    return experiment->variants[i].name;
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    uint8_t copy[MAX_VISITOR_BYTES];
    bp_slice visitor;
    bool is_known = find_visitor(stream, &visitor);
    if (is_known) memcpy(copy, visitor.data, visitor.length); /* the first change of a header ends the loan */
    for (size_t i = 0; i < s_experiment_count; i++) {
        const struct experiment *experiment = &s_experiments[i];
        bp_slice header = bp_bytes(experiment->header, experiment->header_length);

        /* Without a visitor everybody sees the first variant; what a client says of its variant never counts. */
        bp_header_set_named(stream, BP_REQUEST_HEADERS, header, is_known ? choose(experiment, bp_bytes(copy, visitor.length)) : experiment->variants[0].name);
    }
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)
