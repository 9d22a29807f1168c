/* Both curves in one walk over the scores, largest first; equal scores come together. */
#include "ranking.h"

#include <math.h>
#include <stdlib.h>

static int descending(const void *a, const void *b)
{
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

ranking rank_scores(size_t n, scored *examples)
{
    double to_find = 0, found = 0, wrong = 0, wins = 0;
    ranking r = { .aupr = 0, .fpr95 = NAN };
    for (size_t i = 0; i < n; i++)
        to_find += examples[i].found;
    double others = (double)n - to_find;
    if (to_find == 0 || others == 0)
        return (ranking){ NAN, NAN, NAN };
    qsort(examples, n, sizeof(*examples), descending);
    for (size_t i = 0, end; i < n; i = end) {
        double more = 0;
        for (end = i; end < n && examples[end].score == examples[i].score; end++)
            more += examples[end].found;
        double less = (double)(end - i) - more; /* others at this score */
        wins += less * (found + more / 2);
        found += more;
        wrong += less;
        r.aupr += more / to_find * found / (found + wrong);
        if (isnan(r.fpr95) && 20 * found >= 19 * to_find)
            r.fpr95 = wrong / others;
    }
    r.auroc = wins / (to_find * others);
    return r;
}

bool draw_roc(size_t n, const scored *examples, size_t points, const double *x, double *y)
{
    double to_find = 0, found = 0, wrong = 0;
    for (size_t i = 0; i < n; i++)
        to_find += examples[i].found;
    double others = (double)n - to_find;
    if (to_find == 0 || others == 0)
        return false;
    size_t p = 0;
    for (size_t i = 0, end; i < n && p < points; i = end) {
        double more = 0;
        for (end = i; end < n && examples[end].score == examples[i].score; end++)
            more += examples[end].found;
        double less = (double)(end - i) - more;
        for (; p < points && x[p] * others < wrong + less; p++)
            y[p] = fmin((found + more * (x[p] * others - wrong) / less) / to_find, 1);
        found += more;
        wrong += less;
    }
    for (; p < points; p++)
        y[p] = 1;
    return true;
}
