/* Schedule milestones. */
#include "schedules_check.h"

START_TEST(the_factor_counts_after_each_of_the_epochs)
{
    tsr_instance *schedule =
        test_instance(TSR_SCHEDULE, "kind = \"milestones\"; epochs = [ 40, 60, 90 ]; factor = 0.2;");
    static const struct {
        size_t epoch;
        double factor;
    } cases[] = { { 1, 1 },     { 40, 1 },    { 41, 0.2 },   { 60, 0.2 },
                  { 61, 0.04 }, { 90, 0.04 }, { 91, 0.008 }, { 200, 0.008 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        ck_assert_double_eq_tol(factor_at(schedule, cases[i].epoch, 200), cases[i].factor, 1e-12);
    tsr_instance_free(schedule);
}
END_TEST

START_TEST(epochs_must_be_there_and_ascend)
{
    tsr_instance *schedule;
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"milestones\";", &schedule), TSR_REFUSED,
             "lacks the key 'epochs'");
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"milestones\"; epochs = [ 40, 40 ];", &schedule),
             TSR_REFUSED, "40 follows 40, expected ascending epochs");
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"milestones\"; epochs = [ ];", &schedule), TSR_REFUSED,
             "epochs");
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"milestones\"; epochs = [ 0 ];", &schedule),
             TSR_REFUSED, "epochs");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("milestones");
    TCase *tests = tcase_create("milestones");
    tcase_add_test(tests, the_factor_counts_after_each_of_the_epochs);
    tcase_add_test(tests, epochs_must_be_there_and_ascend);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
