/* Rank correlations. Kendall, Rank Correlation Methods (1948): tau-b; Spearman's rho by the ranks. */
#include "report/ranks.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* -1, 0 or 1. */
static int order(double a, double b)
{
    return (a > b) - (a < b);
}

static double tau_b(size_t n, const double *x, const double *y)
{
    double agreeing = 0, apart_x = 0, apart_y = 0; /* counts of pairs, exact below 2^53 */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            int of_x = order(x[i], x[j]), of_y = order(y[i], y[j]);
            agreeing += of_x * of_y;
            apart_x += of_x != 0;
            apart_y += of_y != 0;
        }
    return apart_x > 0 && apart_y > 0 ? agreeing / sqrt(apart_x) / sqrt(apart_y) : NAN;
}

typedef struct ranked {
    double value;
    size_t place;
} ranked;

static int compare(const void *a, const void *b)
{
    return order(((const ranked *)a)->value, ((const ranked *)b)->value);
}

/* Equal values share the mean of the ranks that they take up. */
static void rank(size_t n, const double *x, ranked *scratch, double *out)
{
    for (size_t i = 0; i < n; i++)
        scratch[i] = (ranked){ x[i], i };
    qsort(scratch, n, sizeof(*scratch), compare);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && scratch[end].value == scratch[first].value;)
            end++;
        for (size_t i = first; i < end; i++)
            out[scratch[i].place] = (double)(first + end - 1) / 2;
    }
}

static double pearson(size_t n, const double *x, const double *y)
{
    double middle = ((double)n - 1) / 2, xx = 0, yy = 0, xy = 0; /* the mean of all ranks */
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - middle) * (x[i] - middle);
        yy += (y[i] - middle) * (y[i] - middle);
        xy += (x[i] - middle) * (y[i] - middle);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx) / sqrt(yy) : NAN;
}

bool tsr_rank_correlate(size_t n, const double *x, const double *y, tsr_rank_correlation *out)
{
    ranked *scratch = tsr_alloc(n, sizeof(*scratch));
    double *ranks = tsr_alloc(n, 2 * sizeof(*ranks));
    bool whole = scratch && ranks;
    *out = (tsr_rank_correlation){ NAN, NAN };
    if (whole && n > 1) {
        rank(n, x, scratch, ranks);
        rank(n, y, scratch, ranks + n);
        out->tau = tau_b(n, x, y);
        out->rho = pearson(n, ranks, ranks + n);
    }
    free(scratch);
    free(ranks);
    return whole;
}
