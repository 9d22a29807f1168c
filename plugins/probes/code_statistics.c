/* What can be read where redundancy is 0: the bits in use, their entropy, and Hamming distances between codes
   of one class and of different classes; over the whole code and layer by layer (layer0 is the first that the
   probe sees). All of it over training codes: entropy over all of them, distances over all pairs of the first
   `examples`. Sums are of integers, so the order of the work cannot show. Complementing a column in every
   code changes nothing. */
#include <tessera/probe.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 128          /* examples compared together */
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

static void add_distance(distances *spread, uint32_t distance)
{
    if (spread->pairs == 0 || distance < spread->least)
        spread->least = distance;
    spread->pairs++;
    spread->sum += distance;
}

static void add_spread(distances *total, const distances *part)
{
    if (part->pairs && (total->pairs == 0 || part->least < total->least))
        total->least = part->least;
    total->pairs += part->pairs;
    total->sum += part->sum;
}

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
    return bits && n ? sum / (double)bits : NAN;
}

/* Pairs of example i of a block with a later example j of another, or of the same, block. */
static void compare_blocks(const tsr_codes *codes, const int32_t *labels, size_t n, size_t a, size_t b,
                           distances *within, distances *across)
{
    uint32_t block[BLOCK * BLOCK];
    size_t na = at_most(n - a, BLOCK), nb = at_most(n - b, BLOCK);
    tsr_hamming_block(codes, a, na, codes, b, nb, block);
    for (size_t i = 0; i < na; i++)
        for (size_t j = a == b ? i + 1 : 0; j < nb; j++)
            add_distance(labels[a + i] == labels[b + j] ? within : across, block[i * nb + j]);
}

/* All pairs of the first n examples. */
static tsr_status *compare_all(const tsr_codes *codes, const int32_t *labels, size_t n, distances *within,
                               distances *across)
{
    size_t blocks = (n + BLOCK - 1) / BLOCK;
    distances *parts = calloc(2 * blocks + 1, sizeof(*parts));
    if (!parts)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(dynamic) if (tsr_worth_sharing(n * n * tsr_codes_used_words(codes) / 2))
    for (size_t a = 0; a < blocks; a++)
        for (size_t b = a; b < blocks; b++)
            compare_blocks(codes, labels, n, a * BLOCK, b * BLOCK, &parts[2 * a], &parts[2 * a + 1]);
    for (size_t a = 0; a < blocks; a++) {
        add_spread(within, &parts[2 * a]);
        add_spread(across, &parts[2 * a + 1]);
    }
    free(parts);
    return NULL;
}

static tsr_status *give_spread(const tsr_probing *probing, const char *prefix, const char *which,
                               const distances *spread)
{
    bool any = spread->pairs > 0;
    TSR_TRY(tsr_metric_f(probing, any ? spread->least : NAN, "%sdistance_min_%s", prefix, which));
    return tsr_metric_f(probing, any ? (double)spread->sum / (double)spread->pairs : NAN,
                        "%sdistance_mean_%s", prefix, which);
}

/* Of the columns that start at `ones`; `codes` are the first examples, with those columns only. */
static tsr_status *measure(const tsr_probing *probing, const tsr_codes *codes, const uint64_t *ones,
                           const char *prefix)
{
    distances within = { 0 }, across = { 0 };
    TSR_TRY(compare_all(codes, probing->train_labels, codes->n, &within, &across));
    TSR_TRY(tsr_metric_f(probing, (double)codes->bits, "%sbits", prefix));
    TSR_TRY(tsr_metric_f(probing, mean_entropy(ones, codes->bits, probing->train->n), "%sentropy", prefix));
    TSR_TRY(give_spread(probing, prefix, "within", &within));
    return give_spread(probing, prefix, "across", &across);
}

static tsr_status *measure_layers(const tsr_probing *probing, const tsr_codes *head, const uint64_t *ones)
{
    for (size_t i = 0; i < head->n_layers; i++) {
        const tsr_code_layer *layer = &head->layers[i];
        tsr_codes *slice;
        TSR_TRY(tsr_codes_slice(head, layer->first, layer->bits, &slice));
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "layer%zu.", i);
        tsr_status *status = measure(probing, slice, ones + layer->first, prefix);
        tsr_codes_free(slice);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const code_statistics *options = self;
    tsr_codes head = *probing->train; /* the first examples: rows follow one another */
    head.n = at_most(head.n, (size_t)options->examples);
    uint64_t *ones = count_all(probing->train);
    if (!ones)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the entropy of codes");
    tsr_status *status = measure(probing, &head, ones, "");
    if (!status)
        status = measure_layers(probing, &head, ones);
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
