/* k-means on codes: the training and the test codes are clustered apart (lloyd.h), and each cluster stands
   for a class, the one it holds most of (`train`, `test`) or the one that the best one-to-one assignment
   gives it
   (`train_matched`, `test_matched`). Equal codes are one weighted row. The restart of least inertia counts,
   the earlier one between equals. */
#include "assignment.h"
#include "lloyd.h"
#include "unique.h"

#include <tessera/probe.h>

#include <stdlib.h>

typedef struct kmeans {
    int k, restarts, max_iterations;
    double tolerance;
} kmeans;

static const tsr_param params[] = {
    TSR_PARAM_INT(kmeans, k, 0, 0, 1 << 20, "clusters; 0: as many as classes"),
    TSR_PARAM_INT(kmeans, restarts, 10, 1, 1000, "runs from different first centres; the best counts"),
    TSR_PARAM_INT(kmeans, max_iterations, 300, 1, 1000000, "iterations at most"),
    TSR_PARAM_REAL(kmeans, tolerance, 1e-4, 0, 1,
                   "stop when centres move by less, squared, relative to the mean variance of a bit"),
    TSR_PARAM_END
};

static const lloyd *best_restart(const clustering *job)
{
    const lloyd *best = &job->restarts[0];
    for (size_t r = 1; r < job->n_restarts; r++)
        if (job->restarts[r].inertia < best->inertia)
            best = &job->restarts[r];
    return best;
}

/* Examples whose class is the one that most of their cluster have, and by the best one-to-one assignment. */
static tsr_status *count_agreeing(const clustering *job, const uint32_t *label, const uint32_t *group,
                                  size_t n, const int32_t *labels, int classes, int64_t *majority,
                                  int64_t *matched)
{
    size_t columns = (size_t)classes;
    *majority = *matched = 0;
    int64_t *counts = clustering_array(job->k, columns, 1, sizeof(*counts));
    if (!counts)
        return clustering_no_memory(job);
    for (size_t i = 0; i < n; i++)
        counts[label[group[i]] * columns + (size_t)labels[i]]++;
    for (size_t c = 0; c < job->k; c++) {
        int64_t most = 0;
        for (size_t j = 0; j < columns; j++)
            most = counts[c * columns + j] > most ? counts[c * columns + j] : most;
        *majority += most;
    }
    tsr_status *status = best_assignment(job->k, columns, counts, matched);
    free(counts);
    return status;
}

static tsr_status *give(const tsr_probing *probing, const char *set, const clustering *job,
                        const unique_rows *rows, size_t n, const int32_t *labels)
{
    const lloyd *best = best_restart(job);
    int64_t majority, matched;
    TSR_TRY(count_agreeing(job, best->label, rows->group, n, labels, probing->classes, &majority, &matched));
    TSR_TRY(tsr_metric(probing, set, (double)majority / (double)n));
    TSR_TRY(tsr_metric_f(probing, (double)matched / (double)n, "%s_matched", set));
    return tsr_metric_f(probing, best->inertia, "%s_inertia", set);
}

static size_t clusters(const kmeans *options, int classes)
{
    return (size_t)(options->k ? options->k : classes);
}

static tsr_status *measure(const kmeans *options, const tsr_probing *probing, const char *set,
                           const tsr_codes *codes, const int32_t *labels, tsr_rng *rng)
{
    unique_rows rows;
    TSR_TRY(unique_rows_new(codes, &rows));
    clustering job = { .codes = rows.codes,
                       .weight = rows.weight,
                       .n = rows.codes->n,
                       .d = codes->bits,
                       .k = clusters(options, probing->classes),
                       .examples = codes->n,
                       .max_iterations = options->max_iterations,
                       .tolerance = options->tolerance,
                       .n_restarts = (size_t)options->restarts };
    tsr_status *status = clustering_start(&job);
    if (!status)
        status = clustering_seed(&job, rng);
    if (!status)
        status = clustering_run(&job);
    if (!status)
        status = give(probing, set, &job, &rows, codes->n, labels);
    clustering_clear(&job);
    unique_rows_clear(&rows);
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
    TSR_TRY(measure(self, probing, "train", probing->train, probing->train_labels, &rng));
    return measure(self, probing, "test", probing->test, probing->test_labels, &rng);
}

#define MAJORITY "accuracy of clusters, each read as the class that it holds most of"
#define MATCHED "accuracy of clusters matched to classes one to one"
#define INERTIA "sum of squared distances to the clusters' centres"

static const tsr_metric_info metrics[] = {
    { "train", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TRAIN, MAJORITY },
    { "train_matched", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, MATCHED },
    { "train_inertia", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, INERTIA },
    { "test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST, MAJORITY },
    { "test_matched", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, MATCHED },
    { "test_inertia", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, INERTIA },
    { 0 },
};

static const tsr_probe_ops ops = { .check = check, .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "kmeans",
    .version = "1.0.0",     .summary = "k-means clusters of codes, compared with the classes",
    .licence = "MIT",       TSR_INSTANCE(kmeans),
    .params = params,
};
TSR_PLUGINS(&plugin)
