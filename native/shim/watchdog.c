// Stops guests at their CPU limit. Entries only publish a sequence number and a limit; this thread looks at them every few
// milliseconds, and every millisecond while it has found one: then it reads the CPU clocks, and signals threads over their limit.
// Without watched entries it sleeps.

#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// A tick costs some 15 us in a virtual machine, which the requests of a busy server share: most of their entries are over long before it.
#define CALM_TICK_NS 4000000
#define TICK_NS 1000000
#define TIMER_SLACK_NS 1000UL
#define WATCHDOG_NICENESS (-15)
// Ticks without a watched entry before the watchdog goes to sleep: a busy server does not wake it for each request.
#define IDLE_TICKS 12
// Without membarrier the sleep has to end by itself, or a watched entry could go unseen.
#define BLIND_SLEEP_NS 5000000
// A signal can come in the few instructions before the guest, where only a flag is set; so it is repeated, less and less often.
#define MAXIMUM_TICKS_BETWEEN_SIGNALS 4

_Atomic uint32_t watchdog_is_asleep;

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct thread_state *threads;
static bool is_running;
static bool has_membarrier;
static int deadline_signal;

// The first signal only shows that the thread runs, and since when; a second one stops the guest after another half a millisecond.
// Time that a hypervisor takes counts on the CPU clock as if the guest had used it: a guest that is innocent ends before it is stopped.
#define CONFIRMED_NS 500000

// A thread outside of guest code gets this much more, once for each watched entry: the collector runs on the thread that allocates, so a
// host call can take a millisecond or two that the guest has no part in.
#define HOST_CALL_GRACE_NS 5000000

// Puts the stop off when the signal came into the host; false when it has been put off before.
static bool grant_grace(struct thread_state *thread, uint64_t sequence, uintptr_t pc)
{
    if (thread->graced_sequence == sequence || is_guest_code(pc)) return false;
    thread->graced_sequence = sequence;
    atomic_store_explicit(&thread->running_cpu_ns, bimetal_thread_cpu_ns() + HOST_CALL_GRACE_NS, memory_order_relaxed);
    atomic_store_explicit(&thread->expired_sequence, 0, memory_order_release);
    return true;
}

// Signal handler: runs on the thread whose limit has passed, unless that entry has ended meanwhile.
static void on_deadline(int signal, siginfo_t *info, void *raw_context)
{
    (void)signal;
    (void)info;
    struct thread_state *thread = &bimetal_thread;
    uint64_t sequence = atomic_load_explicit(&thread->expired_sequence, memory_order_acquire);
    uint64_t watched = atomic_load_explicit(&thread->watched_sequence, memory_order_relaxed);
    if (watched == 0) return;
    if (sequence != watched) {
        if (atomic_load_explicit(&thread->asked_sequence, memory_order_acquire) != watched
            || atomic_load_explicit(&thread->running_sequence, memory_order_relaxed) == watched) return;
        atomic_store_explicit(&thread->running_cpu_ns, bimetal_thread_cpu_ns(), memory_order_relaxed);
        atomic_store_explicit(&thread->running_sequence, watched, memory_order_release);
        return;
    }
    ucontext_t *context = raw_context;
    if (grant_grace(thread, sequence, context_pc(context))) return;
    thread->stopped_sequence = sequence;

    // Every guest between here and the watched entry stops on its way back from a host call, and where it polls.
    for (struct entry_record *record = thread->current; record; record = record->previous) {
        const struct bimetal_context_list *list = record->group->list;
        for (uint64_t i = 0; i < list->count; i++)
            *(volatile uint32_t *)(list->contexts[i] + BIMETAL_CONTEXT_INTERRUPT) = BIMETAL_TRAP_DEADLINE_EXCEEDED;
        if (record == thread->watched_record) break;
    }

    if (thread->current && is_stopped_by_signal(context_pc(context))) {
        // At an arbitrary instruction: a table element may be half written, so nobody enters this group until it is reset.
        thread->current->group->abandoned = 1;
        trace_capture(thread, context_trace_start(context));
        context_land(context, thread->current, BIMETAL_TRAP_DEADLINE_EXCEEDED);
    }
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void signal_with_pauses(struct thread_state *thread, uint64_t now)
{
    bool is_running = atomic_load_explicit(&thread->running_sequence, memory_order_acquire) == thread->seen_sequence;
    if (is_running && (int64_t)(now - atomic_load_explicit(&thread->running_cpu_ns, memory_order_relaxed)) < CONFIRMED_NS) return;
    if (is_running && atomic_load_explicit(&thread->expired_sequence, memory_order_relaxed) != thread->seen_sequence) {
        atomic_store_explicit(&thread->expired_sequence, thread->seen_sequence, memory_order_release);
        thread->ticks_to_next_signal = 0;
        thread->signals_sent = 0;
    }

    if (thread->ticks_to_next_signal > 0) {
        thread->ticks_to_next_signal--;
        return;
    }
    atomic_store_explicit(&thread->asked_sequence, thread->seen_sequence, memory_order_release);
    syscall(SYS_tgkill, getpid(), thread->thread_id, deadline_signal);
    thread->ticks_to_next_signal = thread->signals_sent < MAXIMUM_TICKS_BETWEEN_SIGNALS ? thread->signals_sent : MAXIMUM_TICKS_BETWEEN_SIGNALS;
    thread->signals_sent++;
}

// Whether the thread has a watched entry.
static bool look_at(struct thread_state *thread)
{
    uint64_t sequence = atomic_load_explicit(&thread->watched_sequence, memory_order_acquire);
    if (sequence == 0) return false;
    uint64_t now = clock_ns(thread->cpu_clock);
    if (sequence != thread->seen_sequence) {
        thread->seen_sequence = sequence;
        thread->seen_cpu_ns = now;
        thread->signals_sent = 0;
        thread->ticks_to_next_signal = 0;
    }
    uint64_t limit = atomic_load_explicit(&thread->watched_limit_ns, memory_order_acquire);
    // The limit belongs to the sequence only if the sequence still stands.
    if (atomic_load_explicit(&thread->watched_sequence, memory_order_acquire) != sequence) return true;
    if (now - thread->seen_cpu_ns >= limit) signal_with_pauses(thread, now);
    return true;
}

static bool look_at_all(void)
{
    bool any = false;
    pthread_mutex_lock(&threads_lock);
    for (struct thread_state *thread = threads; thread; thread = thread->next) any |= look_at(thread);
    pthread_mutex_unlock(&threads_lock);
    return any;
}

// The flag, then a barrier on every running thread, then one more look: an entry that has not seen the flag is seen here.
static void sleep_until_woken(void)
{
    atomic_store(&watchdog_is_asleep, 1);
    if (has_membarrier) syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    struct timespec limit = {.tv_nsec = BLIND_SLEEP_NS};
    if (!look_at_all()) syscall(SYS_futex, &watchdog_is_asleep, FUTEX_WAIT_PRIVATE, 1, has_membarrier ? NULL : &limit, NULL, 0);
    atomic_store(&watchdog_is_asleep, 0);
}

// Late ticks are what makes a guest run past its limit. Both are wishes: without the privilege
// the watchdog runs like any other thread.
static void hurry(void)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), WATCHDOG_NICENESS);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
}

static void *watchdog_run(void *unused)
{
    (void)unused;
    hurry();
    uint32_t idle_ticks = 0;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (bool is_calm = true;;) {
        next.tv_nsec += is_calm ? CALM_TICK_NS : TICK_NS;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        is_calm = !look_at_all();
        idle_ticks = is_calm ? idle_ticks + 1 : 0;
        struct timespec now;
        if (idle_ticks >= IDLE_TICKS) {
            sleep_until_woken();
            idle_ticks = 0;
        }
        // After a sleep, or when the machine was busy: ticks that were missed are not made up for.
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > next.tv_sec || (now.tv_sec == next.tv_sec && now.tv_nsec > next.tv_nsec)) next = now;
    }
    return NULL;
}

void watchdog_wake(void)
{
    if (atomic_exchange(&watchdog_is_asleep, 0)) syscall(SYS_futex, &watchdog_is_asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool watchdog_start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // It inherits the mask: no signal of the process is ever handled on this thread.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, &attributes, watchdog_run, NULL) == 0;
    if (started) pthread_setname_np(thread, "guest-watchdog");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

bool watchdog_add_thread(struct thread_state *thread)
{
    pthread_mutex_lock(&threads_lock);
    if (!is_running) is_running = watchdog_start();
    if (is_running) {
        thread->next = threads;
        threads = thread;
    }
    bool added = is_running;
    pthread_mutex_unlock(&threads_lock);
    return added;
}

void watchdog_remove_thread(struct thread_state *thread)
{
    pthread_mutex_lock(&threads_lock);
    for (struct thread_state **link = &threads; *link; link = &(*link)->next) {
        if (*link != thread) continue;
        *link = thread->next;
        break;
    }
    pthread_mutex_unlock(&threads_lock);
}

// The highest real-time signal that nobody has a handler for and that can be sent: emulators do not have all of them. .NET suspends
// threads with SIGRTMIN; that one is never taken.
int32_t watchdog_initialize(void)
{
    has_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    for (int signal = SIGRTMAX - 1; signal > SIGRTMIN + 1; signal--) {
        struct sigaction current;
        if (sigaction(signal, NULL, &current) != 0 || (current.sa_flags & SA_SIGINFO) || current.sa_handler != SIG_DFL) continue;
        struct sigaction action = {.sa_sigaction = on_deadline, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
        sigemptyset(&action.sa_mask);
        if (sigaction(signal, &action, NULL) != 0) continue;
        if (syscall(SYS_tgkill, getpid(), gettid(), signal) == 0) {    // without an expired entry the handler does nothing
            deadline_signal = signal;
            return 0;
        }
        sigaction(signal, &current, NULL);
    }
    return EBUSY;
}

int32_t bimetal_deadline_signal(void) { return deadline_signal; }
