/*
 * bare_table.h - in place of the host's table (target_native.h): direct calls of functions in the same image. No ABI is crossed.
 */
#ifndef BARE_TABLE_H
#define BARE_TABLE_H

int32_t bare_header_get(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, bimetal_slice *value);
int32_t bare_header_set(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length);
int32_t bare_header_add(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length);
int32_t bare_header_remove(bimetal_stream stream, uint32_t map, const char *name, size_t name_length);
int32_t bare_header_count(bimetal_stream stream, uint32_t map, size_t *count);
int32_t bare_header_at(bimetal_stream stream, uint32_t map, size_t index, bimetal_field *field);
int32_t bare_buffer_get(bimetal_stream stream, uint32_t buffer, size_t start, size_t max_length, bimetal_slice *bytes);
int32_t bare_buffer_replace(bimetal_stream stream, uint32_t buffer, size_t start, size_t length, const void *bytes, size_t bytes_length);
int32_t bare_respond(bimetal_stream stream, uint32_t status, const bimetal_field *fields, size_t field_count, const void *body, size_t body_length);
int32_t bare_continue(bimetal_stream stream, uint32_t direction);
int32_t bare_property_get(bimetal_stream stream, const char *path, size_t path_length, bimetal_slice *value);
int32_t bare_log(bimetal_handle handle, uint32_t level, const char *message, size_t message_length);
int32_t bare_log_level(bimetal_handle handle, uint32_t *level);
int32_t bare_clock(bimetal_handle handle, uint32_t clock, uint64_t *nanoseconds);
int32_t bare_shared_get(bimetal_handle handle, const void *key, size_t key_length, void *value, size_t capacity, size_t *length, uint32_t *cas);
int32_t bare_shared_set(bimetal_handle handle, const void *key, size_t key_length, const void *value, size_t value_length, uint32_t cas);
int32_t bare_metric_define(bimetal_handle handle, uint32_t kind, const char *name, size_t name_length, uint32_t *metric);
int32_t bare_metric_increment(bimetal_handle handle, uint32_t metric, int64_t offset);
int32_t bare_metric_record(bimetal_handle handle, uint32_t metric, uint64_t value);
int32_t bare_metric_get(bimetal_handle handle, uint32_t metric, uint64_t *value);
int32_t bare_queue_open(bimetal_handle handle, const char *name, size_t name_length, uint32_t *queue);
int32_t bare_queue_push(bimetal_handle handle, uint32_t queue, const void *item, size_t length);
int32_t bare_queue_pop(bimetal_handle handle, uint32_t queue, void *item, size_t capacity, size_t *length);
int32_t bare_tick_every(bimetal_handle handle, uint32_t period_ms);
int32_t bare_close(bimetal_stream stream);
int32_t bare_property_set(bimetal_stream stream, const char *path, size_t path_length, const void *value, size_t value_length);
int32_t bare_foreign_call(bimetal_handle handle, const char *name, size_t name_length, const void *argument, size_t argument_length, void *result,
                          size_t capacity, size_t *length);
int32_t bare_http_call(bimetal_handle handle, bimetal_stream stream, const bimetal_http_request *request, uint32_t *call);
int32_t bare_stream_enter(bimetal_stream stream);

__attribute__((unused)) static const bimetal_host bp_host = {
    .abi_version = BIMETAL_ABI_VERSION,
    .struct_size = sizeof(bimetal_host),
    .handle = 1,
    .header_get = bare_header_get,
    .header_set = bare_header_set,
    .header_add = bare_header_add,
    .header_remove = bare_header_remove,
    .header_count = bare_header_count,
    .header_at = bare_header_at,
    .buffer_get = bare_buffer_get,
    .buffer_replace = bare_buffer_replace,
    .send_local_response = bare_respond,
    .continue_stream = bare_continue,
    .property_get = bare_property_get,
    .log = bare_log,
    .log_level = bare_log_level,
    .clock = bare_clock,
    .shared_get = bare_shared_get,
    .shared_set = bare_shared_set,
    .metric_define = bare_metric_define,
    .metric_increment = bare_metric_increment,
    .metric_record = bare_metric_record,
    .metric_get = bare_metric_get,
    .queue_open = bare_queue_open,
    .queue_push = bare_queue_push,
    .queue_pop = bare_queue_pop,
    .tick_every = bare_tick_every,
    .close_stream = bare_close,
    .property_set = bare_property_set,
    .foreign_call = bare_foreign_call,
    .http_call = bare_http_call,
    .stream_enter = bare_stream_enter,
    .stream_leave = bare_stream_enter,
    .stream_done = bare_stream_enter,
};

#endif
