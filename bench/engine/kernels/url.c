/*
 * url - request targets are split into scheme, host, port, path and query (RFC 3986), percent escapes decoded, dot segments removed,
 * and the parameters of the query listed: what a gateway does before it routes.
 */
#include "kernel.h"

#define MAX_TEXT 512u
#define MAX_PARAMETERS 16u

typedef struct slice {
    const u8 *start;
    u32 length;
} slice;

typedef struct url {
    slice scheme, host, path, query, fragment;
    u32 port;
} url;

typedef struct parameter {
    slice name, value;
} parameter;

static const char *const s_texts[] = {
    "https://api.example.com:8443/v1/users/12345/orders?limit=50&offset=100&sort=-created#top",
    "http://cdn.example.org/static/../assets/./img/logo%20large.png",
    "https://user:secret@intranet.example.net/reports/2024/q3?format=pdf&lang=de-DE&title=Umsatz%20%C3%BCber%20alles",
    "https://shop.example.com/search?q=wool+socks&category=clothing&price=10..25&page=3&session=a8f5f167f44f4964e6c998dee827110c",
    "/relative/path/a/b/c/../../d/./e?x=1&y=2&&z=",
    "https://[2001:db8::7]:443/index.html",
    "https://auth.example.com/oauth2/authorize?response_type=code&client_id=s6BhdRkqt3&state=xyz&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb",
    "http://legacy.example.com:99999/broken%zz/path?ok=%4",
};
static u8 s_targets[LENGTH(s_texts)][MAX_TEXT];
static u32 s_lengths[LENGTH(s_texts)];

static u32 is_scheme_character(u8 c) {
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

static slice until(const u8 *start, const u8 *end, u8 stop, u8 otherStop) {
    const u8 *at = start;
    while (at < end && *at != stop && *at != otherStop) at++;
    return (slice){start, (u32)(at - start)};
}

/* The part between "//" and the path; false when the port is no port. */
static u32 split_authority(url *url, slice authority) {
    const u8 *start = authority.start, *end = start + authority.length, *host = start;
    for (const u8 *at = start; at < end; at++) {
        if (*at == '@') host = at + 1;
    }
    const u8 *hostEnd = host;
    if (host < end && *host == '[') {
        while (hostEnd < end && *hostEnd != ']') hostEnd++;
        if (hostEnd == end) return 0;
        hostEnd++;
    } else {
        while (hostEnd < end && *hostEnd != ':') hostEnd++;
    }
    url->host = (slice){host, (u32)(hostEnd - host)};
    if (hostEnd == end) return 1;
    u32 port = 0;
    for (const u8 *at = hostEnd + 1; at < end; at++) {
        if (*at < '0' || *at > '9') return 0;
        port = port * 10 + (*at - '0');
        if (port > 65535) return 0;
    }
    url->port = port;
    return *hostEnd == ':';
}

static u32 split(url *url, const u8 *text, u32 length) {
    const u8 *at = text, *end = text + length;
    *url = (struct url){{text, 0}, {text, 0}, {text, 0}, {text, 0}, {text, 0}, 0};
    u32 valid = 1;
    while (at < end && is_scheme_character(*at)) at++;
    if (end - at >= 3 && at[0] == ':' && at[1] == '/' && at[2] == '/') {
        url->scheme = (slice){text, (u32)(at - text)};
        slice authority = until(at + 3, end, '/', '?');
        url->port = url->scheme.length == 5 ? 443 : 80;
        valid = split_authority(url, authority);
        at = authority.start + authority.length;
    } else {
        at = text;
    }
    url->path = until(at, end, '?', '#');
    at += url->path.length;
    if (at < end && *at == '?') {
        url->query = until(at + 1, end, '#', '#');
        at = url->query.start + url->query.length;
    }
    if (at < end && *at == '#') url->fragment = (slice){at + 1, (u32)(end - at - 1)};
    return valid;
}

static u32 hex_value(u8 c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16u;
}

/* Decodes percent escapes (those that are none stay as they are), and plus signs of queries; returns the length. */
static u32 decode(slice text, u8 *out, u32 isQuery) {
    u32 n = 0;
    for (u32 i = 0; i < text.length; i++) {
        u8 c = text.start[i];
        if (c == '%' && i + 2 < text.length) {
            u32 high = hex_value(text.start[i + 1]), low = hex_value(text.start[i + 2]);
            if ((high | low) < 16) {
                c = (u8)(high << 4 | low);
                i += 2;
            }
        } else if (c == '+' && isQuery) {
            c = ' ';
        }
        out[n++] = c;
    }
    return n;
}

/* Removes "." and ".." in place (RFC 3986, 5.2.4); returns the new length. */
static u32 remove_dots(u8 *path, u32 length) {
    u32 n = 0, i = 0;
    while (i < length) {
        u32 start = ++i; /* behind the slash */
        while (i < length && path[i] != '/') i++;
        u32 size = i - start, isLast = i == length;
        if (size == 1 && path[start] == '.') {
            if (isLast) path[n++] = '/';
        } else if (size == 2 && path[start] == '.' && path[start + 1] == '.') {
            while (n > 0 && path[--n] != '/') {}
            if (isLast) path[n++] = '/';
        } else {
            path[n++] = '/';
            for (u32 k = start; k < i; k++) path[n++] = path[k];
        }
    }
    return n;
}

static u32 list_parameters(slice query, parameter *parameters) {
    u32 count = 0;
    const u8 *at = query.start, *end = at + query.length;
    while (at < end && count < MAX_PARAMETERS) {
        slice pair = until(at, end, '&', '&');
        slice name = until(pair.start, pair.start + pair.length, '=', '=');
        u32 rest = pair.length - name.length;
        if (pair.length > 0) parameters[count++] = (parameter){name, {name.start + name.length + (rest > 0), rest - (rest > 0)}};
        at += pair.length + 1;
    }
    return count;
}

void setup(void) {
    for (u32 i = 0; i < LENGTH(s_texts); i++) s_lengths[i] = append(s_targets[i], 0, s_texts[i]);
}

u64 run(u32 iterations) {
    u64 checksum = 0;
    for (u32 i = 0; i < iterations; i++) {
        u32 which = i % LENGTH(s_texts);
        url url;
        u8 text[MAX_TEXT];
        parameter parameters[MAX_PARAMETERS];
        u32 valid = split(&url, s_targets[which], s_lengths[which]);
        u32 length = remove_dots(text, decode(url.path, text, 0));
        checksum = mix(checksum, (u64)valid << 32 | url.port << 16 | url.host.length << 8 | url.fragment.length);
        checksum = mix_bytes(checksum, text, length);
        u32 count = list_parameters(url.query, parameters);
        for (u32 k = 0; k < count; k++) {
            length = decode(parameters[k].value, text, 1);
            checksum = mix(checksum, parameters[k].name.length << 16 | length << 8 | text[length / 2]);
        }
    }
    return checksum;
}
