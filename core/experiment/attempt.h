/* A run in processes of its own, so that what ends one of them costs as little as can be. */
#ifndef TSR_EXPERIMENT_ATTEMPT_H
#define TSR_EXPERIMENT_ATTEMPT_H

#include "experiment/run.h"

/* Does the run as tsr_run_do, in a child of this process, and stores its outcome also where that process ends
   by itself. Where it does so in a probe, the run is done again without that probe from that snapshot on, and
   counts as failed by it. In the leading process, and where all is done in one, it is done here. One thread,
   and none else runs. */
TSR_MUST_CHECK tsr_status *tsr_run_attempt(const tsr_experiment *experiment, const tsr_store *store,
                                           const tsr_run *run, const char *predecessor, int threads,
                                           tsr_run_progress *progress);

/* Stores that the run failed for a reason that its own process could not tell, and removes what it has left.
   `again`: it may be another time, so that its checkpoint stays, with what belongs to that.
   A finished run of which only files were made, its own predecessor, stays as it is, and the reason is said.
 */
TSR_MUST_CHECK tsr_status *tsr_run_lost(const tsr_experiment *experiment, const tsr_store *store,
                                        const tsr_run *run, const char *predecessor, const char *reason,
                                        bool again, tsr_run_progress *progress);

#endif
