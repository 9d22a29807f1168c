/* One run of an experiment, as its config specifies it. */
#ifndef TSR_EXPERIMENT_SPEC_H
#define TSR_EXPERIMENT_SPEC_H

#include "experiment/experiment.h"

/* Fills a run, whose point, replicate and seed are set, from a config with the point's values in it: makes
   its plugins, opens its data and weights or shares those of the experiment's runs before it, and validates
   it. Clear it also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_run_read(tsr_experiment *experiment, const tsr_value *root, tsr_run *run);
/* Fills another replicate, whose place and seed are set, from the point's first: plugins' instances do not
   change once they are made, and nothing that is validated depends on the seed. `rest` is that of
   tsr_identity_without_seed. */
TSR_MUST_CHECK tsr_status *tsr_run_repeat(const tsr_run *first, const char *rest, tsr_run *run);

/* The run's own config, with its seed; the caller's, NULL without memory. */
tsr_value *tsr_run_config(const tsr_run *run);
void tsr_run_clear(tsr_run *run);

#endif
