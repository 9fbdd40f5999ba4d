// Giving a clone's memory back what it held, by the marks of who wrote (WriteMarks.cs): no system call, and nothing copied that was not
// written or lies close to it.

#include "internal.h"

#include <string.h>

#define GRANULE_BYTES (UINT64_C(1) << BIMETAL_GRANULE_SHIFT)
#define BLOCK_BYTES 64
#define MARKS_AT_ONCE 128
// A write of up to 16 bytes is marked where it begins, and goes on behind the reach; in whole blocks.
#define SPILL_BYTES ((BIMETAL_MARK_REACH + 15 + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES)

_Static_assert(GRANULE_BYTES % BLOCK_BYTES == 0 && BIMETAL_MARK_REACH % BLOCK_BYTES == 0, "granules and what lies around them are whole blocks");

// What one register holds. Memory and image are aligned to pages; marks are bytes.
typedef uint64_t vector __attribute__((vector_size(16), may_alias));
#define VECTORS(bytes) ((bytes) / sizeof(vector))

static inline bool is_any_set(vector value) { return (value[0] | value[1]) != 0; }

static inline void copy_vectors(vector *target, const vector *source, size_t count)
{
    for (size_t i = 0; i < count; i++) target[i] = source[i];
}

// Only what differs: it may lie in a page that nobody has written, and that would be copied for nothing.
static inline void restore_if_written(vector *memory, const vector *view, size_t count)
{
    vector difference = {0, 0};
    for (size_t i = 0; i < count; i++) difference |= memory[i] ^ view[i];
    if (__builtin_expect(is_any_set(difference), 0)) copy_vectors(memory, view, count);
}

static inline void restore_granule(char *memory, const char *view, uint64_t bytes, uint64_t from)
{
    if (from >= bytes) return;
    uint64_t end = from + GRANULE_BYTES;
    copy_vectors((vector *)(memory + from), (const vector *)(view + from), VECTORS(GRANULE_BYTES));
    if (from > 0) restore_if_written((vector *)(memory + from - BIMETAL_MARK_REACH), (const vector *)(view + from - BIMETAL_MARK_REACH), VECTORS(BIMETAL_MARK_REACH));
    if (end < bytes) restore_if_written((vector *)(memory + end), (const vector *)(view + end), VECTORS(SPILL_BYTES));
}

static inline bool are_any_set(const vector *marks)
{
    vector any = {0, 0};
    for (size_t i = 0; i < VECTORS(MARKS_AT_ONCE); i++) any |= marks[i];
    return is_any_set(any);
}

// Marks from the first on, at most MARKS_AT_ONCE of them: takes them off.
static uint64_t restore_marked(char *memory, const char *view, uint64_t bytes, char *marks, uint64_t first)
{
    uint64_t found = 0;
    for (uint64_t word = 0; word < MARKS_AT_ONCE; word += 8) {
        uint64_t set;
        memcpy(&set, marks + first + word, 8);
        if (set == 0) continue;
        memset(marks + first + word, 0, 8);
        do {
            // The lowest byte that is not 0: processors of both kinds are little-endian here.
            uint64_t lowest = (uint64_t)__builtin_ctzll(set) / 8;
            set &= ~(UINT64_C(0xFF) << (8 * lowest));
            restore_granule(memory, view, bytes, (first + word + lowest) << BIMETAL_GRANULE_SHIFT);
            found++;
        } while (set != 0);
    }
    return found;
}

// The image ends with a page of the guest, which is a multiple of both.
_Static_assert((65536 >> BIMETAL_GRANULE_SHIFT) % MARKS_AT_ONCE == 0, "marks are looked at in wholes");

void bimetal_slot_restore_marked(void *base, const void *view, uint64_t bytes, uint64_t length, uint64_t *granules)
{
    char *marks = (char *)base - BIMETAL_MARK_BYTES;
    uint64_t count = length >> BIMETAL_GRANULE_SHIFT, found = 0;
    for (uint64_t first = 0; first < count; first += MARKS_AT_ONCE) {
        if (are_any_set((const vector *)(marks + first))) found += restore_marked(base, view, bytes, marks, first);
    }
    *granules = found;
}
