/*
 * url-normalise - one URL, one spelling: brings the path into normal form (RFC 3986, 6.2.2), takes tracking parameters out of the query, and
 * answers with a redirect where the map of ten thousand moved pages knows the path. README.md has the rules, the order and the map's format.
 */
#include <bimetal_text.h>

#define MAX_TARGET_BYTES 8192u
#define MAX_MOVES 16384u
#define TABLE_SLOTS 32768u /* a power of two, twice MAX_MOVES */
#define MAX_PARAMETERS 64u

static const uint8_t s_built_in[] = {
#embed "redirects.txt"
};

struct move {
    bp_slice from;
    bp_slice to; /* empty: the slot is free */
};

/* Written by configure, only read afterwards. */
static struct move *s_moves;
static size_t s_move_count;
static bp_slice s_dropped[MAX_PARAMETERS]; /* "utm_*" stands for all that start so */
static size_t s_dropped_count;
static bool s_redirects_to_normal;

/* ---- The map ---------------------------------------------------------------------------------------------------------------------- */

static struct move *find_move(bp_slice from)
{
    uint64_t at = bp_hash(0, from);
    for (;; at++) {
        struct move *slot = &s_moves[at & (TABLE_SLOTS - 1)];
        if (slot->to.length == 0 || bp_equals(slot->from, from)) return slot;
    }
}

/* "/old/path /new/path"; the target may be a whole URL. */
static bool take_move(bp_slice line)
{
    size_t space = bp_find(line, ' ');
    bp_slice from = bp_part(line, 0, space), to = bp_trim(bp_part(line, space, line.length));
    if (from.length == 0 || from.data[0] != '/' || to.length == 0 || bp_find(to, ' ') != to.length)
        return bp_refuse("url-normalise: a line of the map is not `/from /to`");
    if (s_move_count == MAX_MOVES) return bp_refuse("url-normalise: the map has more than 16384 lines");
    struct move *slot = find_move(from);
    if (slot->to.length == 0) s_move_count++;
    *slot = (struct move){from, to};
    return true;
}

static bool take_map(bp_slice map)
{
    bp_slice line;
    while (bp_next_item(&map, '\n', &line))
        if (line.length != 0 && line.data[0] != '#' && !take_move(line)) return false;
    return true;
}

static bool take_dropped(bp_slice list)
{
    bp_slice item;
    s_dropped_count = 0;
    while (bp_next_item(&list, ',', &item)) {
        if (item.length == 0) continue;
        if (s_dropped_count == MAX_PARAMETERS) return bp_refuse("url-normalise: drop_parameters has more than 64 names");
        s_dropped[s_dropped_count++] = item;
    }
    return true;
}

static bool take_member(const bp_json_member *member, bp_slice *map)
{
    bp_slice text;
    if (bp_json_is(member, "redirect")) {
        s_redirects_to_normal = member->kind == BP_JSON_TRUE;
        return member->kind == BP_JSON_TRUE || member->kind == BP_JSON_FALSE || bp_refuse("url-normalise: redirect must be true or false");
    }
    if (!bp_keep_text(member, &text)) return bp_refuse("url-normalise: map and drop_parameters are strings");
    if (bp_json_is(member, "drop_parameters")) return take_dropped(text);
    if (!bp_json_is(member, "map")) return bp_refuse("url-normalise: unknown key; there are map, drop_parameters, redirect");
    *map = text;
    return true;
}

static bool configure(bp_slice configuration)
{
    bp_json reader;
    bp_json_member member;
    bp_slice map = bp_bytes(s_built_in, sizeof s_built_in);
    s_moves = bp_keep(TABLE_SLOTS * sizeof *s_moves);
    if (s_moves == NULL) return bp_refuse("url-normalise: no memory for the map");
    take_dropped(bp_text("utm_*, gclid, fbclid, msclkid"));
    if (configuration.length == 0) return take_map(map);
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("url-normalise: the configuration must be a JSON object");
    while (bp_json_next(&reader, &member))
        if (!take_member(&member, &map)) return false;
    return bp_json_ended(&reader) ? take_map(map) : bp_refuse("url-normalise: the configuration is not a flat JSON object");
}
BP_ON_CONFIGURE(configure)

/* ---- Normal form ------------------------------------------------------------------------------------------------------------------ */

static bool is_unreserved(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Decodes what need not be encoded, writes the rest in capitals, and makes one slash of many. False: an escape is broken, or it hides a
 * byte that no path should have (NUL, a slash or a backslash, which would be judged as one thing and served as another). */
static bool unescape_path(bp_slice path, bp_writer *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < path.length; i++) {
        uint8_t c = path.data[i];
        if (c == '/' && out->length != 0 && out->data[out->length - 1] == '/') continue;
        if (c != '%') {
            if (c <= 0x20 || c >= 0x7f || c == '\\') return false;
            bp_put_byte(out, c);
            continue;
        }
        if (path.length - i < 3) return false;
        uint32_t high = bp_hex_value(path.data[i + 1]), low = bp_hex_value(path.data[i + 2]), byte = high << 4 | low;
        if (high > 15 || low > 15 || byte == 0 || byte == '/' || byte == '\\') return false;
        i += 2;
        if (is_unreserved(byte)) {
            bp_put_byte(out, (uint8_t)byte);
            continue;
        }
        uint8_t escape[] = {'%', (uint8_t)digits[high], (uint8_t)digits[low]};
        bp_put(out, bp_bytes(escape, 3));
    }
    return true;
}

/* Removes "." and ".." (RFC 3986, 5.2.4), in place. Above the root there is only the root. */
static void remove_dot_segments(bp_writer *path)
{
    size_t read = 0, write = 0;
    while (read < path->length) {
        size_t end = read + 1;
        while (end < path->length && path->data[end] != '/') end++;
        bp_slice segment = bp_bytes(path->data + read + 1, end - read - 1);
        bool is_last = end == path->length;
        if (bp_equals(segment, bp_text("."))) {
            if (is_last) path->data[write++] = '/';
        } else if (bp_equals(segment, bp_text(".."))) {
            while (write > 0 && path->data[--write] != '/') {}
            if (is_last) path->data[write++] = '/';
        } else {
            memmove(path->data + write, path->data + read, end - read);
            write += end - read;
        }
        read = end;
    }
    path->length = write;
}

static bool is_dropped(bp_slice name)
{
    for (size_t i = 0; i < s_dropped_count; i++) {
        bp_slice pattern = s_dropped[i];
        bool is_open = pattern.data[pattern.length - 1] == '*';
        if (is_open ? bp_starts_with(name, bp_part(pattern, 0, pattern.length - 1)) : bp_equals(name, pattern)) return true;
    }
    return false;
}

/* Everything else of the query stays as it is and where it is. */
static void put_query(bp_slice query, bp_writer *out)
{
    bool is_first = true;
    for (size_t start = 0; start <= query.length;) {
        bp_slice pair = bp_part(query, start, query.length);
        pair = bp_part(pair, 0, bp_find(pair, '&'));
        start += pair.length + 1;
        if (is_dropped(bp_part(pair, 0, bp_find(pair, '=')))) continue;
        bp_put_byte(out, is_first ? '?' : '&');
        bp_put(out, pair);
        is_first = false;
    }
}

/* ---- The request ------------------------------------------------------------------------------------------------------------------ */

static bp_action refuse_target(bp_stream stream)
{
    bp_field fields[] = {{bp_text("content-type"), bp_text("application/json")}};
    bp_respond(stream, 400, fields, 1, bp_text("{\"error\":\"bad-path\"}\n"));
    return BP_PAUSE;
}

static bp_action redirect(bp_stream stream, uint32_t status, bp_slice location)
{
    bp_field fields[] = {{bp_text("location"), location}, {bp_text("cache-control"), bp_text("max-age=3600")}};
    bp_respond(stream, status, fields, 2, bp_bytes(0, 0));
    return BP_PAUSE;
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    uint8_t text[MAX_TARGET_BYTES], moved[MAX_TARGET_BYTES];
    bp_writer normal = bp_writer_over(text, sizeof text);
    bp_slice target;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, ":path", &target) != BP_OK || target.length == 0 || target.data[0] != '/') return BP_CONTINUE;
    size_t question = bp_find(target, '?');
    if (!unescape_path(bp_part(target, 0, question), &normal) || normal.is_short) return refuse_target(stream);
    remove_dot_segments(&normal);
    size_t path_length = normal.length;
    if (question != target.length) put_query(bp_part(target, question + 1, target.length), &normal);
    if (normal.is_short) return refuse_target(stream);

    const struct move *move = find_move(bp_bytes(text, path_length));
    if (move->to.length != 0) {
        bp_writer location = bp_writer_over(moved, sizeof moved);
        bp_put(&location, move->to);
        bp_put(&location, bp_bytes(text + path_length, normal.length - path_length));
        return location.is_short ? refuse_target(stream) : redirect(stream, 301, bp_written(&location));
    }
    if (bp_equals(bp_written(&normal), target)) return BP_CONTINUE;
    if (s_redirects_to_normal) return redirect(stream, 308, bp_written(&normal));
    return bp_header_set(stream, BP_REQUEST_HEADERS, ":path", bp_written(&normal)) == BP_OK ? BP_CONTINUE : refuse_target(stream);
}
BP_ON_REQUEST_HEADERS(on_request_headers)
