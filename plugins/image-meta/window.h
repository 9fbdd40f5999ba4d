/*
 * window.h - bounds-checked reads anywhere in the part of a response's body that has come. A window shows a kilobyte at a time wherever it is
 * looked at, so that the wasm metal copies little and the native one nothing.
 */
#ifndef IMAGE_META_WINDOW_H
#define IMAGE_META_WINDOW_H

#include <bimetal_plugin.h>

#if !defined(WINDOW_BYTES)
#define WINDOW_BYTES 1024u /* where lending costs nothing it can be more */
#endif

struct window {
    bp_stream stream;
    size_t available; /* bytes of the body that can be looked at */
    size_t start;     /* of the part that is here */
    bp_slice bytes;
};

/* length bytes (at most WINDOW_BYTES) at offset, or null when they are not all there yet. */
static const uint8_t *look(struct window *window, size_t offset, size_t length)
{
    if (offset >= window->start && offset - window->start <= window->bytes.length && window->bytes.length - (offset - window->start) >= length)
        return window->bytes.data + (offset - window->start);
    if (offset > window->available || window->available - offset < length ||
        bp_body_get(window->stream, BP_RESPONSE_BODY, offset, WINDOW_BYTES, &window->bytes) != BP_OK || window->bytes.length < length) {
        window->bytes = bp_bytes(0, 0);
        return NULL;
    }
    window->start = offset;
    return window->bytes.data;
}

static inline uint32_t big16(const uint8_t *b) { return (uint32_t)b[0] << 8 | b[1]; }
static inline uint32_t big32(const uint8_t *b) { return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]; }
static inline uint32_t little16(const uint8_t *b) { return (uint32_t)b[1] << 8 | b[0]; }
static inline uint32_t little24(const uint8_t *b) { return (uint32_t)b[2] << 16 | little16(b); }
static inline uint32_t little32(const uint8_t *b) { return (uint32_t)b[3] << 24 | little24(b); }
static inline bool is_tag(const uint8_t *bytes, const char *tag) { return memcmp(bytes, tag, 4) == 0; }

#endif
