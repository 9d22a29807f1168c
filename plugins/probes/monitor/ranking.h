/* How well a score tells two kinds of examples apart: those that it should find have the larger scores.
   Scores may be infinite. NaN where one kind is empty. */
#ifndef TSR_MONITOR_RANKING_H
#define TSR_MONITOR_RANKING_H

#include <stdbool.h>
#include <stddef.h>

/* An example's score, and whether it is one to find. */
typedef struct scored {
    double score;
    int found;
} scored;

typedef struct ranking {
    double auroc; /* probability that one to find has the larger score than another; ties count half */
    double aupr;  /* average precision: sum of precision x growth of recall over the different scores */
    double fpr95; /* share of the others above the largest threshold that finds 95 % */
} ranking;

/* Sorts the examples. */
ranking rank_scores(size_t n, scored *examples);

/* The ROC curve of examples that rank_scores has sorted, at shares x of the others above the threshold that
   ascend from 0 to 1: the largest share y of those to find. Equal scores are passed in a straight line, so
   that the area below the whole curve is the AUROC. False where one kind is empty. */
bool draw_roc(size_t n, const scored *examples, size_t points, const double *x, double *y);

#endif
