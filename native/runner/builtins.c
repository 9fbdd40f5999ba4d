/* builtins.c - what guest code asks the runtime for: growth, and operations on memories, tables and segments in bulk. */
#include "instance.h"

#include <string.h>

static int32_t memory_grow(void *context, uint64_t *slots)
{
    (void)context;
    uint64_t old = instance.memory.bytes / PAGE_BYTES, delta = (uint32_t)slots[1];
    bool fits = delta <= instance.memory.maximum_pages && old + delta <= instance.memory.maximum_pages;
    if (!fits || (delta > 0 && bimetal_slot_commit(instance.memory.base, instance.memory.bytes, (old + delta) * PAGE_BYTES) != 0)) {
        slots[0] = UINT32_MAX;
        return 0;
    }
    instance.memory.bytes = (old + delta) * PAGE_BYTES;
    slots[0] = old;
    return 0;
}

static int32_t memory_init(void *context, uint64_t *slots)
{
    (void)context;
    const struct data_segment *segment = &instance.data[slots[0]];
    uint64_t length = segment->is_dropped ? 0 : segment->length, source = (uint32_t)slots[3], count = (uint32_t)slots[4];
    uint8_t *target = guest_bytes((uint32_t)slots[2], count);
    if (target == NULL || source > length || count > length - source) return BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS;
    if (count > 0) memcpy(target, segment->bytes + source, count);
    return 0;
}

static int32_t data_drop(void *context, uint64_t *slots)
{
    (void)context;
    instance.data[slots[0]].is_dropped = true;
    return 0;
}

static struct record record_at(uint64_t reference)
{
    struct record record = {0};
    if (reference != 0) memcpy(&record, (const void *)(uintptr_t)reference, sizeof record);
    return record;
}

static bool is_inside(uint64_t start, uint64_t count, uint64_t length) { return start <= length && count <= length - start; }

static int32_t table_grow(void *context, uint64_t *slots)
{
    (void)context;
    struct table *table = &instance.tables[slots[0]];
    uint64_t delta = (uint32_t)slots[2], old = table->length;
    struct record record = record_at(slots[1]);
    if (delta > TABLE_LIMIT || old + delta > table->maximum || old + delta > TABLE_LIMIT) {
        slots[0] = UINT32_MAX;
        return 0;
    }
    for (uint64_t index = 0; index < delta; index++) table->elements[old + index] = record;
    table->length += (uint32_t)delta;
    slots[0] = old;
    return 0;
}

static int32_t table_fill(void *context, uint64_t *slots)
{
    (void)context;
    struct table *table = &instance.tables[slots[0]];
    uint64_t start = (uint32_t)slots[1], count = (uint32_t)slots[3];
    if (!is_inside(start, count, table->length)) return TRAP_TABLE_OUT_OF_BOUNDS;
    struct record record = record_at(slots[2]);
    for (uint64_t index = 0; index < count; index++) table->elements[start + index] = record;
    return 0;
}

static int32_t table_copy(void *context, uint64_t *slots)
{
    (void)context;
    struct table *target = &instance.tables[slots[0]], *source = &instance.tables[slots[1]];
    uint64_t to = (uint32_t)slots[2], from = (uint32_t)slots[3], count = (uint32_t)slots[4];
    if (!is_inside(to, count, target->length) || !is_inside(from, count, source->length)) return TRAP_TABLE_OUT_OF_BOUNDS;
    memmove(target->elements + to, source->elements + from, count * sizeof(struct record));
    return 0;
}

static int32_t table_init(void *context, uint64_t *slots)
{
    (void)context;
    const struct element_segment *segment = &instance.elements[slots[0]];
    struct table *table = &instance.tables[slots[1]];
    uint64_t to = (uint32_t)slots[2], from = (uint32_t)slots[3], count = (uint32_t)slots[4];
    if (!is_inside(to, count, table->length) || !is_inside(from, count, segment->is_dropped ? 0 : segment->count)) return TRAP_TABLE_OUT_OF_BOUNDS;
    for (uint64_t index = 0; index < count; index++) table->elements[to + index] = record_at(segment->items[from + index]);
    return 0;
}

static int32_t element_drop(void *context, uint64_t *slots)
{
    (void)context;
    instance.elements[slots[0]].is_dropped = true;
    return 0;
}

host_function *const builtins[BUILTIN_COUNT] = {memory_grow, memory_init, data_drop, table_grow, table_fill, table_copy, table_init, element_drop};
