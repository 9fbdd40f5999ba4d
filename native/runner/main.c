/*
 * main.c - a small host for plugins of another system or processor: `runner native PLUGIN.so` and `runner guest PLAN CODE` (and `runner storm
 * PLUGIN.so`, for sanitizers: replay.h). It is built for the
 * target and started by `bimetal test --target`, natively, through another loader, or under emulation. What host functions mean is decided by the
 * driver, which is the gateway's own code: here is only what has to be in the same process as the plugin.
 */
#include "replay.h"
#include "runner.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES (8u << 20)

static void done(int32_t result)
{
    static struct message s_message;
    message_begin(&s_message, ANSWER_DONE);
    put_u32(&s_message, (uint32_t)result);
    wire_send(&s_message);
}

static void invoke(struct message *command)
{
    static struct message s_message;
    uint32_t function = take_u32(command), count = take_u32(command);
    uint64_t *slots = calloc(count + 1u, sizeof *slots);
    if (slots == NULL) abort();
    for (uint32_t index = 0; index < count; index++) slots[index] = take_u64(command);
    int32_t trap = guest_invoke(function, slots, count);
    message_begin(&s_message, ANSWER_DONE);
    put_u32(&s_message, (uint32_t)trap);
    for (uint32_t index = 0; index < count; index++) put_u64(&s_message, slots[index]);
    wire_send(&s_message);
    free(slots);
}

static struct configuration take_configuration(struct message *command)
{
    size_t length;
    const uint8_t *lent = take_bytes(command, &length);
    uint8_t *bytes = malloc(length + 1);
    if (bytes == NULL) abort();
    memcpy(bytes, lent, length);
    return (struct configuration){bytes, length};
}

static void configure(const struct metal *metal, struct message *command)
{
    static struct message s_message;
    struct configuration plugin = take_configuration(command), vm = take_configuration(command);
    uint32_t callbacks = 0;
    int32_t status = metal->configure(&vm, &plugin, &callbacks);
    message_begin(&s_message, ANSWER_DONE);
    put_u32(&s_message, (uint32_t)status);
    put_u32(&s_message, callbacks);
    wire_send(&s_message);
}

/* The rest of the process: see main. */
static void *serve(void *arguments)
{
    char **argv = arguments;
    const struct metal *metal = argv[3] == NULL ? native_load(argv[2]) : guest_load(argv[2], argv[3]);
    bool is_storm = strcmp(argv[1], "storm") == 0;
    static struct message s_command;
    while (wire_receive(&s_command)) {
        switch (take_u8(&s_command)) {
        case COMMAND_CONFIGURE: configure(metal, &s_command); break;
        case COMMAND_BEGIN:
            if (is_storm) replay_record();
            metal->begin();
            done(0);
            break;
        case COMMAND_CALL: {
            uint32_t callback = take_u32(&s_command);
            uint64_t size = take_u64(&s_command);
            uint32_t end = take_u32(&s_command);
            int32_t action = metal->call((enum callback)callback, size, end);
            replay_note_call((enum callback)callback, size, end, action);
            if (action != CALL_REPORTED) done(action);
            break;
        }
        case COMMAND_END:
            metal->end();
            if (is_storm) replay_storm(metal);
            done(0);
            break;
        case COMMAND_INVOKE: invoke(&s_command); break;
        default: exit(3);
        }
    }
    return NULL;
}

/* musl cannot say how large the first thread's stack may become, and guests need to know: all work is done on a thread whose stack is given. */
int main(int argc, char **argv)
{
    bool is_native = argc == 3 && (strcmp(argv[1], "native") == 0 || strcmp(argv[1], "storm") == 0), is_guest = argc == 4 && strcmp(argv[1], "guest") == 0;
    if (!is_native && !is_guest) {
        fprintf(stderr, "usage: runner native PLUGIN.so | runner storm PLUGIN.so | runner guest PLAN CODE\n");
        return 2;
    }

    wire_open();
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) != 0 || pthread_create(&thread, &attributes, serve, argv) != 0) return 3;
    pthread_join(thread, NULL);
    return 0;
}
