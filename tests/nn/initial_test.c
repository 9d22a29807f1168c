/* Initial values: each kind has its mean, its spread and, where it says so, its orthogonality; and each
   parameter its own stream. */
#include "support.h"

#include "nn/initial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 20000 };
static float values[N];

static void draw(tsr_init init, double constant, size_t fan_in, size_t fan_out)
{
    tsr_parameter_spec spec = { .name = "w",
                                .n_dims = 2,
                                .dims = { 100, N / 100 },
                                .init = init,
                                .constant = (float)constant,
                                .fan_in = fan_in,
                                .fan_out = fan_out };
    ck_succeeds(tsr_initial_values(&spec, N, 3, 5, values));
}

static void moments(double *mean, double *deviation, double *largest)
{
    double sum = 0, squares = 0;
    *largest = 0;
    for (size_t i = 0; i < N; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
        *largest = fmax(*largest, fabs((double)values[i]));
    }
    *mean = sum / N;
    *deviation = sqrt(squares / N - *mean * *mean);
}

START_TEST(spreads_are_those_of_the_papers)
{
    static const struct {
        tsr_init init;
        double constant, deviation, limit; /* of uniform ones */
    } kinds[] = {
        { TSR_INIT_GLOROT_UNIFORM, 0, 0.25, 0.4330127 }, /* sqrt(6 / 32) */
        { TSR_INIT_HE_NORMAL, 0, 0.5, 0 },
        { TSR_INIT_FAN_UNIFORM, 0, 0.2041241, 0.3535534 },
        { TSR_INIT_NORMAL, 0.02, 0.02, 0 },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        double mean, deviation, largest;
        draw(kinds[i].init, kinds[i].constant, 8, 24);
        moments(&mean, &deviation, &largest);
        ck_assert_double_lt(fabs(mean), 4 * kinds[i].deviation / sqrt(N));
        ck_assert_double_lt(fabs(deviation / kinds[i].deviation - 1), 0.03);
        ck_assert(kinds[i].limit == 0 ||
                  (largest <= kinds[i].limit * 1.000001 && largest > kinds[i].limit * 0.99));
    }
    draw(TSR_INIT_CONSTANT, 0.75, 0, 0);
    for (size_t i = 0; i < N; i++)
        ck_assert(values[i] == 0.75f);
}
END_TEST

static void rows_are_orthogonal(size_t rows, size_t columns, double length)
{
    tsr_parameter_spec spec = { .name = "w",
                                .n_dims = 3,
                                .dims = { rows, columns / 2, 2 },
                                .init = TSR_INIT_ORTHOGONAL,
                                .constant = (float)length };
    ck_succeeds(tsr_initial_values(&spec, rows * columns, 3, 5, values));
    bool wide = rows <= columns;
    size_t n = wide ? rows : columns, along = wide ? columns : rows;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++) {
            double dot = 0;
            for (size_t j = 0; j < along; j++)
                dot += (double)values[wide ? i * columns + j : j * columns + i] *
                       (double)values[wide ? k * columns + j : j * columns + k];
            ck_assert_double_eq_tol(dot, i == k ? length * length : 0, 1e-5);
        }
}

START_TEST(orthogonal_values_are_orthogonal_either_way)
{
    rows_are_orthogonal(20, 64, 1);
    rows_are_orthogonal(64, 20, 2);
    rows_are_orthogonal(30, 30, 0.5);
    rows_are_orthogonal(1, 2, 1);
}
END_TEST

START_TEST(the_stream_is_the_parameters_own)
{
    tsr_parameter_spec spec = {
        .name = "w", .n_dims = 1, .dims = { 100 }, .init = TSR_INIT_NORMAL, .constant = 1
    };
    float again[100];
    ck_succeeds(tsr_initial_values(&spec, 100, 3, 5, values));
    ck_succeeds(tsr_initial_values(&spec, 100, 3, 5, again));
    ck_assert_mem_eq(values, again, sizeof(again));
    ck_succeeds(tsr_initial_values(&spec, 100, 3, 6, again));
    ck_assert_mem_ne(values, again, sizeof(again));
    ck_succeeds(tsr_initial_values(&spec, 100, 4, 5, again));
    ck_assert_mem_ne(values, again, sizeof(again));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("initial");
    TCase *tests = tcase_create("initial");
    tcase_add_test(tests, spreads_are_those_of_the_papers);
    tcase_add_test(tests, orthogonal_values_are_orthogonal_either_way);
    tcase_add_test(tests, the_stream_is_the_parameters_own);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
