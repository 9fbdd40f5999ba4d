// What the shim's own files share.

#ifndef BIMETAL_INTERNAL_H
#define BIMETAL_INTERNAL_H

#include "bimetal_shim.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include <sys/types.h>
#include <ucontext.h>

// Guest code may use this much stack below its outermost entry, so that a thread's stack size does not change what a guest can do.
#define GUEST_STACK_BYTES ((uintptr_t)1 << 20)
// Always left below the guest for host calls and signal handlers without an alternate stack.
#define HOST_HEADROOM_BYTES ((uintptr_t)256 << 10)

// Frames of a trap that are kept, innermost first.
#define MAXIMUM_TRACE_FRAMES 40

// One per active entry, on the stack of bimetal_enter.
struct entry_record {
    struct entry_record *previous;
    void *landing_stack, *landing;    // stack pointer and program counter where a trap ends, set by enter_guest; side by side
    struct bimetal_group *group;
    uintptr_t stack_limit;
};

// One per thread that has entered a guest, in thread-local storage; the watchdog reads those in its list under its lock.
struct thread_state {
    struct entry_record *current;
    bool is_prepared;
    uintptr_t stack_floor;            // lowest stack pointer of any guest on this thread
    uintptr_t stack_low;              // lowest address of the stack, guard included

    // Published by the thread itself, read by the watchdog.
    _Atomic uint64_t watched_limit_ns;
    _Atomic uint64_t watched_sequence;    // 0: no watched entry
    uint64_t last_sequence;
    struct entry_record *watched_record;

    // Written by the watchdog, read by the thread's signal handler.
    _Atomic uint64_t asked_sequence;
    _Atomic uint64_t expired_sequence;
    // Written by the signal handler: the sequence whose deadline it has acted on.
    volatile uint64_t stopped_sequence;
    uint64_t graced_sequence;         // the one that it has put off
    // And the one that it found really running when the watchdog asked about it, with the CPU clock at that moment.
    _Atomic uint64_t running_sequence;
    _Atomic uint64_t running_cpu_ns;

    // The watchdog's own.
    uint64_t seen_sequence;
    uint64_t seen_cpu_ns;
    uint32_t signals_sent;
    uint32_t ticks_to_next_signal;
    clockid_t cpu_clock;
    pid_t thread_id;
    struct thread_state *next;

    void *alternate_stack;            // ours, or null when the thread had one

    // Where the last trap of this thread happened.
    uint32_t trace_count;
    bool trace_is_cut;
    uintptr_t trace[MAXIMUM_TRACE_FRAMES];
};

extern _Thread_local _Alignas(64) struct thread_state bimetal_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

// threads.c
bool thread_prepare(struct thread_state *thread);

// entry.c
_Noreturn void bimetal_raise_at(uint32_t trap_code, uintptr_t stack_pointer, uintptr_t frame_pointer, uintptr_t return_address);

// registry.c: async-signal-safe
bool is_guest_code(uintptr_t pc);
bool is_stopped_by_signal(uintptr_t pc);    // guest code that is abandoned where it is
bool is_guest_memory(uintptr_t address);
char *find_slot(uintptr_t address);         // base of the slot in which an address lies; null: in none
struct code_view {
    uintptr_t base;
    const void *map;
    uint64_t map_bytes;
};
bool find_code(uintptr_t pc, struct code_view *code);
int32_t registry_add_memory(uintptr_t start, uint64_t bytes);
void registry_remove_memory(uintptr_t start);

// trace.c: async-signal-safe
struct trace_start {
    uintptr_t pc, stack_pointer, frame_pointer, return_address;    // the last one only where the processor keeps it in a register
    bool is_return_address;
};
void trace_clear(struct thread_state *thread);
void trace_capture(struct thread_state *thread, struct trace_start start);

// pages.c: visits the written pages among memory + from .. memory + to as ranges of offsets; false from the visitor ends it
typedef bool page_visitor(void *state, uint64_t from, uint64_t to);
bool pages_each_private(const char *memory, uint64_t from, uint64_t to, page_visitor *visit, void *state);

// In front of a slot's base: its book of sheets, in one page with the flags of the first ones; the flags of all that it can have; its marks.
#define SHEET_BOOK_BYTES UINT64_C(64)
#define SLOT_FRONT_BYTES (UINT64_C(65536) + BIMETAL_SHEET_FLAGS + BIMETAL_MARK_BYTES)
#define SLOT_RESERVED_BYTES (SLOT_FRONT_BYTES + BIMETAL_SLOT_BYTES)

// Which sheets were opened, one by one; more than there is room for: all that the image has.
#define MAXIMUM_OPENINGS 8u
struct sheet_book {
    uint64_t closed_bytes;    // of the image; 0: nothing was closed
    uint32_t openings;
    uint32_t opened[MAXIMUM_OPENINGS];
};
_Static_assert(sizeof(struct sheet_book) <= SHEET_BOOK_BYTES, "the flags begin behind the book");

static inline struct sheet_book *book_of(void *base) { return (struct sheet_book *)((char *)base - SLOT_FRONT_BYTES); }

static inline uint8_t *closed_sheets(void *base) { return (uint8_t *)base - SLOT_FRONT_BYTES + SHEET_BOOK_BYTES; }

// sheets.c
enum sheet_fault { SHEET_NOT_CLOSED, SHEET_OPENED, SHEET_STAYS_CLOSED };
int32_t sheets_close(void *base, uint64_t bytes);
void sheets_forget(void *base, uint64_t bytes);
enum sheet_fault sheets_open_at(uintptr_t address);    // async-signal-safe

// memory.c: gives the marks of a memory of that length back to the system
int32_t marks_drop(void *base, uint64_t length);

// marks.c: picks what the processor can do
void marks_initialize(void);

// faults.c
int32_t faults_install(void);
uintptr_t context_pc(const ucontext_t *context);
struct trace_start context_trace_start(const ucontext_t *context);
void context_land(ucontext_t *context, const struct entry_record *record, uint32_t trap_code);

// watchdog.c
int32_t watchdog_initialize(void);
bool watchdog_add_thread(struct thread_state *thread);
void watchdog_remove_thread(struct thread_state *thread);
extern _Atomic uint32_t watchdog_is_asleep;
void watchdog_wake(void);

#endif
