/*
 * bimetal_done.h - streams that a plugin keeps beyond their end, to write their log when something else has come. For plugins of bimetal_plugin.h
 * that need it; both metals, one source.
 *
 *   static bool on_done(bp_stream stream, struct visit *visit) { return !visit->waits; }      before the log handler; false keeps the stream
 *   BP_ON_DONE(on_done)
 *
 * Nobody waits for a stream that is kept: the client has its answer. No other handler is called for it until bp_done; then those of BP_ON_LOG and
 * BP_ON_STREAM_END are. On wasm only instances that live longer than a stream can keep one: with `instance: per-request` every stream ends at once.
 */
#ifndef BIMETAL_DONE_H
#define BIMETAL_DONE_H

#include "bimetal_plugin.h"

#if defined(__wasm__) && !defined(BP_HOST_TABLE)

BP_IMPORT("env", "proxy_done") bp_status bp_proxy_done(void);

static inline bp_status bp_target_done(bp_stream stream)
{
    if (bp_proxy_set_effective_context(stream) != BP_OK) return BP_NOT_FOUND;
    bp_status status = bp_proxy_done();
    bp_proxy_set_effective_context(bp_root_context);
    return status;
}

#define BP_ON_DONE(handler) \
    BP_EXPORT("proxy_on_done") uint32_t bp_entry_done(uint32_t context); \
    uint32_t bp_entry_done(uint32_t context) \
    { \
        bp_arena_reset(); \
        return context == bp_root_context || handler(context, bp_state_of(context)); \
    }

#else

static inline bp_status bp_target_done(bp_stream stream)
{
    return bp_host.stream_done(stream);
}

int32_t bp_entry_done(void *plugin, bimetal_stream stream, void *state);

#define BP_ON_DONE(handler) \
    int32_t bp_entry_done(void *plugin, bimetal_stream stream, void *state) \
    { \
        (void)plugin; \
        return handler(stream, state); \
    }

#endif

/* Ends a stream that on_done has kept. From a tick, a queue handler, or the answer to a call of the plugin's own, outside of bp_enter; on native from
 * anywhere. BP_NOT_FOUND: it was not kept, or was ended already, or on wasm it is in another instance. */
static inline bp_status bp_done(bp_stream stream)
{
    return bp_target_done(stream);
}

#endif
