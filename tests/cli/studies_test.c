/* The quick studies, run as a user would, show what the paper's figures show: read from results.csv. */
#include "command.h"

#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 240 /* seconds; the sanitizers slow everything down */

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

/* results.csv as cells; row 0 holds the columns' names. */
typedef struct results {
    size_t rows, columns;
    char *text, **cells;
} results;

static results read_results(void)
{
    results r = { .text = read_text(folder, "out/results.csv") };
    for (const char *c = r.text; *c; c++) {
        r.rows += *c == '\n';
        r.columns += r.rows == 0 && *c == ',';
    }
    r.columns++;
    r.cells = calloc(r.rows * r.columns, sizeof(*r.cells));
    ck_assert_ptr_nonnull(r.cells);
    char *rest = r.text;
    for (size_t i = 0; i < r.rows * r.columns; i++)
        r.cells[i] = strsep(&rest, (i + 1) % r.columns ? "," : "\n");
    return r;
}

static void free_results(results *r)
{
    free(r->cells);
    free(r->text);
}

/* Runs a study of configs/quick into out/; every run must succeed. */
static results study(const char *name, const char *settings)
{
    command_gives(folder, 0, "results in out", NULL, "run '%s/configs/quick/%s.cfg' -q -o out %s",
                  test_source(), name, settings);
    return read_results();
}

static size_t column_of(const results *r, const char *name)
{
    for (size_t i = 0; i < r->columns; i++)
        if (strcmp(r->cells[i], name) == 0)
            return i;
    ck_abort_msg("results.csv has no column %s", name);
    return 0;
}

/* A condition that a row meets: a column's cell equals a number, or a word. */
typedef struct where {
    const char *column;
    double number;
    const char *word;
} where;

static bool meets(const results *r, size_t row, const where *condition)
{
    const char *cell = r->cells[row * r->columns + column_of(r, condition->column)];
    return condition->word ? strcmp(cell, condition->word) == 0 : strtod(cell, NULL) == condition->number;
}

/* The mean of a metric over the rows that meet the conditions, which end with one without a column. */
static double mean(const results *r, const char *metric, const where *conditions)
{
    double sum = 0;
    size_t n = 0, column = column_of(r, metric);
    for (size_t row = 1; row < r->rows; row++) {
        bool wanted = true;
        for (const where *c = conditions; c->column; c++)
            wanted = wanted && meets(r, row, c);
        if (wanted) {
            sum += strtod(r->cells[row * r->columns + column], NULL);
            n++;
        }
    }
    ck_assert_msg(n > 0, "no row of %s meets the conditions", metric);
    return sum / (double)n;
}

#define MEAN(r, metric, ...) mean(r, metric, (const where[]){ __VA_ARGS__, { NULL, 0, NULL } })
#define AT(key, value)                                                                                       \
    {                                                                                                        \
        key, value, NULL                                                                                     \
    }
#define IS(key, value)                                                                                       \
    {                                                                                                        \
        key, 0, value                                                                                        \
    }

START_TEST(redundancy_falls_from_near_1_to_near_0_as_width_grows_and_accuracy_rises)
{
    static const double widths[] = { 2, 4, 8, 12, 20, 30, 70 };
    static const char *const falling[] = { "redundancy.train", "redundancy.test" };
    static const char *const rising[] = { "model.accuracy.test", "kmeans.test", "knn.test",
                                          "logistic_regression.test" };
    results r = study("model-size", "");
    ck_assert_uint_eq(r.rows, 1 + 14 * 3);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_double_gt(MEAN(&r, falling[i], AT("model.width", 2)), 0.95);
        ck_assert_double_lt(MEAN(&r, falling[i], AT("model.width", 70)), 0.02);
        for (size_t w = 1; w < sizeof(widths) / sizeof(widths[0]); w++)
            ck_assert_double_lt(MEAN(&r, falling[i], AT("model.width", widths[w])),
                                MEAN(&r, falling[i], AT("model.width", widths[w - 1])));
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_gt(MEAN(&r, rising[i], AT("model.width", 70)),
                            MEAN(&r, rising[i], AT("model.width", 2)) + 0.25);
    ck_assert_double_gt(MEAN(&r, "knn.test", AT("model.width", 70)), 0.85);
    free_results(&r);
}
END_TEST

START_TEST(sixteen_points_of_training_time_cost_one_training)
{
    results r = study("training-time", "-s replicates=1 -s 'sweep=()'");
    ck_assert_uint_eq(r.rows, 1 + 16);
    free(only_file(folder, "out/runs/*/run.json"));
    ck_assert_double_lt(MEAN(&r, "model.accuracy.test", AT("epoch", 0)), 0.4); /* untrained */
    ck_assert_double_gt(MEAN(&r, "model.accuracy.test", AT("epoch", 20)), 0.85);
    ck_assert_double_gt(MEAN(&r, "knn.test", AT("epoch", 20)), MEAN(&r, "knn.test", AT("epoch", 0)) + 0.05);
    ck_assert_double_lt(MEAN(&r, "redundancy.train", AT("epoch", 20)),
                        MEAN(&r, "redundancy.train", AT("epoch", 0)));
    free_results(&r);
}
END_TEST

START_TEST(more_samples_make_better_codes)
{
    results r = study("sample-size", "-s replicates=1");
    ck_assert_uint_eq(r.rows, 1 + 8 * 3);
    static const double samples[] = { 10, 100, 1437 };
    for (size_t i = 1; i < 3; i++) {
        ck_assert_double_gt(MEAN(&r, "knn.test", AT("training.samples", samples[i])),
                            MEAN(&r, "knn.test", AT("training.samples", samples[i - 1])) + 0.1);
        ck_assert_double_gt(MEAN(&r, "model.accuracy.test", AT("training.samples", samples[i])),
                            MEAN(&r, "model.accuracy.test", AT("training.samples", samples[i - 1])) + 0.1);
    }
    /* Few examples do not share codes; the more there are of them in as many regions, the more do. */
    ck_assert_double_gt(MEAN(&r, "redundancy.train", AT("training.samples", 1437), AT("model.width", 10)),
                        MEAN(&r, "redundancy.train", AT("training.samples", 10), AT("model.width", 10)) +
                            0.4);
    free_results(&r);
}
END_TEST

START_TEST(regularization_changes_codes)
{
    results r = study("regularization", "-s replicates=1");
    ck_assert_uint_eq(r.rows, 1 + 6 * 2 * 2);
    ck_assert_double_gt(MEAN(&r, "redundancy.train", IS("model.batch_norm", "false")),
                        MEAN(&r, "redundancy.train", IS("model.batch_norm", "true")) + 0.1);
    ck_assert_double_gt(
        MEAN(&r, "redundancy.train", AT("model.dropout", 0.2), IS("model.batch_norm", "true")),
        MEAN(&r, "redundancy.train", AT("model.dropout", 0), IS("model.batch_norm", "true")) + 0.05);
    ck_assert_double_gt(MEAN(&r, "model.loss.train", AT("regularizers.0.weight", 0.01)),
                        MEAN(&r, "model.loss.train", AT("regularizers.0.weight", 0)));
    free_results(&r);
}
END_TEST

START_TEST(labels_that_are_all_noise_leave_the_network_at_chance)
{
    results r = study("label-noise", "-s replicates=2");
    ck_assert_uint_eq(r.rows, 1 + 7 * 3 * 2);
    ck_assert_double_gt(MEAN(&r, "model.accuracy.test", AT("training.label_noise", 0)), 0.85);
    ck_assert_double_lt(fabs(MEAN(&r, "model.accuracy.test", AT("training.label_noise", 1)) - 0.1), 0.06);
    ck_assert_double_lt(MEAN(&r, "knn.test", AT("training.label_noise", 1)),
                        MEAN(&r, "knn.test", AT("training.label_noise", 0)) - 0.05);
    free_results(&r);
}
END_TEST

START_TEST(every_activation_makes_codes_that_tell_the_classes_apart)
{
    static const char *const activations[] = { "relu", "leaky_relu", "prelu" };
    results r = study("activation", "-s replicates=1");
    ck_assert_uint_eq(r.rows, 1 + 7 * 3);
    for (size_t i = 0; i < 3; i++) {
        where wide[] = { AT("model.width", 50), IS("model.activation.plugin", activations[i]), { 0 } };
        where narrow[] = { AT("model.width", 3), IS("model.activation.plugin", activations[i]), { 0 } };
        ck_assert_double_gt(mean(&r, "knn.test", wide), 0.83);
        ck_assert_double_lt(mean(&r, "redundancy.train", wide), 0.05);
        ck_assert_double_gt(mean(&r, "redundancy.train", narrow), 0.9);
        for (size_t j = 0; j < i; j++) {
            where other[] = { AT("model.width", 50), IS("model.activation.plugin", activations[j]), { 0 } };
            ck_assert_double_ne(mean(&r, "model.loss.train", wide), mean(&r, "model.loss.train", other));
        }
    }
    free_results(&r);
}
END_TEST

START_TEST(the_phase_chart_reaches_from_under_to_sufficiently_expressive)
{
    results r = study("phase-chart", "-s replicates=1");
    ck_assert_uint_eq(r.rows, 1 + 10 * 6);
    const where all = AT("training.samples", 1437);
    double best = 0;
    for (size_t row = 1; row < r.rows; row++)
        best = fmax(best, strtod(r.cells[row * r.columns + column_of(&r, "knn.test")], NULL));
    ck_assert_double_gt(MEAN(&r, "redundancy.train", AT("model.width", 4), all), 0.5);
    double between = MEAN(&r, "redundancy.train", AT("model.width", 20), all);
    ck_assert_msg(between > 0.01 && between < 0.5, "%g", between);
    ck_assert_double_lt(MEAN(&r, "redundancy.train", AT("model.width", 80), all), 0.01);
    ck_assert_double_gt(MEAN(&r, "knn.test", AT("model.width", 80), all), best - 0.05);
    free_results(&r);
}
END_TEST

START_TEST(every_measure_is_defined_after_training_and_moves_with_it)
{
    static const char *const larger[] = { "information.mutual_information.train",
                                          "units.effective_rank",
                                          "overlap.oui.train",
                                          "retrieval.map",
                                          "class_patterns.nearest.test",
                                          "kmeans.nmi.test",
                                          "intrinsic_dimension.dimension.train",
                                          "zero_cost.naswot.train",
                                          "monitor.auroc.own" };
    results r = study("measures", "");
    ck_assert_uint_eq(r.rows, 1 + 6);
    for (size_t i = 0; i < sizeof(larger) / sizeof(larger[0]); i++)
        ck_assert_msg(MEAN(&r, larger[i], AT("epoch", 20)) > MEAN(&r, larger[i], AT("epoch", 0)), "%s",
                      larger[i]);
    ck_assert_double_lt(MEAN(&r, "drift.flipped.train", AT("epoch", 20)),
                        MEAN(&r, "drift.flipped.train", AT("epoch", 1)));
    free_results(&r);
}
END_TEST

/* Of 6 sample sizes and 6 snapshots; the page has a map of that plane for each measure. */
START_TEST(the_third_plane_is_of_samples_and_time)
{
    results r = study("phase-chart-samples-time", "-s replicates=1");
    ck_assert_uint_eq(r.rows, 1 + 6 * 6);
    const where all = AT("training.samples", 1437), few = AT("training.samples", 10);
    ck_assert_double_gt(MEAN(&r, "model.accuracy.test", all, AT("epoch", 20)),
                        MEAN(&r, "model.accuracy.test", all, AT("epoch", 0)) + 0.5);
    ck_assert_double_gt(MEAN(&r, "model.accuracy.test", all, AT("epoch", 20)),
                        MEAN(&r, "model.accuracy.test", few, AT("epoch", 20)) + 0.2);
    char *page = read_text(folder, "out/report.html");
    const char *chart = strstr(page, "Activation hash phase chart");
    ck_assert_ptr_nonnull(chart);
    ck_assert_ptr_nonnull(strstr(chart, "a map of 6 by 6 cells"));
    free(page);
    free_results(&r);
}
END_TEST

START_TEST(what_is_disturbed_is_learned_worse)
{
    results r = study("disturbed", "-s replicates=1");
    ck_assert_double_gt(MEAN(&r, "model.accuracy.test", AT("training.label_noise", 0)), 0.85);
    ck_assert_double_lt(MEAN(&r, "model.accuracy.test", AT("training.label_noise", 1)), 0.3);
    free_results(&r);
    r = study("disturbed", "--fresh -s replicates=1 -s training.label_noise=0 -s "
                           "'sweep=({key=\"training.instance_noise\"; values=[0.0, 0.5, 1.0];})'");
    ck_assert_double_gt(MEAN(&r, "model.accuracy.test", AT("training.instance_noise", 0.5)), 0.7);
    ck_assert_double_lt(MEAN(&r, "model.accuracy.test", AT("training.instance_noise", 1)), 0.4);
    free_results(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("studies");
    TCase *tests = tcase_create("studies");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_test(tests, redundancy_falls_from_near_1_to_near_0_as_width_grows_and_accuracy_rises);
    tcase_add_test(tests, sixteen_points_of_training_time_cost_one_training);
    tcase_add_test(tests, more_samples_make_better_codes);
    tcase_add_test(tests, regularization_changes_codes);
    tcase_add_test(tests, labels_that_are_all_noise_leave_the_network_at_chance);
    tcase_add_test(tests, every_activation_makes_codes_that_tell_the_classes_apart);
    tcase_add_test(tests, the_phase_chart_reaches_from_under_to_sufficiently_expressive);
    tcase_add_test(tests, every_measure_is_defined_after_training_and_moves_with_it);
    tcase_add_test(tests, the_third_plane_is_of_samples_and_time);
    tcase_add_test(tests, what_is_disturbed_is_learned_worse);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
