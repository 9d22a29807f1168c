/* L-BFGS in steps, on functions whose minimum is known. */
#include "support.h"

#include "../../plugins/probes/logistic_regression/minimiser.h"

#include <math.h>
#include <stdlib.h>

typedef double function(size_t n, const float *x, float *gradient);

/* Runs to the end; the caller clears it. */
static void minimise(minimiser *m, function *f, size_t n, int max_iterations, double tolerance,
                     int *evaluations)
{
    ck_assert(minimiser_start(m, n, max_iterations, tolerance));
    for (*evaluations = 0; !m->done; ++*evaluations) {
        m->value = f(n, m->x, m->gradient);
        minimiser_step(m);
    }
}

/* Bowls of ever steeper curvature, centred at 1, 2, 3 ... */
static double bowl(size_t n, const float *x, float *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double away = (double)x[i] - (double)(i + 1), steep = pow(1.5, (double)i);
        sum += 0.5 * steep * away * away;
        gradient[i] = (float)(steep * away);
    }
    return sum;
}

START_TEST(a_bowl_is_left_at_its_lowest_point)
{
    minimiser m;
    int evaluations;
    minimise(&m, bowl, 12, 200, 1e-3, &evaluations);
    for (size_t i = 0; i < 12; i++) {
        ck_assert_float_eq_tol(m.x[i], (float)(i + 1), 1e-3f);
        ck_assert_float_le(fabsf(m.gradient[i]), 1e-3f);
    }
    ck_assert_int_lt(m.iterations, 60);
    ck_assert_int_le(evaluations, 2 * m.iterations + 2);
    minimiser_clear(&m);
}
END_TEST

/* Rosenbrock's valley: not convex, its floor bends. */
static double valley(size_t n, const float *x, float *gradient)
{
    double a = x[0], b = x[1];
    (void)n;
    gradient[0] = (float)(-2 * (1 - a) - 400 * a * (b - a * a));
    gradient[1] = (float)(200 * (b - a * a));
    return (1 - a) * (1 - a) + 100 * (b - a * a) * (b - a * a);
}

START_TEST(a_valley_is_followed_to_its_end)
{
    minimiser m;
    int evaluations;
    minimise(&m, valley, 2, 500, 1e-3, &evaluations);
    ck_assert_float_eq_tol(m.x[0], 1, 1e-2f);
    ck_assert_float_eq_tol(m.x[1], 1, 1e-2f);
    minimiser_clear(&m);
}
END_TEST

START_TEST(iterations_are_not_more_than_allowed)
{
    minimiser m;
    int evaluations;
    minimise(&m, bowl, 12, 3, 0, &evaluations);
    ck_assert_int_eq(m.iterations, 3);
    minimiser_clear(&m);
}
END_TEST

static double flat(size_t n, const float *x, float *gradient)
{
    (void)x;
    for (size_t i = 0; i < n; i++)
        gradient[i] = 0;
    return 5;
}

START_TEST(where_it_is_flat_one_evaluation_is_enough)
{
    minimiser m;
    int evaluations;
    minimise(&m, flat, 4, 100, 0, &evaluations);
    ck_assert_int_eq(evaluations, 1);
    ck_assert_int_eq(m.iterations, 0);
    minimiser_clear(&m);
}
END_TEST

/* Falls for ever. */
static double slope(size_t n, const float *x, float *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = -1;
        sum -= (double)x[i];
    }
    return sum;
}

/* Cannot be evaluated anywhere but at 0. */
static double cliff(size_t n, const float *x, float *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = -1;
        sum += x[i] == 0 ? 0 : (double)NAN;
    }
    return sum;
}

START_TEST(a_search_that_finds_nothing_ends)
{
    minimiser m;
    int evaluations;
    minimise(&m, slope, 4, 100, 0, &evaluations);
    ck_assert_int_lt(evaluations, 100 * 25);
    minimiser_clear(&m);
    minimise(&m, cliff, 4, 100, 0, &evaluations);
    for (size_t i = 0; i < 4; i++)
        ck_assert(m.x[i] == 0);
    minimiser_clear(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("minimiser");
    TCase *tests = tcase_create("minimiser");
    tcase_add_test(tests, a_bowl_is_left_at_its_lowest_point);
    tcase_add_test(tests, a_valley_is_followed_to_its_end);
    tcase_add_test(tests, iterations_are_not_more_than_allowed);
    tcase_add_test(tests, where_it_is_flat_one_evaluation_is_enough);
    tcase_add_test(tests, a_search_that_finds_nothing_ends);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
