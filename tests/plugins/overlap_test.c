/* Overlap of codes against known values and against all pairs, one by one. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define OVERLAP "plugin = \"overlap\";"

static void check_oui(size_t n, const char *const *rows, double expected)
{
    labelled data = { codes_of(n, rows), codes_of(n, rows), NULL, NULL, 0 };
    tsr_metrics *m = probe(OVERLAP, &data);
    ck_near(metric(m, "oui.train"), expected, 1e-12);
    ck_near(metric(m, "oui.test"), expected, 1e-12);
    ck_assert_uint_eq(tsr_metrics_count(m), 8); /* without labels, nothing of classes */
    tsr_metrics_free(m);
    labelled_clear(&data);
}

START_TEST(known_codes_have_known_indicators)
{
    check_oui(4, (const char *const[]){ "0000", "0001", "0011", "1111" }, 5 / 6.0);
    check_oui(3, (const char *const[]){ "0110", "0110", "0110" }, 0);
    check_oui(2, (const char *const[]){ "0110", "1001" }, 1);
}
END_TEST

/* Pairs of one class (0), of different ones (1) or all (2), in either order. */
static void check_pairs(const tsr_metrics *m, const char *part, const tsr_codes *codes, const int32_t *labels,
                        int which)
{
    static const char *const suffixes[] = { "_within", "_across", "" };
    double n = 0, different = 0, inverse = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < codes->n; i++)
        for (size_t j = 0; j < codes->n; j++) {
            if (i == j || (which < 2 && (labels[i] != labels[j]) != which))
                continue;
            double d = (double)naive_distance(codes, i, codes, j);
            n++;
            different += d > 0;
            inverse += d > 0 ? 1 / d : 0;
            sum += d;
        }
    for (size_t i = 0; i < codes->n; i++)
        for (size_t j = 0; j < codes->n; j++)
            if (i != j && (which == 2 || (labels[i] != labels[j]) == which))
                squares += pow((double)naive_distance(codes, i, codes, j) - sum / n, 2);
    char name[64];
    snprintf(name, sizeof(name), "diffusion%s.%s", suffixes[which], part);
    ck_near(metric(m, name), inverse / different, 1e-12);
    snprintf(name, sizeof(name), "deviation%s.%s", suffixes[which], part);
    ck_near(metric(m, name), sqrt(squares / n), 1e-9);
    snprintf(name, sizeof(name), "equal_pairs%s.%s", suffixes[which], part);
    ck_near(metric(m, name), (n - different) / n, 1e-12);
}

START_TEST(diffusion_is_that_of_all_pairs)
{
    for (size_t bits = 3; bits <= 75; bits += 36) {
        labelled data = blobs(bits, 140, 131, 5, bits, 0.2);
        tsr_metrics *m = probe(OVERLAP, &data);
        for (int which = 0; which < 3; which++) {
            check_pairs(m, "train", data.train, data.train_labels, which);
            check_pairs(m, "test", data.test, data.test_labels, which);
        }
        tsr_metrics_free(m);
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(the_whole_indicator_is_the_mean_of_the_layers)
{
    labelled data = blobs(5, 60, 40, 3, 90, 0.3);
    set_two_layers(&data, 70);
    tsr_metrics *m = probe(OVERLAP " examples = 50;", &data);
    double both = 0;
    for (size_t l = 0; l < 2; l++) {
        double sum = 0;
        for (size_t i = 0; i < 50; i++)
            for (size_t j = 0; j < i; j++) {
                size_t d = 0;
                for (size_t b = data.train->layers[l].first;
                     b < data.train->layers[l].first + data.train->layers[l].bits; b++)
                    d += get_bit(data.train, i, b) != get_bit(data.train, j, b);
                sum += 2 * fmin((double)d / (double)data.train->layers[l].bits, .5) / (50 * 49 / 2);
            }
        ck_near(metric(m, l ? "layer1.oui.train" : "layer0.oui.train"), sum, 1e-12);
        both += sum / 2;
    }
    ck_near(metric(m, "oui.train"), both, 1e-12);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(what_is_undefined_says_why)
{
    labelled data = blobs(6, 1, 3, 1, 8, 0);
    tsr_metrics *m = probe(OVERLAP, &data);
    for (size_t i = 0; i < tsr_metrics_count(m); i++) {
        tsr_metric_value value = tsr_metrics_get(m, i);
        ck_assert(isnan(value.value) == (value.reason != NULL));
        ck_assert(strstr(value.name, "train") == NULL || isnan(value.value));
    }
    ck_assert(isnan(metric(m, "diffusion.test")) && metric(m, "equal_pairs_within.test") == 1);
    ck_assert(metric(m, "oui.test") == 0);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(overlap_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(7, 1500, 700, 10, 90, 0.1);
    ck_same_when_masked(OVERLAP, &data);
    ck_same_with_two_threads(OVERLAP, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overlap");
    TCase *tests = tcase_create("overlap");
    tcase_add_test(tests, known_codes_have_known_indicators);
    tcase_add_test(tests, diffusion_is_that_of_all_pairs);
    tcase_add_test(tests, the_whole_indicator_is_the_mean_of_the_layers);
    tcase_add_test(tests, what_is_undefined_says_why);
    tcase_add_test(tests, overlap_stays_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
