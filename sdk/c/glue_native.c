/*
 * glue_native.c - bimetal_plugin_init for plugins written against bimetal_plugin.h. Built into every native plugin.
 */
#include "bimetal_plugin.h"

#include <stdlib.h>

#define WEAK __attribute__((weak, visibility("hidden")))

/* What a plugin does not define stays null (functions) or takes the weak value here. */
WEAK extern int32_t bp_entry_start(void *, const uint8_t *, size_t);
WEAK extern int32_t bp_entry_configure(void *, const uint8_t *, size_t);
WEAK extern void bp_entry_stream_begin(void *, bimetal_stream, void *);
WEAK extern void bp_entry_stream_end(void *, bimetal_stream, void *);
WEAK extern int32_t bp_entry_request_headers(void *, bimetal_stream, void *, uint32_t);
WEAK extern int32_t bp_entry_request_body(void *, bimetal_stream, void *, size_t, uint32_t);
WEAK extern int32_t bp_entry_request_trailers(void *, bimetal_stream, void *);
WEAK extern int32_t bp_entry_response_headers(void *, bimetal_stream, void *, uint32_t);
WEAK extern int32_t bp_entry_response_body(void *, bimetal_stream, void *, size_t, uint32_t);
WEAK extern int32_t bp_entry_response_trailers(void *, bimetal_stream, void *);
WEAK extern void bp_entry_log(void *, bimetal_stream, void *);
WEAK extern void bp_entry_tick(void *);
WEAK extern void bp_entry_queue(void *, uint32_t);
WEAK extern int32_t bp_entry_done(void *, bimetal_stream, void *);
WEAK extern void bp_entry_http_response(void *, bimetal_stream, void *, uint32_t, const bimetal_http_response *);
WEAK const uint32_t bp_stream_state_size = 0;

bimetal_host bp_host;

/* Memory from bp_keep, given back when the plugin is retired. */
struct kept {
    struct kept *next;
    _Alignas(16) uint8_t bytes[];
};
static struct kept *s_kept;

static void retire(void *plugin)
{
    (void)plugin;
    while (s_kept != NULL) {
        struct kept *next = s_kept->next;
        free(s_kept);
        s_kept = next;
    }
}

int32_t bimetal_plugin_init(const bimetal_host *host, bimetal_plugin *plugin)
{
    if (host->abi_version != BIMETAL_ABI_VERSION || host->struct_size < sizeof bp_host || plugin->struct_size < sizeof *plugin) {
        plugin->abi_version = BIMETAL_ABI_VERSION; /* so that the host can say which version it would have to offer */
        return BIMETAL_UNIMPLEMENTED;
    }

    bp_host = *host;
    *plugin = (bimetal_plugin){
        .abi_version = BIMETAL_ABI_VERSION,
        .struct_size = sizeof *plugin,
        .stream_state_size = bp_stream_state_size,
        .configure = bp_entry_configure,
        .stream_begin = bp_entry_stream_begin,
        .stream_end = bp_entry_stream_end,
        .request_headers = bp_entry_request_headers,
        .request_body = bp_entry_request_body,
        .request_trailers = bp_entry_request_trailers,
        .response_headers = bp_entry_response_headers,
        .response_body = bp_entry_response_body,
        .response_trailers = bp_entry_response_trailers,
        .log = bp_entry_log,
        .tick = bp_entry_tick,
        .queue_ready = bp_entry_queue,
        .http_response = bp_entry_http_response,
        .retire = retire,
        .start = bp_entry_start,
        .done = bp_entry_done,
    };
    return BIMETAL_OK;
}

/* One piece per thread, which grows and is used again: a handler never changes its thread, and another one starts anew. */
void *bp_scratch(size_t length)
{
    static _Thread_local struct {
        void *bytes;
        size_t length;
    } scratch;
    if (length > scratch.length) {
        void *larger = malloc(length);
        if (larger == NULL) return NULL;
        free(scratch.bytes);
        scratch.bytes = larger;
        scratch.length = length;
    }
    return scratch.bytes != NULL ? scratch.bytes : (scratch.bytes = malloc(1));
}

void *bp_keep(size_t length)
{
    if (length > SIZE_MAX - sizeof(struct kept)) return NULL;
    struct kept *kept = calloc(1, sizeof *kept + length);
    if (kept == NULL) return NULL;
    kept->next = __atomic_load_n(&s_kept, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&s_kept, &kept->next, kept, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    return kept->bytes;
}
