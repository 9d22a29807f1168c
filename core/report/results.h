/* A results folder as the report reads it: config.cfg and the runs' run.json, and nothing else. No plugin is
   loaded and no data opened. */
#ifndef TSR_REPORT_RESULTS_H
#define TSR_REPORT_RESULTS_H

#include "experiment/experiment.h"

#include <jansson.h>

/* One key of the sweep. */
typedef struct tsr_swept_key {
    const char *name;
    size_t n;
    const tsr_value **values; /* in the sweep's order; as runs have them resolved, where there is one */
} tsr_swept_key;

/* One run that left a run.json. */
typedef struct tsr_result {
    json_t *outcome;
    tsr_value *swept;        /* its value of each key, as a group */
    size_t point, replicate; /* the point's number in the sweep, the last key changing fastest */
    size_t *place;           /* of each key: which of its values */
} tsr_result;

typedef struct tsr_results {
    char *folder;
    tsr_value *config; /* the experiment as resolved */
    tsr_report_settings thresholds;
    size_t n_keys, n_runs;
    tsr_swept_key *keys;
    tsr_result *runs; /* by point, then by replicate */
    size_t expected;  /* runs that the sweep has */
    size_t foreign;   /* runs in the folder that have no place in the sweep: left out */
} tsr_results;

/* Reads a folder; the n texts "KEY=VALUE" are put into its config first, as tessera run -s does. A run.json
   that is none is left out with a warning; a folder that holds no experiment is refused. */
TSR_MUST_CHECK tsr_status *tsr_results_read(const char *folder, size_t n_overrides,
                                            const char *const *overrides, tsr_results **out);
void tsr_results_free(tsr_results *results);

#endif
