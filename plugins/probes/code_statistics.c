/* What can be read where redundancy is 0: the bits in use, their entropy, and Hamming distances between codes
   of one class and of different classes; over the whole code and layer by layer (layer0 is the first that the
   probe sees). All of it over training codes: entropy over all of them, distances over all pairs of the first
   `examples`. Sums are of integers, so the order of the work cannot show. Complementing a column in every
   code changes nothing. */
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

#define MAX_EXAMPLES 65536 /* 2^31 pairs of distances below 2^32: sums fit 63 bits */

typedef struct code_statistics {
    int examples;
} code_statistics;

static const tsr_key keys[] = {
    TSR_KEY_INT(code_statistics, examples, 2000, 2, MAX_EXAMPLES,
                "distances are over all pairs of so many training examples, the first ones"),
    TSR_KEY_END
};

/* Distances of some pairs. */
typedef struct distances {
    uint64_t pairs, sum;
    uint32_t least;
} distances;

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* In bits, of a column with so many ones, or as many zeros. */
static double entropy(uint64_t ones, size_t n)
{
    uint64_t fewer = ones < n - ones ? ones : n - ones;
    if (fewer == 0)
        return 0;
    double p = (double)fewer / (double)n;
    return -p * log2(p) - (1 - p) * log2(1 - p);
}

/* Ones in each column, to whole words. The caller frees; NULL without memory. */
static uint64_t *count_all(const tsr_codes *codes)
{
    size_t words = tsr_codes_used_words(codes);
    uint64_t *ones = calloc(words + 1, 64 * sizeof(*ones));
    if (ones)
        tsr_codes_count_ones(codes, ones);
    return ones;
}

/* Mean entropy of columns with so many ones, 64 of them added up at a time. */
static double mean_entropy(const uint64_t *ones, size_t bits, size_t n)
{
    double sum = 0;
    for (size_t first = 0; first < bits; first += 64) {
        double part = 0;
        for (size_t j = first; j < first + at_most(bits - first, 64); j++)
            part += entropy(ones[j], n);
        sum += part;
    }
    return sum / (double)bits;
}

static distances sum_up(const uint64_t *counts, size_t bits)
{
    distances out = { 0 };
    for (size_t d = bits + 1; d-- > 0;) {
        out.pairs += counts[d];
        out.sum += counts[d] * d;
        out.least = counts[d] ? (uint32_t)d : out.least;
    }
    return out;
}

/* All pairs of the codes. */
static tsr_status *compare_all(const tsr_codes *codes, const int32_t *labels, distances *within,
                               distances *across)
{
    uint64_t *counts = calloc(codes->bits + 1, 2 * sizeof(*counts));
    if (!counts)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
    tsr_status *status = tsr_codes_count_distances(codes, labels, counts, counts + codes->bits + 1);
    if (!status) {
        *within = sum_up(counts, codes->bits);
        *across = sum_up(counts + codes->bits + 1, codes->bits);
    }
    free(counts);
    return status;
}

static tsr_status *give_spread(const tsr_probing *probing, const char *prefix, const char *which,
                               const distances *spread)
{
    const char *none = spread->pairs ? NULL : "there are no such pairs";
    TSR_TRY(tsr_metric_unless(probing, none, spread->least, "%sdistance_min_%s", prefix, which));
    return tsr_metric_unless(probing, none, (double)spread->sum / (double)spread->pairs, "%sdistance_mean_%s",
                             prefix, which);
}

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    const uint64_t *ones = context;
    const tsr_probing *probing = measured->probing;
    distances within = { 0 }, across = { 0 };
    TSR_TRY(compare_all(measured->train, probing->train_labels, &within, &across));
    double entropy_of_all = mean_entropy(ones + measured->first, measured->bits, probing->train->n);
    const char *none = !measured->bits      ? "there are no bits"
                       : !probing->train->n ? "there are no examples"
                                            : NULL;
    for (const char *const *prefix = measured->prefixes; *prefix; prefix++) {
        TSR_TRY(tsr_metric_f(probing, (double)measured->bits, "%sbits", *prefix));
        TSR_TRY(tsr_metric_unless(probing, none, entropy_of_all, "%sentropy", *prefix));
        TSR_TRY(give_spread(probing, *prefix, "within", &within));
        TSR_TRY(give_spread(probing, *prefix, "across", &across));
    }
    return NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const code_statistics *options = self;
    tsr_codes head = *probing->train; /* the first examples: rows follow one another */
    head.n = at_most(head.n, (size_t)options->examples);
    uint64_t *ones = count_all(probing->train);
    tsr_status *status = ones ? tsr_measure_layers(probing, &head, NULL, measure, ones)
                              : tsr_fail(TSR_NO_MEMORY, "not enough memory for the entropy of codes");
    free(ones);
    return status;
}

#define MINIMUM "least Hamming distance between two training codes"
#define MEAN "mean Hamming distance between two training codes"

/* Of all layers together; the same by layer is named "layer0.bits" and so on. */
#define STATISTICS(prefix)                                                                                   \
    TSR_METRIC(prefix "bits", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "bits of the code that are not constant", \
               .unit = "bits", .maximum = INFINITY),                                                         \
        TSR_METRIC(prefix "entropy", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN,                                  \
                   "mean entropy of a bit over the training codes", .unit = "bits", .maximum = 1),           \
        DISTANCE(prefix "distance_min_within", MINIMUM), DISTANCE(prefix "distance_mean_within", MEAN),      \
        DISTANCE(prefix "distance_min_across", MINIMUM), DISTANCE(prefix "distance_mean_across", MEAN)
#define DISTANCE(name, doc)                                                                                  \
    TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, doc, .unit = "bits", .maximum = INFINITY)

static const tsr_metric_info metrics[] = {
    STATISTICS(""),
    STATISTICS("layer#."),
    TSR_METRICS_END,
};

static const tsr_probe_ops ops = { .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "code_statistics",
    .version = "1.0.0",
    .summary = "training codes' bits in use, entropy, distances within and across classes, by layer",
    .licence = "MIT",
    TSR_INSTANCE(code_statistics),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
