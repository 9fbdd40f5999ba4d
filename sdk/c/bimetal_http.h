/*
 * bimetal_http.h - HTTP requests that a plugin makes itself, and what an answer to them may do with streams. For plugins of bimetal_plugin.h that
 * need it; both metals, one source.
 *
 *   static void on_answer(bp_stream stream, struct visit *visit, uint32_t call, const bp_response *response) { ... }
 *   BP_ON_HTTP_RESPONSE(on_answer)
 */
#ifndef BIMETAL_HTTP_H
#define BIMETAL_HTTP_H

#include "bimetal_plugin.h"

#if defined(__wasm__) && !defined(BP_HOST_TABLE)

typedef struct bp_http_request {
    bp_slice upstream;
    const bp_field *fields;
    size_t field_count;
    bp_slice body;
    const bp_field *trailers;
    size_t trailer_count;
    uint32_t timeout_ms;
} bp_http_request;

/* The host has the answer while its handler runs; these are its numbers. */
typedef struct bp_response {
    size_t field_count;
    size_t body_length;
    size_t trailer_count;
} bp_response;

BP_IMPORT("env", "proxy_http_call")
bp_status bp_proxy_http_call(const uint8_t *upstream, size_t upstream_length, const uint8_t *pairs, size_t pairs_length, const uint8_t *body,
                             size_t body_length, const uint8_t *trailers, size_t trailers_length, uint32_t timeout_ms, uint32_t *call);

#define BP_PROXY_CALL_BODY 4u
#define BP_PROXY_CALL_HEADERS 6u
#define BP_PROXY_CALL_TRAILERS 7u

/* glue_wasm.c */
bp_status bp_send_request(const bp_http_request *request, uint32_t *call);

static inline bp_status bp_target_http_call(bp_stream stream, const bp_http_request *request, uint32_t *call)
{
    (void)stream;
    return bp_send_request(request, call);
}

static inline bp_status bp_target_response_field(const bp_response *response, bp_slice name, bp_slice *value)
{
    (void)response;
    return bp_proxy_get_header_map_value(BP_PROXY_CALL_HEADERS, name.data, name.length, &value->data, &value->length);
}

static inline bp_status bp_target_response_trailer(const bp_response *response, bp_slice name, bp_slice *value)
{
    (void)response;
    return bp_proxy_get_header_map_value(BP_PROXY_CALL_TRAILERS, name.data, name.length, &value->data, &value->length);
}

static inline bp_status bp_target_response_body(const bp_response *response, size_t start, size_t max_length, bp_slice *bytes)
{
    (void)response;
    return bp_proxy_get_buffer_bytes(BP_PROXY_CALL_BODY, start, max_length, &bytes->data, &bytes->length);
}

static inline bp_status bp_target_enter(bp_stream stream)
{
    return bp_proxy_set_effective_context(stream);
}

static inline bp_status bp_target_leave(bp_stream stream)
{
    (void)stream;
    return bp_proxy_set_effective_context(bp_root_context);
}

#define BP_ON_HTTP_RESPONSE(handler) \
    BP_EXPORT("proxy_on_http_call_response") \
    void bp_entry_http_response(uint32_t context, uint32_t call, size_t fields, size_t body_length, size_t trailers); \
    void bp_entry_http_response(uint32_t context, uint32_t call, size_t fields, size_t body_length, size_t trailers) \
    { \
        bp_arena_reset(); \
        bp_response response = {fields, body_length, trailers}; \
        bool is_own = context == bp_root_context; \
        handler(is_own ? 0 : context, is_own ? 0 : bp_state_of(context), call, &response); \
    }

#else

typedef bimetal_http_request bp_http_request;
typedef bimetal_http_response bp_response;

static inline bp_status bp_target_http_call(bp_stream stream, const bp_http_request *request, uint32_t *call)
{
    return bp_host.http_call(bp_host.handle, stream, request, call);
}

static inline bp_status bp_target_find_field(const bp_field *fields, size_t count, bp_slice name, bp_slice *value)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.length != name.length || memcmp(fields[i].name.data, name.data, name.length) != 0) continue;
        *value = fields[i].value;
        return BP_OK;
    }
    return BP_NOT_FOUND;
}

static inline bp_status bp_target_response_field(const bp_response *response, bp_slice name, bp_slice *value)
{
    return bp_target_find_field(response->fields, response->field_count, name, value);
}

static inline bp_status bp_target_response_trailer(const bp_response *response, bp_slice name, bp_slice *value)
{
    return bp_target_find_field(response->trailers, response->trailer_count, name, value);
}

static inline bp_status bp_target_response_body(const bp_response *response, size_t start, size_t max_length, bp_slice *bytes)
{
    if (response->field_count == 0) return BP_NOT_FOUND;
    size_t from = start < response->body.length ? start : response->body.length;
    size_t rest = response->body.length - from;
    *bytes = (bp_slice){rest != 0 ? response->body.data + from : 0, rest < max_length ? rest : max_length};
    return BP_OK;
}

static inline bp_status bp_target_enter(bp_stream stream)
{
    return bp_host.stream_enter(stream);
}

static inline bp_status bp_target_leave(bp_stream stream)
{
    return bp_host.stream_leave(stream);
}

void bp_entry_http_response(void *plugin, bimetal_stream stream, void *state, uint32_t call, const bimetal_http_response *response);

#define BP_ON_HTTP_RESPONSE(handler) \
    void bp_entry_http_response(void *plugin, bimetal_stream stream, void *state, uint32_t call, const bimetal_http_response *response) \
    { \
        (void)plugin; \
        handler(stream, state, call, response); \
    }

#endif

/* bp_http_request is { bp_slice upstream; const bp_field *fields; size_t field_count; bp_slice body; const bp_field *trailers;
 * size_t trailer_count; uint32_t timeout_ms; }: the name of an upstream of the gateway, fields with ":method", ":path" and ":authority". */

/* Sends a request and returns at once; the answer comes to the handler of BP_ON_HTTP_RESPONSE with this number. In a handler of a stream give
 * that stream: the answer comes to it, and never if it ends before. In configure, tick and queue handlers give 0. To wait return BP_PAUSE, and
 * continue or answer from the answer's handler. */
static inline bp_status bp_http_call(bp_stream stream, const bp_http_request *request, uint32_t *call)
{
    return bp_target_http_call(stream, request, call);
}

/* The status of an answer; 0 when no whole answer came: no connection, broken off, too late, too long. */
static inline uint32_t bp_response_status(const bp_response *response)
{
    bp_slice text;
    if (response->field_count == 0 || bp_target_response_field(response, bp_text(":status"), &text) != BP_OK) return 0;
    uint32_t status = 0;
    for (size_t i = 0; i < text.length; i++) status = status * 10 + (uint32_t)(text.data[i] - '0');
    return status;
}

/* The first value of a field, or of a trailer, of an answer. */
static inline bp_status bp_response_header(const bp_response *response, const char *name, bp_slice *value)
{
    return bp_target_response_field(response, bp_text(name), value);
}

static inline bp_status bp_response_trailer(const bp_response *response, const char *name, bp_slice *value)
{
    return bp_target_response_trailer(response, bp_text(name), value);
}

/* Up to max_length bytes from start of an answer's body. */
static inline bp_status bp_response_body(const bp_response *response, size_t start, size_t max_length, bp_slice *bytes)
{
    return bp_target_response_body(response, start, max_length, bytes);
}

/* From inside a tick, a queue handler, or the handler of an answer that has no stream: access to what a stream holds, until bp_leave; then it can be
 * continued or answered. One stream at a time. BP_NOT_FOUND or BP_BAD_ARGUMENT: it has ended, or on wasm it is in another instance. */
static inline bp_status bp_enter(bp_stream stream)
{
    return bp_target_enter(stream);
}

static inline bp_status bp_leave(bp_stream stream)
{
    return bp_target_leave(stream);
}

#endif
