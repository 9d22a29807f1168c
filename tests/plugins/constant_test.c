/* Schedule constant. */
#include "schedules_check.h"

START_TEST(the_rate_stays)
{
    tsr_instance *constant = test_instance(TSR_SCHEDULE, "kind = \"constant\";");
    ck_assert(factor_at(constant, 1, 200) == 1 && factor_at(constant, 150, 200) == 1);
    tsr_instance_free(constant);
}
END_TEST

START_TEST(keys_of_other_schedules_are_refused)
{
    tsr_instance *constant;
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"constant\"; every = 20;", &constant), TSR_REFUSED,
             "config:2: unknown key 'every' in schedule constant");
}
END_TEST

START_TEST(a_schedule_is_named_once)
{
    tsr_instance *constant;
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"constant\"; plugin = \"constant\";", &constant),
             TSR_REFUSED, "the plugin is named twice, by 'plugin' and by 'kind'");
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = 3;", &constant), TSR_REFUSED,
             "expected the name of a schedule in quotes");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("constant");
    TCase *tests = tcase_create("constant");
    tcase_add_test(tests, the_rate_stays);
    tcase_add_test(tests, keys_of_other_schedules_are_refused);
    tcase_add_test(tests, a_schedule_is_named_once);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
