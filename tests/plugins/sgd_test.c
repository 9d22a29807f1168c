/* Optimizer sgd. */
#include "optimizers_check.h"

static double plain(double value, double gradient, double factor, unsigned step, double *memory)
{
    (void)step;
    (void)memory;
    return value - 0.1 * factor * gradient;
}

static double heavy(double value, double gradient, double factor, unsigned step, double *memory)
{
    (void)step;
    memory[0] = 0.9 * memory[0] + gradient;
    return value - 0.1 * factor * memory[0];
}

static double nesterov(double value, double gradient, double factor, unsigned step, double *memory)
{
    (void)step;
    memory[0] = 0.9 * memory[0] + gradient;
    return value - 0.1 * factor * (gradient + 0.9 * memory[0]);
}

START_TEST(sgd_follows_its_formula)
{
    tsr_instance *sgd = test_instance(TSR_OPTIMIZER, "plugin = \"sgd\"; learning_rate = 0.1;");
    optimizer_follows(sgd, plain);
    tsr_instance_free(sgd);
}
END_TEST

START_TEST(momentum_follows_its_formula)
{
    tsr_instance *sgd =
        test_instance(TSR_OPTIMIZER, "plugin = \"sgd\"; learning_rate = 0.1; momentum = 0.9;");
    optimizer_follows(sgd, heavy);
    tsr_instance_free(sgd);
}
END_TEST

START_TEST(nesterovs_momentum_follows_its_formula)
{
    tsr_instance *sgd = test_instance(
        TSR_OPTIMIZER, "plugin = \"sgd\"; learning_rate = 0.1; momentum = 0.9; nesterov = true;");
    optimizer_follows(sgd, nesterov);
    tsr_instance_free(sgd);
}
END_TEST

START_TEST(nesterov_without_momentum_is_refused)
{
    tsr_instance *sgd;
    ck_fails(test_instance_try(TSR_OPTIMIZER, "plugin = \"sgd\"; nesterov = true;", &sgd), TSR_REFUSED,
             "nesterov = true needs a momentum greater than 0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sgd");
    TCase *tests = tcase_create("sgd");
    tcase_add_test(tests, sgd_follows_its_formula);
    tcase_add_test(tests, momentum_follows_its_formula);
    tcase_add_test(tests, nesterovs_momentum_follows_its_formula);
    tcase_add_test(tests, nesterov_without_momentum_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
