/*
 * exif.h - the orientation in the first directory of EXIF data, which is a TIFF structure (CIPA DC-008, 4.6).
 */
#ifndef IMAGE_META_EXIF_H
#define IMAGE_META_EXIF_H

#include "window.h"

/* What a reader can say. */
typedef enum outcome { NEED_MORE, KNOWN, NOT_AN_IMAGE, CORRUPT, GAVE_UP } outcome;

#define TIFF_ORIENTATION 0x0112u
#define TIFF_SHORT 3u
#define MAX_DIRECTORY_ENTRIES 256u

static uint32_t tiff16(const uint8_t *b, bool is_little) { return is_little ? little16(b) : big16(b); }
static uint32_t tiff32(const uint8_t *b, bool is_little) { return is_little ? little32(b) : big32(b); }

/* Reads what stands at [start, start + length) of the body. */
static outcome read_orientation(struct window *window, size_t start, size_t length, uint32_t *orientation)
{
    if (length < 8) return CORRUPT;
    const uint8_t *header = look(window, start, 8);
    if (header == NULL) return NEED_MORE;
    bool is_little = header[0] == 'I' && header[1] == 'I';
    if (!is_little && !(header[0] == 'M' && header[1] == 'M')) return CORRUPT;
    uint32_t directory = tiff32(header + 4, is_little);
    if (tiff16(header + 2, is_little) != 42 || directory < 8 || directory > length - 2) return CORRUPT;

    const uint8_t *count_bytes = look(window, start + directory, 2);
    if (count_bytes == NULL) return NEED_MORE;
    uint32_t count = tiff16(count_bytes, is_little);
    if (count > MAX_DIRECTORY_ENTRIES || count * 12u > length - 2 - directory) return CORRUPT;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = look(window, start + directory + 2 + (size_t)i * 12, 12);
        if (entry == NULL) return NEED_MORE;
        if (tiff16(entry, is_little) != TIFF_ORIENTATION) continue;
        uint32_t value = tiff16(entry + 8, is_little);
        bool is_one_short = tiff16(entry + 2, is_little) == TIFF_SHORT && tiff32(entry + 4, is_little) == 1;
        if (!is_one_short || value < 1 || value > 8) return CORRUPT;
        *orientation = value;
        break;
    }
    return KNOWN;
}

#endif
