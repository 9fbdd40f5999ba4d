/*
 * wasm_memory.c - the five functions that compilers expect even of freestanding code. Built into every wasm plugin, with -mbulk-memory:
 * the copies are single instructions then, not calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

#if !defined(__wasm_bulk_memory__)
#error "Build with -mbulk-memory."
#endif

void *memcpy(void *restrict target, const void *restrict source, size_t length);
void *memmove(void *target, const void *source, size_t length);
void *memset(void *target, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);

void *memcpy(void *restrict target, const void *restrict source, size_t length)
{
    return __builtin_memcpy(target, source, length); /* memory.copy */
}

void *memmove(void *target, const void *source, size_t length)
{
    return __builtin_memmove(target, source, length); /* memory.copy */
}

void *memset(void *target, int byte, size_t length)
{
    return __builtin_memset(target, byte, length); /* memory.fill */
}

__attribute__((no_builtin)) int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left, *b = right;
    for (; length >= 8; length -= 8, a += 8, b += 8) {
        uint64_t x, y;
        __builtin_memcpy(&x, a, 8);
        __builtin_memcpy(&y, b, 8);
        if (x != y) break; /* the bytes below say which is less */
    }
    for (; length != 0; length--, a++, b++)
        if (*a != *b) return *a - *b;
    return 0;
}

__attribute__((no_builtin)) size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != 0) length++;
    return length;
}
