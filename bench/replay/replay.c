/*
 * replay.c - makes the host calls that recorder.c wrote down, in the same callbacks, and nothing else: what they cost on each metal. Built with the
 * callbacks that the recorded plugin has (-DHAS=bits of steps.h), because each that is there is entered.
 *
 * Configuration: u32 mode, u32 exchanges, each u32 callbacks, each u32 action, u32 steps, each step as recorder.c writes it. The meter made it: it
 * is trusted.
 */
#include <bimetal_plugin.h>

#include "steps.h"

#define MAX_ANSWER_FIELDS 32u
#define MAX_SHARED_BYTES 4096u
#define IS(callback) ((HAS) >> (callback) & 1)

struct step {
    uint32_t kind, a, b, c;
    bp_slice x, y;
};

struct callback {
    bp_action action;
    uint32_t step_count;
    const struct step *steps;
};

struct exchange {
    uint32_t callback_count;
    const struct callback *callbacks;
};

static uint32_t s_mode, s_exchange_count;
static struct exchange s_exchanges[MAX_EXCHANGES];

/* The exchange that runs: one at a time does. */
static const struct exchange *s_exchange;
static uint32_t s_callback;
static uint32_t s_cas;

/* ---- The script -------------------------------------------------------------------------------------------------------------------- */

static uint32_t read_word(bp_slice *from)
{
    uint32_t word;
    memcpy(&word, from->data, sizeof word);
    *from = bp_bytes(from->data + sizeof word, from->length - sizeof word);
    return word;
}

static bp_slice read_bytes(bp_slice *from)
{
    uint32_t length = read_word(from);
    bp_slice bytes = bp_bytes(from->data, length);
    *from = bp_bytes(from->data + length, from->length - length);
    return bytes;
}

static bool read_callback(bp_slice *from, struct callback *callback)
{
    callback->action = (bp_action)read_word(from);
    callback->step_count = read_word(from);
    struct step *steps = bp_keep((callback->step_count + 1) * sizeof *steps);
    if (steps == NULL) return false;
    callback->steps = steps;
    for (uint32_t i = 0; i < callback->step_count; i++) {
        uint32_t kind = read_word(from), a = read_word(from), b = read_word(from), c = read_word(from);
        bp_slice x = read_bytes(from), y = read_bytes(from);
        steps[i] = (struct step){kind, a, b, c, x, y};
    }
    return true;
}

static bool configure(bp_slice configuration)
{
    uint8_t *kept = bp_keep(configuration.length);
    if (kept == NULL) return false;
    memcpy(kept, configuration.data, configuration.length);
    bp_slice script = bp_bytes(kept, configuration.length);
    s_mode = read_word(&script);
    s_exchange_count = read_word(&script);
    for (uint32_t i = 0; i < s_exchange_count; i++) {
        uint32_t count = read_word(&script);
        struct callback *callbacks = bp_keep((count + 1) * sizeof *callbacks);
        if (callbacks == NULL) return false;
        s_exchanges[i] = (struct exchange){count, callbacks};
        for (uint32_t callback = 0; callback < count; callback++)
            if (!read_callback(&script, &callbacks[callback])) return false;
    }
    return true;
}
BP_ON_CONFIGURE(configure)

#if IS(HAS_STATE)
struct state {
    uint64_t words[4];
};
BP_STREAM_STATE(struct state)
#endif

/* ---- Steps ------------------------------------------------------------------------------------------------------------------------- */

static void answer(bp_stream stream, const struct step *step)
{
    bp_field fields[MAX_ANSWER_FIELDS];
    size_t count = step->b < MAX_ANSWER_FIELDS ? step->b : MAX_ANSWER_FIELDS;
    for (size_t i = 0; i < count; i++) fields[i] = (bp_field){step[(ptrdiff_t)i - (ptrdiff_t)count].x, step[(ptrdiff_t)i - (ptrdiff_t)count].y};
    bp_respond(stream, step->a, fields, count, step->y);
}

static size_t size_of(uint32_t size)
{
    return size == UINT32_MAX ? SIZE_MAX : size;
}

static void run(bp_stream stream, const struct step *steps, uint32_t count)
{
    uint8_t shared[MAX_SHARED_BYTES];
    bp_list list = {0};
    bp_slice value;
    bp_field field;
    size_t length;
    for (const struct step *step = steps; step != steps + count; step++) {
        switch (step->kind) {
        case HEADER_GET: bp_header_get_named(stream, step->a, step->x, &value); break;
        case HEADER_SET: bp_header_set_named(stream, step->a, step->x, step->y); break;
        case HEADER_ADD: bp_target_header_add(stream, step->a, step->x, step->y); break;
        case HEADER_REMOVE: bp_header_remove_named(stream, step->a, step->x); break;
        case HEADER_LIST: bp_header_list(stream, step->a, &list); break;
        case HEADER_AT: bp_header_at(&list, step->b, &field); break;
        case BODY_GET: bp_body_get(stream, step->a, step->b, s_mode == REPLAY_UNCOPIED ? 0 : size_of(step->c), &value); break;
        case BODY_REPLACE: bp_body_replace(stream, step->a, size_of(step->b), size_of(step->c), step->x); break;
        case ANSWER: answer(stream, step); break;
        case CONTINUE: bp_continue(stream, step->a); break;
        case PROPERTY_GET: bp_property_get(stream, (const char *)step->x.data, step->x.length, &value); break;
        case LOG: bp_log_bytes(step->a, step->x); break;
        case CLOCK: step->a == 0 ? bp_now_realtime() : bp_now_monotonic(); break;
        case SHARED_GET: bp_shared_get(step->x, shared, step->a < MAX_SHARED_BYTES ? step->a : MAX_SHARED_BYTES, &length, &s_cas); break;
        case SHARED_SET: bp_shared_set(step->x, step->y, step->a != 0 ? s_cas : 0); break;
        default: break;
        }
    }
}

static uint32_t digit(uint8_t hexadecimal)
{
    return hexadecimal <= '9' ? hexadecimal - (uint32_t)'0' : hexadecimal - (uint32_t)'A' + 10;
}

static void identify(bp_stream stream)
{
    bp_slice number;
    uint32_t exchange = UINT32_MAX;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, EXCHANGE_FIELD, &number) == BP_OK && number.length == 2) exchange = digit(number.data[0]) << 4 | digit(number.data[1]);
    s_exchange = exchange < s_exchange_count ? &s_exchanges[exchange] : NULL;
    s_callback = 0;
}

static bp_action act(bp_stream stream)
{
    if (s_mode < REPLAY || s_exchange == NULL || s_callback == s_exchange->callback_count) return BP_CONTINUE;
    const struct callback *callback = &s_exchange->callbacks[s_callback++];
    run(stream, callback->steps, callback->step_count);
    return callback->action;
}

/* ---- Callbacks --------------------------------------------------------------------------------------------------------------------- */

#if IS(REQUEST_HEADERS)
static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    if (s_mode == NOTHING) return BP_CONTINUE;
    identify(stream);
    return act(stream);
}
BP_ON_REQUEST_HEADERS(on_request_headers)
#endif

#if IS(REQUEST_BODY)
static bp_action on_request_body(bp_stream stream, void *state, size_t body_length, bool end_of_stream)
{
    (void)state, (void)body_length, (void)end_of_stream;
    return act(stream);
}
BP_ON_REQUEST_BODY(on_request_body)
#endif

#if IS(RESPONSE_HEADERS)
static bp_action on_response_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
#if !IS(REQUEST_HEADERS)
    if (s_mode == NOTHING) return BP_CONTINUE;
    identify(stream);
#endif
    return act(stream);
}
BP_ON_RESPONSE_HEADERS(on_response_headers)
#endif

#if IS(RESPONSE_BODY)
static bp_action on_response_body(bp_stream stream, void *state, size_t body_length, bool end_of_stream)
{
    (void)state, (void)body_length, (void)end_of_stream;
    return act(stream);
}
BP_ON_RESPONSE_BODY(on_response_body)
#endif

#if IS(LOG_CALLBACK)
static void on_log(bp_stream stream, void *state)
{
    (void)state;
    act(stream);
}
BP_ON_LOG(on_log)
#endif
