/*
 * The host of a kernel in native code: built from the kernel's C source itself, or from what wasm2c made of its module.
 *   kernel ITERATIONS CALLS      calls run(ITERATIONS) CALLS times; prints the checksum and the times as `bimetal invoke --time` does
 *   kernel calibrate NANOSECONDS prints how many iterations last at least that long
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CALLS 1000
#define MAX_ITERATIONS (1u << 30)

void setup(void);
uint64_t run(uint32_t iterations);

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int64_t time_of(uint32_t iterations, uint64_t *checksum) {
    int64_t start = now();
    *checksum = run(iterations);
    return now() - start;
}

static int64_t fastest_of_three(uint32_t iterations) {
    uint64_t checksum;
    int64_t fastest = INT64_MAX;
    for (int call = 0; call < 3; call++) {
        int64_t time = time_of(iterations, &checksum);
        if (time < fastest) fastest = time;
    }
    return fastest;
}

static int calibrate(int64_t target) {
    uint32_t iterations = 1;
    int64_t time;
    while ((time = fastest_of_three(iterations)) < target / 4 && iterations < MAX_ITERATIONS) iterations *= 2;
    double wanted = (double)iterations * (double)target / (double)(time > 0 ? time : 1);
    if (time < target) iterations = wanted < MAX_ITERATIONS ? (uint32_t)wanted + 1 : MAX_ITERATIONS;
    printf("%u\n", iterations);
    return 0;
}

static int measure(uint32_t iterations, int calls) {
    int64_t times[MAX_CALLS];
    uint64_t first = 0, checksum;
    for (int call = 0; call < calls; call++) {
        times[call] = time_of(iterations, &checksum);
        if (call == 0) first = checksum;
        if (checksum == first) continue;
        fprintf(stderr, "call %d gives %lld, the first gave %lld: run() leaves state behind\n", call, (long long)checksum, (long long)first);
        return 1;
    }
    qsort(times, (size_t)calls, sizeof times[0], compare);
    printf("i64:%lld\n", (long long)first);
    printf("fastest %lld ns, median %lld ns of %d calls\n", (long long)times[0], (long long)times[calls / 2], calls);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: %s ITERATIONS CALLS | calibrate NANOSECONDS\n", arguments[0]);
        return 2;
    }
    setup();
    if (strcmp(arguments[1], "calibrate") == 0) return calibrate(strtoll(arguments[2], NULL, 10));
    long calls = strtol(arguments[2], NULL, 10);
    if (calls < 1 || calls > MAX_CALLS) {
        fprintf(stderr, "CALLS is a number from 1 to %d\n", MAX_CALLS);
        return 2;
    }
    return measure((uint32_t)strtoul(arguments[1], NULL, 10), (int)calls);
}
