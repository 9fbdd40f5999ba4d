/*
 * native.c - the native metal in a runner: loads a shared object through the loader of this system's libc, shakes hands as the gateway does, and
 * hands every host function on to the driver (native_state.c has those without a stream). What is lent to the plugin lives until the callback returns, as bimetal.h says.
 */
#define _GNU_SOURCE
#include "runner.h"

#include "native_state.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* What host functions have lent in the running callback. */
struct lent {
    struct lent *next;
    uint8_t bytes[];
};

/* One stream at a time on a thread; more than one thread only in a storm (replay.c). */
static _Thread_local struct lent *s_lent;
static _Thread_local struct message s_call;
static _Thread_local void *s_state;
static _Thread_local uint64_t s_handle;
static _Thread_local bool s_is_done;
static bimetal_plugin s_plugin;

static bimetal_slice lend(struct message *reply)
{
    size_t length;
    const uint8_t *bytes = take_bytes(reply, &length);
    struct lent *lent = malloc(sizeof *lent + length + 1);
    if (lent == NULL) abort();
    lent->next = s_lent;
    s_lent = lent;
    memcpy(lent->bytes, bytes, length);
    return (bimetal_slice){lent->bytes, length};
}

static void give_back(void)
{
    while (s_lent != NULL) {
        struct lent *next = s_lent->next;
        free(s_lent);
        s_lent = next;
    }
}

/* A handle of a stream that has ended, or none, is not found. */
static bool is_open(bimetal_stream stream) { return s_state != NULL && stream == s_handle; }

static int32_t header_get(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, bimetal_slice *value)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    if (value == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_HEADER_GET);
    put_u32(&s_call, map);
    put_bytes(&s_call, name, name_length);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *value = lend(reply);
    return status;
}

static int32_t header_change(enum host_function function, bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    host_begin(&s_call, function);
    put_u32(&s_call, map);
    put_bytes(&s_call, name, name_length);
    if (function != HOST_HEADER_REMOVE) put_bytes(&s_call, value, value_length);
    return host_call(&s_call, NULL);
}

static int32_t header_set(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length)
{
    return header_change(HOST_HEADER_SET, stream, map, name, name_length, value, value_length);
}

static int32_t header_add(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length)
{
    return header_change(HOST_HEADER_ADD, stream, map, name, name_length, value, value_length);
}

static int32_t header_remove(bimetal_stream stream, uint32_t map, const char *name, size_t name_length)
{
    return header_change(HOST_HEADER_REMOVE, stream, map, name, name_length, NULL, 0);
}

static int32_t header_count(bimetal_stream stream, uint32_t map, size_t *count)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    if (count == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_HEADER_COUNT);
    put_u32(&s_call, map);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *count = (size_t)take_u64(reply);
    return status;
}

static int32_t header_at(bimetal_stream stream, uint32_t map, size_t index, bimetal_field *field)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    if (field == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_HEADER_AT);
    put_u32(&s_call, map);
    put_u64(&s_call, index);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status != BIMETAL_OK) return status;
    field->name = lend(reply);
    field->value = lend(reply);
    return status;
}

static int32_t buffer_get(bimetal_stream stream, uint32_t buffer, size_t start, size_t max_length, bimetal_slice *bytes)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    if (bytes == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_BODY_GET);
    put_u32(&s_call, buffer);
    put_u64(&s_call, start);
    put_u64(&s_call, max_length);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *bytes = lend(reply);
    return status;
}

static int32_t buffer_replace(bimetal_stream stream, uint32_t buffer, size_t start, size_t length, const void *bytes, size_t bytes_length)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    host_begin(&s_call, HOST_BODY_REPLACE);
    put_u32(&s_call, buffer);
    put_u64(&s_call, start);
    put_u64(&s_call, length);
    put_bytes(&s_call, bytes, bytes_length);
    return host_call(&s_call, NULL);
}

static int32_t send_local_response(bimetal_stream stream, uint32_t status, const bimetal_field *fields, size_t field_count, const void *body, size_t body_length)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    if (fields == NULL && field_count != 0) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_RESPOND);
    put_u32(&s_call, status);
    put_u32(&s_call, (uint32_t)field_count);
    for (size_t index = 0; index < field_count; index++) {
        put_bytes(&s_call, fields[index].name.data, fields[index].name.length);
        put_bytes(&s_call, fields[index].value.data, fields[index].value.length);
    }
    put_bytes(&s_call, body, body_length);
    return host_call(&s_call, NULL);
}

static int32_t continue_stream(bimetal_stream stream, uint32_t direction)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    host_begin(&s_call, HOST_CONTINUE);
    put_u32(&s_call, direction);
    return host_call(&s_call, NULL);
}

static int32_t property_get(bimetal_stream stream, const char *path, size_t path_length, bimetal_slice *value)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    if (value == NULL) return BIMETAL_BAD_ARGUMENT;
    host_begin(&s_call, HOST_PROPERTY);
    put_bytes(&s_call, path, path_length);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == BIMETAL_OK) *value = lend(reply);
    return status;
}

static int32_t close_stream(bimetal_stream stream)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    host_begin(&s_call, HOST_RESET);
    return host_call(&s_call, NULL);
}

static int32_t property_set(bimetal_stream stream, const char *path, size_t path_length, const void *value, size_t value_length)
{
    if (!is_open(stream)) return BIMETAL_NOT_FOUND;
    host_begin(&s_call, HOST_SET_PROPERTY);
    put_bytes(&s_call, path, path_length);
    put_bytes(&s_call, value, value_length);
    return host_call(&s_call, NULL);
}

/* A stream of a case ends when the case does: none is kept. */
static int32_t stream_done(bimetal_stream stream)
{
    (void)stream;
    return BIMETAL_NOT_FOUND;
}

/* No callback outside of a stream is ever made here. */
static int32_t stream_enter(bimetal_stream stream)
{
    (void)stream;
    return BIMETAL_BAD_ARGUMENT;
}

static bimetal_host s_host = {
    .abi_version = BIMETAL_ABI_VERSION, .struct_size = sizeof(bimetal_host), .handle = 1,
    .header_get = header_get, .header_set = header_set, .header_add = header_add, .header_remove = header_remove, .header_count = header_count,
    .header_at = header_at, .buffer_get = buffer_get, .buffer_replace = buffer_replace, .send_local_response = send_local_response,
    .continue_stream = continue_stream, .property_get = property_get, .close_stream = close_stream, .property_set = property_set,
    .stream_enter = stream_enter, .stream_leave = stream_enter, .stream_done = stream_done,
};

static int32_t configure(const struct configuration *vm, const struct configuration *plugin, uint32_t *callbacks)
{
    const void *present[] = {(const void *)s_plugin.request_headers, (const void *)s_plugin.request_body, (const void *)s_plugin.request_trailers,
                             (const void *)s_plugin.response_headers, (const void *)s_plugin.response_body, (const void *)s_plugin.response_trailers, (const void *)s_plugin.log};
    *callbacks = 0;
    for (uint32_t index = 0; index < CALLBACK_COUNT; index++) *callbacks |= present[index] != NULL ? 1u << index : 0;
    if (s_plugin.done != NULL) *callbacks |= 1u << CALLBACK_LOG;
    int32_t status = s_plugin.start != NULL ? s_plugin.start(s_plugin.plugin, vm->bytes, vm->length) : BIMETAL_OK;
    if (status == BIMETAL_OK && s_plugin.configure != NULL) status = s_plugin.configure(s_plugin.plugin, plugin->bytes, plugin->length);
    give_back();
    return status;
}

static void begin(void)
{
    if (posix_memalign(&s_state, 16, s_plugin.stream_state_size + 16u) != 0) abort();
    memset(s_state, 0, s_plugin.stream_state_size + 16u);
    s_handle++;
    s_is_done = false;
    uint64_t handle = s_handle;
    if (s_plugin.stream_begin != NULL) s_plugin.stream_begin(s_plugin.plugin, handle, s_state);
}

static void ask_done(void)
{
    s_is_done = true;
    if (s_plugin.done != NULL) s_plugin.done(s_plugin.plugin, s_handle, s_state);
    give_back();
}

static int32_t call(enum callback callback, uint64_t size, uint32_t end)
{
    int32_t action = 0;
    switch (callback) {
    case CALLBACK_REQUEST_HEADERS: action = s_plugin.request_headers(s_plugin.plugin, s_handle, s_state, end); break;
    case CALLBACK_REQUEST_BODY: action = s_plugin.request_body(s_plugin.plugin, s_handle, s_state, (size_t)size, end); break;
    case CALLBACK_REQUEST_TRAILERS: action = s_plugin.request_trailers(s_plugin.plugin, s_handle, s_state); break;
    case CALLBACK_RESPONSE_HEADERS: action = s_plugin.response_headers(s_plugin.plugin, s_handle, s_state, end); break;
    case CALLBACK_RESPONSE_BODY: action = s_plugin.response_body(s_plugin.plugin, s_handle, s_state, (size_t)size, end); break;
    case CALLBACK_RESPONSE_TRAILERS: action = s_plugin.response_trailers(s_plugin.plugin, s_handle, s_state); break;
    default:
        ask_done();
        if (s_plugin.log != NULL) s_plugin.log(s_plugin.plugin, s_handle, s_state);
        break;
    }
    give_back();
    return action;
}

static void end(void)
{
    if (!s_is_done) ask_done();
    if (s_plugin.stream_end != NULL) s_plugin.stream_end(s_plugin.plugin, s_handle, s_state);
    give_back();
    free(s_state);
    s_state = NULL;
}

/* As from ticks, queues and answers to calls of the plugin's own: for storms alone, because in cases time stands still. */
static void root(void)
{
    static const bimetal_field s_fields[] = {{{(const uint8_t *)":status", 7}, {(const uint8_t *)"200", 3}}};
    static const bimetal_http_response s_response = {.fields = s_fields, .field_count = 1, .body = {(const uint8_t *)"answer", 6}};
    uint32_t queue = native_state_queue();
    if (s_plugin.tick != NULL) s_plugin.tick(s_plugin.plugin);
    if (s_plugin.queue_ready != NULL && queue != 0) s_plugin.queue_ready(s_plugin.plugin, queue);
    if (s_plugin.http_response != NULL) s_plugin.http_response(s_plugin.plugin, 0, NULL, 1, &s_response);
    give_back();
}

const struct metal *native_load(const char *path)
{
    static const struct metal s_metal = {.configure = configure, .begin = begin, .call = call, .end = end, .root = root};
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) runner_fail("%s", dlerror());
    int32_t (*init)(const bimetal_host *, bimetal_plugin *) = (int32_t(*)(const bimetal_host *, bimetal_plugin *))dlsym(library, "bimetal_plugin_init");
    if (init == NULL) runner_fail("exports no bimetal_plugin_init, so it is not a Bimetal plugin");
    native_state_fill(&s_host);
    s_plugin.struct_size = sizeof s_plugin;
    int32_t status = init(&s_host, &s_plugin);
    if (s_plugin.abi_version != BIMETAL_ABI_VERSION || status != BIMETAL_OK) runner_fail("bimetal_plugin_init failed with status %d", status);
    return &s_metal;
}
