/* Where a training stands, as a safetensors file from which it can go on: the network's arrays,
   "network.NAME", those of the optimizer, "optimizer.0.NAME", and in the metadata as JSON under "training"
   the epochs that were done and what the early stop and the record know of them. That of a training that is
   not over is a checkpoint (checkpoint.h), and has more. */
#ifndef TSR_EXPERIMENT_TRAINING_STATE_H
#define TSR_EXPERIMENT_TRAINING_STATE_H

#include "experiment/safetensors.h"
#include "nn/network.h"
#include "nn/train.h"

#define TSR_STATE_FILE "state.safetensors" /* in a run's folder, as is */
#define TSR_CHECKPOINT_FILE "checkpoint.safetensors"

/* `run` (NULL: no checkpoint is written) is a text of the run, which goes into the metadata with a digest of
   all; `before` (NULL: none) is the network's arrays of an earlier time, one behind the other. */
TSR_MUST_CHECK tsr_status *tsr_training_state_write(const char *path, tsr_network *network,
                                                    const tsr_training_state *state, const char *run,
                                                    float *before);

/* Gives the network the file's arrays, and *out its state; what does not fit is refused by the file's name,
   and the network is as it was. Clear *out also after a failure; a zeroed one may be cleared. */
typedef struct tsr_read_state {
    tsr_training_state state;
    float **slots;
} tsr_read_state;
TSR_MUST_CHECK tsr_status *tsr_training_state_read(const char *path, tsr_network *network,
                                                   tsr_read_state *out);
/* The same of an open file, with the earlier arrays where it has them and they are wanted. */
TSR_MUST_CHECK tsr_status *tsr_training_state_take(const tsr_safetensors *file, tsr_network *network,
                                                   float *before, tsr_read_state *out);
void tsr_read_state_clear(tsr_read_state *state);

/* The epoch that a file's training stands after; 0: there is no such file, or it cannot be read. */
size_t tsr_training_state_epochs(const char *path);

/* Whether a checkpoint's file is what was written; TSR_REFUSED where it is not. */
TSR_MUST_CHECK tsr_status *tsr_training_state_check(const tsr_safetensors *file);

#endif
