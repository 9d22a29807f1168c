/* Rank correlations have the values that are known of them, and those of their definitions. */
#include "support.h"

#include "report/ranks.h"

#include <math.h>

static tsr_rank_correlation correlate(size_t n, const double *x, const double *y)
{
    tsr_rank_correlation found;
    ck_assert(tsr_rank_correlate(n, x, y, &found));
    return found;
}

START_TEST(known_values_are_found)
{
    const double x[] = { 12, 2, 1, 12, 2 }, y[] = { 1, 4, 7, 1, 0 }; /* ties in both */
    tsr_rank_correlation found = correlate(5, x, y);
    ck_assert_double_eq_tol(found.tau, -0.47140452079103173, 1e-15);
    const double rising[] = { 1, 2, 3, 4, 5 }, nearly[] = { 5, 6, 7, 8, 7 };
    found = correlate(5, rising, nearly);
    ck_assert_double_eq_tol(found.rho, 0.8207826816681233, 1e-15);
    found = correlate(5, rising, rising);
    ck_assert_double_eq_tol(found.tau, 1, 1e-15);
    ck_assert_double_eq_tol(found.rho, 1, 1e-15);
    const double falling[] = { 9, 7, 5, 3, -1e300 };
    found = correlate(5, rising, falling);
    ck_assert_double_eq_tol(found.tau, -1, 1e-15);
    ck_assert_double_eq_tol(found.rho, -1, 1e-15);
}
END_TEST

START_TEST(without_ties_rho_is_that_of_squared_differences_of_ranks)
{
    const double x[] = { 3, 1, 4, 15, 9, 2, 6 }, y[] = { 2, 7, 1, 8, 28, 18, 3 };
    const double rank_x[] = { 2, 0, 3, 6, 5, 1, 4 }, rank_y[] = { 1, 3, 0, 4, 6, 5, 2 };
    double squares = 0;
    for (int i = 0; i < 7; i++)
        squares += (rank_x[i] - rank_y[i]) * (rank_x[i] - rank_y[i]);
    ck_assert_double_eq_tol(correlate(7, x, y).rho, 1 - 6 * squares / (7 * 48), 1e-15);
}
END_TEST

START_TEST(what_does_not_vary_has_none)
{
    const double x[] = { 1, 1, 1 }, y[] = { 1, 2, 3 };
    ck_assert(isnan(correlate(3, x, y).tau) && isnan(correlate(3, x, y).rho));
    ck_assert(isnan(correlate(3, y, x).tau) && isnan(correlate(3, y, x).rho));
    ck_assert(isnan(correlate(1, y, y).tau) && isnan(correlate(0, y, y).rho));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ranks");
    TCase *tests = tcase_create("ranks");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, known_values_are_found);
    tcase_add_test(tests, without_ties_rho_is_that_of_squared_differences_of_ranks);
    tcase_add_test(tests, what_does_not_vary_has_none);
    return test_main(suite);
}
