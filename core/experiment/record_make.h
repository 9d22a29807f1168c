/* Making the record of a run. */
#ifndef TSR_EXPERIMENT_RECORD_MAKE_H
#define TSR_EXPERIMENT_RECORD_MAKE_H

#include "experiment/run_work.h"

/* A number as JSON, which has no NaN: what is undefined is null. */
json_t *tsr_record_number(double value);

/* Whether the host itself measures it, and no probe. */
bool tsr_record_is_own_metric(const char *name);

/* What the metrics of the run mean, so that results can be read without the plugins. */
json_t *tsr_record_describe_metrics(const tsr_run *run);

/* The curves that its probes announce; NULL without memory. */
json_t *tsr_record_describe_curves(const tsr_run *run);

/* What every record begins with; `error` may be NULL. NULL without memory. */
json_t *tsr_record_begin(const tsr_experiment *experiment, const tsr_run *run, const char *status,
                         const char *error);

/* The record of a run that was done, or failed by `status`; it took so many seconds, of which `train_seconds`
   for training. NULL without memory. */
json_t *tsr_record_make(const tsr_experiment *experiment, const tsr_run_work *work, const tsr_status *status,
                        const tsr_trained *trained, double seconds, double train_seconds);

#endif
