// The trap shim: the only native code of the runtime. It enters guests, turns their faults into trap codes, stops them at their
// CPU limit, and makes the system calls behind linear memories. src/Bimetal.Wasm.Runtime/Traps/Shim.cs declares the same functions.
//
// Everything here is in C because it must be async-signal-safe, or because it must not be a managed frame.

#ifndef BIMETAL_SHIM_H
#define BIMETAL_SHIM_H

#include <stdint.h>

#pragma GCC visibility push(default)

// Reasons why a guest stopped; the numbers are those of Bimetal.Wasm.Abi.TrapCode.
enum bimetal_trap {
    BIMETAL_TRAP_NONE = 0,
    BIMETAL_TRAP_UNREACHABLE = 1,
    BIMETAL_TRAP_INTEGER_DIVIDE_BY_ZERO = 2,
    BIMETAL_TRAP_MEMORY_OUT_OF_BOUNDS = 5,
    BIMETAL_TRAP_STACK_OVERFLOW = 10,
    BIMETAL_TRAP_DEADLINE_EXCEEDED = 11,
    BIMETAL_TRAP_EXIT = 13,
    BIMETAL_TRAP_RESOURCE_LIMIT = 14,
};

// What bimetal_enter returns besides trap codes: the guest was not entered.
enum bimetal_refusal {
    BIMETAL_REFUSED_BUSY = -1,       // another thread is in the instance, or in one linked with it
    BIMETAL_REFUSED_ABANDONED = -2,  // it was stopped in the middle of an instruction sequence and not reset since
    BIMETAL_REFUSED_THREAD = -3,     // this thread could not be prepared (no memory for its alternate signal stack)
};

// Offsets in the instance context that the shim writes; those of Bimetal.Wasm.Abi.ContextHeader.
#define BIMETAL_CONTEXT_STACK_LIMIT 16
#define BIMETAL_CONTEXT_INTERRUPT 24

// A slot: everything that a 32-bit index, a 32-bit offset and a 16-byte access can reach, and a margin.
#define BIMETAL_SLOT_BYTES ((UINT64_C(8) << 30) + 65536)

// Below its base: a byte for each granule of what can be addressed, set before the granule is written by code that marks its writes, and
// by the host. The numbers are those of Bimetal.Wasm.Abi.WriteMarks.
#define BIMETAL_GRANULE_SHIFT 7
#define BIMETAL_MARK_REACH 48    // a mark also stands for writes that begin so many bytes behind the one that set it
#define BIMETAL_MARK_BYTES (UINT64_C(8) << (30 - BIMETAL_GRANULE_SHIFT))

// Below the marks: a byte for each sheet of a memory's 4 GiB, set while the sheet is closed: it shows a clone's image, nobody has written
// there, and a write faults. The first one, be it a guest's or the host's, opens it, so that marks need to be looked for in few places. The
// kernel opens nothing: it must not be given a closed sheet to write to.
#define BIMETAL_SHEET_SHIFT 14
#define BIMETAL_SHEET_FLAGS (UINT64_C(1) << (32 - BIMETAL_SHEET_SHIFT))

// The contexts of instances that are linked with each other: stack limit and interruption reach all of them.
struct bimetal_context_list {
    uint64_t count;
    char *contexts[];
};

// One per linked group; the runtime allocates it zeroed and replaces the list when instances are linked.
struct bimetal_group {
    struct bimetal_context_list *list;
    void *owner;          // the thread that is in one of the instances
    uint32_t abandoned;   // set when a guest was stopped at an arbitrary instruction
    uint32_t is_linked;   // whether the list has more than the context of one instance
};

typedef void bimetal_entry(void *context, void *code, uint64_t *buffer);

// Process. Returns 0 or an errno. Call once, after the runtime has installed its own signal handlers.
int32_t bimetal_initialize(void);
int32_t bimetal_deadline_signal(void);

// Entry. cpu_limit_ns 0: no deadline. Returns a trap code or a refusal.
int32_t bimetal_enter(struct bimetal_group *group, void *context, void *code, uint64_t *buffer, bimetal_entry *entry, uint64_t cpu_limit_ns);
_Noreturn void bimetal_raise(void *context, uint32_t trap_code);
uint32_t bimetal_trace(uintptr_t *frames, uint32_t capacity, uint32_t *is_cut);    // of the thread's last trap: program counters, innermost first
void *bimetal_raise_address(void);    // of bimetal_raise, for the contexts
uint64_t bimetal_thread_cpu_ns(void);

// What stops code at its deadline; the numbers are those of Bimetal.Wasm.Abi.InterruptMode.
enum bimetal_interrupt {
    BIMETAL_INTERRUPT_SIGNAL = 0,    // the signal, at whatever instruction it is
    BIMETAL_INTERRUPT_POLL = 1,      // it looks at BIMETAL_CONTEXT_INTERRUPT itself
    BIMETAL_INTERRUPT_NONE = 2,
};

// Registries that the signal handlers read. Return 0 or an errno.
int32_t bimetal_add_code(uintptr_t start, uintptr_t end, uint32_t interrupt);
void bimetal_remove_code(uintptr_t start);
void bimetal_map_code(uintptr_t start, uintptr_t base, const void *map, uint64_t map_bytes);    // what Abi/CodeMap.cs describes, for added code

// Memory. Each returns 0 or an errno unless it says otherwise.
int32_t bimetal_slot_reserve(void **base);
void bimetal_slot_release(void *base);
int32_t bimetal_slot_commit(void *base, uint64_t from, uint64_t to);      // bytes from .. to become readable and writable, all zero
int32_t bimetal_slot_decommit(void *base, uint64_t from, uint64_t to);    // and give up their contents and access again
int32_t bimetal_slot_map_image(void *base, int32_t image, uint64_t bytes, uint32_t is_closed);    // closed: all of its sheets are
int32_t bimetal_slot_clear(void *base, uint64_t bytes);                   // back to a fresh reservation
int32_t bimetal_slots_fit(uint32_t count);                                // whether so many could be reserved, side by side

// A region: as much as its memory may grow to and no more, without marks. Only for code that compares each index with the length itself.
int32_t bimetal_region_reserve(uint64_t bytes, void **base);
void bimetal_region_release(void *base, uint64_t bytes);
int32_t bimetal_region_commit(void *base, uint64_t from, uint64_t to);
int32_t bimetal_region_map_image(void *base, int32_t image, uint64_t bytes);

// Gives the first `bytes` bytes, a mapped image, their contents back; `view` is that image. Beyond maximum_warm_pages written
// pages the slot gives them up instead of copying. *pages is the number of written pages found.
int32_t bimetal_slot_restore(void *base, const void *view, uint64_t bytes, uint64_t maximum_warm_pages, uint64_t *pages);

// The same for a memory of which every write since its last restoration was marked, and whose guest was never stopped early: copies what
// is marked, and takes the marks of its `length` bytes away. Returns their number.
uint64_t bimetal_slot_restore_marked(void *base, const void *view, uint64_t bytes, uint64_t length);

// What a reset needs of a clone that has written nothing but its memory, which is as long as its image, and its globals: all in one place.
struct bimetal_clone {
    void *memory;
    const void *view;
    uint64_t bytes;
    uint64_t *globals;
    uint64_t globals_count;    // of words
    uint64_t values[];         // of the globals, in the snapshot
};
// As bimetal_slot_restore_marked; the first one UINT64_MAX, and nothing done, where more than a few sheets are open.
uint64_t bimetal_clone_restore(const struct bimetal_clone *clone);
uint64_t bimetal_clone_restore_all(const struct bimetal_clone *clone);
int32_t bimetal_slot_clear_marks(void *base, uint64_t length);

// How written pages are found.
enum bimetal_restore_method {
    BIMETAL_RESTORE_SCAN = 0,       // PAGEMAP_SCAN, Linux 6.7
    BIMETAL_RESTORE_PAGEMAP = 1,    // /proc/self/pagemap
    BIMETAL_RESTORE_DROP = 2,       // not at all: all private pages are dropped
};
int32_t bimetal_restore_method(void);
int32_t bimetal_restore_force(int32_t method);    // for tests; EINVAL when it is not available here

// A sealed file of `bytes` bytes with the contents of a memory, whose first mapped_bytes are a mapped image themselves.
int32_t bimetal_image_create(const void *memory, uint64_t bytes, uint64_t mapped_bytes, int32_t *file, void **view);
void bimetal_image_close(int32_t file, void *view, uint64_t bytes);

struct bimetal_segment {
    uint64_t address;        // from the start of the reservation, page aligned
    uint64_t file_offset;    // page aligned
    uint64_t bytes;
    uint64_t is_executable;  // otherwise read only; nothing of an image is writable
};

// Maps a sealed copy of a code image into a fresh reservation of `span` bytes; on request a copy in anonymous memory instead.
int32_t bimetal_code_map(const void *image, uint64_t image_bytes, const struct bimetal_segment *segments, uint32_t count, uint64_t span, uint32_t is_anonymous,
                         void **base);
void bimetal_code_unmap(void *base, uint64_t span);

#pragma GCC visibility pop

#endif
