// memory.copy and memory.fill of guest code. Part of every guest image that needs them, so that a fault or a signal in here is a fault
// in guest code: nothing of libc is ever on the stack when a guest is abandoned. Bounds are checked by the caller (Emit/Prelude.cs).
//
// Compiled freestanding and without builtins: a compiler that sees a copying loop would otherwise make it a call of memcpy. Those
// names exist here as well, for the case that LLVM makes such a call of something else.

typedef unsigned char byte;
typedef unsigned long size;
typedef byte vector __attribute__((vector_size(16), aligned(1)));
typedef unsigned long word __attribute__((aligned(1), may_alias));
typedef unsigned int half __attribute__((aligned(1), may_alias));
typedef unsigned short quarter __attribute__((aligned(1), may_alias));

// From here on the string instructions of x64 win over a loop of vectors.
#define STRING_INSTRUCTION_BYTES 2048

#define LOAD(type, address) (*(const type *)(address))
#define STORE(type, address, value) (*(type *)(address) = (value))

// Up to 16 bytes: everything is loaded before anything is stored, so overlap does not matter.
static inline void move_small(byte *to, const byte *from, size count) {
    if (count >= 8) {
        word first = LOAD(word, from), last = LOAD(word, from + count - 8);
        STORE(word, to, first);
        STORE(word, to + count - 8, last);
    } else if (count >= 4) {
        half first = LOAD(half, from), last = LOAD(half, from + count - 4);
        STORE(half, to, first);
        STORE(half, to + count - 4, last);
    } else if (count >= 2) {
        quarter first = LOAD(quarter, from), last = LOAD(quarter, from + count - 2);
        STORE(quarter, to, first);
        STORE(quarter, to + count - 2, last);
    } else if (count == 1) {
        *to = *from;
    }
}

// 17 to 64 bytes, likewise.
static inline void move_medium(byte *to, const byte *from, size count) {
    if (count <= 32) {
        vector first = LOAD(vector, from), last = LOAD(vector, from + count - 16);
        STORE(vector, to, first);
        STORE(vector, to + count - 16, last);
        return;
    }
    vector a = LOAD(vector, from), b = LOAD(vector, from + 16);
    vector c = LOAD(vector, from + count - 32), d = LOAD(vector, from + count - 16);
    STORE(vector, to, a);
    STORE(vector, to + 16, b);
    STORE(vector, to + count - 32, c);
    STORE(vector, to + count - 16, d);
}

// Rising addresses: right when the destination begins below the source or past its end. The first 16 and the last 64 bytes are read
// first, because the loop may overwrite them; the loop begins where the destination is aligned, so that no store of it crosses a cache line.
static inline void move_forward(byte *to, const byte *from, size count) {
    const byte *tail = from + count - 64;
    byte *begin = to, *end = to + count - 64;
    vector head = LOAD(vector, from);
    vector a = LOAD(vector, tail), b = LOAD(vector, tail + 16), c = LOAD(vector, tail + 32), d = LOAD(vector, tail + 48);
    size skipped = 16 - ((size)to & 15);
    to += skipped;
    from += skipped;
    for (; to < end; to += 64, from += 64) {
        vector e = LOAD(vector, from), f = LOAD(vector, from + 16);
        vector g = LOAD(vector, from + 32), h = LOAD(vector, from + 48);
        STORE(vector, to, e);
        STORE(vector, to + 16, f);
        STORE(vector, to + 32, g);
        STORE(vector, to + 48, h);
    }
    STORE(vector, begin, head);
    STORE(vector, end, a);
    STORE(vector, end + 16, b);
    STORE(vector, end + 32, c);
    STORE(vector, end + 48, d);
}

// Falling addresses; the first 64 bytes are read first.
static inline void move_backward(byte *to, const byte *from, size count) {
    vector a = LOAD(vector, from), b = LOAD(vector, from + 16), c = LOAD(vector, from + 32), d = LOAD(vector, from + 48);
    for (size left = count; left > 64; left -= 64) {
        const byte *source = from + left - 64;
        byte *target = to + left - 64;
        vector e = LOAD(vector, source), f = LOAD(vector, source + 16), g = LOAD(vector, source + 32), h = LOAD(vector, source + 48);
        STORE(vector, target, e);
        STORE(vector, target + 16, f);
        STORE(vector, target + 32, g);
        STORE(vector, target + 48, h);
    }
    STORE(vector, to, a);
    STORE(vector, to + 16, b);
    STORE(vector, to + 32, c);
    STORE(vector, to + 48, d);
}

#if defined(__x86_64__)
// At least 64 bytes that do not overlap. The string instruction is faster when its destination begins with a cache line.
static inline void move_string(byte *to, const byte *from, size count) {
    vector a = LOAD(vector, from), b = LOAD(vector, from + 16), c = LOAD(vector, from + 32), d = LOAD(vector, from + 48);
    STORE(vector, to, a);
    STORE(vector, to + 16, b);
    STORE(vector, to + 32, c);
    STORE(vector, to + 48, d);
    size skipped = 64 - ((size)to & 63);
    to += skipped;
    from += skipped;
    count -= skipped;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}
#endif

void bimetal_memory_move(byte *to, const byte *from, size count) {
    if (count <= 16) {
        move_small(to, from, count);
        return;
    }
    if (count <= 64) {
        move_medium(to, from, count);
        return;
    }
    // Unsigned: also true when the destination lies below the source.
    size distance = (size)to - (size)from;
    if (distance < count) {
        move_backward(to, from, count);
        return;
    }
#if defined(__x86_64__)
    if (count >= STRING_INSTRUCTION_BYTES && (size)from - (size)to >= count) {
        move_string(to, from, count);
        return;
    }
#endif
    move_forward(to, from, count);
}

void bimetal_memory_set(byte *to, int value, size count) {
    word pattern = 0x0101010101010101UL * (byte)value;
    if (count < 16) {
        if (count >= 8) {
            STORE(word, to, pattern);
            STORE(word, to + count - 8, pattern);
        } else if (count >= 4) {
            STORE(half, to, (half)pattern);
            STORE(half, to + count - 4, (half)pattern);
        } else if (count >= 2) {
            STORE(quarter, to, (quarter)pattern);
            STORE(quarter, to + count - 2, (quarter)pattern);
        } else if (count == 1) {
            *to = (byte)value;
        }
        return;
    }
#if defined(__x86_64__)
    if (count >= STRING_INSTRUCTION_BYTES) {
        __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
        return;
    }
#endif
    vector wide = (vector)((vector){0} + (byte)value);
    size done = 0;
    for (; done + 64 <= count; done += 64) {
        STORE(vector, to + done, wide);
        STORE(vector, to + done + 16, wide);
        STORE(vector, to + done + 32, wide);
        STORE(vector, to + done + 48, wide);
    }
    for (; done + 16 <= count; done += 16) STORE(vector, to + done, wide);
    STORE(vector, to + count - 16, wide);
}

void *memcpy(void *restrict to, const void *restrict from, size count) {
    bimetal_memory_move(to, from, count);
    return to;
}

void *memmove(void *to, const void *from, size count) {
    bimetal_memory_move(to, from, count);
    return to;
}

void *memset(void *to, int value, size count) {
    bimetal_memory_set(to, value, count);
    return to;
}
