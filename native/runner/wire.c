/* wire.c - messages, see wire.h. */
#define _GNU_SOURCE
#include "replay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAXIMUM_MESSAGE (64u << 20)

static int s_output;

static void need(struct message *message, size_t more)
{
    if (message->capacity - message->length >= more) return;
    size_t capacity = (message->length + more) * 2;
    uint8_t *bytes = realloc(message->bytes, capacity);
    if (bytes == NULL) abort();
    message->bytes = bytes;
    message->capacity = capacity;
}

static void put(struct message *message, const void *bytes, size_t length)
{
    need(message, length);
    if (length > 0) memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

static const uint8_t *take(struct message *message, size_t length)
{
    if (length > message->length - message->at) {
        fprintf(stderr, "runner: a message is too short\n");
        exit(3);
    }
    message->at += length;
    return message->bytes + message->at - length;
}

void message_begin(struct message *message, uint8_t kind)
{
    message->length = 0;
    message->at = 0;
    put(message, &(uint32_t){0}, 4); /* room for the length */
    put(message, &kind, 1);
}

void put_u32(struct message *message, uint32_t value) { put(message, &value, sizeof value); }

void put_u64(struct message *message, uint64_t value) { put(message, &value, sizeof value); }

void put_bytes(struct message *message, const void *bytes, size_t length)
{
    put_u32(message, (uint32_t)length);
    put(message, bytes, length);
}

uint8_t take_u8(struct message *message) { return *take(message, 1); }

uint32_t take_u32(struct message *message)
{
    uint32_t value;
    memcpy(&value, take(message, sizeof value), sizeof value);
    return value;
}

uint64_t take_u64(struct message *message)
{
    uint64_t value;
    memcpy(&value, take(message, sizeof value), sizeof value);
    return value;
}

const uint8_t *take_bytes(struct message *message, size_t *length)
{
    *length = take_u32(message);
    return take(message, *length);
}

void wire_open(void)
{
    s_output = dup(STDOUT_FILENO);
    if (s_output < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) exit(3);
}

void wire_send(struct message *message)
{
    uint32_t length = (uint32_t)(message->length - 4);
    memcpy(message->bytes, &length, sizeof length);
    for (size_t done = 0; done < message->length;) {
        ssize_t written = write(s_output, message->bytes + done, message->length - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) exit(3); /* the driver is gone */
        done += (size_t)written;
    }
}

static bool receive(void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(STDIN_FILENO, (uint8_t *)bytes + done, length - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

bool wire_receive(struct message *message)
{
    uint32_t length;
    message->length = 0;
    message->at = 0;
    if (!receive(&length, sizeof length) || length > MAXIMUM_MESSAGE) return false;
    need(message, length);
    message->length = length;
    return receive(message->bytes, length);
}

void message_fill(struct message *message, const void *bytes, size_t length)
{
    message->length = 0;
    message->at = 0;
    need(message, length);
    memcpy(message->bytes, bytes, length);
    message->length = length;
}

void host_begin(struct message *call, enum host_function function)
{
    message_begin(call, ANSWER_HOST);
    put_u32(call, function);
}

int32_t host_call(struct message *call, struct message **reply)
{
    static _Thread_local struct message s_reply;
    if (!replay_reply(call, &s_reply)) {
        wire_send(call);
        if (!wire_receive(&s_reply)) exit(3);
        replay_note(call, &s_reply);
    }
    if (reply != NULL) *reply = &s_reply;
    return (int32_t)take_u32(&s_reply);
}

void runner_fail(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct message message = {0};
    message_begin(&message, ANSWER_FAILED);
    put_bytes(&message, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
    wire_send(&message);
    exit(4);
}
