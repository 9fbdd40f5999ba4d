// Slots of linear memories and the mapping of code images: the system calls, with their constants, in one place.

#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

// Huge pages would make one written byte cost 2 MiB to reset.
static int32_t reserve_again(void *address, uint64_t bytes, int flags)
{
    void *mapped = mmap(address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (mapped == MAP_FAILED) return errno;
    madvise(mapped, bytes, MADV_NOHUGEPAGE);    // fails on kernels without huge pages, where it is not needed
    return 0;
}

static char *marks_of(void *base) { return (char *)base - BIMETAL_MARK_BYTES; }

// Bytes of marks, in whole pages, that belong to so many bytes of memory.
static uint64_t mark_pages(uint64_t length)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return ((length >> BIMETAL_GRANULE_SHIFT) + page - 1) & -page;
}

int32_t bimetal_slot_reserve(void **base)
{
    void *start = mmap(NULL, SLOT_RESERVED_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return errno;
    madvise(start, SLOT_RESERVED_BYTES, MADV_NOHUGEPAGE);
    *base = (char *)start + SLOT_FRONT_BYTES;
    int32_t error = bimetal_region_commit(start, 0, SLOT_FRONT_BYTES - BIMETAL_MARK_BYTES);
    if (!error) error = registry_add_memory((uintptr_t)start, SLOT_RESERVED_BYTES);
    if (error) munmap(start, SLOT_RESERVED_BYTES);
    return error;
}

void bimetal_slot_release(void *base) { bimetal_region_release((char *)base - SLOT_FRONT_BYTES, SLOT_RESERVED_BYTES); }

int32_t bimetal_slots_fit(uint32_t count)
{
    uint64_t bytes = count * SLOT_RESERVED_BYTES;
    void *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return errno;
    return munmap(start, bytes) == 0 ? 0 : errno;
}

int32_t bimetal_region_reserve(uint64_t bytes, void **base)
{
    *base = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (*base == MAP_FAILED) return errno;
    madvise(*base, bytes, MADV_NOHUGEPAGE);
    int32_t error = registry_add_memory((uintptr_t)*base, bytes);
    if (error) munmap(*base, bytes);
    return error;
}

void bimetal_region_release(void *base, uint64_t bytes)
{
    registry_remove_memory((uintptr_t)base);
    munmap(base, bytes);
}

int32_t bimetal_region_commit(void *base, uint64_t from, uint64_t to)
{
    return from == to || mprotect((char *)base + from, to - from, PROT_READ | PROT_WRITE) == 0 ? 0 : errno;
}

int32_t bimetal_region_map_image(void *base, int32_t image, uint64_t bytes)
{
    if (bytes == 0) return 0;
    return mmap(base, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, image, 0) == MAP_FAILED ? errno : 0;
}

// A mark beyond the memory's end faults like the write that it announces.
static int32_t commit_marks(void *base, uint64_t from, uint64_t to)
{
    uint64_t start = mark_pages(from), end = mark_pages(to);
    return start == end || mprotect(marks_of(base) + start, end - start, PROT_READ | PROT_WRITE) == 0 ? 0 : errno;
}

int32_t bimetal_slot_commit(void *base, uint64_t from, uint64_t to)
{
    int32_t error = bimetal_region_commit(base, from, to);
    return error ? error : commit_marks(base, from, to);
}

int32_t bimetal_slot_decommit(void *base, uint64_t from, uint64_t to)
{
    if (from == to) return 0;
    char *start = (char *)base + from;
    return madvise(start, to - from, MADV_DONTNEED) == 0 && mprotect(start, to - from, PROT_NONE) == 0 ? 0 : errno;
}

int32_t bimetal_slot_map_image(void *base, int32_t image, uint64_t bytes, uint32_t is_closed)
{
    int32_t error = bimetal_region_map_image(base, image, bytes);
    if (!error) error = commit_marks(base, 0, bytes);
    return error || !is_closed ? error : sheets_close(base, bytes);
}

int32_t bimetal_slot_clear(void *base, uint64_t bytes)
{
    if (bytes == 0) return 0;
    sheets_forget(base, bytes);
    int32_t error = reserve_again(base, bytes, MAP_FIXED);
    return error ? error : reserve_again(marks_of(base), mark_pages(bytes), MAP_FIXED);
}

int32_t marks_drop(void *base, uint64_t length) { return madvise(marks_of(base), mark_pages(length), MADV_DONTNEED) == 0 ? 0 : errno; }

// Older kernels refuse the flags that newer ones want to see.
static int sealable_file(const char *name, unsigned int flags)
{
    int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    return file >= 0 || errno != EINVAL ? file : memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static bool write_all(int file, const char *bytes, uint64_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t written = pwrite(file, bytes, length, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        length -= (uint64_t)written;
        offset += (uint64_t)written;
    }
    return true;
}

static bool seal(int file) { return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0; }

static bool is_zero(const char *page, uint64_t bytes)
{
    const uint64_t *words = (const uint64_t *)page;
    for (uint64_t i = 0; i < bytes / 8; i += 8) {
        if (words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] | words[i + 5] | words[i + 6] | words[i + 7]) return false;
    }
    return true;
}

// Pages that hold only zeros stay holes of the file.
static bool write_nonzero(int file, const char *memory, uint64_t from, uint64_t to)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t offset = from; offset < to;) {
        uint64_t end = offset;
        while (end < to && !is_zero(memory + end, page)) end += page;
        if (end > offset && !write_all(file, memory + offset, end - offset, offset)) return false;
        offset = end + page;
    }
    return true;
}

struct copy_target {
    int file;
    const char *memory;
};

static bool copy_populated(void *target, uint64_t from, uint64_t to)
{
    const struct copy_target *copy = target;
    return write_nonzero(copy->file, copy->memory, from, to);
}

int32_t bimetal_image_create(const void *memory, uint64_t bytes, uint64_t mapped_bytes, int32_t *file, void **view)
{
    int error = 0;
    *view = NULL;
    *file = sealable_file("bimetal-snapshot", MFD_NOEXEC_SEAL);
    if (*file < 0) return errno;
    if (bytes == 0) return 0;
    // An untouched page of anonymous memory is not read, because that alone would make it present.
    struct copy_target target = {.file = *file, .memory = memory};
    bool copied = ftruncate(*file, (off_t)bytes) == 0 && write_nonzero(*file, memory, 0, mapped_bytes)
        && pages_each_private(memory, mapped_bytes, bytes, copy_populated, &target) && seal(*file);
    if (copied) {
        *view = mmap(NULL, bytes, PROT_READ, MAP_SHARED, *file, 0);
        if (*view != MAP_FAILED) return 0;
    }
    error = errno ? errno : EIO;
    close(*file);
    return error;
}

void bimetal_image_close(int32_t file, void *view, uint64_t bytes)
{
    if (view && bytes != 0) munmap(view, bytes);
    close(file);
}

// Private anonymous memory instead of the sealed file: perf takes names from its map file only there.
static bool copy_segment(char *target, const char *image, const struct bimetal_segment *segment, int protection)
{
    if (mmap(target, segment->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) return false;
    memcpy(target, image + segment->file_offset, segment->bytes);
    return mprotect(target, segment->bytes, protection) == 0;
}

int32_t bimetal_code_map(const void *image, uint64_t image_bytes, const struct bimetal_segment *segments, uint32_t count, uint64_t span, uint32_t is_anonymous,
                         void **base)
{
    int file = sealable_file("bimetal-code", MFD_EXEC);
    if (file < 0) return errno;
    *base = MAP_FAILED;
    bool mapped = is_anonymous || (write_all(file, image, image_bytes, 0) && seal(file));
    if (mapped) *base = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    mapped = *base != MAP_FAILED;
    for (uint32_t i = 0; mapped && i < count; i++) {
        int protection = segments[i].is_executable ? PROT_READ | PROT_EXEC : PROT_READ;
        char *target = (char *)*base + segments[i].address;
        if (is_anonymous) mapped = copy_segment(target, image, &segments[i], protection);
        else mapped = mmap(target, segments[i].bytes, protection, MAP_PRIVATE | MAP_FIXED, file, (off_t)segments[i].file_offset) != MAP_FAILED;
    }
    int error = mapped ? 0 : errno;
    if (!mapped && *base != MAP_FAILED) munmap(*base, span);
    close(file);
    return error;
}

void bimetal_code_unmap(void *base, uint64_t span) { munmap(base, span); }
