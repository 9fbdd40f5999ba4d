// Finding the pages of a mapping that were written ("private": not file-backed, and present or swapped), and giving them their
// contents back. Swapped pages count: leaving them out would hand one request's data to the next.

#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

// From linux/fs.h of Linux 6.7, which is newer than the headers of many build machines.
struct page_region {
    uint64_t start, end, categories;
};

struct pm_scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct pm_scan_arg)
#define CATEGORY_IS_FILE (1u << 2)
#define CATEGORY_IS_PRESENT (1u << 3)
#define CATEGORY_IS_SWAPPED (1u << 4)

#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_FILE (UINT64_C(1) << 61)

#define REGIONS_AT_ONCE 128
#define ENTRIES_AT_ONCE 512

static int pagemap_file = -1;
static uint64_t page_bytes;
static enum bimetal_restore_method best_method, method;
static pthread_once_t pages_once = PTHREAD_ONCE_INIT;

static bool each_scanned(const char *memory, uint64_t from, uint64_t to, page_visitor *visit, void *state)
{
    struct page_region regions[REGIONS_AT_ONCE];
    uint64_t start = (uintptr_t)memory + from, end = (uintptr_t)memory + to;
    while (start < end) {
        struct pm_scan_arg scan = {
            .size = sizeof scan, .start = start, .end = end, .vec = (uintptr_t)regions, .vec_len = REGIONS_AT_ONCE,
            .category_inverted = CATEGORY_IS_FILE, .category_mask = CATEGORY_IS_FILE,
            .category_anyof_mask = CATEGORY_IS_PRESENT | CATEGORY_IS_SWAPPED, .return_mask = CATEGORY_IS_FILE,
        };
        int count = ioctl(pagemap_file, PAGEMAP_SCAN_REQUEST, &scan);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 || scan.walk_end <= start) return false;
        for (int i = 0; i < count; i++) {
            if (!visit(state, regions[i].start - (uintptr_t)memory, regions[i].end - (uintptr_t)memory)) return false;
        }
        start = scan.walk_end;
    }
    return true;
}

static bool each_in_pagemap(const char *memory, uint64_t from, uint64_t to, page_visitor *visit, void *state)
{
    uint64_t entries[ENTRIES_AT_ONCE];
    for (uint64_t offset = from; offset < to;) {
        uint64_t wanted = (to - offset) / page_bytes;
        if (wanted > ENTRIES_AT_ONCE) wanted = ENTRIES_AT_ONCE;
        ssize_t got = pread(pagemap_file, entries, wanted * 8, (off_t)(((uintptr_t)memory + offset) / page_bytes * 8));
        if (got < 0 && errno == EINTR) continue;
        if (got != (ssize_t)(wanted * 8)) return false;
        for (uint64_t i = 0; i < wanted; i++, offset += page_bytes) {
            if (!(entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) || (entries[i] & PAGEMAP_FILE)) continue;
            if (!visit(state, offset, offset + page_bytes)) return false;
        }
    }
    return true;
}

static bool accept_any(void *state, uint64_t from, uint64_t to)
{
    (void)from;
    *(uint64_t *)state = to;
    return true;
}

// Believed only if it finds a page that was just written, and not the one beside it.
static bool finds_written_page(enum bimetal_restore_method candidate)
{
    char *probe = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED) return false;
    uint64_t end = 0;
    *(volatile char *)probe = 1;
    bool works = candidate == BIMETAL_RESTORE_SCAN ? each_scanned(probe, 0, 2 * page_bytes, accept_any, &end)
                                                   : each_in_pagemap(probe, 0, 2 * page_bytes, accept_any, &end);
    munmap(probe, 2 * page_bytes);
    return works && end == page_bytes;
}

static void pages_initialize(void)
{
    page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    pagemap_file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    best_method = BIMETAL_RESTORE_DROP;
    if (pagemap_file >= 0 && finds_written_page(BIMETAL_RESTORE_PAGEMAP)) best_method = BIMETAL_RESTORE_PAGEMAP;
    if (pagemap_file >= 0 && finds_written_page(BIMETAL_RESTORE_SCAN)) best_method = BIMETAL_RESTORE_SCAN;
    method = best_method;
}

int32_t bimetal_restore_method(void)
{
    pthread_once(&pages_once, pages_initialize);
    return method;
}

int32_t bimetal_restore_force(int32_t wanted)
{
    pthread_once(&pages_once, pages_initialize);
    if (wanted < (int32_t)best_method || wanted > BIMETAL_RESTORE_DROP) return EINVAL;
    method = (enum bimetal_restore_method)wanted;
    return 0;
}

bool pages_each_private(const char *memory, uint64_t from, uint64_t to, page_visitor *visit, void *state)
{
    if (from >= to) return true;
    switch (bimetal_restore_method()) {
    case BIMETAL_RESTORE_SCAN: return each_scanned(memory, from, to, visit, state);
    case BIMETAL_RESTORE_PAGEMAP: return each_in_pagemap(memory, from, to, visit, state);
    default: return visit(state, from, to);
    }
}

struct restoration {
    char *memory;
    const char *view;
    uint64_t pages;
    uint64_t maximum_pages;
};

static bool restore_pages(void *state, uint64_t from, uint64_t to)
{
    struct restoration *restoration = state;
    restoration->pages += (to - from) / page_bytes;
    if (restoration->pages > restoration->maximum_pages) return false;
    memcpy(restoration->memory + from, restoration->view + from, to - from);
    return true;
}

int32_t bimetal_slot_restore(void *base, const void *view, uint64_t bytes, uint64_t maximum_warm_pages, uint64_t *pages)
{
    struct restoration restoration = {.memory = base, .view = view, .maximum_pages = maximum_warm_pages};
    bool restored = bytes == 0
        || (bimetal_restore_method() != BIMETAL_RESTORE_DROP && pages_each_private(base, 0, bytes, restore_pages, &restoration));
    *pages = restoration.pages;
    // Too many written pages, or no way to find them: a mapping without private pages shows the image again.
    return restored || madvise(base, bytes, MADV_DONTNEED) == 0 ? 0 : errno;
}
