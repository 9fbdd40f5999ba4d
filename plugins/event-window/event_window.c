/*
 * event-window - turns a stream of events (NDJSON: one JSON object a line) into a stream of figures: for every so many events, or for every
 * so many seconds of their own time, one line with count, least, greatest and sum of a member. README.md has the configuration.
 *
 * Lines are read as the body comes; what is kept of it is one unfinished line. Figures are whole multiples of a millionth, so both metals
 * and every machine give the same digits.
 */
#include <bimetal_json_scan.h>
#include <bimetal_text.h>

#define MAX_LINE_BYTES 4096u
#define MAX_KEY_BYTES 64u
#define MAX_EVENTS 1000000
#define MAX_SECONDS 86400
#define MICRO 1000000
#define MAX_WHOLE 1000000000000 /* greater numbers count as bad events: sums must fit */
#define ROW_BYTES 320u          /* the longest line that is written */
#define OUTPUT_BYTES 4096u      /* written to the body at once */

/* Written by configure, only read afterwards. */
static struct {
    bp_slice field;
    bp_slice time; /* used with seconds */
    int64_t events;
    int64_t seconds; /* one of both is 0 */
} s_window;

struct figures {
    uint64_t count;
    int64_t least, greatest, sum; /* in millionths */
    int64_t number;               /* of the window: counted, or its time divided by its length */
};

/* One response. */
struct visit {
    bool is_events;
    bool is_overlong; /* the line is dropped up to its end */
    uint64_t bad;     /* lines that were no event; in the next line that is written */
    struct figures open;
    size_t line_length;
    uint8_t line[MAX_LINE_BYTES];
};
BP_STREAM_STATE(struct visit)

/* ---- Configuration ---------------------------------------------------------------------------------------------------------------- */

static bool take_number(const bp_json_member *member, int64_t max, int64_t *target, const char *why)
{
    if (member->kind != BP_JSON_NUMBER || member->number < 1 || member->number > max) return bp_refuse(why);
    *target = member->number;
    return true;
}

static bool take_member(const bp_json_member *member)
{
    bp_slice text;
    if (bp_json_is(member, "events")) return take_number(member, MAX_EVENTS, &s_window.events, "event-window: events must be a number from 1 to 1000000");
    if (bp_json_is(member, "seconds")) return take_number(member, MAX_SECONDS, &s_window.seconds, "event-window: seconds must be a number from 1 to 86400");
    if (!bp_keep_text(member, &text) || text.length == 0 || text.length > MAX_KEY_BYTES) return bp_refuse("event-window: field and time are strings of 1 to 64 bytes");
    if (bp_json_is(member, "field")) s_window.field = text;
    else if (bp_json_is(member, "time")) s_window.time = text;
    else return bp_refuse("event-window: unknown key; there are field, events, seconds, time");
    return true;
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    s_window.time = bp_text("ts");
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("event-window: the configuration must be a JSON object, such as {\"field\":\"ms\",\"events\":100}");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member)) return false;
    if (!bp_json_ended(&reader)) return bp_refuse("event-window: the configuration is not a flat JSON object");
    if (s_window.field.length == 0) return bp_refuse("event-window: the configuration lacks field");
    return (s_window.events == 0) != (s_window.seconds == 0) || bp_refuse("event-window: give one of events and seconds");
}
BP_ON_CONFIGURE(configure)

/* ---- Numbers ---------------------------------------------------------------------------------------------------------------------- */

/* A JSON number in millionths; further digits are cut off. False: it has an exponent, or is too large. */
static bool parse_micro(bp_slice text, int64_t *micro)
{
    size_t at = text.length != 0 && text.data[0] == '-' ? 1 : 0;
    bool is_negative = at == 1;
    int64_t value = 0, scale = MICRO;
    for (; at < text.length && text.data[at] != '.'; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') return false;
        value = value * 10 + (text.data[at] - '0');
        if (value > MAX_WHOLE) return false;
    }
    value *= MICRO;
    for (at++; at < text.length; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') return false;
        scale /= 10;
        value += scale * (text.data[at] - '0');
    }
    *micro = is_negative ? -value : value;
    return true;
}

static void put_micro(bp_writer *out, int64_t micro)
{
    uint64_t size = micro < 0 ? (uint64_t)-micro : (uint64_t)micro, fraction = size % MICRO;
    if (micro < 0) bp_put_byte(out, '-');
    bp_put_decimal(out, size / MICRO);
    if (fraction == 0) return;
    bp_put_byte(out, '.');
    for (uint64_t digit = MICRO / 10; fraction != 0; fraction %= digit, digit /= 10) bp_put_byte(out, (uint8_t)('0' + fraction / digit));
}

/* ---- Events ----------------------------------------------------------------------------------------------------------------------- */

struct event {
    bool has_value, has_time;
    int64_t value, time;
};

/* Members of the outermost object alone; the last of a name counts, as with most readers. */
static bool read_event(bp_slice line, struct event *event)
{
    bp_scan scan;
    bp_scan_token token;
    bp_scan_begin(&scan, line);
    *event = (struct event){.has_value = false};
    if (!bp_scan_next(&scan, &token) || token.kind != BP_SCAN_OBJECT) return false;
    while (bp_scan_next(&scan, &token)) {
        if (token.kind != BP_SCAN_KEY) continue;
        bool is_value = bp_equals(token.text, s_window.field), is_time = bp_equals(token.text, s_window.time);
        if (!is_value && !is_time) {
            if (!bp_scan_skip(&scan)) return false;
            continue;
        }
        int64_t micro;
        if (!bp_scan_next(&scan, &token) || token.kind != BP_SCAN_NUMBER || !parse_micro(token.text, &micro)) return false;
        if (is_value) event->value = micro;
        if (is_time) event->time = micro;
        event->has_value |= is_value;
        event->has_time |= is_time;
    }
    return bp_scan_ended(&scan) && event->has_value && (event->has_time || s_window.seconds == 0);
}

/* Where lines go: collected, then appended to the body. */
struct output {
    bp_stream stream;
    bool is_refused; /* the body has no room for what came out */
    bp_writer text;
    uint8_t bytes[OUTPUT_BYTES];
};

static void flush(struct output *output)
{
    if (output->text.length != 0 && bp_body_replace(output->stream, BP_RESPONSE_BODY, SIZE_MAX, 0, bp_written(&output->text)) != BP_OK) output->is_refused = true;
    output->text.length = 0;
}

static void write_window(struct visit *visit, struct output *output)
{
    if (output->text.capacity - output->text.length < ROW_BYTES) flush(output);
    bp_writer *out = &output->text;
    bp_put_text(out, "{\"window\":");
    bp_put_decimal(out, (uint64_t)visit->open.number);
    bp_put_text(out, ",\"count\":");
    bp_put_decimal(out, visit->open.count);
    if (visit->open.count != 0) {
        bp_put_text(out, ",\"min\":");
        put_micro(out, visit->open.least);
        bp_put_text(out, ",\"max\":");
        put_micro(out, visit->open.greatest);
        bp_put_text(out, ",\"sum\":");
        put_micro(out, visit->open.sum);
    }
    bp_put_text(out, ",\"bad\":");
    bp_put_decimal(out, visit->bad);
    bp_put_text(out, "}\n");
    visit->bad = 0;
    visit->open = (struct figures){.number = visit->open.number + 1};
}

static void count_event(struct visit *visit, const struct event *event, struct output *out)
{
    struct figures *open = &visit->open;
    if (s_window.seconds != 0) {
        int64_t number = event->time / (s_window.seconds * MICRO);
        if (open->count != 0 && number != open->number) write_window(visit, out);
        if (open->count == 0) open->number = number;
    }
    if (open->count == 0 || event->value < open->least) open->least = event->value;
    if (open->count == 0 || event->value > open->greatest) open->greatest = event->value;
    /* A sum that would not fit closes its window: nothing is counted wrong. */
    if (__builtin_add_overflow(open->sum, event->value, &open->sum)) {
        write_window(visit, out);
        *open = (struct figures){.least = event->value, .greatest = event->value, .sum = event->value, .number = open->number};
    }
    open->count++;
    if (s_window.events != 0 && open->count == (uint64_t)s_window.events) write_window(visit, out);
}

static void take_line(struct visit *visit, bp_slice line, struct output *out)
{
    struct event event;
    line = bp_trim(line);
    if (line.length == 0) return;
    if (read_event(line, &event) && event.time >= 0) count_event(visit, &event, out);
    else visit->bad++;
}

/* Keeps what is not a whole line yet. */
static void keep_rest(struct visit *visit, bp_slice rest)
{
    if (visit->is_overlong) return;
    if (rest.length > sizeof visit->line - visit->line_length) {
        visit->is_overlong = true;
        visit->line_length = 0;
        return;
    }
    if (rest.length != 0) memcpy(visit->line + visit->line_length, rest.data, rest.length);
    visit->line_length += rest.length;
}

static void end_line(struct visit *visit, bp_slice rest, struct output *out)
{
    if (visit->line_length != 0) {
        keep_rest(visit, rest);
        rest = bp_bytes(visit->line, visit->line_length);
    } else if (rest.length > MAX_LINE_BYTES) {
        visit->is_overlong = true; /* the same line in one chunk must fare as in many */
    }
    if (visit->is_overlong) visit->bad++;
    else take_line(visit, rest, out);
    visit->is_overlong = false;
    visit->line_length = 0;
}

static void take_bytes(struct visit *visit, bp_slice bytes, struct output *out)
{
    while (bytes.length != 0) {
        size_t end = bp_find(bytes, '\n');
        if (end == bytes.length) {
            keep_rest(visit, bytes);
            return;
        }
        end_line(visit, bp_part(bytes, 0, end), out);
        bytes = bp_part(bytes, end + 1, bytes.length);
    }
}

/* ---- The response ----------------------------------------------------------------------------------------------------------------- */

static bp_action on_response_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    bp_slice type;
    if (end_of_stream || bp_header_get(stream, BP_RESPONSE_HEADERS, "content-type", &type) != BP_OK) return BP_CONTINUE;
    type = bp_trim(bp_part(type, 0, bp_find(type, ';')));
    visit->is_events = bp_equals_ignoring_case(type, bp_text("application/x-ndjson")) || bp_equals_ignoring_case(type, bp_text("application/jsonl"));
    if (!visit->is_events) return BP_CONTINUE;
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "content-length");
    bp_header_remove(stream, BP_RESPONSE_HEADERS, "etag");
    return BP_CONTINUE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)

static bp_action on_response_body(bp_stream stream, struct visit *visit, size_t body_length, bool end_of_stream)
{
    bp_slice body;
    if (!visit->is_events || bp_body_get(stream, BP_RESPONSE_BODY, 0, body_length, &body) != BP_OK) return BP_CONTINUE;

    /* The events move aside, so that the figures can take their place. */
    uint8_t *events = bp_scratch(body.length);
    if (events == NULL) return BP_PAUSE; /* held for good: the stream fails at the gateway's limit instead of losing figures */
    if (body.length != 0) memcpy(events, body.data, body.length);
    bp_body_replace(stream, BP_RESPONSE_BODY, 0, SIZE_MAX, bp_bytes(NULL, 0));
    struct output out;
    out.stream = stream;
    out.is_refused = false;
    out.text = bp_writer_over(out.bytes, sizeof out.bytes);
    take_bytes(visit, bp_bytes(events, body.length), &out);
    if (end_of_stream) {
        if (visit->line_length != 0 || visit->is_overlong) end_line(visit, bp_bytes(NULL, 0), &out);
        if (visit->open.count != 0 || visit->bad != 0) write_window(visit, &out);
    }
    flush(&out);
    return out.is_refused ? BP_PAUSE : BP_CONTINUE;
}
BP_ON_RESPONSE_BODY(on_response_body)
