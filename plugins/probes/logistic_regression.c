/* Logistic regression on codes, with the objective of scikit-learn's: C times the sum of the examples' log
   losses plus half the squared weights (the intercept is free), minimised by L-BFGS (liblbfgs) from zero
   until no part of the gradient is above the tolerance. One-vs-one: a problem per pair of classes; each
   pair's winner has a vote, and the sum of signed distances s, as s / (3 (|s| + 1)), decides between equal
   votes. One-vs-rest and multinomial: the largest score. The smaller class wins what is left equal. Classes
   that no training example has take no part.

   Examples with one code are one row with a count per class. A row's score is a sum of weights over its bits:
   for each byte of the codes a table holds the sums of all 256 values, so a byte costs one look-up, and the
   gradient is gathered the same way backwards. Everything is in double precision; problems (multinomial:
   classes) are dealt to threads and none is split, so their number cannot show. */
#include "unique.h"

#include <tessera/probe.h>

#include <lbfgs.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD_TABLES (8 * 256) /* sums for the 8 bytes of a word: 16 KB */
#define MANY (1 << 18)        /* bits of rows that are worth sharing among threads */
#define TEST_ROWS 1024        /* scored together */

enum { ONE_VS_ONE, ONE_VS_REST, MULTINOMIAL };

typedef struct logistic_regression {
    int multi_class;
    double C, tolerance;
    int max_iterations;
} logistic_regression;

static const char *const schemes[] = { "one_vs_one", "one_vs_rest", "multinomial", NULL };
static const tsr_param params[] = {
    TSR_PARAM_ENUM(logistic_regression, multi_class, "one_vs_one", schemes,
                   "how two-class problems become many"),
    TSR_PARAM_REAL(logistic_regression, C, 1.0, 1e-12, 1e12, "weight of the losses against the penalty"),
    TSR_PARAM_REAL(logistic_regression, tolerance, 1e-4, 0, 1,
                   "largest part of the gradient that may be left"),
    TSR_PARAM_INT(logistic_regression, max_iterations, 100, 1, 1000000, "iterations of L-BFGS at most"),
    TSR_PARAM_END
};

/* What all problems are fitted to. */
typedef struct training_set {
    const tsr_codes *codes; /* distinct rows */
    uint32_t *counts;       /* rows x classes */
    size_t classes, n_present;
    size_t *present; /* classes that some example has, ascending */
} training_set;

/* One linear model, or a row of the multinomial one: d weights and the intercept behind them. */
typedef struct fit_problem {
    const logistic_regression *options;
    const training_set *examples;
    int positive, negative;   /* classes; negative -1: all others */
    size_t n;                 /* rows that take part */
    uint32_t *rows;           /* their numbers */
    double *for_it, *against; /* by row taking part: examples */
    double *scores;           /* by row taking part (multinomial: by class too); then their gradient */
} fit_problem;

static tsr_status *no_memory(void)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for logistic regression");
}

/* tables[byte * 256 + value]: the sum of the weights of the value's bits; `n` bits are left at `weights`. */
static void fill_tables(const double *weights, size_t n, double *tables)
{
    for (size_t byte = 0; byte < 8; byte++) {
        double *table = tables + byte * 256;
        table[0] = 0;
        for (size_t bit = 0; bit < 8; bit++) {
            size_t half = (size_t)1 << bit, j = byte * 8 + bit;
            double weight = j < n ? weights[j] : 0;
            for (size_t v = 0; v < half; v++)
                table[half + v] = table[v] + weight;
        }
    }
}

/* scores[i] = intercept + the weights of the bits of row rows[i]. */
static void score(const tsr_codes *codes, size_t n, const uint32_t *rows, const double *weights,
                  double *scores)
{
    double tables[WORD_TABLES];
    for (size_t i = 0; i < n; i++)
        scores[i] = weights[codes->bits];
    for (size_t w = 0; w < tsr_codes_used_words(codes); w++) {
        fill_tables(weights + w * 64, codes->bits - w * 64, tables);
        for (size_t i = 0; i < n; i++) {
            uint64_t word = tsr_codes_row(codes, rows[i])[w];
            double sum = 0;
            for (size_t byte = 0; byte < 8; byte++)
                sum += tables[byte * 256 + (word >> 8 * byte & 255)];
            scores[i] += sum;
        }
    }
}

/* A table's entries belong to each bit of their value: upper halves give the sums, then fold onto the lower.
 */
static void empty_tables(double *tables, size_t n, double *sums)
{
    for (size_t byte = 0; byte < 8; byte++) {
        double *table = tables + byte * 256;
        for (size_t bit = 8; bit-- > 0;) {
            size_t half = (size_t)1 << bit, j = byte * 8 + bit;
            double sum = 0;
            for (size_t v = 0; v < half; v++) {
                sum += table[half + v];
                table[v] += table[half + v];
            }
            if (j < n)
                sums[j] = sum;
        }
    }
}

/* The other way: gradient[j] = the sum of slopes[i] over rows that have bit j; all of them for the intercept.
 */
static void gather(const tsr_codes *codes, size_t n, const uint32_t *rows, const double *slopes,
                   double *gradient)
{
    double tables[WORD_TABLES];
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += slopes[i];
    gradient[codes->bits] = sum;
    for (size_t w = 0; w < tsr_codes_used_words(codes); w++) {
        memset(tables, 0, sizeof(tables));
        for (size_t i = 0; i < n; i++) {
            uint64_t word = tsr_codes_row(codes, rows[i])[w];
            for (size_t byte = 0; byte < 8; byte++)
                tables[byte * 256 + (word >> 8 * byte & 255)] += slopes[i];
        }
        empty_tables(tables, codes->bits - w * 64, gradient + w * 64);
    }
}

/* Turns the gradient of the losses into that of the objective; returns the penalty. */
static double penalise(const fit_problem *problem, const double *weights, double *gradient)
{
    double sum = 0;
    size_t d = problem->examples->codes->bits;
    for (size_t j = 0; j < d; j++) {
        sum += weights[j] * weights[j];
        gradient[j] = problem->options->C * gradient[j] + weights[j];
    }
    gradient[d] *= problem->options->C;
    return 0.5 * sum;
}

/* log(1 + e^x) without overflow. */
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double two_class_objective(void *instance, const double *weights, double *gradient, const int size,
                                  const double step)
{
    const fit_problem *problem = instance;
    const tsr_codes *codes = problem->examples->codes;
    (void)size;
    (void)step;
    double loss = 0;
    score(codes, problem->n, problem->rows, weights, problem->scores);
    for (size_t i = 0; i < problem->n; i++) {
        double s = problem->scores[i], yes = problem->for_it[i], no = problem->against[i];
        double p = s > 0 ? 1 / (1 + exp(-s)) : exp(s) / (1 + exp(s));
        loss += yes * softplus(-s) + no * softplus(s);
        problem->scores[i] = (yes + no) * p - yes;
    }
    gather(codes, problem->n, problem->rows, problem->scores, gradient);
    return problem->options->C * loss + penalise(problem, weights, gradient);
}

/* One row's losses, its scores replaced by their gradient; they lie `apart` from each other. */
static double softmax_loss(const training_set *examples, size_t row, size_t apart, double *scores)
{
    double most = -INFINITY, sum = 0, total = 0, loss = 0;
    for (size_t c = 0; c < examples->n_present; c++)
        most = fmax(most, scores[c * apart]);
    for (size_t c = 0; c < examples->n_present; c++)
        sum += exp(scores[c * apart] - most);
    const uint32_t *counts = examples->counts + row * examples->classes;
    for (size_t c = 0; c < examples->n_present; c++)
        total += counts[examples->present[c]];
    for (size_t c = 0; c < examples->n_present; c++) {
        double s = scores[c * apart] - most, count = counts[examples->present[c]];
        loss += count * (log(sum) - s);
        scores[c * apart] = total * exp(s) / sum - count;
    }
    return loss;
}

static double multinomial_objective(void *instance, const double *weights, double *gradient, const int size,
                                    const double step)
{
    const fit_problem *problem = instance;
    const training_set *examples = problem->examples;
    size_t each = examples->codes->bits + 1, n = problem->n;
    (void)size;
    (void)step;
    bool many = n * examples->codes->bits * examples->n_present > MANY;
    double objective = 0;
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (many)
    for (size_t c = 0; c < examples->n_present; c++)
        score(examples->codes, n, problem->rows, weights + c * each, problem->scores + c * n);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (many)
    for (size_t i = 0; i < n; i++)
        problem->against[i] = softmax_loss(examples, i, n, problem->scores + i);
    for (size_t i = 0; i < n; i++)
        objective += problem->against[i];
    objective *= problem->options->C;
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (many)
    for (size_t c = 0; c < examples->n_present; c++)
        gather(examples->codes, n, problem->rows, problem->scores + c * n, gradient + c * each);
    for (size_t c = 0; c < examples->n_present; c++)
        objective += penalise(problem, weights + c * each, gradient + c * each);
    return objective;
}

/* Stops where scikit-learn's does. */
static int is_flat(void *instance, const double *weights, const double *gradient, const double value,
                   const double weights_norm, const double gradient_norm, const double step, int size,
                   int iteration, int evaluations)
{
    const fit_problem *problem = instance;
    (void)weights;
    (void)value;
    (void)weights_norm;
    (void)gradient_norm;
    (void)step;
    (void)iteration;
    (void)evaluations;
    for (int j = 0; j < size; j++)
        if (fabs(gradient[j]) > problem->options->tolerance)
            return 0;
    return 1;
}

/* Minimises from zero; `out` gets `size` weights. Whatever ends the search but a lack of memory leaves the
   best point it met: no more iterations, or no step that still gains in double precision. */
static tsr_status *minimise(fit_problem *problem, size_t size, lbfgs_evaluate_t objective, double *out)
{
    lbfgs_parameter_t parameter;
    lbfgs_parameter_init(&parameter);
    parameter.m = 10;
    parameter.epsilon = 0;
    parameter.max_iterations = problem->options->max_iterations;
    double *weights = lbfgs_malloc((int)size);
    if (!weights)
        return no_memory();
    for (size_t j = 0; j < size; j++)
        weights[j] = 0;
    int end = lbfgs((int)size, weights, NULL, objective, is_flat, problem, &parameter);
    memcpy(out, weights, size * sizeof(*out));
    lbfgs_free(weights);
    return end == LBFGSERR_OUTOFMEMORY ? no_memory() : NULL;
}

static void clear_problem(fit_problem *problem)
{
    free(problem->rows);
    free(problem->for_it);
    free(problem->against);
    free(problem->scores);
}

/* n rows with room for `columns` scores each. */
static tsr_status *make_room(fit_problem *problem, size_t columns)
{
    size_t n = problem->examples->codes->n, room;
    problem->rows = calloc(n + 1, sizeof(*problem->rows));
    problem->for_it = calloc(n + 1, sizeof(*problem->for_it));
    problem->against = calloc(n + 1, sizeof(*problem->against));
    problem->scores = __builtin_mul_overflow(n, columns, &room) ? NULL : calloc(room + 1, sizeof(double));
    return problem->rows && problem->for_it && problem->against && problem->scores ? NULL : no_memory();
}

/* Takes the rows that have examples of either side. */
static void take_rows(fit_problem *problem)
{
    const training_set *examples = problem->examples;
    for (size_t i = 0; i < examples->codes->n; i++) {
        const uint32_t *counts = examples->counts + i * examples->classes;
        double yes = counts[problem->positive], no = 0;
        if (problem->negative >= 0)
            no = counts[problem->negative];
        else
            for (size_t c = 0; c < examples->classes; c++)
                no += (int)c == problem->positive ? 0 : counts[c];
        if (yes + no == 0)
            continue;
        problem->rows[problem->n] = (uint32_t)i;
        problem->for_it[problem->n] = yes;
        problem->against[problem->n++] = no;
    }
}

static tsr_status *fit_two_class(const logistic_regression *options, const training_set *examples,
                                 int positive, int negative, double *weights)
{
    fit_problem problem = {
        .options = options, .examples = examples, .positive = positive, .negative = negative
    };
    tsr_status *status = make_room(&problem, 1);
    if (!status) {
        take_rows(&problem);
        status = minimise(&problem, examples->codes->bits + 1, two_class_objective, weights);
    }
    clear_problem(&problem);
    return status;
}

static tsr_status *fit_multinomial(const logistic_regression *options, const training_set *examples,
                                   double *weights)
{
    fit_problem problem = { .options = options, .examples = examples, .n = examples->codes->n };
    tsr_status *status = make_room(&problem, examples->n_present);
    if (!status) {
        for (size_t i = 0; i < problem.n; i++)
            problem.rows[i] = (uint32_t)i;
        status = minimise(&problem, examples->n_present * (examples->codes->bits + 1), multinomial_objective,
                          weights);
    }
    clear_problem(&problem);
    return status;
}

/* The pair of present classes, a < b, whose problem is number i: (0, 1), (0, 2) ... (1, 2) ... */
static void pair_of(size_t i, size_t n, size_t *a, size_t *b)
{
    for (*a = 0; i >= n - 1 - *a; (*a)++)
        i -= n - 1 - *a;
    *b = *a + 1 + i;
}

static size_t n_models(const logistic_regression *options, const training_set *examples)
{
    size_t n = examples->n_present;
    return options->multi_class == ONE_VS_ONE ? n * (n - 1) / 2 : n;
}

static tsr_status *fit_model(const logistic_regression *options, const training_set *examples, size_t i,
                             double *weights)
{
    if (options->multi_class == ONE_VS_REST)
        return fit_two_class(options, examples, (int)examples->present[i], -1, weights);
    size_t a, b;
    pair_of(i, examples->n_present, &a, &b);
    return fit_two_class(options, examples, (int)examples->present[b], (int)examples->present[a], weights);
}

/* All models, one below the other; the first failure is reported. */
static tsr_status *fit(const logistic_regression *options, const training_set *examples, double *weights)
{
    if (options->multi_class == MULTINOMIAL)
        return fit_multinomial(options, examples, weights);
    size_t each = examples->codes->bits + 1;
    tsr_status *failure = NULL;
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(dynamic) if (examples->codes->n * examples->codes->bits * n_models(options, examples) > MANY)
    for (size_t i = 0; i < n_models(options, examples); i++) {
        tsr_status *status = fit_model(options, examples, i, weights + i * each);
#pragma omp critical(logistic_regression_failure)
        if (status && !failure) {
            failure = status;
            status = NULL;
        }
        tsr_status_free(status);
    }
    return failure;
}

/* Adds each pair's vote and confidence to the block's n x present of each. */
static void vote(const training_set *examples, size_t model, size_t n, const double *scores, double *votes,
                 double *confidence)
{
    size_t a, b, classes = examples->n_present;
    pair_of(model, classes, &a, &b);
    for (size_t i = 0; i < n; i++) {
        votes[i * classes + (scores[i] > 0 ? b : a)]++;
        confidence[i * classes + a] -= scores[i];
        confidence[i * classes + b] += scores[i];
    }
}

static void add_confidence(size_t n, double *votes, const double *confidence)
{
    for (size_t i = 0; i < n; i++)
        votes[i] += confidence[i] / (3 * (fabs(confidence[i]) + 1));
}

/* Classes of rows first .. first + n - 1 by their decision values; room for TEST_ROWS x present of two. */
static void predict_block(const logistic_regression *options, const training_set *examples,
                          const double *weights, const tsr_codes *codes, size_t first, size_t n,
                          double *values, double *confidence, int32_t *out)
{
    uint32_t rows[TEST_ROWS];
    double scores[TEST_ROWS];
    size_t classes = examples->n_present;
    for (size_t i = 0; i < n; i++)
        rows[i] = (uint32_t)(first + i);
    memset(values, 0, n * classes * sizeof(*values));
    memset(confidence, 0, n * classes * sizeof(*confidence));
    for (size_t m = 0; m < n_models(options, examples); m++) {
        score(codes, n, rows, weights + m * (codes->bits + 1), scores);
        if (options->multi_class == ONE_VS_ONE)
            vote(examples, m, n, scores, values, confidence);
        else
            for (size_t i = 0; i < n; i++)
                values[i * classes + m] = scores[i];
    }
    if (options->multi_class == ONE_VS_ONE)
        add_confidence(n * classes, values, confidence);
    for (size_t i = 0; i < n; i++) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (values[i * classes + c] > values[i * classes + best])
                best = c;
        out[i] = (int32_t)examples->present[best];
    }
}

static tsr_status *predict(const logistic_regression *options, const training_set *examples,
                           const double *weights, const tsr_codes *codes, int32_t *out)
{
    tsr_status *status = NULL;
    size_t room = TEST_ROWS * examples->n_present;
    double *values = calloc(2 * room, sizeof(*values));
    if (!values)
        return no_memory();
    for (size_t first = 0; first < codes->n; first += TEST_ROWS) {
        size_t n = codes->n - first < TEST_ROWS ? codes->n - first : TEST_ROWS;
        predict_block(options, examples, weights, codes, first, n, values, values + room, out + first);
    }
    free(values);
    return status;
}

/* Fraction of examples whose class is that predicted for their code; `group` NULL: each has its own. */
static double accuracy(size_t n, const int32_t *labels, const uint32_t *group, const int32_t *predicted)
{
    size_t correct = 0;
    for (size_t i = 0; i < n; i++)
        correct += labels[i] == predicted[group ? group[i] : i];
    return n ? (double)correct / (double)n : NAN;
}

static tsr_status *measure(const logistic_regression *options, const tsr_probing *probing,
                           const training_set *examples, const uint32_t *group)
{
    size_t n = n_models(options, examples), each = probing->train->bits + 1, size;
    size_t most = probing->test->n > examples->codes->n ? probing->test->n : examples->codes->n;
    if (__builtin_mul_overflow(n, each, &size) || size > INT_MAX / 2)
        return no_memory();
    double *weights = calloc(size + 1, sizeof(*weights));
    int32_t *predicted = calloc(most + 1, sizeof(*predicted));
    tsr_status *status = weights && predicted ? NULL : no_memory();
    if (!status)
        status = fit(options, examples, weights);
    if (!status)
        status = predict(options, examples, weights, examples->codes, predicted);
    if (!status)
        status = tsr_metric(probing, "train",
                            accuracy(probing->train->n, probing->train_labels, group, predicted));
    if (!status)
        status = predict(options, examples, weights, probing->test, predicted);
    if (!status)
        status =
            tsr_metric(probing, "test", accuracy(probing->test->n, probing->test_labels, NULL, predicted));
    free(weights);
    free(predicted);
    return status;
}

/* Examples by row and class, and the classes that there are. */
static tsr_status *count_examples(const tsr_probing *probing, const unique_rows *rows, training_set *out)
{
    size_t room, classes = (size_t)probing->classes;
    *out = (training_set){ .codes = rows->codes, .classes = classes };
    if (__builtin_mul_overflow(rows->codes->n, classes, &room))
        return no_memory();
    out->counts = calloc(room + 1, sizeof(*out->counts));
    out->present = calloc(classes, sizeof(*out->present));
    uint32_t *totals = calloc(classes, sizeof(*totals));
    tsr_status *status = out->counts && out->present && totals ? NULL : no_memory();
    if (!status) {
        for (size_t i = 0; i < probing->train->n; i++) {
            out->counts[rows->group[i] * classes + (size_t)probing->train_labels[i]]++;
            totals[probing->train_labels[i]]++;
        }
        for (size_t c = 0; c < classes; c++)
            if (totals[c])
                out->present[out->n_present++] = c;
    }
    free(totals);
    return status;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    unique_rows rows;
    training_set examples;
    TSR_TRY(unique_rows_new(probing->train, &rows));
    tsr_status *status = count_examples(probing, &rows, &examples);
    if (!status)
        status = measure(self, probing, &examples, rows.group);
    free(examples.counts);
    free(examples.present);
    unique_rows_clear(&rows);
    return status;
}

static const tsr_probe_ops ops = { .run = run };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "logistic_regression",
    .version = "1.0.0",     .summary = "a linear classifier of codes: one-vs-one, one-vs-rest or multinomial",
    .licence = "MIT",       TSR_INSTANCE(logistic_regression),
    .params = params,
};
TSR_PLUGINS(&plugin)
