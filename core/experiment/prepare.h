/* What a run is done with beside its plugins, made in one way for whoever checks it and for whoever does it.
 */
#ifndef TSR_EXPERIMENT_PREPARE_H
#define TSR_EXPERIMENT_PREPARE_H

#include "data/batches.h"
#include "experiment/experiment.h"
#include "nn/network.h"

/* The parts of the run's data. Without `noise`, labels and inputs are the true ones: enough where sizes
   matter alone. Clear them also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_run_split(const tsr_run *run, bool noise, tsr_parts *out);

/* What the run's loss asks of the data and of the model; refuses data without what it compares with. */
typedef struct tsr_run_goal {
    int outputs; /* of the network */
    tsr_network_loss_options options;
} tsr_run_goal;
TSR_MUST_CHECK tsr_status *tsr_run_find_goal(const tsr_run *run, tsr_run_goal *out);

/* The network that the run's model builds, with its loss and its parameters drawn; the caller frees. */
TSR_MUST_CHECK tsr_status *tsr_run_build(const tsr_run *run, tsr_network **out);

/* What its training examples are changed by. */
tsr_augmentations tsr_run_augmentations(const tsr_run *run);

/* Chooses the bits that the run's codes have. */
TSR_MUST_CHECK tsr_status *tsr_run_choose_code(const tsr_run *run, tsr_network *network);

/* Examples that an epoch trains on. */
size_t tsr_run_epoch_size(const tsr_run *run, const tsr_parts *parts);

#endif
