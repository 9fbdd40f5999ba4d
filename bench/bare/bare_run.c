/*
 * bare_run.c - drives the plugin that it is built with through one exchange, as often as wanted, in the order of HTTP as the gateway's driver
 * does (src/Bimetal.Plugins/Bundles/Cases/CaseExchange.cs). The meter writes configuration and exchange into a buffer, then calls bare_run:
 *
 *   configuration  its bytes
 *   exchange       u64 clock, then request and response: u32 fields, each u32 name length, u32 value length, name, value;
 *                  u32 chunks, each u32 length, bytes. Numbers are little-endian.
 */
#include "bare_exchange.h"

#if defined(__wasm__)
#define EXPORT(name) __attribute__((export_name(name), visibility("default")))
#else
#define EXPORT(name) __attribute__((visibility("default")))
#endif
#define WEAK __attribute__((weak, visibility("hidden")))
#define STREAM 1u
#define BUFFER_BYTES (4u << 20)
#define MAX_STATE (64u << 10)

/* How an exchange ended: the numbers of CaseEnd. */
enum { PASSED, ANSWERED, RESET, HELD, FAILED };

WEAK extern int32_t bp_entry_configure(void *, const uint8_t *, size_t);
WEAK extern void bp_entry_stream_begin(void *, bimetal_stream, void *);
WEAK extern void bp_entry_stream_end(void *, bimetal_stream, void *);
WEAK extern int32_t bp_entry_request_headers(void *, bimetal_stream, void *, uint32_t);
WEAK extern int32_t bp_entry_request_body(void *, bimetal_stream, void *, size_t, uint32_t);
WEAK extern int32_t bp_entry_response_headers(void *, bimetal_stream, void *, uint32_t);
WEAK extern int32_t bp_entry_response_body(void *, bimetal_stream, void *, size_t, uint32_t);
WEAK extern void bp_entry_log(void *, bimetal_stream, void *);
WEAK const uint32_t bp_stream_state_size = 0;

static uint8_t s_buffer[BUFFER_BYTES];
static struct bare_map s_maps[2];
static bimetal_slice s_chunks[2][MAX_CHUNKS];
static size_t s_chunk_counts[2];
static _Alignas(16) uint8_t s_state[MAX_STATE];

EXPORT("bare_buffer") uint8_t *bare_buffer(void);
uint8_t *bare_buffer(void)
{
    return s_buffer;
}

/* 0, or 1 when the plugin refuses. */
EXPORT("bare_configure") uint32_t bare_configure(uint32_t length);
uint32_t bare_configure(uint32_t length)
{
    if (length > BUFFER_BYTES || bp_stream_state_size > MAX_STATE) return 1;
    if (bp_entry_configure == NULL) return 0;
    uint8_t *configuration = bp_keep(length);
    if (configuration == NULL) return 1;
    memcpy(configuration, s_buffer, length);
    int32_t status = bp_entry_configure(NULL, configuration, length);
    return status == BIMETAL_OK ? 0 : 1;
}

static uint32_t number(size_t *at)
{
    uint32_t value;
    memcpy(&value, s_buffer + *at, sizeof value);
    *at += sizeof value;
    return value;
}

static bimetal_slice bytes(size_t *at, size_t length)
{
    bimetal_slice slice = {s_buffer + *at, length};
    *at += length;
    return slice;
}

/* Reads the exchange that is in the buffer, which the meter wrote: it is trusted. 0, or 1 when it is too large. */
EXPORT("bare_exchange_read") uint32_t bare_exchange_read(void);
uint32_t bare_exchange_read(void)
{
    size_t at = sizeof bare_exchange.clock;
    memcpy(&bare_exchange.clock, s_buffer, sizeof bare_exchange.clock);
    for (int side = 0; side < 2; side++) {
        uint32_t fields = number(&at);
        if (fields > MAX_FIELDS) return 1;
        s_maps[side].count = fields;
        for (uint32_t i = 0; i < fields; i++) {
            uint32_t name = number(&at), value = number(&at);
            s_maps[side].fields[i].name = bytes(&at, name);
            s_maps[side].fields[i].value = bytes(&at, value);
        }
        uint32_t chunks = number(&at);
        if (chunks > MAX_CHUNKS) return 1;
        s_chunk_counts[side] = chunks;
        for (uint32_t i = 0; i < chunks; i++) {
            uint32_t length = number(&at);
            s_chunks[side][i] = bytes(&at, length);
        }
    }
    return 0;
}

static int32_t call_headers(int side, uint32_t end)
{
    if (side == 0) return bp_entry_request_headers != NULL ? bp_entry_request_headers(NULL, STREAM, s_state, end) : BIMETAL_CONTINUE;
    return bp_entry_response_headers != NULL ? bp_entry_response_headers(NULL, STREAM, s_state, end) : BIMETAL_CONTINUE;
}

static int32_t call_body(int side, size_t length, uint32_t end)
{
    return side == 0 ? bp_entry_request_body(NULL, STREAM, s_state, length, end) : bp_entry_response_body(NULL, STREAM, s_state, length, end);
}

static bool take_continued(struct bare_direction *direction)
{
    bool was = direction->is_continued;
    direction->is_continued = false;
    return was;
}

/*
 * No calls of the C library's memset and memcpy from the driver: for the few bytes here they would cost the native build (which alone has one) more
 * than the plugin itself on some processors, and the gateway does not call them for this either.
 */
__attribute__((no_builtin)) static void clear_state(void)
{
    uint64_t *words = (uint64_t *)s_state;
    for (uint32_t i = 0; i < (bp_stream_state_size + 7) / 8; i++) words[i] = 0;
}

__attribute__((no_builtin)) static void copy_fields(struct bare_map *to, const struct bare_map *from)
{
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++) to->fields[i] = from->fields[i];
}

/* True when everything was passed on. */
static bool drive(int side)
{
    struct bare_direction *direction = &bare_exchange.directions[side];
    bool has_body = side == 0 ? bp_entry_request_body != NULL : bp_entry_response_body != NULL;
    size_t chunks = s_chunk_counts[side];
    copy_fields(&direction->map, &s_maps[side]);
    bool is_held = call_headers(side, chunks == 0) != BIMETAL_CONTINUE && !take_continued(direction);
    if (bare_exchange.status != 0) return false;
    for (size_t i = 0; i < chunks; i++) {
        if (!has_body) continue;
        if (!bare_hold(direction, s_chunks[side][i])) return false;
        bool is_released = call_body(side, direction->body.length, i == chunks - 1) == BIMETAL_CONTINUE || take_continued(direction);
        if (bare_exchange.status != 0) return false;
        if (is_released) direction->body.length = 0;
        is_held = !is_released;
    }
    return !is_held;
}

static uint32_t run_once(void)
{
    bare_exchange.status = 0;
    for (int side = 0; side < 2; side++) {
        bare_exchange.directions[side].body.length = 0;
        bare_exchange.directions[side].held = NULL;
        bare_exchange.directions[side].is_continued = false;
    }
    clear_state();
    if (bp_entry_stream_begin != NULL) bp_entry_stream_begin(NULL, STREAM, s_state);
    bool is_through = drive(0) && drive(1);
    if (bp_entry_log != NULL) bp_entry_log(NULL, STREAM, s_state);
    if (bp_entry_stream_end != NULL) bp_entry_stream_end(NULL, STREAM, s_state);
    bare_release();
    return bare_exchange.status != 0 ? ANSWERED : is_through ? PASSED : HELD;
}

/* Runs the exchange; how it ended the last time. */
EXPORT("bare_run") uint32_t bare_run(uint32_t times);
uint32_t bare_run(uint32_t times)
{
    uint32_t end = FAILED;
    for (uint32_t i = 0; i < times; i++) end = run_once();
    return end;
}

/* A digest of what the exchange left behind: the answer's status and length, and every field of both maps. Both metals have to agree. */
EXPORT("bare_digest") uint64_t bare_digest(void);
uint64_t bare_digest(void)
{
    run_once();
    uint64_t hash = bare_exchange.status * 31u + bare_exchange.answer_bytes;
    for (int side = 0; side < 2; side++) {
        const struct bare_map *map = &bare_exchange.directions[side].map;
        for (size_t i = 0; i < map->count; i++)
            for (size_t byte = 0; byte < map->fields[i].value.length; byte++) hash = (hash ^ map->fields[i].value.data[byte]) * 1099511628211u;
    }
    return hash;
}
