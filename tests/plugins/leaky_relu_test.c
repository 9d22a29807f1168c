/* Activation leaky_relu. */
#include "activations_check.h"

START_TEST(negative_inputs_are_multiplied_by_the_slope)
{
    tsr_instance *f = test_instance(TSR_ACTIVATION, "plugin = \"leaky_relu\";");
    ck_assert(activation_value(f, 0, 3) == 3);
    ck_assert_float_eq_tol(activation_value(f, 0, -3), -0.03f, 1e-8f);
    tsr_instance_free(f);
    f = test_instance(TSR_ACTIVATION, "plugin = \"leaky_relu\"; slope = 0.5;");
    ck_assert(activation_value(f, 0, -3) == -1.5f);
    tsr_instance_free(f);
}
END_TEST

START_TEST(leaky_relu_has_right_gradients_and_passes_nan)
{
    tsr_instance *f = test_instance(TSR_ACTIVATION, "plugin = \"leaky_relu\"; slope = 0.2;");
    activation_gradients_agree(f);
    activation_passes_nan(f);
    tsr_instance_free(f);
}
END_TEST

START_TEST(slopes_outside_0_to_1_are_refused)
{
    tsr_instance *f;
    ck_fails(test_instance_try(TSR_ACTIVATION, "plugin = \"leaky_relu\"; slope = 1.5;", &f), TSR_REFUSED,
             "slope");
    ck_fails(test_instance_try(TSR_ACTIVATION, "plugin = \"leaky_relu\"; slope = -0.1;", &f), TSR_REFUSED,
             "slope");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("leaky_relu");
    TCase *tests = tcase_create("leaky_relu");
    tcase_add_test(tests, negative_inputs_are_multiplied_by_the_slope);
    tcase_add_test(tests, leaky_relu_has_right_gradients_and_passes_nan);
    tcase_add_test(tests, slopes_outside_0_to_1_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
