/*
 * interpreter - a stack machine whose instructions are functions in a table (one indirect call each), as policy and template engines
 * have it. Its program counts the primes below a limit with a sieve, then folds the sieve into a number.
 */
#include "kernel.h"

#define CODE_MAX 128u
#define CELL_COUNT 512u
#define STACK_DEPTH 32u
#define LIMIT 256

enum opcode { PUSH, LOAD, STORE, FETCH, PUT, ADD, SUBTRACT, MULTIPLY, XOR, LESS, JUMP, JUMP_IF_ZERO, HALT, OPCODE_COUNT };

typedef struct machine machine;
typedef void (*handler)(machine *m, i32 operand);

struct machine {
    i32 *top; /* of the stack, which grows up */
    u32 pc, running;
    u64 executed;
    i32 variables[8];
    i32 stack[STACK_DEPTH];
    i32 cells[CELL_COUNT];
};

typedef struct instruction {
    u32 opcode;
    i32 operand;
} instruction;

static machine s_machine;
static handler s_handlers[OPCODE_COUNT];
static instruction s_code[CODE_MAX];
static u32 s_codeLength;

static void op_push(machine *m, i32 operand) { *++m->top = operand; }
static void op_load(machine *m, i32 operand) { *++m->top = m->variables[operand]; }
static void op_store(machine *m, i32 operand) { m->variables[operand] = *m->top--; }
static void op_fetch(machine *m, i32 operand) { *m->top = m->cells[(u32)(*m->top + operand) % CELL_COUNT]; }
static void op_put(machine *m, i32 operand) {
    i32 value = *m->top--;
    m->cells[(u32)(*m->top-- + operand) % CELL_COUNT] = value;
}
static void op_add(machine *m, i32 operand) {
    m->top--;
    *m->top += m->top[1] + operand;
}
static void op_subtract(machine *m, i32 operand) {
    m->top--;
    *m->top -= m->top[1] + operand;
}
static void op_multiply(machine *m, i32 operand) {
    m->top--;
    *m->top = (i32)((u32)*m->top * (u32)m->top[1]) + operand;
}
static void op_xor(machine *m, i32 operand) {
    m->top--;
    *m->top ^= m->top[1] ^ operand;
}
static void op_less(machine *m, i32 operand) {
    m->top--;
    *m->top = *m->top < m->top[1] + operand;
}
static void op_jump(machine *m, i32 operand) { m->pc = (u32)operand; }
static void op_jump_if_zero(machine *m, i32 operand) {
    if (*m->top-- == 0) m->pc = (u32)operand;
}
static void op_halt(machine *m, i32 operand) { m->running = (u32)operand; }

static u32 emit(u32 opcode, i32 operand) {
    s_code[s_codeLength] = (instruction){opcode, operand};
    return s_codeLength++;
}

/* if (variable < limit) goes on, otherwise leaves to a place that is filled in later; returns what to fill in. */
static u32 emit_loop_test(i32 variable, i32 limit) {
    emit(LOAD, variable);
    emit(PUSH, limit);
    emit(LESS, 0);
    return emit(JUMP_IF_ZERO, 0);
}

static void emit_increment(i32 variable, i32 by) {
    emit(LOAD, variable);
    emit(PUSH, by);
    emit(ADD, 0);
    emit(STORE, variable);
}

static void here(u32 jump) { s_code[jump].operand = (i32)s_codeLength; }

/* Variables: 0 candidate, 1 multiple, 2 count, 3 hash, 4 seed. */
static void write_program(void) {
    u32 outer = s_codeLength, outerEnd = emit_loop_test(0, LIMIT);
    emit(LOAD, 0);
    emit(FETCH, 0);
    u32 isPrime = emit(JUMP_IF_ZERO, 0);
    u32 skip = emit(JUMP, 0);
    here(isPrime);
    emit_increment(2, 1);
    emit(LOAD, 0);
    emit(LOAD, 0);
    emit(ADD, 0);
    emit(STORE, 1);
    u32 inner = s_codeLength, innerEnd = emit_loop_test(1, LIMIT);
    emit(LOAD, 1);
    emit(PUSH, 1);
    emit(PUT, 0);
    emit(LOAD, 1);
    emit(LOAD, 0);
    emit(ADD, 0);
    emit(STORE, 1);
    emit(JUMP, (i32)inner);
    here(innerEnd);
    here(skip);
    emit_increment(0, 1);
    emit(JUMP, (i32)outer);
    here(outerEnd);
    emit(PUSH, 0);
    emit(STORE, 0);
    u32 fold = s_codeLength, foldEnd = emit_loop_test(0, LIMIT);
    emit(LOAD, 3);
    emit(PUSH, 31);
    emit(MULTIPLY, 0);
    emit(LOAD, 0);
    emit(FETCH, 0);
    emit(LOAD, 4);
    emit(SUBTRACT, 0);
    emit(XOR, 0);
    emit(STORE, 3);
    emit_increment(0, 1);
    emit(JUMP, (i32)fold);
    here(foldEnd);
    emit(HALT, 0);
}

static void execute(machine *m, i32 seed) {
    for (u32 i = 0; i < CELL_COUNT; i++) m->cells[i] = 0;
    for (u32 i = 0; i < LENGTH(m->variables); i++) m->variables[i] = 0;
    m->variables[0] = 2;
    m->variables[4] = seed;
    m->top = m->stack;
    m->pc = 0;
    m->running = 1;
    m->executed = 0;
    while (m->running) {
        const instruction *instruction = &s_code[m->pc++];
        m->executed++;
        s_handlers[instruction->opcode](m, instruction->operand);
    }
}

void setup(void) {
    static const handler handlers[OPCODE_COUNT] = {[PUSH] = op_push, [LOAD] = op_load, [STORE] = op_store, [FETCH] = op_fetch, [PUT] = op_put, [ADD] = op_add,
        [SUBTRACT] = op_subtract, [MULTIPLY] = op_multiply, [XOR] = op_xor, [LESS] = op_less, [JUMP] = op_jump, [JUMP_IF_ZERO] = op_jump_if_zero, [HALT] = op_halt};
    for (u32 i = 0; i < OPCODE_COUNT; i++) s_handlers[i] = handlers[i];
    write_program();
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        execute(&s_machine, (i32)i);
        checksum = mix(checksum, s_machine.executed);
        checksum = mix(checksum, (u64)(u32)s_machine.variables[2] << 32 | (u32)s_machine.variables[3]);
    }
    return checksum;
}
