/* Schedule step. */
#include "schedules_check.h"

START_TEST(the_factor_counts_after_every_so_many_epochs)
{
    tsr_instance *step = test_instance(TSR_SCHEDULE, "kind = \"step\"; every = 20; factor = 0.1;");
    ck_assert(factor_at(step, 1, 200) == 1 && factor_at(step, 20, 200) == 1);
    ck_assert_double_eq_tol(factor_at(step, 21, 200), 0.1, 1e-12);
    ck_assert_double_eq_tol(factor_at(step, 40, 200), 0.1, 1e-12);
    ck_assert_double_eq_tol(factor_at(step, 41, 200), 0.01, 1e-12);
    ck_assert(factor_of_step(step, 20, 200, 10, 10) == 1);
    tsr_instance_free(step);
}
END_TEST

START_TEST(a_length_of_no_epoch_is_refused)
{
    tsr_instance *step;
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"step\"; every = 0;", &step), TSR_REFUSED, "every");
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"step\"; factor = 1.5;", &step), TSR_REFUSED, "factor");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("step");
    TCase *tests = tcase_create("step");
    tcase_add_test(tests, the_factor_counts_after_every_so_many_epochs);
    tcase_add_test(tests, a_length_of_no_epoch_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
