/*
 * script_imports.h - every host function that script_guest.c can call, as a table by name.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(name), visibility("default")))
#define ARGS0 void
#define ARGS1 u32
#define ARGS2 u32, u32
#define ARGS3 u32, u32, u32
#define ARGS4 u32, u32, u32, u32
#define ARGS5 u32, u32, u32, u32, u32
#define ARGS6 u32, u32, u32, u32, u32, u32
#define ARGS8 u32, u32, u32, u32, u32, u32, u32, u32
#define ARGS10 u32, u32, u32, u32, u32, u32, u32, u32, u32, u32
#define ARGS12 u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32

#define FUNCTIONS(F) \
    F(proxy_log, 3) F(proxy_get_log_level, 1) F(proxy_get_current_time_nanoseconds, 1) F(proxy_set_tick_period_milliseconds, 1) \
    F(proxy_set_effective_context, 1) F(proxy_done, 0) F(proxy_get_status, 3) F(proxy_call_foreign_function, 6) \
    F(proxy_get_header_map_value, 5) F(proxy_add_header_map_value, 5) F(proxy_replace_header_map_value, 5) \
    F(proxy_remove_header_map_value, 3) F(proxy_get_header_map_pairs, 3) F(proxy_set_header_map_pairs, 3) F(proxy_get_header_map_size, 2) \
    F(proxy_get_buffer_bytes, 5) F(proxy_set_buffer_bytes, 5) F(proxy_get_buffer_status, 3) F(proxy_get_property, 4) F(proxy_set_property, 4) \
    F(proxy_continue_stream, 1) F(proxy_close_stream, 1) F(proxy_send_local_response, 8) F(proxy_get_shared_data, 5) \
    F(proxy_set_shared_data, 5) F(proxy_register_shared_queue, 3) F(proxy_resolve_shared_queue, 5) F(proxy_enqueue_shared_queue, 3) \
    F(proxy_dequeue_shared_queue, 3) F(proxy_define_metric, 4) F(proxy_get_metric, 2) F(proxy_http_call, 10) F(proxy_grpc_call, 12) \
    F(proxy_grpc_cancel, 1) F(proxy_get_configuration, 2) F(proxy_continue_request, 0) F(proxy_continue_response, 0) \
    F(proxy_clear_route_cache, 0) F(pthread_equal, 2)

#define DECLARE(name, arity) IMPORT(name) u32 name(ARGS##arity);
FUNCTIONS(DECLARE)
IMPORT(proxy_record_metric) u32 proxy_record_metric(u32, u64);
IMPORT(proxy_increment_metric) u32 proxy_increment_metric(u32, u64);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) u32 fd_write(u32, u32, u32, u32);
__attribute__((import_module("wasi_unstable"), import_name("clock_time_get"))) u32 clock_time_get(u32, u64, u32);

#define ROW(name, arity) { #name, arity, (void (*)(void))name },
static const struct { const char *name; u32 arity; void (*call)(void); } functions[] = { FUNCTIONS(ROW) };
