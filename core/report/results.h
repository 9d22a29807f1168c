/* The results of an experiment as one table: a row per snapshot of a finished run, a column per metric. It is
   made from the runs' records, once, and results.csv, the summary and the page are made from it. No plugin is
   loaded and no data opened for it. */
#ifndef TSR_REPORT_RESULTS_H
#define TSR_REPORT_RESULTS_H

#include "base/text.h"
#include "experiment/schema.h"

#include <jansson.h>
#include <tessera/probe.h>

/* One key of the sweep. */
typedef struct tsr_swept_key {
    const char *name;
    size_t n;
    const tsr_value **values; /* in the sweep's order; as runs have them resolved, where there is one */
} tsr_swept_key;

/* A metric of the runs: a column. */
typedef struct tsr_measure {
    char *name;
    tsr_metric_info info; /* as announced; doc is NULL where it was not. Its name is not set */
    bool counts;          /* its values are counts, which records hold as integers */
    bool detail; /* one of many of its kind, such as those by layer: announced with others at most, a second
                    dot */
} tsr_measure;

/* What is told of every epoch of a training. */
typedef enum tsr_curve { TSR_CURVE_LOSS, TSR_CURVE_ACCURACY, TSR_N_CURVES } tsr_curve;

/* One run that left a record. */
typedef struct tsr_result {
    json_t *record; /* but for what the arrays below tell, the config, the network and warnings */
    bool done;
    tsr_value *swept;        /* its value of each key, as a group */
    size_t point, replicate; /* the point's number in the sweep, the last key changing fastest */
    size_t *place;           /* of each key: which of its values */
    size_t n_snapshots;      /* 0 where it is not done, but for probes that failed */
    double *epochs;          /* of each snapshot */
    double *cells;           /* n_snapshots x n_measures; NaN: the snapshot has no such metric */
    size_t *forms; /* of each snapshot: which metrics it has, see rows.h; NULL once there is a table */
    size_t n_real;
    bool *real; /* of the first names of rows.h: whether a value was a real; NULL once there is a table */
    size_t n_trained; /* epochs */
    double *training; /* n_trained x TSR_N_CURVES, over the training examples; NaN: not told */
} tsr_result;

typedef struct tsr_results {
    char *folder;
    tsr_value *config; /* the experiment as resolved */
    char sweep[17];    /* by which records know the sweep */
    size_t replicates; /* of each point */
    tsr_report_settings thresholds;
    size_t n_keys, n_measures, n_runs;
    tsr_swept_key *keys;
    tsr_measure *measures;        /* in order of first appearance */
    tsr_result *runs;             /* by point, then by replicate */
    size_t expected;              /* runs that the sweep has */
    struct tsr_rows *rows;        /* see rows.h */
    size_t foreign;               /* runs in the folder that have no place in the sweep: left out */
    size_t n_studies;             /* that are compared, see comparison.h; 0: this is one study */
    struct tsr_results **studies; /* these, without their runs, which are here */
} tsr_results;

/* Begins the results of the experiment in `folder` with this resolved config, which is taken over. */
TSR_MUST_CHECK tsr_status *tsr_results_begin(const char *folder, tsr_value *config, tsr_results **out);
/* The same by the folder's config.cfg, into which the n texts "KEY=VALUE" are put. */
TSR_MUST_CHECK tsr_status *tsr_results_open(const char *folder, size_t n_overrides,
                                            const char *const *overrides, tsr_results **out);
/* Whether the record's run has a place in the sweep. */
bool tsr_results_has_place(const tsr_results *results, const json_t *record);
/* Adds a run by its record, which is taken over; one without a place in the sweep counts as foreign. */
TSR_MUST_CHECK tsr_status *tsr_results_add(tsr_results *results, json_t *record);
/* Adds the runs of the folder with these ids; a record that is none is left out with a warning. */
TSR_MUST_CHECK tsr_status *tsr_results_add_runs(tsr_results *results, size_t n, const char *const *ids);
/* Adds every run that has left a record in the folder; a record that is none is left out with a warning. */
TSR_MUST_CHECK tsr_status *tsr_results_add_all(tsr_results *results);
/* Sorts what was added, and makes the table of it. */
TSR_MUST_CHECK tsr_status *tsr_results_end(tsr_results *results);

/* Brings the runs into their order. Part of tsr_results_end. */
void tsr_results_sort(tsr_results *results);

/* The folder that has a run of the results. */
const char *tsr_result_folder(const tsr_results *results, const tsr_result *run);

/* Reads a folder, config.cfg and all records; the n texts "KEY=VALUE" are put into its config first, as
   tessera run -s does. A record that is none is left out with a warning; a folder that holds no experiment is
   refused. */
TSR_MUST_CHECK tsr_status *tsr_results_read(const char *folder, size_t n_overrides,
                                            const char *const *overrides, tsr_results **out);
void tsr_results_free(tsr_results *results);

/* Makes the table's columns and cells from the runs' rows. Part of tsr_results_end. */
TSR_MUST_CHECK tsr_status *tsr_results_tabulate(tsr_results *results);

/* results.csv: a row per snapshot. Numbers read back as the same values. */
void tsr_results_write_csv(const tsr_results *results, tsr_text *out);

#endif
