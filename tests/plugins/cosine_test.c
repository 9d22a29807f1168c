/* Schedule cosine. */
#include "schedules_check.h"

#include <math.h>

START_TEST(it_goes_down_along_half_a_cosine)
{
    tsr_instance *cosine = test_instance(TSR_SCHEDULE, "kind = \"cosine\"; minimum = 0.1;");
    ck_assert(factor_at(cosine, 1, 100) == 1);
    ck_assert_double_eq_tol(factor_at(cosine, 51, 100), 0.55, 1e-12);
    ck_assert_double_eq_tol(factor_at(cosine, 100, 100), 0.1 + 0.45 * (1 + cos(0.99 * M_PI)), 1e-12);
    tsr_instance_free(cosine);
}
END_TEST

START_TEST(a_minimum_above_one_is_refused)
{
    tsr_instance *cosine;
    ck_fails(test_instance_try(TSR_SCHEDULE, "kind = \"cosine\"; minimum = 1.1;", &cosine), TSR_REFUSED,
             "minimum");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cosine");
    TCase *tests = tcase_create("cosine");
    tcase_add_test(tests, it_goes_down_along_half_a_cosine);
    tcase_add_test(tests, a_minimum_above_one_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
