/*
 * bare_host.c - the host of a plugin, in the plugin's own image: what the gateway does in C#, as little of it as an exchange needs. Built with
 * the plugin's source for both metals, so that both run the same functions, and nothing is crossed between them. It is quick rather than
 * complete: names and values are not checked. bare_run.c drives it.
 */
#include "bare_exchange.h"

#define MEMORY_BYTES (24u << 20)
#define SHARED_ENTRIES 256u
#define SHARED_BYTES 256u

struct bare_exchange bare_exchange;

/* ---- Memory: [0, kept) for good, [kept, top) until the exchange ends ------------------------------------------------------------- */

static _Alignas(16) uint8_t s_memory[MEMORY_BYTES];
static size_t s_kept, s_top;

void *bare_allocate(size_t length)
{
    size_t start = (s_top + 15u) & ~(size_t)15u;
    if (length > MEMORY_BYTES - start) return NULL;
    s_top = start + length;
    return s_memory + start;
}

void bare_release(void)
{
    s_top = s_kept;
}

void *bp_keep(size_t length)
{
    void *kept = bare_allocate(length);
    if (kept == NULL) return NULL;
    s_kept = s_top;
    return memset(kept, 0, length);
}

void *bp_scratch(size_t length)
{
    return bare_allocate(length);
}

static bimetal_slice copy(const void *bytes, size_t length)
{
    uint8_t *to = bare_allocate(length);
    if (to == NULL) return (bimetal_slice){0};
    memcpy(to, bytes, length);
    return (bimetal_slice){to, length};
}

/* ---- Header maps ------------------------------------------------------------------------------------------------------------------ */

static struct bare_map *map_of(uint32_t map)
{
    return map == BIMETAL_REQUEST_HEADERS ? &bare_exchange.directions[0].map : map == BIMETAL_RESPONSE_HEADERS ? &bare_exchange.directions[1].map : NULL;
}

static bool is_named(const bimetal_field *field, const char *name, size_t length)
{
    if (field->name.length != length) return false;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)name[i];
        if (field->name.data[i] != (c >= 'A' && c <= 'Z' ? c + 32 : c)) return false;
    }
    return true;
}

int32_t bare_header_get(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, bimetal_slice *value)
{
    (void)stream;
    const struct bare_map *fields = map_of(map);
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        if (!is_named(&fields->fields[i], name, name_length)) continue;
        *value = fields->fields[i].value;
        return BIMETAL_OK;
    }
    return BIMETAL_NOT_FOUND;
}

int32_t bare_header_remove(bimetal_stream stream, uint32_t map, const char *name, size_t name_length)
{
    (void)stream;
    struct bare_map *fields = map_of(map);
    if (fields == NULL) return BIMETAL_BAD_ARGUMENT;
    size_t left = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (!is_named(&fields->fields[i], name, name_length)) fields->fields[left++] = fields->fields[i];
    fields->count = left;
    return BIMETAL_OK;
}

int32_t bare_header_add(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length)
{
    (void)stream;
    struct bare_map *fields = map_of(map);
    if (fields == NULL || fields->count == MAX_FIELDS) return BIMETAL_BAD_ARGUMENT;
    fields->fields[fields->count++] = (bimetal_field){copy(name, name_length), copy(value, value_length)};
    return BIMETAL_OK;
}

int32_t bare_header_set(bimetal_stream stream, uint32_t map, const char *name, size_t name_length, const char *value, size_t value_length)
{
    struct bare_map *fields = map_of(map);
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        if (!is_named(&fields->fields[i], name, name_length)) continue;
        bimetal_field set = {fields->fields[i].name, copy(value, value_length)};
        size_t left = i + 1;
        for (size_t rest = i + 1; rest < fields->count; rest++)
            if (!is_named(&fields->fields[rest], name, name_length)) fields->fields[left++] = fields->fields[rest];
        fields->fields[i] = set;
        fields->count = left;
        return BIMETAL_OK;
    }
    return bare_header_add(stream, map, name, name_length, value, value_length);
}

int32_t bare_header_count(bimetal_stream stream, uint32_t map, size_t *count)
{
    (void)stream;
    const struct bare_map *fields = map_of(map);
    *count = fields != NULL ? fields->count : 0;
    return BIMETAL_OK;
}

int32_t bare_header_at(bimetal_stream stream, uint32_t map, size_t index, bimetal_field *field)
{
    (void)stream;
    const struct bare_map *fields = map_of(map);
    if (fields == NULL || index >= fields->count) return BIMETAL_NOT_FOUND;
    *field = fields->fields[index];
    return BIMETAL_OK;
}

/* ---- Bodies and answers ----------------------------------------------------------------------------------------------------------- */

bool bare_hold(struct bare_direction *direction, bimetal_slice chunk)
{
    if (direction->body.length == 0) {
        direction->body = chunk;
        return true;
    }
    if (direction->held == NULL) direction->held = bare_allocate(MAX_BODY);
    if (direction->held == NULL || chunk.length > MAX_BODY - direction->body.length) return false;
    if (direction->body.data != direction->held) memcpy(direction->held, direction->body.data, direction->body.length);
    memcpy(direction->held + direction->body.length, chunk.data, chunk.length);
    direction->body = (bimetal_slice){direction->held, direction->body.length + chunk.length};
    return true;
}

int32_t bare_buffer_get(bimetal_stream stream, uint32_t buffer, size_t start, size_t max_length, bimetal_slice *bytes)
{
    (void)stream;
    bimetal_slice body = bare_exchange.directions[buffer & 1].body;
    if (start > body.length) start = body.length;
    if (max_length > body.length - start) max_length = body.length - start;
    *bytes = (bimetal_slice){body.data + start, max_length};
    return BIMETAL_OK;
}

int32_t bare_buffer_replace(bimetal_stream stream, uint32_t buffer, size_t start, size_t length, const void *bytes, size_t bytes_length)
{
    (void)stream;
    struct bare_direction *direction = &bare_exchange.directions[buffer & 1];
    bimetal_slice body = direction->body;
    if (start > body.length) start = body.length;
    if (length > body.length - start) length = body.length - start;
    size_t tail = body.length - start - length;
    uint8_t *to = bare_allocate(start + bytes_length + tail);
    if (to == NULL) return BIMETAL_INTERNAL;
    memcpy(to, body.data, start);
    memcpy(to + start, bytes, bytes_length);
    memcpy(to + start + bytes_length, body.data + start + length, tail);
    direction->body = (bimetal_slice){to, start + bytes_length + tail};
    return BIMETAL_OK;
}

int32_t bare_respond(bimetal_stream stream, uint32_t status, const bimetal_field *fields, size_t field_count, const void *body, size_t body_length)
{
    (void)stream;
    if (bare_exchange.status != 0) return BIMETAL_OK;
    for (size_t i = 0; i < field_count; i++) {
        copy(fields[i].name.data, fields[i].name.length);
        copy(fields[i].value.data, fields[i].value.length);
    }
    copy(body, body_length);
    bare_exchange.status = status;
    bare_exchange.answer_bytes = body_length;
    return BIMETAL_OK;
}

int32_t bare_continue(bimetal_stream stream, uint32_t direction)
{
    (void)stream;
    bare_exchange.directions[direction & 1].is_continued = true;
    return BIMETAL_OK;
}

/* ---- The rest --------------------------------------------------------------------------------------------------------------------- */

int32_t bare_property_get(bimetal_stream stream, const char *path, size_t path_length, bimetal_slice *value)
{
    static const char wanted[] = "source\0address", address[] = "127.0.0.1:50000";
    (void)stream;
    if (path_length != sizeof wanted - 1 || memcmp(path, wanted, path_length) != 0) return BIMETAL_NOT_FOUND;
    *value = (bimetal_slice){(const uint8_t *)address, sizeof address - 1};
    return BIMETAL_OK;
}

int32_t bare_log(bimetal_handle handle, uint32_t level, const char *message, size_t message_length)
{
    (void)handle, (void)level, (void)message, (void)message_length;
    return BIMETAL_OK;
}

int32_t bare_log_level(bimetal_handle handle, uint32_t *level)
{
    (void)handle;
    *level = BIMETAL_LOG_CRITICAL;
    return BIMETAL_OK;
}

int32_t bare_clock(bimetal_handle handle, uint32_t clock, uint64_t *nanoseconds)
{
    (void)handle, (void)clock;
    *nanoseconds = bare_exchange.clock;
    return BIMETAL_OK;
}

static struct {
    uint8_t key[SHARED_BYTES], value[SHARED_BYTES];
    size_t key_length, value_length;
    uint32_t cas;
} s_shared[SHARED_ENTRIES];
static size_t s_shared_count;

static size_t find_shared(const void *key, size_t length)
{
    size_t index = 0;
    while (index < s_shared_count && (s_shared[index].key_length != length || memcmp(s_shared[index].key, key, length) != 0)) index++;
    return index;
}

int32_t bare_shared_get(bimetal_handle handle, const void *key, size_t key_length, void *value, size_t capacity, size_t *length, uint32_t *cas)
{
    (void)handle;
    size_t index = find_shared(key, key_length);
    if (index == s_shared_count) return BIMETAL_NOT_FOUND;
    *length = s_shared[index].value_length;
    memcpy(value, s_shared[index].value, *length < capacity ? *length : capacity);
    if (cas != NULL) *cas = s_shared[index].cas;
    return BIMETAL_OK;
}

int32_t bare_shared_set(bimetal_handle handle, const void *key, size_t key_length, const void *value, size_t value_length, uint32_t cas)
{
    (void)handle;
    size_t index = find_shared(key, key_length);
    if (index == SHARED_ENTRIES || key_length > SHARED_BYTES || value_length > SHARED_BYTES) return BIMETAL_INTERNAL;
    if (index < s_shared_count && cas != 0 && cas != s_shared[index].cas) return BIMETAL_CAS_MISMATCH;
    if (index == s_shared_count) {
        memcpy(s_shared[index].key, key, key_length);
        s_shared[index].key_length = key_length;
        s_shared_count++;
    }
    memcpy(s_shared[index].value, value, value_length);
    s_shared[index].value_length = value_length;
    s_shared[index].cas++;
    return BIMETAL_OK;
}

#define METRICS 64u

static uint64_t s_metrics[METRICS];
static uint32_t s_metric_count;

/* The same name gives another metric here: nobody reads what it counts. */
int32_t bare_metric_define(bimetal_handle handle, uint32_t kind, const char *name, size_t name_length, uint32_t *metric)
{
    (void)handle, (void)kind, (void)name, (void)name_length;
    if (s_metric_count == METRICS) return BIMETAL_INTERNAL;
    *metric = s_metric_count++;
    return BIMETAL_OK;
}

int32_t bare_metric_increment(bimetal_handle handle, uint32_t metric, int64_t offset)
{
    (void)handle;
    if (metric >= s_metric_count) return BIMETAL_NOT_FOUND;
    s_metrics[metric] += (uint64_t)offset;
    return BIMETAL_OK;
}

int32_t bare_metric_record(bimetal_handle handle, uint32_t metric, uint64_t value)
{
    (void)handle;
    if (metric >= s_metric_count) return BIMETAL_NOT_FOUND;
    s_metrics[metric] = value;
    return BIMETAL_OK;
}

int32_t bare_metric_get(bimetal_handle handle, uint32_t metric, uint64_t *value)
{
    (void)handle;
    if (metric >= s_metric_count) return BIMETAL_NOT_FOUND;
    *value = s_metrics[metric];
    return BIMETAL_OK;
}

/* ---- What no measured exchange has: refused, so that a plugin that asks for it ends as it does when the gateway refuses --------------- */

int32_t bare_queue_open(bimetal_handle handle, const char *name, size_t name_length, uint32_t *queue)
{
    (void)handle, (void)name, (void)name_length, (void)queue;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_queue_push(bimetal_handle handle, uint32_t queue, const void *item, size_t length)
{
    (void)handle, (void)queue, (void)item, (void)length;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_queue_pop(bimetal_handle handle, uint32_t queue, void *item, size_t capacity, size_t *length)
{
    (void)handle, (void)queue, (void)item, (void)capacity, (void)length;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_tick_every(bimetal_handle handle, uint32_t period_ms)
{
    (void)handle, (void)period_ms;
    return BIMETAL_OK; /* no tick comes: exchanges alone are measured */
}

int32_t bare_close(bimetal_stream stream)
{
    (void)stream;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_property_set(bimetal_stream stream, const char *path, size_t path_length, const void *value, size_t value_length)
{
    (void)stream, (void)path, (void)path_length, (void)value, (void)value_length;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_foreign_call(bimetal_handle handle, const char *name, size_t name_length, const void *argument, size_t argument_length, void *result,
                          size_t capacity, size_t *length)
{
    (void)handle, (void)name, (void)name_length, (void)argument, (void)argument_length, (void)result, (void)capacity, (void)length;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_http_call(bimetal_handle handle, bimetal_stream stream, const bimetal_http_request *request, uint32_t *call)
{
    (void)handle, (void)stream, (void)request, (void)call;
    return BIMETAL_UNIMPLEMENTED;
}

int32_t bare_stream_enter(bimetal_stream stream)
{
    (void)stream;
    return BIMETAL_UNIMPLEMENTED;
}
