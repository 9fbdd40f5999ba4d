/*
 * recorder.c - a native plugin around another one: passes every callback on to it and every host function on to the gateway, and writes down which
 * host functions it calls with what. replay.c makes the same calls again without the plugin's own work, which is how the meter prices them.
 *
 * Configuration: path of the plugin, a zero byte, path of the record, a zero byte, the plugin's own configuration.
 * Record:        u32 callbacks that the plugin has (bit by enum kind, HAS_STATE), then steps: u32 kind, a, b, c, then twice u32 length and bytes.
 *                Numbers are little-endian. What is called outside of ENTER and LEAVE is not written down, nor what is called of other functions than
 *                those here; both shows in the number of calls.
 */
#include "steps.h"

#include <bimetal.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_STATE (64u << 10)

static bimetal_host s_host;     /* the gateway's */
static bimetal_host s_offered;  /* with what is recorded in the way */
static bimetal_plugin s_plugin; /* the one that is recorded */
static void *s_image;           /* its file */
static FILE *s_record;
static bool s_is_inside;

static void word(uint32_t value)
{
    fwrite(&value, sizeof value, 1, s_record);
}

static void bytes(const void *data, size_t length)
{
    word((uint32_t)length);
    if (length != 0) fwrite(data, 1, length, s_record);
}

static void write_step(uint32_t kind, uint32_t a, uint32_t b, uint32_t c, const void *x, size_t x_length, const void *y, size_t y_length)
{
    word(kind), word(a), word(b), word(c);
    bytes(x, x_length);
    bytes(y, y_length);
}

/* Sizes beyond 32 bits mean "all of it", which the greatest 32-bit number says as well. */
static uint32_t clamped(size_t size)
{
    return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

#define STEP(...) do { if (s_is_inside) write_step(__VA_ARGS__); } while (0)

/* ---- Host functions ---------------------------------------------------------------------------------------------------------------- */

static int32_t header_get(bimetal_stream stream, uint32_t map, const char *name, size_t length, bimetal_slice *value)
{
    STEP(HEADER_GET, map, 0, 0, name, length, NULL, 0);
    return s_host.header_get(stream, map, name, length, value);
}

static int32_t header_set(bimetal_stream stream, uint32_t map, const char *name, size_t length, const char *value, size_t value_length)
{
    STEP(HEADER_SET, map, 0, 0, name, length, value, value_length);
    return s_host.header_set(stream, map, name, length, value, value_length);
}

static int32_t header_add(bimetal_stream stream, uint32_t map, const char *name, size_t length, const char *value, size_t value_length)
{
    STEP(HEADER_ADD, map, 0, 0, name, length, value, value_length);
    return s_host.header_add(stream, map, name, length, value, value_length);
}

static int32_t header_remove(bimetal_stream stream, uint32_t map, const char *name, size_t length)
{
    STEP(HEADER_REMOVE, map, 0, 0, name, length, NULL, 0);
    return s_host.header_remove(stream, map, name, length);
}

static int32_t header_count(bimetal_stream stream, uint32_t map, size_t *count)
{
    STEP(HEADER_LIST, map, 0, 0, NULL, 0, NULL, 0);
    return s_host.header_count(stream, map, count);
}

static int32_t header_at(bimetal_stream stream, uint32_t map, size_t index, bimetal_field *field)
{
    STEP(HEADER_AT, map, (uint32_t)index, 0, NULL, 0, NULL, 0);
    return s_host.header_at(stream, map, index, field);
}

static int32_t buffer_get(bimetal_stream stream, uint32_t buffer, size_t start, size_t max_length, bimetal_slice *value)
{
    STEP(BODY_GET, buffer, clamped(start), clamped(max_length), NULL, 0, NULL, 0);
    return s_host.buffer_get(stream, buffer, start, max_length, value);
}

static int32_t buffer_replace(bimetal_stream stream, uint32_t buffer, size_t start, size_t length, const void *data, size_t data_length)
{
    STEP(BODY_REPLACE, buffer, clamped(start), clamped(length), data, data_length, NULL, 0);
    return s_host.buffer_replace(stream, buffer, start, length, data, data_length);
}

static int32_t send_local_response(bimetal_stream stream, uint32_t status, const bimetal_field *fields, size_t count, const void *body, size_t body_length)
{
    /* Each field is a step of its own before the answer. */
    for (size_t i = 0; i < count; i++) STEP(ANSWER_FIELD, 0, 0, 0, fields[i].name.data, fields[i].name.length, fields[i].value.data, fields[i].value.length);
    STEP(ANSWER, status, (uint32_t)count, 0, NULL, 0, body, body_length);
    return s_host.send_local_response(stream, status, fields, count, body, body_length);
}

static int32_t continue_stream(bimetal_stream stream, uint32_t direction)
{
    STEP(CONTINUE, direction, 0, 0, NULL, 0, NULL, 0);
    return s_host.continue_stream(stream, direction);
}

static int32_t property_get(bimetal_stream stream, const char *path, size_t length, bimetal_slice *value)
{
    STEP(PROPERTY_GET, 0, 0, 0, path, length, NULL, 0);
    return s_host.property_get(stream, path, length, value);
}

static int32_t write_log(bimetal_handle handle, uint32_t level, const char *message, size_t length)
{
    STEP(LOG, level, 0, 0, message, length, NULL, 0);
    return s_host.log(handle, level, message, length);
}

static int32_t read_clock(bimetal_handle handle, uint32_t clock, uint64_t *nanoseconds)
{
    STEP(CLOCK, clock, 0, 0, NULL, 0, NULL, 0);
    return s_host.clock(handle, clock, nanoseconds);
}

static int32_t shared_get(bimetal_handle handle, const void *key, size_t key_length, void *value, size_t capacity, size_t *length, uint32_t *cas)
{
    STEP(SHARED_GET, clamped(capacity), 0, 0, key, key_length, NULL, 0);
    return s_host.shared_get(handle, key, key_length, value, capacity, length, cas);
}

static int32_t shared_set(bimetal_handle handle, const void *key, size_t key_length, const void *value, size_t value_length, uint32_t cas)
{
    STEP(SHARED_SET, cas != 0, 0, 0, key, key_length, value, value_length);
    return s_host.shared_set(handle, key, key_length, value, value_length, cas);
}

/* ---- Callbacks --------------------------------------------------------------------------------------------------------------------- */

static void enter(uint32_t kind)
{
    s_is_inside = true;
    STEP(ENTER, kind, 0, 0, NULL, 0, NULL, 0);
}

static int32_t leave(int32_t action)
{
    STEP(LEAVE, action == BIMETAL_CONTINUE ? 0 : 1, 0, 0, NULL, 0, NULL, 0);
    s_is_inside = false;
    return action;
}

static int32_t on_request_headers(void *plugin, bimetal_stream stream, void *state, uint32_t end)
{
    if (s_plugin.request_headers == NULL) return BIMETAL_CONTINUE;
    (void)plugin;
    enter(REQUEST_HEADERS);
    return leave(s_plugin.request_headers(s_plugin.plugin, stream, state, end));
}

static int32_t on_request_body(void *plugin, bimetal_stream stream, void *state, size_t length, uint32_t end)
{
    if (s_plugin.request_body == NULL) return BIMETAL_CONTINUE;
    (void)plugin;
    enter(REQUEST_BODY);
    return leave(s_plugin.request_body(s_plugin.plugin, stream, state, length, end));
}

static int32_t on_response_headers(void *plugin, bimetal_stream stream, void *state, uint32_t end)
{
    if (s_plugin.response_headers == NULL) return BIMETAL_CONTINUE;
    (void)plugin;
    enter(RESPONSE_HEADERS);
    return leave(s_plugin.response_headers(s_plugin.plugin, stream, state, end));
}

static int32_t on_response_body(void *plugin, bimetal_stream stream, void *state, size_t length, uint32_t end)
{
    if (s_plugin.response_body == NULL) return BIMETAL_CONTINUE;
    (void)plugin;
    enter(RESPONSE_BODY);
    return leave(s_plugin.response_body(s_plugin.plugin, stream, state, length, end));
}

static void on_log(void *plugin, bimetal_stream stream, void *state)
{
    (void)plugin;
    if (s_plugin.log == NULL) return;
    enter(LOG_CALLBACK);
    s_plugin.log(s_plugin.plugin, stream, state);
    leave(BIMETAL_CONTINUE);
}

static int32_t on_done(void *plugin, bimetal_stream stream, void *state)
{
    (void)plugin;
    return s_plugin.done == NULL ? 1 : s_plugin.done(s_plugin.plugin, stream, state);
}

static void on_stream_begin(void *plugin, bimetal_stream stream, void *state)
{
    (void)plugin;
    write_step(EXCHANGE, 0, 0, 0, NULL, 0, NULL, 0);
    if (s_plugin.stream_begin != NULL) s_plugin.stream_begin(s_plugin.plugin, stream, state);
}

static void on_stream_end(void *plugin, bimetal_stream stream, void *state)
{
    (void)plugin;
    if (s_plugin.stream_end != NULL) s_plugin.stream_end(s_plugin.plugin, stream, state);
    fflush(s_record);
}

static uint32_t callbacks_of(const bimetal_plugin *plugin)
{
    return (plugin->request_headers != NULL) << REQUEST_HEADERS | (plugin->request_body != NULL) << REQUEST_BODY
        | (plugin->response_headers != NULL) << RESPONSE_HEADERS | (plugin->response_body != NULL) << RESPONSE_BODY | (plugin->log != NULL) << LOG_CALLBACK
        | (plugin->stream_state_size != 0) << HAS_STATE;
}

static int32_t configure(void *plugin, const uint8_t *configuration, size_t length)
{
    (void)plugin;
    const char *path = (const char *)configuration;
    const uint8_t *end = configuration + length;
    const uint8_t *first = memchr(configuration, 0, length), *second = first == NULL ? NULL : memchr(first + 1, 0, (size_t)(end - first - 1));
    if (second == NULL) return BIMETAL_BAD_ARGUMENT;
    s_image = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int32_t (*init)(const bimetal_host *, bimetal_plugin *) = s_image == NULL ? NULL : (int32_t (*)(const bimetal_host *, bimetal_plugin *))dlsym(s_image, "bimetal_plugin_init");
    if (init == NULL) return BIMETAL_NOT_FOUND;
    s_offered = s_host;
    s_offered.header_get = header_get;
    s_offered.header_set = header_set;
    s_offered.header_add = header_add;
    s_offered.header_remove = header_remove;
    s_offered.header_count = header_count;
    s_offered.header_at = header_at;
    s_offered.buffer_get = buffer_get;
    s_offered.buffer_replace = buffer_replace;
    s_offered.send_local_response = send_local_response;
    s_offered.continue_stream = continue_stream;
    s_offered.property_get = property_get;
    s_offered.log = write_log;
    s_offered.clock = read_clock;
    s_offered.shared_get = shared_get;
    s_offered.shared_set = shared_set;
    s_plugin.struct_size = sizeof s_plugin;
    int32_t status = init(&s_offered, &s_plugin);
    if (status != BIMETAL_OK || s_plugin.stream_state_size > MAX_STATE) return BIMETAL_UNIMPLEMENTED;
    s_record = fopen((const char *)first + 1, "wb");
    if (s_record == NULL) return BIMETAL_INTERNAL;
    word(callbacks_of(&s_plugin));
    status = s_plugin.start == NULL ? BIMETAL_OK : s_plugin.start(s_plugin.plugin, NULL, 0); /* cases have no vm_config */
    if (status != BIMETAL_OK) return status;
    return s_plugin.configure == NULL ? BIMETAL_OK : s_plugin.configure(s_plugin.plugin, second + 1, (size_t)(end - second - 1));
}

static void retire(void *plugin)
{
    (void)plugin;
    if (s_plugin.retire != NULL) s_plugin.retire(s_plugin.plugin);
    if (s_image != NULL) dlclose(s_image); /* recorded again, it begins with fresh globals */
    if (s_record != NULL) fclose(s_record);
}

int32_t bimetal_plugin_init(const bimetal_host *host, bimetal_plugin *plugin)
{
    /* A host of an older table has no room for this one. */
    if (host->abi_version != BIMETAL_ABI_VERSION || host->struct_size < sizeof s_host || plugin->struct_size < sizeof *plugin) return BIMETAL_UNIMPLEMENTED;
    s_host = *host;
    *plugin = (bimetal_plugin){
        .abi_version = BIMETAL_ABI_VERSION,
        .struct_size = sizeof *plugin,
        .stream_state_size = MAX_STATE,
        .configure = configure,
        .stream_begin = on_stream_begin,
        .stream_end = on_stream_end,
        .request_headers = on_request_headers,
        .request_body = on_request_body,
        .response_headers = on_response_headers,
        .response_body = on_response_body,
        .done = on_done,
        .log = on_log,
        .retire = retire,
    };
    return BIMETAL_OK;
}
