/* Augmentation shift. */
#include "support.h"

#include <math.h>

START_TEST(images_move_by_fractions_of_their_sides)
{
    tsr_instance *shift = test_instance(TSR_AUGMENTATION, "plugin = \"shift\"; shift = 0.1;");
    const tsr_augmentation_ops *ops = tsr_instance_ops(shift);
    double down = 0, right = 0, sum = 0;
    enum { n = 4000 };
    for (uint64_t example = 0; example < n; example++) {
        tsr_placement p = { .matrix = { { 1, 0 }, { 0, 1 } }, .down = 5 };
        tsr_rng rng = tsr_rng_stream(1, TSR_FOR_AUGMENT, example);
        ops->place(tsr_instance_self(shift), &rng, TSR_SHAPE(3, 20, 50), &p);
        ck_assert(fabsf(p.down - 5) <= 2.00001f && fabsf(p.right) <= 5.00001f && !p.mirror);
        down = fmax(down, (double)p.down - 5);
        right = fmax(right, (double)p.right);
        sum += (double)p.right;
    }
    ck_assert(down > 1.98 && right > 4.95 && fabs(sum / n) < 0.2);
    ck_assert(!ops->is_idle(tsr_instance_self(shift)));
    tsr_instance_free(shift);
}
END_TEST

START_TEST(no_fraction_is_idle_and_one_above_one_is_refused)
{
    tsr_instance *idle = test_instance(TSR_AUGMENTATION, "plugin = \"shift\";"), *shift;
    const tsr_augmentation_ops *ops = tsr_instance_ops(idle);
    ck_assert(ops->is_idle(tsr_instance_self(idle)));
    tsr_instance_free(idle);
    ck_fails(test_instance_try(TSR_AUGMENTATION, "plugin = \"shift\"; shift = 1.1;", &shift), TSR_REFUSED,
             "shift");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shift");
    TCase *tests = tcase_create("shift");
    tcase_add_test(tests, images_move_by_fractions_of_their_sides);
    tcase_add_test(tests, no_fraction_is_idle_and_one_above_one_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
