/* What a run takes from the file of its weights instead of from its config. */
#ifndef TSR_EXPERIMENT_WEIGHTS_H
#define TSR_EXPERIMENT_WEIGHTS_H

#include "experiment/experiment.h"
#include "nn/network.h"

/* Checks the run's weights (none: nothing is done) against the network that its model builds, whose constants
   they set, and puts what the run will really use into run->config and run->training: the model's keys that
   set constants, and training.subtract_mean, true where the file has a mean. Says what differs from the
   config. `root` is the config's, for what it gives. */
TSR_MUST_CHECK tsr_status *tsr_weights_adopt(tsr_run *run, tsr_network *network, const tsr_value *root);

/* Removes from an experiment's resolved config what its runs have taken from files and have not in common:
   the config, read again, takes it from the files again. */
void tsr_weights_leave_out(tsr_value *resolved, const tsr_experiment *experiment);

#endif
