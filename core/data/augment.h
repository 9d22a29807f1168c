/* Data augmentation: an image of the training set turned, shifted and mirrored at random, anew in each epoch.
 */
#ifndef TSR_DATA_AUGMENT_H
#define TSR_DATA_AUGMENT_H

#include <tessera/rng.h>
#include <tessera/status.h>

typedef struct tsr_augment_options {
    double rotate; /* degrees at most, either way */
    double shift;  /* fraction of each side at most, either way */
    bool flip;     /* every other image is mirrored left to right */
} tsr_augment_options;

/* What is done to one image, in this order. */
typedef struct tsr_transform {
    double degrees;     /* counterclockwise, about the middle */
    double down, right; /* fractions of the sides */
    bool flip;
} tsr_transform;

/* Whether anything is asked for at all. */
bool tsr_augments(const tsr_augment_options *options);

/* Refuses shapes that are no images: both sides must have at least 2 pixels. */
TSR_MUST_CHECK tsr_status *tsr_augment_check(tsr_shape shape);

/* The transform of the image at `place` in the order of an epoch. It depends on these numbers alone. */
tsr_transform tsr_augment_draw(const tsr_augment_options *options, uint64_t seed, size_t epoch, size_t place);

/* Transforms an image of any number of channels, `in` to `out`, which do not overlap. Between pixels values
   are interpolated linearly; beyond the edge lies the nearest pixel, as Keras' ImageDataGenerator fills. What
   moves pixels onto pixels changes none of their bits. */
void tsr_augment_apply(const tsr_transform *transform, tsr_shape shape, const float *in, float *out);

#endif
