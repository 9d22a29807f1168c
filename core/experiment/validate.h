/* Whether a run can be done at all: what would fail later for sizes alone fails here. */
#ifndef TSR_EXPERIMENT_VALIDATE_H
#define TSR_EXPERIMENT_VALIDATE_H

#include "experiment/experiment.h"

/* Checks a run that has been read, its data and weights opened: the split, the network's shapes and weights,
   the layers and labels of probes and what they demand; sets run->size, and in run->config what the weights
   say (experiment/weights.h). `root` is the config with the run's point in it, where failures point to. */
TSR_MUST_CHECK tsr_status *tsr_run_validate(tsr_run *run, const tsr_value *root);

/* Refuses probes whose labels cannot name a folder and begin the names of metrics, or are not all different.
   `list` is the config's of these n probes, where failures point to; NULL: there is none. */
TSR_MUST_CHECK tsr_status *tsr_probes_check_labels(size_t n, tsr_instance *const *probes,
                                                   const tsr_value *list);

#endif
