/* Doing one run: train, take codes at the snapshots, probe them, leave files and a run.json. */
#ifndef TSR_EXPERIMENT_RUN_H
#define TSR_EXPERIMENT_RUN_H

#include "experiment/progress.h"
#include "experiment/store.h"

/* Does the run in this process with at most `threads` threads and stores its outcome. A run that fails or
   diverges is an outcome; the status says only that nothing could be stored. */
TSR_MUST_CHECK tsr_status *tsr_run_do(const tsr_experiment *experiment, const tsr_store *store,
                                      const tsr_run *run, int threads, tsr_run_progress *progress);

/* Stores that the run failed for a reason that its own process could not tell. */
TSR_MUST_CHECK tsr_status *tsr_run_lost(const tsr_experiment *experiment, const tsr_store *store,
                                        const tsr_run *run, const char *reason, tsr_run_progress *progress);

#endif
