/* Logistic regression on codes (fit.h), fitted on the training codes: the accuracies of one-vs-one,
   one-vs-rest or multinomial classification of the training and the test codes. */
#include "fit.h"
#include "predict.h"

#include <tessera/probe.h>

#include <limits.h>
#include <stdlib.h>

typedef struct logistic_regression {
    int multi_class;
    double C, tolerance;
    int max_iterations;
} logistic_regression;

static const char *const schemes[] = { "one_vs_one", "one_vs_rest", "multinomial", NULL };
static const tsr_key keys[] = {
    TSR_KEY_ENUM(logistic_regression, multi_class, "one_vs_one", schemes,
                 "how two-class problems become many"),
    TSR_KEY_REAL(logistic_regression, C, 1.0, 1e-12, 1e12, "weight of the losses against the penalty"),
    TSR_KEY_REAL(logistic_regression, tolerance, 1e-4, 0, 1, "largest part of the gradient that may be left"),
    TSR_KEY_INT(logistic_regression, max_iterations, 100, 1, 1000000, "iterations of L-BFGS at most"),
    TSR_KEY_END
};

static double train_accuracy(const logistic_set *set, const uint32_t *predicted)
{
    uint64_t correct = 0, all = 0;
    for (size_t c = 0; c < set->n_classes; c++) {
        for (size_t i = set->start[c]; i < set->start[c + 1]; i++) {
            correct += predicted[i] == c ? set->weight[i] : 0;
            all += set->weight[i];
        }
    }
    return tsr_share(correct, all);
}

static double test_accuracy(const logistic_set *set, const tsr_probing *probing, const uint32_t *predicted)
{
    size_t correct = 0, n = probing->test->n;
    for (size_t i = 0; i < n; i++)
        correct += probing->test_labels[i] == set->label[predicted[i]];
    return tsr_share(correct, n);
}

static tsr_status *add_metrics(const tsr_probing *probing, const logistic_set *set, logistic_scheme scheme,
                               const float *weights, uint32_t *predicted)
{
    static const char none[] = "there are no examples";
    const tsr_codes *codes = probing->test;
    tsr_code_rows train = logistic_entries(set, 0, set->start[set->n_classes]);
    tsr_code_rows test = { codes->words, codes->stride, codes->bits, codes->n, NULL };
    TSR_TRY(logistic_predict(scheme, set->n_classes, weights, &train, predicted));
    TSR_TRY(
        tsr_metric_unless(probing, probing->train->n ? NULL : none, train_accuracy(set, predicted), "train"));
    TSR_TRY(logistic_predict(scheme, set->n_classes, weights, &test, predicted));
    return tsr_metric_unless(probing, codes->n ? NULL : none, test_accuracy(set, probing, predicted), "test");
}

static tsr_status *measure(const logistic_regression *self, const tsr_probing *probing,
                           const logistic_set *set)
{
    logistic_options options = { (logistic_scheme)self->multi_class,
                                 self->C,
                                 self->tolerance,
                                 self->max_iterations,
                                 LOGISTIC_HISTORY,
                                 LOGISTIC_COLUMNS };
    size_t n = logistic_models(options.scheme, set->n_classes), size;
    size_t most = probing->test->n > probing->train->n ? probing->test->n : probing->train->n;
    if (__builtin_mul_overflow(n, set->bits + 1, &size) || size > INT_MAX)
        return logistic_no_memory();
    float *weights = calloc(size + 1, sizeof(*weights));
    uint32_t *predicted = calloc(most + 1, sizeof(*predicted));
    tsr_status *status = weights && predicted ? NULL : logistic_no_memory();
    if (!status)
        status = logistic_fit(&options, set, weights);
    if (!status)
        status = add_metrics(probing, set, options.scheme, weights, predicted);
    free(weights);
    free(predicted);
    return status;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const logistic_regression *options = self;
    logistic_set set = { 0 };
    tsr_status *status =
        logistic_set_new(probing->train, probing->train_labels, probing->classes, LOGISTIC_COPY, &set);
    if (!status)
        status = measure(options, probing, &set);
    logistic_set_clear(&set);
    return status;
}

#define ACCURACY "accuracy of a linear classifier of codes"

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TRAIN, ACCURACY, .maximum = 1,
               .better = TSR_BETTER_LARGER),
    TSR_METRIC("test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST, ACCURACY, .maximum = 1,
               .better = TSR_BETTER_LARGER),
    { 0 },
};

static const tsr_probe_ops ops = { .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "logistic_regression",
    .version = "1.1.0",     .summary = "a linear classifier of codes: one-vs-one, one-vs-rest or multinomial",
    .licence = "MIT",       TSR_INSTANCE(logistic_regression),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
