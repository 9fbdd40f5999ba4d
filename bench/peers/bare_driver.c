/*
 * bare_driver.c - runs a plugin that was built together with its host (bench/bare), as wasm2c translated it, and prints the median nanoseconds of each
 * exchange, one a line.
 *   driver CONFIGURATION EXCHANGE…
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bare.h"

#if !WASM_RT_MEMCHECK_SIGNAL_HANDLER
#error "wasm2c would check bounds explicitly: not a fair contestant"
#endif

#define ROUNDS 40
#define SAMPLE_NS 30000.0
#define MAX_RUNS 2000.0

static Z_bare_instance_t s_instance;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static uint32_t put(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) exit(2);
    uint32_t at = Z_bareZ_bare_buffer(&s_instance);
    size_t length = fread(Z_bareZ_memory(&s_instance)->data + at, 1, 4u << 20, file);
    fclose(file);
    return (uint32_t)length;
}

static double time_of(uint32_t runs)
{
    double begin = now();
    Z_bareZ_bare_run(&s_instance, runs);
    return (now() - begin) / runs;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(int count, char **arguments)
{
    if (count < 3) return 2;
    wasm_rt_init();
    Z_bare_init_module();
    Z_bare_instantiate(&s_instance);
    if (Z_bareZ_bare_configure(&s_instance, put(arguments[1])) != 0) return 1;
    for (int one = 2; one < count; one++) {
        double samples[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            put(arguments[one]);
            if (Z_bareZ_bare_exchange_read(&s_instance) != 0) return 1;
            time_of(1);
            double runs = SAMPLE_NS / time_of(20);
            samples[round] = time_of((uint32_t)(runs < 1 ? 1 : runs > MAX_RUNS ? MAX_RUNS : runs));
        }
        qsort(samples, ROUNDS, sizeof *samples, compare);
        printf("%f\n", samples[ROUNDS / 2]);
    }
    return 0;
}
