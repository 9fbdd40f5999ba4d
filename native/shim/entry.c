// Entering a guest: links an entry record, writes the stack limit, publishes the deadline. A trap ends enter_guest early,
// so that this function goes on and returns its code: nothing is unwound, and no managed frame is jumped over.

#define _GNU_SOURCE
#include "enter.h"

#include <time.h>

_Thread_local _Alignas(64) struct thread_state bimetal_thread;    // what an entry reads is in its first cache line

static inline void store_u64(char *context, size_t offset, uint64_t value) { *(volatile uint64_t *)(context + offset) = value; }

static inline void store_u32(char *context, size_t offset, uint32_t value) { *(volatile uint32_t *)(context + offset) = value; }

static inline void prepare_context(char *context, const struct entry_record *record)
{
    store_u64(context, BIMETAL_CONTEXT_STACK_LIMIT, record->stack_limit);
    store_u32(context, BIMETAL_CONTEXT_INTERRUPT, 0);
}

// Where the outermost guest frame stands decides the limit; nested entries share it, so that nesting gains no stack.
static inline uintptr_t stack_limit_for(const struct thread_state *thread, uintptr_t stack_pointer)
{
    if (thread->current) return thread->current->stack_limit;
    uintptr_t cap = stack_pointer - GUEST_STACK_BYTES;
    return cap > thread->stack_floor ? cap : thread->stack_floor;
}

// The outermost entry with a limit is the watched one. The limit is stored first: the watchdog reads the sequence, then the limit,
// then the sequence again. The store of the sequence and the load of the flag need no fence here: the watchdog issues a
// process-wide barrier between setting the flag and looking at the sequences once more.
static inline void watch_begin(struct thread_state *thread, struct entry_record *record, uint64_t cpu_limit_ns)
{
    thread->watched_record = record;
    atomic_store_explicit(&thread->watched_limit_ns, cpu_limit_ns, memory_order_relaxed);
    atomic_store_explicit(&thread->watched_sequence, ++thread->last_sequence, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&watchdog_is_asleep, memory_order_relaxed), 0)) watchdog_wake();
}

static inline bool deadline_has_passed(const struct thread_state *thread)
{
    uint64_t sequence = atomic_load_explicit(&thread->watched_sequence, memory_order_relaxed);
    return sequence != 0 && thread->stopped_sequence == sequence;
}

// The guest is not even entered, so there is no place where it stopped.
static int32_t trap_outside(struct thread_state *thread, int32_t trap_code)
{
    trace_clear(thread);
    return trap_code;
}

int32_t bimetal_enter(struct bimetal_group *group, void *context, void *code, uint64_t *buffer, bimetal_entry *entry, uint64_t cpu_limit_ns)
{
    struct thread_state *thread = &bimetal_thread;
    if (__builtin_expect(!thread->is_prepared, 0) && !thread_prepare(thread)) return BIMETAL_REFUSED_THREAD;
    if (__builtin_expect(group->abandoned, 0)) return BIMETAL_REFUSED_ABANDONED;
    void *owner = group->owner;
    if (__builtin_expect(owner && owner != thread, 0)) return BIMETAL_REFUSED_BUSY;

    uintptr_t stack_pointer = (uintptr_t)__builtin_frame_address(0);
    struct entry_record record;    // enter_guest fills in where it lands
    record.previous = thread->current;
    record.group = group;
    record.stack_limit = stack_limit_for(thread, stack_pointer);
    if (__builtin_expect(stack_pointer < record.stack_limit, 0)) return trap_outside(thread, BIMETAL_TRAP_STACK_OVERFLOW);

    if (__builtin_expect(deadline_has_passed(thread), 0)) return trap_outside(thread, BIMETAL_TRAP_DEADLINE_EXCEEDED);

    group->owner = thread;
    thread->current = &record;
    atomic_signal_fence(memory_order_seq_cst);

    // Clears what an earlier deadline left behind if its signal came too late. One that comes now is repeated by the watchdog. The context
    // that is entered is nearly always the only one.
    prepare_context(context, &record);
    if (__builtin_expect(group->is_linked, 0)) {
        const struct bimetal_context_list *list = group->list;
        for (uint64_t i = 0; i < list->count; i++) prepare_context(list->contexts[i], &record);
    }

    bool is_watched = cpu_limit_ns != 0 && atomic_load_explicit(&thread->watched_sequence, memory_order_relaxed) == 0;
    if (is_watched) watch_begin(thread, &record, cpu_limit_ns);
    int32_t trap_code = enter_guest(&record, context, code, buffer, entry);
    if (is_watched) atomic_store_explicit(&thread->watched_sequence, 0, memory_order_release);

    atomic_signal_fence(memory_order_seq_cst);
    thread->current = record.previous;
    if (!owner) group->owner = NULL;
    return trap_code;
}

// What bimetal_raise comes to.
__attribute__((used))
_Noreturn void bimetal_raise_at(uint32_t trap_code, uintptr_t stack_pointer, uintptr_t frame_pointer, uintptr_t return_address)
{
    struct thread_state *thread = &bimetal_thread;
    if (trap_code != BIMETAL_TRAP_EXIT) {
        trace_capture(thread, (struct trace_start){
            .pc = return_address, .stack_pointer = stack_pointer, .frame_pointer = frame_pointer, .is_return_address = true,
        });
    }
    land(thread->current, trap_code);
}

// bimetal_raise(context, trap_code)
__attribute__((naked)) void bimetal_raise(void *context, uint32_t trap_code) { __asm__(RAISE_WITH_CALLER); }

void *bimetal_raise_address(void) { return (void *)bimetal_raise; }

uint64_t bimetal_thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int32_t bimetal_initialize(void)
{
    marks_initialize();
    int32_t error = faults_install();
    return error ? error : watchdog_initialize();
}
