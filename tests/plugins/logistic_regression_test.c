/* Logistic regression against gradient descent in plain loops. */
#include "plugins/probe_support.h"

#include "../../plugins/probes/logistic_regression/fit.h"
#include "../../plugins/probes/logistic_regression/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOGISTIC "plugin = \"logistic_regression\"; "

START_TEST(separable_classes_are_told_apart_by_every_scheme)
{
    labelled data = blobs(1, 300, 100, 6, 70, 0.1);
    static const char *const schemes[] = { LOGISTIC, LOGISTIC "multi_class = \"one_vs_rest\";",
                                           LOGISTIC "multi_class = \"multinomial\";" };
    for (int s = 0; s < 3; s++) {
        tsr_metrics *metrics = probe(schemes[s], &data);
        ck_assert(metric(metrics, "train") == 1);
        ck_assert(metric(metrics, "test") == 1);
        tsr_metrics_free(metrics);
    }
    labelled_clear(&data);
}
END_TEST

/* Softmax regression by gradient descent with momentum from zero until it moves no more: k x (d + 1) weights,
   the intercepts last and without penalty. */
static double *descend(const tsr_codes *codes, const int32_t *labels, size_t k, double c, bool binary)
{
    size_t d = codes->bits, each = d + 1;
    double *w = calloc(k * each, sizeof(*w)), *velocity = calloc(k * each, sizeof(*w));
    double *gradient = calloc(k * each, sizeof(*w)), *p = calloc(k, sizeof(*p));
    double rate = 1 / (1 + c * (double)(codes->n * each));
    for (int step = 0; step < 60000; step++) {
        double largest = 0;
        for (size_t j = 0; j < k * each; j++)
            gradient[j] = j % each < d ? w[j] : 0;
        for (size_t i = 0; i < codes->n; i++) {
            double sum = binary;
            for (size_t a = 0; a < k; a++) {
                double s = w[a * each + d];
                for (size_t j = 0; j < d; j++)
                    s += get_bit(codes, i, j) ? w[a * each + j] : 0;
                p[a] = exp(s);
                sum += p[a];
            }
            for (size_t a = 0; a < k; a++) {
                double slope = c * (p[a] / sum - (labels[i] == (int32_t)(binary ? 1 : a)));
                gradient[a * each + d] += slope;
                for (size_t j = 0; j < d; j++)
                    gradient[a * each + j] += get_bit(codes, i, j) ? slope : 0;
            }
        }
        for (size_t j = 0; j < k * each; j++) {
            velocity[j] = 0.95 * velocity[j] - rate * gradient[j];
            w[j] += velocity[j];
            largest = fmax(largest, fabs(gradient[j]));
        }
        if (largest < 1e-7)
            break;
    }
    free(velocity);
    free(gradient);
    free(p);
    return w;
}

/* Accuracy of weights on codes; one row of them: the sign decides. */
static double score_accuracy(const double *w, size_t k, const tsr_codes *codes, const int32_t *labels)
{
    size_t correct = 0, each = codes->bits + 1;
    for (size_t i = 0; i < codes->n; i++) {
        double best = k == 1 ? 0 : -INFINITY;
        int32_t winner = 0;
        for (size_t a = 0; a < k; a++) {
            double s = w[a * each + codes->bits];
            for (size_t j = 0; j < codes->bits; j++)
                s += get_bit(codes, i, j) ? w[a * each + j] : 0;
            if (s > best) {
                best = s;
                winner = k == 1 ? 1 : (int32_t)a;
            }
        }
        correct += winner == labels[i];
    }
    return (double)correct / (double)codes->n;
}

/* Noisy enough that the boundary, not the blobs, decides: 400 test codes would show a wrong one. */
static void check_against_descent(const char *settings, int classes, double c, bool binary, uint64_t seed)
{
    labelled data = blobs(seed, 60, 400, classes, 9, 0.3);
    size_t k = binary ? 1 : (size_t)classes;
    double *w = descend(data.train, data.train_labels, k, c, binary);
    tsr_metrics *metrics = probe(settings, &data);
    double train = score_accuracy(w, k, data.train, data.train_labels);
    ck_assert(train > 0.5 && train < 1);
    ck_assert_double_eq_tol(metric(metrics, "train"), train, 1e-12);
    ck_assert_double_eq_tol(metric(metrics, "test"), score_accuracy(w, k, data.test, data.test_labels),
                            1e-12);
    tsr_metrics_free(metrics);
    free(w);
    labelled_clear(&data);
}

START_TEST(two_classes_are_cut_where_gradient_descent_cuts_them)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        check_against_descent(LOGISTIC "tolerance = 1e-7;", 2, 1, true, seed);
        check_against_descent(LOGISTIC "tolerance = 1e-7; C = 0.05;", 2, 0.05, true, seed);
        check_against_descent(LOGISTIC "multi_class = \"one_vs_rest\"; tolerance = 1e-7;", 2, 1, true, seed);
    }
}
END_TEST

START_TEST(multinomial_classes_are_cut_where_gradient_descent_cuts_them)
{
    for (uint64_t seed = 10; seed < 13; seed++)
        check_against_descent(LOGISTIC "multi_class = \"multinomial\"; tolerance = 1e-7;", 3, 1, false, seed);
}
END_TEST

#define CLASSES 3

/* The training codes of two classes, labelled 0 and 1. */
static tsr_codes *two_of(const labelled *data, int32_t a, int32_t b, int32_t *labels)
{
    tsr_codes *codes;
    size_t n = 0;
    for (size_t i = 0; i < data->train->n; i++)
        n += data->train_labels[i] == a || data->train_labels[i] == b;
    ck_succeeds(tsr_codes_new(n, data->train->bits, &codes));
    n = 0;
    for (size_t i = 0; i < data->train->n; i++) {
        if (data->train_labels[i] != a && data->train_labels[i] != b)
            continue;
        labels[n] = data->train_labels[i] == b;
        memcpy(codes->words + n++ * codes->stride, tsr_codes_row(data->train, i), codes->stride * 8);
    }
    return codes;
}

static double decision(const double *w, const tsr_codes *codes, size_t i)
{
    double s = w[codes->bits];
    for (size_t j = 0; j < codes->bits; j++)
        s += get_bit(codes, i, j) ? w[j] : 0;
    return s;
}

/* Accuracy on the test codes of pairwise weights w01, w02, w12: votes, then confidence. */
static double pairwise_accuracy(double *const w[3], const labelled *data, size_t *cycles)
{
    static const int pairs[3][2] = { { 0, 1 }, { 0, 2 }, { 1, 2 } };
    size_t correct = 0;
    for (size_t i = 0; i < data->test->n; i++) {
        double votes[CLASSES] = { 0 }, sums[CLASSES] = { 0 };
        for (int p = 0; p < 3; p++) {
            double s = decision(w[p], data->test, i);
            votes[pairs[p][s > 0]]++;
            sums[pairs[p][0]] -= s;
            sums[pairs[p][1]] += s;
        }
        *cycles += votes[0] == 1 && votes[1] == 1;
        int32_t winner = 0;
        for (int c = 0; c < CLASSES; c++) {
            votes[c] += sums[c] / (3 * (fabs(sums[c]) + 1));
            winner = votes[c] > votes[winner] ? c : winner;
        }
        correct += winner == data->test_labels[i];
    }
    return (double)correct / (double)data->test->n;
}

START_TEST(pairs_vote_and_confidence_decides_between_equal_votes)
{
    size_t cycles = 0;
    for (uint64_t seed = 40; seed < 44; seed++) {
        labelled data = blobs(seed, 45, 3000, CLASSES, 10, 0.4);
        double *w[3];
        int32_t labels[45];
        for (int32_t p = 0, a = 0; a < CLASSES; a++) {
            for (int32_t b = a + 1; b < CLASSES; b++, p++) {
                tsr_codes *codes = two_of(&data, a, b, labels);
                w[p] = descend(codes, labels, 1, 1, true);
                tsr_codes_free(codes);
            }
        }
        double expected = pairwise_accuracy(w, &data, &cycles);
        ck_assert_double_eq_tol(probe_metric(LOGISTIC "tolerance = 1e-7;", &data, "test"), expected, 1e-12);
        for (int p = 0; p < 3; p++)
            free(w[p]);
        labelled_clear(&data);
    }
    ck_assert_uint_gt(cycles, 20); /* there was something to decide */
}
END_TEST

START_TEST(repeating_every_example_is_a_larger_C)
{
    labelled data = blobs(20, 80, 200, 4, 12, 0.3), twice = data;
    ck_succeeds(tsr_codes_new(160, 12, &twice.train));
    twice.train_labels = calloc(160, sizeof(int32_t));
    for (size_t i = 0; i < 160; i++) {
        memcpy(twice.train->words + i * twice.train->stride, tsr_codes_row(data.train, i / 2),
               twice.train->stride * sizeof(uint64_t));
        twice.train_labels[i] = data.train_labels[i / 2];
    }
    double a = probe_metric(LOGISTIC "C = 2.0; tolerance = 1e-8;", &data, "test");
    double b = probe_metric(LOGISTIC "tolerance = 1e-8;", &twice, "test");
    ck_assert_double_eq_tol(a, b, 1e-12);
    tsr_codes_free(twice.train);
    free(twice.train_labels);
    labelled_clear(&data);
}
END_TEST

START_TEST(classes_without_training_examples_take_no_part)
{
    labelled data = blobs(30, 60, 60, 5, 40, 0.05);
    for (size_t i = 0; i < 60; i++)
        if (data.train_labels[i] == 0 || data.train_labels[i] == 3)
            data.train_labels[i] = 4;
    double expected = 2.0 / 5;
    ck_assert_double_ge(probe_metric(LOGISTIC, &data, "test"), expected);
    ck_assert_double_lt(probe_metric(LOGISTIC, &data, "test"), 0.7);
    for (size_t i = 0; i < 60; i++)
        data.train_labels[i] = 2;
    static const char *const schemes[] = { LOGISTIC, LOGISTIC "multi_class = \"one_vs_rest\";",
                                           LOGISTIC "multi_class = \"multinomial\";" };
    for (int s = 0; s < 3; s++) {
        ck_assert(probe_metric(schemes[s], &data, "train") == 1);
        ck_assert(probe_metric(schemes[s], &data, "test") == 12.0 / 60);
    }
    labelled_clear(&data);
}
END_TEST

START_TEST(codes_without_bits_give_the_commonest_class)
{
    labelled data = blobs(31, 60, 60, 3, 0, 0);
    for (size_t i = 0; i < 20; i++)
        data.train_labels[i] = 1;
    ck_assert(probe_metric(LOGISTIC, &data, "test") == 20.0 / 60);
    labelled_clear(&data);
}
END_TEST

START_TEST(more_classes_than_lanes_are_told_apart_by_every_scheme)
{
    static const char *const schemes[] = { LOGISTIC, LOGISTIC "multi_class = \"one_vs_rest\";",
                                           LOGISTIC "multi_class = \"multinomial\";" };
    labelled data = blobs(33, 700, 350, 35, 150, 0.1);
    for (int s = 0; s < 3; s++)
        ck_assert(probe_metric(schemes[s], &data, "test") == 1);
    labelled_clear(&data);
    for (uint64_t seed = 60; seed < 62; seed++)
        check_against_descent(LOGISTIC "multi_class = \"multinomial\"; tolerance = 1e-7;", 18, 1, false,
                              seed);
}
END_TEST

START_TEST(models_do_not_depend_on_which_are_fitted_in_step)
{
    labelled data = blobs(34, 900, 10, 7, 100, 0.4);
    logistic_set set;
    ck_succeeds(logistic_set_new(data.train, data.train_labels, 7, LOGISTIC_COPY, &set));
    for (logistic_scheme scheme = ONE_VS_ONE; scheme <= ONE_VS_REST; scheme++) {
        size_t n = logistic_models(scheme, 7) * 101;
        float *together = calloc(n, sizeof(float)), *apart = calloc(n, sizeof(float));
        logistic_options options = { scheme, 1, 1e-4, 100, LOGISTIC_HISTORY, LOGISTIC_COLUMNS };
        ck_succeeds(logistic_fit(&options, &set, together));
        options.history = 30000; /* three at a time */
        ck_succeeds(logistic_fit(&options, &set, apart));
        ck_assert_mem_eq(together, apart, n * sizeof(float));
        free(together);
        free(apart);
    }
    logistic_set_clear(&set);
    labelled_clear(&data);
}
END_TEST

START_TEST(models_of_long_codes_are_the_same_in_pieces_and_without_copies)
{
    labelled data = blobs(35, 3000, 10, 3, 1300, 0.4);
    for (size_t i = 0; i < 300; i++) /* an entry of several examples */
        memcpy(data.train->words + (9 * i + 3) * data.train->stride, tsr_codes_row(data.train, 9 * i),
               data.train->stride * sizeof(uint64_t));
    logistic_set copied, in_place;
    ck_succeeds(logistic_set_new(data.train, data.train_labels, 3, LOGISTIC_COPY, &copied));
    ck_succeeds(logistic_set_new(data.train, data.train_labels, 3, 1000, &in_place));
    ck_assert(copied.own && !in_place.own && in_place.row);
    for (logistic_scheme scheme = ONE_VS_ONE; scheme <= MULTINOMIAL; scheme++) {
        size_t n = logistic_models(scheme, 3) * 1301, entries = copied.start[3];
        float *whole = calloc(n, sizeof(float)), *pieces = calloc(n, sizeof(float));
        uint32_t *predicted = calloc(2 * entries, sizeof(*predicted));
        logistic_options options = { scheme, 1, 1e-4, 5, LOGISTIC_HISTORY, LOGISTIC_COLUMNS };
        ck_succeeds(logistic_fit(&options, &copied, whole));
        options.columns = 512;
        ck_succeeds(logistic_fit(&options, &in_place, pieces));
        ck_assert_mem_eq(whole, pieces, n * sizeof(float));
        tsr_code_rows rows[] = { logistic_entries(&copied, 0, entries),
                                 logistic_entries(&in_place, 0, entries) };
        for (size_t i = 0; i < 2; i++)
            ck_succeeds(logistic_predict(scheme, 3, whole, &rows[i], predicted + i * entries));
        ck_assert_mem_eq(predicted, predicted + entries, entries * sizeof(*predicted));
        free(whole);
        free(pieces);
        free(predicted);
    }
    logistic_set_clear(&copied);
    logistic_set_clear(&in_place);
    labelled_clear(&data);
}
END_TEST

/* Where the classes differ in bits that a projection may miss, more bits tell more. */
START_TEST(a_projection_fits_the_bits_that_it_draws)
{
    static const char settings[] = LOGISTIC "projection = 64;";
    labelled data = blobs(36, 600, 300, 4, 2000, 0.45);
    double all = probe_metric(LOGISTIC, &data, "test"),
           some = probe_metric(settings, &data, "projected_test");
    ck_assert(probe_metric(settings, &data, "projection") == 64);
    ck_assert_msg(all > some && some > 0.3, "%g %g", all, some);
    ck_assert(probe_metric(LOGISTIC "projection = 2000;", &data, "projected_test") == all);
    ck_same_with_two_threads(settings, &data);
    labelled_clear(&data);
}
END_TEST

START_TEST(logistic_regression_does_not_depend_on_the_number_of_threads)
{
    labelled data = blobs(32, 400, 1500, 6, 130, 0.35);
    ck_same_with_two_threads(LOGISTIC, &data);
    ck_same_with_two_threads(LOGISTIC "multi_class = \"one_vs_rest\";", &data);
    ck_same_with_two_threads(LOGISTIC "multi_class = \"multinomial\";", &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("logistic_regression");
    TCase *tests = tcase_create("logistic_regression");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, separable_classes_are_told_apart_by_every_scheme);
    tcase_add_test(tests, two_classes_are_cut_where_gradient_descent_cuts_them);
    tcase_add_test(tests, multinomial_classes_are_cut_where_gradient_descent_cuts_them);
    tcase_add_test(tests, pairs_vote_and_confidence_decides_between_equal_votes);
    tcase_add_test(tests, repeating_every_example_is_a_larger_C);
    tcase_add_test(tests, classes_without_training_examples_take_no_part);
    tcase_add_test(tests, codes_without_bits_give_the_commonest_class);
    tcase_add_test(tests, more_classes_than_lanes_are_told_apart_by_every_scheme);
    tcase_add_test(tests, models_do_not_depend_on_which_are_fitted_in_step);
    tcase_add_test(tests, models_of_long_codes_are_the_same_in_pieces_and_without_copies);
    tcase_add_test(tests, a_projection_fits_the_bits_that_it_draws);
    tcase_add_test(tests, logistic_regression_does_not_depend_on_the_number_of_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
