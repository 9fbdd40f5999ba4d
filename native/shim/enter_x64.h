// Into guest code and back, x86-64 System V; part of entry.c.

// Calls entry(context, code, buffer). Traps arrive at bimetal_landing, with the record's two stack registers, the trap code in eax, and the
// guest's values in every other register: so the compiler is told that all of them are gone.
static inline int32_t call_guest(struct entry_record *record, void *context, void *code, uint64_t *buffer, bimetal_entry *entry)
{
    int32_t trap_code;
    __asm__ volatile(
        "mov    %%rsp, %c[stack_pointer](%%rbx)\n\t"
        "mov    %%rbp, %c[frame_pointer](%%rbx)\n\t"
        "sub    $128, %%rsp\n\t"    // the compiler sees no call here: it may keep something below the stack pointer
        "call   *%%rcx\n\t"
        "add    $128, %%rsp\n\t"
        "xor    %%eax, %%eax\n\t"
        ".globl bimetal_landing\n\t"
        ".hidden bimetal_landing\n"
        "bimetal_landing:"
        : "=a"(trap_code), "+b"(record), "+D"(context), "+S"(code), "+d"(buffer), "+c"(entry)
        : [stack_pointer] "i"(offsetof(struct entry_record, stack_pointer)), [frame_pointer] "i"(offsetof(struct entry_record, frame_pointer))
        : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
    return trap_code;
}

static _Noreturn void land(const struct entry_record *record, uint32_t trap_code)
{
    __asm__ volatile("mov %0, %%rsp\n\tmov %1, %%rbp\n\tjmp bimetal_landing" : : "r"(record->stack_pointer), "r"(record->frame_pointer), "a"(trap_code));
    __builtin_unreachable();
}

// bimetal_raise_at with the caller's registers.
__attribute__((naked)) void bimetal_raise(__attribute__((unused)) void *context, __attribute__((unused)) uint32_t trap_code)
{
    __asm__("mov %esi, %edi\n\tlea 8(%rsp), %rsi\n\tmov %rbp, %rdx\n\tmov (%rsp), %rcx\n\tjmp bimetal_raise_at");
}
