/* image-meta as somebody writes it who has native alone in mind: the host lends the body once, whole, and a checksum takes eight bytes at a step. */
#define WINDOW_BYTES 65536u
#define CRC32 "crc32_sliced.h"
#include "../../plugins/image-meta/image_meta.c"
