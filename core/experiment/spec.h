/* One run of an experiment, as its config specifies it. */
#ifndef TSR_EXPERIMENT_SPEC_H
#define TSR_EXPERIMENT_SPEC_H

#include "experiment/experiment.h"

/* Fills a run, whose point, replicate and seed are set, from a config with the point's values in it: makes
   its plugins, opens its data and weights or shares those of the experiment's runs before it, and validates
   it. Clear it also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_run_read(tsr_experiment *experiment, const tsr_value *root, tsr_run *run);
void tsr_run_clear(tsr_run *run);

#endif
