/*
 * guest.c - the wasm metal in a runner: calls into the one instance, and gives each stream a fresh copy of what it was after its configuration.
 * The trap shim is the gateway's own.
 */
#include "instance.h"

#include <stdlib.h>
#include <string.h>

const struct configuration *guest_vm_configuration;
const struct configuration *guest_configuration;
bool guest_has_stream;

/* ---- Calls ------------------------------------------------------------------------------------------------------------------------ */

void *instance_code_of(uint32_t function)
{
    int32_t offset = function < instance.import_count ? instance.offsets[instance.own_count + instance.type_count + function] : instance.offsets[function - instance.import_count];
    return offset == 0 ? NULL : instance.root + offset;
}

int32_t instance_enter(uint32_t function, uint64_t *slots)
{
    bimetal_entry *entry = (bimetal_entry *)(void *)(instance.root + instance.offsets[instance.own_count + instance.function_types[function]]);
    return bimetal_enter(&instance.group, instance.context, instance_code_of(function), slots, entry, 0);
}

int32_t guest_invoke(uint32_t function, uint64_t *slots, uint32_t slot_count)
{
    (void)slot_count;
    return function < instance.own_count + instance.import_count ? instance_enter(function, slots) : TRAP_HOST_ERROR;
}

static const struct export *find(const char *name)
{
    for (uint32_t index = 0; index < instance.export_count; index++)
        if (strcmp(instance.exports[index].name, name) == 0) return &instance.exports[index];
    return NULL;
}

bool guest_call(const char *name, uint64_t *slots, int32_t *trap)
{
    const struct export *export = find(name);
    *trap = 0;
    if (export == NULL) return false;
    *trap = instance_enter(export->function, slots);
    return true;
}

uint8_t *guest_bytes(uint32_t address, uint64_t length)
{
    return address <= instance.memory.bytes && length <= instance.memory.bytes - address ? (uint8_t *)instance.memory.base + address : NULL;
}

/* ---- A fresh instance for each stream ---------------------------------------------------------------------------------------------- */

#define ROOT_CONTEXT 1u
#define STREAM_CONTEXT 2u

static char *s_kept_context, *s_kept_memory;
static uint64_t s_kept_bytes;
static struct table *s_kept_tables;
static bool s_has_failed, s_is_done;

static void report_trap(int32_t trap, uint32_t callback)
{
    static struct message s_message;
    message_begin(&s_message, ANSWER_TRAP);
    put_u32(&s_message, (uint32_t)trap);
    put_u32(&s_message, callback);
    wire_send(&s_message);
}

static void keep(void)
{
    s_kept_context = room(instance.context_bytes, 1);
    memcpy(s_kept_context, instance.context, instance.context_bytes);
    s_kept_bytes = instance.memory.bytes;
    s_kept_memory = room(s_kept_bytes, 1);
    if (s_kept_bytes > 0) memcpy(s_kept_memory, instance.memory.base, s_kept_bytes);
    s_kept_tables = room(instance.table_count, sizeof *s_kept_tables);
    for (uint32_t index = 0; index < instance.table_count; index++) {
        s_kept_tables[index] = instance.tables[index];
        s_kept_tables[index].elements = room(instance.tables[index].length, sizeof(struct record));
        memcpy(s_kept_tables[index].elements, instance.tables[index].elements, instance.tables[index].length * sizeof(struct record));
    }
}

static void restore(void)
{
    memcpy(instance.context, s_kept_context, instance.context_bytes);
    if (instance.memory.base != NULL && instance.memory.bytes > s_kept_bytes) bimetal_slot_decommit(instance.memory.base, s_kept_bytes, instance.memory.bytes);
    instance.memory.bytes = s_kept_bytes;
    if (s_kept_bytes > 0) memcpy(instance.memory.base, s_kept_memory, s_kept_bytes);
    for (uint32_t index = 0; index < instance.table_count; index++) {
        instance.tables[index].length = s_kept_tables[index].length;
        memcpy(instance.tables[index].elements, s_kept_tables[index].elements, s_kept_tables[index].length * sizeof(struct record));
    }
}

static void step(const char *name, uint64_t first, uint64_t second)
{
    uint64_t slots[4] = {first, second};
    int32_t trap;
    if (guest_call(name, slots, &trap) && trap != 0 && trap != TRAP_EXIT) runner_fail("%s trapped with code %d", name, trap);
}

static int32_t configure(const struct configuration *vm, const struct configuration *plugin, uint32_t *callbacks)
{
    static const char *const s_names[CALLBACK_COUNT] = {"proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers",
                                                        "proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers"};
    *callbacks = 1u << CALLBACK_LOG; /* proxy_on_done and proxy_on_log, if they are there */
    for (uint32_t index = 0; index < CALLBACK_LOG; index++) *callbacks |= find(s_names[index]) != NULL ? 1u << index : 0;
    if (find("_initialize") != NULL) {
        step("_initialize", 0, 0);
        step("main", 0, 0);
        step("__main_void", 0, 0);
    } else {
        step("_start", 0, 0);
    }
    step("proxy_on_context_create", ROOT_CONTEXT, 0);
    uint64_t slots[4] = {ROOT_CONTEXT, vm->length};
    int32_t trap;
    guest_vm_configuration = vm;
    if (guest_call("proxy_on_vm_start", slots, &trap) && (trap != 0 || (uint32_t)slots[0] == 0)) runner_fail("proxy_on_vm_start refused to start (trap %d)", trap);
    guest_vm_configuration = NULL;
    guest_configuration = plugin;
    uint64_t more[4] = {ROOT_CONTEXT, plugin->length};
    bool is_refused = guest_call("proxy_on_configure", more, &trap) && (trap != 0 || (uint32_t)more[0] == 0);
    guest_configuration = NULL;
    keep();
    return is_refused;
}

static bool stream_step(const char *name, uint64_t *slots, int32_t *trap)
{
    if (s_has_failed) return false;
    bool is_there = guest_call(name, slots, trap);
    s_has_failed |= *trap != 0;
    return is_there;
}

static void begin(void)
{
    restore();
    s_has_failed = s_is_done = false;
    guest_has_stream = true;
    uint64_t slots[4] = {STREAM_CONTEXT, ROOT_CONTEXT};
    int32_t trap = 0;
    stream_step("proxy_on_context_create", slots, &trap);
}

static void ask_done(void)
{
    uint64_t slots[4] = {STREAM_CONTEXT};
    int32_t trap = 0;
    s_is_done = true;
    stream_step("proxy_on_done", slots, &trap);
}

static int32_t call(enum callback callback, uint64_t size, uint32_t end)
{
    static const char *const s_names[] = {"proxy_on_request_headers", "proxy_on_request_body", "proxy_on_request_trailers",
                                          "proxy_on_response_headers", "proxy_on_response_body", "proxy_on_response_trailers", "proxy_on_log"};
    if (callback == CALLBACK_LOG) ask_done();
    uint64_t slots[4] = {STREAM_CONTEXT, size, end};
    int32_t trap = 0;
    stream_step(s_names[callback], slots, &trap);
    if (!s_has_failed) return callback == CALLBACK_LOG ? 0 : (int32_t)slots[0];
    report_trap(trap, callback);
    return CALL_REPORTED;
}

static void end(void)
{
    uint64_t slots[4] = {STREAM_CONTEXT};
    int32_t trap = 0;
    if (!s_is_done) ask_done();
    stream_step("proxy_on_delete", slots, &trap);
    guest_has_stream = false;
}

const struct metal *guest_load(const char *plan, const char *code)
{
    static const struct metal s_metal = {.configure = configure, .begin = begin, .call = call, .end = end};
    instance_make(plan, code);
    return &s_metal;
}
