/* What training has moved since the snapshot before, on the same examples: bits flipped, examples whose code
   is another, and how many of the codes in use are still in use (Jaccard's index of both sets of codes).
   Whole codes are compared, with the bits that are constant now or were then; by layer. Costs a pass over
   both codes and a table of all rows of both, for the whole code and each layer. */
#include <tessera/probe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct drift {
    char none;
} drift;
static const tsr_key keys[] = { TSR_KEY_END };

/* The columns that are compared. */
typedef struct choice {
    uint64_t *mask; /* of the whole code; of one layer or all */
    size_t bits;    /* in it */
} choice;

static tsr_status *give(const tsr_probing *probing, const char *const *prefixes, const char *name,
                        const char *part, double value, const char *reason)
{
    for (; *prefixes; prefixes++) {
        char full[64];
        snprintf(full, sizeof(full), "%s%s.%s", *prefixes, name, part);
        TSR_TRY(reason ? tsr_metric_undefined(probing, full, reason) : tsr_metric(probing, full, value));
    }
    return NULL;
}

/* --- columns --- */

/* What the probe sees of the whole code: the columns that are not constant, and the layers' others unless it
   sees a projection, which has no constant ones of its own. */
static bool sees_constant(const tsr_probing *probing)
{
    size_t shown = 0, all = 0;
    for (size_t i = 0; i < probing->train->n_layers; i++) {
        size_t zeros, ones;
        tsr_probing_constant_bits(probing, i, &zeros, &ones);
        shown += probing->train->layers[i].bits + zeros + ones;
        for (size_t l = 0; l < tsr_network_n_layers(probing->network); l++) {
            tsr_layer_info info = tsr_network_layer(probing->network, l);
            if (strcmp(info.name, probing->train->layers[i].name) == 0)
                all += info.units * info.n_breakpoints;
        }
    }
    return shown == all;
}

static bool is_layer(const tsr_probing *probing, const tsr_code_layer *layer, size_t column)
{
    size_t l = tsr_network_column(probing->network, column).layer;
    return l < tsr_network_n_layers(probing->network) &&
           strcmp(tsr_network_layer(probing->network, l).name, layer->name) == 0;
}

/* Adds those of a layer. */
static void choose_layer(const tsr_probing *probing, size_t layer, bool constant, choice *out)
{
    const tsr_code_layer *of = &probing->train->layers[layer];
    for (size_t j = of->first; j < of->first + of->bits; j++) {
        out->mask[probing->columns[j] / 64] |= UINT64_C(1) << probing->columns[j] % 64;
        out->bits++;
    }
    for (size_t j = 0; constant && j < probing->whole_bits; j++) {
        bool is_constant = probing->constant[j / 64] >> j % 64 & 1;
        if (!is_constant || !is_layer(probing, of, j))
            continue;
        out->mask[j / 64] |= UINT64_C(1) << j % 64;
        out->bits++;
    }
}

/* --- comparing --- */

/* Flipped bits among the chosen ones, and rows with any. */
static void count_flipped(const tsr_codes *now, const tsr_codes *before, const choice *chosen,
                          uint64_t *flipped, size_t *changed)
{
    *flipped = *changed = 0;
    for (size_t i = 0; i < now->n; i++) {
        const uint64_t *a = tsr_codes_row(now, i), *b = tsr_codes_row(before, i);
        uint64_t here = 0;
        for (size_t w = 0; w < tsr_codes_used_words(now); w++)
            here += (uint64_t)__builtin_popcountll((a[w] ^ b[w]) & chosen->mask[w]);
        *flipped += here;
        *changed += here > 0;
    }
}

/* Codes in use in both, over codes in use in either. */
static tsr_status *compare_sets(const tsr_codes *now, const tsr_codes *before, const choice *chosen,
                                double *jaccard)
{
    tsr_codes *a = NULL, *b = NULL;
    size_t n_a = 0, n_b = 0, n_either = 0;
    tsr_status *status = tsr_codes_columns(now, chosen->mask, &a);
    if (!status)
        status = tsr_codes_columns(before, chosen->mask, &b);
    if (!status)
        status = tsr_distinct(a, &n_a, NULL);
    if (!status)
        status = tsr_distinct(b, &n_b, NULL);
    if (!status)
        status = tsr_distinct_of_both(a, b, &n_either, NULL);
    *jaccard = (double)(n_a + n_b - n_either) / (double)n_either;
    tsr_codes_free(a);
    tsr_codes_free(b);
    return status;
}

static tsr_status *measure_part(const tsr_probing *probing, const char *const *prefixes, const choice *chosen,
                                const char *part, const tsr_codes *now, const tsr_codes *before)
{
    uint64_t flipped = 0;
    size_t changed = 0;
    double n = (double)now->n, jaccard = 0;
    const char *none = !before               ? "there is no snapshot before this one"
                       : before->n != now->n ? "the snapshot before has other examples"
                       : now->n == 0         ? "there are no examples"
                                             : NULL;
    if (!none) {
        count_flipped(now, before, chosen, &flipped, &changed);
        TSR_TRY(compare_sets(now, before, chosen, &jaccard));
    }
    const char *no_bits = none ? none : chosen->bits ? NULL : "there are no bits";
    TSR_TRY(give(probing, prefixes, "flipped", part, (double)flipped / n / (double)chosen->bits, no_bits));
    TSR_TRY(give(probing, prefixes, "changed", part, (double)changed / n, none));
    return give(probing, prefixes, "jaccard", part, jaccard, none);
}

static tsr_status *measure(const tsr_probing *probing, const char *const *prefixes, const choice *chosen)
{
    TSR_TRY(measure_part(probing, prefixes, chosen, "train", probing->whole_train, probing->previous_train));
    return measure_part(probing, prefixes, chosen, "test", probing->whole_test, probing->previous_test);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    (void)self;
    size_t n_layers = probing->train->n_layers, words = tsr_codes_used_words(probing->whole_train);
    bool constant = sees_constant(probing);
    choice all = { calloc(words + 1, sizeof(uint64_t)), 0 }, one = { calloc(words + 1, sizeof(uint64_t)), 0 };
    tsr_status *status =
        all.mask && one.mask ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for columns");
    for (size_t i = 0; !status && i < n_layers; i++)
        choose_layer(probing, i, constant, &all);
    const char *const prefixes[] = { "", n_layers == 1 ? "layer0." : NULL, NULL };
    if (!status)
        status = measure(probing, prefixes, &all);
    for (size_t i = 0; !status && n_layers > 1 && i < n_layers; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "layer%zu.", i);
        memset(one.mask, 0, words * sizeof(*one.mask));
        one.bits = 0;
        choose_layer(probing, i, constant, &one);
        status = measure(probing, (const char *const[]){ prefix, NULL }, &one);
    }
    free(all.mask);
    free(one.mask);
    return status;
}

/* clang-format off */
#define OF(name, part_, text) TSR_METRIC(name, TSR_METRIC_OTHER, part_, text, .maximum = 1)
#define PART(p, s, part_)                                                                                    \
    OF(p "flipped" s, part_, "share of bits flipped since the snapshot before"),                             \
    OF(p "changed" s, part_, "share of examples with another code than at the snapshot before"),             \
    OF(p "jaccard" s, part_, "codes in use both now and at the snapshot before, of those in use at either")
#define BOTH(p) PART(p, ".train", TSR_METRIC_OF_TRAIN), PART(p, ".test", TSR_METRIC_OF_TEST)
/* clang-format on */

static const tsr_metric_info metrics[] = { BOTH(""), BOTH("layer#."), TSR_METRICS_END };

static const tsr_probe_ops ops = {
    .run = run, .metrics = metrics, .needs = TSR_PROBE_NETWORK | TSR_PROBE_PREVIOUS, .without_labels = true
};

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "drift",
    .version = "1.0.0",     .summary = "what codes have changed since the snapshot before; by layer",
    .licence = "MIT",       TSR_INSTANCE(drift),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
