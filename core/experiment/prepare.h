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

/* The network that the run's model builds, its parameters drawn; the caller frees. */
TSR_MUST_CHECK tsr_status *tsr_run_build(const tsr_run *run, tsr_network **out);

/* Chooses the bits that the run's codes have. */
TSR_MUST_CHECK tsr_status *tsr_run_choose_code(const tsr_run *run, tsr_network *network);

/* Examples that an epoch trains on. */
size_t tsr_run_epoch_size(const tsr_run *run, const tsr_parts *parts);

#endif
