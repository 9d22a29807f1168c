/* What the runs of an experiment gave, point by point: each metric's mean over the replicates. */
#ifndef TSR_REPORT_SUMMARY_H
#define TSR_REPORT_SUMMARY_H

#include "base/text.h"
#include "report/results.h"

/* Student's t for means of n values. */
typedef struct tsr_interval_factor {
    size_t n;
    double t;
} tsr_interval_factor;

/* A mean over replicates. Zero it, add values, finish it. */
typedef struct tsr_statistic {
    size_t n;         /* values */
    double mean;      /* NaN for n = 0 */
    double deviation; /* of the sample; NaN for n < 2 */
    double interval;  /* half the width of the mean's 95 % interval, by Student's t; NaN for n < 2 */
} tsr_statistic;

void tsr_statistic_add(tsr_statistic *statistic, double value);
/* `factor` keeps what depends on n alone, for the next; zero it to start. */
void tsr_statistic_finish(tsr_statistic *statistic, tsr_interval_factor *factor);

/* Whether the metric is shown at once, and not below a fold: what regimes are judged by, and the network's
   own loss and accuracy. */
bool tsr_measure_is_headline(const tsr_measure *measure);

/* Snapshots that a point's runs share: those before the last by epoch, and last the last of each (runs may
   stop early). */
typedef struct tsr_point {
    size_t first, n; /* the point's runs in the results */
    size_t done, failed;
    size_t n_epochs;
    double *epochs;            /* rising; the last one is the latest of the replicates' last */
    size_t *snapshots;         /* how many replicates have each */
    tsr_statistic *statistics; /* n_epochs x n_measures */
} tsr_point;

typedef struct tsr_summary {
    const tsr_results *results;
    size_t n_points;
    tsr_point *points; /* in the sweep's order; those without any run are left out */
    int *decimals;     /* of each measure, see tsr_summary_decimals */
} tsr_summary;

/* The results must live as long as the summary. */
TSR_MUST_CHECK tsr_status *tsr_summary_new(const tsr_results *results, tsr_summary **out);
void tsr_summary_free(tsr_summary *summary);

/* The statistic of a metric at a snapshot of a point. */
const tsr_statistic *tsr_summary_at(const tsr_summary *summary, size_t point, size_t epoch, size_t measure);

/* The value of a metric that run number `run` of the results, one of the point's, has at that snapshot; NaN:
 * none. */
double tsr_summary_of_run(const tsr_summary *summary, size_t point, size_t epoch, size_t run, size_t measure);

/* Which of a key's values the point has; the value itself. */
size_t tsr_summary_place(const tsr_summary *summary, size_t point, size_t key);
const tsr_value *tsr_summary_value(const tsr_summary *summary, size_t point, size_t key);

/* What stands behind a mean's "±", and the n beside it, for the heading of a table. */
#define TSR_INTERVAL_LEGEND "± is half the 95 % confidence interval of the mean over n runs (Student's t)"

/* Decimals that suit all means of a metric alike. */
int tsr_summary_decimals(const tsr_summary *summary, size_t measure);

/* What a table is for: columns, and lines; 0 lines: there is no end to them. */
typedef struct tsr_screen {
    size_t width, lines;
} tsr_screen;

/* The summary as a table for a terminal. One point: metrics down, snapshots across. Several: points down,
   metrics of the last snapshot across. What does not fit across stands in further blocks below, and what does
   not fit on the screen at all is left out, which is said: details, metrics behind the headlines, points in
   the middle. */
void tsr_summary_write_table(const tsr_summary *summary, tsr_screen screen, tsr_text *out);

/* summary.csv: a row per point and snapshot: swept values, epoch, n (runs that have the snapshot), and of
   every metric NAME.mean, NAME.sd and NAME.ci95, empty where there are too few values. */
void tsr_summary_write_csv(const tsr_summary *summary, tsr_text *out);

#endif
