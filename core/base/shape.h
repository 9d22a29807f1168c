/* Shapes of samples: checking and telling them, and images as the maps that convolutions work on. */
#ifndef TSR_BASE_SHAPE_H
#define TSR_BASE_SHAPE_H

#include <tessera/base.h>

/* Elements of a sample; false where the shape has no dimension or too many, one that is 0, or where a sample of floats
   would be beyond what can be addressed. */
bool tsr_shape_check(tsr_shape shape, size_t *size);

/* "3 x 32 x 32", for messages; `capacity` of TSR_SHAPE_TEXT is enough. Gives `out`. */
#define TSR_SHAPE_TEXT 200
const char *tsr_shape_format(tsr_shape shape, char *out, size_t capacity);

/* An image: channels of height x width. */
typedef struct tsr_maps {
    size_t c, h, w;
} tsr_maps;

/* Of a shape of three dimensions; false for any other. */
bool tsr_shape_maps(tsr_shape shape, tsr_maps *out);

static inline size_t tsr_maps_size(tsr_maps maps)
{
    return maps.c * maps.h * maps.w;
}

#endif
