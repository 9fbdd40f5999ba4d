// Into guest code and back, in the processor's terms: the only assembly. A trap lands behind the call with every register but the stack
// pointer still the guest's, so everything that the calling convention keeps is named as changed: the compiler saves it once, in the
// prologue of bimetal_enter, and whatever it needs afterwards is on the stack.

#ifndef BIMETAL_ENTER_H
#define BIMETAL_ENTER_H

#include "internal.h"

// Calls entry(context, code, buffer); the trap code, 0 if it returned. Traps arrive at the record's landing place with their code in the
// first result register.
static inline __attribute__((always_inline)) int32_t enter_guest(struct entry_record *record, void *context, void *code, uint64_t *buffer, bimetal_entry *entry)
{
#if defined(__x86_64__)
    register int32_t trap_code __asm__("eax");
    // The frame pointer cannot be named as changed; the second word keeps the stack aligned.
    __asm__ volatile(
        "push %%rbp\n\t"
        "push %%rbp\n\t"
        "mov %%rsp, %c[landing_stack](%[record])\n\t"
        "lea 1f(%%rip), %%r8\n\t"
        "mov %%r8, %c[landing](%[record])\n\t"
        "call *%[entry]\n\t"
        "xor %%eax, %%eax\n"
        "1:\n\t"
        "pop %%rbp\n\t"
        "pop %%rbp"
        : "=r"(trap_code), "+D"(context), "+S"(code), "+d"(buffer), [entry] "+c"(entry)
        : [record] "a"(record), [landing_stack] "i"(offsetof(struct entry_record, landing_stack)), [landing] "i"(offsetof(struct entry_record, landing))
        : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
          "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
    return trap_code;
#elif defined(__aarch64__)
    register struct entry_record *x5 __asm__("x5") = record;
    register void *x0 __asm__("x0") = context;
    register void *x1 __asm__("x1") = code;
    register uint64_t *x2 __asm__("x2") = buffer;
    register bimetal_entry *x4 __asm__("x4") = entry;
    __asm__ volatile(
        "stp x29, xzr, [sp, #-16]!\n\t"
        "mov x9, sp\n\t"
        "adr x10, 1f\n\t"
        "stp x9, x10, [%[record], %[landing_stack]]\n\t"
        "blr %[entry]\n\t"
        "mov x0, xzr\n"
        "1:\n\t"
        "ldp x29, xzr, [sp], #16"
        : "+r"(x0), "+r"(x1), "+r"(x2), [entry] "+r"(x4), [record] "+r"(x5)
        : [landing_stack] "i"(offsetof(struct entry_record, landing_stack))
        : "x3", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25",
          "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
          "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
    return (int32_t)(uintptr_t)x0;
#else
#error "x86-64 and AArch64 only"
#endif
}

// Goes to where an entry lands, whatever has been called since.
static inline _Noreturn void land(const struct entry_record *record, uint32_t trap_code)
{
#if defined(__x86_64__)
    __asm__ volatile("mov %[stack], %%rsp\n\tjmp *%[landing]" : : [stack] "r"(record->landing_stack), [landing] "r"(record->landing), "a"(trap_code) : "memory");
#else
    register uintptr_t x0 __asm__("x0") = trap_code;
    __asm__ volatile("mov sp, %[stack]\n\tbr %[landing]" : : [stack] "r"(record->landing_stack), [landing] "r"(record->landing), "r"(x0) : "memory");
#endif
    __builtin_unreachable();
}

// bimetal_raise_at with the registers of the caller.
#if defined(__x86_64__)
#define RAISE_WITH_CALLER "mov %esi, %edi\n\tlea 8(%rsp), %rsi\n\tmov %rbp, %rdx\n\tmov (%rsp), %rcx\n\tjmp bimetal_raise_at"
#else
#define RAISE_WITH_CALLER "mov w0, w1\n\tmov x1, sp\n\tmov x2, x29\n\tmov x3, x30\n\tb bimetal_raise_at"
#endif

#endif
