// Loads a native plugin from memory: a sealed file that nobody else can reach is what the dynamic linker maps, so what was read and
// checked is what runs, and replacing the plugin's file never touches a running one.

#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int executable_file(const char *name)
{
    int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    return file >= 0 || errno != EINVAL ? file : memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); // kernels before 6.3
}

static bool fill_and_seal(int file, const char *image, uint64_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(file, image, bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        image += written;
        bytes -= (uint64_t)written;
    }
    return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
}

void *bimetal_library_load(const void *image, uint64_t bytes, const char *name, char *error, uint64_t error_bytes)
{
    int file = executable_file(name);
    if (file < 0 || !fill_and_seal(file, image, bytes)) {
        snprintf(error, error_bytes, "no memory file for it: %s", strerror(errno));
        if (file >= 0) close(file);
        return NULL;
    }

    // The linker knows libraries by path as well as by inode. The file stays open for good, so that no later library gets the same path.
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) return library;

    const char *reason = dlerror();
    const char *colon = reason != NULL ? strstr(reason, ": ") : NULL; // what stands before it is the path, which tells nobody anything
    snprintf(error, error_bytes, "%s", colon != NULL ? colon + 2 : "the dynamic linker refused it");
    close(file);
    return NULL;
}

// ---- Writable data as it was after loading, so that a plugin that has ended leaves nothing to the next one in the same image ----------------

#define RANGE_LIMIT 8

struct bimetal_library_data {
    ElfW(Addr) base; // of the library
    size_t count;
    struct data_range {
        char *start;
        size_t bytes;
        char *copy; // null: all zeros
    } ranges[RANGE_LIMIT];
};

static bool is_zero(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static bool add_range(struct bimetal_library_data *data, uintptr_t start, uintptr_t end)
{
    if (start >= end) return true;
    if (data->count == RANGE_LIMIT) return false;
    struct data_range *range = &data->ranges[data->count++];
    *range = (struct data_range){.start = (char *)start, .bytes = end - start};
    if (is_zero(range->start, range->bytes)) return true;
    range->copy = malloc(range->bytes);
    if (range->copy != NULL) memcpy(range->copy, range->start, range->bytes);
    return range->copy != NULL;
}

static int copy_segments(struct dl_phdr_info *library, size_t size, void *state)
{
    (void)size;
    struct bimetal_library_data *data = state;
    if (library->dlpi_addr != data->base) return 0;

    // What relocations wrote is read-only by now, in whole pages.
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), fixed_start = 0, fixed_end = 0;
    for (size_t i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &library->dlpi_phdr[i];
        if (header->p_type != PT_GNU_RELRO) continue;
        fixed_start = data->base + header->p_vaddr;
        fixed_end = (fixed_start + header->p_memsz) & ~(page - 1);
    }
    for (size_t i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &library->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_W)) continue;
        uintptr_t start = data->base + header->p_vaddr, filled = start + header->p_filesz, end = start + header->p_memsz;
        bool holds_fixed = fixed_end > fixed_start && fixed_start >= start && fixed_end <= end;
        bool added = holds_fixed ? add_range(data, start, fixed_start) && add_range(data, fixed_end, filled) && add_range(data, fixed_end > filled ? fixed_end : filled, end)
                                 : add_range(data, start, filled) && add_range(data, filled, end);
        if (!added) return -1;
    }
    return 1;
}

static void forget(struct bimetal_library_data *data)
{
    for (size_t i = 0; i < data->count; i++) free(data->ranges[i].copy);
    free(data);
}

struct bimetal_library_data *bimetal_library_freeze(void *library)
{
    struct link_map *map;
    struct bimetal_library_data *data = calloc(1, sizeof *data);
    if (data == NULL || dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) {
        free(data);
        return NULL;
    }

    data->base = map->l_addr;
    if (dl_iterate_phdr(copy_segments, data) == 1) return data;
    forget(data);
    return NULL;
}

void bimetal_library_restore(const struct bimetal_library_data *data)
{
    for (size_t i = 0; i < data->count; i++) {
        const struct data_range *range = &data->ranges[i];
        if (range->copy != NULL) memcpy(range->start, range->copy, range->bytes);
        else memset(range->start, 0, range->bytes);
    }
}

void *bimetal_library_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}
