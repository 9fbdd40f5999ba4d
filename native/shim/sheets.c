// Sheets of a clone's memory that nobody has written since its image was mapped: closed ones are read-only, and the first write opens one.
// An image that is written here and there would fall apart into many mappings, of which a process may have few; so it opens as a whole
// when it was written in more than a few places.

#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SHEET_BYTES (UINT64_C(1) << BIMETAL_SHEET_SHIFT)

static int32_t open_from_to(void *base, uint64_t from, uint64_t to)
{
    if (mprotect((char *)base + from, to - from, PROT_READ | PROT_WRITE) != 0) return errno;
    memset(closed_sheets(base) + (from >> BIMETAL_SHEET_SHIFT), 0, (to - from) >> BIMETAL_SHEET_SHIFT);
    return 0;
}

static int32_t open_sheet(void *base, uint64_t sheet)
{
    struct sheet_book *book = book_of(base);
    uint64_t from = sheet << BIMETAL_SHEET_SHIFT;
    if (book->openings < MAXIMUM_OPENINGS && open_from_to(base, from, from + SHEET_BYTES) == 0) {
        book->opened[book->openings++] = (uint32_t)sheet;
        return 0;
    }

    book->openings = MAXIMUM_OPENINGS + 1;
    return open_from_to(base, 0, book->closed_bytes);
}

int32_t sheets_close(void *base, uint64_t bytes)
{
    *book_of(base) = (struct sheet_book){.closed_bytes = bytes};
    memset(closed_sheets(base), 1, bytes >> BIMETAL_SHEET_SHIFT);
    return mprotect(base, bytes, PROT_READ) == 0 ? 0 : errno;
}

void sheets_forget(void *base, uint64_t bytes)
{
    *book_of(base) = (struct sheet_book){0};
    memset(closed_sheets(base), 0, bytes >> BIMETAL_SHEET_SHIFT);
}

enum sheet_fault sheets_open_at(uintptr_t address)
{
    char *base = find_slot(address);
    uint64_t offset = address - (uintptr_t)base;
    if (!base || offset >> 32 != 0 || closed_sheets(base)[offset >> BIMETAL_SHEET_SHIFT] == 0) return SHEET_NOT_CLOSED;
    int error = errno;
    bool is_open = open_sheet(base, offset >> BIMETAL_SHEET_SHIFT) == 0;
    errno = error;
    return is_open ? SHEET_OPENED : SHEET_STAYS_CLOSED;
}
