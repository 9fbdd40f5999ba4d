/*
 * target_native.h - the SDK on the native metal: each function is one call through the host's table (bimetal.h).
 * Included by bimetal_plugin.h; its other half is glue_native.c.
 */
#ifndef BIMETAL_TARGET_NATIVE_H
#define BIMETAL_TARGET_NATIVE_H

#include <bimetal.h>
#include <string.h>

#if defined(__cplusplus)
#error "This SDK is C. From C++ use bimetal.h itself."
#endif

typedef bimetal_slice bp_slice;
typedef bimetal_field bp_field;
typedef bimetal_stream bp_stream;

typedef struct bp_list {
    bp_stream stream;
    bp_map map;
    size_t count;
} bp_list;

#if defined(BP_HOST_TABLE)
#include BP_HOST_TABLE /* defines bp_host: the meter builds plugins together with a host (bench/bare) */
#else
/* A copy of the host's table, inside the plugin's own image: one load fewer for every call. Written once, by bimetal_plugin_init. */
extern bimetal_host bp_host;
#endif

static inline bp_status bp_target_header_get(bp_stream stream, bp_map map, bp_slice name, bp_slice *value)
{
    return bp_host.header_get(stream, map, (const char *)name.data, name.length, value);
}

static inline bp_status bp_target_header_set(bp_stream stream, bp_map map, bp_slice name, bp_slice value)
{
    return bp_host.header_set(stream, map, (const char *)name.data, name.length, (const char *)value.data, value.length);
}

static inline bp_status bp_target_header_add(bp_stream stream, bp_map map, bp_slice name, bp_slice value)
{
    return bp_host.header_add(stream, map, (const char *)name.data, name.length, (const char *)value.data, value.length);
}

static inline bp_status bp_target_header_remove(bp_stream stream, bp_map map, bp_slice name)
{
    return bp_host.header_remove(stream, map, (const char *)name.data, name.length);
}

static inline bp_status bp_target_header_list(bp_stream stream, bp_map map, bp_list *list)
{
    list->stream = stream;
    list->map = map;
    return bp_host.header_count(stream, map, &list->count);
}

static inline bp_status bp_target_header_at(const bp_list *list, size_t index, bp_field *field)
{
    return bp_host.header_at(list->stream, list->map, index, field);
}

static inline bp_status bp_target_body_get(bp_stream stream, bp_buffer buffer, size_t start, size_t max_length, bp_slice *bytes)
{
    return bp_host.buffer_get(stream, buffer, start, max_length, bytes);
}

static inline bp_status bp_target_body_replace(bp_stream stream, bp_buffer buffer, size_t start, size_t length, bp_slice bytes)
{
    return bp_host.buffer_replace(stream, buffer, start, length, bytes.data, bytes.length);
}

static inline bp_status bp_target_respond(bp_stream stream, uint32_t status, const bp_field *fields, size_t field_count, bp_slice body)
{
    return bp_host.send_local_response(stream, status, fields, field_count, body.data, body.length);
}

static inline bp_status bp_target_continue(bp_stream stream, bp_direction direction)
{
    return bp_host.continue_stream(stream, direction);
}

static inline bp_status bp_target_property_get(bp_stream stream, const char *path, size_t path_length, bp_slice *value)
{
    return bp_host.property_get(stream, path, path_length, value);
}

static inline void bp_target_log(bp_level level, bp_slice message)
{
    bp_host.log(bp_host.handle, level, (const char *)message.data, message.length);
}

static inline uint64_t bp_target_now_realtime(void)
{
    uint64_t nanoseconds = 0;
    bp_host.clock(bp_host.handle, BIMETAL_CLOCK_REALTIME, &nanoseconds);
    return nanoseconds;
}

static inline uint64_t bp_target_now_monotonic(void)
{
    uint64_t nanoseconds = 0;
    bp_host.clock(bp_host.handle, BIMETAL_CLOCK_MONOTONIC, &nanoseconds);
    return nanoseconds;
}

static inline bp_status bp_target_shared_get(bp_slice key, void *value, size_t capacity, size_t *length, uint32_t *cas)
{
    return bp_host.shared_get(bp_host.handle, key.data, key.length, value, capacity, length, cas);
}

static inline bp_status bp_target_shared_set(bp_slice key, bp_slice value, uint32_t cas)
{
    return bp_host.shared_set(bp_host.handle, key.data, key.length, value.data, value.length, cas);
}

static inline bp_status bp_target_metric_define(bp_metric_kind kind, bp_slice name, uint32_t *metric)
{
    return bp_host.metric_define(bp_host.handle, kind, (const char *)name.data, name.length, metric);
}

static inline bp_status bp_target_metric_increment(uint32_t metric, int64_t offset)
{
    return bp_host.metric_increment(bp_host.handle, metric, offset);
}

static inline bp_status bp_target_metric_record(uint32_t metric, uint64_t value)
{
    return bp_host.metric_record(bp_host.handle, metric, value);
}

static inline bp_status bp_target_metric_get(uint32_t metric, uint64_t *value)
{
    return bp_host.metric_get(bp_host.handle, metric, value);
}

static inline bp_status bp_target_queue_open(bp_slice name, uint32_t *queue)
{
    return bp_host.queue_open(bp_host.handle, (const char *)name.data, name.length, queue);
}

static inline bp_status bp_target_queue_push(uint32_t queue, bp_slice item)
{
    return bp_host.queue_push(bp_host.handle, queue, item.data, item.length);
}

static inline bp_status bp_target_queue_pop(uint32_t queue, void *item, size_t capacity, size_t *length)
{
    return bp_host.queue_pop(bp_host.handle, queue, item, capacity, length);
}

static inline bp_status bp_target_tick_every(uint32_t period_ms)
{
    return bp_host.tick_every(bp_host.handle, period_ms);
}

static inline bp_status bp_target_close(bp_stream stream)
{
    return bp_host.close_stream(stream);
}

static inline bp_status bp_target_property_set(bp_stream stream, const char *path, size_t path_length, bp_slice value)
{
    return bp_host.property_set(stream, path, path_length, value.data, value.length);
}

static inline bp_status bp_target_foreign_call(bp_slice name, bp_slice argument, void *result, size_t capacity, size_t *length)
{
    return bp_host.foreign_call(bp_host.handle, (const char *)name.data, name.length, argument.data, argument.length, result, capacity, length);
}

void bp_entry_tick(void *plugin);
void bp_entry_queue(void *plugin, uint32_t queue);

#define BP_TARGET_QUEUE(handler) \
    void bp_entry_queue(void *plugin, uint32_t queue) \
    { \
        (void)plugin; \
        handler(queue); \
    }

#define BP_TARGET_TICK(handler) \
    void bp_entry_tick(void *plugin) \
    { \
        (void)plugin; \
        handler(); \
    }

/* Entries: glue_native.c refers to them weakly and leaves null in the table what the plugin does not define. */
int32_t bp_entry_start(void *plugin, const uint8_t *configuration, size_t length);
int32_t bp_entry_configure(void *plugin, const uint8_t *configuration, size_t length);
void bp_entry_stream_begin(void *plugin, bimetal_stream stream, void *state);
void bp_entry_stream_end(void *plugin, bimetal_stream stream, void *state);
int32_t bp_entry_request_headers(void *plugin, bimetal_stream stream, void *state, uint32_t end_of_stream);
int32_t bp_entry_request_body(void *plugin, bimetal_stream stream, void *state, size_t body_length, uint32_t end_of_stream);
int32_t bp_entry_request_trailers(void *plugin, bimetal_stream stream, void *state);
int32_t bp_entry_response_headers(void *plugin, bimetal_stream stream, void *state, uint32_t end_of_stream);
int32_t bp_entry_response_body(void *plugin, bimetal_stream stream, void *state, size_t body_length, uint32_t end_of_stream);
int32_t bp_entry_response_trailers(void *plugin, bimetal_stream stream, void *state);
void bp_entry_log(void *plugin, bimetal_stream stream, void *state);
extern const uint32_t bp_stream_state_size;

#define BP_TARGET_CONFIGURED_(name, handler) \
    int32_t bp_entry_##name(void *plugin, const uint8_t *configuration, size_t length) \
    { \
        (void)plugin; \
        return handler(bp_bytes(configuration, length)) ? BIMETAL_OK : BIMETAL_BAD_ARGUMENT; \
    }
#define BP_TARGET_START(handler) BP_TARGET_CONFIGURED_(start, handler)
#define BP_TARGET_CONFIGURE(handler) BP_TARGET_CONFIGURED_(configure, handler)

#define BP_TARGET_STREAM_STATE(type) const uint32_t bp_stream_state_size = sizeof(type);

#define BP_TARGET_VOID_(name, handler) \
    void bp_entry_##name(void *plugin, bimetal_stream stream, void *state) \
    { \
        (void)plugin; \
        handler(stream, state); \
    }
#define BP_TARGET_STREAM_BEGIN(handler) BP_TARGET_VOID_(stream_begin, handler)
#define BP_TARGET_STREAM_END(handler) BP_TARGET_VOID_(stream_end, handler)
#define BP_TARGET_LOG(handler) BP_TARGET_VOID_(log, handler)

#define BP_TARGET_HEADERS(side, handler) \
    int32_t bp_entry_##side##_headers(void *plugin, bimetal_stream stream, void *state, uint32_t end_of_stream) \
    { \
        (void)plugin; \
        return handler(stream, state, end_of_stream != 0); \
    }

#define BP_TARGET_BODY(side, handler) \
    int32_t bp_entry_##side##_body(void *plugin, bimetal_stream stream, void *state, size_t body_length, uint32_t end_of_stream) \
    { \
        (void)plugin; \
        return handler(stream, state, body_length, end_of_stream != 0); \
    }

#define BP_TARGET_TRAILERS(side, handler) \
    int32_t bp_entry_##side##_trailers(void *plugin, bimetal_stream stream, void *state) \
    { \
        (void)plugin; \
        return handler(stream, state); \
    }

#endif
