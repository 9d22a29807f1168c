/* Redundancy ratio (arXiv 2101.05490): n examples whose codes take m distinct values have 1 - m / n of them
   too much; 0 is perfect determinism. Training and test codes apart, and the codes of random inputs where
   they are asked for: these are drawn and encoded block by block. */
#include <tessera/network.h>
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256 /* random inputs held at a time */
#define MAX_INPUTS (1 << 30)

/* In the order of the words below. */
enum { UNIT, NEGATIVE, SYMMETRIC };
static const char *const ranges[] = { "unit", "negative", "symmetric", NULL };

typedef struct redundancy {
    int random, random_range;
    bool random_as_parts;
} redundancy;

static tsr_status *measure(const tsr_probing *probing, const char *name, const tsr_codes *codes)
{
    size_t distinct;
    TSR_TRY(tsr_distinct(codes, &distinct, NULL));
    return tsr_metric_unless(probing, codes->n ? NULL : "there are no examples",
                             1.0 - tsr_share(distinct, codes->n), "%s", name);
}

static void draw(tsr_rng *rng, int range, size_t n, float *out)
{
    tsr_rng_fill_uniform(rng, n, out, range == SYMMETRIC ? -1.0f : 0.0f, 1.0f);
    for (size_t i = 0; range == NEGATIVE && i < n; i++)
        out[i] = -out[i];
}

/* The columns of the layers that the probe sees, all where its codes have no layers; the others stay 0 and
   tell no two codes apart. */
static uint64_t *find_seen(const tsr_probing *probing, const tsr_codes *whole)
{
    uint64_t *mask = calloc(tsr_codes_used_words(whole) + 1, sizeof(*mask));
    if (mask && probing->train->n_layers)
        tsr_probing_columns(probing, TSR_ALL_LAYERS, mask);
    else if (mask)
        memset(mask, 0xff, tsr_codes_used_words(whole) * sizeof(*mask));
    return mask;
}

/* Codes of n random inputs, one or more, every bit of the layers seen. */
static tsr_status *encode_random(const redundancy *self, const tsr_probing *probing, size_t n, tsr_rng rng,
                                 float *inputs, tsr_codes **out)
{
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    uint64_t *seen = NULL;
    tsr_status *status = NULL;
    for (size_t row = 0; !status && row < n; row += BLOCK) {
        size_t count = n - row < BLOCK ? n - row : BLOCK;
        tsr_codes *block = NULL;
        draw(&rng, self->random_range, count * size, inputs);
        status = tsr_network_encode(probing->network, count, inputs, &block);
        if (!status && !seen && !(seen = find_seen(probing, block)))
            status = tsr_fail(TSR_NO_MEMORY, "not enough memory for columns");
        if (!status && !*out)
            status = tsr_codes_new(n, block->bits, out);
        if (!status) {
            tsr_codes_keep_columns(block, seen);
            memcpy((*out)->words + row * (*out)->stride, block->words,
                   count * block->stride * sizeof(uint64_t));
        }
        tsr_codes_free(block);
    }
    free(seen);
    return status;
}

/* Draws from the probe's stream, having passed over `skipped` of its numbers. */
static tsr_status *measure_random(const redundancy *self, const tsr_probing *probing, const char *name,
                                  size_t n, uint64_t skipped)
{
    if (n == 0)
        return tsr_metric_undefined(probing, name, "there are no examples");
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    float *inputs = calloc(size, BLOCK * sizeof(*inputs));
    if (!inputs)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for random inputs");
    tsr_codes *codes = NULL;
    tsr_rng rng = probing->rng;
    tsr_rng_skip(&rng, skipped);
    tsr_status *status = encode_random(self, probing, n, rng, inputs, &codes);
    if (!status)
        status = measure(probing, name, codes);
    tsr_codes_free(codes);
    free(inputs);
    return status;
}

/* As many as train and as many as test, all of them others. */
static tsr_status *measure_parts(const redundancy *self, const tsr_probing *probing)
{
    size_t n = probing->train->n, size = tsr_shape_size(tsr_network_input(probing->network));
    TSR_TRY(measure_random(self, probing, "random.train", n, 0));
    return measure_random(self, probing, "random.test", probing->test->n, (uint64_t)n * size);
}

/* Their codes are taken by the probe, which does not see the columns that were drawn. */
static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    const redundancy *probe = self;
    if (!probe->random && !probe->random_as_parts)
        return NULL;
    const char *key = probe->random ? "random = 0" : "random_as_parts = false";
    TSR_TRY(tsr_refuse_projection(sizes, probe->random
                                             ? "random inputs, for which 'random' asks, are"
                                             : "random inputs, for which 'random_as_parts' asks, are"));
    if (sizes->shape.n_dims == 0)
        return tsr_fail(TSR_REFUSED,
                        "random inputs need the network, and only codes are known here: expected %s", key);
    return NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const redundancy *probe = self;
    TSR_TRY(measure(probing, "train", probing->train));
    TSR_TRY(measure(probing, "test", probing->test));
    if (probe->random)
        TSR_TRY(measure_random(probe, probing, "random", (size_t)probe->random, 0));
    return probe->random_as_parts ? measure_parts(probe, probing) : NULL;
}

#define RATIO "fraction of examples whose code another one has already"
#define RANDOM_RATIO "the same fraction of as many random inputs"

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_REDUNDANCY, TSR_METRIC_OF_TRAIN, RATIO, .maximum = 1,
               .better = TSR_BETTER_SMALLER),
    TSR_METRIC("test", TSR_METRIC_REDUNDANCY, TSR_METRIC_OF_TEST, RATIO, .maximum = 1,
               .better = TSR_BETTER_SMALLER),
    TSR_METRIC("random", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, RATIO, .maximum = 1,
               .better = TSR_BETTER_SMALLER), /* no example: it judges no regime */
    TSR_METRIC("random.train", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, RANDOM_RATIO " as train", .maximum = 1,
               .better = TSR_BETTER_SMALLER),
    TSR_METRIC("random.test", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, RANDOM_RATIO " as test", .maximum = 1,
               .better = TSR_BETTER_SMALLER),
    { 0 },
};

static const tsr_probe_ops ops = { .check = check, .run = run, .metrics = metrics, .without_labels = true };

static const tsr_key keys[] = {
    TSR_KEY_INT(redundancy, random, 0, 0, MAX_INPUTS,
                "so many uniform random inputs are measured too, as random; 0: none", .unit = "inputs"),
    TSR_KEY_BOOL(redundancy, random_as_parts, false,
                 "measure as many random inputs as there are training and test examples, as random.train and "
                 "random.test"),
    TSR_KEY_ENUM(redundancy, random_range, "unit", ranges,
                 "where random inputs lie: unit [0,1), negative (-1,0], symmetric [-1,1)"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "redundancy",
    .version = "1.2.0",
    .summary = "fraction of examples whose code another one has already: 1 - distinct codes / examples",
    .licence = "MIT",
    TSR_INSTANCE(redundancy),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
