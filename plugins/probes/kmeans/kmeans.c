/* k-means on codes: the training and the test codes are clustered apart (lloyd.h), and each cluster stands
   for a class, the one it holds most of (`train`, `test`) or the one that the best one-to-one assignment
   gives it (`train_matched`, `test_matched`); how well clusters and classes agree without that, agreement.h
   says. Equal codes are one weighted row. The restart of least inertia counts,
   the earlier one between equals. As many restarts go on together as there is memory set aside for. */
#include "agreement.h"
#include "assignment.h"
#include "lloyd.h"

#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RESTART_BYTES (512UL << 20) /* bytes of restarts that go on together, at least one */

typedef struct kmeans {
    int k, restarts, max_iterations;
    double tolerance;
} kmeans;

static const tsr_key keys[] = {
    TSR_KEY_INT(kmeans, k, 0, 0, 1 << 20, "clusters; 0: as many as classes"),
    TSR_KEY_INT(kmeans, restarts, 10, 1, 1000, "runs from different first centres; the best counts"),
    TSR_KEY_INT(kmeans, max_iterations, 300, 1, 1000000, "iterations at most"),
    TSR_KEY_REAL(kmeans, tolerance, 1e-4, 0, 1,
                 "stop when centres move by less, squared, relative to the mean variance of a bit"),
    TSR_KEY_END
};

/* The best clustering so far. */
typedef struct best_clustering {
    double inertia;
    uint32_t *label; /* by row */
} best_clustering;

static void keep_best(const clustering *job, best_clustering *best)
{
    for (size_t r = 0; r < job->n_restarts; r++) {
        if (job->restarts[r].inertia >= best->inertia)
            continue;
        best->inertia = job->restarts[r].inertia;
        memcpy(best->label, job->restarts[r].label, job->n * sizeof(*best->label));
    }
}

/* Examples whose class is the one that most of their cluster have, and by the best one-to-one assignment; and
   how well both agree without that. */
static tsr_status *count_agreeing(size_t k, const uint32_t *label, const tsr_distinct_rows *rows, size_t n,
                                  const int32_t *labels, int classes, int64_t *majority, int64_t *matched,
                                  agreement *agree)
{
    size_t columns = (size_t)classes;
    *majority = *matched = 0;
    int64_t *counts = clustering_array(k, columns, 1, sizeof(*counts));
    if (!counts)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu clusters of %d classes", k, classes);
    for (size_t i = 0; i < n; i++)
        counts[label[rows->group[i]] * columns + (size_t)labels[i]]++;
    for (size_t c = 0; c < k; c++) {
        int64_t most = 0;
        for (size_t j = 0; j < columns; j++)
            most = counts[c * columns + j] > most ? counts[c * columns + j] : most;
        *majority += most;
    }
    *agree = measure_agreement(k, columns, counts);
    tsr_status *status = best_assignment(k, columns, counts, matched);
    free(counts);
    return status;
}

static tsr_status *give_agreement(const tsr_probing *probing, const char *set, const agreement *a)
{
    const struct {
        const char *name, *reason; /* where it is NaN */
        double value;
    } all[] = {
        { "nmi", "there is only one class and only one cluster", a->nmi },
        { "ari",
          "all examples are of one class and in one cluster, or each is alone in its class and cluster",
          a->ari },
        { "homogeneity", "there is only one class", a->homogeneity },
        { "completeness", "there is only one cluster", a->completeness },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        TSR_TRY(tsr_metric_unless(probing, isnan(all[i].value) ? all[i].reason : NULL, all[i].value, "%s.%s",
                                  all[i].name, set));
    return NULL;
}

static tsr_status *add_metrics(const tsr_probing *probing, const char *set, size_t k,
                               const best_clustering *best, const tsr_distinct_rows *rows, size_t n,
                               const int32_t *labels)
{
    int64_t majority, matched;
    agreement agree;
    TSR_TRY(count_agreeing(k, best->label, rows, n, labels, probing->classes, &majority, &matched, &agree));
    TSR_TRY(tsr_metric(probing, set, (double)majority / (double)n));
    TSR_TRY(tsr_metric_f(probing, (double)matched / (double)n, "%s_matched", set));
    TSR_TRY(tsr_metric_f(probing, best->inertia, "%s_inertia", set));
    return give_agreement(probing, set, &agree);
}

static size_t clusters(const kmeans *options, int classes)
{
    return (size_t)(options->k ? options->k : classes);
}

/* Some restarts, together. */
static tsr_status *cluster(clustering *job, tsr_rng *rng, best_clustering *best)
{
    tsr_status *status = clustering_start(job);
    if (!status)
        status = clustering_seed(job, rng);
    if (!status)
        status = clustering_run(job);
    if (!status)
        keep_best(job, best);
    clustering_clear(job);
    return status;
}

static tsr_status *cluster_all(const kmeans *options, const tsr_distinct_rows *rows, size_t examples,
                               size_t k, tsr_rng *rng, best_clustering *best)
{
    size_t n = rows->codes->n, d = rows->codes->bits, all = (size_t)options->restarts;
    size_t together = MAX_RESTART_BYTES / clustering_bytes(n, d, k);
    together = together ? together : 1;
    for (size_t first = 0; first < all; first += together) {
        clustering job = { .codes = rows->codes,
                           .weight = rows->weight,
                           .n = n,
                           .d = d,
                           .k = k,
                           .examples = examples,
                           .max_iterations = options->max_iterations,
                           .tolerance = options->tolerance,
                           .n_restarts = all - first < together ? all - first : together };
        TSR_TRY(cluster(&job, rng, best));
    }
    return NULL;
}

static tsr_status *measure(const kmeans *options, const tsr_probing *probing, const char *set,
                           const tsr_codes *codes, const int32_t *labels, tsr_rng *rng)
{
    tsr_distinct_rows rows;
    TSR_TRY(tsr_distinct_rows_new(codes, TSR_DISTINCT_COPY, &rows));
    size_t k = clusters(options, probing->classes);
    best_clustering best = { INFINITY, calloc(rows.codes->n + 1, sizeof(*best.label)) };
    tsr_status *status = best.label ? cluster_all(options, &rows, codes->n, k, rng, &best)
                                    : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu clusters", k);
    if (!status)
        status = add_metrics(probing, set, k, &best, &rows, codes->n, labels);
    free(best.label);
    tsr_distinct_rows_clear(&rows);
    return status;
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    size_t k = clusters(self, sizes->classes);
    if (k > sizes->n_train)
        return tsr_fail(TSR_REFUSED, "k = %zu clusters, but only %zu training examples", k, sizes->n_train);
    if (k > sizes->n_test)
        return tsr_fail(TSR_REFUSED, "k = %zu clusters, but only %zu test examples", k, sizes->n_test);
    return NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    tsr_rng rng = probing->rng;
    const kmeans *options = self;
    tsr_status *status = measure(options, probing, "train", probing->train, probing->train_labels, &rng);
    if (!status)
        status = measure(options, probing, "test", probing->test, probing->test_labels, &rng);
    return status;
}

#define MAJORITY "accuracy of clusters, each read as the class that it holds most of"
#define MATCHED "accuracy of clusters matched to classes one to one"
#define INERTIA "sum of squared distances to the clusters' centres"
#define AGREEMENT(name, text, least)                                                                         \
    TSR_METRIC(name ".train", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, text, .minimum = (least), .maximum = 1, \
               .better = TSR_BETTER_LARGER),                                                                 \
        TSR_METRIC(name ".test", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, text, .minimum = (least),             \
                   .maximum = 1, .better = TSR_BETTER_LARGER)

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TRAIN, MAJORITY, .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("train_matched", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, MATCHED, .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("train_inertia", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, INERTIA, .maximum = INFINITY,
               .better = TSR_BETTER_SMALLER),
    TSR_METRIC("test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST, MAJORITY, .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("test_matched", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, MATCHED, .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("test_inertia", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, INERTIA, .maximum = INFINITY,
               .better = TSR_BETTER_SMALLER),
    AGREEMENT("nmi", "mutual information of clusters and classes over the mean of their entropies", 0),
    AGREEMENT("ari", "adjusted Rand index of clusters and classes", -1),
    AGREEMENT("homogeneity", "what clusters tell of classes, of the classes' entropy", 0),
    AGREEMENT("completeness", "what classes tell of clusters, of the clusters' entropy", 0),
    { 0 },
};

static const tsr_probe_ops ops = { .check = check, .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "kmeans",
    .version = "1.2.0",     .summary = "k-means clusters of codes, compared with the classes",
    .licence = "MIT",       TSR_INSTANCE(kmeans),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
