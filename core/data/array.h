/* What reading and writing arrays need of their elements. */
#ifndef TSR_DATA_ARRAY_H
#define TSR_DATA_ARRAY_H

#include <tessera/npy.h>

#include <stdio.h>

/* Bytes of one. */
size_t tsr_element_size(tsr_element element);

/* Writes what stands before the elements: the magic, and a header padded so that they start at a multiple of
   64 bytes. What the stream refuses shows when it is closed. */
void tsr_npy_write_header(FILE *stream, tsr_element element, size_t n_dims, const size_t *dims);

#endif
