/* Real-valued codes of channels, as the authors' ImageNet experiment has them (arXiv 2101.05490, later code):
   of each channel of a layer the sum over positions of what is positive in its pre-activations, each layer
   divided by its range over the training examples. A dense layer's unit is a channel of one position. k
   nearest neighbours and k-means by Euclidean distance. */
#include "sums.h"

#include <stdlib.h>
#include <string.h>

typedef struct channel_sums {
    int k, clusters, restarts, max_iterations;
} channel_sums;

static const tsr_key keys[] = {
    TSR_KEY_INT(channel_sums, k, 9, 1, 1 << 20, "neighbours that vote"),
    TSR_KEY_INT(channel_sums, clusters, 0, 0, 1 << 20, "clusters of k-means; 0: as many as classes"),
    TSR_KEY_INT(channel_sums, restarts, 3, 1, 1000,
                "runs of k-means from different first centres; the best counts"),
    TSR_KEY_INT(channel_sums, max_iterations, 100, 1, 1000000, "iterations of k-means at most"), TSR_KEY_END
};

static size_t n_clusters(const channel_sums *self, int classes)
{
    return (size_t)(self->clusters ? self->clusters : classes);
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    const channel_sums *options = self;
    size_t least = sizes->n_train < sizes->n_test ? sizes->n_train : sizes->n_test;
    size_t clusters = n_clusters(options, sizes->classes);
    if (sizes->shape.n_dims == 0)
        return tsr_fail(TSR_REFUSED, "sums of channels need the network, and only codes are known here");
    TSR_TRY(tsr_refuse_projection(sizes, "sums of channels are"));
    if ((size_t)options->k > sizes->n_train)
        return tsr_fail(TSR_REFUSED, "k = %d neighbours, but only %zu training examples", options->k,
                        sizes->n_train);
    if (clusters > least)
        return tsr_fail(TSR_REFUSED, "%zu clusters, but only %zu examples", clusters, least);
    return NULL;
}

/* The class with most votes; of equals the one of the smaller sum of distances, then the smaller class. */
static int32_t vote(const tsr_probing *probing, size_t k, const uint32_t *index, const float *distance,
                    uint32_t *votes, double *sums)
{
    memset(votes, 0, (size_t)probing->classes * sizeof(*votes));
    memset(sums, 0, (size_t)probing->classes * sizeof(*sums));
    for (size_t i = 0; i < k; i++) {
        int32_t label = probing->train_labels[index[i]];
        votes[label]++;
        sums[label] += (double)distance[i];
    }
    int32_t best = 0;
    for (int32_t c = 1; c < probing->classes; c++)
        if (votes[c] > votes[best] || (votes[c] == votes[best] && sums[c] < sums[best]))
            best = c;
    return best;
}

static tsr_status *measure_knn(const channel_sums *self, const tsr_probing *probing, const points *train,
                               const points *test)
{
    size_t k = (size_t)self->k, n = test->n, all, correct = 0;
    bool fits = !__builtin_mul_overflow(n, k, &all);
    uint32_t *index = fits ? calloc(all + 1, sizeof(*index)) : NULL;
    uint32_t *votes = calloc((size_t)probing->classes, sizeof(*votes));
    float *distance = fits ? calloc(all + 1, sizeof(*distance)) : NULL;
    double *sums = calloc((size_t)probing->classes, sizeof(*sums));
    tsr_status *status =
        index && votes && distance && sums
            ? nearest_points(train, test, k, index, distance)
            : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu neighbours of %zu points", k, n);
    for (size_t i = 0; !status && i < n; i++)
        correct += vote(probing, k, index + i * k, distance + i * k, votes, sums) == probing->test_labels[i];
    if (!status)
        status =
            tsr_metric_unless(probing, n ? NULL : "there are no examples", tsr_share(correct, n), "knn.test");
    free(index);
    free(votes);
    free(distance);
    free(sums);
    return status;
}

/* The accuracy of clusters that each stand for the class they hold most of. */
static double majority(size_t k, int classes, size_t n, const uint32_t *clusters, const int32_t *labels,
                       size_t *held)
{
    size_t correct = 0;
    memset(held, 0, k * (size_t)classes * sizeof(*held));
    for (size_t i = 0; i < n; i++)
        held[clusters[i] * (size_t)classes + (size_t)labels[i]]++;
    for (size_t c = 0; c < k; c++) {
        size_t most = 0;
        for (int j = 0; j < classes; j++)
            most =
                held[c * (size_t)classes + (size_t)j] > most ? held[c * (size_t)classes + (size_t)j] : most;
        correct += most;
    }
    return tsr_share(correct, n);
}

static tsr_status *measure_kmeans(const channel_sums *self, const tsr_probing *probing, const char *name,
                                  const points *p, const int32_t *labels, tsr_rng *rng)
{
    const kmeans_options options = { n_clusters(self, probing->classes), self->restarts,
                                     self->max_iterations };
    uint32_t *clusters = calloc(p->n + 1, sizeof(*clusters));
    size_t *held = calloc(options.k, (size_t)probing->classes * sizeof(*held));
    double inertia;
    tsr_status *status = clusters && held ? kmeans_points(p, &options, rng, clusters, &inertia)
                                          : tsr_fail(TSR_NO_MEMORY, "not enough memory for clusters");
    if (!status)
        status = tsr_metric_unless(probing, p->n ? NULL : "there are no examples",
                                   majority(options.k, probing->classes, p->n, clusters, labels, held), "%s",
                                   name);
    free(clusters);
    free(held);
    return status;
}

static tsr_status *measure(const channel_sums *self, const tsr_probing *probing, const points *train,
                           const points *test)
{
    static const char *const names[] = { "knn.test", "kmeans.train", "kmeans.test" };
    const char *none = !is_finite(train) || !is_finite(test) ? "pre-activations are not finite"
                       : !can_be_squared(train) || !can_be_squared(test)
                           ? "sums of channels are too large to be squared"
                           : NULL;
    TSR_TRY(tsr_metric(probing, "channels", (double)train->d));
    for (size_t i = 0; none && i < 3; i++)
        TSR_TRY(tsr_metric_undefined(probing, names[i], none));
    if (none)
        return NULL;
    tsr_rng rng = probing->rng;
    TSR_TRY(measure_knn(self, probing, train, test));
    TSR_TRY(measure_kmeans(self, probing, "kmeans.train", train, probing->train_labels, &rng));
    return measure_kmeans(self, probing, "kmeans.test", test, probing->test_labels, &rng);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    points train = { 0 }, test = { 0 };
    tsr_status *status = take_sums(probing, &train, &test);
    if (!status)
        status = measure(self, probing, &train, &test);
    free(train.x);
    free(test.x);
    return status;
}

static const tsr_metric_info metrics[] = {
    TSR_METRIC("channels", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "coordinates: channels of all layers"),
    TSR_METRIC("knn.test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST,
               "accuracy of the vote of the nearest training examples, by sums of channels", .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("kmeans.train", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TRAIN,
               "accuracy of clusters of sums of channels, each as its majority", .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("kmeans.test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST,
               "accuracy of clusters of sums of channels, each as its majority", .maximum = 1,
               .better = TSR_BETTER_LARGER),
    { 0 },
};

static const tsr_probe_ops ops = {
    .check = check, .run = run, .metrics = metrics, .needs = TSR_PROBE_NETWORK
};

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "channel_sums",
    .version = "1.0.0",
    .summary = "nearest neighbours and k-means by sums of channels: codes of real values",
    .licence = "MIT",
    TSR_INSTANCE(channel_sums),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
