// Faults of guest code become traps. The handlers stand before those of the .NET runtime and pass on everything that is not
// certainly a guest's: the program counter must lie in registered guest code and the address in a slot or this thread's stack.

#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <signal.h>

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
#define FAULT_SIGNAL_COUNT (sizeof fault_signals / sizeof fault_signals[0])
static struct sigaction previous_actions[FAULT_SIGNAL_COUNT];

#if defined(__x86_64__)

#define DIRECTION_FLAG 0x400

uintptr_t context_pc(const ucontext_t *context) { return (uintptr_t)context->uc_mcontext.gregs[REG_RIP]; }

struct trace_start context_trace_start(const ucontext_t *context)
{
    const greg_t *registers = context->uc_mcontext.gregs;
    return (struct trace_start){
        .pc = (uintptr_t)registers[REG_RIP], .stack_pointer = (uintptr_t)registers[REG_RSP], .frame_pointer = (uintptr_t)registers[REG_RBP],
    };
}

void context_land(ucontext_t *context, const struct entry_record *record, uint32_t trap_code)
{
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)record->landing;
    context->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)record->landing_stack;
    context->uc_mcontext.gregs[REG_RAX] = (greg_t)trap_code;
    context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)DIRECTION_FLAG;    // the ABI wants it clear
}

#elif defined(__aarch64__)

uintptr_t context_pc(const ucontext_t *context) { return (uintptr_t)context->uc_mcontext.pc; }

struct trace_start context_trace_start(const ucontext_t *context)
{
    const mcontext_t *registers = &context->uc_mcontext;
    return (struct trace_start){
        .pc = registers->pc, .stack_pointer = registers->sp, .frame_pointer = registers->regs[29], .return_address = registers->regs[30],
    };
}

void context_land(ucontext_t *context, const struct entry_record *record, uint32_t trap_code)
{
    context->uc_mcontext.pc = (uintptr_t)record->landing;
    context->uc_mcontext.sp = (uintptr_t)record->landing_stack;
    context->uc_mcontext.regs[0] = trap_code;
}

#else
#error "The shim knows x86-64 and aarch64."
#endif

static uint32_t trap_of(int signal, uintptr_t address, const struct thread_state *thread)
{
    switch (signal) {
    case SIGSEGV:
        if (is_guest_memory(address)) return BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS;
        // The prologue's comparison comes first; this catches a frame larger than the headroom that runs into the guard.
        if (address < thread->stack_floor && address >= thread->stack_low) return BIMETAL_TRAP_STACK_OVERFLOW;
        return BIMETAL_TRAP_NONE;
    case SIGBUS:
        return is_guest_memory(address) ? BIMETAL_TRAP_RESOURCE_LIMIT : BIMETAL_TRAP_NONE;    // no page could be had
    case SIGILL:
        return BIMETAL_TRAP_UNREACHABLE;    // the trap instruction
    case SIGFPE:
        return BIMETAL_TRAP_INTEGER_DIVIDE_BY_ZERO;
    default:
        return BIMETAL_TRAP_NONE;
    }
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *previous = NULL;
    for (size_t i = 0; i < FAULT_SIGNAL_COUNT; i++) {
        if (fault_signals[i] == signal) previous = &previous_actions[i];
    }
    if (previous->sa_flags & SA_SIGINFO) {
        previous->sa_sigaction(signal, info, context);
    } else if (previous->sa_handler == SIG_DFL) {
        // With the default action back in place the faulting instruction runs again and ends the process.
        sigaction(signal, previous, NULL);
        if (info->si_code <= 0) raise(signal);
    } else if (previous->sa_handler != SIG_IGN) {
        previous->sa_handler(signal);
    }
}

static void on_fault(int signal, siginfo_t *info, void *raw_context)
{
    ucontext_t *context = raw_context;
    struct thread_state *thread = &bimetal_thread;
    // si_code is positive when the kernel reports a fault; a signal that somebody sent is not one.
    enum sheet_fault sheet = signal == SIGSEGV && info->si_code == SEGV_ACCERR ? sheets_open_at((uintptr_t)info->si_addr) : SHEET_NOT_CLOSED;
    if (sheet == SHEET_OPENED) return;    // the write is made again, whoever makes it
    if (thread->current && info->si_code > 0 && is_guest_code(context_pc(context))) {
        uint32_t trap_code = sheet == SHEET_STAYS_CLOSED ? BIMETAL_TRAP_RESOURCE_LIMIT : trap_of(signal, (uintptr_t)info->si_addr, thread);
        if (trap_code != BIMETAL_TRAP_NONE) {
            trace_capture(thread, context_trace_start(context));
            context_land(context, thread->current, trap_code);
            return;
        }
    }
    pass_on(signal, info, raw_context);
}

int32_t faults_install(void)
{
    for (size_t i = 0; i < FAULT_SIGNAL_COUNT; i++) {
        if (sigaction(fault_signals[i], NULL, &previous_actions[i]) != 0) return errno;
        // The previous mask stays: CoreCLR keeps its suspension signal out of handlers on the small alternate stack.
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER, .sa_mask = previous_actions[i].sa_mask};
        if (sigaction(fault_signals[i], &action, NULL) != 0) return errno;
    }
    return 0;
}
