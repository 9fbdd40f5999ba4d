/*
 * proxy.c - proxy-wasm's host functions in a runner: those that the SDK uses and a few more. Each reads its arguments from guest memory, asks the
 * driver, and places what comes back where the guest allocates it (src/Bimetal.Plugins/ProxyWasm/Functions is the gateway's own).
 */
#include "guest.h"

#include <string.h>

#define OK 0
#define NOT_FOUND 1
#define BAD_ARGUMENT 2
#define INVALID_MEMORY 6
#define INTERNAL_FAILURE 10
#define UNIMPLEMENTED 12
#define LAST_STREAM_MAP 3u
#define VM_CONFIGURATION 6u
#define PLUGIN_CONFIGURATION 7u

static struct message s_call;
static int32_t s_trap; /* of an allocator that was called on the way */

static int32_t answer(uint64_t *slots, int32_t status)
{
    int32_t trap = s_trap;
    s_trap = 0;
    slots[0] = (uint32_t)status;
    return trap;
}

static const uint8_t *argument(const uint64_t *slots, int index) { return guest_bytes((uint32_t)slots[index], (uint32_t)slots[index + 1]); }

static bool put_argument(const uint64_t *slots, int index)
{
    const uint8_t *bytes = argument(slots, index);
    if (bytes != NULL) put_bytes(&s_call, bytes, (uint32_t)slots[index + 1]);
    return bytes != NULL;
}

static int32_t return_u32(uint64_t address, uint32_t value)
{
    uint8_t *target = guest_bytes((uint32_t)address, sizeof value);
    if (target != NULL) memcpy(target, &value, sizeof value);
    return target != NULL ? OK : INVALID_MEMORY;
}

static int32_t return_u64(uint64_t address, uint64_t value)
{
    uint8_t *target = guest_bytes((uint32_t)address, sizeof value);
    if (target != NULL) memcpy(target, &value, sizeof value);
    return target != NULL ? OK : INVALID_MEMORY;
}

static int32_t return_bytes(const uint8_t *bytes, size_t length, uint64_t pointer_at, uint64_t length_at)
{
    if (guest_bytes((uint32_t)pointer_at, 4) == NULL || guest_bytes((uint32_t)length_at, 4) == NULL) return INVALID_MEMORY;
    uint64_t slots[2] = {length};
    if (length > 0) {
        if (!guest_call("proxy_on_memory_allocate", slots, &s_trap) && !guest_call("malloc", slots, &s_trap)) return INTERNAL_FAILURE;
        if (s_trap != 0 || (uint32_t)slots[0] == 0) return INTERNAL_FAILURE;
        uint8_t *target = guest_bytes((uint32_t)slots[0], length);
        if (target == NULL) {
            s_trap = TRAP_HOST_ERROR;
            return INTERNAL_FAILURE;
        }
        memcpy(target, bytes, length);
    } else {
        slots[0] = 0;
    }
    return_u32(pointer_at, (uint32_t)slots[0]);
    return return_u32(length_at, (uint32_t)length);
}

/* Asks, and hands the bytes of the reply over. */
static int32_t ask_for_bytes(uint64_t pointer_at, uint64_t length_at)
{
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status != OK) return status;
    size_t length;
    const uint8_t *bytes = take_bytes(reply, &length);
    return return_bytes(bytes, length, pointer_at, length_at);
}

static int32_t get_value(void *context, uint64_t *slots)
{
    (void)context;
    if (argument(slots, 1) == NULL) return answer(slots, INVALID_MEMORY);
    if (!guest_has_stream || slots[0] > LAST_STREAM_MAP) return answer(slots, BAD_ARGUMENT);
    host_begin(&s_call, HOST_HEADER_GET);
    put_u32(&s_call, (uint32_t)slots[0]);
    put_argument(slots, 1);
    return answer(slots, ask_for_bytes(slots[3], slots[4]));
}

static int32_t change(uint64_t *slots, enum host_function function, bool has_value)
{
    if (argument(slots, 1) == NULL || (has_value && argument(slots, 3) == NULL)) return answer(slots, INVALID_MEMORY);
    if (!guest_has_stream || slots[0] > LAST_STREAM_MAP) return answer(slots, BAD_ARGUMENT);
    host_begin(&s_call, function);
    put_u32(&s_call, (uint32_t)slots[0]);
    put_argument(slots, 1);
    if (has_value) put_argument(slots, 3);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t add_value(void *context, uint64_t *slots) { return (void)context, change(slots, HOST_HEADER_ADD, true); }

static int32_t replace_value(void *context, uint64_t *slots) { return (void)context, change(slots, HOST_HEADER_SET, true); }

static int32_t remove_value(void *context, uint64_t *slots) { return (void)context, change(slots, HOST_HEADER_REMOVE, false); }

static int32_t set_pairs(void *context, uint64_t *slots) { return (void)context, change(slots, HOST_SET_PAIRS, false); }

static int32_t get_pairs(void *context, uint64_t *slots)
{
    (void)context;
    if (slots[0] > 7) return answer(slots, BAD_ARGUMENT);
    if (!guest_has_stream || slots[0] > LAST_STREAM_MAP) return answer(slots, return_bytes(NULL, 0, slots[1], slots[2]));
    host_begin(&s_call, HOST_HEADER_PAIRS);
    put_u32(&s_call, (uint32_t)slots[0]);
    return answer(slots, ask_for_bytes(slots[1], slots[2]));
}

static int32_t get_buffer(void *context, uint64_t *slots)
{
    (void)context;
    if (slots[0] > 8) return answer(slots, BAD_ARGUMENT);
    if (slots[0] == VM_CONFIGURATION || slots[0] == PLUGIN_CONFIGURATION) {
        const struct configuration *configuration = slots[0] == VM_CONFIGURATION ? guest_vm_configuration : guest_configuration;
        if (configuration == NULL) return answer(slots, NOT_FOUND);
        size_t start = (uint32_t)slots[1] < configuration->length ? (uint32_t)slots[1] : configuration->length;
        size_t length = (uint32_t)slots[2] < configuration->length - start ? (uint32_t)slots[2] : configuration->length - start;
        return answer(slots, return_bytes(configuration->bytes + start, length, slots[3], slots[4]));
    }
    if (!guest_has_stream || slots[0] > 1) return answer(slots, NOT_FOUND);
    host_begin(&s_call, HOST_BODY_GET);
    put_u32(&s_call, (uint32_t)slots[0]);
    put_u64(&s_call, (uint32_t)slots[1]);
    put_u64(&s_call, (uint32_t)slots[2]);
    return answer(slots, ask_for_bytes(slots[3], slots[4]));
}

static int32_t set_buffer(void *context, uint64_t *slots)
{
    (void)context;
    if (slots[0] > 8) return answer(slots, BAD_ARGUMENT);
    if (argument(slots, 3) == NULL) return answer(slots, INVALID_MEMORY);
    if (!guest_has_stream || slots[0] > 1) return answer(slots, NOT_FOUND);
    host_begin(&s_call, HOST_BODY_REPLACE);
    put_u32(&s_call, (uint32_t)slots[0]);
    put_u64(&s_call, (uint32_t)slots[1]);
    put_u64(&s_call, (uint32_t)slots[2]);
    put_argument(slots, 3);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t respond(void *context, uint64_t *slots)
{
    (void)context;
    if (argument(slots, 1) == NULL || argument(slots, 3) == NULL || argument(slots, 5) == NULL) return answer(slots, INVALID_MEMORY);
    if (!guest_has_stream) return answer(slots, BAD_ARGUMENT);
    host_begin(&s_call, HOST_RESPOND_PAIRS);
    put_u32(&s_call, (uint32_t)slots[0]);
    put_argument(slots, 5);
    put_argument(slots, 3);
    put_u32(&s_call, (uint32_t)slots[7]);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t continue_stream(void *context, uint64_t *slots)
{
    (void)context;
    if (slots[0] > 1) return answer(slots, slots[0] <= 3 ? UNIMPLEMENTED : BAD_ARGUMENT);
    if (!guest_has_stream) return answer(slots, BAD_ARGUMENT);
    host_begin(&s_call, HOST_CONTINUE);
    put_u32(&s_call, (uint32_t)slots[0]);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t close_stream(void *context, uint64_t *slots)
{
    (void)context;
    if (slots[0] > 1) return answer(slots, slots[0] <= 3 ? UNIMPLEMENTED : BAD_ARGUMENT);
    if (!guest_has_stream) return answer(slots, BAD_ARGUMENT);
    host_begin(&s_call, HOST_RESET);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t get_property(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_PROPERTY);
    return answer(slots, put_argument(slots, 0) ? ask_for_bytes(slots[2], slots[3]) : INVALID_MEMORY);
}

static int32_t set_property(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_SET_PROPERTY);
    if (!put_argument(slots, 0) || !put_argument(slots, 2)) return answer(slots, INVALID_MEMORY);
    return answer(slots, guest_has_stream ? host_call(&s_call, NULL) : NOT_FOUND);
}

static int32_t get_shared(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_SHARED_GET);
    if (!put_argument(slots, 0) || guest_bytes((uint32_t)slots[4], 4) == NULL) return answer(slots, INVALID_MEMORY);
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status != OK) return answer(slots, status);
    size_t length;
    const uint8_t *bytes = take_bytes(reply, &length);
    uint32_t cas = (uint32_t)take_u64(reply);
    status = return_bytes(bytes, length, slots[2], slots[3]);
    return answer(slots, status == OK ? return_u32(slots[4], cas) : status);
}

static int32_t set_shared(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_SHARED_SET);
    if (!put_argument(slots, 0) || !put_argument(slots, 2)) return answer(slots, INVALID_MEMORY);
    put_u64(&s_call, (uint32_t)slots[4]);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t write_log(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_LOG);
    put_u32(&s_call, (uint32_t)slots[0]);
    return answer(slots, put_argument(slots, 1) ? host_call(&s_call, NULL) : INVALID_MEMORY);
}

static int32_t ask_for_number(uint64_t *value)
{
    struct message *reply;
    int32_t status = host_call(&s_call, &reply);
    if (status == OK) *value = take_u64(reply);
    return status;
}

static int32_t ask_for_u64(enum host_function function, int32_t clock, uint64_t *value)
{
    host_begin(&s_call, function);
    if (clock >= 0) put_u32(&s_call, (uint32_t)clock);
    return ask_for_number(value);
}

static int32_t ask_for_id(uint64_t address)
{
    if (guest_bytes((uint32_t)address, 4) == NULL) return INVALID_MEMORY;
    uint64_t id = 0;
    int32_t status = ask_for_number(&id);
    return status == OK ? return_u32(address, (uint32_t)id) : status;
}

static int32_t define_metric(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_METRIC_DEFINE);
    put_u32(&s_call, (uint32_t)slots[0]);
    return answer(slots, put_argument(slots, 1) ? ask_for_id(slots[3]) : INVALID_MEMORY);
}

static int32_t change_metric(uint64_t *slots, enum host_function function)
{
    host_begin(&s_call, function);
    put_u32(&s_call, (uint32_t)slots[0]);
    put_u64(&s_call, slots[1]);
    return answer(slots, host_call(&s_call, NULL));
}

static int32_t increment_metric(void *context, uint64_t *slots) { return (void)context, change_metric(slots, HOST_METRIC_ADD); }

static int32_t record_metric(void *context, uint64_t *slots) { return (void)context, change_metric(slots, HOST_METRIC_RECORD); }

static int32_t get_metric(void *context, uint64_t *slots)
{
    (void)context;
    if (guest_bytes((uint32_t)slots[1], 8) == NULL) return answer(slots, INVALID_MEMORY);
    host_begin(&s_call, HOST_METRIC_GET);
    put_u32(&s_call, (uint32_t)slots[0]);
    uint64_t value = 0;
    int32_t status = ask_for_number(&value);
    return answer(slots, status == OK ? return_u64(slots[1], value) : status);
}

static int32_t register_queue(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_QUEUE_OPEN);
    return answer(slots, put_argument(slots, 0) ? ask_for_id(slots[2]) : INVALID_MEMORY);
}

static int32_t enqueue(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_QUEUE_PUSH);
    put_u32(&s_call, (uint32_t)slots[0]);
    return answer(slots, put_argument(slots, 1) ? host_call(&s_call, NULL) : INVALID_MEMORY);
}

static int32_t dequeue(void *context, uint64_t *slots)
{
    (void)context;
    host_begin(&s_call, HOST_QUEUE_POP);
    put_u32(&s_call, (uint32_t)slots[0]);
    return answer(slots, ask_for_bytes(slots[1], slots[2]));
}

static int32_t log_level(void *context, uint64_t *slots)
{
    (void)context;
    uint64_t level = 0;
    int32_t status = ask_for_u64(HOST_LOG_LEVEL, -1, &level);
    return answer(slots, status == OK ? return_u32(slots[0], (uint32_t)level) : status);
}

static int32_t current_time(void *context, uint64_t *slots)
{
    (void)context;
    uint64_t time = 0;
    int32_t status = ask_for_u64(HOST_CLOCK, 0, &time);
    return answer(slots, status == OK ? return_u64(slots[0], time) : status);
}

static int32_t ok(void *context, uint64_t *slots)
{
    (void)context;
    return answer(slots, OK);
}

/* Cases have no upstreams, so whatever is named is unknown. */
static int32_t http_call(void *context, uint64_t *slots)
{
    (void)context;
    return answer(slots, BAD_ARGUMENT);
}

/* What the specification's tests import from "spectest" prints. */
static int32_t print(void *context, uint64_t *slots)
{
    (void)context, (void)slots;
    return 0;
}

/* ---- What a module imports and a runner lacks: many SDKs import the whole ABI, and a plugin calls little of it. It is named when it is called. */

#define MISSING_LIMIT 16

static const char *s_missing[MISSING_LIMIT];
static size_t s_missing_count;

#define MISSING(number)                                                                        \
    static int32_t missing_##number(void *context, uint64_t *slots)                            \
    {                                                                                          \
        (void)context, (void)slots;                                                            \
        runner_fail("calls %s, which a runner does not have", s_missing[number]);              \
    }
MISSING(0) MISSING(1) MISSING(2) MISSING(3) MISSING(4) MISSING(5) MISSING(6) MISSING(7)
MISSING(8) MISSING(9) MISSING(10) MISSING(11) MISSING(12) MISSING(13) MISSING(14) MISSING(15)

static host_function *missing(const char *name)
{
    static host_function *const s_functions[MISSING_LIMIT] = {missing_0, missing_1, missing_2,  missing_3,  missing_4,  missing_5,  missing_6,  missing_7,
                                                              missing_8, missing_9, missing_10, missing_11, missing_12, missing_13, missing_14, missing_15};
    if (strncmp(name, "proxy_", 6) != 0 || s_missing_count == MISSING_LIMIT) return NULL;
    s_missing[s_missing_count] = name;
    return s_functions[s_missing_count++];
}

host_function *host_function_find(const char *module, const char *name)
{
    static const struct { const char *name; host_function *function; } s_functions[] = {
        {"proxy_get_header_map_value", get_value}, {"proxy_add_header_map_value", add_value}, {"proxy_replace_header_map_value", replace_value},
        {"proxy_remove_header_map_value", remove_value}, {"proxy_get_header_map_pairs", get_pairs}, {"proxy_set_header_map_pairs", set_pairs},
        {"proxy_get_buffer_bytes", get_buffer}, {"proxy_set_buffer_bytes", set_buffer}, {"proxy_send_local_response", respond},
        {"proxy_continue_stream", continue_stream}, {"proxy_close_stream", close_stream}, {"proxy_get_property", get_property},
        {"proxy_set_property", set_property}, {"proxy_get_shared_data", get_shared}, {"proxy_set_shared_data", set_shared},
        {"proxy_define_metric", define_metric}, {"proxy_increment_metric", increment_metric}, {"proxy_record_metric", record_metric},
        {"proxy_get_metric", get_metric}, {"proxy_register_shared_queue", register_queue}, {"proxy_enqueue_shared_queue", enqueue},
        {"proxy_dequeue_shared_queue", dequeue}, {"proxy_log", write_log},
        {"proxy_get_log_level", log_level}, {"proxy_get_current_time_nanoseconds", current_time}, {"proxy_set_tick_period_milliseconds", ok},
        {"proxy_set_effective_context", ok}, {"proxy_http_call", http_call},
    };
    if (strcmp(module, "spectest") == 0 && strncmp(name, "print", 5) == 0) return print;
    if (strcmp(module, "wasi_snapshot_preview1") == 0 || strcmp(module, "wasi_unstable") == 0) return wasi_function_find(name);
    if (strcmp(module, "env") != 0) return NULL;
    for (size_t index = 0; index < sizeof s_functions / sizeof s_functions[0]; index++)
        if (strcmp(s_functions[index].name, name) == 0) return s_functions[index].function;
    return missing(name);
}
