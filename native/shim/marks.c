// Giving a clone's memory back what it held, by the marks of who wrote (WriteMarks.cs): no system call, and nothing copied that was not
// written or lies close to it.

#include "internal.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define GRANULE_BYTES (UINT64_C(1) << BIMETAL_GRANULE_SHIFT)
#define BLOCK_BYTES 64
#define MARKS_AT_ONCE 256
#define LONGEST_CLEARED_BYTES (UINT64_C(64) << 20)
// A write of up to 16 bytes is marked where it begins, and goes on behind the reach; in whole blocks.
#define BLOCKS(bytes) (((bytes) + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES)
#define SPILL_BYTES BLOCKS(BIMETAL_MARK_REACH + 15)
#define SHEET_BYTES (UINT64_C(1) << BIMETAL_SHEET_SHIFT)
#define MARKS_OF_SHEET (SHEET_BYTES >> BIMETAL_GRANULE_SHIFT)

_Static_assert(GRANULE_BYTES % BLOCK_BYTES == 0 && MARKS_OF_SHEET % 64 == 0, "granules are whole blocks, and a sheet has whole words of their bits");

// What one register of AVX2 holds, and two of others. Memory and image are aligned to pages; marks are bytes.
typedef uint64_t vector __attribute__((vector_size(32), may_alias));
typedef uint8_t mark_vector __attribute__((vector_size(32), may_alias));
typedef bool mark_bits __attribute__((ext_vector_type(32)));
#define VECTORS(bytes) ((bytes) / sizeof(vector))
#define INLINE static inline __attribute__((always_inline))

INLINE bool is_any_set(const vector *value) { return (((*value)[0] | (*value)[1]) | ((*value)[2] | (*value)[3])) != 0; }

// Bit i: whether byte i is set, of the 32 from there on.
INLINE uint64_t set_bytes(const char *bytes)
{
    mark_bits bits = __builtin_convertvector(*(const mark_vector *)bytes != 0, mark_bits);
    uint32_t set;
    memcpy(&set, &bits, sizeof(set));
    return set;
}

INLINE void copy_vectors(vector *target, const vector *source, size_t count)
{
    for (size_t i = 0; i < count; i++) target[i] = source[i];
}

// Only what differs: it may lie in a page that nobody has written, and that would be copied for nothing.
INLINE void restore_if_written(vector *memory, const vector *view, size_t count)
{
    vector difference = {0, 0, 0, 0};
    for (size_t i = 0; i < count; i++) difference |= memory[i] ^ view[i];
    if (__builtin_expect(is_any_set(&difference), 0)) copy_vectors(memory, view, count);
}

// A clone's memory, and its image of so many bytes.
struct restoration {
    char *memory;
    const char *view;
    uint64_t bytes;
};

INLINE void restore_granule(const struct restoration *state, uint64_t from)
{
    if (from < state->bytes) copy_vectors((vector *)(state->memory + from), (const vector *)(state->view + from), VECTORS(GRANULE_BYTES));
}

INLINE void restore_behind(const struct restoration *state, uint64_t end)
{
    if (end < state->bytes) restore_if_written((vector *)(state->memory + end), (const vector *)(state->view + end), VECTORS(SPILL_BYTES));
}

// The marks of an open sheet: takes them off.
INLINE uint64_t take_marks(const struct restoration *state, char *marks, uint64_t first)
{
    uint64_t found = 0;
    for (uint64_t word = first; word < first + MARKS_OF_SHEET; word += 64) {
        uint64_t set = set_bytes(marks + word) | set_bytes(marks + word + 32) << 32;
        if (set == 0) continue;
        memset(marks + word, 0, 64);
        found += (uint64_t)__builtin_popcountll(set);
        uint64_t ends = set & ~(set >> 1);
        for (; set != 0; set &= set - 1) restore_granule(state, (word + (uint64_t)__builtin_ctzll(set)) << BIMETAL_GRANULE_SHIFT);
        for (; ends != 0; ends &= ends - 1) restore_behind(state, (word + (uint64_t)__builtin_ctzll(ends) + 1) << BIMETAL_GRANULE_SHIFT);
    }
    return found;
}

// In a closed sheet nothing was written, but the mark of its last granule may stand for what was written behind it.
INLINE void look_before(const struct restoration *state, const char *marks, uint64_t sheet)
{
    uint64_t from = sheet << BIMETAL_SHEET_SHIFT;
    if (sheet == 0 || marks[(from >> BIMETAL_GRANULE_SHIFT) - 1] == 0) return;
    if (closed_sheets(state->memory)[sheet - 1]) restore_behind(state, from);
}

INLINE uint64_t restore_marked(char *memory, const char *view, uint64_t bytes, uint64_t length)
{
    char *marks = memory - BIMETAL_MARK_BYTES;
    const struct sheet_book *book = book_of(memory);
    const struct restoration state = {.memory = memory, .view = view, .bytes = bytes};
    uint64_t found = 0, first = 0;    // of those that were never closed, or were opened all at once
    if (__builtin_expect(book->openings <= MAXIMUM_OPENINGS, 1)) {
        first = book->closed_bytes >> BIMETAL_SHEET_SHIFT;
        for (uint32_t i = 0; i < book->openings; i++) {
            look_before(&state, marks, book->opened[i]);
            found += take_marks(&state, marks, book->opened[i] * MARKS_OF_SHEET);
        }
    }

    for (uint64_t sheet = first; sheet < length >> BIMETAL_SHEET_SHIFT; sheet++) found += take_marks(&state, marks, sheet * MARKS_OF_SHEET);
    return found;
}

static uint64_t restore_marked_anywhere(char *memory, const char *view, uint64_t bytes, uint64_t length) { return restore_marked(memory, view, bytes, length); }

#if defined(__x86_64__)
__attribute__((target("avx2")))
static uint64_t restore_marked_avx2(char *memory, const char *view, uint64_t bytes, uint64_t length) { return restore_marked(memory, view, bytes, length); }
#endif

static uint64_t (*restore_marked_here)(char *memory, const char *view, uint64_t bytes, uint64_t length) = restore_marked_anywhere;

#if defined(__x86_64__)
// Asked of the processor itself: __builtin_cpu_supports needs a compiler's runtime library, which a build for musl has not.
static bool has_avx2(void)
{
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0) return false;
    unsigned int kept_low, kept_high;    // what the system keeps of a thread's registers; 6: those of AVX, in whole
    __asm__("xgetbv" : "=a"(kept_low), "=d"(kept_high) : "c"(0));
    return (kept_low & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2) != 0;
}
#endif

void marks_initialize(void)
{
#if defined(__x86_64__)
    if (has_avx2()) restore_marked_here = restore_marked_avx2;
#endif
}

uint64_t bimetal_slot_restore_marked(void *base, const void *view, uint64_t bytes, uint64_t length)
{
    return restore_marked_here(base, view, bytes, length);
}

uint64_t bimetal_clone_restore(const struct bimetal_clone *clone)
{
    const struct sheet_book *book = book_of(clone->memory);
    if (book->openings > MAXIMUM_OPENINGS || book->closed_bytes != clone->bytes) return UINT64_MAX;
    return bimetal_clone_restore_all(clone);
}

uint64_t bimetal_clone_restore_all(const struct bimetal_clone *clone)
{
    for (uint64_t i = 0; i < clone->globals_count; i++) clone->globals[i] = clone->values[i];
    return restore_marked_here(clone->memory, clone->view, clone->bytes, clone->bytes);
}

_Static_assert((65536 >> BIMETAL_GRANULE_SHIFT) % MARKS_AT_ONCE == 0, "a memory's length has whole numbers of them");

INLINE bool are_any_set(const vector *marks)
{
    vector even = marks[0], odd = marks[1];
    for (size_t i = 2; i < VECTORS(MARKS_AT_ONCE); i += 2) {
        even |= marks[i];
        odd |= marks[i + 1];
    }
    even |= odd;
    return is_any_set(&even);
}

// Giving the pages of marks back to the kernel costs more than looking through them, unless they are many.
int32_t bimetal_slot_clear_marks(void *base, uint64_t length)
{
    if (length > LONGEST_CLEARED_BYTES) return marks_drop(base, length);
    char *marks = (char *)base - BIMETAL_MARK_BYTES;
    uint64_t count = length >> BIMETAL_GRANULE_SHIFT;
    for (uint64_t first = 0; first < count; first += MARKS_AT_ONCE) {
        if (are_any_set((const vector *)(marks + first))) memset(marks + first, 0, MARKS_AT_ONCE);
    }
    return 0;
}
