/*
 * target_wasm.h - the SDK on the wasm metal: proxy-wasm 0.2.1 imports and exports.
 * Included by bimetal_plugin.h; its other half is glue_wasm.c.
 *
 * Memory: what the host hands over (through proxy_on_memory_allocate) lies in an arena that every exported handler empties on entry. That
 * is what makes slices "valid until the handler returns", and it makes the allocator an addition.
 */
#ifndef BIMETAL_TARGET_WASM_H
#define BIMETAL_TARGET_WASM_H

#if defined(__cplusplus)
#error "This SDK is C."
#endif

/* The freestanding part of a C library that compilers expect: wasm_memory.c. */
void *memcpy(void *restrict target, const void *restrict source, size_t length);
void *memmove(void *target, const void *source, size_t length);
void *memset(void *target, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);

typedef struct bp_slice {
    const uint8_t *data;
    size_t length;
} bp_slice;

typedef struct bp_field {
    bp_slice name;
    bp_slice value;
} bp_field;

/* The id of a proxy-wasm stream context. */
typedef uint32_t bp_stream;

/* The serialised pairs of a map, in the arena. */
typedef struct bp_list {
    bp_slice pairs;
    size_t count;
} bp_list;

#define BP_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define BP_EXPORT(name) __attribute__((export_name(name), visibility("default")))

BP_IMPORT("env", "proxy_get_header_map_value")
bp_status bp_proxy_get_header_map_value(uint32_t map, const uint8_t *name, size_t name_length, const uint8_t **value, size_t *length);
BP_IMPORT("env", "proxy_replace_header_map_value")
bp_status bp_proxy_replace_header_map_value(uint32_t map, const uint8_t *name, size_t name_length, const uint8_t *value, size_t length);
BP_IMPORT("env", "proxy_add_header_map_value")
bp_status bp_proxy_add_header_map_value(uint32_t map, const uint8_t *name, size_t name_length, const uint8_t *value, size_t length);
BP_IMPORT("env", "proxy_remove_header_map_value")
bp_status bp_proxy_remove_header_map_value(uint32_t map, const uint8_t *name, size_t name_length);
BP_IMPORT("env", "proxy_get_header_map_pairs")
bp_status bp_proxy_get_header_map_pairs(uint32_t map, const uint8_t **pairs, size_t *length);
BP_IMPORT("env", "proxy_get_buffer_bytes")
bp_status bp_proxy_get_buffer_bytes(uint32_t buffer, size_t start, size_t max_length, const uint8_t **bytes, size_t *length);
BP_IMPORT("env", "proxy_set_buffer_bytes")
bp_status bp_proxy_set_buffer_bytes(uint32_t buffer, size_t start, size_t length, const uint8_t *bytes, size_t bytes_length);
BP_IMPORT("env", "proxy_send_local_response")
bp_status bp_proxy_send_local_response(uint32_t status, const uint8_t *details, size_t details_length, const uint8_t *body, size_t body_length,
                                       const uint8_t *pairs, size_t pairs_length, int32_t grpc_status);
BP_IMPORT("env", "proxy_continue_stream")
bp_status bp_proxy_continue_stream(uint32_t stream_type);
BP_IMPORT("env", "proxy_get_property")
bp_status bp_proxy_get_property(const char *path, size_t path_length, const uint8_t **value, size_t *length);
BP_IMPORT("env", "proxy_get_shared_data")
bp_status bp_proxy_get_shared_data(const uint8_t *key, size_t key_length, const uint8_t **value, size_t *length, uint32_t *cas);
BP_IMPORT("env", "proxy_set_shared_data")
bp_status bp_proxy_set_shared_data(const uint8_t *key, size_t key_length, const uint8_t *value, size_t length, uint32_t cas);
BP_IMPORT("env", "proxy_define_metric")
bp_status bp_proxy_define_metric(uint32_t kind, const uint8_t *name, size_t name_length, uint32_t *metric);
BP_IMPORT("env", "proxy_increment_metric")
bp_status bp_proxy_increment_metric(uint32_t metric, int64_t offset);
BP_IMPORT("env", "proxy_record_metric")
bp_status bp_proxy_record_metric(uint32_t metric, uint64_t value);
BP_IMPORT("env", "proxy_get_metric")
bp_status bp_proxy_get_metric(uint32_t metric, uint64_t *value);
BP_IMPORT("env", "proxy_register_shared_queue")
bp_status bp_proxy_register_shared_queue(const uint8_t *name, size_t name_length, uint32_t *queue);
BP_IMPORT("env", "proxy_enqueue_shared_queue")
bp_status bp_proxy_enqueue_shared_queue(uint32_t queue, const uint8_t *item, size_t length);
BP_IMPORT("env", "proxy_dequeue_shared_queue")
bp_status bp_proxy_dequeue_shared_queue(uint32_t queue, const uint8_t **item, size_t *length);
BP_IMPORT("env", "proxy_set_tick_period_milliseconds")
bp_status bp_proxy_set_tick_period_milliseconds(uint32_t period_ms);
BP_IMPORT("env", "proxy_close_stream")
bp_status bp_proxy_close_stream(uint32_t stream_type);
BP_IMPORT("env", "proxy_set_effective_context")
bp_status bp_proxy_set_effective_context(uint32_t context);
BP_IMPORT("env", "proxy_set_property")
bp_status bp_proxy_set_property(const char *path, size_t path_length, const uint8_t *value, size_t length);
BP_IMPORT("env", "proxy_call_foreign_function")
bp_status bp_proxy_call_foreign_function(const uint8_t *name, size_t name_length, const uint8_t *argument, size_t argument_length,
                                         const uint8_t **result, size_t *length);
BP_IMPORT("env", "proxy_log")
bp_status bp_proxy_log(uint32_t level, const uint8_t *message, size_t length);
BP_IMPORT("env", "proxy_get_current_time_nanoseconds")
bp_status bp_proxy_get_current_time_nanoseconds(uint64_t *time);
BP_IMPORT("wasi_snapshot_preview1", "clock_time_get")
int32_t bp_wasi_clock_time_get(uint32_t clock, uint64_t precision, uint64_t *time);

#define BP_PROXY_VM_CONFIGURATION 6u
#define BP_PROXY_CONFIGURATION 7u
#define BP_WASI_MONOTONIC 1u

/* glue_wasm.c */
struct bp_arena {
    uint8_t *near;       /* the next free byte of each room, which the host sets as well */
    uint8_t *far;
    uint8_t *near_end;   /* the far room ends with the memory, and grows; the host reads no further than this */
    uint8_t *near_start; /* where the next handler begins to borrow; states of streams stand before it */
    uint8_t *far_start;  /* and what is kept before this */
    uint8_t room[4096];
};
extern struct bp_arena bp_arena;
void *bp_arena_allocate(size_t length);
void bp_arena_spare(void);
void *bp_state_of(bp_stream stream);
void bp_stream_open(uint32_t context, uint32_t parent);
void bp_stream_close(uint32_t context);
bp_status bp_send_response(uint32_t status, const bp_field *fields, size_t field_count, bp_slice body);
bp_status bp_pair_at(const bp_list *list, size_t index, bp_field *field);
extern uint32_t bp_root_context; /* known once configure or a tick has run, which is where calls of the plugin's own begin */

/* Every exported handler starts here: what earlier handlers borrowed is given back. */
static inline void bp_arena_reset(void)
{
    bp_arena.near = bp_arena.near_start;
    bp_arena.far = bp_arena.far_start;
}

static inline bp_status bp_target_header_get(bp_stream stream, bp_map map, bp_slice name, bp_slice *value)
{
    (void)stream;
    return bp_proxy_get_header_map_value(map, name.data, name.length, &value->data, &value->length);
}

static inline bp_status bp_target_header_set(bp_stream stream, bp_map map, bp_slice name, bp_slice value)
{
    (void)stream;
    return bp_proxy_replace_header_map_value(map, name.data, name.length, value.data, value.length);
}

static inline bp_status bp_target_header_add(bp_stream stream, bp_map map, bp_slice name, bp_slice value)
{
    (void)stream;
    return bp_proxy_add_header_map_value(map, name.data, name.length, value.data, value.length);
}

static inline bp_status bp_target_header_remove(bp_stream stream, bp_map map, bp_slice name)
{
    (void)stream;
    return bp_proxy_remove_header_map_value(map, name.data, name.length);
}

static inline bp_status bp_target_header_list(bp_stream stream, bp_map map, bp_list *list)
{
    (void)stream;
    list->pairs = (bp_slice){0, 0};
    list->count = 0;
    bp_status status = bp_proxy_get_header_map_pairs(map, &list->pairs.data, &list->pairs.length);
    if (status == BP_OK && list->pairs.length >= 4) {
        uint32_t count;
        memcpy(&count, list->pairs.data, sizeof count);
        list->count = count;
    }
    return status;
}

static inline bp_status bp_target_header_at(const bp_list *list, size_t index, bp_field *field)
{
    return bp_pair_at(list, index, field);
}

static inline bp_status bp_target_body_get(bp_stream stream, bp_buffer buffer, size_t start, size_t max_length, bp_slice *bytes)
{
    (void)stream;
    return bp_proxy_get_buffer_bytes(buffer, start, max_length, &bytes->data, &bytes->length);
}

static inline bp_status bp_target_body_replace(bp_stream stream, bp_buffer buffer, size_t start, size_t length, bp_slice bytes)
{
    (void)stream;
    return bp_proxy_set_buffer_bytes(buffer, start, length, bytes.data, bytes.length);
}

static inline bp_status bp_target_respond(bp_stream stream, uint32_t status, const bp_field *fields, size_t field_count, bp_slice body)
{
    (void)stream;
    return bp_send_response(status, fields, field_count, body);
}

static inline bp_status bp_target_continue(bp_stream stream, bp_direction direction)
{
    (void)stream;
    return bp_proxy_continue_stream(direction);
}

static inline bp_status bp_target_property_get(bp_stream stream, const char *path, size_t path_length, bp_slice *value)
{
    (void)stream;
    return bp_proxy_get_property(path, path_length, &value->data, &value->length);
}

static inline void bp_target_log(bp_level level, bp_slice message)
{
    bp_proxy_log(level, message.data, message.length);
}

static inline uint64_t bp_target_now_realtime(void)
{
    uint64_t nanoseconds = 0;
    bp_proxy_get_current_time_nanoseconds(&nanoseconds);
    return nanoseconds;
}

static inline uint64_t bp_target_now_monotonic(void)
{
    uint64_t nanoseconds = 0;
    bp_wasi_clock_time_get(BP_WASI_MONOTONIC, 0, &nanoseconds);
    return nanoseconds;
}

static inline bp_status bp_target_shared_get(bp_slice key, void *value, size_t capacity, size_t *length, uint32_t *cas)
{
    const uint8_t *bytes = 0;
    uint32_t number = 0;
    bp_status status = bp_proxy_get_shared_data(key.data, key.length, &bytes, length, &number);
    if (status != BP_OK) return status;
    memcpy(value, bytes, *length < capacity ? *length : capacity);
    if (cas != 0) *cas = number;
    return BP_OK;
}

static inline bp_status bp_target_shared_set(bp_slice key, bp_slice value, uint32_t cas)
{
    return bp_proxy_set_shared_data(key.data, key.length, value.data, value.length, cas);
}

static inline bp_status bp_target_metric_define(bp_metric_kind kind, bp_slice name, uint32_t *metric)
{
    return bp_proxy_define_metric(kind, name.data, name.length, metric);
}

static inline bp_status bp_target_metric_increment(uint32_t metric, int64_t offset)
{
    return bp_proxy_increment_metric(metric, offset);
}

static inline bp_status bp_target_metric_record(uint32_t metric, uint64_t value)
{
    return bp_proxy_record_metric(metric, value);
}

static inline bp_status bp_target_metric_get(uint32_t metric, uint64_t *value)
{
    return bp_proxy_get_metric(metric, value);
}

static inline bp_status bp_target_queue_open(bp_slice name, uint32_t *queue)
{
    return bp_proxy_register_shared_queue(name.data, name.length, queue);
}

static inline bp_status bp_target_queue_push(uint32_t queue, bp_slice item)
{
    return bp_proxy_enqueue_shared_queue(queue, item.data, item.length);
}

static inline bp_status bp_target_queue_pop(uint32_t queue, void *item, size_t capacity, size_t *length)
{
    const uint8_t *bytes = 0;
    bp_status status = bp_proxy_dequeue_shared_queue(queue, &bytes, length);
    if (status == BP_OK && *length != 0) memcpy(item, bytes, *length < capacity ? *length : capacity);
    return status;
}

static inline bp_status bp_target_tick_every(uint32_t period_ms)
{
    return bp_proxy_set_tick_period_milliseconds(period_ms);
}

static inline bp_status bp_target_close(bp_stream stream)
{
    (void)stream;
    return bp_proxy_close_stream(BP_REQUEST);
}

static inline bp_status bp_target_property_set(bp_stream stream, const char *path, size_t path_length, bp_slice value)
{
    (void)stream;
    return bp_proxy_set_property(path, path_length, value.data, value.length);
}

static inline bp_status bp_target_foreign_call(bp_slice name, bp_slice argument, void *result, size_t capacity, size_t *length)
{
    const uint8_t *bytes = 0;
    bp_status status = bp_proxy_call_foreign_function(name.data, name.length, argument.data, argument.length, &bytes, length);
    if (status == BP_OK && *length != 0) memcpy(result, bytes, *length < capacity ? *length : capacity);
    return status;
}

#define BP_TARGET_QUEUE(handler) \
    BP_EXPORT("proxy_on_queue_ready") void bp_entry_queue(uint32_t context, uint32_t queue); \
    void bp_entry_queue(uint32_t context, uint32_t queue) \
    { \
        bp_arena_reset(); \
        bp_root_context = context; \
        handler(queue); \
    }

#define BP_TARGET_TICK(handler) \
    BP_EXPORT("proxy_on_tick") void bp_entry_tick(uint32_t context); \
    void bp_entry_tick(uint32_t context) \
    { \
        bp_arena_reset(); \
        bp_root_context = context; \
        handler(); \
    }

#define BP_TARGET_CONFIGURED_(name, callback, buffer, handler) \
    BP_EXPORT(callback) uint32_t bp_entry_##name(uint32_t context, size_t length); \
    uint32_t bp_entry_##name(uint32_t context, size_t length) \
    { \
        bp_arena_reset(); \
        bp_root_context = context; \
        bp_slice configuration = {0, 0}; \
        if (length != 0 && bp_proxy_get_buffer_bytes(buffer, 0, length, &configuration.data, &configuration.length) != BP_OK) return 0; \
        bool is_ready = handler(configuration); \
        bp_arena_spare(); \
        return is_ready; \
    }
#define BP_TARGET_START(handler) BP_TARGET_CONFIGURED_(start, "proxy_on_vm_start", BP_PROXY_VM_CONFIGURATION, handler)
#define BP_TARGET_CONFIGURE(handler) BP_TARGET_CONFIGURED_(configure, "proxy_on_configure", BP_PROXY_CONFIGURATION, handler)

/* Only a plugin with state pays for the two calls that open and close a stream. */
#define BP_TARGET_STREAM_STATE(type) \
    extern const uint32_t bp_stream_state_size; \
    const uint32_t bp_stream_state_size = sizeof(type); \
    BP_EXPORT("proxy_on_context_create") void bp_entry_context_create(uint32_t context, uint32_t parent); \
    void bp_entry_context_create(uint32_t context, uint32_t parent) \
    { \
        bp_stream_open(context, parent); \
    } \
    BP_EXPORT("proxy_on_delete") void bp_entry_delete(uint32_t context); \
    void bp_entry_delete(uint32_t context) \
    { \
        bp_stream_close(context); \
    }

#define BP_TARGET_STREAM_HOOK_(name, handler) \
    void bp_hook_stream_##name(bp_stream stream, void *state); \
    void bp_hook_stream_##name(bp_stream stream, void *state) \
    { \
        handler(stream, state); \
    }
#define BP_TARGET_STREAM_BEGIN(handler) BP_TARGET_STREAM_HOOK_(begin, handler)
#define BP_TARGET_STREAM_END(handler) BP_TARGET_STREAM_HOOK_(end, handler)

#define BP_TARGET_LOG(handler) \
    BP_EXPORT("proxy_on_log") void bp_entry_log(uint32_t context); \
    void bp_entry_log(uint32_t context) \
    { \
        bp_arena_reset(); \
        handler(context, bp_state_of(context)); \
    }

#define BP_TARGET_HEADERS(side, handler) \
    BP_EXPORT("proxy_on_" #side "_headers") \
    int32_t bp_entry_##side##_headers(uint32_t context, uint32_t count, uint32_t end_of_stream); \
    int32_t bp_entry_##side##_headers(uint32_t context, uint32_t count, uint32_t end_of_stream) \
    { \
        (void)count; \
        bp_arena_reset(); \
        return handler(context, bp_state_of(context), end_of_stream != 0); \
    }

#define BP_TARGET_BODY(side, handler) \
    BP_EXPORT("proxy_on_" #side "_body") \
    int32_t bp_entry_##side##_body(uint32_t context, size_t body_length, uint32_t end_of_stream); \
    int32_t bp_entry_##side##_body(uint32_t context, size_t body_length, uint32_t end_of_stream) \
    { \
        bp_arena_reset(); \
        return handler(context, bp_state_of(context), body_length, end_of_stream != 0); \
    }

#define BP_TARGET_TRAILERS(side, handler) \
    BP_EXPORT("proxy_on_" #side "_trailers") \
    int32_t bp_entry_##side##_trailers(uint32_t context, uint32_t count); \
    int32_t bp_entry_##side##_trailers(uint32_t context, uint32_t count) \
    { \
        (void)count; \
        bp_arena_reset(); \
        return handler(context, bp_state_of(context)); \
    }

#endif
