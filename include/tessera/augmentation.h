/* An augmentation: a random change of training examples, another one each time an example is met. What is
   evaluated, encoded and probed is never augmented.

   An augmentation of images says where pixels come from (`place`): of several in a row the host makes one,
   and fetches each pixel once, so that an image that is turned and then shifted is blurred once and not
   twice. Any other one changes the values (`change`). */
#ifndef TESSERA_AUGMENTATION_H
#define TESSERA_AUGMENTATION_H

#include <tessera/plugin.h>
#include <tessera/rng.h>

TSR_BEGIN_DECLS

/* Where the pixels of a new image come from. Rows count downwards and columns to the right, in pixels, and
   both from the image's middle. The old image is transformed by the matrix, then moved, then mirrored: the
   new pixel at q, or at its mirror image, where that is so, is the old one at

       matrix (q - (down, right)).

   Between pixels values are interpolated linearly; beyond the edge lies the nearest pixel. */
typedef struct tsr_placement {
    float matrix[2][2]; /* of (row, column): the inverse of what the image is transformed by */
    float down, right;
    bool mirror; /* left to right */
} tsr_placement;

typedef struct tsr_augmentation_ops {
    /* Refuses what cannot be changed: `shape` is that of the examples. Called once, before any work.
       NULL: nothing is refused. Where place is given the host refuses what is no image of at least
       2 x 2 pixels. [one-thread] */
    tsr_status *(*check)(const void *self, tsr_shape shape);

    /* One of the two, or both: place is then first. All that is random comes from `rng`. The augmentations of
       an example draw from one stream, in their order: the example's own, which depends on the seed, the
       epoch and its place in the epoch's order. */

    /* Adds to where the pixels come from, which begins as the identity or what augmentations before have made
       of it. NULL: it moves nothing. [any-thread] */
    void (*place)(const void *self, tsr_rng *rng, tsr_shape shape, tsr_placement *placement);
    /* Makes the example `out` of the example `in`, of `shape` both, which do not overlap. NULL: it changes no
       values. [any-thread] */
    void (*change)(const void *self, tsr_rng *rng, tsr_shape shape, const float *in, float *out);

    /* Whether, as it is configured, it does nothing; where this holds for all augmentations, examples are not
       copied, and none is asked. NULL: it does something. [one-thread] */
    bool (*is_idle)(const void *self);
} tsr_augmentation_ops;

#define TSR_AUGMENTATION_PLUGIN(table)                                                                       \
    .kind = TSR_AUGMENTATION, .ops_size = sizeof(tsr_augmentation_ops), .announced_size = 0,                 \
    .ops = (1 ? (table) : (const tsr_augmentation_ops *)0)

TSR_END_DECLS
#endif
