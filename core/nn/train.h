/* The training loop: mini-batches, penalties, updates, schedule, early stop. It knows no dataset and no
   experiment: batches come from a callback, and another hears of each epoch. */
#ifndef TSR_NN_TRAIN_H
#define TSR_NN_TRAIN_H

#include "nn/network.h"

/* Where batches come from. */
typedef struct tsr_batches {
    void *context;
    size_t steps; /* per epoch, at least 1 */
    /* Called before the first step of epoch 1, 2 ... */
    void (*begin_epoch)(void *context, size_t epoch);
    /* Fills `inputs` (n x shape) and `labels` (n) for step 0 .. steps - 1 of the epoch and returns n, from 1
       to the batch size. */
    size_t (*next)(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels);
} tsr_batches;

typedef enum tsr_schedule_kind {
    TSR_SCHEDULE_CONSTANT,
    TSR_SCHEDULE_STEP,   /* times `factor` after every `every` epochs */
    TSR_SCHEDULE_COSINE, /* from 1 down to `minimum` along half a cosine */
} tsr_schedule_kind;

typedef struct tsr_schedule {
    tsr_schedule_kind kind;
    size_t every; /* epochs, at least 1 */
    double factor;
    double minimum; /* a fraction of the learning rate */
} tsr_schedule;

/* What the learning rate is multiplied by in `epoch` (from 1) of `epochs`. */
double tsr_schedule_factor(const tsr_schedule *schedule, size_t epoch, size_t epochs);

typedef struct tsr_training {
    size_t epochs;
    size_t batch;      /* examples of a step, at most */
    size_t early_stop; /* ends after so many epochs without a smaller loss than the smallest; 0: never */
    const tsr_instance *optimizer;
    size_t n_regularizers;
    tsr_instance *const *regularizers;
    tsr_schedule schedule;
    uint64_t seed; /* of the operators' random streams */

    /* After each epoch, and with epoch 0 and NaN for both numbers before the first. The network may be
       used and planned anew in it. A failure ends the training and is returned. NULL: nobody listens. */
    tsr_status *(*epoch_done)(void *context, size_t epoch, double loss, double accuracy);
    /* After each step, with its examples: whether training ends here, as it is, and *out tells the epochs
       before. NULL: it never does. */
    bool (*enough)(void *context, size_t examples);
    void *context;
} tsr_training;

/* How it went. Loss and accuracy are the last epoch's means over its examples, each example as it was met
   (before its batch's update, in training mode), penalties included in the loss; NaN without an epoch. */
typedef struct tsr_trained {
    size_t epochs; /* done */
    bool early_stopped;
    double loss, accuracy;
} tsr_trained;

/* Trains. A loss that is not finite, or parameters that are not after an epoch, is TSR_DIVERGED with epoch
   and step in the message; *out then tells the epochs before. Everything is allocated before the first step.
 */
TSR_MUST_CHECK tsr_status *tsr_train(tsr_network *network, const tsr_training *training,
                                     const tsr_batches *batches, tsr_trained *out);

#endif
