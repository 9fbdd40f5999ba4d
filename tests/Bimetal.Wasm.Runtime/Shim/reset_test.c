// Resets by marks against a plain comparison: clones are written in random places, as marked code and the host may, and reset; each must
// then hold what its image holds. Run natively or under emulation by ShimTests.cs with the number of clones. Prints the first difference.

#include "bimetal_shim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES UINT64_C(65536)
#define IMAGE_BYTES (24 * PAGE_BYTES)
#define SHEET_BYTES (UINT64_C(1) << BIMETAL_SHEET_SHIFT)
#define ROUNDS 12
#define MAXIMUM_WRITES 40
#define FEW_SHEETS 5

static uint64_t state = UINT64_C(88172645463325252);

static uint64_t below(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static void require(int condition, const char *what)
{
    if (condition) return;
    puts(what);
    exit(2);
}

// Anywhere, near a place that is written often, or around the end of a sheet.
static uint64_t some_place(uint64_t length, uint64_t often)
{
    switch (below(3)) {
    case 0: return below(length);
    case 1: return (often + below(700)) % length;
    default: return ((below(length / SHEET_BYTES) + 1) * SHEET_BYTES - below(130)) % length;
    }
}

// A mark where a write begins that may come out as no change, and one within its reach.
static void write_somewhere(char *memory, uint64_t from, uint64_t length, uint64_t often)
{
    uint64_t marked = from + some_place(length, often), size = UINT64_C(1) << below(5);
    memory[(int64_t)(marked >> BIMETAL_GRANULE_SHIFT) - (int64_t)BIMETAL_MARK_BYTES] = 1;
    uint64_t place = marked + (below(2) ? below(BIMETAL_MARK_REACH + 1) : 0);
    if (below(6) == 0 || place + size > from + length) return;
    for (uint64_t i = 0; i < size; i++) memory[place + i] = (char)below(256);
}

static uint64_t s_short_resets, s_long_resets;

static void reset(char *memory, const void *view, uint64_t length, struct bimetal_clone *clone)
{
    uint64_t globals[2] = {9, 9};
    if (length > IMAGE_BYTES || below(2)) {
        bimetal_slot_restore_marked(memory, view, IMAGE_BYTES, length);
        require(length == IMAGE_BYTES || bimetal_slot_decommit(memory, IMAGE_BYTES, length) == 0, "no decommit");
        return;
    }
    *clone = (struct bimetal_clone){.memory = memory, .view = view, .bytes = IMAGE_BYTES, .globals = globals, .globals_count = 2};
    clone->values[0] = 1;
    clone->values[1] = 2;
    if (bimetal_clone_restore(clone) == UINT64_MAX) {
        s_long_resets++;
        bimetal_clone_restore_all(clone);
    } else {
        s_short_resets++;
    }
    require(globals[0] == 1 && globals[1] == 2, "globals are not restored");
}

int main(int count, char **arguments)
{
    uint64_t clones = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000;
    void *base, *view;
    int32_t file;
    require(bimetal_initialize() == 0 && bimetal_slot_reserve(&base) == 0 && bimetal_slot_commit(base, 0, IMAGE_BYTES) == 0, "no memory");
    for (uint64_t i = 0; i < IMAGE_BYTES; i++) ((char *)base)[i] = (char)below(4);
    require(bimetal_image_create(base, IMAGE_BYTES, 0, &file, &view) == 0, "no image");
    struct bimetal_clone *clone = malloc(sizeof(*clone) + 2 * sizeof(uint64_t));
    for (uint64_t number = 0; number < clones; number++) {
        void *slot;
        require(bimetal_slot_reserve(&slot) == 0 && bimetal_slot_map_image(slot, file, IMAGE_BYTES, 1) == 0, "no clone");

        // One half of the clones is written in few sheets, as most are.
        uint64_t sheet = number % 2 ? below(IMAGE_BYTES / SHEET_BYTES - FEW_SHEETS) : 0;
        for (int round = 0; round < ROUNDS; round++) {
            uint64_t length = IMAGE_BYTES + (below(4) == 0 ? (1 + below(3)) * PAGE_BYTES : 0), often = below(length);
            require(bimetal_slot_commit(slot, IMAGE_BYTES, length) == 0, "no growth");
            uint64_t written = number % 2 ? FEW_SHEETS * SHEET_BYTES : length;
            for (uint64_t writes = below(MAXIMUM_WRITES); writes > 0; writes--) write_somewhere(slot, sheet * SHEET_BYTES, written, often % written);
            reset(slot, view, length, clone);
            if (memcmp(slot, view, IMAGE_BYTES) == 0) continue;
            uint64_t place = 0;
            while (((char *)slot)[place] == ((char *)view)[place]) place++;
            printf("clone %" PRIu64 ", round %d: byte %" PRIu64 " is left\n", number, round, place);
            return 1;
        }
        bimetal_slot_release(slot);
    }
    free(clone);
    require(s_short_resets > clones && s_long_resets > clones, "one way of resetting was hardly tried");
    return 0;
}
