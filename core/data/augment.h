/* Data augmentation: the examples that train, changed at random by plugins, anew in each epoch. */
#ifndef TSR_DATA_AUGMENT_H
#define TSR_DATA_AUGMENT_H

#include <tessera/augmentation.h>

/* In the order in which they are done. */
typedef struct tsr_augmentations {
    size_t n;
    tsr_instance *const *instances;
} tsr_augmentations;

/* Whether any of them does anything. */
bool tsr_augments(const tsr_augmentations *all);

/* Refuses shapes that they cannot work on. */
TSR_MUST_CHECK tsr_status *tsr_augment_check(const tsr_augmentations *all, tsr_shape shape);

/* The stream of the example at a place in the order of an epoch. */
tsr_rng tsr_augment_stream(uint64_t seed, size_t epoch, size_t place);

/* Makes the example `out` of `in` by all of them, drawing from `rng`; scratch has room for one. None of the
   three overlap. Any thread. */
void tsr_augment(const tsr_augmentations *all, tsr_shape shape, tsr_rng *rng, const float *in, float *scratch,
                 float *out);

/* Fetches the pixels of an image of any number of channels from where the placement says, as Keras'
   ImageDataGenerator does. What moves pixels onto pixels changes none of their bits. */
void tsr_place_image(const tsr_placement *placement, tsr_shape shape, const float *in, float *out);

#endif
