/* From the table of clusters and classes alone: entropies for information, pairs for the Rand index. */
#include "agreement.h"

#include <math.h>

/* What is summed over numbers of examples: of all cells, of clusters or of classes. */
typedef struct sums {
    double n_log_n, pairs;
    size_t used; /* numbers that are not 0 */
} sums;

static void add(sums *s, int64_t count)
{
    double n = (double)count;
    s->n_log_n += n > 1 ? n * log(n) : 0;
    s->pairs += n * (n - 1) / 2;
    s->used += count > 0;
}

static int64_t total(const int64_t *counts, size_t n, size_t step)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += counts[i * step];
    return sum;
}

agreement measure_agreement(size_t clusters, size_t classes, const int64_t *counts)
{
    sums cells = { 0 }, rows = { 0 }, columns = { 0 }, all = { 0 };
    for (size_t i = 0; i < clusters * classes; i++)
        add(&cells, counts[i]);
    for (size_t c = 0; c < clusters; c++)
        add(&rows, total(counts + c * classes, classes, 1));
    for (size_t j = 0; j < classes; j++)
        add(&columns, total(counts + j, clusters, classes));
    int64_t examples = total(counts, clusters * classes, 1);
    add(&all, examples);
    double n = (double)examples, expected = rows.pairs * columns.pairs / all.pairs;
    double cluster = (all.n_log_n - rows.n_log_n) / n, class = (all.n_log_n - columns.n_log_n) / n;
    double shared = fmax((all.n_log_n + cells.n_log_n - rows.n_log_n - columns.n_log_n) / n, 0);
    bool one_cluster = rows.used < 2, one_class = columns.used < 2;
    double most = (rows.pairs + columns.pairs) / 2;
    return (agreement){ .nmi = one_cluster && one_class ? NAN : fmin(2 * shared / (cluster + class), 1),
                        .ari = most > expected ? (cells.pairs - expected) / (most - expected) : NAN,
                        .homogeneity = one_class ? NAN : fmin(shared / class, 1),
                        .completeness = one_cluster ? NAN : fmin(shared / cluster, 1) };
}
