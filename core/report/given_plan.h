/* One figure of a curve that probes gave, in the making. Private to the report. */
#ifndef TSR_REPORT_GIVEN_PLAN_H
#define TSR_REPORT_GIVEN_PLAN_H

#include "report/curve.h"
#include "report/given.h"

typedef struct tsr_given_plan {
    const tsr_study *study;
    tsr_album *album;
    const tsr_given_info *given;
    tsr_curves_plan keys; /* which key has curves, and how they look */
    bool by_epoch;        /* curves are of snapshots */
    size_t n_curves, n_panels, found;
    size_t *representatives;             /* n_panels */
    tsr_given_mean *means;               /* n_panels x n_curves */
    double x_low, x_high, y_low, y_high; /* of places */
    size_t left_out;                     /* replicates */
    bool apart;                          /* see tsr_given_mean, of any */
} tsr_given_plan;

bool tsr_given_is_histogram(const tsr_given_plan *p);

/* The epoch of a curve; NaN: each run's last. */
double tsr_given_epoch(const tsr_given_plan *p, size_t curve);

/* Where number i of x stands on the axis: at its logarithm to base 10 where x is logarithmic. */
double tsr_given_place(const tsr_given_plan *p, const tsr_given_mean *mean, size_t i);

/* The ends of the interval; the mean where there is none. */
double tsr_given_low(const tsr_statistic *y);
double tsr_given_high(const tsr_statistic *y);

/* Adds the figure to the album's last section, by means that are there and the ranges of their places. */
void tsr_given_draw(tsr_given_plan *p);

#endif
