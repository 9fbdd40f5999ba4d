/* A second source: globals and SDK functions are shared with the first. */
#include <bimetal_plugin.h>

bp_status second_source_set(bp_stream stream, const char *name, bp_slice value);

bp_status second_source_set(bp_stream stream, const char *name, bp_slice value)
{
    return bp_header_set(stream, BP_RESPONSE_HEADERS, name, value);
}
