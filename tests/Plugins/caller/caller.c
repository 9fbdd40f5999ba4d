/*
 * caller - does what the request field x-do says: asks the upstream "keys", for the stream or for itself, and tells what came. One source for both
 * metals.
 */
#include <bimetal_http.h>

struct visit {
    uint32_t call;
};
BP_STREAM_STATE(struct visit)

static uint32_t s_queue;
static uint32_t s_items;
static uint32_t s_ticks;
static bp_stream s_waiting; /* written by a stream, read by the plugin's own callbacks, which run beside it on native */

static bp_status ask(bp_stream stream, const char *upstream, uint32_t *call)
{
    const bp_field fields[] = {{bp_text(":method"), bp_text("POST")}, {bp_text(":path"), bp_text("/k")}, {bp_text(":authority"), bp_text("h")}};
    const bp_field trailers[] = {{bp_text("x-end"), bp_text("1")}};
    const bp_http_request request = {.upstream = bp_text(upstream), .fields = fields, .field_count = 3, .body = bp_text("body"),
                                     .trailers = trailers, .trailer_count = 1, .timeout_ms = 500};
    return bp_http_call(stream, &request, call);
}

static bp_status ask_without_body(bp_stream stream, uint32_t *call)
{
    const bp_field fields[] = {{bp_text(":method"), bp_text("GET")}, {bp_text(":path"), bp_text("/k")}, {bp_text(":authority"), bp_text("h")}};
    const bp_http_request request = {.upstream = bp_text("keys"), .fields = fields, .field_count = 3};
    return bp_http_call(stream, &request, call);
}

static bp_action answer_number(bp_stream stream, uint32_t status, uint64_t number)
{
    char digits[20];
    bp_respond(stream, status, 0, 0, bp_decimal(number, digits));
    return BP_PAUSE;
}

static bool configure(bp_slice configuration)
{
    if (bp_queue_open("items", &s_queue) != BP_OK || bp_metric_define(BP_COUNTER, "items", &s_items) != BP_OK) return false;
    return !bp_equals(configuration, bp_text("own")) || bp_tick_every(100) == BP_OK;
}
BP_ON_CONFIGURE(configure)

static bp_action compress(bp_stream stream)
{
    uint8_t packed[256], plain[256];
    size_t packed_length, plain_length = 0;
    bp_slice text = bp_text("the same the same the same the same");
    if (bp_foreign_call("compress", text, packed, sizeof packed, &packed_length) != BP_OK || packed_length >= text.length) return answer_number(stream, 500, packed_length);
    bp_status status = bp_foreign_call("uncompress", bp_bytes(packed, packed_length), plain, sizeof plain, &plain_length);
    if (status != BP_OK || !bp_equals(bp_bytes(plain, plain_length), text)) return answer_number(stream, 501, (uint64_t)status);
    return answer_number(stream, 200, (uint64_t)bp_foreign_call("nothing", text, plain, sizeof plain, &plain_length));
}

static bp_action on_request_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    (void)end_of_stream;
    bp_slice what, value;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, "x-do", &what) != BP_OK) return BP_CONTINUE;
    if (bp_equals(what, bp_text("call")) || bp_equals(what, bp_text("change"))) {
        bp_status status = ask(stream, "keys", &visit->call);
        return status == BP_OK ? BP_PAUSE : answer_number(stream, 500, (uint64_t)status);
    }
    if (bp_equals(what, bp_text("get"))) return ask_without_body(stream, &visit->call) == BP_OK ? BP_PAUSE : answer_number(stream, 500, 0);
    if (bp_equals(what, bp_text("nobody"))) return answer_number(stream, 200, (uint64_t)ask(stream, "nobody", &visit->call));
    if (bp_equals(what, bp_text("wait"))) {
        __atomic_store_n(&s_waiting, stream, __ATOMIC_RELEASE);
        return BP_PAUSE;
    }
    if (bp_equals(what, bp_text("enter"))) return answer_number(stream, 200, (uint64_t)bp_enter(stream));
    if (bp_equals(what, bp_text("close"))) {
        bp_close(stream);
        return BP_PAUSE;
    }
    if (bp_equals(what, bp_text("push"))) return answer_number(stream, 200, (uint64_t)bp_queue_push(s_queue, bp_text("one")));
    if (bp_equals(what, bp_text("compress"))) return compress(stream);
    if (bp_equals(what, bp_text("property"))) {
        bp_status reserved = bp_property_set(stream, "request\0path", 12, bp_text("/"));
        if (bp_property_set(stream, "mine\0a", 6, bp_text("value")) != BP_OK || BP_PROPERTY(stream, "mine\0a", &value) != BP_OK) return answer_number(stream, 500, 0);
        return answer_number(stream, bp_equals(value, bp_text("value")) ? 200 : 501, (uint64_t)reserved);
    }
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)

static void on_tick(void)
{
    uint32_t call;
    if (++s_ticks == 1) ask(0, "keys", &call);
}
BP_ON_TICK(on_tick)

static void on_queue(uint32_t queue)
{
    uint8_t item[8];
    size_t length;
    if (bp_queue_pop(queue, item, sizeof item, &length) == BP_OK && length == 3) bp_metric_increment(s_items, 1);
}
BP_ON_QUEUE(on_queue)

static void on_response(bp_stream stream, struct visit *visit, uint32_t call, const bp_response *response)
{
    bp_slice body, what, end;
    if (stream == 0) {
        bp_stream waiting = __atomic_load_n(&s_waiting, __ATOMIC_ACQUIRE);
        if (bp_enter(waiting) != BP_OK) return;
        bp_header_set(waiting, BP_REQUEST_HEADERS, "x-own", bp_response_body(response, 0, 100, &body) == BP_OK ? body : bp_text("none"));
        bp_continue(waiting, BP_REQUEST);
        bp_leave(waiting);
        return;
    }
    if (call != visit->call) {
        answer_number(stream, 500, call);
    } else if (bp_response_status(response) == 0) {
        answer_number(stream, 503, (uint64_t)bp_response_body(response, 0, 100, &body));
    } else if (bp_header_get(stream, BP_REQUEST_HEADERS, "x-do", &what) == BP_OK && bp_equals(what, bp_text("change"))) {
        if (bp_response_body(response, 4, 100, &body) == BP_OK) bp_header_set(stream, BP_REQUEST_HEADERS, "x-key", body);
        bp_continue(stream, BP_REQUEST);
    } else {
        bp_field fields[] = {{bp_text("x-end"), bp_response_trailer(response, "t", &end) == BP_OK ? end : bp_text("none")}};
        bp_response_body(response, 0, 100, &body);
        bp_respond(stream, bp_response_status(response) + 1, fields, 1, body);
    }
}
BP_ON_HTTP_RESPONSE(on_response)
