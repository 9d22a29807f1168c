/* Where a training stood at its end, as a safetensors file from which it can go on: the network's arrays,
   "network.NAME", those of the optimizer, "optimizer.0.NAME", and in the metadata as JSON under "training"
   the epochs that were done and what the early stop and the record know of them. */
#ifndef TSR_EXPERIMENT_TRAINING_STATE_H
#define TSR_EXPERIMENT_TRAINING_STATE_H

#include "nn/network.h"
#include "nn/train.h"

#define TSR_STATE_FILE "state.safetensors" /* in a run's folder */

TSR_MUST_CHECK tsr_status *tsr_training_state_write(const char *path, tsr_network *network,
                                                    const tsr_training_state *state);

/* Gives the network the file's arrays, and *out its state; what does not fit is refused by the file's name.
   Clear *out also after a failure; a zeroed one may be cleared. */
typedef struct tsr_read_state {
    tsr_training_state state;
    float **slots;
} tsr_read_state;
TSR_MUST_CHECK tsr_status *tsr_training_state_read(const char *path, tsr_network *network,
                                                   tsr_read_state *out);
void tsr_read_state_clear(tsr_read_state *state);

#endif
