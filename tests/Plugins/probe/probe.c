/*
 * probe - does what the request field x-do says, with every function of the SDK, and reports statuses and values. The cases run it on both
 * metals and compare every byte.
 */
#include <bimetal_json.h>
#include <bimetal_plugin.h>

bp_status second_source_set(bp_stream stream, const char *name, bp_slice value);

struct visit {
    uint32_t begun;
    uint32_t chunks;
    uint64_t body_bytes;
    bool wants_replacing;
    bool wants_holding;
    bool wants_continuing;
};
BP_STREAM_STATE(struct visit)

static bp_slice s_configuration; /* copied by configure */
static uint64_t s_number;

/* ---- A report: lines of text in a fixed buffer ------------------------------------------------------------------------------------ */

struct report {
    uint8_t text[4096];
    size_t length;
};

static void put(struct report *report, bp_slice bytes)
{
    size_t room = sizeof report->text - report->length;
    size_t length = bytes.length < room ? bytes.length : room;
    if (length != 0) memcpy(report->text + report->length, bytes.data, length);
    report->length += length;
}

static void put_number(struct report *report, const char *label, uint64_t number)
{
    char digits[20];
    put(report, bp_text(label));
    put(report, bp_text(" "));
    put(report, bp_decimal(number, digits));
    put(report, bp_text("\n"));
}

static bp_action answer(bp_stream stream, const struct report *report)
{
    bp_field fields[] = {{bp_text("content-type"), bp_text("text/plain")}, {bp_text("x-twice"), bp_text("1")}, {bp_text("x-twice"), bp_text("")}};
    bp_status status = bp_respond(stream, 203, fields, 3, bp_bytes(report->text, report->length));
    if (status != BP_OK) bp_log(BP_ERROR, "the answer was refused");
    return BP_PAUSE;
}

/* ---- Handlers --------------------------------------------------------------------------------------------------------------------- */

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    if (configuration.length == 0) return true;
    if (!bp_json_begin(&reader, configuration)) return false;
    while (bp_json_next(&reader, &member)) {
        if (bp_json_is(&member, "number") && member.kind == BP_JSON_NUMBER) s_number = (uint64_t)member.number;
        if (bp_json_is(&member, "text") && member.kind == BP_JSON_STRING) {
            uint8_t *text = bp_keep(member.text.length);
            size_t length;
            if (text == NULL || !bp_json_unescape(member.text, text, &length)) return false;
            s_configuration = bp_bytes(text, length);
        }
    }
    return bp_json_ended(&reader);
}
BP_ON_CONFIGURE(configure)

static void on_begin(bp_stream stream, struct visit *visit)
{
    (void)stream;
    visit->begun++;
}
BP_ON_STREAM_BEGIN(on_begin)

static void on_end(bp_stream stream, struct visit *visit)
{
    bp_slice value;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, ":path", &value) == BP_OK && visit->begun == 0) __builtin_trap();
}
BP_ON_STREAM_END(on_end)

static bp_action list(bp_stream stream)
{
    struct report report;
    report.length = 0;
    bp_list fields;
    bp_field field;
    put_number(&report, "status", (uint64_t)bp_header_list(stream, BP_REQUEST_HEADERS, &fields));
    put_number(&report, "count", fields.count);
    for (size_t i = 0; i < fields.count && bp_header_at(&fields, i, &field) == BP_OK; i++) {
        put(&report, field.name);
        put(&report, bp_text("="));
        put(&report, field.value);
        put(&report, bp_text("\n"));
    }
    put_number(&report, "past the end", (uint64_t)bp_header_at(&fields, fields.count, &field));
    return answer(stream, &report);
}

static bp_action change(bp_stream stream)
{
    struct report report;
    bp_slice value = bp_text("untouched");
    bp_map map = BP_REQUEST_HEADERS;
    report.length = 0;
    put_number(&report, "set", (uint64_t)bp_header_set(stream, map, "x-set", bp_text("new")));
    put_number(&report, "add", (uint64_t)bp_header_add(stream, map, "X-Add", bp_text("more")));
    put_number(&report, "remove", (uint64_t)bp_header_remove(stream, map, "x-gone"));
    put_number(&report, "remove again", (uint64_t)bp_header_remove(stream, map, "x-gone"));
    put_number(&report, "get gone", (uint64_t)bp_header_get(stream, map, "x-gone", &value));
    put(&report, value);
    put_number(&report, "\nget with capitals", (uint64_t)bp_header_get(stream, map, "X-ADD", &value));
    put(&report, value);
    put_number(&report, "\nvalue with a line end", (uint64_t)bp_header_set(stream, map, "x-set", bp_text("a\r\nb: c")));
    put_number(&report, "name with a space", (uint64_t)bp_header_set(stream, map, "x set", bp_text("a")));
    put_number(&report, "empty name", (uint64_t)bp_header_set(stream, map, "", bp_text("a")));
    put_number(&report, "empty value", (uint64_t)bp_header_set(stream, map, "x-empty", bp_bytes(0, 0)));
    put_number(&report, "remove method", (uint64_t)bp_header_remove(stream, map, ":method"));
    put_number(&report, "bad path", (uint64_t)bp_header_set(stream, map, ":path", bp_text("no slash")));
    put_number(&report, "path", (uint64_t)bp_header_set(stream, map, ":path", bp_text("/changed")));
    put_number(&report, "response too early", (uint64_t)bp_header_set(stream, BP_RESPONSE_HEADERS, "x-early", bp_text("1")));
    put_number(&report, "unknown map", (uint64_t)bp_header_set(stream, 99, "x-set", bp_text("1")));
    put_number(&report, "no body yet", (uint64_t)bp_body_get(stream, BP_REQUEST_BODY, 0, 1, &value));
    put_number(&report, "configured number", s_number);
    put(&report, s_configuration);
    return answer(stream, &report);
}

static bp_action ask(bp_stream stream)
{
    struct report report;
    bp_slice value;
    report.length = 0;
    if (BP_PROPERTY(stream, "request\0path", &value) == BP_OK) put(&report, value);
    if (BP_PROPERTY(stream, "request\0method", &value) == BP_OK) put(&report, value);
    if (BP_PROPERTY(stream, "source\0address", &value) == BP_OK) put(&report, value);
    put_number(&report, "\nunknown property", (uint64_t)BP_PROPERTY(stream, "no\0such", &value));
    uint64_t before = bp_now_monotonic();
    put_number(&report, "realtime", bp_now_realtime());
    put_number(&report, "time goes on", before != 0 && bp_now_monotonic() >= before);
    bp_log(BP_INFO, "asked");
    return answer(stream, &report);
}

/* An answer that the host must refuse: the request has to stop all the same. */
static bp_action answer_badly(bp_stream stream)
{
    bp_field field = {bp_text("x-split"), bp_text("a\r\nb: c")};
    if (bp_respond(stream, 200, &field, 1, bp_text("never")) == BP_OK) __builtin_trap();
    field.value = bp_text("sound");
    bp_respond(stream, 418, &field, 1, bp_bytes(0, 0));
    bp_respond(stream, 200, NULL, 0, bp_text("the second answer does not count"));
    return BP_PAUSE;
}

static bp_action keep(bp_stream stream)
{
    struct report report;
    uint32_t counter = 0, gauge = 0, histogram = 0, queue = 0;
    uint64_t value = 0;
    uint8_t item[4];
    size_t length = 0;
    report.length = 0;
    put_number(&report, "define", (uint64_t)bp_metric_define(BP_COUNTER, "probe_calls", &counter));
    put_number(&report, "define again", (uint64_t)bp_metric_define(BP_COUNTER, "probe_calls", &gauge) + counter - gauge);
    bp_metric_define(BP_GAUGE, "probe_level", &gauge);
    bp_metric_define(BP_HISTOGRAM, "probe_sizes", &histogram);
    put_number(&report, "up", (uint64_t)bp_metric_increment(counter, 3));
    put_number(&report, "down", (uint64_t)bp_metric_increment(counter, -1));
    put_number(&report, "get", (uint64_t)bp_metric_get(counter, &value));
    put_number(&report, "counter", value);
    bp_metric_record(gauge, 7);
    bp_metric_increment(gauge, -2);
    bp_metric_get(gauge, &value);
    put_number(&report, "gauge", value);
    put_number(&report, "record", (uint64_t)bp_metric_record(histogram, 100));
    put_number(&report, "get histogram", (uint64_t)bp_metric_get(histogram, &value));
    put_number(&report, "unknown metric", (uint64_t)bp_metric_record(99, 1));
    put_number(&report, "open", (uint64_t)bp_queue_open("probe", &queue));
    put_number(&report, "push", (uint64_t)bp_queue_push(queue, bp_text("first")) + (uint64_t)bp_queue_push(queue, bp_text("2")));
    put_number(&report, "pop", (uint64_t)bp_queue_pop(queue, item, sizeof item, &length));
    put_number(&report, "length", length);
    put(&report, bp_bytes(item, sizeof item));
    put_number(&report, "\npop", (uint64_t)bp_queue_pop(queue, item, sizeof item, &length));
    put(&report, bp_bytes(item, length));
    put_number(&report, "\npop empty", (uint64_t)bp_queue_pop(queue, item, sizeof item, &length));
    put_number(&report, "unknown queue", (uint64_t)bp_queue_push(99, bp_text("x")));
    return answer(stream, &report);
}

static bp_action on_request_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    (void)end_of_stream;
    bp_slice order;
    if (visit == NULL || visit->begun != 1) __builtin_trap();
    if (bp_header_get(stream, BP_REQUEST_HEADERS, "x-do", &order) != BP_OK) return BP_CONTINUE;
    if (bp_equals(order, bp_text("list"))) return list(stream);
    if (bp_equals(order, bp_text("change"))) return change(stream);
    if (bp_equals(order, bp_text("ask"))) return ask(stream);
    if (bp_equals(order, bp_text("keep"))) return keep(stream);
    if (bp_equals(order, bp_text("answer badly"))) return answer_badly(stream);
    visit->wants_replacing = bp_equals(order, bp_text("replace"));
    visit->wants_holding = bp_equals(order, bp_text("hold"));
    visit->wants_continuing = bp_equals(order, bp_text("continue"));
    return visit->wants_holding || visit->wants_continuing ? BP_PAUSE : BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)

static bp_action replace(bp_stream stream, size_t body_length)
{
    bp_slice all, first, beyond;
    if (bp_body_get(stream, BP_REQUEST_BODY, 0, body_length, &all) != BP_OK || all.length != body_length) __builtin_trap();
    if (bp_body_get(stream, BP_REQUEST_BODY, body_length + 5, 10, &beyond) != BP_OK || beyond.length != 0) __builtin_trap();
    if (bp_body_get(stream, BP_RESPONSE_BODY, 0, 10, &beyond) == BP_OK) __builtin_trap();
    /* The body's own bytes go in again at another place: they must be copied before anything moves. */
    if (bp_body_get(stream, BP_REQUEST_BODY, 0, 4, &first) != BP_OK) __builtin_trap();
    bp_body_replace(stream, BP_REQUEST_BODY, 2, 1, first);
    bp_body_replace(stream, BP_REQUEST_BODY, 0, 0, bp_text("<"));
    bp_body_replace(stream, BP_REQUEST_BODY, SIZE_MAX, 0, bp_text(">"));
    return BP_CONTINUE;
}

static bp_action on_request_body(bp_stream stream, struct visit *visit, size_t body_length, bool end_of_stream)
{
    visit->chunks++;
    visit->body_bytes = body_length;
    if (visit->wants_replacing) return replace(stream, body_length);
    if (visit->wants_holding && !end_of_stream) return BP_PAUSE;
    if (visit->wants_holding) bp_header_set(stream, BP_REQUEST_HEADERS, "x-held", bp_text("until the end"));
    if (visit->wants_continuing && visit->chunks == 2) bp_continue(stream, BP_REQUEST);
    return visit->wants_continuing ? BP_PAUSE : BP_CONTINUE;
}
BP_ON_REQUEST_BODY(on_request_body)

static bp_action on_response_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    char digits[20];
    bp_slice value;
    second_source_set(stream, "x-chunks", bp_decimal(visit->chunks, digits));
    second_source_set(stream, "x-body-bytes", bp_decimal(visit->body_bytes, digits));
    second_source_set(stream, "x-end", bp_text(end_of_stream ? "yes" : "no"));
    if (bp_header_get(stream, BP_RESPONSE_HEADERS, ":status", &value) == BP_OK && bp_equals(value, bp_text("404")))
        bp_header_set(stream, BP_RESPONSE_HEADERS, ":status", bp_text("410"));
    if (bp_header_get(stream, BP_REQUEST_HEADERS, "x-do", &value) == BP_OK && bp_equals(value, bp_text("answer instead")))
        bp_respond(stream, 502, NULL, 0, bp_text("not this one"));
    /* What has been passed on can be read, not changed. */
    if (bp_header_set(stream, BP_REQUEST_HEADERS, "x-late", bp_text("1")) == BP_OK) __builtin_trap();
    return BP_CONTINUE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)

static bp_action on_response_body(bp_stream stream, struct visit *visit, size_t body_length, bool end_of_stream)
{
    (void)visit;
    if (end_of_stream) bp_body_replace(stream, BP_RESPONSE_BODY, 0, body_length, bp_text("replaced\n"));
    return BP_CONTINUE;
}
BP_ON_RESPONSE_BODY(on_response_body)

static void on_log(bp_stream stream, struct visit *visit)
{
    (void)visit;
    bp_slice value;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, ":path", &value) != BP_OK) __builtin_trap();
    if (bp_header_set(stream, BP_RESPONSE_HEADERS, "x-log", bp_text("1")) == BP_OK) __builtin_trap();
}
BP_ON_LOG(on_log)
