/* wasi.c - WASI in a runner, as far as SDKs use it: a clock, output, randomness that is the same each time, and no arguments or environment. */
#include "guest.h"

#include <stdio.h>
#include <string.h>

#define OK 0
#define BAD_FILE 8
#define FAULT 21

static int32_t answer(uint64_t *slots, bool is_done)
{
    slots[0] = is_done ? OK : FAULT;
    return 0;
}

static bool place(uint64_t address, const void *value, size_t length)
{
    uint8_t *target = guest_bytes((uint32_t)address, length);
    if (target != NULL) memcpy(target, value, length);
    return target != NULL;
}

static int32_t clock_time(void *context, uint64_t *slots)
{
    static struct message s_call;
    (void)context;
    host_begin(&s_call, HOST_CLOCK);
    put_u32(&s_call, slots[0] == 0 ? 0 : 1);
    struct message *reply;
    if (host_call(&s_call, &reply) != OK) return answer(slots, false);
    uint64_t time = take_u64(reply);
    return answer(slots, place(slots[2], &time, sizeof time));
}

static int32_t two_zeros(void *context, uint64_t *slots)
{
    (void)context;
    uint32_t zero = 0;
    return answer(slots, place(slots[0], &zero, sizeof zero) && place(slots[1], &zero, sizeof zero));
}

static int32_t nothing(void *context, uint64_t *slots)
{
    (void)context;
    return answer(slots, true);
}

static int32_t fd_write(void *context, uint64_t *slots)
{
    (void)context;
    if (slots[0] != 1 && slots[0] != 2) {
        slots[0] = BAD_FILE;
        return 0;
    }
    uint32_t total = 0;
    for (uint32_t index = 0; index < (uint32_t)slots[2]; index++) {
        uint32_t vector[2];
        const uint8_t *entry = guest_bytes((uint32_t)slots[1] + (8 * index), sizeof vector);
        if (entry == NULL) return answer(slots, false);
        memcpy(vector, entry, sizeof vector);
        const uint8_t *bytes = guest_bytes(vector[0], vector[1]);
        if (bytes == NULL) return answer(slots, false);
        fwrite(bytes, 1, vector[1], stderr);
        total += vector[1];
    }
    return answer(slots, place(slots[3], &total, sizeof total));
}

static int32_t random_get(void *context, uint64_t *slots)
{
    (void)context;
    static uint64_t s_state = UINT64_C(0x9e3779b97f4a7c15); /* the same each time, so that runs can be compared */
    uint8_t *bytes = guest_bytes((uint32_t)slots[0], (uint32_t)slots[1]);
    for (uint32_t index = 0; bytes != NULL && index < (uint32_t)slots[1]; index++) {
        s_state = (s_state * UINT64_C(6364136223846793005)) + 1;
        bytes[index] = (uint8_t)(s_state >> 56);
    }
    return answer(slots, bytes != NULL);
}

static int32_t proc_exit(void *context, uint64_t *slots)
{
    (void)context, (void)slots;
    return TRAP_EXIT;
}

host_function *wasi_function_find(const char *name)
{
    static const struct { const char *name; host_function *function; } s_functions[] = {
        {"clock_time_get", clock_time}, {"environ_sizes_get", two_zeros}, {"args_sizes_get", two_zeros}, {"environ_get", nothing},
        {"args_get", nothing}, {"fd_write", fd_write}, {"random_get", random_get}, {"proc_exit", proc_exit},
    };
    for (size_t index = 0; index < sizeof s_functions / sizeof s_functions[0]; index++)
        if (strcmp(s_functions[index].name, name) == 0) return s_functions[index].function;
    return NULL;
}
