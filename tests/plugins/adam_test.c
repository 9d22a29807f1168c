/* Optimizer adam. */
#include "optimizers_check.h"

#include "base/machine.h"

#include <math.h>

/* Kingma and Ba 2015, algorithm 1, as it is written there. */
static double algorithm_1(double value, double gradient, double factor, unsigned step, double *memory)
{
    memory[0] = 0.8 * memory[0] + (1 - 0.8) * gradient;
    memory[1] = 0.99 * memory[1] + (1 - 0.99) * gradient * gradient;
    double mean = memory[0] / (1 - pow(0.8, step)), square = memory[1] / (1 - pow(0.99, step));
    return value - 0.01 * factor * mean / (sqrt(square) + 1e-8);
}

START_TEST(adam_follows_the_papers_algorithm)
{
    tsr_instance *adam =
        test_instance(TSR_OPTIMIZER, "plugin = \"adam\"; learning_rate = 0.01; beta1 = 0.8; beta2 = 0.99;");
    optimizer_follows(adam, algorithm_1);
    tsr_instance_free(adam);
}
END_TEST

START_TEST(the_first_step_is_the_learning_rate_against_the_gradients_sign)
{
    tsr_instance *adam = test_instance(TSR_OPTIMIZER, "plugin = \"adam\";");
    const tsr_optimizer_ops *ops = tsr_instance_ops(adam);
    _Alignas(64) float values[3] = { 1, 1, 1 }, gradients[3] = { 5, -0.02f, 0 }, mean[3] = { 0 },
                       square[3] = { 0 };
    float *slots[] = { mean, square };
    ck_assert_uint_eq(ops->slots(tsr_instance_self(adam)), 2);
    ops->update(tsr_instance_self(adam), &(tsr_update){ 3, values, gradients, slots, 1, 1, 0, NULL });
    ck_assert_float_eq_tol(values[0], 0.999f, 1e-6f);
    ck_assert_float_eq_tol(values[1], 1.001f, 1e-6f);
    ck_assert(values[2] == 1);
    tsr_instance_free(adam);
}
END_TEST

START_TEST(gradients_whose_squares_vanish_leave_everything_finite)
{
    tsr_instance *adam = test_instance(TSR_OPTIMIZER, "plugin = \"adam\";");
    const tsr_optimizer_ops *ops = tsr_instance_ops(adam);
    _Alignas(64) float values[2] = { 1, 1 }, gradients[2] = { 1e-30f, 1e-42f }, mean[2] = { 0 },
                       square[2] = { 0 };
    float *slots[] = { mean, square };
    tsr_flush_subnormals();
    for (uint64_t step = 1; step <= 2000; step++) {
        ops->update(tsr_instance_self(adam), &(tsr_update){ 2, values, gradients, slots, step, 1, 0, NULL });
        gradients[0] = gradients[1] = 0;
        for (size_t i = 0; i < 2; i++) {
            ck_assert(values[i] == 1);
            ck_assert(mean[i] == 0 || isnormal(mean[i]));
            ck_assert(square[i] == 0 || isnormal(square[i]));
        }
    }
    tsr_instance_free(adam);
}
END_TEST

/* From gradients whose squares vanish to those whose squares overflow; an odd number of parameters. */
START_TEST(a_step_is_right_to_a_few_bits_whatever_the_gradients_size)
{
    tsr_instance *adam = test_instance(TSR_OPTIMIZER, "plugin = \"adam\"; learning_rate = 1.0;");
    const tsr_optimizer_ops *ops = tsr_instance_ops(adam);
    enum { N = 77 };
    _Alignas(64) float values[N + 1] = { 0 }, gradients[N], mean[N + 1] = { 0 }, square[N + 1] = { 0 };
    float *slots[] = { mean, square };
    for (size_t i = 0; i < N; i++)
        gradients[i] = (float)((i % 2 ? -1 : 1) * pow(10, (double)i * 0.5 - 18));
    mean[N] = square[N] = values[N] = 7; /* a guard */
    ops->update(tsr_instance_self(adam), &(tsr_update){ N, values, gradients, slots, 1, 1, 0, NULL });
    for (size_t i = 0; i < N; i++) {
        double g = (double)gradients[i], expected = -g / (sqrt((double)square[i] / 0.001) + 1e-8);
        if (isfinite(square[i]))
            ck_assert_double_eq_tol((double)values[i], expected, 2e-6 * fabs(expected));
        else
            ck_assert(isfinite(values[i]));
    }
    ck_assert(mean[N] == 7 && square[N] == 7 && values[N] == 7);
    gradients[3] = NAN; /* shows */
    ops->update(tsr_instance_self(adam), &(tsr_update){ N, values, gradients, slots, 2, 1, 0, NULL });
    ck_assert(isnan(values[3]) && isfinite(values[2]) && isfinite(values[4]));
    tsr_instance_free(adam);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("adam");
    TCase *tests = tcase_create("adam");
    tcase_add_test(tests, adam_follows_the_papers_algorithm);
    tcase_add_test(tests, the_first_step_is_the_learning_rate_against_the_gradients_sign);
    tcase_add_test(tests, gradients_whose_squares_vanish_leave_everything_finite);
    tcase_add_test(tests, a_step_is_right_to_a_few_bits_whatever_the_gradients_size);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
