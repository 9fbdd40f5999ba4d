/* As often as the configuration says: {"finds": N} reads of a field that is there, {"misses": N} of one that is not, {"looks": N} at the body. */
#include <bimetal_json.h>
#include <bimetal_plugin.h>

static int64_t s_finds, s_misses, s_looks;

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    if (!bp_json_begin(&reader, configuration)) return false;
    while (bp_json_next(&reader, &member)) {
        if (bp_json_is(&member, "finds")) s_finds = member.number;
        if (bp_json_is(&member, "misses")) s_misses = member.number;
        if (bp_json_is(&member, "looks")) s_looks = member.number;
    }
    return bp_json_ended(&reader);
}
BP_ON_CONFIGURE(configure)

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_slice value;
    for (int64_t call = 0; call < s_finds; call++)
        if (bp_header_get(stream, BP_REQUEST_HEADERS, ":path", &value) != BP_OK) return BP_PAUSE;
    for (int64_t call = 0; call < s_misses; call++)
        if (bp_header_get(stream, BP_REQUEST_HEADERS, "x-none", &value) != BP_NOT_FOUND) return BP_PAUSE;
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)

static bp_action on_request_body(bp_stream stream, void *state, size_t body_length, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    bp_slice body;
    for (int64_t look = 0; look < s_looks; look++)
        if (bp_body_get(stream, BP_REQUEST_BODY, 0, body_length, &body) != BP_OK) return BP_PAUSE;
    return BP_CONTINUE;
}
BP_ON_REQUEST_BODY(on_request_body)
