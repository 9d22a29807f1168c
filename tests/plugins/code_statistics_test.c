/* Entropy and distances against counting. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdio.h>

#define STATISTICS "plugin = \"code_statistics\";"

START_TEST(known_codes_have_known_statistics)
{
    static const char *const train[] = { "0000", "0001", "0111", "1110" };
    static const int32_t labels[] = { 0, 0, 1, 1 };
    labelled data = { .train = codes_of(4, train), .test = codes_of(4, train), .classes = 2 };
    data.train_labels = (int32_t *)(uintptr_t)labels;
    tsr_metrics *metrics = probe(STATISTICS, &data);
    double quarter = -0.25 * log2(0.25) - 0.75 * log2(0.75);
    ck_assert(metric(metrics, "bits") == 4);
    ck_assert_double_eq_tol(metric(metrics, "entropy"), (quarter + 3) / 4, 1e-12);
    ck_assert(metric(metrics, "distance_min_within") == 1);
    ck_assert(metric(metrics, "distance_mean_within") == 1.5);
    ck_assert(metric(metrics, "distance_min_across") == 2);
    ck_assert(metric(metrics, "distance_mean_across") == (3 + 3 + 2 + 4) / 4.0);
    ck_assert_uint_eq(tsr_metrics_count(metrics), 6);
    tsr_metrics_free(metrics);
    tsr_codes_free(data.train);
    tsr_codes_free(data.test);
}
END_TEST

/* The same from bits and pairs, the plain way. */
static void check_counted(const labelled *data, size_t examples, const tsr_metrics *metrics)
{
    double pairs[2] = { 0 }, sums[2] = { 0 }, least[2] = { INFINITY, INFINITY }, entropy = 0;
    for (size_t i = 0; i < examples; i++) {
        for (size_t j = 0; j < i; j++) {
            int across = data->train_labels[i] != data->train_labels[j];
            double distance = (double)naive_distance(data->train, i, data->train, j);
            pairs[across]++;
            sums[across] += distance;
            least[across] = fmin(least[across], distance);
        }
    }
    for (size_t j = 0; j < data->train->bits; j++) {
        double p = 0;
        for (size_t i = 0; i < data->train->n; i++)
            p += get_bit(data->train, i, j);
        p /= (double)data->train->n;
        entropy += p > 0 && p < 1 ? -p * log2(p) - (1 - p) * log2(1 - p) : 0;
    }
    ck_assert_double_eq_tol(metric(metrics, "entropy"), entropy / (double)data->train->bits, 1e-12);
    ck_assert(metric(metrics, "distance_min_within") == least[0]);
    ck_assert(metric(metrics, "distance_min_across") == least[1]);
    ck_assert(metric(metrics, "distance_mean_within") == sums[0] / pairs[0]);
    ck_assert(metric(metrics, "distance_mean_across") == sums[1] / pairs[1]);
}

START_TEST(statistics_are_those_of_counting_over_the_first_examples)
{
    labelled data = blobs(1, 600, 10, 4, 150, 0.2);
    tsr_metrics *metrics = probe(STATISTICS, &data);
    check_counted(&data, 600, metrics);
    tsr_metrics_free(metrics);
    metrics = probe(STATISTICS "examples = 131;", &data);
    check_counted(&data, 131, metrics);
    tsr_metrics_free(metrics);
    labelled_clear(&data);
}
END_TEST

START_TEST(a_layer_has_the_statistics_of_its_columns_alone)
{
    labelled data = blobs(2, 100, 10, 4, 150, 0.2), alone = data;
    const tsr_code_layer layers[] = { { "a", 0, 50 }, { "b", 50, 70 }, { "c", 120, 0 }, { "d", 120, 30 } };
    ck_succeeds(tsr_codes_set_layers(data.train, 4, layers));
    ck_succeeds(tsr_codes_slice(data.train, 50, 70, &alone.train));
    ck_succeeds(tsr_codes_set_layers(alone.train, 0, NULL));
    tsr_metrics *all = probe(STATISTICS, &data), *one = probe(STATISTICS, &alone);
    ck_assert_uint_eq(tsr_metrics_count(all), 30);
    for (size_t i = 0; i < tsr_metrics_count(one); i++) {
        char name[64];
        snprintf(name, sizeof(name), "layer1.%s", tsr_metrics_get(one, i).name);
        ck_assert(metric(all, name) == tsr_metrics_get(one, i).value);
    }
    ck_assert(metric(all, "layer2.bits") == 0);
    ck_assert(isnan(metric(all, "layer2.entropy")));
    tsr_metrics_free(all);
    tsr_metrics_free(one);
    tsr_codes_free(alone.train);
    labelled_clear(&data);
}
END_TEST

START_TEST(distances_are_undefined_where_there_is_no_pair)
{
    labelled data = blobs(3, 30, 10, 1, 50, 0.2), each = blobs(3, 30, 10, 30, 50, 0.2);
    ck_assert(isnan(probe_metric(STATISTICS, &data, "distance_min_across")));
    ck_assert(isnan(probe_metric(STATISTICS, &data, "distance_mean_across")));
    ck_assert(isnan(probe_metric(STATISTICS, &each, "distance_min_within")));
    ck_assert(!isnan(probe_metric(STATISTICS, &each, "distance_min_across")));
    labelled_clear(&data);
    labelled_clear(&each);
}
END_TEST

START_TEST(statistics_stay_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(4, 701, 20, 10, 1233, 0.3);
    tsr_code_layer layers[34] = { { "first", 0,
                                    1200 } }; /* and each further bit alone: a sum hides rounding */
    for (size_t i = 1; i < 34; i++)
        layers[i] = (tsr_code_layer){ "bit", 1199 + i, 1 };
    ck_succeeds(tsr_codes_set_layers(data.train, 34, layers));
    ck_same_when_masked(STATISTICS, &data);
    ck_same_with_two_threads(STATISTICS, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code_statistics");
    TCase *tests = tcase_create("code_statistics");
    tcase_add_test(tests, known_codes_have_known_statistics);
    tcase_add_test(tests, statistics_are_those_of_counting_over_the_first_examples);
    tcase_add_test(tests, a_layer_has_the_statistics_of_its_columns_alone);
    tcase_add_test(tests, distances_are_undefined_where_there_is_no_pair);
    tcase_add_test(tests, statistics_stay_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
