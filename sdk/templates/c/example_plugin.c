/*
 * example-plugin - sets x-example-plugin to the configured text, on the request and on the response.
 */
#include <bimetal_plugin.h>

#define FIELD "x-example-plugin"

/* Written by configure, only read afterwards: on the native metal all threads share it. */
static bp_slice s_text;

static bool configure(bp_slice configuration)
{
    uint8_t *kept = bp_keep(configuration.length);
    if (configuration.length == 0 || kept == 0) {
        bp_log(BP_ERROR, "example-plugin: the configuration is a text, and must not be empty");
        return false;
    }
    memcpy(kept, configuration.data, configuration.length);
    s_text = bp_bytes(kept, configuration.length);
    return true;
}
BP_ON_CONFIGURE(configure)

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_header_set(stream, BP_REQUEST_HEADERS, FIELD, s_text);
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)

static bp_action on_response_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_header_set(stream, BP_RESPONSE_HEADERS, FIELD, s_text);
    return BP_CONTINUE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)
