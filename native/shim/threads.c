// What a thread needs before it may enter a guest: its stack bounds, an alternate signal stack, a place in the watchdog's list.

#define _GNU_SOURCE
#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#define ALTERNATE_STACK_BYTES ((size_t)64 << 10)
// What the handlers of shim and runtime need beyond the kernel's own frame. CoreCLR's alternate stacks have room for it.
#define HANDLER_BYTES ((size_t)6 << 10)

static pthread_key_t thread_end_key;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
static bool thread_end_is_ready;

static void alternate_stack_free(struct thread_state *thread)
{
    if (!thread->alternate_stack) return;
    stack_t current;
    char *base = thread->alternate_stack;
    long page = sysconf(_SC_PAGESIZE);
    // Somebody may have put another one in its place meanwhile; that one is not ours to take away.
    if (sigaltstack(NULL, &current) == 0 && current.ss_sp == base + page) sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    munmap(base, ALTERNATE_STACK_BYTES + (size_t)page);
    thread->alternate_stack = NULL;
}

// Runs when the thread ends. Should a later destructor enter a guest again, the thread is prepared again.
static void thread_end(void *value)
{
    struct thread_state *thread = value;
    watchdog_remove_thread(thread);
    thread->is_prepared = false;
    alternate_stack_free(thread);
}

static void thread_end_create(void) { thread_end_is_ready = pthread_key_create(&thread_end_key, thread_end) == 0; }

static bool alternate_stack_ensure(struct thread_state *thread)
{
    stack_t current;
    size_t kernel_bytes = getauxval(AT_MINSIGSTKSZ);
    if (kernel_bytes < 2048) kernel_bytes = 2048;
    if (sigaltstack(NULL, &current) == 0 && !(current.ss_flags & SS_DISABLE) && current.ss_size >= kernel_bytes + HANDLER_BYTES) return true;

    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *base = mmap(NULL, ALTERNATE_STACK_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return false;
    stack_t stack = {.ss_sp = base + page, .ss_size = ALTERNATE_STACK_BYTES};
    if (mprotect(base, page, PROT_NONE) != 0 || sigaltstack(&stack, NULL) != 0) {
        munmap(base, ALTERNATE_STACK_BYTES + page);
        return false;
    }
    thread->alternate_stack = base;
    return true;
}

static bool stack_bounds_find(struct thread_state *thread)
{
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return false;
    void *low = NULL;
    size_t bytes = 0, guard_bytes = 0;
    bool found = pthread_attr_getstack(&attributes, &low, &bytes) == 0 && pthread_attr_getguardsize(&attributes, &guard_bytes) == 0;
    pthread_attr_destroy(&attributes);
    thread->stack_low = (uintptr_t)low;
    thread->stack_floor = (uintptr_t)low + guard_bytes + HOST_HEADROOM_BYTES;
    return found;
}

bool thread_prepare(struct thread_state *thread)
{
    pthread_once(&thread_end_once, thread_end_create);
    if (!thread_end_is_ready || !stack_bounds_find(thread) || !alternate_stack_ensure(thread)) return false;
    thread->thread_id = gettid();
    if (pthread_getcpuclockid(pthread_self(), &thread->cpu_clock) != 0 || pthread_setspecific(thread_end_key, thread) != 0
        || !watchdog_add_thread(thread)) {
        alternate_stack_free(thread);
        return false;
    }
    thread->is_prepared = true;
    return true;
}
