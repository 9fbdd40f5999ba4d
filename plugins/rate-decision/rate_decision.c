/*
 * rate-decision - lets each client make so many requests a second, with bursts: a token bucket per client in shared data, changed by
 * compare-and-swap, so that all threads, all instances and both metals count together. README.md has the configuration.
 *
 * Clients are not kept by name. A client's key is hashed to one of a fixed number of buckets, so a flood of invented keys can neither use
 * up memory nor push anybody's bucket out; two clients that fall into one bucket share it.
 */
#include <bimetal_text.h>

#define MAX_RATE 1000000
#define MAX_BURST 10000000
#define DEFAULT_BUCKETS 16384
#define MAX_BUCKETS 65536
#define MICRO 1000000u /* a token is a million parts, so that slow rates refill smoothly */
#define MAX_TRIES 64u  /* each lost race means that another request was counted */

/* Written by configure, only read afterwards. */
static struct {
    uint64_t rate; /* tokens a second */
    uint64_t burst;
    uint64_t buckets;
    bp_slice header; /* empty: the client's address */
} s_limit = {.rate = 0, .burst = 0, .buckets = DEFAULT_BUCKETS, .header = {0, 0}};

/* What shared data holds for a bucket. The layout is the same on both metals. */
struct bucket {
    uint64_t parts; /* millionths of a token */
    uint64_t at;    /* when parts was right, in nanoseconds of the realtime clock */
};

struct decision {
    bool is_allowed;
    uint64_t left;          /* whole tokens */
    uint64_t wait_seconds;  /* until a token is there, rounded up; when refused */
};

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool take_number(const bp_json_member *member, int64_t max, uint64_t *target, const char *why)
{
    if (member->kind != BP_JSON_NUMBER || member->number < 1 || member->number > max) return bp_refuse(why);
    *target = (uint64_t)member->number;
    return true;
}

static bool take_member(const bp_json_member *member)
{
    if (bp_json_is(member, "requests_per_second"))
        return take_number(member, MAX_RATE, &s_limit.rate, "rate-decision: requests_per_second must be a number from 1 to 1000000");
    if (bp_json_is(member, "burst")) return take_number(member, MAX_BURST, &s_limit.burst, "rate-decision: burst must be a number from 1 to 10000000");
    if (bp_json_is(member, "buckets")) return take_number(member, MAX_BUCKETS, &s_limit.buckets, "rate-decision: buckets must be a number from 1 to 65536");
    if (bp_json_is(member, "header"))
        return (bp_keep_text(member, &s_limit.header) && s_limit.header.length != 0) || bp_refuse("rate-decision: header must be the name of a field");
    return bp_refuse("rate-decision: unknown key; there are requests_per_second, burst, buckets, header");
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("rate-decision: the configuration must be a JSON object, such as {\"requests_per_second\":10}");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member)) return false;
    if (!bp_json_ended(&reader)) return bp_refuse("rate-decision: the configuration is not a flat JSON object");
    if (s_limit.rate == 0) return bp_refuse("rate-decision: the configuration lacks requests_per_second");
    if (s_limit.burst == 0) s_limit.burst = s_limit.rate;
    return true;
}
BP_ON_CONFIGURE(configure)

/* ---- The bucket ------------------------------------------------------------------------------------------------------------------- */

/* Adds what has come since; a clock that went back adds nothing. */
static void refill(struct bucket *bucket, uint64_t now)
{
    uint64_t full = s_limit.burst * MICRO;
    uint64_t elapsed = now > bucket->at ? now - bucket->at : 0;
    uint64_t needed_us = (full - bucket->parts) / s_limit.rate + 1; /* parts a microsecond = rate */
    bucket->parts = elapsed / 1000 >= needed_us ? full : bucket->parts + elapsed / 1000 * s_limit.rate;
    if (bucket->parts > full) bucket->parts = full;
    if (now > bucket->at) bucket->at = bucket->parts == full ? now : now - elapsed % 1000;
}

static struct decision take_token(struct bucket *bucket, uint64_t now)
{
    refill(bucket, now);
    if (bucket->parts < MICRO) {
        uint64_t wait_us = (MICRO - bucket->parts + s_limit.rate - 1) / s_limit.rate;
        return (struct decision){.is_allowed = false, .left = 0, .wait_seconds = (wait_us + 999999) / 1000000};
    }
    bucket->parts -= MICRO;
    return (struct decision){.is_allowed = true, .left = bucket->parts / MICRO, .wait_seconds = 0};
}

/* A store that is full or broken must not open the gate, and a race that is lost again and again means that the bucket is very busy. */
static struct decision decide(uint32_t number)
{
    uint64_t now = bp_now_realtime();
    bp_slice key = bp_bytes(&number, sizeof number);
    for (uint32_t try = 0; try < MAX_TRIES; try++) {
        struct bucket bucket;
        size_t length = 0;
        uint32_t cas = 0;
        bp_status status = bp_shared_get(key, &bucket, sizeof bucket, &length, &cas);
        if (status != BP_OK || length != sizeof bucket || bucket.parts > s_limit.burst * MICRO) bucket = (struct bucket){s_limit.burst * MICRO, now};
        struct decision decision = take_token(&bucket, now);
        if (!decision.is_allowed) return decision; /* nothing was taken: what is stored stays true */
        status = bp_shared_set(key, bp_bytes(&bucket, sizeof bucket), cas);
        if (status == BP_OK) return decision;
        if (status != BP_CAS_MISMATCH) break;
    }
    return (struct decision){.is_allowed = false, .left = 0, .wait_seconds = 1};
}

/* ---- The request ------------------------------------------------------------------------------------------------------------------ */

/* The address without its port: a client has many ports. */
static bp_slice client_address(bp_stream stream)
{
    bp_slice address;
    if (BP_PROPERTY(stream, "source\0address", &address) != BP_OK) return bp_bytes(0, 0);
    size_t end = address.length;
    while (end > 0 && address.data[end - 1] != ':') end--;
    return bp_part(address, 0, end == 0 ? address.length : end - 1);
}

static bp_action refuse_request(bp_stream stream, const struct decision *decision)
{
    char limit[20], wait[20];
    bp_field fields[] = {
        {bp_text("content-type"), bp_text("application/json")},
        {bp_text("retry-after"), bp_decimal(decision->wait_seconds, wait)},
        {bp_text("x-ratelimit-limit"), bp_decimal(s_limit.rate, limit)},
        {bp_text("x-ratelimit-remaining"), bp_text("0")},
    };
    bp_respond(stream, 429, fields, sizeof fields / sizeof *fields, bp_text("{\"error\":\"too-many-requests\"}\n"));
    return BP_PAUSE;
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_slice client;
    if (s_limit.header.length == 0 || bp_header_get_named(stream, BP_REQUEST_HEADERS, s_limit.header, &client) != BP_OK) client = client_address(stream);
    struct decision decision = decide((uint32_t)(bp_hash(0, client) % s_limit.buckets));
    if (!decision.is_allowed) return refuse_request(stream, &decision);
    char left[20];
    bp_header_set(stream, BP_REQUEST_HEADERS, "x-ratelimit-remaining", bp_decimal(decision.left, left));
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)
