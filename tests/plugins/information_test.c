/* Information against known values and against counting by pairs. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INFORMATION "plugin = \"information\";"

START_TEST(known_codes_have_known_information)
{
    static const char *const rows[] = { "000", "000", "000", "000", "001", "001", "010", "011" };
    static const char *const test_rows[] = { "000", "000", "010", "111" };
    int32_t labels[] = { 0, 0, 0, 1, 1, 1, 0, 1 }, test_labels[] = { 0, 1, 0, 0 };
    labelled data = { codes_of(8, rows), codes_of(4, test_rows), labels, test_labels, 2 };
    tsr_metrics *m = probe(INFORMATION, &data);
    ck_near(metric(m, "entropy.train"), 1.75, 1e-12);
    ck_near(metric(m, "entropy_corrected.train"), 1.75 + 3 / (16 * log(2)), 1e-12);
    ck_near(metric(m, "label_entropy.train"), 1, 1e-12);
    ck_near(metric(m, "conditional_entropy.train"), .405639, 1e-6);
    ck_near(metric(m, "mutual_information.train"), .594361, 1e-6);
    ck_near(metric(m, "collision_probability.train"), .34375, 1e-12);
    ck_near(metric(m, "colliding_pairs.train"), 7 / 28.0, 1e-12);
    ck_near(metric(m, "purity.train"), .875, 1e-12);
    ck_near(metric(m, "seen.test"), .75, 1e-12);
    ck_near(metric(m, "seen_agreement.test"), 2 / 3.0, 1e-12);
    tsr_metrics_free(m);
    tsr_codes_free(data.train);
    tsr_codes_free(data.test);
}
END_TEST

static void check_random(size_t n, size_t bits, double expected, double off)
{
    labelled data = blobs(3, n, 10, 2, bits, 0.5);
    ck_near(probe_metric(INFORMATION, &data, "random_redundancy.train"), expected, off);
    labelled_clear(&data);
}

START_TEST(random_codes_have_the_known_redundancy)
{
    check_random(48000, 10, .978667, 1e-6);
    check_random(48000, 16, .291038, 1e-6);
    check_random(48000, 20, .022542, 1e-6);
    check_random(10000, 10, .897606, 1e-6);
    check_random(100, 40, 99 / ldexp(1, 41), 1e-18);
    check_random(100, 5000, 0, 1e-300);
}
END_TEST

/* Share of examples that are like example i in what is asked. */
static double share(const tsr_codes *codes, const int32_t *labels, size_t i, bool code, bool label)
{
    size_t like = 0;
    for (size_t j = 0; j < codes->n; j++)
        like += (!code || naive_distance(codes, i, codes, j) == 0) && (!label || labels[i] == labels[j]);
    return (double)like / (double)codes->n;
}

/* Every entropy is a mean over examples of -log2 of the share of its like. */
static void check_part(const tsr_metrics *m, const char *part, const tsr_codes *codes, const int32_t *labels)
{
    double n = (double)codes->n, h = 0, hy = 0, joint = 0, squares = 0, pairs = 0;
    for (size_t i = 0; i < codes->n; i++) {
        double p = share(codes, labels, i, true, false);
        h -= log2(p) / n;
        hy -= log2(share(codes, labels, i, false, true)) / n;
        joint -= log2(share(codes, labels, i, true, true)) / n;
        squares += p / n;
        pairs += (p * n - 1) / (n * (n - 1));
    }
    const struct {
        const char *name;
        double value;
    } expected[] = { { "entropy", h },
                     { "label_entropy", hy },
                     { "conditional_entropy", joint - h },
                     { "mutual_information", hy + h - joint },
                     { "collision_probability", squares },
                     { "colliding_pairs", pairs } };
    for (size_t e = 0; e < sizeof(expected) / sizeof(*expected); e++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.%s", expected[e].name, part);
        ck_near(metric(m, name), expected[e].value, 1e-11);
    }
}

START_TEST(information_is_that_of_counting_pairs)
{
    for (size_t bits = 1; bits <= 9; bits += 4) {
        labelled data = blobs(bits, 200, 150, 5, bits, 0.3);
        tsr_metrics *m = probe(INFORMATION, &data);
        check_part(m, "train", data.train, data.train_labels);
        check_part(m, "test", data.test, data.test_labels);
        tsr_metrics_free(m);
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(a_layer_has_the_information_of_its_columns)
{
    labelled data = blobs(5, 300, 100, 3, 80, 0.02), alone = data;
    set_two_layers(&data, 70);
    ck_succeeds(tsr_codes_slice(data.train, 70, 10, &alone.train));
    ck_succeeds(tsr_codes_slice(data.test, 70, 10, &alone.test));
    tsr_metrics *all = probe(INFORMATION, &data), *one = probe(INFORMATION, &alone);
    ck_assert(metric(all, "layer1.entropy.train") == metric(one, "entropy.train"));
    ck_assert(metric(all, "layer1.purity.test") == metric(one, "purity.test"));
    ck_assert(metric(all, "layer1.seen.test") == metric(one, "seen.test"));
    ck_assert(metric(one, "layer0.entropy.train") == metric(one, "entropy.train"));
    tsr_metrics_free(all);
    tsr_metrics_free(one);
    tsr_codes_free(alone.train);
    tsr_codes_free(alone.test);
    labelled_clear(&data);
}
END_TEST

START_TEST(what_is_undefined_says_why_and_labels_need_not_be)
{
    labelled data = blobs(6, 1, 0, 2, 8, 0.1);
    tsr_metrics *m = probe(INFORMATION, &data);
    ck_assert(metric(m, "entropy.train") == 0);
    for (size_t i = 0; i < tsr_metrics_count(m); i++) {
        tsr_metric_value value = tsr_metrics_get(m, i);
        ck_assert(isnan(value.value) == (value.reason != NULL));
        ck_assert(strstr(value.name, "test") == NULL || isnan(value.value));
    }
    ck_assert(isnan(metric(m, "colliding_pairs.train")));
    tsr_metrics_free(m);
    labelled bare = { data.train, data.test, NULL, NULL, 0 };
    m = probe(INFORMATION, &bare);
    ck_assert_uint_eq(tsr_metrics_count(m), 11);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(information_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(7, 3000, 700, 10, 90, 0.01);
    ck_same_when_masked(INFORMATION, &data);
    ck_same_with_two_threads(INFORMATION, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("information");
    TCase *tests = tcase_create("information");
    tcase_add_test(tests, known_codes_have_known_information);
    tcase_add_test(tests, random_codes_have_the_known_redundancy);
    tcase_add_test(tests, information_is_that_of_counting_pairs);
    tcase_add_test(tests, a_layer_has_the_information_of_its_columns);
    tcase_add_test(tests, what_is_undefined_says_why_and_labels_need_not_be);
    tcase_add_test(tests, information_stays_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
