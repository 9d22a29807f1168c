/* What training has moved since the snapshot before, on the same examples: bits flipped, examples whose code
   is another, and how many of the codes in use are still in use (Jaccard's index of both sets of codes).
   Whole codes are compared, with the bits that are constant now or were then; by layer. Costs a pass over
   both codes and a table of all rows of both, for the whole code and each layer. */
#include <tessera/probe.h>

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
    bool all;       /* all that are a unit's */
} choice;

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
static tsr_status *compare_sets(const tsr_codes *now, const tsr_codes *before, double *jaccard)
{
    size_t n_now, n_before, n_either;
    TSR_TRY(tsr_distinct(now, &n_now, NULL));
    TSR_TRY(tsr_distinct(before, &n_before, NULL));
    TSR_TRY(tsr_distinct_of_both(now, before, &n_either, NULL));
    *jaccard = (double)(n_now + n_before - n_either) / (double)n_either;
    return NULL;
}

/* Of the chosen columns; other bits than these are 0 where all are chosen. */
static tsr_status *compare_chosen(const tsr_codes *now, const tsr_codes *before, const choice *chosen,
                                  double *jaccard)
{
    tsr_codes *a = NULL, *b = NULL;
    if (chosen->all)
        return compare_sets(now, before, jaccard);
    tsr_status *status = tsr_codes_columns(now, chosen->mask, &a);
    if (!status)
        status = tsr_codes_columns(before, chosen->mask, &b);
    if (!status)
        status = compare_sets(a, b, jaccard);
    tsr_codes_free(a);
    tsr_codes_free(b);
    return status;
}

static tsr_status *measure_part(const tsr_measured *measured, const choice *chosen, const char *part,
                                const tsr_codes *now, const tsr_codes *before)
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
        TSR_TRY(compare_chosen(now, before, chosen, &jaccard));
    }
    const char *no_bits = none ? none : chosen->bits ? NULL : "there are no bits";
    TSR_TRY(tsr_measured_metric(measured, no_bits, (double)flipped / n / (double)chosen->bits, "flipped.%s",
                                part));
    TSR_TRY(tsr_measured_metric(measured, none, (double)changed / n, "changed.%s", part));
    return tsr_measured_metric(measured, none, jaccard, "jaccard.%s", part);
}

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    const tsr_probing *p = measured->probing;
    choice chosen = { .mask = context };
    memset(chosen.mask, 0, tsr_codes_used_words(p->whole_train) * sizeof(*chosen.mask));
    chosen.bits = tsr_probing_columns(p, measured->layer, chosen.mask);
    chosen.all = chosen.bits == tsr_network_bits(p->network);
    TSR_TRY(measure_part(measured, &chosen, "train", p->whole_train, p->previous_train));
    return measure_part(measured, &chosen, "test", p->whole_test, p->previous_test);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    (void)self;
    uint64_t *mask = calloc(tsr_codes_used_words(probing->whole_train) + 1, sizeof(*mask));
    tsr_status *status = mask ? tsr_measure_layers(probing, NULL, NULL, measure, mask)
                              : tsr_fail(TSR_NO_MEMORY, "not enough memory for columns");
    free(mask);
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
