/* A runtime monitor of a network: it stores codes of training examples, and warns of an input whose code is
   far from all stored ones that were rightly given the class that this one is given (Cheng, Nuehrenberg,
   Yasuoka 2019). A fifth of the training examples is not stored: scores fit those that are too well, so how
   far is far is measured on that fifth. How well distances tell wrong answers from right ones and, with
   another dataset, its examples from test examples. Codes have their constant bits here: other data may flip
   them. */
#include "distances.h"
#include "ranking.h"

#include <tessera/dataset.h>
#include <tessera/probe.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256 /* inputs held at a time */
#define EVERY 5   /* of so many training examples the last is held out */

typedef struct monitor {
    tsr_int_list gammas;
    double rate;
    tsr_instance *other;
    tsr_dataset_info info; /* of `other`, which is open while the instance lives */
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
    tsr_codes *codes;
    int32_t *given; /* classes, by the network */
    distances *distances;
} examples;

static void examples_clear(examples *e)
{
    tsr_codes_free(e->codes);
    free(e->given);
    free(e->distances);
}

static tsr_status *examples_new(size_t n, size_t bits, examples *e)
{
    e->given = calloc(n + 1, sizeof(*e->given));
    e->distances = calloc(n + 1, sizeof(*e->distances));
    if (!e->given || !e->distances)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for a monitor of %zu codes", n);
    return tsr_codes_new(n, bits, &e->codes);
}

/* --- codes and answers --- */

static bool sees_layer(const tsr_codes *seen, const char *name)
{
    for (size_t i = 0; i < seen->n_layers; i++)
        if (strcmp(seen->layers[i].name, name) == 0)
            return true;
    return false;
}

/* Row `from` of whole codes, the layers that the probe sees; the others stay 0. A layer begins with a word.
 */
static void copy_seen(const tsr_codes *whole, size_t from, const tsr_codes *seen, tsr_codes *to, size_t row)
{
    for (size_t l = 0; l < whole->n_layers; l++) {
        size_t first = whole->layers[l].first / 64, words = (whole->layers[l].bits + 63) / 64;
        if (sees_layer(seen, whole->layers[l].name))
            memcpy(to->words + row * to->stride + first, tsr_codes_row(whole, from) + first,
                   words * sizeof(uint64_t));
    }
}

/* Classes that the network gives to n inputs. */
static tsr_status *answer(const tsr_probing *probing, size_t n, const float *inputs, float *logits,
                          int32_t *given)
{
    size_t classes = (size_t)tsr_network_outputs(probing->network);
    TSR_TRY(tsr_network_predict(probing->network, n, inputs, logits));
    for (size_t i = 0; i < n; i++) {
        given[i] = 0;
        for (size_t k = 1; k < classes; k++)
            if (logits[i * classes + k] > logits[i * classes + (size_t)given[i]])
                given[i] = (int32_t)k;
    }
    return NULL;
}

typedef struct buffers {
    float *inputs, *logits;
} buffers;

static tsr_status *answer_part(const tsr_probing *probing, tsr_part part, size_t n, buffers b, int32_t *given)
{
    size_t index[BATCH];
    for (size_t first = 0; first < n; first += BATCH) {
        size_t count = n - first < BATCH ? n - first : BATCH;
        for (size_t i = 0; i < count; i++)
            index[i] = first + i;
        TSR_TRY(tsr_probing_read(probing, part, TSR_INPUT_CLEAN, count, index, b.inputs, NULL));
        TSR_TRY(answer(probing, count, b.inputs, b.logits, given + first));
    }
    return NULL;
}

static tsr_status *take_part(const tsr_probing *probing, tsr_part part, const tsr_codes *whole, buffers b,
                             examples *e)
{
    TSR_TRY(examples_new(whole->n, whole->bits, e));
    for (size_t i = 0; i < whole->n; i++)
        copy_seen(whole, i, probing->train, e->codes, i);
    return answer_part(probing, part, whole->n, b, e->given);
}

/* The other dataset's test examples. */
static tsr_status *take_other(const monitor *options, const tsr_probing *probing, buffers b, examples *e)
{
    const tsr_dataset_ops *ops = tsr_instance_ops(options->other);
    size_t n = options->info.n[TSR_TEST], index[BATCH];
    TSR_TRY(examples_new(n, probing->whole_train->bits, e));
    for (size_t first = 0; first < n; first += BATCH) {
        size_t count = n - first < BATCH ? n - first : BATCH;
        tsr_codes *whole;
        for (size_t i = 0; i < count; i++)
            index[i] = first + i;
        ops->read(tsr_instance_self(options->other), TSR_TEST, count, index, b.inputs, NULL);
        TSR_TRY(answer(probing, count, b.inputs, b.logits, e->given + first));
        TSR_TRY(tsr_network_encode(probing->network, count, b.inputs, &whole));
        for (size_t i = 0; i < count; i++)
            copy_seen(whole, i, probing->train, e->codes, first + i);
        tsr_codes_free(whole);
    }
    return NULL;
}

/* Training examples, those to be stored or those held out; right[i] is the class that a stored one was
   rightly given. */
static tsr_status *choose(const tsr_probing *probing, const examples *train, bool held_out, examples *e,
                          int32_t *right)
{
    size_t n = train->codes->n, count = held_out ? n / EVERY : n - n / EVERY;
    TSR_TRY(examples_new(count, train->codes->bits, e));
    for (size_t i = 0, at = 0; i < n; i++) {
        if ((i % EVERY == EVERY - 1) != held_out)
            continue;
        copy_seen(probing->whole_train, i, probing->train, e->codes, at);
        e->given[at] = train->given[i];
        if (right)
            right[at] = train->given[i] == probing->train_labels[i] ? train->given[i] : -1;
        at++;
    }
    return NULL;
}

/* --- metrics --- */

static tsr_status *give(const tsr_probing *probing, const char *name, const char *which, double value,
                        const char *reason)
{
    char full[64];
    snprintf(full, sizeof(full), "%s%s", name, which);
    return reason ? tsr_metric_undefined(probing, full, reason) : tsr_metric(probing, full, value);
}

/* Of warnings beyond a distance: how many, how many of them are of wrong answers, and of how many of those.
 */
static tsr_status *give_warnings(const tsr_probing *probing, const char *prefix, double gamma,
                                 const examples *test, const char *none)
{
    double n = (double)test->codes->n, warned = 0, wrong = 0, both = 0;
    for (size_t i = 0; i < test->codes->n; i++) {
        bool warns = test->distances[i].own > gamma, errs = test->given[i] != probing->test_labels[i];
        warned += warns;
        wrong += errs;
        both += warns && errs;
    }
    TSR_TRY(give(probing, prefix, "warned.test", warned / n, none));
    TSR_TRY(give(probing, prefix, "precision.test", both / warned,
                 none         ? none
                 : warned > 0 ? NULL
                              : "it warns of nothing"));
    return give(probing, prefix, "recall.test", both / wrong,
                none        ? none
                : wrong > 0 ? NULL
                            : "no test example is misclassified");
}

/* The least distance that warns of no more held-out examples than it may. */
static double calibrate(const examples *held_out, double rate)
{
    size_t n = held_out->codes->n;
    for (size_t gamma = 0; gamma <= held_out->codes->bits; gamma++) {
        size_t warned = 0;
        for (size_t i = 0; i < n; i++)
            warned += held_out->distances[i].own > (double)gamma;
        if ((double)warned <= rate * (double)n)
            return (double)gamma;
    }
    return NAN; /* classes without a stored example are too many */
}

static double score_of(const distances *d, int which)
{
    return which == 0 ? d->any : which == 1 ? d->own : d->mean;
}

static const char *const scores[] = { "any", "own", "mean" };

static void add(scored *list, size_t at, const examples *e, int which, int found)
{
    for (size_t i = 0; i < e->codes->n; i++)
        list[at + i] = (scored){ score_of(&e->distances[i], which), found };
}

/* Wrong answers among the test examples, by each score; and the other examples among both. */
static tsr_status *give_rankings(const tsr_probing *probing, const examples *test, const examples *other)
{
    size_t n = test->codes->n, more = other->codes ? other->codes->n : 0;
    scored *list = calloc(n + more + 1, sizeof(*list));
    tsr_status *status = list ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu scores", n + more);
    for (int s = 0; s < 3 && !status; s++) {
        add(list, 0, test, s, 0);
        for (size_t i = 0; i < n; i++)
            list[i].found = test->given[i] != probing->test_labels[i];
        double errors = rank_scores(n, list).auroc;
        status = give(probing, "error_auroc.", scores[s], errors,
                      isnan(errors) ? "all test examples are classified alike, rightly or wrongly" : NULL);
        if (status || !more)
            continue;
        add(list, 0, test, s, 0);
        add(list, n, other, s, 1);
        ranking r = rank_scores(n + more, list);
        const char *none = n ? NULL : "there are no test examples";
        status = give(probing, "auroc.", scores[s], r.auroc, none);
        if (!status)
            status = give(probing, "aupr.", scores[s], r.aupr, none);
        if (!status)
            status = give(probing, "fpr95.", scores[s], r.fpr95, none);
    }
    free(list);
    return status;
}

static tsr_status *give_all(const monitor *options, const tsr_probing *probing, const examples *held_out,
                            const examples *test, const examples *other)
{
    const char *none = test->codes->n ? NULL : "there are no test examples";
    double gamma = held_out->codes->n ? calibrate(held_out, options->rate) : NAN;
    const char *uncalibrated = !held_out->codes->n ? "there are too few training examples to hold some out"
                               : isnan(gamma)      ? "no distance warns of so few held-out examples"
                                                   : NULL;
    TSR_TRY(give(probing, "gamma", "", gamma, uncalibrated));
    TSR_TRY(give_warnings(probing, "calibrated.", gamma, test, uncalibrated ? uncalibrated : none));
    for (size_t i = 0; i < options->gammas.n; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "gamma%lld.", (long long)options->gammas.values[i]);
        TSR_TRY(give_warnings(probing, prefix, (double)options->gammas.values[i], test, none));
    }
    return give_rankings(probing, test, other);
}

/* --- all of it --- */

static tsr_status *watch(const monitor *options, const tsr_probing *probing, buffers b, examples parts[5],
                         int32_t *right)
{
    examples *train = &parts[0], *stored = &parts[1], *held_out = &parts[2], *test = &parts[3];
    TSR_TRY(take_part(probing, TSR_PART_TRAIN, probing->whole_train, b, train));
    TSR_TRY(choose(probing, train, false, stored, right));
    TSR_TRY(choose(probing, train, true, held_out, NULL));
    TSR_TRY(take_part(probing, TSR_PART_TEST, probing->whole_test, b, test));
    if (options->other)
        TSR_TRY(take_other(options, probing, b, &parts[4]));
    const stored_codes base = { stored->codes, right, tsr_network_classes(probing->network) };
    for (int i = 2; i < 5; i++)
        if (parts[i].codes)
            TSR_TRY(measure_distances(&base, parts[i].codes, parts[i].given, parts[i].distances));
    return give_all(options, probing, held_out, test, &parts[4]);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    if (tsr_network_classes(probing->network) == 0)
        return tsr_fail(TSR_REFUSED, "a monitor watches classes, and the network's outputs are none");
    examples parts[5] = { 0 }; /* training, stored, held out, test, other */
    buffers b = { calloc(size, BATCH * sizeof(float)),
                  calloc((size_t)tsr_network_outputs(probing->network), BATCH * sizeof(float)) };
    int32_t *right = calloc(probing->whole_train->n + 1, sizeof(*right));
    tsr_status *status = b.inputs && b.logits && right
                             ? watch(self, probing, b, parts, right)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for inputs");
    for (int i = 0; i < 5; i++)
        examples_clear(&parts[i]);
    free(b.inputs);
    free(b.logits);
    free(right);
    return status;
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    const monitor *options = self;
    if (sizes->projection)
        return tsr_fail(TSR_REFUSED, "a monitor is not made of a projection: expected projection = 0");
    if (!options->other || sizes->shape.n_dims == 0)
        return NULL;
    size_t size = tsr_shape_size(options->info.shape), expected = tsr_shape_size(sizes->shape);
    if (size != expected)
        return tsr_fail(TSR_REFUSED, "other: its inputs have %zu values, expected %zu as the run's have",
                        size, expected);
    return NULL;
}

static tsr_status *open_other(void *self)
{
    monitor *options = self;
    if (!options->other)
        return NULL;
    const tsr_dataset_ops *ops = tsr_instance_ops(options->other);
    return ops->open(tsr_instance_self(options->other), &options->info);
}

static void close_other(void *self)
{
    monitor *options = self;
    if (!options->other)
        return;
    const tsr_dataset_ops *ops = tsr_instance_ops(options->other);
    if (ops->close)
        ops->close(tsr_instance_self(options->other));
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

static const tsr_probe_ops ops = {
    .check = check, .run = run, .metrics = metrics, .needs = TSR_PROBE_NETWORK | TSR_PROBE_WHOLE
};

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "monitor",
    .version = "1.0.0",     .summary = "warnings of inputs whose codes are far from stored ones",
    .licence = "MIT",       TSR_INSTANCE(monitor),
    .keys = keys,           .init = open_other,
    .fini = close_other,
};
TSR_PLUGINS(&plugin)
