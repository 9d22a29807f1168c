/* What the runs of an experiment gave, point by point: each metric's mean over the replicates. */
#ifndef TSR_REPORT_SUMMARY_H
#define TSR_REPORT_SUMMARY_H

#include "base/text.h"
#include "experiment/experiment.h"

/* One metric at one snapshot of one point. */
typedef struct tsr_statistic {
    size_t n;               /* replicates that have it */
    double mean, deviation; /* sample standard deviation, NaN for n < 2 */
} tsr_statistic;

/* Snapshots that a point's runs share: by epoch, and as the last of each (runs may stop early). */
typedef struct tsr_point {
    const tsr_run *run; /* the first replicate: the swept values */
    size_t done, failed;
    size_t n_epochs;
    double *epochs;            /* of the first finished replicate; the last one is every replicate's last */
    tsr_statistic *statistics; /* n_epochs x n_metrics */
} tsr_point;

typedef struct tsr_summary {
    size_t n_metrics, n_points;
    char **metrics; /* names, in order of first appearance */
    tsr_point *points;
} tsr_summary;

/* `outcomes` as tsr_store_outcomes gives them. */
TSR_MUST_CHECK tsr_status *tsr_summary_new(const tsr_experiment *experiment, const json_t *outcomes,
                                           tsr_summary **out);
void tsr_summary_free(tsr_summary *summary);

/* The summary as a table for a terminal of `width` columns. One point: metrics down, snapshots across.
   Several: points down, metrics of the last snapshot across. What does not fit
   stands in further blocks below. */
void tsr_summary_write_table(const tsr_summary *summary, const tsr_experiment *experiment, size_t width,
                             tsr_text *out);

#endif
