/* What the codes of a class have alike. A bit of a class is fixed at 1 or 0 where at least a share delta of
   the class's training examples have it so, and else free; the class's pattern is its fixed bits. At delta 1
   and (metrics that begin with relaxed_) at the key's. Constant bits are fixed in every class. By layer. */
#include <tessera/op.h>
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

#define BLOCK 64               /* test examples of a task */
#define MAX_EXAMPLES (1 << 24) /* of training: floats count them exactly */

typedef struct class_patterns {
    double delta;
} class_patterns;

static const tsr_key keys[] = {
    TSR_KEY_REAL(class_patterns, delta, 0.99, 0.51, 1.0,
                 "of the relaxed metrics: share of a class's training examples that have a fixed bit so"),
    TSR_KEY_END
};

/* By class, a row each. */
typedef struct patterns {
    size_t classes;
    uint64_t *examples; /* of training */
    tsr_codes *fixed;   /* which bits are */
    tsr_codes *value;   /* of the fixed ones; 0 elsewhere */
} patterns;

/* --- patterns --- */

/* Fixes the bits of up to TSR_LANES classes from `first` on; sums[j] lane by lane: their examples with bit j.
 */
static void fix(patterns *p, size_t first, double delta, const tsr_lanes *sums)
{
    for (size_t lane = 0; lane < TSR_LANES && first + lane < p->classes; lane++) {
        size_t k = first + lane;
        uint64_t *fixed = p->fixed->words + k * p->fixed->stride;
        uint64_t *value = p->value->words + k * p->value->stride;
        uint64_t n = p->examples[k];
        for (size_t j = 0; n > 0 && j < p->fixed->bits; j++) {
            uint64_t ones = (uint64_t)sums[j][lane], bit = UINT64_C(1) << j % 64;
            bool is_on = tsr_share(ones, n) >= delta, is_off = tsr_share(n - ones, n) >= delta;
            if (is_on)
                value[j / 64] |= bit;
            if (is_on || is_off)
                fixed[j / 64] |= bit;
        }
    }
}

/* Counts ones by class, 16 classes in a pass: floats are exact up to 2^24 examples. */
static tsr_status *find_patterns(const tsr_codes *codes, const int32_t *labels, double delta, patterns *p)
{
    const tsr_code_rows rows = { codes->words, codes->stride, codes->bits, codes->n, NULL };
    tsr_lanes *values = tsr_lanes_new(codes->n, 1), *sums = tsr_lanes_new(codes->bits, 1);
    if (!values || !sums) {
        free(values);
        free(sums);
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the patterns of classes");
    }
    for (size_t first = 0; first < p->classes; first += TSR_LANES) {
        for (size_t i = 0; i < codes->n; i++) {
            values[i] = (tsr_lanes){ 0 };
            size_t k = (size_t)labels[i];
            if (k >= first && k < first + TSR_LANES)
                values[i][k - first] = 1;
        }
        tsr_codes_sum_columns(&rows, values, sums);
        fix(p, first, delta, sums);
    }
    free(values);
    free(sums);
    return NULL;
}

static void patterns_clear(patterns *p)
{
    free(p->examples);
    tsr_codes_free(p->fixed);
    tsr_codes_free(p->value);
}

static tsr_status *patterns_new(const tsr_codes *codes, const int32_t *labels, size_t classes, double delta,
                                patterns *p)
{
    *p = (patterns){ .classes = classes, .examples = calloc(classes + 1, sizeof(*p->examples)) };
    tsr_status *status =
        p->examples ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for the patterns of classes");
    for (size_t i = 0; !status && i < codes->n; i++)
        p->examples[labels[i]]++;
    if (!status)
        status = tsr_codes_new(classes, codes->bits, &p->fixed);
    if (!status)
        status = tsr_codes_new(classes, codes->bits, &p->value);
    if (!status)
        status = find_patterns(codes, labels, delta, p);
    return status;
}

/* Fixed bits of class k that a code has otherwise. */
static uint64_t violations(const patterns *p, size_t k, const uint64_t *code)
{
    const uint64_t *fixed = tsr_codes_row(p->fixed, k), *value = tsr_codes_row(p->value, k);
    uint64_t count = 0;
    for (size_t w = 0; w < tsr_codes_used_words(p->fixed); w++)
        count += (uint64_t)__builtin_popcountll((code[w] ^ value[w]) & fixed[w]);
    return count;
}

/* Whether some code has both patterns. */
static bool compatible(const patterns *p, size_t a, size_t b)
{
    const uint64_t *fixed_a = tsr_codes_row(p->fixed, a), *fixed_b = tsr_codes_row(p->fixed, b);
    const uint64_t *value_a = tsr_codes_row(p->value, a), *value_b = tsr_codes_row(p->value, b);
    for (size_t w = 0; w < tsr_codes_used_words(p->fixed); w++)
        if (fixed_a[w] & fixed_b[w] & (value_a[w] ^ value_b[w]))
            return false;
    return true;
}

/* --- test examples --- */

/* Of one test example. */
typedef struct match {
    uint32_t matched;  /* patterns that it has */
    bool own, nearest; /* whether its class's is among them; whether that is the nearest one */
} match;

typedef struct matching {
    const patterns *patterns;
    const tsr_codes *test;
    const int32_t *labels;
    match *matches;
} matching;

static void match_block(void *context, size_t block)
{
    const matching *m = context;
    size_t end = (block + 1) * BLOCK < m->test->n ? (block + 1) * BLOCK : m->test->n;
    for (size_t i = block * BLOCK; i < end; i++) {
        size_t best = m->patterns->classes;
        uint64_t least = UINT64_MAX;
        match *out = &m->matches[i];
        for (size_t k = 0; k < m->patterns->classes; k++) {
            if (!m->patterns->examples[k])
                continue;
            uint64_t count = violations(m->patterns, k, tsr_codes_row(m->test, i));
            out->matched += count == 0;
            out->own |= count == 0 && (size_t)m->labels[i] == k;
            best = count < least ? k : best;
            least = count < least ? count : least;
        }
        out->nearest = best == (size_t)m->labels[i];
    }
}

/* --- metrics --- */

/* What is measured, and at which delta. */
typedef struct naming {
    const tsr_measured *measured;
    const char *relaxed; /* what names begin with */
    size_t constant;     /* bits that are fixed since they are constant */
} naming;

static tsr_status *give_of_patterns(const naming *as, const patterns *p)
{
    double fixed = 0, alike = 0, pairs = 0, classes = 0, all = (double)(p->fixed->bits + as->constant);
    for (size_t a = 0; a < p->classes; a++) {
        if (!p->examples[a])
            continue;
        for (size_t w = 0; w < tsr_codes_used_words(p->fixed); w++)
            fixed += __builtin_popcountll(tsr_codes_row(p->fixed, a)[w]);
        fixed += (double)as->constant;
        classes++;
        for (size_t b = 0; b < a; b++) {
            pairs += p->examples[b] > 0;
            alike += p->examples[b] > 0 && compatible(p, a, b);
        }
    }
    TSR_TRY(tsr_measured_metric(as->measured,
                                all > 0 && classes > 0 ? NULL : "there are no bits or no examples",
                                fixed / classes / all, "%sfixed.train", as->relaxed));
    return tsr_measured_metric(as->measured, pairs > 0 ? NULL : "there are no two classes", alike / pairs,
                               "%sambiguity.train", as->relaxed);
}

static tsr_status *give_of_matches(const naming *as, const match *matches)
{
    const tsr_probing *probing = as->measured->probing;
    double n = (double)probing->test->n, matched = 0, own = 0, nearest = 0;
    const char *none = n > 0 ? NULL : "there are no examples";
    for (size_t i = 0; i < probing->test->n; i++) {
        matched += matches[i].matched;
        own += matches[i].own;
        nearest += matches[i].nearest;
    }
    TSR_TRY(tsr_measured_metric(as->measured, none, own / n, "%srecall.test", as->relaxed));
    TSR_TRY(tsr_measured_metric(as->measured,
                                none          ? none
                                : matched > 0 ? NULL
                                              : "no test code has the pattern of any class",
                                own / matched, "%sprecision.test", as->relaxed));
    return tsr_measured_metric(as->measured, none, nearest / n, "%snearest.test", as->relaxed);
}

static tsr_status *measure_at(const naming *as, double delta)
{
    const tsr_probing *probing = as->measured->probing;
    const tsr_codes *train = as->measured->train, *test = as->measured->test;
    patterns p;
    match *matches = calloc(test->n + 1, sizeof(*matches));
    tsr_status *status = patterns_new(train, probing->train_labels, (size_t)probing->classes, delta, &p);
    if (!status && !matches)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory to match %zu codes", test->n);
    if (!status) {
        matching m = { &p, test, probing->test_labels, matches };
        size_t work = test->n * p.classes * tsr_codes_used_words(test);
        tsr_parallel_for((test->n + BLOCK - 1) / BLOCK, work, match_block, &m);
        status = give_of_patterns(as, &p);
    }
    if (!status)
        status = give_of_matches(as, matches);
    patterns_clear(&p);
    free(matches);
    return status;
}

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    const double *delta = context;
    size_t constant = measured->zeros + measured->ones;
    TSR_TRY(measure_at(&(naming){ measured, "", constant }, 1));
    return measure_at(&(naming){ measured, "relaxed_", constant }, *delta);
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    (void)self;
    return sizes->n_train <= MAX_EXAMPLES
               ? NULL
               : tsr_fail(TSR_REFUSED, "ones are counted in %zu training examples, expected at most %d",
                          sizes->n_train, MAX_EXAMPLES);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    double delta = ((const class_patterns *)self)->delta;
    return tsr_measure_layers(probing, probing->train, probing->test, measure, &delta);
}

/* clang-format off */
#define OF(name, part_, text, ...)                                                                    \
    TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_##part_, text, .maximum = 1, ##__VA_ARGS__)
#define PATTERNS(p)                                                                            \
    OF(p "fixed.train", TRAIN, "share of bits that are fixed in a class"),                 \
    OF(p "ambiguity.train", TRAIN, "share of pairs of classes whose patterns one code can have", \
       .better = TSR_BETTER_SMALLER),                                                                        \
    OF(p "recall.test", TEST, "share of test examples that have their class's pattern",    \
       .better = TSR_BETTER_LARGER),                                                                         \
    OF(p "precision.test", TEST, "share of matches of a test example that are with its class", \
       .better = TSR_BETTER_LARGER),                                                                         \
    OF(p "nearest.test", TEST, "accuracy of the nearest class pattern", .better = TSR_BETTER_LARGER)
/* clang-format on */

static const tsr_metric_info metrics[] = { PATTERNS(""), PATTERNS("relaxed_"), PATTERNS("layer#."),
                                           PATTERNS("layer#.relaxed_"), TSR_METRICS_END };

static const tsr_probe_ops ops = { .check = check, .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "class_patterns",
    .version = "1.0.0",
    .summary = "bits that a class's codes have alike, and how well these patterns tell classes; by layer",
    .licence = "MIT",
    TSR_INSTANCE(class_patterns),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
