/* guest.h - an instance of a module in a runner, as its host functions see it. */
#ifndef BIMETAL_RUNNER_GUEST_H
#define BIMETAL_RUNNER_GUEST_H

#include "runner.h"

/* Trap codes beside those of the shim (src/Bimetal.Wasm/Abi/TrapCode.cs). */
#define TRAP_TABLE_OUT_OF_BOUNDS 6
#define TRAP_HOST_ERROR 12
#define TRAP_EXIT 13

typedef int32_t host_function(void *context, uint64_t *slots);

/* The function of an import, or null when a runner has none. Keeps the name. */
host_function *host_function_find(const char *module, const char *name);
host_function *wasi_function_find(const char *name);

/* Bytes of linear memory, or null when the range leaves it. */
uint8_t *guest_bytes(uint32_t address, uint64_t length);

/* Calls an export; false when there is none. Traps are kept in *trap, and slots have the results. */
bool guest_call(const char *name, uint64_t *slots, int32_t *trap);

/* What proxy_get_buffer_bytes gives while the plugin starts, and while it is configured; null otherwise. */
extern const struct configuration *guest_vm_configuration;
extern const struct configuration *guest_configuration;

/* Whether a stream is open, so that its host functions work. */
extern bool guest_has_stream;

#endif
