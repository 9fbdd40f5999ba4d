// Into guest code and back, AAPCS64. See internal.h for the entry record: 0 previous, 8 landing stack.

    .text

// int32_t bimetal_enter_guest(record x0, context x1, code x2, buffer x3, entry x4)
    .globl  bimetal_enter_guest
    .hidden bimetal_enter_guest
    .type   bimetal_enter_guest, %function
    .p2align 4
bimetal_enter_guest:
    .cfi_startproc
    stp     x29, x30, [sp, #-160]!
    .cfi_def_cfa_offset 160
    .cfi_offset x29, -160
    .cfi_offset x30, -152
    mov     x29, sp
    .cfi_def_cfa_register x29
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     d8, d9, [sp, #96]           // the callee saves the low halves of v8 to v15
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mov     x9, sp
    str     x9, [x0, #8]
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    blr     x4
    mov     w0, wzr

// Traps arrive here: sp is the landing stack of the record, w0 the trap code, every other register is the guest's.
    .globl  bimetal_landing
    .hidden bimetal_landing
bimetal_landing:
    ldp     d14, d15, [sp, #144]
    ldp     d12, d13, [sp, #128]
    ldp     d10, d11, [sp, #112]
    ldp     d8, d9, [sp, #96]
    ldp     x27, x28, [sp, #80]
    ldp     x25, x26, [sp, #64]
    ldp     x23, x24, [sp, #48]
    ldp     x21, x22, [sp, #32]
    ldp     x19, x20, [sp, #16]
    ldp     x29, x30, [sp], #160
    .cfi_def_cfa sp, 0
    ret
    .cfi_endproc
    .size   bimetal_enter_guest, . - bimetal_enter_guest

// void bimetal_land(record x0, trap_code w1), never returns
    .globl  bimetal_land
    .hidden bimetal_land
    .type   bimetal_land, %function
    .p2align 4
bimetal_land:
    ldr     x9, [x0, #8]
    mov     sp, x9
    mov     w0, w1
    b       bimetal_landing
    .size   bimetal_land, . - bimetal_land

// void bimetal_raise(context x0, trap_code w1), never returns: bimetal_raise_at with the caller's registers
    .globl  bimetal_raise
    .type   bimetal_raise, %function
    .p2align 4
bimetal_raise:
    mov     w0, w1
    mov     x1, sp
    mov     x2, x29
    mov     x3, x30
    b       bimetal_raise_at
    .size   bimetal_raise, . - bimetal_raise

    .section .note.GNU-stack, "", %progbits
