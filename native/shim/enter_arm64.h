// Into guest code and back, AAPCS64; part of entry.c.

// Calls entry(context, code, buffer). Traps arrive at bimetal_landing, with the record's two stack registers, the trap code in w0, and the
// guest's values in every other register: so the compiler is told that all of them are gone.
static inline int32_t call_guest(struct entry_record *record, void *context, void *code, uint64_t *buffer, bimetal_entry *entry)
{
    register uintptr_t x0 __asm__("x0") = (uintptr_t)context;
    register void *x1 __asm__("x1") = code;
    register uint64_t *x2 __asm__("x2") = buffer;
    register bimetal_entry *x3 __asm__("x3") = entry;
    register struct entry_record *x20 __asm__("x20") = record;
    __asm__ volatile(
        "mov    x9, sp\n\t"
        "str    x9, [x20, %[stack_pointer]]\n\t"
        "str    x29, [x20, %[frame_pointer]]\n\t"
        "blr    x3\n\t"
        "mov    w0, wzr\n\t"
        ".globl bimetal_landing\n\t"
        ".hidden bimetal_landing\n"
        "bimetal_landing:"
        : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x20)
        : [stack_pointer] "i"(offsetof(struct entry_record, stack_pointer)), [frame_pointer] "i"(offsetof(struct entry_record, frame_pointer))
        : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
          "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
          "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
    return (int32_t)x0;
}

static _Noreturn void land(const struct entry_record *record, uint32_t trap_code)
{
    register uint32_t w0 __asm__("w0") = trap_code;
    __asm__ volatile("mov sp, %0\n\tmov x29, %1\n\tb bimetal_landing" : : "r"(record->stack_pointer), "r"(record->frame_pointer), "r"(w0));
    __builtin_unreachable();
}

// bimetal_raise_at with the caller's registers.
__attribute__((naked)) void bimetal_raise(__attribute__((unused)) void *context, __attribute__((unused)) uint32_t trap_code)
{
    __asm__("mov w0, w1\n\tmov x1, sp\n\tmov x2, x29\n\tmov x3, x30\n\tb bimetal_raise_at");
}
