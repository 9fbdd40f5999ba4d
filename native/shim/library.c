// Loads a native plugin from memory: a sealed file that nobody else can reach is what the dynamic linker maps, so what was read and
// checked is what runs, and replacing the plugin's file never touches a running one.

#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
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

void *bimetal_library_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}
