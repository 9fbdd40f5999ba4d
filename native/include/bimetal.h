/*
 * bimetal.h - the C ABI of Bimetal's native metal, version 1.
 *
 * A native plugin is a shared object that exports one function, bimetal_plugin_init. The gateway hands it a table of host functions and
 * gets a table of callbacks back. C authors rarely include this file themselves: sdk/c/bimetal_plugin.h builds one source for both metals.
 *
 * This ABI is Bimetal's alone. Code that wants to leave again is better written against the SDK, whose other side is proxy-wasm 0.2.1.
 *
 * LOADING
 *   A copy of the file is loaded, so replacing the file never changes a running plugin, and two plugins configured from one file have
 *   separate globals. A retired plugin is never unmapped; see retire. A fault in a native plugin is a fault of the gateway: there is no sandbox.
 *
 * HANDSHAKE
 *   The host fills bimetal_host (abi_version, struct_size first) and zeroes bimetal_plugin, whose struct_size then says how many bytes the
 *   host has there. The plugin checks host->abi_version and host->struct_size, sets plugin->abi_version to the version it was built for and
 *   plugin->struct_size to the sizeof it was built with, fills in callbacks, and returns BIMETAL_OK. Within one abi_version structs only
 *   grow at their end: a side looks at no field that lies past the size which the other side gave.
 *
 * THREADS
 *   bimetal_plugin_init, start and configure are called once, one after the other, on one thread, before any stream begins.
 *   After that callbacks of DIFFERENT streams run at the same time on any number of threads: globals are shared by all of them and must not
 *   be changed without synchronisation. The callbacks of ONE stream never overlap, but may come on different threads.
 *   A host function that takes a stream may be called only from inside a callback of that stream, on the thread that is in it; in
 *   stream_begin and stream_end none of them works. The functions that take the plugin's handle may be called on any thread at any time after
 *   init.
 *   tick, queue_ready, and http_response to a call of the plugin's own run beside the callbacks of streams, but never beside each other. From
 *   inside one of them stream_enter gives access to a stream.
 *   A callback must return soon: it holds a thread of the gateway.
 *
 * LIFETIMES
 *   A slice that a host function gives is borrowed. It stays valid until the next call that changes the map or buffer it came from, or
 *   until the callback returns, whichever is first. It must not be written to. Slices from property_get and at configure live until the
 *   callback returns. Everything that a plugin passes in is copied before the host function returns.
 *   Strings are bytes with a length. Nothing is terminated by zero.
 *
 * STATE
 *   The host allocates stream_state_size bytes for every stream, aligned to 16 and zeroed, hands them to every callback of the stream, and
 *   takes them back after stream_end. `plugin` is whatever the plugin put into bimetal_plugin.plugin.
 *
 * ERRORS
 *   Host functions return a BIMETAL_ status; on any status but BIMETAL_OK outputs are left as they were, unless said otherwise, and
 *   nothing was changed. A null pointer with length 0 is an empty slice. A stream handle of a stream that has ended gives
 *   BIMETAL_NOT_FOUND, never undefined behaviour: handles are not used again.
 *
 * UNITS
 *   Lengths, offsets and sizes are bytes. Times are nanoseconds.
 */
#ifndef BIMETAL_H
#define BIMETAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BIMETAL_ABI_VERSION 1u

/* Statuses: the numbers that proxy-wasm uses, so that one source sees the same on both metals. */
#define BIMETAL_OK 0            /* done */
#define BIMETAL_NOT_FOUND 1     /* no such field, property or stream; no such buffer in this phase */
#define BIMETAL_BAD_ARGUMENT 2  /* unknown map, buffer, level; bad field name or value; range out of bounds; pointer missing */
#define BIMETAL_EMPTY 7         /* the queue has no item */
#define BIMETAL_CAS_MISMATCH 8  /* somebody else has set the value since it was read */
#define BIMETAL_INTERNAL 10     /* the host could not do it (a limit was passed, memory ran out); it logged why */
#define BIMETAL_UNIMPLEMENTED 12

/* What a callback wants done with what it was shown. */
#define BIMETAL_CONTINUE 0 /* pass it on */
#define BIMETAL_PAUSE 1    /* hold it: return BIMETAL_CONTINUE from a later callback of this direction, call continue_stream, or answer */

/* Header maps. Field names are given and found in lower case; pseudo-fields (":method", ":path", ":authority", ":scheme", ":status") are
 * part of the header maps. Names compare without regard to ASCII case. */
#define BIMETAL_REQUEST_HEADERS 0u
#define BIMETAL_REQUEST_TRAILERS 1u
#define BIMETAL_RESPONSE_HEADERS 2u
#define BIMETAL_RESPONSE_TRAILERS 3u

/* Buffers, and the directions of continue_stream. */
#define BIMETAL_REQUEST_BODY 0u
#define BIMETAL_RESPONSE_BODY 1u
#define BIMETAL_REQUEST 0u
#define BIMETAL_RESPONSE 1u

#define BIMETAL_LOG_TRACE 0u
#define BIMETAL_LOG_DEBUG 1u
#define BIMETAL_LOG_INFO 2u
#define BIMETAL_LOG_WARN 3u
#define BIMETAL_LOG_ERROR 4u
#define BIMETAL_LOG_CRITICAL 5u

#define BIMETAL_COUNTER 0u
#define BIMETAL_GAUGE 1u
#define BIMETAL_HISTOGRAM 2u

#define BIMETAL_CLOCK_REALTIME 0u  /* since 1970-01-01T00:00:00Z, leap seconds not counted */
#define BIMETAL_CLOCK_MONOTONIC 1u /* since an arbitrary moment; never goes back */

/* Borrowed or lent bytes. */
typedef struct bimetal_slice {
    const uint8_t *data;
    size_t length;
} bimetal_slice;

/* One header field. */
typedef struct bimetal_field {
    bimetal_slice name;
    bimetal_slice value;
} bimetal_field;

/* One configured plugin, as the host knows it. */
typedef uint64_t bimetal_handle;

/* One HTTP exchange seen by one plugin. Never 0. */
typedef uint64_t bimetal_stream;

/* An HTTP request that a plugin makes itself. */
typedef struct bimetal_http_request {
    bimetal_slice upstream;      /* the name of an upstream of the gateway's configuration */
    const bimetal_field *fields; /* with ":method", ":path" and ":authority" */
    size_t field_count;
    bimetal_slice body; /* limits.body_buffer at most */
    const bimetal_field *trailers;
    size_t trailer_count;
    uint32_t timeout_ms; /* for the whole exchange; 0 and more than 60 s mean 60 s */
    uint32_t reserved;   /* zero */
} bimetal_http_request;

/* The answer. No fields: no whole answer came (no connection, broken off, too late, longer than limits.body_buffer). */
typedef struct bimetal_http_response {
    const bimetal_field *fields; /* with ":status" */
    size_t field_count;
    bimetal_slice body;
    const bimetal_field *trailers;
    size_t trailer_count;
} bimetal_http_response;

/* What the host offers. The table lives as long as the process. */
typedef struct bimetal_host {
    uint32_t abi_version; /* BIMETAL_ABI_VERSION of the host */
    uint32_t struct_size; /* bytes of this table that are filled in */
    bimetal_handle handle; /* this plugin: the first argument of functions without a stream */

    /* The first value of a field. BIMETAL_NOT_FOUND when the map lacks it. */
    int32_t (*header_get)(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, bimetal_slice *value);
    /* Gives a field this one value, whether it was there once, many times or not at all. */
    int32_t (*header_set)(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length);
    /* Appends a field, whatever is there already. */
    int32_t (*header_add)(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length);
    /* Removes every occurrence; BIMETAL_OK also when there was none. */
    int32_t (*header_remove)(bimetal_stream stream, uint32_t map, const char *name, size_t name_length);
    /* Number of fields, a repeated one counted each time. */
    int32_t (*header_count)(bimetal_stream stream, uint32_t map, size_t *count);
    /* Field number index in order of arrival. BIMETAL_NOT_FOUND past the last. */
    int32_t (*header_at)(bimetal_stream stream, uint32_t map, size_t index, bimetal_field *field);

    /* Up to max_length bytes from start of what the body callback holds; both are clamped, so past the end there are no bytes.
     * Outside of the body's own callbacks, and when it is not held: BIMETAL_NOT_FOUND. The bytes are not copied. */
    int32_t (*buffer_get)(bimetal_stream stream, uint32_t buffer, size_t start, size_t max_length, bimetal_slice *bytes);
    /* Replaces length bytes from start; both are clamped to the content, so (0, 0) prepends, (SIZE_MAX, 0) appends and (0, SIZE_MAX)
     * replaces everything. BIMETAL_BAD_ARGUMENT when limits.body_buffer would be passed. */
    int32_t (*buffer_replace)(bimetal_stream stream, uint32_t buffer, size_t start, size_t length, const void *bytes, size_t bytes_length);

    /* Answers the request instead of the upstream, or in place of a response whose headers have not been sent. The first answer counts;
     * return BIMETAL_PAUSE after it. status is 200 to 599. */
    int32_t (*send_local_response)(bimetal_stream stream, uint32_t status, const bimetal_field *fields, size_t field_count, const void *body,
                                   size_t body_length);
    /* Continues a held direction (BIMETAL_REQUEST or BIMETAL_RESPONSE); in a callback of the same direction it overrides its
     * BIMETAL_PAUSE. */
    int32_t (*continue_stream)(bimetal_stream stream, uint32_t direction);
    /* A property by its path, segments separated by a zero byte, as in proxy-wasm: "request\0path", "source\0address". Strings are bytes;
     * integers are 8 bytes in little-endian order. */
    int32_t (*property_get)(bimetal_stream stream, const char *path, size_t path_length, bimetal_slice *value);

    /* Writes one message to the gateway's log. Any thread. */
    int32_t (*log)(bimetal_handle handle, uint32_t level, const char *message, size_t message_length);
    /* The least level that the gateway's log keeps. Any thread. */
    int32_t (*log_level)(bimetal_handle handle, uint32_t *level);
    /* Reads a clock. Any thread. */
    int32_t (*clock)(bimetal_handle handle, uint32_t clock, uint64_t *nanoseconds);

    /* Shared data: values by key that outlive streams, and that all instances of the plugin see, on both metals. Copies up to capacity bytes of
     * the value to `value`, its whole length to *length, and to *cas (may be null) a number for shared_set. BIMETAL_NOT_FOUND: no such key.
     * Any thread. */
    int32_t (*shared_get)(bimetal_handle handle, const void *key, size_t key_length, void *value, size_t capacity, size_t *length, uint32_t *cas);
    /* Sets a value; with a cas other than 0 only if nobody has set it since: otherwise BIMETAL_CAS_MISMATCH. BIMETAL_INTERNAL when a limit would
     * be passed. Any thread. */
    int32_t (*shared_set)(bimetal_handle handle, const void *key, size_t key_length, const void *value, size_t value_length, uint32_t cas);

    /* Metrics of the plugin, which the gateway exports; they outlive it, and both metals share them. Defining one again gives the same number.
     * BIMETAL_INTERNAL when limits.metrics would be passed. Any thread. */
    int32_t (*metric_define)(bimetal_handle handle, uint32_t kind, const char *name, size_t name_length, uint32_t *metric);
    /* Changes a counter, which only goes up, or a gauge. BIMETAL_BAD_ARGUMENT for a histogram. Any thread. */
    int32_t (*metric_increment)(bimetal_handle handle, uint32_t metric, int64_t offset);
    /* Sets a counter or gauge; adds a value to a histogram. Any thread. */
    int32_t (*metric_record)(bimetal_handle handle, uint32_t metric, uint64_t value);
    /* Reads a counter or gauge. BIMETAL_BAD_ARGUMENT for a histogram. Any thread. */
    int32_t (*metric_get)(bimetal_handle handle, uint32_t metric, uint64_t *value);

    /* Queues of the plugin by name: first in, first out; they outlive it, and both metals share them. Any thread. */
    int32_t (*queue_open)(bimetal_handle handle, const char *name, size_t name_length, uint32_t *queue);
    /* Appends a copy of an item. BIMETAL_INTERNAL when limits.queue_data would be passed. Any thread. */
    int32_t (*queue_push)(bimetal_handle handle, uint32_t queue, const void *item, size_t length);
    /* Takes the first item off: copies up to capacity bytes of it to `item`, its whole length to *length; what has no room is lost.
     * BIMETAL_EMPTY when there is none. Any thread. */
    int32_t (*queue_pop)(bimetal_handle handle, uint32_t queue, void *item, size_t capacity, size_t *length);

    /* Has the plugin's tick called so often, in milliseconds, 10 at the least; 0 stops it. From configure or later, any thread. */
    int32_t (*tick_every)(bimetal_handle handle, uint32_t period_ms);

    /* Breaks the exchange off without an answer. */
    int32_t (*close_stream)(bimetal_stream stream);
    /* Sets a property of the exchange, for the plugins after this one. BIMETAL_BAD_ARGUMENT for those that the host has itself. */
    int32_t (*property_set)(bimetal_stream stream, const char *path, size_t path_length, const void *value, size_t value_length);
    /* Calls a function of the host by name ("compress", "uncompress": docs/proxy-wasm.md). Copies up to capacity bytes of what it gives to
     * `result`, the whole length to *length. BIMETAL_NOT_FOUND: no such function. Any thread. */
    int32_t (*foreign_call)(bimetal_handle handle, const char *name, size_t name_length, const void *argument, size_t argument_length,
                            void *result, size_t capacity, size_t *length);
    /* Sends an HTTP request and returns at once with a number in *call; http_response gets the answer. Inside a callback of a stream that stream
     * may be given: then the answer comes to it, or never if it ends before, and it can be held meanwhile (BIMETAL_PAUSE). With stream 0 the
     * call is the plugin's own, from configure or later, on any thread. BIMETAL_BAD_ARGUMENT: no such upstream, a field that a request may
     * not have, no http_response; BIMETAL_INTERNAL when limits.callouts would be passed. */
    int32_t (*http_call)(bimetal_handle handle, bimetal_stream stream, const bimetal_http_request *request, uint32_t *call);
    /* From inside tick, queue_ready, or http_response with stream 0: waits until no callback of a stream runs and keeps it so; until stream_leave,
     * or the end of the callback, functions that take the stream work for what it holds back (not its bodies), and continue it or answer.
     * One stream at a time. BIMETAL_NOT_FOUND: it has ended; BIMETAL_BAD_ARGUMENT: not here, or one is entered already. */
    int32_t (*stream_enter)(bimetal_stream stream);
    int32_t (*stream_leave)(bimetal_stream stream);

    /* Ends a stream whose done callback has kept it: log and stream_end are called soon, on a thread of the gateway, not from inside this function.
     * Any thread, also inside callbacks. BIMETAL_NOT_FOUND: no done callback has kept this stream, or it was ended already. */
    int32_t (*stream_done)(bimetal_stream stream);
} bimetal_host;

/* What the plugin offers. A callback that is null is never called; what it would have seen passes on. */
typedef struct bimetal_plugin {
    uint32_t abi_version;       /* out: BIMETAL_ABI_VERSION that the plugin was built for */
    uint32_t struct_size;       /* in: bytes that the host has here; out: sizeof(bimetal_plugin) at the plugin's build */
    void *plugin;               /* out: the first argument of every callback */
    uint32_t stream_state_size; /* out: bytes of state per stream; at most 1 MiB */
    uint32_t reserved;          /* zero */

    /* Once, before any stream. Returns BIMETAL_OK, or another status to refuse the configuration (log why first). */
    int32_t (*configure)(void *plugin, const uint8_t *configuration, size_t length);

    /* First and last call of a stream. After stream_end the handle and the state are gone. */
    void (*stream_begin)(void *plugin, bimetal_stream stream, void *state);
    void (*stream_end)(void *plugin, bimetal_stream stream, void *state);

    /* In the order of HTTP; each returns BIMETAL_CONTINUE or BIMETAL_PAUSE. end_of_stream is 1 when nothing follows in this direction.
     * body_length is all that buffer_get can give: the new chunk with everything that was held back before. While a direction's headers
     * are held its body callbacks are made all the same; BIMETAL_CONTINUE from one of them sends headers and body on. */
    int32_t (*request_headers)(void *plugin, bimetal_stream stream, void *state, uint32_t end_of_stream);
    int32_t (*request_body)(void *plugin, bimetal_stream stream, void *state, size_t body_length, uint32_t end_of_stream);
    int32_t (*request_trailers)(void *plugin, bimetal_stream stream, void *state);
    int32_t (*response_headers)(void *plugin, bimetal_stream stream, void *state, uint32_t end_of_stream);
    int32_t (*response_body)(void *plugin, bimetal_stream stream, void *state, size_t body_length, uint32_t end_of_stream);
    int32_t (*response_trailers)(void *plugin, bimetal_stream stream, void *state);

    /* The exchange is over and was answered; header maps can be read, not changed. */
    void (*log)(void *plugin, bimetal_stream stream, void *state);

    /* After tick_every: called on a thread of the gateway. See THREADS. */
    void (*tick)(void *plugin);
    /* Called once for each item that comes into a queue which this plugin was the last to open. See THREADS. */
    void (*queue_ready)(void *plugin, uint32_t queue);
    /* The answer to a call. With a stream it is one of the stream's callbacks, outside of their order; it holds nothing back by itself, but what is
     * held can be changed, continued or answered. Stream 0 and no state: a call of the plugin's own. The response is lent until it returns. */
    void (*http_response)(void *plugin, bimetal_stream stream, void *state, uint32_t call, const bimetal_http_response *response);
    /* The last call, when all streams have ended: frees what the plugin allocated and ends its threads; nothing of it may run afterwards. The
     * image stays mapped. A plugin that has this callback is loaded into it again when the same file comes back: its writable data is as it
     * was before init then. Without the callback each load maps another image. */
    void (*retire)(void *plugin);

    /* Once, before configure, with the configuration's vm_config; empty when it has none. Returns BIMETAL_OK, or another status to refuse it. */
    int32_t (*start)(void *plugin, const uint8_t *vm_configuration, size_t length);
    /* The exchange is over; comes before log. Returns 1, or 0 to keep the stream, its state and its handle until stream_done: log and stream_end
     * come after that. Nobody waits for it: the client has its answer, and the stream gets no other callback any more. At most 16,384 streams of a
     * plugin are kept; then, and when the plugin is retired, a stream ends as if 1 had been returned (when retired, without log). */
    int32_t (*done)(void *plugin, bimetal_stream stream, void *state);
} bimetal_plugin;

/* The one exported function. Returns BIMETAL_OK, or another status when it cannot work with this host. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int32_t bimetal_plugin_init(const bimetal_host *host, bimetal_plugin *plugin);

#ifdef __cplusplus
}
#endif

#endif
