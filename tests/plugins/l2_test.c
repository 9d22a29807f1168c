/* Regularizer l2. */
#include "regularizers_check.h"

START_TEST(l2_is_the_weighted_sum_of_squares)
{
    tsr_instance *l2 = test_instance(TSR_REGULARIZER, "plugin = \"l2\"; weight = 0.5;");
    ck_assert_double_eq_tol(penalty_of(l2, 4, (float[]){ 1, -2, 0, 4 }, NULL), 10.5, 1e-12);
    tsr_instance_free(l2);
}
END_TEST

START_TEST(l2_has_the_right_gradient)
{
    tsr_instance *l2 = test_instance(TSR_REGULARIZER, "plugin = \"l2\"; weight = 0.5;");
    penalty_gradient_agrees(l2);
    float gradient[] = { 7, 7 };
    penalty_of(l2, 2, (float[]){ 0, 3 }, gradient);
    ck_assert(gradient[0] == 7 && gradient[1] == 10);
    tsr_instance_free(l2);
}
END_TEST

START_TEST(l2_refuses_a_negative_weight)
{
    tsr_instance *l2;
    ck_fails(test_instance_try(TSR_REGULARIZER, "plugin = \"l2\"; weight = -1.0;", &l2), TSR_REFUSED,
             "weight");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("l2");
    TCase *tests = tcase_create("l2");
    tcase_add_test(tests, l2_is_the_weighted_sum_of_squares);
    tcase_add_test(tests, l2_has_the_right_gradient);
    tcase_add_test(tests, l2_refuses_a_negative_weight);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
