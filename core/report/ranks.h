/* Rank correlations: whether what is large in one list is large in the other. */
#ifndef TSR_REPORT_RANKS_H
#define TSR_REPORT_RANKS_H

#include <stdbool.h>
#include <stddef.h>

/* Of n pairs of finite numbers; NaN where all of one list are equal, or n < 2. */
typedef struct tsr_rank_correlation {
    double tau; /* Kendall's tau-b, which allows for ties */
    double rho; /* Spearman's: Pearson's correlation of the ranks, those of equal ones averaged */
} tsr_rank_correlation;

/* Takes n^2 steps for tau. False without memory. */
bool tsr_rank_correlate(size_t n, const double *x, const double *y, tsr_rank_correlation *out);

#endif
