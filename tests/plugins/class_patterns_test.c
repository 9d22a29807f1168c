/* Patterns of classes against known values and against examples counted one by one. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERNS "plugin = \"class_patterns\";"

START_TEST(known_codes_have_known_patterns)
{
    static const char *const rows[] = { "0110", "0111", "0100" }, *const more[] = { "0101", "1100" };
    int32_t labels[] = { 0, 0, 0 }, test_labels[] = { 0, 0 };
    labelled data = { codes_of(3, rows), codes_of(2, more), labels, test_labels, 1 };
    tsr_metrics *m = probe(PATTERNS, &data);
    ck_near(metric(m, "fixed.train"), .5, 1e-12);
    ck_near(metric(m, "relaxed_fixed.train"), .5, 1e-12);
    ck_near(metric(m, "recall.test"), .5, 1e-12);
    ck_near(metric(m, "precision.test"), 1, 1e-12);
    ck_near(metric(m, "nearest.test"), 1, 1e-12);
    ck_assert(isnan(metric(m, "ambiguity.train")));
    tsr_metrics_free(m);
    m = probe(PATTERNS " delta = 0.6;", &data); /* the third bit is 1 for two of three, the fourth is 0 */
    ck_near(metric(m, "fixed.train"), .5, 1e-12);
    ck_near(metric(m, "relaxed_fixed.train"), 1, 1e-12);
    ck_near(metric(m, "relaxed_recall.test"), 0, 1e-12);
    ck_assert(isnan(metric(m, "relaxed_precision.test")));
    tsr_metrics_free(m);
    tsr_codes_free(data.train);
    tsr_codes_free(data.test);
}
END_TEST

/* 55 and 10 of 100: 0.55 * 100 is more than 55, and 1 - 0.9 less than 10 / 100. */
START_TEST(a_share_that_is_delta_fixes_a_bit)
{
    labelled data = { .classes = 1,
                      .train_labels = calloc(100, sizeof(int32_t)),
                      .test_labels = calloc(1, sizeof(int32_t)) };
    ck_succeeds(tsr_codes_new(100, 2, &data.train));
    ck_succeeds(tsr_codes_new(1, 2, &data.test));
    for (size_t i = 0; i < 100; i++) {
        set_bit(data.train, i, 0, i < 55);
        set_bit(data.train, i, 1, i < 10);
    }
    ck_assert(probe_metric(PATTERNS " delta = 0.55;", &data, "relaxed_fixed.train") == 1);
    ck_assert(probe_metric(PATTERNS " delta = 0.56;", &data, "relaxed_fixed.train") == .5);
    ck_assert(probe_metric(PATTERNS " delta = 0.9;", &data, "relaxed_fixed.train") == .5);
    ck_assert(probe_metric(PATTERNS " delta = 0.91;", &data, "relaxed_fixed.train") == 0);
    labelled_clear(&data);
}
END_TEST

/* 1 or 0 where bit j of class k is fixed, -1 where it is free, -2 where there is no such example. */
static int pattern(const labelled *data, int k, size_t j, double delta)
{
    double n = 0, ones = 0;
    for (size_t i = 0; i < data->train->n; i++) {
        n += data->train_labels[i] == k;
        ones += data->train_labels[i] == k && get_bit(data->train, i, j);
    }
    return n == 0 ? -2 : ones >= delta * n ? 1 : n - ones >= delta * n ? 0 : -1;
}

static void check(const labelled *data, const tsr_metrics *m, const char *prefix, double delta)
{
    size_t bits = data->train->bits, K = (size_t)data->classes;
    int *p = calloc(K * bits, sizeof(*p));
    double fixed = 0, classes = 0, alike = 0, pairs = 0, own = 0, matched = 0, nearest = 0;
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < bits; j++) {
            p[k * bits + j] = pattern(data, (int)k, j, delta);
            fixed += p[k * bits + j] >= 0;
        }
        classes += p[k * bits] != -2;
        for (size_t l = 0; l < k; l++) {
            bool agree = true;
            for (size_t j = 0; j < bits; j++)
                agree = agree && p[k * bits + j] + p[l * bits + j] != 1;
            pairs += p[k * bits] != -2 && p[l * bits] != -2;
            alike += agree && p[k * bits] != -2 && p[l * bits] != -2;
        }
    }
    for (size_t i = 0; i < data->test->n; i++) {
        size_t best = 0, least = SIZE_MAX;
        for (size_t k = 0; k < K; k++) {
            size_t wrong = 0;
            for (size_t j = 0; j < bits; j++)
                wrong += p[k * bits + j] >= 0 && p[k * bits + j] != get_bit(data->test, i, j);
            if (p[k * bits] == -2)
                continue;
            matched += wrong == 0;
            own += wrong == 0 && (size_t)data->test_labels[i] == k;
            best = wrong < least ? k : best;
            least = wrong < least ? wrong : least;
        }
        nearest += (size_t)data->test_labels[i] == best;
    }
    const struct {
        const char *name;
        double value;
    } expected[] = { { "fixed.train", fixed / classes / (double)bits },
                     { "ambiguity.train", alike / pairs },
                     { "recall.test", own / (double)data->test->n },
                     { "precision.test", own / matched },
                     { "nearest.test", nearest / (double)data->test->n } };
    for (size_t e = 0; e < sizeof(expected) / sizeof(*expected); e++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%s", prefix, expected[e].name);
        if (isnan(expected[e].value))
            ck_assert(isnan(metric(m, name)));
        else
            ck_near(metric(m, name), expected[e].value, 1e-12);
    }
    free(p);
}

START_TEST(patterns_are_those_of_counting_example_by_example)
{
    for (size_t bits = 5; bits <= 75; bits += 35) {
        labelled data = blobs(bits, 140, 90, 20, bits, 0.03);
        for (size_t i = 0; i < 140; i++) /* class 18 is left without a training example */
            data.train_labels[i] = data.train_labels[i] == 18 ? 3 : data.train_labels[i];
        tsr_metrics *m = probe(PATTERNS " delta = 0.7;", &data);
        check(&data, m, "", 1);
        check(&data, m, "relaxed_", 0.7);
        tsr_metrics_free(m);
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(a_layer_has_the_patterns_of_its_columns)
{
    labelled data = blobs(5, 100, 60, 3, 80, 0.01), alone = data;
    set_two_layers(&data, 70);
    ck_succeeds(tsr_codes_slice(data.train, 70, 10, &alone.train));
    ck_succeeds(tsr_codes_slice(data.test, 70, 10, &alone.test));
    tsr_metrics *all = probe(PATTERNS, &data), *one = probe(PATTERNS, &alone);
    ck_assert(metric(all, "layer1.fixed.train") == metric(one, "fixed.train"));
    ck_assert(metric(all, "layer1.relaxed_recall.test") == metric(one, "layer0.relaxed_recall.test"));
    tsr_metrics_free(all);
    tsr_metrics_free(one);
    tsr_codes_free(alone.train);
    tsr_codes_free(alone.test);
    labelled_clear(&data);
}
END_TEST

START_TEST(what_is_undefined_says_why)
{
    labelled data = blobs(6, 5, 0, 2, 0, 0.1);
    tsr_metrics *m = probe(PATTERNS, &data);
    ck_undefined_say_why(m);
    ck_assert(isnan(metric(m, "fixed.train")) && isnan(metric(m, "recall.test")));
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(more_examples_than_floats_count_are_refused)
{
    ck_succeeds(probe_check(PATTERNS, 1 << 24, 10, 2));
    ck_fails(probe_check(PATTERNS, (1 << 24) + 1, 10, 2), TSR_REFUSED, "expected at most 16777216");
}
END_TEST

START_TEST(patterns_stay_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(7, 1500, 700, 10, 90, 0.01);
    ck_same_when_masked(PATTERNS, &data);
    ck_same_with_two_threads(PATTERNS, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("class_patterns");
    TCase *tests = tcase_create("class_patterns");
    tcase_add_test(tests, known_codes_have_known_patterns);
    tcase_add_test(tests, a_share_that_is_delta_fixes_a_bit);
    tcase_add_test(tests, patterns_are_those_of_counting_example_by_example);
    tcase_add_test(tests, a_layer_has_the_patterns_of_its_columns);
    tcase_add_test(tests, what_is_undefined_says_why);
    tcase_add_test(tests, more_examples_than_floats_count_are_refused);
    tcase_add_test(tests, patterns_stay_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
