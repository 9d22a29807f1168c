/* Augmentation rotate. */
#include "support.h"

#include <math.h>

static const tsr_shape image = { 3, { 1, 9, 9 } };

static tsr_placement place(const tsr_instance *rotate, uint64_t example)
{
    const tsr_augmentation_ops *ops = tsr_instance_ops(rotate);
    tsr_placement placement = { .matrix = { { 1, 0 }, { 0, 1 } } };
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_AUGMENT, example);
    ops->place(tsr_instance_self(rotate), &rng, image, &placement);
    return placement;
}

START_TEST(angles_fill_their_range_either_way)
{
    tsr_instance *rotate = test_instance(TSR_AUGMENTATION, "plugin = \"rotate\"; rotate = 15.0;");
    double least = 0, most = 0;
    for (uint64_t example = 0; example < 2000; example++) {
        tsr_placement p = place(rotate, example);
        double degrees = atan2((double)p.matrix[0][1], (double)p.matrix[0][0]) * 180 / M_PI;
        ck_assert(fabs(degrees) <= 15 + 1e-5);
        ck_assert(p.matrix[1][0] == -p.matrix[0][1] && p.matrix[1][1] == p.matrix[0][0]);
        ck_assert(p.down == 0 && p.right == 0 && !p.mirror);
        least = fmin(least, degrees);
        most = fmax(most, degrees);
    }
    ck_assert(least < -14.9 && most > 14.9);
    tsr_instance_free(rotate);
}
END_TEST

START_TEST(a_turn_is_added_to_what_was_before)
{
    tsr_instance *rotate = test_instance(TSR_AUGMENTATION, "plugin = \"rotate\"; rotate = 90.0;");
    const tsr_augmentation_ops *ops = tsr_instance_ops(rotate);
    tsr_placement one = place(rotate, 3), two = { .matrix = { { 0.5f, 0 }, { 0, 2 } } };
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_AUGMENT, 3);
    ops->place(tsr_instance_self(rotate), &rng, image, &two);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            ck_assert_float_eq(two.matrix[i][j], (i ? 2.0f : 0.5f) * one.matrix[i][j]);
    tsr_instance_free(rotate);
}
END_TEST

START_TEST(no_angle_is_idle_and_one_too_large_is_refused)
{
    tsr_instance *idle = test_instance(TSR_AUGMENTATION, "plugin = \"rotate\";"), *rotate;
    const tsr_augmentation_ops *ops = tsr_instance_ops(idle);
    ck_assert(ops->is_idle(tsr_instance_self(idle)));
    tsr_placement p = place(idle, 1);
    ck_assert(p.matrix[0][0] == 1 && p.matrix[0][1] == 0 && p.matrix[1][0] == 0 && p.matrix[1][1] == 1);
    tsr_instance_free(idle);
    ck_fails(test_instance_try(TSR_AUGMENTATION, "plugin = \"rotate\"; rotate = 181.0;", &rotate),
             TSR_REFUSED, "rotate");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rotate");
    TCase *tests = tcase_create("rotate");
    tcase_add_test(tests, angles_fill_their_range_either_way);
    tcase_add_test(tests, a_turn_is_added_to_what_was_before);
    tcase_add_test(tests, no_angle_is_idle_and_one_too_large_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
