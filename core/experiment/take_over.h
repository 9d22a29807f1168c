/* Doing a run, or its beginning, by taking over what a predecessor has of it. Private to this folder. */
#ifndef TSR_EXPERIMENT_TAKE_OVER_H
#define TSR_EXPERIMENT_TAKE_OVER_H

#include "experiment/run_work.h"
#include "experiment/training_state.h"

/* Gives the work, which has begun, the epochs and snapshots that its predecessor has of the run, and the
   network or codes that the others are done on. Where the training goes on the network stands where *state
   says; else all that the run is to leave beside its record is there, and *trained tells how it went. Clear
   *state also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_run_take_over(tsr_run_work *work, tsr_read_state *state, tsr_trained *trained);

/* Makes files that the run, whose record is there, is to leave and has not. */
TSR_MUST_CHECK tsr_status *tsr_run_complete(tsr_run_work *work);

/* Puts the predecessor's metrics of a snapshot in place of those that the host has measured again, which must
   be the same but for another processor's rounding. */
TSR_MUST_CHECK tsr_status *tsr_take_own_metrics(const json_t *snapshot, json_t *metrics);

/* Adds a probe's metrics of a snapshot to `metrics`, and why some are undefined to `undefined`. */
TSR_MUST_CHECK tsr_status *tsr_take_probe_metrics(const json_t *snapshot, const char *label, json_t *metrics,
                                                  json_t *undefined);

#endif
