/* Activation prelu. */
#include "activations_check.h"

START_TEST(negative_inputs_are_multiplied_by_what_the_channel_learned)
{
    tsr_instance *f = test_instance(TSR_ACTIVATION, "plugin = \"prelu\";");
    ck_assert(activation_value(f, 0.5f, 3) == 3);
    ck_assert(activation_value(f, 0.5f, -3) == -1.5f);
    ck_assert(activation_value(f, -2, -3) == 6);
    tsr_instance_free(f);
}
END_TEST

START_TEST(slopes_are_saved_as_weight_and_start_where_the_config_says)
{
    tsr_instance *f = test_instance(TSR_ACTIVATION, "plugin = \"prelu\";");
    const tsr_activation_ops *ops = tsr_instance_ops(f);
    ck_assert_str_eq(ops->learned_name, "weight");
    ck_assert(ops->learned_initial(tsr_instance_self(f)) == 0.25);
    tsr_instance_free(f);
    f = test_instance(TSR_ACTIVATION, "plugin = \"prelu\"; initial = 0;");
    ops = tsr_instance_ops(f);
    ck_assert(ops->learned_initial(tsr_instance_self(f)) == 0);
    tsr_instance_free(f);
}
END_TEST

START_TEST(prelu_has_right_gradients_and_passes_nan)
{
    tsr_instance *f = test_instance(TSR_ACTIVATION, "plugin = \"prelu\";");
    activation_gradients_agree(f);
    activation_passes_nan(f);
    tsr_instance_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prelu");
    TCase *tests = tcase_create("prelu");
    tcase_add_test(tests, negative_inputs_are_multiplied_by_what_the_channel_learned);
    tcase_add_test(tests, slopes_are_saved_as_weight_and_start_where_the_config_says);
    tcase_add_test(tests, prelu_has_right_gradients_and_passes_nan);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
