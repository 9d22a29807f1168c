/* A PNG or JPEG file as bytes, in the size and with the channels that are wanted. */
#ifndef TESSERA_DATASETS_IMAGES_PICTURE_H
#define TESSERA_DATASETS_IMAGES_PICTURE_H

#include <tessera/status.h>

#define MAX_SIDE ((size_t)1 << 16)
#define MAX_PIXELS ((size_t)1 << 26) /* a small file may claim to be a large picture */

/* A decoded file: rows of pixels of 1 (grey) or 3 (red, green, blue) bytes. */
typedef struct picture {
    size_t h, w, channels;
    unsigned char *bytes; /* owned */
} picture;

/* Decodes the file. 16 bits become 8, a palette colours, and transparency is dropped. Refused, with the path:
   what is neither PNG nor JPEG, is damaged or cut off, has more than MAX_PIXELS, or is in CMYK. free
   out->bytes. Any thread. */
TSR_MUST_CHECK tsr_status *picture_read(const char *path, picture *out);

/* The picture in `channels` planes of h x w bytes. Grey to colour: the same three times; colour to grey: the
   luma of ITU-R BT.601, (19595 R + 38470 G + 7471 B) / 65536. An axis that shrinks gives each pixel the mean
   of the part of the picture that it covers (box), one that grows interpolates linearly between the centres
   of pixels, and is constant beyond the outermost; all rounded once, to the nearest, halves up. */
void picture_fit(const picture *self, size_t channels, size_t h, size_t w, unsigned char *out);

/* A format's decoder: NULL where it filled *out, else why it did not: a text in `room`, which has
   PICTURE_REASON bytes, or one that lives as long as the program. */
#define PICTURE_REASON 256
const char *picture_decode_png(const unsigned char *bytes, size_t length, picture *out, char *room);
const char *picture_decode_jpeg(const unsigned char *bytes, size_t length, picture *out, char *room);

#endif
