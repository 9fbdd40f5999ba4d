/* instance.h - the one instance of a module in a runner: plan.c makes it, builtins.c and guest.c work on it. */
#ifndef BIMETAL_RUNNER_INSTANCE_H
#define BIMETAL_RUNNER_INSTANCE_H

#include "guest.h"

#include "bimetal_shim.h"

#define PAGE_BYTES 65536u
#define TABLE_LIMIT 65536u /* elements of a table */
#define BUILTIN_COUNT 8

/* Layouts of Bimetal.Wasm.Abi, with what only the runner needs behind them. */
struct record { uint64_t code, context; uint32_t type_id; int32_t tail_offset; uint64_t self; };
struct table { struct record *elements; uint32_t length; uint32_t pad; uint32_t maximum; };
struct memory { char *base; uint64_t bytes; uint64_t maximum_pages; };

struct element_segment { uint32_t mode, table, offset, count; bool is_dropped; uint64_t *items; };
struct data_segment { uint32_t mode; uint64_t offset; size_t length; bool is_dropped; const uint8_t *bytes; };
struct export { char *name; uint32_t function; };

struct instance {
    char *context;
    uint32_t context_bytes;
    char *root;              /* of the code image */
    const int32_t *offsets;  /* of functions, entries, thunks, tail entries, from the root */
    uint32_t own_count, type_count, import_count, tail_count;
    uint32_t *function_types; /* of the function index space */
    uint64_t *record_of;      /* offset in the context of a function's record */
    struct memory memory;
    struct table *tables;
    uint32_t table_count;
    struct element_segment *elements;
    struct data_segment *data;
    struct export *exports;
    uint32_t export_count;
    struct bimetal_group group;
};

extern struct instance instance;
extern host_function *const builtins[BUILTIN_COUNT]; /* in the order of Builtin in Abi/ContextLayout.cs */

/* Makes the instance as a plan says, with its active segments and its start function. */
void instance_make(const char *plan, const char *code);

/* Code of a function of the index space; null when nothing outside of the module's code can reach it. */
void *instance_code_of(uint32_t function);
int32_t instance_enter(uint32_t function, uint64_t *slots);

/* A zeroed array of at least one element. */
void *room(size_t count, size_t size);

#endif
