/* Regularizer l1. */
#include "regularizers_check.h"

START_TEST(l1_is_the_weighted_sum_of_absolute_values)
{
    tsr_instance *l1 = test_instance(TSR_REGULARIZER, "plugin = \"l1\"; weight = 0.5;");
    ck_assert_double_eq_tol(penalty_of(l1, 4, (float[]){ 1, -2, 0, 4 }, NULL), 3.5, 1e-12);
    tsr_instance_free(l1);
}
END_TEST

START_TEST(l1_has_the_right_gradient_and_none_at_zero)
{
    tsr_instance *l1 = test_instance(TSR_REGULARIZER, "plugin = \"l1\"; weight = 0.5;");
    penalty_gradient_agrees(l1);
    float gradient[] = { 7, 7, 7 };
    penalty_of(l1, 3, (float[]){ 0, 3, -3 }, gradient);
    ck_assert(gradient[0] == 7 && gradient[1] == 7.5f && gradient[2] == 6.5f);
    tsr_instance_free(l1);
}
END_TEST

START_TEST(l1_refuses_a_negative_weight)
{
    tsr_instance *l1;
    ck_fails(test_instance_try(TSR_REGULARIZER, "plugin = \"l1\"; weight = -1.0;", &l1), TSR_REFUSED,
             "weight");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("l1");
    TCase *tests = tcase_create("l1");
    tcase_add_test(tests, l1_is_the_weighted_sum_of_absolute_values);
    tcase_add_test(tests, l1_has_the_right_gradient_and_none_at_zero);
    tcase_add_test(tests, l1_refuses_a_negative_weight);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
