// Which addresses are guest code and guest memory. Fixed arrays of atomics: the fault handler reads them without a lock.

#include "internal.h"

#include <errno.h>
#include <pthread.h>

#define MAXIMUM_CODE_RANGES 8192
#define MAXIMUM_MEMORIES 32768

struct code_range {
    _Atomic uintptr_t start;
    _Atomic uintptr_t end;
    _Atomic uint32_t interrupt;
    // Written before anybody can be in the code, and read only by who is in it.
    struct code_view view;
};

static struct code_range code_ranges[MAXIMUM_CODE_RANGES];
static _Atomic uint32_t code_range_count;    // high-water mark
static struct memory_range {
    _Atomic uintptr_t start;
    _Atomic uint64_t bytes;
} memories[MAXIMUM_MEMORIES];
static _Atomic uint32_t memory_count;        // high-water mark
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;    // writers only

static const struct code_range *range_of(uintptr_t pc)
{
    uint32_t count = atomic_load_explicit(&code_range_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = atomic_load_explicit(&code_ranges[i].start, memory_order_acquire);
        uintptr_t end = atomic_load_explicit(&code_ranges[i].end, memory_order_acquire);
        // The second look at the start makes sure that both ends are of one range while another thread replaces it.
        if (pc >= start && pc < end && atomic_load_explicit(&code_ranges[i].start, memory_order_acquire) == start) return &code_ranges[i];
    }
    return NULL;
}

bool is_guest_code(uintptr_t pc) { return range_of(pc) != NULL; }

// Whoever asks is about to return into that code, so that its range is not replaced meanwhile.
bool is_stopped_by_signal(uintptr_t pc)
{
    const struct code_range *range = range_of(pc);
    return range && atomic_load_explicit(&range->interrupt, memory_order_relaxed) == BIMETAL_INTERRUPT_SIGNAL;
}

bool find_code(uintptr_t pc, struct code_view *code)
{
    uint32_t count = atomic_load_explicit(&code_range_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = atomic_load_explicit(&code_ranges[i].start, memory_order_acquire);
        if (pc < start || pc >= atomic_load_explicit(&code_ranges[i].end, memory_order_acquire)) continue;
        *code = code_ranges[i].view;
        return true;
    }
    return false;
}

static const struct memory_range *memory_of(uintptr_t address)
{
    uint32_t count = atomic_load_explicit(&memory_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t start = atomic_load_explicit(&memories[i].start, memory_order_acquire);
        if (start != 0 && address - start < atomic_load_explicit(&memories[i].bytes, memory_order_relaxed)) return &memories[i];
    }
    return NULL;
}

bool is_guest_memory(uintptr_t address) { return memory_of(address) != NULL; }

// Whoever asks has this memory at that moment, so that its range is not replaced meanwhile.
char *find_slot(uintptr_t address)
{
    const struct memory_range *range = memory_of(address);
    if (!range || atomic_load_explicit(&range->bytes, memory_order_relaxed) != SLOT_RESERVED_BYTES) return NULL;
    return (char *)atomic_load_explicit(&range->start, memory_order_relaxed) + SLOT_FRONT_BYTES;
}

int32_t bimetal_add_code(uintptr_t start, uintptr_t end, uint32_t interrupt)
{
    int32_t error = ENOSPC;
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < MAXIMUM_CODE_RANGES; i++) {
        if (atomic_load_explicit(&code_ranges[i].start, memory_order_relaxed) != 0) continue;
        atomic_store_explicit(&code_ranges[i].interrupt, interrupt, memory_order_relaxed);
        code_ranges[i].view = (struct code_view){0};
        atomic_store_explicit(&code_ranges[i].start, start, memory_order_release);
        atomic_store_explicit(&code_ranges[i].end, end, memory_order_release);
        if (i >= atomic_load_explicit(&code_range_count, memory_order_relaxed)) atomic_store_explicit(&code_range_count, i + 1, memory_order_release);
        error = 0;
        break;
    }
    pthread_mutex_unlock(&registry_lock);
    return error;
}

void bimetal_remove_code(uintptr_t start)
{
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < MAXIMUM_CODE_RANGES; i++) {
        if (atomic_load_explicit(&code_ranges[i].start, memory_order_relaxed) != start) continue;
        atomic_store_explicit(&code_ranges[i].end, 0, memory_order_release);
        atomic_store_explicit(&code_ranges[i].start, 0, memory_order_release);
        break;
    }
    pthread_mutex_unlock(&registry_lock);
}

void bimetal_map_code(uintptr_t start, uintptr_t base, const void *map, uint64_t map_bytes)
{
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < MAXIMUM_CODE_RANGES; i++) {
        if (atomic_load_explicit(&code_ranges[i].start, memory_order_relaxed) != start) continue;
        code_ranges[i].view = (struct code_view){.base = base, .map = map, .map_bytes = map_bytes};
        break;
    }
    pthread_mutex_unlock(&registry_lock);
}

int32_t registry_add_memory(uintptr_t start, uint64_t bytes)
{
    int32_t error = ENOSPC;
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < MAXIMUM_MEMORIES; i++) {
        if (atomic_load_explicit(&memories[i].start, memory_order_relaxed) != 0) continue;
        atomic_store_explicit(&memories[i].bytes, bytes, memory_order_relaxed);
        atomic_store_explicit(&memories[i].start, start, memory_order_release);
        if (i >= atomic_load_explicit(&memory_count, memory_order_relaxed)) atomic_store_explicit(&memory_count, i + 1, memory_order_release);
        error = 0;
        break;
    }
    pthread_mutex_unlock(&registry_lock);
    return error;
}

void registry_remove_memory(uintptr_t start)
{
    pthread_mutex_lock(&registry_lock);
    for (uint32_t i = 0; i < MAXIMUM_MEMORIES; i++) {
        if (atomic_load_explicit(&memories[i].start, memory_order_relaxed) != start) continue;
        atomic_store_explicit(&memories[i].start, 0, memory_order_release);
        break;
    }
    pthread_mutex_unlock(&registry_lock);
}
