// Loading of native plugins; the other half is src/Bimetal.Plugins/Native/NativeImage.cs.
#pragma once

#include <stdint.h>

#pragma GCC visibility push(default)

// Loads a shared object from memory, all symbols bound at once, none of them visible to others. It is never unloaded.
// On failure null, and a sentence in error (zero-terminated, at most error_bytes).
void *bimetal_library_load(const void *image, uint64_t bytes, const char *name, char *error, uint64_t error_bytes);
void *bimetal_library_symbol(void *library, const char *name); // null when there is no such symbol

// A copy of the library's writable data, to be taken before anything of it was called; null when it cannot be taken. restore puts it back: nothing
// of the library may run then, and what it allocated meanwhile is not freed.
struct bimetal_library_data;
struct bimetal_library_data *bimetal_library_freeze(void *library);
void bimetal_library_restore(const struct bimetal_library_data *data);

#pragma GCC visibility pop
