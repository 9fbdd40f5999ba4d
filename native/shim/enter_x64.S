// Into guest code and back, x86-64 System V. See internal.h for the entry record: 0 previous, 8 landing stack.

    .intel_syntax noprefix
    .text

// int32_t bimetal_enter_guest(record rdi, context rsi, code rdx, buffer rcx, entry r8)
    .globl  bimetal_enter_guest
    .hidden bimetal_enter_guest
    .type   bimetal_enter_guest, @function
    .p2align 4
bimetal_enter_guest:
    .cfi_startproc
    push    rbp
    .cfi_def_cfa_offset 16
    .cfi_offset rbp, -16
    mov     rbp, rsp
    .cfi_def_cfa_register rbp
    push    rbx
    push    r12
    push    r13
    push    r14
    push    r15
    .cfi_offset rbx, -24
    .cfi_offset r12, -32
    .cfi_offset r13, -40
    .cfi_offset r14, -48
    .cfi_offset r15, -56
    sub     rsp, 8                      // the ABI wants 16-byte alignment at a call
    mov     [rdi + 8], rsp
    mov     rdi, rsi
    mov     rsi, rdx
    mov     rdx, rcx
    call    r8
    xor     eax, eax

// Traps arrive here: rsp is the landing stack of the record, eax the trap code, every other register is the guest's.
    .globl  bimetal_landing
    .hidden bimetal_landing
bimetal_landing:
    add     rsp, 8
    pop     r15
    pop     r14
    pop     r13
    pop     r12
    pop     rbx
    pop     rbp
    .cfi_def_cfa rsp, 8
    ret
    .cfi_endproc
    .size   bimetal_enter_guest, . - bimetal_enter_guest

// void bimetal_land(record rdi, trap_code esi), never returns
    .globl  bimetal_land
    .hidden bimetal_land
    .type   bimetal_land, @function
    .p2align 4
bimetal_land:
    mov     eax, esi
    mov     rsp, [rdi + 8]
    jmp     bimetal_landing
    .size   bimetal_land, . - bimetal_land

// void bimetal_raise(context rdi, trap_code esi), never returns: bimetal_raise_at with the caller's registers
    .globl  bimetal_raise
    .type   bimetal_raise, @function
    .p2align 4
bimetal_raise:
    mov     edi, esi
    lea     rsi, [rsp + 8]
    mov     rdx, rbp
    mov     rcx, [rsp]
    jmp     bimetal_raise_at
    .size   bimetal_raise, . - bimetal_raise

    .section .note.GNU-stack, "", @progbits
