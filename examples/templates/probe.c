/* @NAME@: how far apart codes are, as the mean Hamming distance of random pairs. Write what yours does. */
#include <math.h>
#include <tessera/tessera.h>

#define BINS 20 /* of the histogram */

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    int pairs;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, pairs, 10000, 1, 1 << 30, "random pairs that are compared", .unit = "pairs"),
    TSR_KEY_END,
};

/* The mean over random pairs, as a fraction of the code's bits, and how many pairs have which; NaN, which
   stands for undefined, without any bits. */
static double mean_distance(const settings *p, const tsr_codes *codes, tsr_rng *rng, uint64_t counts[BINS])
{
    double sum = 0;
    for (int i = 0; i < p->pairs && codes->bits; i++) {
        const uint64_t *a = tsr_codes_row(codes, tsr_rng_below(rng, codes->n));
        const uint64_t *b = tsr_codes_row(codes, tsr_rng_below(rng, codes->n));
        size_t distance = tsr_hamming(a, b, tsr_codes_used_words(codes));
        sum += (double)distance;
        counts[distance == codes->bits ? BINS - 1 : distance * BINS / codes->bits]++;
    }
    return codes->bits ? sum / p->pairs / (double)codes->bits : NAN;
}

/* Random numbers come from the probing's stream, so the same seed gives the same metrics. */
static tsr_status *run(const void *self, const tsr_probing *probing)
{
    tsr_rng rng = probing->rng;
    double edges[BINS + 1];
    uint64_t train[BINS] = { 0 }, test[BINS] = { 0 };
    for (int i = 0; i <= BINS; i++)
        edges[i] = (double)i / BINS;
    TSR_TRY(tsr_metric(probing, "train", mean_distance(self, probing->train, &rng, train)));
    TSR_TRY(tsr_metric(probing, "test", mean_distance(self, probing->test, &rng, test)));
    if (probing->test->bits == 0)
        return NULL;
    TSR_TRY(tsr_save_histogram(probing, "distances.train", BINS, edges, train));
    return tsr_save_histogram(probing, "distances.test", BINS, edges, test);
}

/* What the metrics mean, for the report. */
static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN,
               "mean distance of codes, as a fraction of their bits"),
    TSR_METRIC("test", TSR_METRIC_OTHER, TSR_METRIC_OF_TEST,
               "mean distance of codes, as a fraction of their bits"),
    TSR_METRICS_END,
};

/* What it gives beside numbers, which the report draws. */
static const tsr_curve_info curves[] = {
    TSR_CURVE("distances.train", TSR_CURVE_HISTOGRAM, TSR_METRIC_OF_TRAIN,
              "distances of pairs of codes, as a fraction of their bits", "distance", "pairs",
              .x_maximum = 1),
    TSR_CURVE("distances.test", TSR_CURVE_HISTOGRAM, TSR_METRIC_OF_TEST,
              "distances of pairs of codes, as a fraction of their bits", "distance", "pairs",
              .x_maximum = 1),
    TSR_CURVES_END,
};

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, TSR_CURVES(curves) };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "@NAME@",       .version = "0.1.0", .summary = "mean distance of codes",
    .licence = "MIT",       TSR_INSTANCE(settings), .keys = keys,
};
TSR_PLUGINS(&plugin)
