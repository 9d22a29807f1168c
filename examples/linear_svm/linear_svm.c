/* linear_svm: a linear support vector machine on codes, one class against the others, by liblinear (Fan et
   al. 2008; Debian: liblinear-dev). Bits are features of value 1; those that are 0 are left out. */
#include <linear.h>
#include <stdlib.h>
#include <tessera/tessera.h>

typedef struct settings {
    double C, tolerance;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, C, 0.01, 1e-9, 1e9, "weight of the errors against the margin"),
    TSR_KEY_REAL(settings, tolerance, 0.01, 1e-9, 1.0, "when the fit is done"),
    TSR_KEY_END,
};

/* A row's set bits, from 1, then the end's mark; returns the place behind it. */
static struct feature_node *list_bits(const tsr_codes *codes, size_t row, struct feature_node *out)
{
    const uint64_t *words = tsr_codes_row(codes, row);
    for (size_t j = 0; j < codes->bits; j++)
        if (words[j / 64] >> j % 64 & 1)
            *out++ = (struct feature_node){ (int)j + 1, 1 };
    *out++ = (struct feature_node){ -1, 0 };
    return out;
}

static size_t set_bits(const tsr_codes *codes)
{
    size_t sum = 0;
    for (size_t i = 0; i < codes->n; i++)
        for (size_t w = 0; w < tsr_codes_used_words(codes); w++)
            sum += (size_t)__builtin_popcountll(tsr_codes_row(codes, i)[w]);
    return sum;
}

static double accuracy(const struct model *model, const tsr_codes *codes, const int32_t *labels,
                       struct feature_node *capacity)
{
    size_t right = 0;
    for (size_t i = 0; i < codes->n; i++) {
        list_bits(codes, i, capacity);
        right += (int32_t)predict(model, capacity) == labels[i];
    }
    return (double)right / (double)codes->n;
}

static void say_nothing(const char *text)
{
    (void)text;
}

/* Trains on what the arrays have room for: `x` a pointer per example, `nodes` its bits, `y` its label. */
static tsr_status *fit(const settings *s, const tsr_probing *p, struct feature_node **x,
                       struct feature_node *nodes, double *y)
{
    for (size_t i = 0; i < p->train->n; i++) {
        x[i] = nodes;
        y[i] = p->train_labels[i];
        nodes = list_bits(p->train, i, nodes);
    }
    struct problem problem = { (int)p->train->n, (int)p->train->bits, y, x, -1 };
    struct parameter parameter = { .solver_type = L2R_L2LOSS_SVC, .eps = s->tolerance, .C = s->C, .p = 0.1 };
    set_print_string_function(say_nothing);
    struct model *model = train(&problem, &parameter);
    if (!model)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for a support vector machine");
    tsr_status *status = tsr_metric(p, "train", accuracy(model, p->train, p->train_labels, nodes));
    if (!status)
        status = tsr_metric(p, "test", accuracy(model, p->test, p->test_labels, nodes));
    free_and_destroy_model(&model);
    return status;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const tsr_codes *train = probing->train;
    size_t nodes = set_bits(train) + train->n + train->bits + 1; /* and a row to be asked about */
    if (train->n > INT32_MAX || train->bits > INT32_MAX - 1)
        return tsr_fail(TSR_FAILED, "%zu codes of %zu bits are more than liblinear counts", train->n,
                        train->bits);
    struct feature_node **x = calloc(train->n, sizeof(*x)), *capacity = calloc(nodes, sizeof(*capacity));
    double *y = calloc(train->n, sizeof(*y));
    tsr_status *status = x && capacity && y
                             ? fit(self, probing, x, capacity, y)
                             : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu set bits", nodes);
    free(x);
    free(capacity);
    free(y);
    return status;
}

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TRAIN,
               "accuracy of a linear support vector machine"),
    TSR_METRIC("test", TSR_METRIC_ACCURACY, TSR_METRIC_OF_TEST,
               "accuracy of a linear support vector machine"),
    TSR_METRICS_END,
};

static const tsr_probe_ops ops = { .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "linear_svm",
    .version = "1.0.0",     .summary = "linear support vector machine",
    .licence = "MIT",       TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
