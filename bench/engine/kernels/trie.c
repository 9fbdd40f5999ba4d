/*
 * trie - request paths are routed through a radix tree of some two hundred route templates: literal edges first, then a parameter
 * that takes one segment, then a wildcard that takes the rest, with backtracking.
 */
#include "kernel.h"

#define MAX_NODES 2048u
#define TEXT_BYTES 32768u
#define PATH_COUNT 64u
#define NO_ROUTE 0u

typedef struct node node;
struct node {
    const u8 *label;
    u32 labelLength;
    u32 route; /* 1 + number of the route that ends here */
    node *child, *next, *parameter, *wildcard;
};

static const char *const s_areas[] = {"users", "orders", "products", "payments", "invoices", "sessions", "reports", "devices", "carts", "catalog"};
static const char *const s_shapes[] = {"", "/{id}", "/{id}/items", "/{id}/items/{item}", "/search", "/{id}/history/{rest*}", "/export", "/{id}/status",
    "/recent", "/{id}/attachments/{name}"};
static const char *const s_versions[] = {"/api/v1/", "/api/v2/"};

static node s_nodes[MAX_NODES];
static u32 s_nodeCount;
static u8 s_text[TEXT_BYTES];
static u32 s_textLength;
static const u8 *s_paths[PATH_COUNT];
static u32 s_pathLengths[PATH_COUNT];

static node *new_node(const u8 *label, u32 length) {
    node *node = &s_nodes[s_nodeCount++];
    node->label = label;
    node->labelLength = length;
    return node;
}

/* The literal child that begins as `text` does, split where they part; made when there is none. */
static node *literal(node *parent, const u8 *text, u32 length, u32 *used) {
    for (node *child = parent->child; child; child = child->next) {
        u32 shared = 0;
        while (shared < length && shared < child->labelLength && text[shared] == child->label[shared]) shared++;
        if (shared == 0) continue;
        if (shared < child->labelLength) {
            node *rest = new_node(child->label + shared, child->labelLength - shared);
            rest->route = child->route, rest->child = child->child, rest->parameter = child->parameter, rest->wildcard = child->wildcard;
            child->labelLength = shared, child->route = NO_ROUTE, child->child = rest, child->parameter = 0, child->wildcard = 0;
        }
        *used = shared;
        return child;
    }
    node *child = new_node(text, length);
    child->next = parent->child;
    parent->child = child;
    *used = length;
    return child;
}

static void add_route(const u8 *text, u32 length, u32 route) {
    node *at = &s_nodes[0];
    u32 i = 0;
    while (i < length) {
        if (text[i] == '{') {
            while (text[i] != '}') i++;
            node **special = text[i - 1] == '*' ? &at->wildcard : &at->parameter;
            i++;
            if (!*special) *special = new_node(text, 0);
            at = *special;
            continue;
        }
        u32 end = i, used;
        while (end < length && text[end] != '{') end++;
        at = literal(at, text + i, end - i, &used);
        i += used;
    }
    at->route = route;
}

/* Adds the offsets of captured parameters to *captures. */
static u32 find(const node *at, const u8 *path, u32 length, u64 *captures) {
    if (length == 0 && at->route != NO_ROUTE) return at->route;
    for (const node *child = at->child; child; child = child->next) {
        if (child->labelLength > length || child->label[0] != path[0]) continue;
        u32 i = 1;
        while (i < child->labelLength && child->label[i] == path[i]) i++;
        if (i < child->labelLength) break;
        u32 route = find(child, path + i, length - i, captures);
        if (route != NO_ROUTE) return route;
        break;
    }
    if (at->parameter && length > 0 && path[0] != '/') {
        u32 i = 1;
        while (i < length && path[i] != '/') i++;
        u64 before = *captures;
        *captures = mix(*captures, i);
        u32 route = find(at->parameter, path + i, length - i, captures);
        if (route != NO_ROUTE) return route;
        *captures = before;
    }
    if (at->wildcard) {
        *captures = mix(*captures, length);
        return at->wildcard->route;
    }
    return NO_ROUTE;
}

static u32 append_path(u32 n, u32 version, u32 area, const char *shape, u32 *random) {
    n = append(s_text, n, s_versions[version]);
    n = append(s_text, n, s_areas[area]);
    for (; *shape != '\0'; shape++) {
        if (*shape != '{') {
            s_text[n++] = (u8)*shape;
            continue;
        }
        while (*shape != '}') shape++;
        if (shape[-1] == '*') n = append(s_text, n, "2024/03/");
        n = append_number(s_text, n, next_random(random) % 1000000);
    }
    return n;
}

void setup(void) {
    s_nodeCount = 1; /* the root */
    u32 route = 0, random = 6;
    for (u32 version = 0; version < LENGTH(s_versions); version++) {
        for (u32 area = 0; area < LENGTH(s_areas); area++) {
            for (u32 shape = 0; shape < LENGTH(s_shapes); shape++) {
                u32 start = s_textLength;
                s_textLength = append(s_text, s_textLength, s_versions[version]);
                s_textLength = append(s_text, s_textLength, s_areas[area]);
                s_textLength = append(s_text, s_textLength, s_shapes[shape]);
                add_route(s_text + start, s_textLength - start, ++route);
            }
        }
    }
    for (u32 i = 0; i < PATH_COUNT; i++) {
        u32 start = s_textLength, pick = next_random(&random);
        s_textLength = append_path(start, pick % 2, pick / 2 % LENGTH(s_areas), s_shapes[pick / 32 % LENGTH(s_shapes)], &random);
        if (i % 8 == 7) s_textLength = append(s_text, s_textLength, "/unknown");
        s_paths[i] = s_text + start;
        s_pathLengths[i] = s_textLength - start;
    }
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        for (u32 path = 0; path < PATH_COUNT; path++) {
            u64 captures = i;
            u32 route = find(&s_nodes[0], s_paths[path], s_pathLengths[path], &captures);
            checksum = mix(checksum, captures + route);
        }
    }
    return checksum;
}
