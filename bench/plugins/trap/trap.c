/*
 * trap - traps in one of ten calls, and stamps the others. A clock decides: a fresh instance has nothing to count with.
 */
#include <bimetal_plugin.h>

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    if (bp_now_monotonic() / 100 % 10 == 0) __builtin_trap();
    bp_header_set(stream, BP_REQUEST_HEADERS, "x-stamp", bp_text("bimetal"));
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)
