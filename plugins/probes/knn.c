/* k nearest neighbours: training codes vote on every test code. Neighbours are taken by Hamming distance,
   then by index (the earlier training example); every neighbour has one vote; the class with most votes wins,
   between equals the one whose neighbours' distances sum to less, then the smaller class. */
#include <tessera/probe.h>

#include <stdlib.h>

typedef struct knn {
    int k;
    bool predictions;
} knn;

static const tsr_key keys[] = {
    TSR_KEY_INT(knn, k, 9, 1, 1 << 20, "neighbours that vote"),
    TSR_KEY_BOOL(knn, predictions, false,
                 "write the classes given to the test examples to <label>_predictions.npy"),
    TSR_KEY_END
};

typedef struct ballot {
    uint32_t votes;
    uint64_t distances; /* their sum */
} ballot;

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    const knn *options = self;
    if ((size_t)options->k > sizes->n_train)
        return tsr_fail(TSR_REFUSED, "k = %d neighbours, but only %zu training examples", options->k,
                        sizes->n_train);
    return NULL;
}

static bool beats(ballot a, ballot b)
{
    return a.votes > b.votes || (a.votes == b.votes && a.distances < b.distances);
}

/* The class that the k neighbours give; `ballots` has room for every class. */
static int32_t vote(const tsr_probing *probing, size_t k, const uint32_t *index, const uint32_t *distance,
                    ballot *ballots)
{
    for (int c = 0; c < probing->classes; c++)
        ballots[c] = (ballot){ 0 };
    for (size_t i = 0; i < k; i++) {
        ballot *mine = &ballots[probing->train_labels[index[i]]];
        mine->votes++;
        mine->distances += distance[i];
    }
    int32_t winner = 0;
    for (int32_t c = 1; c < probing->classes; c++)
        if (beats(ballots[c], ballots[winner]))
            winner = c;
    return winner;
}

static void predict(const tsr_probing *probing, size_t k, const uint32_t *index, const uint32_t *distance,
                    ballot *ballots, int32_t *predictions)
{
    for (size_t i = 0; i < probing->test->n; i++)
        predictions[i] = vote(probing, k, index + i * k, distance + i * k, ballots);
}

static tsr_status *give_accuracy(const tsr_probing *probing, const int32_t *predictions)
{
    size_t n = probing->test->n, correct = 0;
    for (size_t i = 0; i < n; i++)
        correct += predictions[i] == probing->test_labels[i];
    return tsr_metric_unless(probing, n ? NULL : "there are no examples", tsr_share(correct, n), "test");
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const knn *options = self;
    size_t n = probing->test->n, k = (size_t)options->k, capacity;
    if (__builtin_mul_overflow(n, k, &capacity))
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu neighbours of %zu codes", k, n);
    uint32_t *index = calloc(capacity + 1, sizeof(*index));
    uint32_t *distance = calloc(capacity + 1, sizeof(*distance));
    int32_t *predictions = calloc(n + 1, sizeof(*predictions));
    ballot *ballots = calloc((size_t)probing->classes, sizeof(*ballots));
    tsr_status *status = NULL;
    if (!index || !distance || !predictions || !ballots)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu neighbours of %zu codes", k, n);
    if (!status)
        status = tsr_nearest(probing->train, probing->test, k, index, distance);
    if (!status) {
        predict(probing, k, index, distance, ballots, predictions);
        status = give_accuracy(probing, predictions);
    }
    if (!status && options->predictions)
        status = tsr_save_labels(probing, "predictions", n, predictions);
    free(index);
    free(distance);
    free(predictions);
    free(ballots);
    return status;
}

static const tsr_metric_info metrics[] = {
    TSR_METRIC("test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST,
               "accuracy of the nearest training codes' vote", .maximum = 1, .better = TSR_BETTER_LARGER),
    { 0 },
};

static const tsr_probe_ops ops = { .check = check, .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "knn",
    .version = "1.0.0",     .summary = "k nearest training codes by Hamming distance vote on every test code",
    .licence = "MIT",       TSR_INSTANCE(knn),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
