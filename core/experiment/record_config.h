/* The config of one run, from the record that it has left. */
#ifndef TSR_EXPERIMENT_RECORD_CONFIG_H
#define TSR_EXPERIMENT_RECORD_CONFIG_H

#include "experiment/experiment.h"

#include <jansson.h>

/* Whether a file that is given as a config is a record, by its name, "....json". */
bool tsr_is_record(const char *path);

/* Reads the record at `path` as the config of an experiment with this run alone, into which the n texts
   "KEY=VALUE" are put. It is called as the record's experiment and its id's first digits; folders in which
   plugins lay are in its plugin path as far as they are there. Both *out and *record are the caller's, the
   record NULL after a failure. */
TSR_MUST_CHECK tsr_status *tsr_record_config(const char *path, size_t n, const char *const *overrides,
                                             tsr_value **out, json_t **record);

/* Warns where `run`, the one that was made of the record at `path`, is another than the record's: by its data
   or plugins, or by its settings. That files lie elsewhere alone is told. */
TSR_MUST_CHECK tsr_status *tsr_record_tell_other_run(const char *path, const json_t *record,
                                                     const tsr_run *run);

#endif
