/*
 * route-decision - finds which of a thousand routes a request takes: host, then path segment by segment, then method; the most specific
 * route wins. The upstream gets its name in x-route, and what {parameters} matched in x-route-PARAMETER. README.md has the table's format.
 *
 * The table becomes a tree of path segments. A walk tries a literal child before a parameter, and a parameter before the rest; because it
 * is a tree, a request visits each of its nodes at most once, whatever its path is.
 */
#include <bimetal_text.h>

#define MAX_ROUTES 4096u
#define MAX_NODES 16384u
#define TABLE_SLOTS 32768u /* of the hash table of literal children; a power of two, twice MAX_NODES */
#define MAX_SEGMENTS 24u   /* of a path, in the table and in a request */
#define MAX_NAME_BYTES 48u
#define MAX_HOSTS 64u
#define MAX_METHODS 8u
#define NONE 0u

static const uint8_t s_built_in[] = {
#embed "routes.txt"
};

struct route {
    bp_slice method; /* "*": every one */
    bp_slice name;
    uint32_t next; /* another route of the same path; NONE at the end */
};

/* Indices; 0 is nothing. Node 0 is never used, nor is route 0. */
struct node {
    uint32_t parameter;
    bp_slice parameter_name;
    uint32_t routes; /* that end here */
    uint32_t rest;   /* routes that end here with {rest...} */
    bp_slice rest_name;
};

struct child {
    uint32_t parent;
    uint32_t node; /* NONE: the slot is free */
    bp_slice segment;
};

struct match {
    uint32_t routes;
    bp_slice names[MAX_SEGMENTS];
    bp_slice values[MAX_SEGMENTS];
    size_t count;
};

struct walk {
    bp_slice segments[MAX_SEGMENTS];
    size_t count;
    bp_slice path;
    bp_slice method;
    uint32_t other_methods; /* routes of a path that matched but for the method */
};

/* Written by configure, only read afterwards. */
static struct route *s_routes;
static struct node *s_nodes;
static struct child *s_children;
static uint32_t s_route_count, s_node_count;
static struct {
    bp_slice name; /* "*": every one */
    uint32_t root;
} s_hosts[MAX_HOSTS];
static size_t s_host_count;

/* ---- The tree --------------------------------------------------------------------------------------------------------------------- */

static struct child *find_slot(uint32_t parent, bp_slice segment)
{
    uint64_t at = bp_hash(parent, segment);
    for (;; at++) {
        struct child *slot = &s_children[at & (TABLE_SLOTS - 1)];
        if (slot->node == NONE || (slot->parent == parent && bp_equals(slot->segment, segment))) return slot;
    }
}

static uint32_t new_node(void)
{
    return s_node_count + 1 < MAX_NODES ? ++s_node_count : NONE;
}

static uint32_t root_of(bp_slice host)
{
    for (size_t i = 0; i < s_host_count; i++)
        if (bp_equals(s_hosts[i].name, host)) return s_hosts[i].root;
    if (s_host_count == MAX_HOSTS) return NONE;
    s_hosts[s_host_count].name = host;
    return s_hosts[s_host_count++].root = new_node();
}

/* Splits "/a/b" into its segments; false when there are too many or the text does not start with a slash. */
static bool split(bp_slice path, bp_slice segments[MAX_SEGMENTS], size_t *count)
{
    if (path.length == 0 || path.data[0] != '/') return false;
    bp_slice rest = bp_part(path, 1, path.length);
    *count = 0;
    for (;;) {
        size_t end = bp_find(rest, '/');
        if (*count == MAX_SEGMENTS) return false;
        segments[(*count)++] = bp_part(rest, 0, end);
        if (end == rest.length) return true;
        rest = bp_part(rest, end + 1, rest.length);
    }
}

static uint32_t literal_child(uint32_t parent, bp_slice segment)
{
    struct child *slot = find_slot(parent, segment);
    if (slot->node == NONE) *slot = (struct child){.parent = parent, .node = new_node(), .segment = segment};
    return slot->node;
}

/* The node that a pattern ends in; sets *is_rest when its last segment is {rest...}. NONE: the pattern is wrong or the tree is full. */
static uint32_t node_of(uint32_t node, bp_slice pattern, bool *is_rest)
{
    bp_slice segments[MAX_SEGMENTS];
    size_t count;
    *is_rest = false;
    if (!split(pattern, segments, &count)) return NONE;
    for (size_t i = 0; i < count && node != NONE; i++) {
        bp_slice segment = segments[i];
        bool is_parameter = segment.length > 2 && segment.data[0] == '{' && segment.data[segment.length - 1] == '}';
        if (!is_parameter) {
            node = literal_child(node, segment);
            continue;
        }
        bp_slice name = bp_part(segment, 1, segment.length - 2);
        *is_rest = name.length > 3 && memcmp(name.data + name.length - 3, "...", 3) == 0;
        if (*is_rest) {
            s_nodes[node].rest_name = bp_part(name, 0, name.length - 3);
            return i == count - 1 ? node : NONE;
        }
        if (name.length > MAX_NAME_BYTES) return NONE;
        if (s_nodes[node].parameter == NONE) {
            s_nodes[node].parameter = new_node();
            s_nodes[node].parameter_name = name;
        }
        node = s_nodes[node].parameter;
    }
    return node;
}

/* METHOD HOST PATTERN NAME */
static bool take_route(bp_slice line)
{
    bp_slice words[4], word;
    size_t count = 0;
    while (bp_next_item(&line, ' ', &word)) {
        if (word.length == 0) continue;
        if (count == 4) return bp_refuse("route-decision: a line of the table has more than METHOD HOST PATH NAME");
        words[count++] = word;
    }
    if (count != 4 || words[3].length > MAX_NAME_BYTES) return bp_refuse("route-decision: a line of the table is not METHOD HOST PATH NAME");
    if (s_route_count + 1 == MAX_ROUTES) return bp_refuse("route-decision: the table has more than 4095 routes");
    bool is_rest;
    uint32_t root = root_of(words[1]);
    uint32_t node = root == NONE ? NONE : node_of(root, words[2], &is_rest);
    if (node == NONE) return bp_refuse("route-decision: a path is wrong (/literal/{name}/{rest...}, 24 segments), or the table is too large");
    uint32_t *list = is_rest ? &s_nodes[node].rest : &s_nodes[node].routes;
    s_routes[++s_route_count] = (struct route){.method = words[0], .name = words[3], .next = *list};
    *list = s_route_count;
    return true;
}

static bool take_table(bp_slice table)
{
    bp_slice line;
    while (bp_next_item(&table, '\n', &line))
        if (line.length != 0 && line.data[0] != '#' && !take_route(line)) return false;
    return s_route_count != 0 || bp_refuse("route-decision: the table has no routes");
}

static bool configure(bp_slice configuration)
{
    s_routes = bp_keep(MAX_ROUTES * sizeof *s_routes);
    s_nodes = bp_keep(MAX_NODES * sizeof *s_nodes);
    s_children = bp_keep(TABLE_SLOTS * sizeof *s_children);
    if (s_routes == NULL || s_nodes == NULL || s_children == NULL) return bp_refuse("route-decision: no memory for the table");
    bp_json reader;
    bp_json_member member;
    bp_slice table = bp_bytes(s_built_in, sizeof s_built_in);
    if (configuration.length == 0) return take_table(table);
    if (!bp_json_begin(&reader, configuration)) return bp_refuse("route-decision: the configuration must be a JSON object");
    while (bp_json_next(&reader, &member))
        if (!bp_json_is(&member, "routes") || !bp_keep_text(&member, &table)) return bp_refuse("route-decision: there is one key, routes, with the table as a string");
    if (!bp_json_ended(&reader)) return bp_refuse("route-decision: the configuration is not a flat JSON object");
    return take_table(table);
}
BP_ON_CONFIGURE(configure)

/* ---- The decision ----------------------------------------------------------------------------------------------------------------- */

/* The route for the method: one that names it before one that takes every method. */
static uint32_t route_of(uint32_t list, bp_slice method)
{
    uint32_t any = NONE;
    for (; list != NONE; list = s_routes[list].next) {
        if (bp_equals(s_routes[list].method, method)) return list;
        if (bp_equals(s_routes[list].method, bp_text("*"))) any = list;
    }
    return any;
}

static uint32_t end_in(struct walk *walk, uint32_t list)
{
    uint32_t route = route_of(list, walk->method);
    if (route == NONE && list != NONE) walk->other_methods = list;
    return route;
}

static void note(struct match *match, bp_slice name, bp_slice value)
{
    match->names[match->count] = name;
    match->values[match->count++] = value;
}

/* Depth is bounded by MAX_SEGMENTS; a parameter takes one segment, so match->count is too. */
static uint32_t descend(struct walk *walk, uint32_t node, size_t depth, struct match *match)
{
    const struct node *here = &s_nodes[node];
    if (depth == walk->count) return end_in(walk, here->routes);
    bp_slice segment = walk->segments[depth];
    uint32_t child = find_slot(node, segment)->node, route = NONE;
    if (child != NONE) route = descend(walk, child, depth + 1, match);
    if (route != NONE) return route;
    if (here->parameter != NONE && segment.length != 0) {
        size_t count = match->count;
        note(match, here->parameter_name, segment);
        route = descend(walk, here->parameter, depth + 1, match);
        if (route != NONE) return route;
        match->count = count;
    }
    route = end_in(walk, here->rest);
    if (route != NONE) note(match, here->rest_name, bp_bytes(segment.data, (size_t)(walk->path.data + walk->path.length - segment.data)));
    return route;
}

static uint32_t find_route(struct walk *walk, bp_slice host, struct match *match)
{
    bp_slice wanted[] = {host, bp_text("*")};
    for (size_t w = 0; w < 2; w++) {
        for (size_t i = 0; i < s_host_count; i++) {
            if (!bp_equals_ignoring_case(s_hosts[i].name, wanted[w])) continue;
            uint32_t route = descend(walk, s_hosts[i].root, 0, match);
            if (route != NONE) return route;
        }
    }
    return NONE;
}

static bp_action answer_not_found(bp_stream stream, const struct walk *walk)
{
    uint8_t text[256];
    bp_writer allow = bp_writer_over(text, sizeof text);
    for (uint32_t route = walk->other_methods; route != NONE; route = s_routes[route].next) {
        if (allow.length != 0) bp_put_text(&allow, ", ");
        bp_put(&allow, s_routes[route].method);
    }
    bool is_known = walk->other_methods != NONE;
    bp_field fields[] = {{bp_text("content-type"), bp_text("application/json")}, {bp_text("allow"), bp_written(&allow)}};
    bp_respond(stream, is_known ? 405 : 404, fields, is_known ? 2 : 1, is_known ? bp_text("{\"error\":\"method\"}\n") : bp_text("{\"error\":\"no-route\"}\n"));
    return BP_PAUSE;
}

/* x-route-PARAMETER; a value that cannot stand in a header is left out, and so is whatever the client sent under the name. */
static void pass_on(bp_stream stream, const struct match *match)
{
    uint8_t text[MAX_NAME_BYTES + 8];
    for (size_t i = 0; i < match->count; i++) {
        bp_writer name = bp_writer_over(text, sizeof text);
        bp_put_text(&name, "x-route-");
        bp_put(&name, match->names[i]);
        if (bp_header_set_named(stream, BP_REQUEST_HEADERS, bp_written(&name), match->values[i]) != BP_OK)
            bp_header_remove_named(stream, BP_REQUEST_HEADERS, bp_written(&name));
    }
}

static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
{
    (void)state, (void)end_of_stream;
    static const uint8_t no_bytes[1];
    uint8_t copy[4096];
    bp_slice path, method, host;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, ":path", &path) != BP_OK || bp_header_get(stream, BP_REQUEST_HEADERS, ":method", &method) != BP_OK)
        return BP_CONTINUE;
    if (bp_header_get(stream, BP_REQUEST_HEADERS, ":authority", &host) != BP_OK) host = bp_bytes(no_bytes, 0);
    host = bp_part(host, 0, bp_find(host, ':'));
    path = bp_part(path, 0, bp_find(path, '?'));
    struct walk walk = {.method = method, .other_methods = NONE};
    struct match match;
    match.count = 0;
    uint32_t route = NONE;
    if (path.length <= sizeof copy) {
        memcpy(copy, path.data, path.length); /* setting a header ends the loan of the path */
        walk.path = bp_bytes(copy, path.length);
        if (split(walk.path, walk.segments, &walk.count)) route = find_route(&walk, host, &match);
    }
    if (route == NONE) return answer_not_found(stream, &walk);
    bp_header_set(stream, BP_REQUEST_HEADERS, "x-route", s_routes[route].name);
    pass_on(stream, &match);
    return BP_CONTINUE;
}
BP_ON_REQUEST_HEADERS(on_request_headers)
