/* Scores of untrained networks against known values and against determinants by their definition. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ZERO_COST "plugin = \"zero_cost\";"

static tsr_metrics *of_rows(size_t n, const char *const *rows)
{
    labelled data = { codes_of(n, rows), codes_of(n, rows), NULL, NULL, 0 };
    tsr_metrics *m = probe(ZERO_COST, &data);
    labelled_clear(&data);
    return m;
}

START_TEST(known_codes_have_known_scores)
{
    tsr_metrics *m = of_rows(4, (const char *const[]){ "0000", "0001", "0011", "1111" });
    ck_near(metric(m, "naswot.train"), log(32), 1e-12);
    ck_near(metric(m, "naswot_normalised.train"), log(32) - 4 * log(4), 1e-12);
    ck_assert(metric(m, "swap.train") == 3 && metric(m, "distinct.train") == 4);
    tsr_metrics_free(m);
    m = of_rows(2, (const char *const[]){ "0110", "0111" });
    ck_near(metric(m, "naswot.train"), log(7), 1e-12);
    tsr_metrics_free(m);
    m = of_rows(3, (const char *const[]){ "00000000", "11110000", "11001100" });
    ck_near(metric(m, "naswot.train"), log(256), 1e-12);
    tsr_metrics_free(m);
}
END_TEST

/* The sum over all permutations: each chooses a column for row `row` that is not in `used`. */
static double determinant(const tsr_codes *codes, size_t row, unsigned used)
{
    double sum = 0;
    int sign = 1;
    if (row == codes->n)
        return 1;
    for (size_t j = 0; j < codes->n; j++) {
        if (used >> j & 1)
            continue;
        double entry = (double)codes->bits - (double)naive_distance(codes, row, codes, j);
        sum += sign * entry * determinant(codes, row + 1, used | 1u << j);
        sign = -sign;
    }
    return sum;
}

static size_t different_columns(const tsr_codes *codes)
{
    size_t count = 0;
    for (size_t j = 0; j < codes->bits; j++) {
        bool is_new = true;
        for (size_t k = 0; k < j; k++) {
            bool same = true;
            for (size_t i = 0; i < codes->n; i++)
                same = same && get_bit(codes, i, j) == get_bit(codes, i, k);
            is_new = is_new && !same;
        }
        count += is_new;
    }
    return count;
}

START_TEST(scores_are_those_of_the_definitions)
{
    size_t singular = 0;
    for (size_t round = 0; round < 60; round++) {
        labelled data = blobs(round, 2 + round % 5, 3, 2, 2 + round % 7 * 2, 0.4);
        tsr_metrics *m = probe(ZERO_COST, &data);
        double det = determinant(data.train, 0, 0);
        if (det == 0)
            ck_assert(isnan(metric(m, "naswot.train")));
        else
            ck_near(metric(m, "naswot.train"), log(fabs(det)), 1e-10);
        singular += det == 0;
        ck_assert(metric(m, "swap.train") == (double)different_columns(data.train));
        ck_undefined_say_why(m);
        tsr_metrics_free(m);
        labelled_clear(&data);
    }
    ck_assert_uint_gt(singular, 5);
    ck_assert_uint_lt(singular, 50);
}
END_TEST

START_TEST(singular_matrices_say_why)
{
    tsr_metrics *m = of_rows(3, (const char *const[]){ "0110", "1001", "0110" });
    tsr_metric_value value = tsr_metrics_get(m, 0);
    ck_assert_str_eq(value.name, "naswot.train");
    ck_assert_msg(strstr(value.reason, "two codes of the batch are equal") != NULL, "%s", value.reason);
    tsr_metrics_free(m);
    m = of_rows(4, (const char *const[]){ "00", "01", "10", "11" }); /* 00 + 11 agree with all as 01 + 10 */
    value = tsr_metrics_get(m, 0);
    ck_assert_msg(strstr(value.reason, "depend on others") != NULL, "%s", value.reason);
    ck_assert(isnan(value.value) && metric(m, "distinct.train") == 4 && metric(m, "swap.train") == 2);
    tsr_metrics_free(m);
}
END_TEST

START_TEST(the_batch_is_drawn_and_layers_are_scored_apart)
{
    labelled data = blobs(5, 700, 10, 3, 400, 0.2);
    set_two_layers(&data, 190);
    tsr_metrics *m = probe(ZERO_COST " batch = 100;", &data);
    ck_assert(metric(m, "distinct.train") == 100 && metric(m, "layer0.distinct.train") == 100);
    ck_assert(metric(m, "layer0.swap.train") <= 190 && metric(m, "swap.train") > 190);
    ck_assert(metric(m, "layer1.naswot.train") < metric(m, "naswot.train"));
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(scores_stay_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(7, 1500, 7, 10, 190, 0.2);
    ck_same_with_two_threads(ZERO_COST, &data);
    double before = probe_metric(ZERO_COST, &data, "naswot.train");
    mask_codes(77, data.train, data.test); /* columns that are each other's complement become equal ones */
    ck_assert(before == probe_metric(ZERO_COST, &data, "naswot.train"));
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zero_cost");
    TCase *tests = tcase_create("zero_cost");
    tcase_add_test(tests, known_codes_have_known_scores);
    tcase_add_test(tests, scores_are_those_of_the_definitions);
    tcase_add_test(tests, singular_matrices_say_why);
    tcase_add_test(tests, the_batch_is_drawn_and_layers_are_scored_apart);
    tcase_add_test(tests, scores_stay_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
