/*
 * glue_wasm.c - what a proxy-wasm module needs beside its handlers: the version marker, the arena and the table of stream states.
 * Built into every wasm plugin. One instance is entered by one thread at a time, so nothing here is locked.
 */
#include "bimetal_http.h"

#define PAGE_BYTES 65536u
#define ALIGNMENT 16u
#define SPARE_BYTES 65536u
#define BUCKETS 256u /* of stream states; a power of two */

BP_EXPORT("proxy_abi_version_0_2_1") void bp_abi_version(void);
void bp_abi_version(void)
{
}

/* ---- The arena: what handlers borrow, in the near room as long as it fits there, else behind what is kept ------------------------ */

/*
 * A host gives an instance back what a stream has written, and looks for it where something was written at all. So all that is written in every
 * stream lies close together: the linker puts this section first among the data, which is where the stack ends (this file comes first, and the stack's
 * end is a little behind a border of 16 KiB). Elsewhere it would be as right, and only slower.
 */
extern uint8_t __heap_base;
__attribute__((section(".rodata.bimetal_arena"), aligned(ALIGNMENT))) struct bp_arena bp_arena = {
    .near = bp_arena.room, .far = &__heap_base, .near_start = bp_arena.room, .far_start = &__heap_base, .near_end = bp_arena.room + sizeof bp_arena.room,
};

static uintptr_t align(const uint8_t *address)
{
    return ((uintptr_t)address + (ALIGNMENT - 1)) & ~(uintptr_t)(ALIGNMENT - 1);
}

static void *allocate_far(size_t length)
{
    uintptr_t start = align(bp_arena.far);
    uintptr_t committed = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE_BYTES; /* 65536 pages would be 0: refused below, which is right */
    if (start > committed) return 0;
    size_t room = committed - start;
    if (length > room) {
        size_t pages = (length - room + (PAGE_BYTES - 1)) / PAGE_BYTES; /* length - room + 65535 < 2^32: length is below the room that exists */
        if (length - room > UINT32_MAX - (PAGE_BYTES - 1) || __builtin_wasm_memory_grow(0, pages) == SIZE_MAX) return 0;
    }
    bp_arena.far = (uint8_t *)start + length;
    return (void *)start;
}

void *bp_arena_allocate(size_t length)
{
    uintptr_t start = align(bp_arena.near), end = (uintptr_t)bp_arena.near_end;
    if (start > end || length > end - start) return allocate_far(length);
    bp_arena.near = (uint8_t *)start + length;
    return (void *)start;
}

/* So that most streams find room that is there: a memory that has grown takes longer to give back. Where it is refused, they grow it themselves. */
void bp_arena_spare(void)
{
    uint8_t *far = bp_arena.far;
    allocate_far(SPARE_BYTES);
    bp_arena.far = far;
}

/* The host calls this from inside a host function to place what it returns. */
BP_EXPORT("proxy_on_memory_allocate") void *bp_entry_memory_allocate(size_t length);
void *bp_entry_memory_allocate(size_t length)
{
    return bp_arena_allocate(length);
}

/* Or it takes the room itself, which saves it an entry. */
BP_EXPORT("bimetal_arena_rooms") struct bp_arena *bp_entry_arena_rooms(void);
struct bp_arena *bp_entry_arena_rooms(void)
{
    return &bp_arena;
}

/* What the handler has borrowed in the far room stays too: a little waste, once, at configuration. */
void *bp_keep(size_t length)
{
    void *kept = allocate_far(length);
    if (kept == 0) return 0;
    bp_arena.far_start = bp_arena.far;
    return memset(kept, 0, length);
}

void *bp_scratch(size_t length)
{
    return bp_arena_allocate(length);
}

/* ---- Stream states: chained buckets by context id; blocks of ended streams are used again --------------------------------------- */

typedef struct stream_block {
    struct stream_block *next;
    uint32_t context;
    _Alignas(ALIGNMENT) uint8_t state[];
} stream_block;

extern const uint32_t bp_stream_state_size;
__attribute__((weak)) const uint32_t bp_stream_state_size = 0;
__attribute__((weak)) void bp_hook_stream_begin(bp_stream stream, void *state);
__attribute__((weak)) void bp_hook_stream_end(bp_stream stream, void *state);

static stream_block *s_buckets[BUCKETS];
static stream_block *s_free;

/* The first ones in the near room, as long as handlers have half of it: a clone has no more than one. Nothing is borrowed when this is called. */
static stream_block *new_block(void)
{
    size_t length = sizeof(stream_block) + bp_stream_state_size;
    uintptr_t start = align(bp_arena.near_start), end = (uintptr_t)(bp_arena.room + sizeof bp_arena.room / 2);
    if (start > end || length > end - start) return bp_keep(length);
    bp_arena.near_start = (uint8_t *)start + length;
    bp_arena_reset();
    return (stream_block *)start;
}

void *bp_state_of(bp_stream stream)
{
    for (stream_block *block = s_buckets[stream % BUCKETS]; block != 0; block = block->next)
        if (block->context == stream) return block->state;
    return 0;
}

void bp_stream_open(uint32_t context, uint32_t parent)
{
    bp_arena_reset();
    if (parent == 0) return; /* the plugin's own context */
    stream_block *block = s_free;
    if (block != 0)
        s_free = block->next;
    else
        block = new_block();
    if (block == 0) __builtin_trap(); /* out of memory: this request fails, and a handler never sees a state that is not there */
    memset(block->state, 0, bp_stream_state_size);
    block->context = context;
    block->next = s_buckets[context % BUCKETS];
    s_buckets[context % BUCKETS] = block;
    if (bp_hook_stream_begin) bp_hook_stream_begin(context, block->state);
}

void bp_stream_close(uint32_t context)
{
    bp_arena_reset();
    for (stream_block **link = &s_buckets[context % BUCKETS]; *link != 0; link = &(*link)->next) {
        stream_block *block = *link;
        if (block->context != context) continue;
        if (bp_hook_stream_end) bp_hook_stream_end(context, block->state);
        *link = block->next;
        block->next = s_free;
        s_free = block;
        return;
    }
}

/* Of an instance that is thrown away with its stream nothing needs to be freed: a host that knows this need not enter it once more. */
BP_EXPORT("bimetal_delete_frees") uint32_t bp_entry_delete_frees(void);
uint32_t bp_entry_delete_frees(void)
{
    return bp_hook_stream_end == 0;
}

/* ---- Maps on the wire: count, (name length, value length) for each, then each name and value with a zero after it ---------------- */

static uint32_t read_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint8_t *write_bytes(uint8_t *cursor, bp_slice bytes)
{
    if (bytes.length != 0) memcpy(cursor, bytes.data, bytes.length);
    cursor[bytes.length] = 0;
    return cursor + bytes.length + 1;
}

/* Fields in the arena; data is null when there is no room. */
static bp_slice write_pairs(const bp_field *fields, size_t field_count)
{
    size_t length = 4;
    for (size_t i = 0; i < field_count; i++) length += 8 + fields[i].name.length + 1 + fields[i].value.length + 1;
    uint8_t *pairs = bp_arena_allocate(length);
    if (pairs == 0) return (bp_slice){0, 0};

    uint32_t count = (uint32_t)field_count;
    memcpy(pairs, &count, sizeof count);
    uint8_t *lengths = pairs + 4;
    uint8_t *cursor = lengths + 8 * field_count;
    for (size_t i = 0; i < field_count; i++) {
        uint32_t pair[2] = {(uint32_t)fields[i].name.length, (uint32_t)fields[i].value.length};
        memcpy(lengths + 8 * i, pair, sizeof pair);
        cursor = write_bytes(write_bytes(cursor, fields[i].name), fields[i].value);
    }
    return bp_bytes(pairs, length);
}

bp_status bp_send_response(uint32_t status, const bp_field *fields, size_t field_count, bp_slice body)
{
    bp_slice pairs = write_pairs(fields, field_count);
    if (pairs.data == 0) return BP_INTERNAL;
    return bp_proxy_send_local_response(status, 0, 0, body.data, body.length, pairs.data, pairs.length, -1);
}

uint32_t bp_root_context;

bp_status bp_send_request(const bp_http_request *request, uint32_t *call)
{
    bp_slice pairs = write_pairs(request->fields, request->field_count);
    bp_slice trailers = write_pairs(request->trailers, request->trailer_count);
    if (pairs.data == 0 || trailers.data == 0) return BP_INTERNAL;
    return bp_proxy_http_call(request->upstream.data, request->upstream.length, pairs.data, pairs.length, request->body.data, request->body.length,
                              trailers.data, trailers.length, request->timeout_ms, call);
}

bp_status bp_pair_at(const bp_list *list, size_t index, bp_field *field)
{
    if (index >= list->count) return BP_NOT_FOUND;
    const uint8_t *lengths = list->pairs.data + 4;
    const uint8_t *cursor = lengths + 8 * list->count;
    for (size_t i = 0; i < index; i++) cursor += read_u32(lengths + 8 * i) + read_u32(lengths + 8 * i + 4) + 2;
    field->name = bp_bytes(cursor, read_u32(lengths + 8 * index));
    field->value = bp_bytes(cursor + field->name.length + 1, read_u32(lengths + 8 * index + 4));
    return BP_OK;
}
