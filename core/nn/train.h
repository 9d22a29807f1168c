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
    /* Fills `inputs` (n x shape), `labels` (n) and `targets` (n x target width; NULL: they are not wanted)
       for step 0 .. steps - 1 of the epoch and returns n, from 1 to the batch size. */
    size_t (*next)(void *context, size_t epoch, size_t step, float *inputs, int32_t *labels, float *targets);
} tsr_batches;

/* Where a training stands after an epoch: with the network's parameters and running statistics all that the
   next epoch depends on. */
typedef struct tsr_training_state {
    size_t epochs; /* done */
    double best;   /* the smallest loss of an epoch so far; infinite before the first */
    size_t since_best;
    double loss, accuracy; /* as tsr_trained has them */
    size_t n_slots;        /* of the optimizer */
    float *const *slots;   /* each as long as the network's flat parameters, and laid out alike */
} tsr_training_state;

typedef struct tsr_training {
    size_t epochs;
    size_t batch;      /* examples of a step, at most */
    size_t early_stop; /* ends after so many epochs without a smaller loss than the smallest; 0: never */
    const tsr_instance *optimizer;
    size_t n_regularizers;
    tsr_instance *const *regularizers;
    const tsr_instance *schedule; /* of the learning rate; NULL: it stays */
    uint64_t seed;                /* of the operators' random streams */
    const tsr_training_state
        *from; /* goes on from there, with a network that stands there; NULL: from the start */

    /* After each epoch, and before the first one, where no epoch is done and both numbers are NaN; *now is
       valid during the call. The network may be used and planned anew in it. A failure ends the training and
       is returned. NULL: nobody listens. */
    tsr_status *(*epoch_done)(void *context, const tsr_training_state *now);
    /* After each step, with its examples: whether training ends here, as it is, and *out tells the epochs
       before. NULL: it never does. */
    bool (*enough)(void *context, size_t examples);
    /* Where the training stands at its end, unless `enough` has ended it; valid during the call. NULL: nobody
     * asks. */
    tsr_status *(*keep)(void *context, const tsr_training_state *state);
    void *context;
} tsr_training;

/* How it went. Loss and accuracy are the last epoch's means over its examples, each example as it was met
   (before its batch's update, in training mode), penalties and the graph's terms included in the loss; NaN
   without an epoch, the accuracy also where there are no classes. */
typedef struct tsr_trained {
    size_t epochs; /* done */
    bool early_stopped;
    double loss, accuracy;
} tsr_trained;

/* Trains a network that has its loss; from a state, the epochs that come after it, as if it had not stopped,
   and epoch_done is not called for those before. A state with another number of slots than the optimizer
   wants is TSR_REFUSED. A loss that is not finite, or parameters that are not after an epoch, is TSR_DIVERGED
   with epoch and step in the message; *out then tells the epochs before. Everything is allocated before the
   first step.
 */
TSR_MUST_CHECK tsr_status *tsr_train(tsr_network *network, const tsr_training *training,
                                     const tsr_batches *batches, tsr_trained *out);

#endif
