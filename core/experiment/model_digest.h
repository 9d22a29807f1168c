/* What a model reads of files is part of what a run's results depend on. */
#ifndef TSR_EXPERIMENT_MODEL_DIGEST_H
#define TSR_EXPERIMENT_MODEL_DIGEST_H

#include "experiment/experiment.h"
#include "nn/network.h"

/* Puts "model_hash" into run->config: a hash of the files that keys of type path of the model and of plugins
   in it name, and of the initial values that it gives (tsr_initial), which may come from further files.
   Without any of both there is none. `network` is what the model builds. */
TSR_MUST_CHECK tsr_status *tsr_model_digest_add(tsr_run *run, const tsr_network *network);

#endif
