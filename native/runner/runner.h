/* runner.h - what the two metals of a runner have in common. */
#ifndef BIMETAL_RUNNER_H
#define BIMETAL_RUNNER_H

#include "wire.h"

/* In the order of the driver's StreamCallback. */
enum callback {
    CALLBACK_REQUEST_HEADERS,
    CALLBACK_REQUEST_BODY,
    CALLBACK_REQUEST_TRAILERS,
    CALLBACK_RESPONSE_HEADERS,
    CALLBACK_RESPONSE_BODY,
    CALLBACK_RESPONSE_TRAILERS,
    CALLBACK_LOG,
    CALLBACK_COUNT,
};

/* What a callback returns that has told the driver of its trap already; no action of a plugin. */
#define CALL_REPORTED INT32_MIN

/* The bytes live as long as the process. */
struct configuration {
    const uint8_t *bytes;
    size_t length;
};

/* One plugin, one stream at a time. */
struct metal {
    int32_t (*configure)(const struct configuration *vm, const struct configuration *plugin, uint32_t *callbacks);
    void (*begin)(void);
    int32_t (*call)(enum callback callback, uint64_t size, uint32_t end);
    void (*end)(void);
    void (*root)(void); /* each callback that belongs to no stream, once; null on wasm */
};

/* Each ends the process with a message when the plugin cannot be loaded. */
const struct metal *native_load(const char *path);
const struct metal *guest_load(const char *plan, const char *code);

/* Calls a function of the guest by its index, for kernels and the specification's tests; a trap code, or 0 and the results in the slots. */
int32_t guest_invoke(uint32_t function, uint64_t *slots, uint32_t slot_count);

#endif
