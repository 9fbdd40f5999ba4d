/*
 * keeper - answers with vm_config, and keeps streams that ask for it until its tick ends them. One source for both metals. Its metrics tell what
 * happened: ended (streams), late (logs of streams that were kept), done and again (what the first and a second bp_done said was as it should be).
 */
#include <bimetal_done.h>

#define LIMIT 32768u

struct visit {
    bool is_kept;
};
BP_STREAM_STATE(struct visit)

static bp_slice s_vm;
static uint32_t s_ended, s_late, s_done, s_again;

/* Streams that wait for the tick; on native handlers of many threads come here. */
static bp_stream s_kept[LIMIT];
static size_t s_kept_count;
static bool s_is_locked;

static void lock(void)
{
    while (__atomic_test_and_set(&s_is_locked, __ATOMIC_ACQUIRE)) {
    }
}

static void unlock(void)
{
    __atomic_clear(&s_is_locked, __ATOMIC_RELEASE);
}

static bool start(bp_slice configuration)
{
    if (bp_equals(configuration, bp_text("refuse"))) return false;
    uint8_t *kept = bp_keep(configuration.length + 1);
    if (kept == 0) return false;
    if (configuration.length != 0) memcpy(kept, configuration.data, configuration.length);
    s_vm = bp_bytes(kept, configuration.length);
    return true;
}
BP_ON_START(start)

static bool configure(bp_slice configuration)
{
    bool is_defined = bp_metric_define(BP_COUNTER, "ended", &s_ended) == BP_OK && bp_metric_define(BP_COUNTER, "late", &s_late) == BP_OK
        && bp_metric_define(BP_COUNTER, "done", &s_done) == BP_OK && bp_metric_define(BP_COUNTER, "again", &s_again) == BP_OK;
    return is_defined && (configuration.length == 0 || bp_tick_every(10) == BP_OK);
}
BP_ON_CONFIGURE(configure)

static bp_action on_request_headers(bp_stream stream, struct visit *visit, bool end_of_stream)
{
    (void)end_of_stream;
    bp_slice what;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, "x-do", &what) != BP_OK) return BP_CONTINUE;
    if (bp_equals(what, bp_text("keep"))) visit->is_kept = true;
    if (!bp_equals(what, bp_text("vm"))) return BP_CONTINUE;
    bp_respond(stream, 200, 0, 0, s_vm);
    return BP_PAUSE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)

static bool on_done(bp_stream stream, struct visit *visit)
{
    if (!visit->is_kept) return true;
    lock();
    bool has_room = s_kept_count < LIMIT;
    if (has_room) s_kept[s_kept_count++] = stream;
    unlock();
    return !has_room;
}
BP_ON_DONE(on_done)

static void on_log(bp_stream stream, struct visit *visit)
{
    bp_slice what;
    bool is_there = visit->is_kept && bp_header_get(stream, BP_REQUEST_HEADERS, "x-do", &what) == BP_OK;
    if (is_there && bp_equals(what, bp_text("keep"))) bp_metric_increment(s_late, 1);
}
BP_ON_LOG(on_log)

static void on_stream_end(bp_stream stream, struct visit *visit)
{
    (void)stream, (void)visit;
    bp_metric_increment(s_ended, 1);
}
BP_ON_STREAM_END(on_stream_end)

static void on_tick(void)
{
    for (;;) {
        lock();
        bool is_empty = s_kept_count == 0;
        bp_stream stream = is_empty ? 0 : s_kept[--s_kept_count];
        unlock();
        if (is_empty) return;
        if (bp_done(stream) == BP_OK) bp_metric_increment(s_done, 1);
        if (bp_done(stream) == BP_NOT_FOUND) bp_metric_increment(s_again, 1);
    }
}
BP_ON_TICK(on_tick)
