/* Schedule warm_up. */
#include "schedules_check.h"

START_TEST(the_rate_rises_step_by_step_to_one)
{
    tsr_instance *schedule = test_instance(TSR_SCHEDULE, "kind = \"warm_up\"; epochs = 2;");
    ck_assert_double_eq_tol(factor_of_step(schedule, 1, 10, 1, 5), 0.1, 1e-12);
    ck_assert_double_eq_tol(factor_of_step(schedule, 1, 10, 5, 5), 0.5, 1e-12);
    ck_assert_double_eq_tol(factor_of_step(schedule, 2, 10, 1, 5), 0.6, 1e-12);
    ck_assert(factor_of_step(schedule, 2, 10, 5, 5) == 1);
    ck_assert(factor_of_step(schedule, 3, 10, 1, 5) == 1 && factor_of_step(schedule, 10, 10, 5, 5) == 1);
    tsr_instance_free(schedule);
}
END_TEST

START_TEST(the_rise_may_start_above_zero)
{
    tsr_instance *schedule = test_instance(TSR_SCHEDULE, "kind = \"warm_up\"; epochs = 1; start = 0.5;");
    ck_assert_double_eq_tol(factor_of_step(schedule, 1, 10, 1, 5), 0.6, 1e-12);
    ck_assert(factor_of_step(schedule, 1, 10, 5, 5) == 1);
    tsr_instance_free(schedule);
}
END_TEST

START_TEST(another_schedule_follows_whose_epochs_count_from_the_beginning)
{
    tsr_instance *schedule = test_instance(
        TSR_SCHEDULE,
        "kind = \"warm_up\"; epochs = 4; then = { kind = \"step\"; every = 3; factor = 0.1; };");
    ck_assert_double_eq_tol(factor_of_step(schedule, 2, 10, 2, 2), 0.5, 1e-12);
    ck_assert_double_eq_tol(factor_of_step(schedule, 4, 10, 1, 2), 0.875 * 0.1, 1e-12);
    ck_assert_double_eq_tol(factor_of_step(schedule, 5, 10, 1, 2), 0.1, 1e-12);
    ck_assert_double_eq_tol(factor_of_step(schedule, 7, 10, 1, 2), 0.01, 1e-12);
    tsr_instance_free(schedule);
}
END_TEST

START_TEST(what_follows_must_be_a_schedule)
{
    tsr_instance *schedule;
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"warm_up\"; then = { plugin = \"adam\"; };", &schedule),
             TSR_REFUSED, "no schedule is called 'adam'");
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"warm_up\"; epochs = 0;", &schedule), TSR_REFUSED,
             "epochs");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("warm_up");
    TCase *tests = tcase_create("warm_up");
    tcase_add_test(tests, the_rate_rises_step_by_step_to_one);
    tcase_add_test(tests, the_rise_may_start_above_zero);
    tcase_add_test(tests, another_schedule_follows_whose_epochs_count_from_the_beginning);
    tcase_add_test(tests, what_follows_must_be_a_schedule);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
