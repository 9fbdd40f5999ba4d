// The shim without .NET: the same checks for every processor, run natively or under emulation by ShimTests.cs. "Guests" are C
// functions in a section of their own, which is registered as guest code. Prints one line per failed check.

#define _GNU_SOURCE
#include "bimetal_shim.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define GUEST __attribute__((section("guest_code"), noinline, used, no_stack_protector))

extern char __start_guest_code[], __stop_guest_code[];

static int failures;

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            printf("%s:%d: %s\n", __func__, __LINE__, #condition);                \
            failures++;                                                           \
        }                                                                         \
    } while (0)

struct context {
    char *memory;
    void *memory_record;
    uint64_t stack_limit;
    volatile uint32_t interrupt;
    uint32_t pad;
    void (*raise)(void *, uint32_t);
};

struct fixture {
    struct bimetal_group group;
    struct {
        uint64_t count;
        char *contexts[1];
    } list;
    struct context context;
};

static void fixture_make(struct fixture *fixture, void *memory)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->list.count = 1;
    fixture->list.contexts[0] = (char *)&fixture->context;
    fixture->group.list = (struct bimetal_context_list *)&fixture->list;
    fixture->context.memory = memory;
    fixture->context.raise = bimetal_raise_address();
}

typedef uint64_t function(struct context *context, uint64_t argument);

GUEST static void entry(void *context, void *code, uint64_t *buffer) { buffer[0] = ((function *)code)(context, buffer[0]); }

GUEST static uint64_t add_one(struct context *context, uint64_t argument)
{
    (void)context;
    return argument + 1;
}

GUEST static uint64_t read_at(struct context *context, uint64_t argument) { return *(volatile uint8_t *)(context->memory + argument); }

GUEST static uint64_t write_at(struct context *context, uint64_t argument)
{
    context->memory[(int64_t)(argument >> BIMETAL_GRANULE_SHIFT) - (int64_t)BIMETAL_MARK_BYTES] = 1;
    *(volatile uint8_t *)(context->memory + argument) = 9;
    return argument;
}

GUEST static uint64_t raise_it(struct context *context, uint64_t argument)
{
    context->raise(context, (uint32_t)argument);
    return 0;
}

GUEST static uint64_t forever(struct context *context, uint64_t argument)
{
    for (;;) *(volatile uint64_t *)context->memory = ++argument;
}

GUEST static uint64_t recurse(struct context *context, uint64_t argument)
{
    volatile char frame[512];
    frame[0] = (char)argument;
    if ((uintptr_t)frame < context->stack_limit) context->raise(context, BIMETAL_TRAP_STACK_OVERFLOW);
    return recurse(context, argument + 1) + (uint64_t)frame[0];
}

static void host_spin(void)
{
    for (volatile int i = 0; i < 1000; i++) {}
}

GUEST static uint64_t host_calls_forever(struct context *context, uint64_t argument)
{
    void (*volatile host)(void) = host_spin;
    for (;; argument++) {
        host();
        if (context->interrupt) context->raise(context, context->interrupt);
    }
}

static struct fixture *inner_fixture;
static int32_t inner_result;

static void host_enters_again(function *code, uint64_t argument)
{
    uint64_t buffer[1] = {argument};
    inner_result = bimetal_enter(&inner_fixture->group, &inner_fixture->context, (void *)code, buffer, entry, 0);
}

GUEST static uint64_t nested(struct context *context, uint64_t argument)
{
    void (*volatile host)(function *, uint64_t) = host_enters_again;
    host(read_at, UINT64_C(1) << 32);
    if (context->interrupt) context->raise(context, context->interrupt);
    return argument + 5;
}

GUEST static uint64_t nested_forever(struct context *context, uint64_t argument)
{
    void (*volatile host)(function *, uint64_t) = host_enters_again;
    for (;; argument++) {
        host(forever, 0);
        if (context->interrupt) context->raise(context, context->interrupt);
    }
}

// The address of a static function as data, so that it is not called directly.
static int32_t call(struct fixture *fixture, function *code, uint64_t *value, uint64_t limit_ns)
{
    return bimetal_enter(&fixture->group, &fixture->context, (void *)code, value, entry, limit_ns);
}

static void *slot_with_one_page(void)
{
    void *base;
    if (bimetal_slot_reserve(&base) != 0 || bimetal_slot_commit(base, 0, 65536) != 0) {
        puts("no slot");
        exit(2);
    }
    return base;
}

static void values_pass_and_traps_return(struct fixture *fixture)
{
    uint64_t value = 41;
    CHECK(call(fixture, add_one, &value, 0) == 0 && value == 42);
    value = 5;
    CHECK(call(fixture, read_at, &value, 0) == 0 && value == 0);
    value = 65536;
    CHECK(call(fixture, read_at, &value, 0) == BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS);
    value = (UINT64_C(8) << 30) + 65535;
    CHECK(call(fixture, read_at, &value, 0) == BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS);
    value = 7;
    CHECK(call(fixture, raise_it, &value, 0) == 7);
    value = 0;
    CHECK(call(fixture, recurse, &value, 0) == BIMETAL_TRAP_STACK_OVERFLOW);
    value = 1;
    CHECK(call(fixture, add_one, &value, 0) == 0 && value == 2);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void deadlines_end_guests(struct fixture *fixture)
{
    uint64_t value = 0;
    double start = seconds();
    CHECK(call(fixture, forever, &value, 10000000) == BIMETAL_TRAP_DEADLINE_EXCEEDED);
    CHECK(seconds() - start < 2.0);
    CHECK(call(fixture, add_one, &value, 0) == BIMETAL_REFUSED_ABANDONED);
    fixture->group.abandoned = 0;
    value = 1;
    CHECK(call(fixture, add_one, &value, 1000000000) == 0 && value == 2);
    CHECK(call(fixture, host_calls_forever, &value, 10000000) == BIMETAL_TRAP_DEADLINE_EXCEEDED);
    fixture->group.abandoned = 0;
    usleep(100000);    // the watchdog falls asleep and has to be woken
    CHECK(call(fixture, forever, &value, 10000000) == BIMETAL_TRAP_DEADLINE_EXCEEDED);
    fixture->group.abandoned = 0;
}

static void nested_entries_have_landing_pads(struct fixture *fixture)
{
    struct fixture inner;
    fixture_make(&inner, fixture->context.memory);
    inner_fixture = &inner;
    uint64_t value = 1;
    CHECK(call(fixture, nested, &value, 0) == 0 && value == 6);
    CHECK(inner_result == BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(call(fixture, nested_forever, &value, 10000000) == BIMETAL_TRAP_DEADLINE_EXCEEDED);
    CHECK(inner_result == BIMETAL_TRAP_DEADLINE_EXCEEDED);
    CHECK(inner.group.abandoned == 1);
}

static void *busy_thread(void *argument)
{
    struct fixture fixture;
    (void)argument;
    fixture_make(&fixture, slot_with_one_page());
    for (int i = 0; i < 200; i++) {
        uint64_t value = 65536 + (uint64_t)i;
        CHECK(call(&fixture, read_at, &value, 1000000000) == BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS);
        value = (uint64_t)i;
        CHECK(call(&fixture, add_one, &value, 0) == 0 && value == (uint64_t)i + 1);
    }
    uint64_t value = 0;
    CHECK(call(&fixture, forever, &value, 5000000) == BIMETAL_TRAP_DEADLINE_EXCEEDED);
    bimetal_slot_release(fixture.context.memory);
    return NULL;
}

static void threads_come_and_go(void)
{
    for (int round = 0; round < 4; round++) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, busy_thread, NULL);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    }
}

static sigjmp_buf host_fault;
static volatile int host_faults;

static void previous_handler(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    host_faults++;
    siglongjmp(host_fault, 1);
}

// In the slot, but read by host code: not a trap.
static void host_faults_pass_on(struct fixture *fixture)
{
    int before = host_faults;
    if (sigsetjmp(host_fault, 1) == 0) (void)*(volatile char *)(fixture->context.memory + 65536);
    CHECK(host_faults == before + 1);
}

static void images_are_restored(int32_t method)
{
    if (bimetal_restore_force(method) != 0) return;
    char *source = slot_with_one_page(), *clone;
    memset(source + 100, 7, 50);
    int32_t file;
    void *view, *reserved;
    CHECK(bimetal_image_create(source, 65536, 0, &file, &view) == 0);
    CHECK(bimetal_slot_reserve(&reserved) == 0 && bimetal_slot_map_image(reserved, file, 65536, 0) == 0);
    clone = reserved;
    CHECK(clone[120] == 7 && clone[60000] == 0);
    uint64_t pages = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 65536; i += 1000) clone[i] = (char)(i + round + 1);
        CHECK(bimetal_slot_commit(clone, 65536, 131072) == 0);
        CHECK(clone[65536] == 0 && clone[131071] == 0);
        memset(clone + 65536, 9, 65536);
        CHECK(bimetal_slot_decommit(clone, 65536, 131072) == 0);
        CHECK(bimetal_slot_restore(clone, view, 65536, round == 2 ? 3 : 1000, &pages) == 0);
        CHECK(memcmp(clone, view, 65536) == 0);
        CHECK(clone[120] == 7 && clone[0] == 0 && clone[60000] == 0);
    }
    bimetal_slot_release(clone);
    bimetal_slot_release(source);
    bimetal_image_close(file, view, 65536);
}

// A closed sheet can be read, and is opened by a guest's first write or by the host before its own; what is beyond the image still traps.
static void sheets_open_when_written(void)
{
    enum { IMAGE_BYTES = 4 * 65536 };
    char *source = slot_with_one_page();
    CHECK(bimetal_slot_commit(source, 65536, IMAGE_BYTES) == 0);
    memset(source + 70000, 7, 50);
    int32_t file;
    void *view, *reserved;
    CHECK(bimetal_image_create(source, IMAGE_BYTES, 0, &file, &view) == 0);
    CHECK(bimetal_slot_reserve(&reserved) == 0 && bimetal_slot_map_image(reserved, file, IMAGE_BYTES, 1) == 0);
    char *clone = reserved;
    struct fixture fixture;
    fixture_make(&fixture, clone);
    for (int round = 0; round < 2; round++) {
        uint64_t value = 70020;
        CHECK(call(&fixture, read_at, &value, 0) == BIMETAL_TRAP_NONE && value == 7);
        for (value = 0; value < IMAGE_BYTES; value += 20000) {
            CHECK(call(&fixture, write_at, &value, 0) == BIMETAL_TRAP_NONE && clone[value] == 9);
        }
        value = IMAGE_BYTES;
        CHECK(call(&fixture, write_at, &value, 0) == BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS);
        CHECK(bimetal_slot_restore_marked(clone, view, IMAGE_BYTES, IMAGE_BYTES) == 14);
        CHECK(memcmp(clone, view, IMAGE_BYTES) == 0);
    }
    bimetal_slot_release(clone);
    CHECK(bimetal_slot_reserve(&reserved) == 0 && bimetal_slot_map_image(reserved, file, IMAGE_BYTES, 1) == 0);
    clone = reserved;
    memset(clone, 5, 49152);
    CHECK(clone[0] == 5 && clone[49151] == 5);
    bimetal_slot_release(clone);
    bimetal_slot_release(source);
    bimetal_image_close(file, view, IMAGE_BYTES);
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = previous_handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    CHECK(bimetal_initialize() == 0);
    CHECK(bimetal_add_code((uintptr_t)__start_guest_code, (uintptr_t)__stop_guest_code, BIMETAL_INTERRUPT_SIGNAL) == 0);
    struct fixture fixture;
    fixture_make(&fixture, slot_with_one_page());
    values_pass_and_traps_return(&fixture);
    deadlines_end_guests(&fixture);
    nested_entries_have_landing_pads(&fixture);
    host_faults_pass_on(&fixture);
    threads_come_and_go();
    sheets_open_when_written();
    for (int32_t method = BIMETAL_RESTORE_SCAN; method <= BIMETAL_RESTORE_DROP; method++) images_are_restored(method);
    printf("restore method %d, deadline signal %d\n", bimetal_restore_method(), bimetal_deadline_signal());
    return failures == 0 ? 0 : 1;
}
