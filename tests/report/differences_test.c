/* Differences of two means and their intervals, against scipy's numbers; names of studies; t of any degrees.
 */
#include "report/comparison.h"
#include "report/differences.h"
#include "report/student.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

/* Where scipy.stats.t.cdf is 0.975, by scipy.optimize.brentq: t.ppf itself is good to nine digits only. */
static const struct {
    double freedom, t;
} known[] = {
    { 1.3, 7.500529325562 },     { 2.5, 3.574654842004 },  { 3.75, 2.850989283592 },
    { 7.123456, 2.35634195365 }, { 48.6, 2.009993684187 }, { 1234.5, 1.961887483331 },
    { 10, 2.2281388519649385 },
};

START_TEST(t_of_degrees_that_are_no_whole_numbers_is_known)
{
    double t = tsr_student_t_real(0.95, known[_i].freedom);
    ck_assert_msg(fabs(t / known[_i].t - 1) < 1e-11, "t(%g) = %.12g, expected %.12g", known[_i].freedom, t,
                  known[_i].t);
}
END_TEST

static const double before[] = { 0.91, 0.93, 0.90, 0.95, 0.92 }, after[] = { 0.94, 0.95, 0.91, 0.97, 0.96 };

/* mean, and t.ppf(0.975, n - 1) * std(ddof=1) / sqrt(n), of after - before. */
START_TEST(pairs_have_the_interval_of_their_differences)
{
    tsr_difference d = tsr_difference_of_pairs(5, before, after);
    ck_assert(d.paired);
    ck_assert_uint_eq(d.n, 5);
    ck_assert_double_eq_tol(d.reference, 0.922, 1e-12);
    ck_assert_double_eq_tol(d.other, 0.946, 1e-12);
    ck_assert_double_eq_tol(d.difference, 0.024, 1e-12);
    ck_assert_double_eq_tol(d.interval, 0.01415714776982271, 1e-12);
    ck_assert(tsr_difference_is_clear(&d));
}
END_TEST

/* t.ppf(0.975, df) * sqrt(v0 + v1) with df of Welch and Satterthwaite, t as above. */
static const struct {
    size_t n, n_other;
    double reference[6], other[6], difference, interval;
    bool clear;
} samples[] = {
    { 5,
      3,
      { 0.91, 0.93, 0.90, 0.95, 0.92 },
      { 0.94, 0.95, 0.91 },
      0.011333333333333195,
      0.040861891571734,
      false },
    { 6, 3, { 1, 2, 3, 4, 5, 6 }, { 10, 11, 19 }, 9.833333333333334, 11.252247544336, false },
    { 2, 5, { 3, 5 }, { 4, 4, 4, 9, 30 }, 6.2, 13.898956691903, false },
    { 3, 3, { 1, 1, 1 }, { 2, 2, 2 }, 1, 0, true },
};

START_TEST(independent_values_have_welchs_interval)
{
    tsr_difference d = tsr_difference_of_samples(samples[_i].n, samples[_i].reference, samples[_i].n_other,
                                                 samples[_i].other);
    ck_assert(!d.paired);
    ck_assert_uint_eq(d.n, samples[_i].n);
    ck_assert_uint_eq(d.n_other, samples[_i].n_other);
    ck_assert_double_eq_tol(d.difference, samples[_i].difference, 1e-12);
    ck_assert_double_eq_tol(d.interval, samples[_i].interval, 1e-11);
    ck_assert(tsr_difference_is_clear(&d) == samples[_i].clear);
}
END_TEST

START_TEST(one_value_gives_a_difference_without_an_interval)
{
    tsr_difference d = tsr_difference_of_samples(1, before, 5, after);
    ck_assert_double_eq_tol(d.difference, 0.036, 1e-12);
    ck_assert(isnan(d.interval));
    ck_assert(!tsr_difference_is_clear(&d));
}
END_TEST

static const struct {
    size_t n;
    const char *folders[3], *labels[3];
} names[] = {
    { 2, { "results/a", "results/b/" }, { "a", "b" } },
    { 2, { "x/digits", "y/digits" }, { "x", "y" } },
    { 2, { "p/x/digits/", "p/y/digits" }, { "x", "y" } },
    { 2, { "a", "b/a" }, { "a", "b/a" } },
    { 2, { "a", "a/b" }, { "a", "a/b" } },
    { 2, { "run", "rung" }, { "run", "rung" } },
    { 3, { "/r/one", "/r/two", "/s/one" }, { "r/one", "r/two", "s/one" } },
};

START_TEST(studies_are_called_by_what_differs_in_their_folders)
{
    char **labels = tsr_comparison_labels(names[_i].n, names[_i].folders);
    ck_assert_ptr_nonnull(labels);
    for (size_t i = 0; i < names[_i].n; i++) {
        ck_assert_str_eq(labels[i], names[_i].labels[i]);
        free(labels[i]);
    }
    free(labels);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

int main(void)
{
    Suite *suite = suite_create("differences");
    TCase *cases = tcase_create("differences");
    suite_add_tcase(suite, cases);
    tcase_add_loop_test(cases, t_of_degrees_that_are_no_whole_numbers_is_known, 0, COUNT(known));
    tcase_add_test(cases, pairs_have_the_interval_of_their_differences);
    tcase_add_loop_test(cases, independent_values_have_welchs_interval, 0, COUNT(samples));
    tcase_add_test(cases, one_value_gives_a_difference_without_an_interval);
    tcase_add_loop_test(cases, studies_are_called_by_what_differs_in_their_folders, 0, COUNT(names));
    return test_main(suite);
}
