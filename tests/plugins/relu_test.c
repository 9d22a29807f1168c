/* Activation relu. */
#include "activations_check.h"

#include <math.h>

static tsr_instance *relu(void)
{
    return test_instance(TSR_ACTIVATION, "plugin = \"relu\";");
}

START_TEST(relu_is_the_larger_of_x_and_zero)
{
    tsr_instance *f = relu();
    ck_assert(activation_value(f, 0, 2.5f) == 2.5f);
    ck_assert(activation_value(f, 0, -2.5f) == 0);
    ck_assert(activation_value(f, 0, 0) == 0);
    ck_assert(isinf(activation_value(f, 0, INFINITY)));
    ck_assert(activation_value(f, 0, -INFINITY) == 0);
    tsr_instance_free(f);
}
END_TEST

START_TEST(relu_has_right_gradients_and_passes_nan)
{
    tsr_instance *f = relu();
    activation_gradients_agree(f);
    activation_passes_nan(f);
    tsr_instance_free(f);
}
END_TEST

START_TEST(relu_learns_nothing_and_breaks_at_zero)
{
    tsr_instance *f = relu();
    const tsr_activation_ops *ops = tsr_instance_ops(f);
    ck_assert_ptr_null(ops->learned_name);
    ck_assert(ops->breakpoints == NULL);
    tsr_instance_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("relu");
    TCase *tests = tcase_create("relu");
    tcase_add_test(tests, relu_is_the_larger_of_x_and_zero);
    tcase_add_test(tests, relu_has_right_gradients_and_passes_nan);
    tcase_add_test(tests, relu_learns_nothing_and_breaks_at_zero);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
