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
