/* Intrinsic dimension against known values and against a search of the parameters by trying. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIMENSION "plugin = \"intrinsic_dimension\";"

START_TEST(all_codes_of_ten_bits_have_ten_dimensions_at_every_distance)
{
    labelled data = { .classes = 0 };
    ck_succeeds(tsr_codes_new(1024, 10, &data.train));
    ck_succeeds(tsr_codes_new(0, 10, &data.test));
    for (size_t i = 0; i < 1024; i++)
        data.train->words[i * data.train->stride] = i;
    static const char *const alphas[] = { "0.17", "0.3", "0.5", "0.8", "1.0" };
    for (size_t i = 0; i < 5; i++) {
        char settings[64];
        snprintf(settings, sizeof(settings), DIMENSION " alpha = %s;", alphas[i]);
        tsr_metrics *m = probe(settings, &data);
        ck_near(metric(m, "dimension.train"), 10, 1e-6);
        ck_near(metric(m, "slope.train"), 0, 1e-6);
        ck_near(metric(m, "divergence.train"), 0, 1e-9);
        ck_near(metric(m, "shell.train"), 10, 1e-9);
        tsr_metrics_free(m);
    }
    tsr_metrics *m = probe(DIMENSION " alpha = 0.001;", &data); /* the nearest pairs alone */
    ck_near(metric(m, "shell.train"), 10, 1e-9);
    ck_assert(isnan(metric(m, "dimension.train")));
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

/* Counts of pairs of different codes, and the distance that alpha of them lie within. */
static size_t count_pairs(const tsr_codes *codes, double alpha, double *counts)
{
    double all = 0, sum = 0;
    for (size_t i = 0; i < codes->n; i++)
        for (size_t j = 0; j < i; j++)
            counts[naive_distance(codes, i, codes, j)]++;
    for (size_t r = 1; r <= codes->bits; r++)
        all += counts[r];
    for (size_t r = 1; r <= codes->bits; r++) {
        sum += counts[r];
        if (sum >= alpha * all)
            return r;
    }
    return 0;
}

static double divergence(const double *counts, size_t n, double d0, double d1)
{
    double seen = 0, all = 0, sum = 0;
    for (size_t r = 1; r <= n; r++) {
        double x = (double)r, d = d0 + d1 * x;
        if (d - x <= -1)
            return INFINITY;
        seen += counts[r];
        all += pow(2, -d) * exp(lgamma(d + 1) - lgamma(x + 1) - lgamma(d - x + 1));
    }
    for (size_t r = 1; r <= n; r++) {
        double x = (double)r, d = d0 + d1 * x, p = counts[r] / seen;
        double q = pow(2, -d) * exp(lgamma(d + 1) - lgamma(x + 1) - lgamma(d - x + 1)) / all;
        sum += p > 0 ? p * log(p / q) : 0;
    }
    return sum;
}

/* The best point by trying ever smaller steps, along slanted lines too. */
static double search(const double *counts, size_t n, double *d0, double *d1)
{
    *d0 = (double)n + 5;
    *d1 = 0;
    double best = divergence(counts, n, *d0, *d1);
    for (double by = 4; by > 1e-9;) {
        bool better = false;
        for (int direction = 0; direction < 24; direction++) {
            double x = *d0 + by * cos(direction * M_PI / 12),
                   y = *d1 + by * sin(direction * M_PI / 12) / (double)n;
            double value = divergence(counts, n, x, y);
            if (value < best) {
                best = value;
                *d0 = x;
                *d1 = y;
                better = true;
            }
        }
        by = better ? by * 1.5 : by / 2;
    }
    return best;
}

START_TEST(the_fit_is_the_best_one)
{
    for (size_t bits = 20; bits <= 60; bits += 20) {
        labelled data = blobs(bits, 300, 5, 12, bits, 0.15);
        double *counts = calloc(bits + 1, sizeof(*counts)), d0, d1;
        size_t n = count_pairs(data.train, 0.3, counts);
        double best = search(counts, n, &d0, &d1);
        tsr_metrics *m = probe(DIMENSION " alpha = 0.3;", &data);
        double found = divergence(counts, n, metric(m, "dimension.train"), metric(m, "slope.train"));
        ck_near(metric(m, "divergence.train"), found, 1e-9);
        ck_assert_double_le(found, best + 1e-8);
        ck_near(metric(m, "dimension.train"), d0, 0.02 * (1 + fabs(d0)));
        tsr_metrics_free(m);
        free(counts);
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(independent_bits_are_as_many_dimensions)
{
    labelled data = { .train = random_codes(3, 2000, 30, 0.5), .test = random_codes(4, 1500, 30, 0.5) };
    tsr_metrics *m = probe(DIMENSION, &data);
    ck_near(metric(m, "dimension.train"), 30, 1.5);
    ck_near(metric(m, "dimension.test"), 30, 1.5);
    ck_near(metric(m, "shell.train"), 30, 1);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(what_is_undefined_says_why)
{
    labelled data = blobs(6, 4, 2, 1, 8, 0);
    tsr_metrics *m = probe(DIMENSION, &data);
    for (size_t i = 0; i < tsr_metrics_count(m); i++)
        ck_assert_str_eq(tsr_metrics_get(m, i).reason, "no two codes differ");
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(dimension_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(7, 1500, 700, 10, 90, 0.1);
    set_two_layers(&data, 70);
    ck_same_when_masked(DIMENSION, &data);
    ck_same_with_two_threads(DIMENSION, &data);
    ck_assert(probe_metric(DIMENSION, &data, "layer1.dimension.test") > 0);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intrinsic_dimension");
    TCase *tests = tcase_create("intrinsic_dimension");
    tcase_add_test(tests, all_codes_of_ten_bits_have_ten_dimensions_at_every_distance);
    tcase_add_test(tests, the_fit_is_the_best_one);
    tcase_add_test(tests, independent_bits_are_as_many_dimensions);
    tcase_add_test(tests, what_is_undefined_says_why);
    tcase_add_test(tests, dimension_stays_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
