/* Augmentation flip. */
#include "support.h"

static tsr_placement place(const tsr_instance *flip, uint64_t example, bool before)
{
    const tsr_augmentation_ops *ops = tsr_instance_ops(flip);
    tsr_placement placement = { .matrix = { { 1, 0 }, { 0, 1 } }, .mirror = before };
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_AUGMENT, example);
    ops->place(tsr_instance_self(flip), &rng, TSR_SHAPE(1, 9, 9), &placement);
    return placement;
}

START_TEST(every_other_image_is_mirrored)
{
    tsr_instance *flip = test_instance(TSR_AUGMENTATION, "plugin = \"flip\"; flip = true;");
    size_t flips = 0;
    enum { n = 4000 };
    for (uint64_t example = 0; example < n; example++) {
        bool mirror = place(flip, example, false).mirror;
        ck_assert(place(flip, example, true).mirror != mirror); /* mirrored twice, it is as it was */
        flips += mirror;
    }
    ck_assert(flips > n * 0.46 && flips < n * 0.54);
    tsr_instance_free(flip);
}
END_TEST

START_TEST(by_default_none_is)
{
    tsr_instance *flip = test_instance(TSR_AUGMENTATION, "plugin = \"flip\";");
    const tsr_augmentation_ops *ops = tsr_instance_ops(flip);
    ck_assert(ops->is_idle(tsr_instance_self(flip)));
    for (uint64_t example = 0; example < 20; example++)
        ck_assert(!place(flip, example, false).mirror);
    tsr_instance_free(flip);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flip");
    TCase *tests = tcase_create("flip");
    tcase_add_test(tests, every_other_image_is_mirrored);
    tcase_add_test(tests, by_default_none_is);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
