/* Student's t, the statistics of replicates, and the axes that plots stand on. */
#include "config/json.h"
#include "report/axis.h"
#include "report/student.h"
#include "report/summary.h"
#include "support.h"

#include <math.h>

/* Two-sided quantiles as tables print them (and scipy.stats.t.ppf, to ten digits). */
static const struct {
    double confidence;
    size_t freedom;
    double t;
} known[] = {
    { 0.95, 1, 12.706204736432095 },
    { 0.95, 2, 4.302652729911275 },
    { 0.95, 3, 3.182446305284263 },
    { 0.95, 4, 2.7764451051977987 },
    { 0.95, 9, 2.2621571627409915 },
    { 0.95, 10, 2.2281388519649385 },
    { 0.95, 30, 2.0422724563012373 },
    { 0.95, 99, 1.9842169515086827 },
    { 0.95, 1000, 1.9623390808264074 },
    { 0.99, 5, 4.032142983557536 },
    { 0.5, 1, 1.0 },
};

START_TEST(t_is_that_of_the_tables)
{
    double t = tsr_student_t(known[_i].confidence, known[_i].freedom);
    ck_assert_msg(fabs(t / known[_i].t - 1) < 1e-9, "t(%g, %zu) = %.12g, expected %.12g",
                  known[_i].confidence, known[_i].freedom, t, known[_i].t);
}
END_TEST

START_TEST(t_of_many_degrees_is_the_normal_distribution)
{
    ck_assert_double_eq_tol(tsr_student_t(0.95, (size_t)-1), 1.959963985, 1e-5);
}
END_TEST

START_TEST(a_statistic_has_mean_deviation_and_interval)
{
    static const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
    tsr_statistic s = { 0 };
    tsr_interval_factor factor = { 0 };
    for (size_t i = 0; i < 8; i++)
        tsr_statistic_add(&s, values[i]);
    tsr_statistic_finish(&s, &factor);
    ck_assert_uint_eq(s.n, 8);
    ck_assert_double_eq_tol(s.mean, 5, 1e-12);
    ck_assert_double_eq_tol(s.deviation, sqrt(32.0 / 7), 1e-12);
    ck_assert_double_eq_tol(s.interval, 2.364624251 * sqrt(32.0 / 7 / 8), 1e-8);
}
END_TEST

START_TEST(one_value_has_no_interval_and_none_no_mean)
{
    tsr_statistic one = { 0 }, none = { 0 };
    tsr_interval_factor factor = { 0 };
    tsr_statistic_add(&one, 3);
    tsr_statistic_finish(&one, &factor);
    tsr_statistic_finish(&none, &factor);
    ck_assert(one.mean == 3 && isnan(one.deviation) && isnan(one.interval));
    ck_assert(isnan(none.mean) && isnan(none.interval));
}
END_TEST

static tsr_axis axis_of(const char *values)
{
    tsr_axis axis;
    json_t *json = json_loads(values, 0, NULL);
    ck_assert_ptr_nonnull(json);
    tsr_value *list = tsr_value_from_json(json);
    json_decref(json);
    ck_succeeds(tsr_axis_new("key", list->n, (const tsr_value *const *)list->items, &axis));
    tsr_value_free(list);
    return axis;
}

/* Grids of the paper, and what they call for. */
static const struct {
    const char *values;
    bool numeric, logarithmic;
} grids[] = {
    { "[10, 30, 60, 100, 300, 600, 1000, 2000, 3000, 6000, 10000, 20000, 30000, 40000]", true, true },
    { "[0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]", true, true },
    { "[3, 7, 10, 15, 20, 23, 27, 30, 33, 37, 40, 43, 47, 50, 53, 57, 60, 65, 70, 75, 80, 90, 100]", true,
      false },
    { "[0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]", true, false },
    { "[2, 4, 8]", true, false },
    { "[-1, 1, 1000]", true, false },
    { "[\"relu\", \"prelu\"]", false, false },
    { "[7]", true, false },
};

START_TEST(an_axis_is_logarithmic_where_its_values_call_for_it)
{
    tsr_axis axis = axis_of(grids[_i].values);
    ck_assert_msg(axis.numeric == grids[_i].numeric && axis.logarithmic == grids[_i].logarithmic, "%s",
                  grids[_i].values);
    tsr_axis_clear(&axis);
}
END_TEST

START_TEST(zero_stands_one_step_before_the_smallest)
{
    tsr_axis axis = axis_of("[1e-2, 0, 1e-4, 1e-3]");
    ck_assert_double_eq_tol(axis.at[1], -5, 1e-9);
    ck_assert_uint_eq(axis.rank[1], 0);
    ck_assert_uint_eq(axis.rank[0], 3);
    ck_assert_str_eq(axis.labels[2], "0.0001");
    tsr_axis_clear(&axis);
}
END_TEST

START_TEST(plugins_are_labelled_by_name_or_by_what_tells_them_apart)
{
    tsr_axis axis = axis_of("[{\"plugin\": \"a\", \"x\": 1}, {\"plugin\": \"b\", \"x\": 1}]");
    ck_assert_str_eq(axis.labels[0], "a");
    tsr_axis_clear(&axis);
    axis = axis_of("[{\"plugin\": \"a\", \"x\": 1}, {\"plugin\": \"a\", \"x\": 0.5}]");
    ck_assert_str_eq(axis.labels[0], "a x=1");
    ck_assert_str_eq(axis.labels[1], "a x=0.5");
    tsr_axis_clear(&axis);
    axis = axis_of("[[], [{\"plugin\": \"a\"}, {\"plugin\": \"b\"}]]");
    ck_assert_str_eq(axis.labels[0], "none");
    ck_assert_str_eq(axis.labels[1], "a + b");
    tsr_axis_clear(&axis);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statistics");
    TCase *tests = tcase_create("statistics");
    tcase_add_loop_test(tests, t_is_that_of_the_tables, 0, sizeof(known) / sizeof(known[0]));
    tcase_add_test(tests, t_of_many_degrees_is_the_normal_distribution);
    tcase_add_test(tests, a_statistic_has_mean_deviation_and_interval);
    tcase_add_test(tests, one_value_has_no_interval_and_none_no_mean);
    tcase_add_loop_test(tests, an_axis_is_logarithmic_where_its_values_call_for_it, 0,
                        sizeof(grids) / sizeof(grids[0]));
    tcase_add_test(tests, zero_stands_one_step_before_the_smallest);
    tcase_add_test(tests, plugins_are_labelled_by_name_or_by_what_tells_them_apart);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
