// Entering a guest: links an entry record, writes the stack limit, publishes the deadline. A trap ends call_guest early, so that
// bimetal_enter goes on and returns its code: nothing is unwound, and no managed frame is jumped over.

#define _GNU_SOURCE
#include "internal.h"

#include <time.h>

_Thread_local struct thread_state bimetal_thread;

#if defined(__x86_64__)
#include "enter_x64.h"
#else
#include "enter_arm64.h"
#endif

#define RARE(condition) __builtin_expect(!!(condition), 0)

// Where the outermost guest frame stands decides the limit; nested entries share it, so that nesting gains no stack.
static inline uintptr_t stack_limit_for(const struct thread_state *thread, uintptr_t stack_pointer)
{
    uintptr_t cap = stack_pointer - GUEST_STACK_BYTES;
    return cap > thread->stack_floor ? cap : thread->stack_floor;
}

static inline bool deadline_has_passed(const struct thread_state *thread)
{
    uint64_t sequence = atomic_load_explicit(&thread->sequence, memory_order_relaxed);
    return is_watched(sequence) && thread->stopped_sequence == sequence;
}

// Also clears what an earlier deadline left behind. One that comes now marks the list again, and its signal is repeated by the watchdog.
static inline void contexts_write(struct bimetal_context_list *list, uintptr_t stack_limit)
{
    list->is_stale = 0;
    atomic_signal_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < list->count; i++) {
        *(volatile uint64_t *)(list->contexts[i] + BIMETAL_CONTEXT_STACK_LIMIT) = stack_limit;
        *(volatile uint32_t *)(list->contexts[i] + BIMETAL_CONTEXT_INTERRUPT) = 0;
    }
}

// The limit is stored first: the watchdog reads the sequence, then the limit, then the sequence again. The store of the sequence and
// the load of the flag need no fence here: the watchdog issues a process-wide barrier between setting the flag and looking at the
// sequences once more.
static inline void watch_begin(struct thread_state *thread, uint64_t sequence, uint64_t cpu_limit_ns)
{
    atomic_store_explicit(&thread->watched_limit_ns, cpu_limit_ns, memory_order_relaxed);
    atomic_store_explicit(&thread->sequence, sequence + 1, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    if (RARE(atomic_load_explicit(&watchdog_is_asleep, memory_order_relaxed))) watchdog_wake();
}

static inline void watch_end(struct thread_state *thread)
{
    uint64_t sequence = atomic_load_explicit(&thread->sequence, memory_order_relaxed);
    atomic_store_explicit(&thread->sequence, sequence + 1, memory_order_release);
}

// Why the guest cannot be entered, or not yet: out of the way of those that can.
__attribute__((noinline, cold)) static int32_t enter_slowly(struct bimetal_group *group, void *context, void *code, uint64_t *buffer, bimetal_entry *entry,
                                                            uint64_t cpu_limit_ns)
{
    struct thread_state *thread = &bimetal_thread;
    if (!thread->is_prepared) return thread_prepare(thread) ? bimetal_enter(group, context, code, buffer, entry, cpu_limit_ns) : BIMETAL_REFUSED_THREAD;
    if (group->abandoned) return BIMETAL_REFUSED_ABANDONED;
    if (group->owner && group->owner != thread) return BIMETAL_REFUSED_BUSY;
    trace_clear(thread);    // there is no place where it stopped
    return deadline_has_passed(thread) ? BIMETAL_TRAP_DEADLINE_EXCEEDED : BIMETAL_TRAP_STACK_OVERFLOW;
}

// Not inlined: there is one landing.
__attribute__((noinline)) int32_t bimetal_enter(struct bimetal_group *group, void *context, void *code, uint64_t *buffer, bimetal_entry *entry, uint64_t cpu_limit_ns)
{
    struct thread_state *thread = &bimetal_thread;
    void *owner = group->owner;
    if (RARE(!thread->is_prepared || group->abandoned) || (owner && owner != thread)) return enter_slowly(group, context, code, buffer, entry, cpu_limit_ns);

    uintptr_t stack_pointer = (uintptr_t)__builtin_frame_address(0), stack_limit;
    if (!thread->current) {
        stack_limit = stack_limit_for(thread, stack_pointer);
        thread->stack_limit = stack_limit;
    } else {
        if (RARE(deadline_has_passed(thread))) return enter_slowly(group, context, code, buffer, entry, cpu_limit_ns);
        stack_limit = thread->stack_limit;
    }
    if (RARE(stack_pointer < stack_limit)) return enter_slowly(group, context, code, buffer, entry, cpu_limit_ns);

    struct entry_record record;
    record.previous = thread->current;
    record.group = group;
    record.outer_owner = owner;
    group->owner = thread;
    thread->current = &record;
    atomic_signal_fence(memory_order_seq_cst);

    // A list that is not stale has the same limit in all of its contexts.
    struct bimetal_context_list *list = group->list;
    uint64_t last_limit = *(volatile uint64_t *)((char *)context + BIMETAL_CONTEXT_STACK_LIMIT);
    if (RARE(last_limit != stack_limit || list->is_stale)) contexts_write(list, stack_limit);

    // The outermost entry with a limit is the watched one.
    uint64_t sequence = atomic_load_explicit(&thread->sequence, memory_order_relaxed);
    record.is_watched = cpu_limit_ns != 0 && !is_watched(sequence);
    if (record.is_watched) watch_begin(thread, sequence, cpu_limit_ns);
    int32_t trap_code = call_guest(&record, context, code, buffer, entry);
    if (record.is_watched) watch_end(thread);

    atomic_signal_fence(memory_order_seq_cst);
    thread->current = record.previous;
    group->owner = record.outer_owner;
    return trap_code;
}

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

void *bimetal_raise_address(void) { return (void *)bimetal_raise; }

uint64_t bimetal_thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int32_t bimetal_initialize(void)
{
    int32_t error = faults_install();
    return error ? error : watchdog_initialize();
}
