/* How far codes lie from one another: the overfitting-underfitting indicator of Fernandez-Hernandez et al.
   (2025), 2 x the mean over pairs of examples of min(d / units, 1/2), and the diffusion of the paper's
   authors' later code, the mean over pairs of 1/d. Everything comes from the number of pairs at each
   distance, which is exact. Over all pairs of the first `examples` of either part; by layer. */
#include <tessera/probe.h>

#include <math.h>
#include <stdio.h>
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

static tsr_status *give(const tsr_probing *probing, const char *const *prefixes, const char *name,
                        const char *which, const char *of, double value, const char *reason)
{
    for (; *prefixes; prefixes++) {
        char full[96];
        snprintf(full, sizeof(full), "%s%s%s.%s", *prefixes, name, which, of);
        TSR_TRY(reason ? tsr_metric_undefined(probing, full, reason) : tsr_metric(probing, full, value));
    }
    return NULL;
}

static tsr_status *give_pairs(const tsr_probing *probing, const char *const *prefixes, const char *which,
                              const char *of, pairs p)
{
    double n = p.n + p.equal, mean = p.sum / n;
    const char *none = n > 0 ? NULL : "there are no such pairs";
    TSR_TRY(give(probing, prefixes, "diffusion", which, of, p.inverse / p.n,
                 none      ? none
                 : p.n > 0 ? NULL
                           : "all codes are equal"));
    TSR_TRY(
        give(probing, prefixes, "deviation", which, of, sqrt(fmax(p.squares / n - mean * mean, 0)), none));
    return give(probing, prefixes, "equal_pairs", which, of, p.equal / n, none);
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

/* Of some columns, `units` with the constant ones; *oui is theirs, as of one layer. */
static tsr_status *measure(const tsr_probing *probing, const part *of, const tsr_codes *codes, size_t units,
                           const char *const *prefixes, double *oui)
{
    uint64_t *within = calloc(codes->bits + 1, 2 * sizeof(*within));
    if (!within)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
    uint64_t *across = within + codes->bits + 1;
    tsr_status *status = tsr_codes_count_distances(codes, of->labels, within, across);
    pairs same = sum_up(within, codes->bits), others = sum_up(across, codes->bits);
    *oui = indicator(within, across, codes->bits, units);
    free(within);
    TSR_TRY(status);
    TSR_TRY(give_pairs(probing, prefixes, "", of->name, together(same, others)));
    if (!of->labels)
        return NULL;
    TSR_TRY(give_pairs(probing, prefixes, "_within", of->name, same));
    return give_pairs(probing, prefixes, "_across", of->name, others);
}

static tsr_status *give_oui(const tsr_probing *probing, const char *const *prefixes, const part *of,
                            double oui)
{
    return give(probing, prefixes, "oui", "", of->name, oui,
                isnan(oui) ? "there are no two examples, or no bits" : NULL);
}

static size_t units_of(const tsr_probing *probing, size_t layer, size_t bits)
{
    size_t zeros, ones;
    tsr_probing_constant_bits(probing, layer, &zeros, &ones);
    return bits + zeros + ones;
}

/* Several layers, and the mean of their indicators. */
static tsr_status *measure_layers(const tsr_probing *probing, const part *of, const tsr_codes *head)
{
    double sum = 0;
    for (size_t i = 0; i < head->n_layers; i++) {
        const tsr_code_layer *layer = &head->layers[i];
        char prefix[32];
        const char *const prefixes[] = { prefix, NULL };
        tsr_codes *slice;
        double oui = NAN;
        snprintf(prefix, sizeof(prefix), "layer%zu.", i);
        TSR_TRY(tsr_codes_slice(head, layer->first, layer->bits, &slice));
        tsr_status *status = measure(probing, of, slice, units_of(probing, i, layer->bits), prefixes, &oui);
        tsr_codes_free(slice);
        TSR_TRY(status);
        TSR_TRY(give_oui(probing, prefixes, of, oui));
        sum += oui;
    }
    return give_oui(probing, (const char *const[]){ "", NULL }, of, sum / (double)head->n_layers);
}

static tsr_status *measure_part(const overlap *options, const tsr_probing *probing, const part *of,
                                const tsr_codes *codes)
{
    tsr_codes head = *codes; /* the first examples: rows follow one another */
    head.n = head.n < (size_t)options->examples ? head.n : (size_t)options->examples;
    bool several = head.n_layers > 1;
    const char *const prefixes[] = { "", head.n_layers == 1 ? "layer0." : NULL, NULL };
    double oui;
    TSR_TRY(measure(probing, of, &head, units_of(probing, 0, head.bits), prefixes, &oui));
    return several ? measure_layers(probing, of, &head) : give_oui(probing, prefixes, of, oui);
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
