/*
 * replay.c - see replay.h. Recordings are written by the driver's thread alone, between storms, and read by the threads of a storm.
 */
#include "replay.h"

#include "bimetal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 16
#define RECORDINGS 8
#define ROOT_ROUNDS 64

struct answer_record {
    uint32_t function;
    size_t length;
    uint8_t *bytes;
};

struct call_record {
    enum callback callback;
    uint64_t size;
    uint32_t end;
    int32_t action;
};

struct recording {
    struct call_record *calls;
    struct answer_record *answers;
    size_t call_count, answer_count;
};

static struct recording s_recordings[RECORDINGS];
static size_t s_count;
static struct recording *s_open;
static struct recording s_root; /* of the callbacks without a stream */

/* Where a thread of a storm is. */
static _Thread_local const struct recording *t_replayed;
static _Thread_local size_t t_next;

static void *grown(void *array, size_t count, size_t item)
{
    void *larger = realloc(array, (count + 1) * item);
    if (larger == NULL) abort();
    return larger;
}

static void record(struct recording *recording)
{
    s_open = recording;
    for (size_t i = 0; i < s_open->answer_count; i++) free(s_open->answers[i].bytes);
    free(s_open->answers);
    free(s_open->calls);
    *s_open = (struct recording){0};
}

void replay_record(void)
{
    record(&s_recordings[s_count++ % RECORDINGS]);
}

void replay_note_call(enum callback callback, uint64_t size, uint32_t end, int32_t action)
{
    if (s_open == NULL) return;
    s_open->calls = grown(s_open->calls, s_open->call_count, sizeof *s_open->calls);
    s_open->calls[s_open->call_count++] = (struct call_record){callback, size, end, action};
}

static uint32_t function_of(const struct message *call)
{
    uint32_t function;
    memcpy(&function, call->bytes + 5, sizeof function); /* behind the length and the kind */
    return function;
}

void replay_note(const struct message *call, const struct message *reply)
{
    if (s_open == NULL) return;
    struct answer_record record = {.function = function_of(call), .length = reply->length, .bytes = malloc(reply->length + 1)};
    if (record.bytes == NULL) abort();
    memcpy(record.bytes, reply->bytes, reply->length);
    s_open->answers = grown(s_open->answers, s_open->answer_count, sizeof *s_open->answers);
    s_open->answers[s_open->answer_count++] = record;
}

/* What a plugin does outside of streams may depend on what its streams did: then it asks for something else than when it was recorded. */
static const int32_t s_not_found = BIMETAL_NOT_FOUND;

bool replay_reply(const struct message *call, struct message *reply)
{
    if (t_replayed == NULL) return false;
    if (t_next == t_replayed->answer_count || t_replayed->answers[t_next].function != function_of(call)) {
        if (t_replayed != &s_root) runner_fail("asks for something else than before, in a storm");
        message_fill(reply, &s_not_found, sizeof s_not_found);
        return true;
    }
    const struct answer_record *record = &t_replayed->answers[t_next++];
    message_fill(reply, record->bytes, record->length);
    return true;
}

struct storm {
    const struct metal *metal;
    size_t first;
};

static void *run(void *argument)
{
    const struct storm *storm = argument;
    size_t known = s_count < RECORDINGS ? s_count : RECORDINGS;
    for (size_t round = 0; round < ROUNDS; round++) {
        t_replayed = &s_recordings[(storm->first + round) % known];
        t_next = 0;
        storm->metal->begin();
        for (size_t i = 0; i < t_replayed->call_count; i++) {
            const struct call_record *call = &t_replayed->calls[i];
            if (storm->metal->call(call->callback, call->size, call->end) != call->action) runner_fail("returns something else than before, in a storm");
        }
        storm->metal->end();
    }
    return NULL;
}

static void *run_root(void *argument)
{
    const struct metal *metal = argument;
    t_replayed = &s_root;
    for (size_t round = 0; round < ROOT_ROUNDS; round++) {
        t_next = 0;
        metal->root();
    }
    return NULL;
}

void replay_storm(const struct metal *metal)
{
    record(&s_root);
    metal->root();
    s_open = NULL;
    pthread_t threads[THREADS], root;
    if (pthread_create(&root, NULL, run_root, (void *)metal) != 0) abort();
    struct storm storms[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        storms[i] = (struct storm){metal, i};
        if (pthread_create(&threads[i], NULL, run, &storms[i]) != 0) abort();
    }
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_join(root, NULL);
}
