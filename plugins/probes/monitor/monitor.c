/* A runtime monitor of a network: it stores codes of training examples, and warns of an input whose code is
   far from all stored ones that were rightly given the class that this one is given (Cheng, Nuehrenberg,
   Yasuoka 2019). A fifth of the training examples is not stored: scores fit those that are too well, so how
   far is far is measured on that fifth. How well distances tell wrong answers from right ones and, with
   another dataset, its examples from test examples. Codes have their constant bits here: other data may flip
   them. */
#include "distances.h"
#include "ranking.h"

#include <tessera/host.h>
#include <tessera/probe.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256              /* inputs held at a time */
#define EVERY 5                /* of so many training examples the last is held out */
#define MAX_EXAMPLES (1 << 24) /* of training: floats count them exactly */
#define ROC_POINTS 51          /* shares of the others: 0, 0.02 ... 1 */

typedef struct monitor {
    tsr_int_list gammas;
    double rate;
    tsr_instance *other;
    tsr_data *data; /* of `other`, which is open while the instance lives; NULL: none */
} monitor;

static const int64_t gammas[] = { 0, 1, 2 };

static const tsr_key keys[] = {
    TSR_KEY_INT_LIST(monitor, gammas, gammas, 3, 0, 1 << 30, "distances beyond which it warns"),
    TSR_KEY_REAL(monitor, rate, 0.05, 0.0, 1.0,
                 "the calibrated distance warns of at most this share of held-out training examples"),
    TSR_KEY_PLUGIN(monitor, other, TSR_DATASET, NULL,
                   "a dataset whose test examples are to be told from the run's; none: only errors are"),
    TSR_KEY_END
};

/* Examples with what the monitor makes of them. */
typedef struct examples {
    tsr_codes codes; /* the layers that the probe sees; a view, of the host's codes or of `own` */
    tsr_codes *own;
    int32_t *given; /* classes, by the network */
    distances *distances;
} examples;

static void examples_clear(examples *e)
{
    tsr_codes_free(e->own);
    free(e->given);
    free(e->distances);
}

static tsr_status *examples_new(size_t n, examples *e)
{
    e->given = calloc(n + 1, sizeof(*e->given));
    e->distances = calloc(n + 1, sizeof(*e->distances));
    return e->given && e->distances
               ? NULL
               : tsr_fail(TSR_NO_MEMORY, "not enough memory for a monitor of %zu codes", n);
}

/* The columns of the whole code that the probe sees. */
typedef struct columns {
    uint64_t *mask;
    size_t n;
    bool all; /* it sees all that are a unit's: others are 0 */
} columns;

static tsr_status *find_columns(const tsr_probing *probing, columns *out)
{
    out->mask = calloc(tsr_codes_used_words(probing->whole_train) + 1, sizeof(*out->mask));
    if (!out->mask)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for columns");
    out->n = tsr_probing_columns(probing, TSR_ALL_LAYERS, out->mask);
    out->all = out->n == tsr_network_bits(probing->network);
    return NULL;
}

/* --- codes and answers --- */

/* The classes that logits stand for. */
static void decide(const tsr_probing *probing, size_t n, const float *logits, int32_t *given)
{
    size_t classes = (size_t)tsr_network_outputs(probing->network);
    for (size_t i = 0; i < n; i++) {
        given[i] = 0;
        for (size_t k = 1; k < classes; k++)
            if (logits[i * classes + k] > logits[i * classes + (size_t)given[i]])
                given[i] = (int32_t)k;
    }
}

typedef struct buffers {
    float *inputs, *logits;
} buffers;

static size_t count_batch(size_t first, size_t n, size_t index[BATCH])
{
    size_t count = n - first < BATCH ? n - first : BATCH;
    for (size_t i = 0; i < count; i++)
        index[i] = first + i;
    return count;
}

static tsr_status *take_part(const tsr_probing *probing, tsr_part part, const tsr_codes *whole,
                             const columns *seen, buffers b, examples *e)
{
    size_t index[BATCH], count;
    TSR_TRY(examples_new(whole->n, e));
    e->codes = *whole;
    if (!seen->all) {
        TSR_TRY(tsr_codes_columns(whole, seen->mask, &e->own));
        e->codes = *e->own;
    }
    for (size_t first = 0; first < whole->n; first += count) {
        count = count_batch(first, whole->n, index);
        TSR_TRY(tsr_probing_read(probing, part, TSR_INPUT_CLEAN, count, index, b.inputs, NULL));
        TSR_TRY(tsr_network_predict(probing->network, count, b.inputs, b.logits));
        decide(probing, count, b.logits, e->given + first);
    }
    return NULL;
}

/* Copies the seen columns of some codes to rows first and on of others. */
static tsr_status *put_codes(const tsr_codes *whole, const columns *seen, size_t first, tsr_codes *out)
{
    tsr_codes *chosen = NULL;
    if (!seen->all)
        TSR_TRY(tsr_codes_columns(whole, seen->mask, &chosen));
    const tsr_codes *from = chosen ? chosen : whole;
    memcpy(out->words + first * out->stride, from->words, from->n * from->stride * sizeof(*from->words));
    tsr_codes_free(chosen);
    return NULL;
}

/* The other dataset's test examples. */
static tsr_status *take_other(const monitor *options, const tsr_probing *probing, const columns *seen,
                              buffers b, examples *e)
{
    size_t n = tsr_data_info(options->data)->n[TSR_TEST], index[BATCH], count;
    TSR_TRY(examples_new(n, e));
    TSR_TRY(tsr_codes_new(n, seen->all ? probing->whole_train->bits : seen->n, &e->own));
    e->codes = *e->own;
    for (size_t first = 0; first < n; first += count) {
        tsr_codes *whole;
        count = count_batch(first, n, index);
        TSR_TRY(tsr_data_read(options->data, TSR_TEST, count, index, b.inputs, NULL));
        TSR_TRY(tsr_network_see(probing->network, count, b.inputs, NULL, NULL, b.logits, &whole));
        decide(probing, count, b.logits, e->given + first);
        tsr_status *status = put_codes(whole, seen, first, e->own);
        tsr_codes_free(whole);
        TSR_TRY(status);
    }
    return NULL;
}

/* Every fifth training example is held out: those are rows of the same codes, five times as far apart.
   right[i] is what example i is to the monitor, see distances.h. */
static tsr_status *hold_out(const tsr_probing *probing, const examples *train, examples *e, int32_t *right)
{
    size_t n = train->codes.n;
    TSR_TRY(examples_new(n / EVERY, e));
    e->codes = train->codes;
    e->codes.n = n / EVERY;
    e->codes.stride *= EVERY;
    e->codes.words += (EVERY - 1) * train->codes.stride;
    for (size_t i = 0; i < n; i++) {
        bool held_out = i % EVERY == EVERY - 1, rightly = train->given[i] == probing->train_labels[i];
        if (held_out)
            e->given[i / EVERY] = train->given[i];
        right[i] = held_out ? NOT_STORED : rightly ? train->given[i] : WRONG;
    }
    return NULL;
}

/* --- metrics --- */

/* Of warnings beyond a distance: how many, how many of them are of wrong answers, and of how many of those.
 */
static tsr_status *give_warnings(const tsr_probing *probing, const char *prefix, double gamma,
                                 const examples *test, const char *none)
{
    double n = (double)test->codes.n, warned = 0, wrong = 0, both = 0;
    for (size_t i = 0; i < test->codes.n; i++) {
        bool warns = test->distances[i].own > gamma, errs = test->given[i] != probing->test_labels[i];
        warned += warns;
        wrong += errs;
        both += warns && errs;
    }
    TSR_TRY(tsr_metric_unless(probing, none, warned / n, "%swarned.test", prefix));
    TSR_TRY(tsr_metric_unless(probing,
                              none         ? none
                              : warned > 0 ? NULL
                                           : "it warns of nothing",
                              both / warned, "%sprecision.test", prefix));
    return tsr_metric_unless(probing,
                             none        ? none
                             : wrong > 0 ? NULL
                                         : "no test example is misclassified",
                             both / wrong, "%srecall.test", prefix);
}

/* The least distance that warns of no more held-out examples than it may; NaN: classes without a stored
   example are too many. */
static tsr_status *calibrate(const examples *held_out, double rate, double *gamma)
{
    size_t n = held_out->codes.n, bits = held_out->codes.bits, warned = 0, d = bits;
    size_t *counts = calloc(bits + 1, sizeof(*counts)); /* by distance */
    if (!counts)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for distances between codes");
    for (size_t i = 0; i < n; i++)
        if (isinf(held_out->distances[i].own))
            warned++;
        else
            counts[(size_t)held_out->distances[i].own]++;
    *gamma = tsr_share(warned, n) <= rate ? (double)bits : NAN;
    for (; d > 0 && tsr_share(warned + counts[d], n) <= rate; d--) {
        warned += counts[d];
        *gamma = (double)(d - 1);
    }
    free(counts);
    return NULL;
}

static double score_of(const distances *d, int which)
{
    return which == 0 ? d->any : which == 1 ? d->own : d->mean;
}

static const char *const scores[] = { "any", "own", "mean" };

static void add(scored *list, size_t at, const examples *e, int which, int found)
{
    for (size_t i = 0; i < e->codes.n; i++)
        list[at + i] = (scored){ score_of(&e->distances[i], which), found };
}

/* The curve of a ranking, of sorted scores; where one kind is empty there is none. */
static tsr_status *give_roc(const tsr_probing *probing, const char *name, const char *score, size_t n,
                            const scored *list)
{
    double x[ROC_POINTS], y[ROC_POINTS];
    char full[32];
    for (int i = 0; i < ROC_POINTS; i++)
        x[i] = (double)i / (ROC_POINTS - 1);
    if (!draw_roc(n, list, ROC_POINTS, x, y))
        return NULL;
    snprintf(full, sizeof(full), "%s.%s", name, score);
    return tsr_save_curve(probing, full, ROC_POINTS, x, y);
}

/* Wrong answers among the test examples, by each score; and the other examples among both. */
static tsr_status *give_rankings(const tsr_probing *probing, const examples *test, const examples *other)
{
    size_t n = test->codes.n, more = other->codes.n;
    scored *list = calloc(n + more + 1, sizeof(*list));
    tsr_status *status = list ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu scores", n + more);
    for (int s = 0; s < 3 && !status; s++) {
        add(list, 0, test, s, 0);
        for (size_t i = 0; i < n; i++)
            list[i].found = test->given[i] != probing->test_labels[i];
        double errors = rank_scores(n, list).auroc;
        status = tsr_metric_unless(
            probing, isnan(errors) ? "all test examples are classified alike, rightly or wrongly" : NULL,
            errors, "error_auroc.%s", scores[s]);
        if (!status)
            status = give_roc(probing, "error_roc", scores[s], n, list);
        if (status || !more)
            continue;
        add(list, 0, test, s, 0);
        add(list, n, other, s, 1);
        ranking r = rank_scores(n + more, list);
        const char *none = n ? NULL : "there are no test examples";
        status = tsr_metric_unless(probing, none, r.auroc, "auroc.%s", scores[s]);
        if (!status)
            status = tsr_metric_unless(probing, none, r.aupr, "aupr.%s", scores[s]);
        if (!status)
            status = tsr_metric_unless(probing, none, r.fpr95, "fpr95.%s", scores[s]);
        if (!status)
            status = give_roc(probing, "roc", scores[s], n + more, list);
    }
    free(list);
    return status;
}

static tsr_status *give_all(const monitor *options, const tsr_probing *probing, const examples *held_out,
                            const examples *test, const examples *other)
{
    const char *none = test->codes.n ? NULL : "there are no test examples";
    double gamma = NAN;
    if (held_out->codes.n)
        TSR_TRY(calibrate(held_out, options->rate, &gamma));
    const char *uncalibrated = !held_out->codes.n ? "there are too few training examples to hold some out"
                               : isnan(gamma)     ? "no distance warns of so few held-out examples"
                                                  : NULL;
    TSR_TRY(tsr_metric_unless(probing, uncalibrated, gamma, "gamma"));
    TSR_TRY(give_warnings(probing, "calibrated.", gamma, test, uncalibrated ? uncalibrated : none));
    for (size_t i = 0; i < options->gammas.n; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "gamma%lld.", (long long)options->gammas.values[i]);
        TSR_TRY(give_warnings(probing, prefix, (double)options->gammas.values[i], test, none));
    }
    return give_rankings(probing, test, other);
}

/* --- all of it --- */

enum { TRAINING, HELD_OUT, TESTING, OTHER, N_PARTS };

static tsr_status *watch(const monitor *options, const tsr_probing *probing, const columns *seen, buffers b,
                         examples parts[N_PARTS], int32_t *right)
{
    TSR_TRY(take_part(probing, TSR_PART_TRAIN, probing->whole_train, seen, b, &parts[TRAINING]));
    TSR_TRY(hold_out(probing, &parts[TRAINING], &parts[HELD_OUT], right));
    TSR_TRY(take_part(probing, TSR_PART_TEST, probing->whole_test, seen, b, &parts[TESTING]));
    if (options->data)
        TSR_TRY(take_other(options, probing, seen, b, &parts[OTHER]));
    const stored_codes base = { &parts[TRAINING].codes, right, tsr_network_classes(probing->network) };
    for (int i = HELD_OUT; i < N_PARTS; i++)
        if (parts[i].given)
            TSR_TRY(measure_distances(&base, &parts[i].codes, parts[i].given, parts[i].distances));
    return give_all(options, probing, &parts[HELD_OUT], &parts[TESTING], &parts[OTHER]);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    if (tsr_network_classes(probing->network) == 0)
        return tsr_fail(TSR_REFUSED, "a monitor watches classes, and the network's outputs are none");
    examples parts[N_PARTS] = { 0 };
    columns seen = { 0 };
    buffers b = { calloc(size, BATCH * sizeof(float)),
                  calloc((size_t)tsr_network_outputs(probing->network), BATCH * sizeof(float)) };
    int32_t *right = calloc(probing->whole_train->n + 1, sizeof(*right));
    tsr_status *status = b.inputs && b.logits && right
                             ? find_columns(probing, &seen)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for inputs");
    if (!status)
        status = watch(self, probing, &seen, b, parts, right);
    for (int i = 0; i < N_PARTS; i++)
        examples_clear(&parts[i]);
    free(seen.mask);
    free(b.inputs);
    free(b.logits);
    free(right);
    return status;
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    const monitor *options = self;
    TSR_TRY(tsr_refuse_projection(sizes, "a monitor is"));
    if (sizes->n_train > MAX_EXAMPLES)
        return tsr_fail(TSR_REFUSED, "a monitor of %zu training examples: expected at most %d",
                        sizes->n_train, MAX_EXAMPLES);
    if (!options->data || sizes->shape.n_dims == 0)
        return NULL;
    size_t size = tsr_shape_size(tsr_data_info(options->data)->shape),
           expected = tsr_shape_size(sizes->shape);
    if (size != expected)
        return tsr_fail(TSR_REFUSED, "other: its inputs have %zu values, expected %zu as the run's have",
                        size, expected);
    return NULL;
}

static tsr_status *open_other(void *self)
{
    monitor *options = self;
    return options->other ? tsr_context(tsr_data_open(options->other, &options->data), "other") : NULL;
}

static void close_other(void *self)
{
    tsr_data_close(((monitor *)self)->data);
}

/* clang-format off */
#define OF(name, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_TEST, text, .maximum = 1, ##__VA_ARGS__)
#define WARNINGS(p)                                                                                          \
    OF(p "warned.test", "share of test examples that the monitor warns of"),                                 \
    OF(p "precision.test", "share of warnings that are of misclassified examples", .better = TSR_BETTER_LARGER), \
    OF(p "recall.test", "share of misclassified examples that are warned of", .better = TSR_BETTER_LARGER)
#define RANKING(s)                                                                                           \
    OF("error_auroc." s, "AUROC of telling misclassified examples by their distance", .better = TSR_BETTER_LARGER), \
    OF("auroc." s, "AUROC of telling another dataset's examples by their distance", .better = TSR_BETTER_LARGER), \
    OF("aupr." s, "average precision of telling another dataset's examples", .better = TSR_BETTER_LARGER),   \
    OF("fpr95." s, "share of test examples beyond the distance that finds 95 % of another dataset's",        \
       .better = TSR_BETTER_SMALLER)
/* clang-format on */

static const tsr_metric_info metrics[] = {
    TSR_METRIC("gamma", TSR_METRIC_OTHER, TSR_METRIC_OF_TRAIN, "calibrated distance beyond which it warns",
               .unit = "bits", .maximum = INFINITY),
    WARNINGS("calibrated."),
    WARNINGS("gamma#."),
    RANKING("any"),
    RANKING("own"),
    RANKING("mean"),
    TSR_METRICS_END,
};

#define ROC(s, by)                                                                                           \
    TSR_CURVE("error_roc." s, TSR_CURVE_LINE, TSR_METRIC_OF_TEST,                                            \
              "ROC of telling misclassified test examples by their distance to " by,                         \
              "right answers warned of", "wrong answers warned of", .x_maximum = 1, .y_maximum = 1,          \
              .better = TSR_BETTER_LARGER),                                                                  \
        TSR_CURVE("roc." s, TSR_CURVE_LINE, TSR_METRIC_OF_TEST,                                              \
                  "ROC of telling another dataset's examples by their distance to " by,                      \
                  "test examples warned of", "other examples warned of", .x_maximum = 1, .y_maximum = 1,     \
                  .better = TSR_BETTER_LARGER)

static const tsr_curve_info curves[] = {
    ROC("any", "any stored code"),
    ROC("own", "a stored code of the given class"),
    ROC("mean", "the mean of the given class's bits"),
    TSR_CURVES_END,
};

static const tsr_probe_ops ops = { .check = check,
                                   .run = run,
                                   .metrics = metrics,
                                   .needs = TSR_PROBE_NETWORK | TSR_PROBE_WHOLE,
                                   TSR_CURVES(curves) };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "monitor",
    .version = "1.0.0",     .summary = "warnings of inputs whose codes are far from stored ones",
    .licence = "MIT",       TSR_INSTANCE(monitor),
    .keys = keys,           .init = open_other,
    .fini = close_other,
};
TSR_PLUGINS(&plugin)
