/* Mini-batches of training examples: a new random order in each epoch, cut into batches from its start, and
   augmented where that is asked for. */
#ifndef TSR_DATA_BATCHES_H
#define TSR_DATA_BATCHES_H

#include "data/augment.h"
#include "data/samples.h"
#include "nn/train.h"

typedef struct tsr_batch_options {
    size_t batch;              /* examples of a step, at least 1; an epoch's last step may have fewer */
    size_t epoch_size;         /* examples of an epoch; 0: every example once */
    uint64_t seed;             /* of the order and the augmentation */
    tsr_augmentations augment; /* must outlive the source, and take the samples, see tsr_augment_check */
    bool targets;              /* the dataset's targets are wanted too */
} tsr_batch_options;

typedef struct tsr_batch_source tsr_batch_source;

/* Batches of `train`, which must outlive the source. An epoch of more (fewer) examples than there are takes
   example i modulo train->n for each i below epoch_size: with tsr_parts' epoch_size, a cut training set keeps
   its number of steps. The order of an epoch depends on the seed and the epoch alone, not on those before.
   Nothing is allocated after this. With augmentation and more threads than one, a thread of its own makes the
   next batches while a step runs; they are the same to the last bit. */
TSR_MUST_CHECK tsr_status *tsr_batch_source_new(const tsr_samples *train, const tsr_batch_options *options,
                                                tsr_batch_source **out);
void tsr_batch_source_free(tsr_batch_source *source);

/* As the training loop takes them, step by step; valid as long as the source. One thread. */
tsr_batches tsr_batch_source_batches(tsr_batch_source *source);

#endif
