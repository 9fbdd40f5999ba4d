/*
 * plan.c - makes the instance: maps the code image, and fills in the context as a plan of the driver says (TargetPlan.cs; it has decoded the module).
 */
#define _GNU_SOURCE
#include "instance.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_MAGIC 0x4e4c5042u
#define IMAGE_MAGIC 0x314d4942u
#define MAXIMUM_SEGMENTS 32
#define NO_LIMIT UINT32_MAX

/* Offsets of Bimetal.Wasm.Abi.ContextHeader, numbers of its Builtin. */
#define CONTEXT_MEMORY_BASE 0
#define CONTEXT_MEMORY 8
#define CONTEXT_RAISE 32
#define CONTEXT_BUILTINS 48
#define MEMORY_INIT 1
#define TABLE_INIT 6

struct instance instance;

static uint32_t s_element_count, s_data_count;
static struct { uint64_t count; char *contexts[1]; } s_list;

/* ---- Code: the image's segments and root (Abi/CodeImage.cs) ------------------------------------------------------------------------- */

static uint8_t *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) runner_fail("%s: cannot be read", path);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*length + 1);
    if (bytes == NULL || fread(bytes, 1, *length, file) != *length) runner_fail("%s: cannot be read", path);
    fclose(file);
    return bytes;
}

static void map_code(const char *path)
{
    size_t length;
    const uint8_t *image = read_file(path, &length);
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
    if (length < sizeof *header || memcmp(image, ELFMAG, SELFMAG) != 0 || header->e_phnum > MAXIMUM_SEGMENTS) runner_fail("%s: is no code image", path);
    const Elf64_Phdr *program = (const Elf64_Phdr *)(image + header->e_phoff);
    struct bimetal_segment segments[MAXIMUM_SEGMENTS];
    uint32_t count = 0;
    uint64_t span = 0;
    for (int index = 0; index < header->e_phnum; index++) {
        if (program[index].p_type != PT_LOAD) continue;
        uint64_t start = program[index].p_vaddr & ~UINT64_C(4095);
        segments[count++] = (struct bimetal_segment){start, program[index].p_offset & ~UINT64_C(4095), program[index].p_vaddr - start + program[index].p_filesz, program[index].p_flags & PF_X};
        span = (program[index].p_vaddr + program[index].p_memsz + 4095) & ~UINT64_C(4095);
    }

    void *base;
    if (bimetal_initialize() != 0 || bimetal_code_map(image, length, segments, count, span, 0, &base) != 0) runner_fail("%s: cannot be mapped", path);
    for (uint32_t index = 0; index < count; index++) {
        uintptr_t start = (uintptr_t)base + segments[index].address;
        if (segments[index].is_executable && bimetal_add_code(start, start + segments[index].bytes, BIMETAL_INTERRUPT_SIGNAL) != 0) runner_fail("%s: cannot be registered", path);
    }

    instance.root = (char *)base + header->e_entry;
    const uint32_t *root = (const uint32_t *)(const void *)instance.root;
    if (root[0] != IMAGE_MAGIC || root[2] != 1) runner_fail("%s: has no root", path);
    const uint32_t *module = (const uint32_t *)(const void *)(instance.root + (int32_t)root[4]);
    instance.own_count = module[0];
    instance.type_count = module[1];
    instance.tail_count = module[3];
    if (module[2] != instance.import_count) runner_fail("%s: is of another module", path);
    instance.offsets = (const int32_t *)(module + 4);
}

/* ---- The instance, from the plan ------------------------------------------------------------------------------------------------------ */

static char *text(struct message *plan)
{
    size_t length;
    const uint8_t *bytes = take_bytes(plan, &length);
    char *copy = calloc(length + 1, 1);
    if (copy == NULL) abort();
    memcpy(copy, bytes, length);
    return copy;
}

void *room(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL) abort();
    return memory;
}

static void store(uint32_t offset, uint64_t value) { memcpy(instance.context + offset, &value, sizeof value); }

static uint64_t reference(uint32_t function) { return function == NO_LIMIT ? 0 : (uint64_t)(uintptr_t)(instance.context + instance.record_of[function]); }

static void make_functions(struct message *plan, const uint32_t *type_ids, uint32_t count)
{
    for (uint32_t index = 0; index < count; index++) {
        uint32_t function = take_u32(plan), offset = take_u32(plan);
        char *code = instance_code_of(function);
        int32_t tail = 0;
        if (function >= instance.import_count && function - instance.import_count < instance.tail_count) {
            tail = instance.offsets[instance.own_count + instance.type_count + instance.import_count + function - instance.import_count];
            if (tail != 0) tail = (int32_t)(instance.root + tail - code);
        }
        struct record record = {(uint64_t)(uintptr_t)code, (uint64_t)(uintptr_t)instance.context, type_ids[instance.function_types[function]], tail, (uint64_t)(uintptr_t)(instance.context + offset)};
        memcpy(instance.context + offset, &record, sizeof record);
        instance.record_of[function] = offset;
    }
}

static void make_tables(struct message *plan)
{
    instance.table_count = take_u32(plan);
    instance.tables = room(instance.table_count, sizeof *instance.tables);
    for (uint32_t index = 0; index < instance.table_count; index++) {
        instance.tables[index].length = take_u32(plan);
        instance.tables[index].maximum = take_u32(plan);
        if (instance.tables[index].length > TABLE_LIMIT) runner_fail("a table has more than %u elements", TABLE_LIMIT);
        instance.tables[index].elements = room(TABLE_LIMIT, sizeof(struct record));
        store(take_u32(plan), (uint64_t)(uintptr_t)&instance.tables[index]);
    }
}

static void make_memory(struct message *plan)
{
    if (take_u32(plan) == 0) return;
    uint64_t pages = take_u32(plan);
    instance.memory.maximum_pages = take_u32(plan);
    void *base;
    if (bimetal_slot_reserve(&base) != 0) runner_fail("no address space for a memory");
    instance.memory.base = base;
    instance.memory.bytes = pages * PAGE_BYTES;
    if (pages > 0 && bimetal_slot_commit(base, 0, instance.memory.bytes) != 0) runner_fail("no memory for %u pages", (unsigned)pages);
    store(CONTEXT_MEMORY_BASE, (uint64_t)(uintptr_t)base);
    store(CONTEXT_MEMORY, (uint64_t)(uintptr_t)&instance.memory);
}

static void make_globals(struct message *plan)
{
    for (uint32_t count = take_u32(plan); count > 0; count--) {
        uint32_t offset = take_u32(plan), kind = take_u32(plan);
        uint64_t low = take_u64(plan), high = take_u64(plan);
        if (kind == 1) low = reference((uint32_t)low);
        char *cell = instance.context + offset;
        if (kind == 2) { /* imported: the context has the cell's address */
            cell = aligned_alloc(16, 16);
            if (cell == NULL) abort();
            store(offset, (uint64_t)(uintptr_t)cell);
        }
        memcpy(cell, &low, 8);
        memcpy(cell + 8, &high, 8);
    }
}

static void read_segments(struct message *plan)
{
    s_element_count = take_u32(plan);
    instance.elements = room(s_element_count, sizeof *instance.elements);
    for (uint32_t index = 0; index < s_element_count; index++) {
        struct element_segment *segment = &instance.elements[index];
        segment->mode = take_u32(plan);
        segment->table = take_u32(plan);
        segment->offset = take_u32(plan);
        segment->count = take_u32(plan);
        segment->items = room(segment->count, sizeof(uint64_t));
        for (uint32_t item = 0; item < segment->count; item++) segment->items[item] = reference(take_u32(plan));
    }

    s_data_count = take_u32(plan);
    instance.data = room(s_data_count, sizeof *instance.data);
    for (uint32_t index = 0; index < s_data_count; index++) {
        instance.data[index].mode = take_u32(plan);
        instance.data[index].offset = take_u64(plan);
        instance.data[index].bytes = take_bytes(plan, &instance.data[index].length);
    }
}

/* Active segments, in order; a trap ends it, as instantiation would. */
static int32_t copy_segments(void)
{
    for (uint32_t index = 0; index < s_element_count; index++) {
        struct element_segment *segment = &instance.elements[index];
        uint64_t slots[] = {index, segment->table, segment->offset, 0, segment->count};
        int32_t trap = segment->mode == 1 ? builtins[TABLE_INIT](instance.context, slots) : 0;
        if (trap != 0) return trap;
        if (segment->mode != 0) segment->is_dropped = true;
    }
    for (uint32_t index = 0; index < s_data_count; index++) {
        if (instance.data[index].mode != 1) continue;
        uint64_t slots[] = {index, 0, instance.data[index].offset, 0, instance.data[index].length};
        int32_t trap = builtins[MEMORY_INIT](instance.context, slots);
        if (trap != 0) return trap;
        instance.data[index].is_dropped = true;
    }
    return 0;
}

static void make(struct message *plan, const char *code)
{
    if (take_u32(plan) != PLAN_MAGIC) runner_fail("the plan is none");
    instance.context_bytes = take_u32(plan);
    instance.context = aligned_alloc(64, (instance.context_bytes + 63u) & ~63u);
    if (instance.context == NULL) abort();
    memset(instance.context, 0, instance.context_bytes);
    s_list.count = 1;
    s_list.contexts[0] = instance.context;
    instance.group.list = (struct bimetal_context_list *)(void *)&s_list;
    for (uint32_t index = 0; index < BUILTIN_COUNT; index++) store(CONTEXT_BUILTINS + (8 * index), (uint64_t)(uintptr_t)builtins[index]);
    store(CONTEXT_RAISE, (uint64_t)(uintptr_t)bimetal_raise_address());

    uint32_t types = take_u32(plan), ids_offset = take_u32(plan);
    uint32_t *type_ids = room(types, sizeof *type_ids);
    for (uint32_t index = 0; index < types; index++) type_ids[index] = take_u32(plan);
    memcpy(instance.context + ids_offset, type_ids, types * sizeof *type_ids);

    instance.import_count = take_u32(plan);
    uint32_t host_offset = take_u32(plan);
    for (uint32_t index = 0; index < instance.import_count; index++) {
        char *module = text(plan), *name = text(plan);
        host_function *function = host_function_find(module, name);
        if (function == NULL) runner_fail("imports %s.%s, which a runner does not have", module, name);
        store(host_offset + (8 * index), (uint64_t)(uintptr_t)function);
    }

    uint32_t functions = take_u32(plan);
    instance.function_types = room(functions, sizeof *instance.function_types);
    instance.record_of = room(functions, sizeof *instance.record_of);
    for (uint32_t index = 0; index < functions; index++) instance.function_types[index] = take_u32(plan);
    map_code(code);
    if (instance.own_count + instance.import_count != functions || instance.type_count != types) runner_fail("the code is of another module");

    make_functions(plan, type_ids, take_u32(plan));
    make_tables(plan);
    make_memory(plan);
    make_globals(plan);
    read_segments(plan);
    uint32_t start = take_u32(plan);
    instance.export_count = take_u32(plan);
    instance.exports = room(instance.export_count, sizeof *instance.exports);
    for (uint32_t index = 0; index < instance.export_count; index++) {
        instance.exports[index].name = text(plan);
        instance.exports[index].function = take_u32(plan);
    }

    int32_t trap = copy_segments();
    uint64_t slot = 0;
    if (trap == 0 && start != NO_LIMIT) trap = instance_enter(start, &slot);
    if (trap != 0) runner_fail("its start trapped with code %d", trap);
}

void instance_make(const char *plan, const char *code)
{
    static struct message s_plan; /* segments point into it */
    s_plan.bytes = read_file(plan, &s_plan.length);
    make(&s_plan, code);
}
