/* The redundancy ratio. */
#include "plugins/probe_support.h"

#define REDUNDANCY "plugin = \"redundancy\";"

START_TEST(redundancy_of_identical_rows_is_one_minus_one_over_n)
{
    labelled data = blobs(1, 8, 5, 1, 40, 0);
    ck_assert(probe_metric(REDUNDANCY, &data, "train") == 7.0 / 8);
    ck_assert(probe_metric(REDUNDANCY, &data, "test") == 4.0 / 5);
    labelled_clear(&data);
}
END_TEST

START_TEST(redundancy_of_distinct_rows_is_zero)
{
    labelled data = blobs(2, 50, 30, 50, 100, 0);
    ck_assert(probe_metric(REDUNDANCY, &data, "train") == 0);
    ck_assert(probe_metric(REDUNDANCY, &data, "test") == 0);
    labelled_clear(&data);
}
END_TEST

START_TEST(redundancy_counts_each_set_apart)
{
    static const char *const train[] = { "011", "011", "110", "011", "000" };
    static const char *const test[] = { "011", "011", "011" };
    labelled data = { .train = codes_of(5, train), .test = codes_of(3, test), .classes = 1 };
    ck_assert(probe_metric(REDUNDANCY, &data, "train") == 2.0 / 5);
    ck_assert(probe_metric(REDUNDANCY, &data, "test") == 2.0 / 3);
    labelled_clear(&data);
}
END_TEST

START_TEST(redundancy_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(3, 500, 200, 10, 77, 0.01);
    double ratio = probe_metric(REDUNDANCY, &data, "train");
    ck_assert(ratio > 0.05 && ratio < 0.95);
    ck_same_when_masked(REDUNDANCY, &data);
    labelled_clear(&data);
    data = blobs(4, 5000, 200, 10, 1000, 0.0005);
    ck_same_with_two_threads(REDUNDANCY, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redundancy");
    TCase *tests = tcase_create("redundancy");
    tcase_add_test(tests, redundancy_of_identical_rows_is_one_minus_one_over_n);
    tcase_add_test(tests, redundancy_of_distinct_rows_is_zero);
    tcase_add_test(tests, redundancy_counts_each_set_apart);
    tcase_add_test(tests, redundancy_stays_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
