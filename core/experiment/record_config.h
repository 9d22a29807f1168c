/* The config of one run, from the record that it has left. */
#ifndef TSR_EXPERIMENT_RECORD_CONFIG_H
#define TSR_EXPERIMENT_RECORD_CONFIG_H

#include "config/value.h"

#include <stdbool.h>

/* Whether a file that is given as a config is a record, by its name, "....json". */
bool tsr_is_record(const char *path);

/* Reads the record at `path` as the config of an experiment with this run alone, into which the n texts
   "KEY=VALUE" are put. It is called as the record's experiment and its id's first digits; folders in which
   plugins lay are in its plugin path as far as they are there. `id` gets the run's. *out is the caller's. */
TSR_MUST_CHECK tsr_status *tsr_record_config(const char *path, size_t n, const char *const *overrides,
                                             tsr_value **out, char id[17]);

#endif
