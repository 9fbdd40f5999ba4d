/*
 * stamp - sets one header on every response: the least that a plugin can do.
 */
#include <bimetal_plugin.h>

static bp_action on_response_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_header_set(stream, BP_RESPONSE_HEADERS, "x-stamp", bp_text("bimetal"));
    return BP_CONTINUE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)
