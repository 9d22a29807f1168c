/* The curves that probes gave, as they lie in the runs' folders: which there are, by the records, and one
   curve's mean over the replicates of a point. Files are read one at a time, and so many at most. Private to
   the report. */
#ifndef TSR_REPORT_GIVEN_H
#define TSR_REPORT_GIVEN_H

#include "report/summary.h"

#define TSR_GIVEN_REPLICATES 20 /* that a mean is taken over, at most */

/* A curve that a probe announces. Its texts belong to the results. */
typedef struct tsr_given_info {
    const char *name; /* "retrieval.precision_at_recall" */
    size_t label;     /* how long the probe's label is that it begins with */
    tsr_curve_info info;
} tsr_given_info;

/* Those of all runs, in order of first appearance; free() *out. */
TSR_MUST_CHECK tsr_status *tsr_given_list(const tsr_results *results, size_t *n, tsr_given_info **out);

/* A mean over replicates. */
typedef struct tsr_given_mean {
    size_t n;         /* points, or bins */
    double *x;        /* n, or n + 1 edges */
    tsr_statistic *y; /* n; of a histogram shares of what was counted */
    size_t runs;      /* that it is of */
    size_t left_out;  /* replicates beyond those, whose curves were not read */
    bool apart;       /* x are others from run to run: it is of the first one alone */
} tsr_given_mean;

/* What reading counts. */
typedef struct tsr_given_reading {
    const tsr_summary *summary;
    size_t left;    /* files that may still be read */
    size_t damaged; /* files that are none, or of another shape than announced */
} tsr_given_reading;

/* The mean at a snapshot of the point, by its epoch; NaN: each run's last. n is 0 where no run has the curve.
 */
TSR_MUST_CHECK tsr_status *tsr_given_mean_of(tsr_given_reading *reading, const tsr_given_info *given,
                                             size_t point, double epoch, tsr_given_mean *out);
void tsr_given_mean_clear(tsr_given_mean *mean);

#endif
