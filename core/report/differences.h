/* How far studies that are compared differ from the first of them, metric by metric, at the last snapshot. */
#ifndef TSR_REPORT_DIFFERENCES_H
#define TSR_REPORT_DIFFERENCES_H

#include "report/comparison.h"

/* The difference of two means. */
typedef struct tsr_difference {
    bool paired;             /* over the seeds that both have */
    size_t n, n_other;       /* values of the reference and of the other; pairs, both */
    double reference, other; /* means; NaN: no values */
    double difference;       /* other - reference */
    double interval;         /* half the width of its 95 % interval; NaN where there are too few values */
} tsr_difference;

/* Of n pairs, by Student's t of the pairs' differences. */
tsr_difference tsr_difference_of_pairs(size_t n, const double *reference, const double *other);
/* Of independent values, by Welch's t. */
tsr_difference tsr_difference_of_samples(size_t n, const double *reference, size_t n_other,
                                         const double *other);
/* Whether 0 is outside the interval. */
bool tsr_difference_is_clear(const tsr_difference *difference);

/* A combination of the swept values that the reference and another study have. */
typedef struct tsr_setting {
    size_t study;            /* the other's number */
    size_t reference, other; /* points of the summary */
} tsr_setting;

typedef struct tsr_differences {
    const tsr_summary *summary;
    size_t n;
    tsr_setting *settings; /* by study, in the sweep's order */
    size_t *lone;    /* of each study: settings that it has and the reference lacks; of the reference: 0 */
    size_t *lacking; /* of each study: settings of the reference that it lacks */
    /* Of the setting that is looked at: */
    size_t chosen, n_pairs, n_all[2];
    struct tsr_seeded *runs[2];
    double *values[2];
} tsr_differences;

/* The summary must be one of a comparison, and live as long. */
TSR_MUST_CHECK tsr_status *tsr_differences_new(const tsr_summary *summary, tsr_differences *out);
void tsr_differences_clear(tsr_differences *differences);

/* The difference of a metric at the last snapshots of a setting: paired where at least two runs with the
   metric have seeds that both studies have, else of all. False where one of the studies has no value. */
bool tsr_differences_at(tsr_differences *differences, size_t setting, size_t measure, tsr_difference *out);

/* "model.width 40, training.samples 100"; nothing where no other key varies. */
void tsr_differences_describe(const tsr_differences *differences, size_t setting, tsr_text *out);

/* For a terminal of so many columns; at most `lines` lines of differences, 0: all. Headlines only. */
void tsr_differences_write_table(tsr_differences *differences, tsr_screen screen, tsr_text *out);

/* A row for each setting and metric: study, the swept values, metric, both means, the difference, the ends of
   its interval, whether 0 is outside, how many values, and whether they are paired. */
void tsr_differences_write_csv(tsr_differences *differences, tsr_text *out);

#endif
