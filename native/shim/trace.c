// Where a guest was when it trapped: walks its frames by the code map (Abi/CodeMap.cs) while they still stand. Runs in signal handlers,
// so it only reads what is mapped, and of the stack only what lies between the trap and the guest's entry.

#include "internal.h"

#define MAP_MAGIC 0x50414D42u
#define FRAME_FROM_STACK_POINTER 0u
#define FRAME_FROM_FRAME_POINTER 1u
#define WORD ((uintptr_t)8)

struct map_function {
    uint32_t start, length, owner, index, frames, lines;
};

struct map {
    uint32_t magic, function_count, length, reserved;
    struct map_function functions[];
};

struct cursor {
    const uint8_t *at, *end;
};

struct frame_row {
    uint64_t base, offset, frame_pointer_slot, return_address_slot;
};

static bool read_unsigned(struct cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t next = *cursor->at++;
        *value |= (uint64_t)(next & 0x7F) << shift;
        if (next < 0x80) return true;
    }
    return false;
}

static const struct map_function *find_function(const struct map *map, uint64_t map_bytes, uint64_t offset)
{
    if (map_bytes < sizeof *map || map->magic != MAP_MAGIC || map->length > map_bytes
        || map->function_count > (map->length - sizeof *map) / sizeof map->functions[0]) return NULL;
    uint32_t low = 0, high = map->function_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (map->functions[middle].start <= offset) low = middle + 1;
        else high = middle;
    }
    if (low == 0 || offset - map->functions[low - 1].start >= map->functions[low - 1].length) return NULL;
    return &map->functions[low - 1];
}

static bool find_row(const struct map *map, const struct map_function *function, uint64_t offset, struct frame_row *row)
{
    if (function->frames == 0 || function->frames >= map->length) return false;
    struct cursor cursor = {.at = (const uint8_t *)map + function->frames, .end = (const uint8_t *)map + map->length};
    uint64_t count, at = function->start;
    if (!read_unsigned(&cursor, &count)) return false;
    bool found = false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t delta, frame;
        struct frame_row next;
        if (!read_unsigned(&cursor, &delta) || !read_unsigned(&cursor, &frame) || !read_unsigned(&cursor, &next.frame_pointer_slot)
            || !read_unsigned(&cursor, &next.return_address_slot)) return false;
        at += delta;
        if (at > offset) break;
        next.base = frame & 3;
        next.offset = frame >> 2;
        *row = next;
        found = true;
    }
    return found;
}

// A word of the guest's stack; false when it is not between the lowest live byte and the entry.
static bool read_slot(uintptr_t cfa, uint64_t slot, uintptr_t low, uintptr_t high, uintptr_t *value)
{
    if (slot > (cfa - low) / WORD) return false;
    uintptr_t address = cfa - slot * WORD;
    if (address < low || address > high - WORD || address % WORD != 0) return false;
    *value = *(const uintptr_t *)address;
    return true;
}

void trace_clear(struct thread_state *thread)
{
    thread->trace_count = 0;
    thread->trace_is_cut = false;
}

// The first program counter is exact, unless it is a return address; later ones always are, and stand for the call before them.
void trace_capture(struct thread_state *thread, struct trace_start start)
{
    uintptr_t high = (uintptr_t)thread->current->landing_stack, low = start.stack_pointer;
    trace_clear(thread);
    while (low < high) {
        if (thread->trace_count == MAXIMUM_TRACE_FRAMES) {
            thread->trace_is_cut = true;
            return;
        }

        uintptr_t pc = start.is_return_address ? start.pc - 1 : start.pc;
        struct code_view code;
        thread->trace[thread->trace_count++] = pc;
        if (!find_code(pc, &code) || !code.map) return;
        const struct map_function *function = find_function(code.map, code.map_bytes, pc - code.base);
        struct frame_row row = {0};
        if (!function || !find_row(code.map, function, pc - code.base, &row) || row.base > FRAME_FROM_FRAME_POINTER) return;

        uintptr_t cfa = (row.base == FRAME_FROM_STACK_POINTER ? low : start.frame_pointer) + row.offset;
        if (cfa < low || cfa > high) return;
        if (row.return_address_slot == 0) start.pc = start.return_address;
        else if (!read_slot(cfa, row.return_address_slot, low, high, &start.pc)) return;
        if (row.frame_pointer_slot != 0 && !read_slot(cfa, row.frame_pointer_slot, low, high, &start.frame_pointer)) return;
        // Without progress only a leaf's frame is undone, once.
        if (cfa == low && row.return_address_slot == 0 && start.is_return_address) return;
        start.is_return_address = true;
        low = cfa;
    }
}

uint32_t bimetal_trace(uintptr_t *frames, uint32_t capacity, uint32_t *is_cut)
{
    const struct thread_state *thread = &bimetal_thread;
    uint32_t count = thread->trace_count < capacity ? thread->trace_count : capacity;
    for (uint32_t i = 0; i < count; i++) frames[i] = thread->trace[i];
    *is_cut = thread->trace_is_cut || count < thread->trace_count;
    return count;
}
