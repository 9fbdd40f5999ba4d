/*
 * image-meta - tells clients and caches what an image is: type, size and orientation as response headers, read from the bytes themselves.
 *
 * Response headers are held until enough of the body has come, never more than PREFIX_BYTES. What the upstream claims (content-type,
 * lengths inside the file, x-image-* headers of its own) is checked or thrown away. README.md has the headers and the errors.
 *
 * The readers see the body through a window (window.h). A reader answers NEED_MORE as long as another byte could change what it says; so
 * the answer never depends on how the body was cut into chunks.
 */
#include <bimetal_plugin.h>

#include "exif.h"
#include "window.h"

#define PREFIX_BYTES 65536u /* what lies behind is never looked at */
#define MAX_SEGMENTS 512u   /* of a JPEG, PNG or WebP, before a reader gives up */

#define TYPE_HEADER "x-image-type"
#define WIDTH_HEADER "x-image-width"
#define HEIGHT_HEADER "x-image-height"
#define ORIENTATION_HEADER "x-image-orientation"
#define ERROR_HEADER "x-image-error"

typedef enum image_type { UNKNOWN, JPEG, PNG, GIF, WEBP } image_type;

static const char *const s_type_names[] = {"", "jpeg", "png", "gif", "webp"};

/* One response. */
struct response {
    bool is_held;
    bool is_length_known;
    uint8_t declared; /* image_type of the content-type; UNKNOWN for other image types */
    uint64_t content_length;
};
BP_STREAM_STATE(struct response)

struct image {
    image_type type;
    uint32_t width; /* 0: not known */
    uint32_t height;
    uint32_t orientation; /* 1 to 8 as in EXIF; 0: not known */
    bool has_bad_exif;
    bool is_longer_than_body; /* the file's own length does not fit into content-length */
};

/* Bad EXIF is reported and passed over: the image itself may be sound. */
static outcome read_exif(struct window *window, size_t start, size_t length, struct image *image)
{
    outcome result = read_orientation(window, start, length, &image->orientation);
    if (result != CORRUPT) return result;
    image->has_bad_exif = true;
    return KNOWN;
}

/* ---- JPEG (ITU-T T.81, annex B): segments up to the first start of frame ---------------------------------------------------------- */

static bool is_start_of_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static outcome read_jpeg(struct window *window, struct image *image)
{
    size_t offset = 2;
    for (uint32_t segment = 0; segment < MAX_SEGMENTS; segment++) {
        const uint8_t *marker = look(window, offset, 2);
        if (marker == NULL) return NEED_MORE;
        if (marker[0] != 0xff) return CORRUPT;
        if (marker[1] == 0xff) { /* a fill byte */
            offset++;
            continue;
        }
        if (marker[1] == 0x01) { /* TEM stands alone */
            offset += 2;
            continue;
        }
        if (marker[1] < 0xc0 || (marker[1] >= 0xd0 && marker[1] <= 0xda)) return CORRUPT; /* scan data, or no segment at all */
        uint8_t kind = marker[1];
        const uint8_t *head = look(window, offset + 2, 2);
        if (head == NULL) return NEED_MORE;
        size_t length = big16(head);
        if (length < 2) return CORRUPT;
        if (is_start_of_frame(kind)) {
            const uint8_t *frame = look(window, offset + 4, 6);
            if (frame == NULL) return NEED_MORE;
            image->height = big16(frame + 1);
            image->width = big16(frame + 3);
            return length == 8u + 3u * frame[5] && frame[5] != 0 && image->width != 0 && image->height != 0 ? KNOWN : CORRUPT;
        }
        if (kind == 0xe1 && length >= 8 && image->orientation == 0 && !image->has_bad_exif) {
            const uint8_t *name = look(window, offset + 4, 6);
            if (name == NULL) return NEED_MORE;
            if (memcmp(name, "Exif\0\0", 6) == 0 && read_exif(window, offset + 10, length - 8, image) == NEED_MORE) return NEED_MORE;
        }
        offset += 2 + length;
    }
    return GAVE_UP;
}

/* ---- PNG: IHDR with its checksum, then chunks up to the image data, for eXIf ------------------------------------------------------ */

#if defined(CRC32)
#include CRC32 /* a quicker one can stand here */
#else
static uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}
#endif

static outcome read_png(struct window *window, struct image *image)
{
    const uint8_t *header = look(window, 8, 25);
    if (header == NULL) return NEED_MORE;
    if (big32(header) != 13 || !is_tag(header + 4, "IHDR") || big32(header + 21) != crc32_of(header + 4, 17)) return CORRUPT;
    uint32_t width = big32(header + 8), height = big32(header + 12);
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX) return CORRUPT;
    image->width = width;
    image->height = height;

    size_t offset = 33;
    for (uint32_t chunk = 0; chunk < MAX_SEGMENTS; chunk++) {
        const uint8_t *head = look(window, offset, 8);
        if (head == NULL) return NEED_MORE;
        uint32_t length = big32(head);
        if (length > INT32_MAX) return CORRUPT;
        if (is_tag(head + 4, "IDAT")) return KNOWN;
        if (is_tag(head + 4, "IEND")) return CORRUPT; /* an image without image data */
        if (is_tag(head + 4, "eXIf")) return read_exif(window, offset + 8, length, image);
        offset += 12 + (size_t)length; /* below 2^32 only while offset is below PREFIX_BYTES: look refuses what is past it */
        if (offset > PREFIX_BYTES) offset = PREFIX_BYTES;
    }
    return GAVE_UP;
}

/* ---- GIF: the logical screen ------------------------------------------------------------------------------------------------------ */

static outcome read_gif(struct window *window, struct image *image)
{
    const uint8_t *screen = look(window, 0, 10);
    if (screen == NULL) return NEED_MORE;
    if (memcmp(screen, "GIF87a", 6) != 0 && memcmp(screen, "GIF89a", 6) != 0) return CORRUPT;
    image->width = little16(screen + 6);
    image->height = little16(screen + 8);
    return image->width != 0 && image->height != 0 ? KNOWN : CORRUPT;
}

/* ---- WebP (RFC 9649): RIFF chunks; VP8, VP8L or VP8X first; EXIF last ------------------------------------------------------------- */

#define WEBP_HAS_EXIF 0x08u

static outcome read_webp_extended(struct window *window, size_t file_end, struct image *image)
{
    const uint8_t *extended = look(window, 20, 10);
    if (extended == NULL) return NEED_MORE;
    image->width = little24(extended + 4) + 1;
    image->height = little24(extended + 7) + 1;
    if ((uint64_t)image->width * image->height > UINT32_MAX) return CORRUPT;
    if ((extended[0] & WEBP_HAS_EXIF) == 0) return KNOWN;

    size_t offset = 30;
    for (uint32_t chunk = 0; chunk < MAX_SEGMENTS; chunk++) {
        if (offset > PREFIX_BYTES - 8 || offset >= file_end) return KNOWN; /* the metadata lies too deep: the orientation stays unknown */
        const uint8_t *head = look(window, offset, 8);
        if (head == NULL) return NEED_MORE;
        uint32_t length = little32(head + 4);
        if (offset + 8 > file_end || length > file_end - offset - 8) return CORRUPT;
        if (is_tag(head, "EXIF")) {
            if (length > PREFIX_BYTES - offset - 8) return KNOWN;
            const uint8_t *name = look(window, offset + 8, length < 6 ? length : 6);
            if (name == NULL) return NEED_MORE;
            size_t skip = length >= 6 && memcmp(name, "Exif\0\0", 6) == 0 ? 6 : 0; /* some writers keep the JPEG prefix */
            return read_exif(window, offset + 8 + skip, length - skip, image);
        }
        offset += 8 + (size_t)length + (length & 1);
    }
    return GAVE_UP;
}

static outcome read_webp(struct window *window, const struct response *response, struct image *image)
{
    const uint8_t *head = look(window, 0, 20);
    if (head == NULL) return NEED_MORE;
    uint64_t file_end = 8 + (uint64_t)little32(head + 4);
    uint32_t length = little32(head + 16);
    if (file_end < 20 || length > file_end - 20) return CORRUPT;
    image->is_longer_than_body = response->is_length_known && file_end > response->content_length;

    const uint8_t *bits;
    if (is_tag(head + 12, "VP8X")) return length == 10 ? read_webp_extended(window, (size_t)(file_end > UINT32_MAX ? UINT32_MAX : file_end), image) : CORRUPT;
    if (is_tag(head + 12, "VP8L")) {
        if (length < 5) return CORRUPT;
        if ((bits = look(window, 20, 5)) == NULL) return NEED_MORE;
        uint32_t packed = little32(bits + 1);
        image->width = (packed & 0x3fff) + 1;
        image->height = (packed >> 14 & 0x3fff) + 1;
        return bits[0] == 0x2f && packed >> 29 == 0 ? KNOWN : CORRUPT; /* signature and version */
    }
    if (!is_tag(head + 12, "VP8 ") || length < 10) return CORRUPT;
    if ((bits = look(window, 20, 10)) == NULL) return NEED_MORE;
    if ((bits[0] & 1) != 0 || little24(bits + 3) != 0x2a019d) return CORRUPT; /* not a key frame, or no start code */
    image->width = little16(bits + 6) & 0x3fff; /* the upper bits scale */
    image->height = little16(bits + 8) & 0x3fff;
    return image->width != 0 && image->height != 0 ? KNOWN : CORRUPT;
}

/* ---- The whole -------------------------------------------------------------------------------------------------------------------- */

static outcome sniff(struct window *window, image_type *type)
{
    const uint8_t *magic = look(window, 0, 12);
    if (magic == NULL) return NEED_MORE;
    if (magic[0] == 0xff && magic[1] == 0xd8 && magic[2] == 0xff)
        *type = JPEG;
    else if (memcmp(magic, "\x89PNG\r\n\x1a\n", 8) == 0)
        *type = PNG;
    else if (is_tag(magic, "GIF8"))
        *type = GIF;
    else if (is_tag(magic, "RIFF") && is_tag(magic + 8, "WEBP"))
        *type = WEBP;
    else
        return NOT_AN_IMAGE;
    return KNOWN;
}

static outcome read_image(struct window *window, const struct response *response, struct image *image)
{
    outcome result = sniff(window, &image->type);
    if (result != KNOWN) return result;
    switch (image->type) {
    case JPEG: return read_jpeg(window, image);
    case PNG: return read_png(window, image);
    case GIF: return read_gif(window, image);
    default: return read_webp(window, response, image);
    }
}

/* What to report, the gravest first; null when nothing is wrong. */
static const char *error_of(outcome result, const struct response *response, const struct image *image, bool has_ended)
{
    switch (result) {
    case CORRUPT: return "corrupt";
    case NEED_MORE:
        if (has_ended) return "truncated";
        __attribute__((fallthrough));
    case GAVE_UP:
        if (image->width == 0) return "too-deep";
        break; /* only the orientation stays unknown */
    case NOT_AN_IMAGE: return response->declared != UNKNOWN ? "unrecognised" : NULL; /* image/avif and others are none of our business */
    default: break;
    }
    if (image->is_longer_than_body) return "truncated";
    if (response->declared != UNKNOWN && response->declared != (uint8_t)image->type) return "type-mismatch";
    return image->has_bad_exif ? "bad-exif" : NULL;
}

static void set_number(bp_stream stream, const char *name, uint32_t number)
{
    char digits[20];
    if (number != 0) bp_header_set(stream, BP_RESPONSE_HEADERS, name, bp_decimal(number, digits));
}

static void report(bp_stream stream, outcome result, const struct image *image, const char *error)
{
    if (image->type != UNKNOWN) bp_header_set(stream, BP_RESPONSE_HEADERS, TYPE_HEADER, bp_text(s_type_names[image->type]));
    if (result != CORRUPT) {
        set_number(stream, WIDTH_HEADER, image->width);
        set_number(stream, HEIGHT_HEADER, image->height);
        set_number(stream, ORIENTATION_HEADER, image->orientation);
    }
    if (error != NULL) bp_header_set(stream, BP_RESPONSE_HEADERS, ERROR_HEADER, bp_text(error));
}

static bp_action on_response_body(bp_stream stream, struct response *response, size_t body_length, bool end_of_stream)
{
    if (!response->is_held) return BP_CONTINUE;
    struct window window = {.stream = stream, .available = body_length < PREFIX_BYTES ? body_length : PREFIX_BYTES};
    struct image image = {.type = UNKNOWN};
    outcome result = read_image(&window, response, &image);
    bool has_ended = end_of_stream && body_length < PREFIX_BYTES; /* of a longer body only the prefix counts, however it came */
    if (result == NEED_MORE && !end_of_stream && body_length < PREFIX_BYTES) return BP_PAUSE;
    report(stream, result, &image, error_of(result, response, &image, has_ended));
    response->is_held = false;
    return BP_CONTINUE;
}
BP_ON_RESPONSE_BODY(on_response_body)

/* Whether a content-type is this media type, whatever parameters follow. */
static bool is_media_type(bp_slice content_type, const char *lower)
{
    size_t length = strlen(lower);
    if (!bp_starts_with_ignoring_case(content_type, lower)) return false;
    return content_type.length == length || content_type.data[length] == ';' || content_type.data[length] == ' ';
}

static image_type declared_type(bp_slice content_type)
{
    if (is_media_type(content_type, "image/jpeg") || is_media_type(content_type, "image/jpg")) return JPEG;
    if (is_media_type(content_type, "image/png") || is_media_type(content_type, "image/apng")) return PNG;
    if (is_media_type(content_type, "image/gif")) return GIF;
    return is_media_type(content_type, "image/webp") ? WEBP : UNKNOWN;
}

static bool read_decimal(bp_slice text, uint64_t *number)
{
    *number = 0;
    if (text.length == 0 || text.length > 18) return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

/* Whole, unencoded images only: a range does not start at the start, and a compressed body shows nothing. */
static bool is_readable_image(bp_stream stream, struct response *response)
{
    bp_slice value;
    if (bp_header_get(stream, BP_RESPONSE_HEADERS, "content-type", &value) != BP_OK || !bp_starts_with_ignoring_case(value, "image/")) return false;
    response->declared = (uint8_t)declared_type(value);
    if (bp_header_get(stream, BP_RESPONSE_HEADERS, ":status", &value) != BP_OK || !bp_equals(value, bp_text("200"))) return false;
    if (bp_header_get(stream, BP_RESPONSE_HEADERS, "content-encoding", &value) == BP_OK && !bp_equals(value, bp_text("identity"))) return false;
    response->is_length_known = bp_header_get(stream, BP_RESPONSE_HEADERS, "content-length", &value) == BP_OK &&
                                read_decimal(value, &response->content_length);
    return true;
}

static bp_action on_response_headers(bp_stream stream, struct response *response, bool end_of_stream)
{
    static const char *const ours[] = {TYPE_HEADER, WIDTH_HEADER, HEIGHT_HEADER, ORIENTATION_HEADER, ERROR_HEADER};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) bp_header_remove(stream, BP_RESPONSE_HEADERS, ours[i]);
    if (end_of_stream || !is_readable_image(stream, response)) return BP_CONTINUE; /* nothing follows (HEAD, 204), or not for us */
    response->is_held = true;
    return BP_PAUSE;
}
BP_ON_RESPONSE_HEADERS(on_response_headers)
