/* Samples that are bytes in memory, and floats from 0 to 1 in a batch. */
#ifndef TESSERA_DATASETS_PIXELS_H
#define TESSERA_DATASETS_PIXELS_H

#include <tessera/base.h>

/* Samples come in random order, which no processor foresees: a reader asks for those this many ahead. */
#define PIXELS_AHEAD 3

/* n bytes will be read soon. */
void pixels_fetch(size_t n, const unsigned char *bytes);

/* out = bytes / 255. */
void pixels_scale(size_t n, const unsigned char *bytes, float *out);

/* Wishes for large pages, before n bytes are filled: with small ones the processor would have to look up most
   samples' addresses anew. */
void pixels_wish_pages(unsigned char *bytes, size_t n);

#endif
