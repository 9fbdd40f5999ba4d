/*
 * What every kernel includes. A kernel is one C file without libc that defines setup() and run(); the same file becomes a native
 * executable and a WebAssembly module. run() leaves nothing behind that a later call could see: the same number of iterations
 * always gives the same checksum, for every contestant.
 */
#ifndef BENCH_ENGINE_KERNEL_H
#define BENCH_ENGINE_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef __SIZE_TYPE__ size;

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__wasm__)
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name)
#endif

/* Builds the input; called once, before the first run(). */
EXPORT(setup) void setup(void);

/* Does the work `iterations` times and returns a checksum of all results. */
EXPORT(run) u64 run(u32 iterations);

#if defined(__wasm__)
/* Hosts call this export of a library first, without being asked (`bimetal invoke` does). */
EXPORT(_initialize) void kernel_initialize(void) { setup(); }
#endif

/* Folds a value into a checksum; the order of values matters. */
static inline u64 mix(u64 checksum, u64 value) {
    u64 folded = (checksum ^ value) * 0x9e3779b97f4a7c15u;
    return folded ^ (folded >> 29);
}

/* Folds bytes into a checksum. */
static inline u64 mix_bytes(u64 checksum, const u8 *bytes, u32 count) {
    for (u32 i = 0; i < count; i++) checksum = (checksum ^ bytes[i]) * 0x100000001b3u;
    return checksum;
}

/* Marsaglia's xorshift: the next pseudo-random number; the state must not be zero. */
static inline u32 next_random(u32 *state) {
    u32 x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* Appends a string, without its end, to a buffer; returns the new length. */
static inline u32 append(u8 *buffer, u32 length, const char *text) {
    while (*text != '\0') buffer[length++] = (u8)*text++;
    return length;
}

/* Appends a number in decimal. */
static inline u32 append_number(u8 *buffer, u32 length, u32 number) {
    u8 digits[10];
    u32 count = 0;
    do {
        digits[count++] = (u8)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (count > 0) buffer[length++] = digits[--count];
    return length;
}

static inline u32 text_length(const char *text) {
    u32 length = 0;
    while (text[length] != '\0') length++;
    return length;
}

#endif
