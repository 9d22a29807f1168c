/* How far codes lie from one another: the overfitting-underfitting indicator of Fernandez-Hernandez et al.
   (2025), 2 x the mean over pairs of examples of min(d / units, 1/2), and the diffusion of the paper's
   authors' later code, the mean over pairs of 1/d. Everything comes from the number of pairs at each
   distance, which is exact. Over all pairs of the first `examples` of either part; by layer. */
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

typedef struct overlap {
    int examples;
} overlap;

static const tsr_key keys[] = {
    TSR_KEY_INT(overlap, examples, 2000, 2, 65536,
                "distances are over all pairs of so many examples of a part, the first ones"),
    TSR_KEY_END
};

/* Of some pairs at distances d > 0, and of those at 0. */
typedef struct pairs {
    double n, equal;
    double inverse, sum, squares; /* sums of 1/d, d and d^2 */
} pairs;

/* One part of the data, in what its metrics are called. */
typedef struct part {
    const char *name;
    const int32_t *labels; /* NULL: none */
} part;

static pairs sum_up(const uint64_t *counts, size_t bits)
{
    pairs p = { .equal = (double)counts[0] };
    for (size_t d = 1; d <= bits; d++) {
        double n = (double)counts[d], distance = (double)d;
        p.n += n;
        p.inverse += n / distance;
        p.sum += n * distance;
        p.squares += n * distance * distance;
    }
    return p;
}

static pairs together(pairs a, pairs b)
{
    return (pairs){ a.n + b.n, a.equal + b.equal, a.inverse + b.inverse, a.sum + b.sum,
                    a.squares + b.squares };
}

static tsr_status *give_pairs(const tsr_measured *measured, const char *which, const char *of, pairs p)
{
    double n = p.n + p.equal, mean = p.sum / n;
    const char *none = n > 0 ? NULL : "there are no such pairs";
    TSR_TRY(tsr_measured_metric(measured,
                                none      ? none
                                : p.n > 0 ? NULL
                                          : "all codes are equal",
                                p.inverse / p.n, "diffusion%s.%s", which, of));
    TSR_TRY(tsr_measured_metric(measured, none, sqrt(fmax(p.squares / n - mean * mean, 0)), "deviation%s.%s",
                                which, of));
    return tsr_measured_metric(measured, none, p.equal / n, "equal_pairs%s.%s", which, of);
}

/* The indicator from pairs at each distance; NaN without pairs or units. */
static double indicator(const uint64_t *within, const uint64_t *across, size_t bits, size_t units)
{
    double sum = 0, n = 0;
    for (size_t d = 0; d <= bits; d++) {
        double here = (double)(within[d] + across[d]);
        sum += here * fmin((double)d / (double)units, 0.5);
        n += here;
    }
    return n > 0 && units > 0 ? 2 * sum / n : NAN;
}

/* One part's measuring: of the whole code, then of its layers. */
typedef struct work {
    const part *of;
    double sum; /* of the layers' indicators */
} work;

static const char *no_oui(double oui)
{
    return isnan(oui) ? "there are no two examples, or no bits" : NULL;
}

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    work *w = context;
    const tsr_codes *codes = measured->train;
    uint64_t *within = calloc(codes->bits + 1, 2 * sizeof(*within));
    if (!within)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
    uint64_t *across = within + codes->bits + 1;
    tsr_status *status = tsr_codes_count_distances(codes, w->of->labels, within, across);
    pairs same = sum_up(within, codes->bits), others = sum_up(across, codes->bits);
    double oui = indicator(within, across, codes->bits, codes->bits + measured->zeros + measured->ones);
    free(within);
    TSR_TRY(status);
    TSR_TRY(give_pairs(measured, "", w->of->name, together(same, others)));
    if (w->of->labels) {
        TSR_TRY(give_pairs(measured, "_within", w->of->name, same));
        TSR_TRY(give_pairs(measured, "_across", w->of->name, others));
    }
    if (measured->layer == TSR_ALL_LAYERS && measured->probing->train->n_layers > 1)
        return NULL; /* the mean of what comes */
    w->sum += oui;
    return tsr_measured_metric(measured, no_oui(oui), oui, "oui.%s", w->of->name);
}

static tsr_status *measure_part(const overlap *options, const tsr_probing *probing, const part *of,
                                const tsr_codes *codes)
{
    tsr_codes head = *codes; /* the first examples: rows follow one another */
    head.n = head.n < (size_t)options->examples ? head.n : (size_t)options->examples;
    work w = { .of = of };
    TSR_TRY(tsr_measure_layers(probing, &head, NULL, measure, &w));
    double mean = w.sum / (double)head.n_layers;
    return head.n_layers > 1 ? tsr_metric_unless(probing, no_oui(mean), mean, "oui.%s", of->name) : NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const part train = { "train", probing->train_labels }, test = { "test", probing->test_labels };
    TSR_TRY(measure_part(self, probing, &train, probing->train));
    return measure_part(self, probing, &test, probing->test);
}

/* clang-format off */
#define OF(name, part_, text, ...)                                                                           \
    TSR_METRIC(name, TSR_METRIC_OTHER, part_, text, .maximum = 1, ##__VA_ARGS__)
#define SET(p, which, s, part_)                                                                              \
    OF(p "diffusion" which s, part_, "mean inverse distance of two different codes"),                        \
    TSR_METRIC(p "deviation" which s, TSR_METRIC_OTHER, part_, "standard deviation of the distance of two codes", \
               .unit = "bits", .maximum = INFINITY),                                                         \
    OF(p "equal_pairs" which s, part_, "share of pairs with one code")
#define PART(p, s, part_)                                                                                    \
    OF(p "oui" s, part_, "overfitting-underfitting indicator"), SET(p, "", s, part_),                        \
    SET(p, "_within", s, part_), SET(p, "_across", s, part_)
#define BOTH(p) PART(p, ".train", TSR_METRIC_OF_TRAIN), PART(p, ".test", TSR_METRIC_OF_TEST)
/* clang-format on */

static const tsr_metric_info metrics[] = { BOTH(""), BOTH("layer#."), TSR_METRICS_END };

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, .without_labels = true };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "overlap",
    .version = "1.0.0",     .summary = "how far codes lie from one another: OUI, diffusion; by layer",
    .licence = "MIT",       TSR_INSTANCE(overlap),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
