/*
 * wire.h - how a runner talks with the process that drives it (src/Bimetal.Plugins/Targets). Messages on standard input and output:
 * u32 length, then that many bytes; numbers in little-endian order, bytes as u32 length and content. The driver sends commands; until it
 * has the answer to one, the runner may ask it for host functions, each of which the driver answers before anything else.
 */
#ifndef BIMETAL_RUNNER_WIRE_H
#define BIMETAL_RUNNER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the driver. */
enum command {
    COMMAND_CONFIGURE = 1, /* bytes configuration, bytes vm configuration -> ANSWER_DONE: i32 status, u32 callbacks that there are */
    COMMAND_BEGIN = 2,     /* -> ANSWER_DONE: i32 0 */
    COMMAND_CALL = 3,      /* u32 callback, u64 size, u32 end -> ANSWER_DONE: i32 action */
    COMMAND_END = 4,       /* -> ANSWER_DONE: i32 0 */
    COMMAND_INVOKE = 5,    /* u32 function, u32 slots, u64 each -> ANSWER_DONE: i32 trap, u64 each */
};

/* From the runner. */
enum answer {
    ANSWER_DONE = 1,
    ANSWER_TRAP = 2, /* u32 trap code, u32 callback */
    ANSWER_HOST = 3, /* u32 host function, its arguments */
    ANSWER_FAILED = 4, /* bytes: why the plugin cannot be run */
};

/* Host functions; statuses are those of bimetal.h. Outputs follow the i32 status when it is 0. */
enum host_function {
    HOST_HEADER_GET = 1,     /* u32 map, bytes name -> bytes */
    HOST_HEADER_SET = 2,     /* u32 map, bytes name, bytes value */
    HOST_HEADER_ADD = 3,     /* u32 map, bytes name, bytes value */
    HOST_HEADER_REMOVE = 4,  /* u32 map, bytes name */
    HOST_HEADER_COUNT = 5,   /* u32 map -> u64 */
    HOST_HEADER_AT = 6,      /* u32 map, u64 index -> bytes name, bytes value */
    HOST_HEADER_PAIRS = 7,   /* u32 map -> bytes, as proxy-wasm serialises them */
    HOST_BODY_GET = 8,       /* u32 buffer, u64 start, u64 max -> bytes */
    HOST_BODY_REPLACE = 9,   /* u32 buffer, u64 start, u64 length, bytes */
    HOST_RESPOND = 10,       /* u32 status, u32 fields, (bytes name, bytes value) each, bytes body */
    HOST_RESPOND_PAIRS = 11, /* u32 status, bytes pairs, bytes body, u32 grpc status */
    HOST_CONTINUE = 12,      /* u32 direction */
    HOST_PROPERTY = 13,      /* bytes path -> bytes */
    HOST_LOG = 14,           /* u32 level, bytes */
    HOST_LOG_LEVEL = 15,     /* -> u64 */
    HOST_CLOCK = 16,         /* u32 clock -> u64 */
    HOST_SHARED_GET = 17,    /* bytes key -> bytes value, u64 cas */
    HOST_SHARED_SET = 18,    /* bytes key, bytes value, u64 cas */
    HOST_SET_PROPERTY = 19,  /* bytes path, bytes value */
    HOST_SET_PAIRS = 20,     /* u32 map, bytes pairs */
    HOST_RESET = 21,         /* */
    HOST_METRIC_DEFINE = 22, /* u32 kind, bytes name -> u64 */
    HOST_METRIC_ADD = 23,    /* u32 metric, u64 offset, signed */
    HOST_METRIC_RECORD = 24, /* u32 metric, u64 value */
    HOST_METRIC_GET = 25,    /* u32 metric -> u64 */
    HOST_QUEUE_OPEN = 26,    /* bytes name -> u64 */
    HOST_QUEUE_PUSH = 27,    /* u32 queue, bytes item */
    HOST_QUEUE_POP = 28,     /* u32 queue -> bytes */
};

/* One message, written or read. */
struct message {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    size_t at;
};

void message_begin(struct message *message, uint8_t kind);
void put_u32(struct message *message, uint32_t value);
void put_u64(struct message *message, uint64_t value);
void put_bytes(struct message *message, const void *bytes, size_t length);

/* Reading past the end of a message ends the process: the driver is at fault. */
uint8_t take_u8(struct message *message);
uint32_t take_u32(struct message *message);
uint64_t take_u64(struct message *message);
const uint8_t *take_bytes(struct message *message, size_t *length); /* valid until the next message is read */

/* Standard output is taken away from whatever prints to it. Call first. */
void wire_open(void);
void wire_send(struct message *message);
bool wire_receive(struct message *message); /* false at the end of the input */

/* Asks for a host function: begin with host_begin, put the arguments, then host_call gives the status and leaves the outputs in *reply. */
void host_begin(struct message *call, enum host_function function);
int32_t host_call(struct message *call, struct message **reply);

/* Puts bytes into a message to be read from the beginning. */
void message_fill(struct message *message, const void *bytes, size_t length);

_Noreturn void runner_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
