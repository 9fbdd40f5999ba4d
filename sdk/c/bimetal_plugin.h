/*
 * bimetal_plugin.h - write a plugin once in C, build it for both metals.
 *
 * The same source becomes a native shared object (through bimetal.h) and a proxy-wasm 0.2.1 module. `bimetal build DIR` does both; by hand:
 *
 *   native  clang-19 -std=c11 -O2 -march=x86-64-v2 -fPIC -fvisibility=hidden -shared -I sdk/c -I native/include \
 *             my_plugin.c sdk/c/glue_native.c -o plugin.so
 *   wasm    clang-19 --target=wasm32 -std=c11 -O2 -mbulk-memory -nostdlib -fvisibility=hidden -I sdk/c \
 *             my_plugin.c sdk/c/glue_wasm.c sdk/c/wasm_memory.c -Wl,--no-entry,--stack-first,-z,stack-size=65536 -o plugin.wasm
 *
 * A plugin is a set of handlers, each named to the SDK by a macro at file level (no semicolon after it). Handlers that a plugin does not
 * name are not exported, so the gateway never calls them:
 *
 *   struct visit { bool is_bot; };                           // zeroed at the start of every stream
 *   BP_STREAM_STATE(struct visit)
 *
 *   static bp_action on_request_headers(bp_stream stream, struct visit *visit, bool end_of_stream) { ... }
 *   BP_ON_REQUEST_HEADERS(on_request_headers)
 *
 * RULES (the stricter of the two metals)
 *   - A slice that a function gives is borrowed: it is valid until the map or buffer it came from is changed, or until the handler returns.
 *   - Handlers of different streams run at the same time on the native metal: write globals in the start and configure handlers only.
 *   - What survives a handler lives in the stream's state. What survives start and configure lives in globals or in memory from bp_keep.
 *   - Only the freestanding part of C is there on wasm, with memcpy, memmove, memset, memcmp and strlen.
 */
#ifndef BIMETAL_PLUGIN_H
#define BIMETAL_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Results of functions. Compare with BP_OK; the others say why not. */
typedef int32_t bp_status;
#define BP_OK 0
#define BP_NOT_FOUND 1
#define BP_BAD_ARGUMENT 2
#define BP_EMPTY 7
#define BP_CAS_MISMATCH 8
#define BP_INTERNAL 10
#define BP_UNIMPLEMENTED 12

/* What a handler wants done with what it was shown: pass it on, or hold it. A held direction goes on when a later handler of it returns
 * BP_CONTINUE, or by bp_continue; return BP_PAUSE after bp_respond. */
typedef int32_t bp_action;
#define BP_CONTINUE 0
#define BP_PAUSE 1

typedef uint32_t bp_map;
#define BP_REQUEST_HEADERS 0u
#define BP_REQUEST_TRAILERS 1u
#define BP_RESPONSE_HEADERS 2u
#define BP_RESPONSE_TRAILERS 3u

typedef uint32_t bp_buffer;
#define BP_REQUEST_BODY 0u
#define BP_RESPONSE_BODY 1u

typedef uint32_t bp_direction;
#define BP_REQUEST 0u
#define BP_RESPONSE 1u

typedef uint32_t bp_level;
#define BP_TRACE 0u
#define BP_DEBUG 1u
#define BP_INFO 2u
#define BP_WARN 3u
#define BP_ERROR 4u
#define BP_CRITICAL 5u

typedef uint32_t bp_metric_kind;
#define BP_COUNTER 0u
#define BP_GAUGE 1u
#define BP_HISTOGRAM 2u

#if defined(__wasm__) && !defined(BP_HOST_TABLE)
#include "target_wasm.h"
#else
#include "target_native.h"
#endif

/* ---- Bytes ------------------------------------------------------------------------------------------------------------------------ */

/* bp_slice is { const uint8_t *data; size_t length; }; data may be null when length is 0. */

/* The bytes of a C string, without its zero. */
static inline bp_slice bp_text(const char *text)
{
    return (bp_slice){(const uint8_t *)text, strlen(text)};
}

static inline bp_slice bp_bytes(const void *data, size_t length)
{
    return (bp_slice){(const uint8_t *)data, length};
}

static inline bool bp_equals(bp_slice left, bp_slice right)
{
    return left.length == right.length && (left.length == 0 || memcmp(left.data, right.data, left.length) == 0);
}

/* Whether a slice starts with a lower-case text, ASCII case in the slice disregarded. */
static inline bool bp_starts_with_ignoring_case(bp_slice slice, const char *lower)
{
    size_t length = strlen(lower);
    if (slice.length < length) return false;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = slice.data[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)lower[i]) return false;
    }
    return true;
}

/* A number in decimal; the text stands at the end of the 20 bytes that the caller lends. */
static inline bp_slice bp_decimal(uint64_t number, char digits[20])
{
    size_t start = 20;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return bp_bytes(digits + start, 20 - start);
}

/* ---- Header fields ---------------------------------------------------------------------------------------------------------------- */
/* Names are lower case. The _named forms take a name that is not a C string. */

static inline bp_status bp_header_get_named(bp_stream stream, bp_map map, bp_slice name, bp_slice *value)
{
    return bp_target_header_get(stream, map, name, value);
}

/* The first value of a field; BP_NOT_FOUND when the message lacks it. */
static inline bp_status bp_header_get(bp_stream stream, bp_map map, const char *name, bp_slice *value)
{
    return bp_target_header_get(stream, map, bp_text(name), value);
}

/* Gives a field this one value, whether it was there once, many times or not at all. */
static inline bp_status bp_header_set(bp_stream stream, bp_map map, const char *name, bp_slice value)
{
    return bp_target_header_set(stream, map, bp_text(name), value);
}

static inline bp_status bp_header_set_named(bp_stream stream, bp_map map, bp_slice name, bp_slice value)
{
    return bp_target_header_set(stream, map, name, value);
}

/* Appends a field, whatever is there already. */
static inline bp_status bp_header_add(bp_stream stream, bp_map map, const char *name, bp_slice value)
{
    return bp_target_header_add(stream, map, bp_text(name), value);
}

/* Removes every occurrence; BP_OK also when there was none. */
static inline bp_status bp_header_remove(bp_stream stream, bp_map map, const char *name)
{
    return bp_target_header_remove(stream, map, bp_text(name));
}

static inline bp_status bp_header_remove_named(bp_stream stream, bp_map map, bp_slice name)
{
    return bp_target_header_remove(stream, map, name);
}

/* All fields of a message, in order of arrival: list first, then at for each index below list.count. The list is borrowed like a slice. */
static inline bp_status bp_header_list(bp_stream stream, bp_map map, bp_list *list)
{
    return bp_target_header_list(stream, map, list);
}

static inline bp_status bp_header_at(const bp_list *list, size_t index, bp_field *field)
{
    return bp_target_header_at(list, index, field);
}

/* ---- Bodies ----------------------------------------------------------------------------------------------------------------------- */

/* Up to max_length bytes from start of what the body handler holds. Ask for what you need: wasm gets a copy, native a view. */
static inline bp_status bp_body_get(bp_stream stream, bp_buffer buffer, size_t start, size_t max_length, bp_slice *bytes)
{
    return bp_target_body_get(stream, buffer, start, max_length, bytes);
}

/* Replaces length bytes from start, both clamped to the content: (0, 0) prepends, (SIZE_MAX, 0) appends, (0, SIZE_MAX) replaces all. */
static inline bp_status bp_body_replace(bp_stream stream, bp_buffer buffer, size_t start, size_t length, bp_slice bytes)
{
    return bp_target_body_replace(stream, buffer, start, length, bytes);
}

/* ---- The stream ------------------------------------------------------------------------------------------------------------------- */

/* Answers instead of the upstream. The first answer counts. Return BP_PAUSE after it. */
static inline bp_status bp_respond(bp_stream stream, uint32_t status, const bp_field *fields, size_t field_count, bp_slice body)
{
    return bp_target_respond(stream, status, fields, field_count, body);
}

/* Continues a held direction from a handler of the other one. */
static inline bp_status bp_continue(bp_stream stream, bp_direction direction)
{
    return bp_target_continue(stream, direction);
}

/* Breaks the exchange off without an answer. Return BP_PAUSE after it. */
static inline bp_status bp_close(bp_stream stream)
{
    return bp_target_close(stream);
}

/* A property by its path, with path_length because segments are separated by zero bytes: BP_PROPERTY(stream, "request\0path", &value). */
static inline bp_status bp_property_get(bp_stream stream, const char *path, size_t path_length, bp_slice *value)
{
    return bp_target_property_get(stream, path, path_length, value);
}
/* Sets a property of the exchange, for the plugins after this one. */
static inline bp_status bp_property_set(bp_stream stream, const char *path, size_t path_length, bp_slice value)
{
    return bp_target_property_set(stream, path, path_length, value);
}
#define BP_PROPERTY(stream, literal, value) bp_property_get(stream, literal, sizeof(literal) - 1, value)

/* ---- The gateway ------------------------------------------------------------------------------------------------------------------ */

static inline void bp_log(bp_level level, const char *message)
{
    bp_target_log(level, bp_text(message));
}

static inline void bp_log_bytes(bp_level level, bp_slice message)
{
    bp_target_log(level, message);
}

/* Nanoseconds since 1970-01-01T00:00:00Z; 0 when the host has no such clock. */
static inline uint64_t bp_now_realtime(void)
{
    return bp_target_now_realtime();
}

/* Nanoseconds since an arbitrary moment; never goes back. */
static inline uint64_t bp_now_monotonic(void)
{
    return bp_target_now_monotonic();
}

/* Shared data: values by key that outlive streams and instances; all instances of the plugin see the same. Copies up to capacity bytes to
 * value, the whole length to *length, and to *cas a number for bp_shared_set. BP_NOT_FOUND when there is no such key. */
static inline bp_status bp_shared_get(bp_slice key, void *value, size_t capacity, size_t *length, uint32_t *cas)
{
    return bp_target_shared_get(key, value, capacity, length, cas);
}

/* Sets a value. With a cas other than 0, only if nobody has set it since it was read: otherwise BP_CAS_MISMATCH, and nothing was set. */
static inline bp_status bp_shared_set(bp_slice key, bp_slice value, uint32_t cas)
{
    return bp_target_shared_set(key, value, cas);
}

/* Metrics, which the gateway exports: define them in the configure handler, where the same name gives the same number again. A counter only goes
 * up; to record sets a counter or a gauge, and adds a value to a histogram, which cannot be read. */
static inline bp_status bp_metric_define(bp_metric_kind kind, const char *name, uint32_t *metric)
{
    return bp_target_metric_define(kind, bp_text(name), metric);
}

static inline bp_status bp_metric_increment(uint32_t metric, int64_t offset)
{
    return bp_target_metric_increment(metric, offset);
}

static inline bp_status bp_metric_record(uint32_t metric, uint64_t value)
{
    return bp_target_metric_record(metric, value);
}

static inline bp_status bp_metric_get(uint32_t metric, uint64_t *value)
{
    return bp_target_metric_get(metric, value);
}

/* Queues by name, first in, first out, of all instances of the plugin together. To pop copies up to capacity bytes, and the item's whole length
 * to *length; what has no room is lost. BP_EMPTY when there is no item. */
static inline bp_status bp_queue_open(const char *name, uint32_t *queue)
{
    return bp_target_queue_open(bp_text(name), queue);
}

static inline bp_status bp_queue_push(uint32_t queue, bp_slice item)
{
    return bp_target_queue_push(queue, item);
}

static inline bp_status bp_queue_pop(uint32_t queue, void *item, size_t capacity, size_t *length)
{
    return bp_target_queue_pop(queue, item, capacity, length);
}

/* Has the handler of BP_ON_TICK called so often, from the configure handler on; 0 stops it. */
static inline bp_status bp_tick_every(uint32_t period_ms)
{
    return bp_target_tick_every(period_ms);
}

/* Calls a function of the host by name ("compress", "uncompress"). Copies up to capacity bytes of what it gives, the whole length to *length. */
static inline bp_status bp_foreign_call(const char *name, bp_slice argument, void *result, size_t capacity, size_t *length)
{
    return bp_target_foreign_call(bp_text(name), argument, result, capacity, length);
}

/* Memory for good, zeroed: for what the configure handler makes. Null when there is none left. */
void *bp_keep(size_t length);

/* Memory until the handler returns, not zeroed: to build a body in. Only the last piece asked for is good. Null when there is none left. */
void *bp_scratch(size_t length);

/* ---- Handlers: name each at most once in the whole plugin ------------------------------------------------------------------------- */
/*
 * BP_ON_START(handler)              bool handler(bp_slice vm_configuration)      before configure, with vm_config; false refuses it
 * BP_ON_CONFIGURE(handler)          bool handler(bp_slice configuration)         false refuses it: log why first
 * BP_STREAM_STATE(type)             makes `type *state` of every handler point to a zeroed `type` of the stream; without it, to null
 * BP_ON_STREAM_BEGIN(handler)       void handler(bp_stream, type *)              needs BP_STREAM_STATE
 * BP_ON_STREAM_END(handler)         void handler(bp_stream, type *)              needs BP_STREAM_STATE; no function of the stream works here
 * BP_ON_REQUEST_HEADERS(handler)    bp_action handler(bp_stream, type *, bool end_of_stream)
 * BP_ON_REQUEST_BODY(handler)       bp_action handler(bp_stream, type *, size_t body_length, bool end_of_stream)
 * BP_ON_REQUEST_TRAILERS(handler)   bp_action handler(bp_stream, type *)
 * BP_ON_RESPONSE_HEADERS, BP_ON_RESPONSE_BODY, BP_ON_RESPONSE_TRAILERS           the same for the response
 * BP_ON_LOG(handler)                void handler(bp_stream, type *)              the exchange is over: read, change nothing
 * BP_ON_DONE(handler)               see bimetal_done.h
 * BP_ON_TICK(handler)               void handler(void)                           after bp_tick_every; on native beside the streams' handlers
 * BP_ON_QUEUE(handler)              void handler(uint32_t queue)                 once for each item of a queue that bp_queue_open has opened
 * BP_ON_HTTP_RESPONSE(handler)      see bimetal_http.h
 *
 * body_length counts the new chunk and everything that was held back before it.
 */
#define BP_ON_START(handler) BP_TARGET_START(handler)
#define BP_ON_CONFIGURE(handler) BP_TARGET_CONFIGURE(handler)
#define BP_STREAM_STATE(type) BP_TARGET_STREAM_STATE(type)
#define BP_ON_STREAM_BEGIN(handler) BP_TARGET_STREAM_BEGIN(handler)
#define BP_ON_STREAM_END(handler) BP_TARGET_STREAM_END(handler)
#define BP_ON_REQUEST_HEADERS(handler) BP_TARGET_HEADERS(request, handler)
#define BP_ON_REQUEST_BODY(handler) BP_TARGET_BODY(request, handler)
#define BP_ON_REQUEST_TRAILERS(handler) BP_TARGET_TRAILERS(request, handler)
#define BP_ON_RESPONSE_HEADERS(handler) BP_TARGET_HEADERS(response, handler)
#define BP_ON_RESPONSE_BODY(handler) BP_TARGET_BODY(response, handler)
#define BP_ON_RESPONSE_TRAILERS(handler) BP_TARGET_TRAILERS(response, handler)
#define BP_ON_LOG(handler) BP_TARGET_LOG(handler)
#define BP_ON_TICK(handler) BP_TARGET_TICK(handler)
#define BP_ON_QUEUE(handler) BP_TARGET_QUEUE(handler)

#endif
