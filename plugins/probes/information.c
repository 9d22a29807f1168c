/* Codes as a random variable: their entropy, what they tell of the class, how often two examples share one,
   and the ceiling of any classifier on codes; beside it what hashing at random would give. Of the training
   and of the test codes, and of each layer's. The plug-in estimate H(C) = -sum n_g/n log2 n_g/n over the
   distinct codes g; Miller and Madow's correction adds (m - 1) / (2 n ln 2) for m of them. Costs one table of
   all rows for each layer, and one for the whole code where there are several layers. */
#include <tessera/probe.h>

#include <math.h>
#include <stdlib.h>

/* Examples of one part by the group of their codes: order[start[g]] ... are those of group g. */
typedef struct grouped {
    size_t n, m;           /* examples, groups of both parts */
    const uint32_t *group; /* of each example */
    const int32_t *labels; /* NULL: none */
    const char *part;
    uint32_t *start, *order; /* m + 1, n */
    int32_t *majority;       /* by group: the class most of it have, the smaller of equals; -1: it is empty */
    uint32_t *ballot;        /* a counter for each class, 0 between uses */
} grouped;

/* What is summed over the groups. */
typedef struct sums {
    size_t distinct, majority; /* groups that are not empty; examples of their group's majority class */
    double entropy;            /* sum of n_g log2 n_g */
    double conditional;        /* sum of n_gk log2 n_gk, k a class */
    double squares, pairs;     /* sum of n_g^2, of n_g (n_g - 1) */
} sums;

static double n_log_n(double n)
{
    return n > 1 ? n * log2(n) : 0;
}

static void sort_by_group(grouped *a)
{
    for (size_t i = 0; i < a->n; i++)
        a->start[a->group[i]]++;
    for (size_t g = 0, sum = 0; g <= a->m; g++) { /* the start of each group, moved to its end below ... */
        size_t count = g < a->m ? a->start[g] : 0;
        a->start[g] = (uint32_t)sum;
        sum += count;
    }
    for (size_t i = 0; i < a->n; i++)
        a->order[a->start[a->group[i]]++] = (uint32_t)i;
    for (size_t g = a->m; g > 0; g--) /* ... which is the start of the next one */
        a->start[g] = a->start[g - 1];
    a->start[0] = 0;
}

/* Counts the classes of a group. */
static void vote(grouped *a, size_t g, sums *s)
{
    int32_t best = -1;
    uint32_t most = 0;
    for (size_t i = a->start[g]; i < a->start[g + 1]; i++) {
        int32_t label = a->labels[a->order[i]];
        uint32_t votes = ++a->ballot[label];
        if (votes > most || (votes == most && label < best)) {
            most = votes;
            best = label;
        }
    }
    for (size_t i = a->start[g]; i < a->start[g + 1]; i++) {
        uint32_t *votes = &a->ballot[a->labels[a->order[i]]];
        s->conditional += n_log_n(*votes);
        *votes = 0;
    }
    a->majority[g] = best;
    s->majority += most;
}

static sums sum_up(grouped *a)
{
    sums s = { 0 };
    sort_by_group(a);
    for (size_t g = 0; g < a->m; g++) {
        double count = a->start[g + 1] - a->start[g];
        s.distinct += count > 0;
        s.entropy += n_log_n(count);
        s.squares += count * count;
        s.pairs += count * (count - 1);
        if (a->labels)
            vote(a, g, &s);
    }
    return s;
}

static double label_entropy(const grouped *a, int classes)
{
    double sum = 0, n = (double)a->n;
    for (size_t i = 0; i < a->n; i++)
        a->ballot[a->labels[i]]++;
    for (int k = 0; k < classes; k++) {
        sum += n_log_n(a->ballot[k]);
        a->ballot[k] = 0;
    }
    return fmax(log2(n) - sum / n, 0);
}

/* Expected of n uniform random codes: 1 - (M / n) (1 - (1 - 1/M)^n), M = 2^bits; where M is far larger than
   n, by its series, since all digits would cancel. */
static double random_redundancy(double n, size_t bits)
{
    double ratio = ldexp(1, bits < 4096 ? -(int)bits : -4096); /* 1 / M */
    if (n * ratio < 1e-5)
        return (n - 1) * ratio / 2 - (n - 1) * (n - 2) * ratio * ratio / 6;
    return 1 + expm1(n * log1p(-ratio)) / (n * ratio);
}

static tsr_status *measure_labels(const tsr_measured *measured, const grouped *a, const sums *s,
                                  const char *none)
{
    double n = (double)a->n, h = none ? 0 : label_entropy(a, measured->probing->classes);
    double conditional = fmax((s->entropy - s->conditional) / n, 0);
    TSR_TRY(tsr_measured_metric(measured, none, h, "label_entropy.%s", a->part));
    TSR_TRY(tsr_measured_metric(measured, none, conditional, "conditional_entropy.%s", a->part));
    TSR_TRY(tsr_measured_metric(measured, none, fmax(h - conditional, 0), "mutual_information.%s", a->part));
    return tsr_measured_metric(measured, none, (double)s->majority / n, "purity.%s", a->part);
}

static tsr_status *measure_part(const tsr_measured *measured, grouped *a, size_t bits)
{
    sums s = sum_up(a);
    double n = (double)a->n, entropy = fmax(log2(n) - s.entropy / n, 0);
    const char *none = a->n ? NULL : "there are no examples";
    double correction = ((double)s.distinct - 1) / (2 * n * M_LN2);
    TSR_TRY(tsr_measured_metric(measured, none, entropy, "entropy.%s", a->part));
    TSR_TRY(tsr_measured_metric(measured, none, entropy + correction, "entropy_corrected.%s", a->part));
    TSR_TRY(tsr_measured_metric(measured, none, s.squares / (n * n), "collision_probability.%s", a->part));
    TSR_TRY(tsr_measured_metric(measured, a->n > 1 ? NULL : "there are no two examples",
                                s.pairs / (n * (n - 1)), "colliding_pairs.%s", a->part));
    TSR_TRY(tsr_measured_metric(measured, none, none ? 0 : random_redundancy(n, bits), "random_redundancy.%s",
                                a->part));
    return a->labels ? measure_labels(measured, a, &s, none) : NULL;
}

/* Test examples whose code occurs in training. */
static tsr_status *measure_seen(const tsr_measured *measured, const grouped *train, const grouped *test)
{
    size_t seen = 0, agree = 0;
    for (size_t i = 0; i < test->n; i++) {
        uint32_t g = test->group[i];
        bool known = train->start[g + 1] > train->start[g];
        seen += known;
        agree += known && test->labels && test->labels[i] == train->majority[g];
    }
    TSR_TRY(tsr_measured_metric(measured, test->n ? NULL : "there are no examples",
                                (double)seen / (double)test->n, "seen.test"));
    if (!test->labels)
        return NULL;
    return tsr_measured_metric(measured, seen ? NULL : "no test code occurs in training",
                               (double)agree / (double)seen, "seen_agreement.test");
}

static tsr_status *make(grouped *a, size_t classes)
{
    a->start = calloc(a->m + 1, sizeof(*a->start));
    a->order = calloc(a->n + 1, sizeof(*a->order));
    a->majority = calloc(a->m + 1, sizeof(*a->majority));
    a->ballot = calloc(classes + 1, sizeof(*a->ballot));
    return a->start && a->order && a->majority && a->ballot
               ? NULL
               : tsr_fail(TSR_NO_MEMORY, "not enough memory for groups of %zu codes", a->n);
}

static void clear(grouped *a)
{
    free(a->start);
    free(a->order);
    free(a->majority);
    free(a->ballot);
}

static tsr_status *measure_groups(const tsr_measured *measured, const uint32_t *group, size_t m)
{
    const tsr_probing *probing = measured->probing;
    size_t n = probing->train->n, classes = (size_t)probing->classes, bits = measured->bits;
    grouped train = { n, m, group, probing->train_labels, "train", NULL, NULL, NULL, NULL };
    grouped test = { probing->test->n, m, group + n, probing->test_labels, "test", NULL, NULL, NULL, NULL };
    tsr_status *status = make(&train, classes);
    if (!status)
        status = make(&test, classes);
    if (!status)
        status = measure_part(measured, &train, bits);
    if (!status)
        status = measure_part(measured, &test, bits);
    if (!status)
        status = measure_seen(measured, &train, &test);
    clear(&train);
    clear(&test);
    return status;
}

static tsr_status *measure(void *context, const tsr_measured *measured)
{
    (void)context;
    size_t m;
    uint32_t *group = calloc(measured->train->n + measured->test->n + 1, sizeof(*group));
    tsr_status *status = group ? tsr_distinct_of_both(measured->train, measured->test, &m, group)
                               : tsr_fail(TSR_NO_MEMORY, "not enough memory for groups of codes");
    if (!status)
        status = measure_groups(measured, group, m);
    free(group);
    return status;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    (void)self;
    return tsr_measure_layers(probing, probing->train, probing->test, measure, NULL);
}

/* clang-format off */
#define OF(name, part_, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, part_, text, ##__VA_ARGS__)
#define PART(p, s, part_)                                                                                    \
    OF(p "entropy" s, part_, "entropy of the codes", .unit = "bits", .maximum = INFINITY),                   \
    OF(p "entropy_corrected" s, part_, "entropy of the codes by Miller and Madow", .unit = "bits",           \
       .maximum = INFINITY),                                                                                 \
    OF(p "collision_probability" s, part_, "probability that two draws of an example have one code",         \
       .maximum = 1, .better = TSR_BETTER_SMALLER),                                                          \
    OF(p "colliding_pairs" s, part_, "fraction of pairs of examples with one code", .maximum = 1,            \
       .better = TSR_BETTER_SMALLER),                                                                        \
    OF(p "random_redundancy" s, part_, "redundancy expected of as many random codes", .maximum = 1),         \
    OF(p "label_entropy" s, part_, "entropy of the labels", .unit = "bits", .maximum = INFINITY),            \
    OF(p "conditional_entropy" s, part_, "entropy of the label given the code", .unit = "bits",              \
       .maximum = INFINITY, .better = TSR_BETTER_SMALLER),                                                   \
    OF(p "mutual_information" s, part_, "what the code tells of the label", .unit = "bits",                  \
       .maximum = INFINITY, .better = TSR_BETTER_LARGER),                                                    \
    OF(p "purity" s, part_, "accuracy if each code answers its majority class", .maximum = 1,                \
       .better = TSR_BETTER_LARGER)
#define BOTH(p)                                                                                              \
    PART(p, ".train", TSR_METRIC_OF_TRAIN), PART(p, ".test", TSR_METRIC_OF_TEST),                            \
    OF(p "seen.test", TSR_METRIC_OF_TEST, "fraction of test examples whose code occurs in training",         \
       .maximum = 1),                                                                                        \
    OF(p "seen_agreement.test", TSR_METRIC_OF_TEST, "of these, the fraction of that code's majority class",  \
       .maximum = 1, .better = TSR_BETTER_LARGER)
/* clang-format on */

static const tsr_metric_info metrics[] = { BOTH(""), BOTH("layer#."), TSR_METRICS_END };

static const tsr_probe_ops ops = { .run = run, .metrics = metrics, .without_labels = true };

typedef struct information {
    char none;
} information;
static const tsr_key keys[] = { TSR_KEY_END };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "information",
    .version = "1.0.0",     .summary = "entropy of codes, what they tell of the class, collisions; by layer",
    .licence = "MIT",       TSR_INSTANCE(information),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
