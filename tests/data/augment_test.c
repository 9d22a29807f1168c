/* Turning, shifting and mirroring images: what can be said exactly, and what interpolation gives. */
#include "data/augment.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

#define SIDE 9
#define PLANE (SIDE * SIDE)

static const tsr_shape square = { 3, { 2, SIDE, SIDE } };

static void fill(float *image, size_t n, uint64_t index)
{
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, index);
    tsr_rng_fill_uniform(&rng, n, image, -1, 1);
}

START_TEST(no_change_is_the_identity)
{
    float in[2 * PLANE], out[2 * PLANE];
    fill(in, 2 * PLANE, 0);
    tsr_augment_apply(&(tsr_transform){ 0 }, square, in, out);
    ck_assert_mem_eq(in, out, sizeof(in));
}
END_TEST

START_TEST(a_quarter_turn_is_exact_and_counterclockwise)
{
    float in[2 * PLANE], out[2 * PLANE];
    fill(in, 2 * PLANE, 1);
    tsr_augment_apply(&(tsr_transform){ .degrees = 90 }, square, in, out);
    for (size_t c = 0; c < 2; c++)
        for (size_t y = 0; y < SIDE; y++)
            for (size_t x = 0; x < SIDE; x++)
                ck_assert(out[c * PLANE + y * SIDE + x] == in[c * PLANE + x * SIDE + SIDE - 1 - y]);
}
END_TEST

START_TEST(four_quarter_turns_or_two_flips_give_the_image_back)
{
    static const tsr_transform turns[] = { { .degrees = 90 }, { .degrees = -270 }, { .degrees = 180 } };
    float in[2 * PLANE], once[2 * PLANE], out[2 * PLANE];
    fill(in, 2 * PLANE, 2);
    tsr_augment_apply(&turns[0], square, in, once);
    tsr_augment_apply(&turns[1], square, once, out);
    tsr_augment_apply(&turns[2], square, out, once);
    ck_assert_mem_eq(in, once, sizeof(in));
    tsr_augment_apply(&(tsr_transform){ .flip = true }, square, in, once);
    ck_assert_mem_ne(in, once, sizeof(in));
    for (size_t x = 0; x < SIDE; x++)
        ck_assert(once[x] == in[SIDE - 1 - x]);
    tsr_augment_apply(&(tsr_transform){ .flip = true }, square, once, out);
    ck_assert_mem_eq(in, out, sizeof(in));
}
END_TEST

START_TEST(a_shift_moves_pixels_and_repeats_the_edge)
{
    const tsr_shape wide = TSR_SHAPE(1, 4, 100); /* more than a stretch, and not square */
    float in[400], out[400];
    fill(in, 400, 3);
    tsr_augment_apply(&(tsr_transform){ .down = 0.25, .right = -0.03 }, wide, in, out);
    for (size_t y = 0; y < 4; y++)
        for (size_t x = 0; x < 100; x++) {
            size_t from_y = y ? y - 1 : 0, from_x = x + 3 < 100 ? x + 3 : 99;
            ck_assert_msg(fabsf(out[y * 100 + x] - in[from_y * 100 + from_x]) < 1e-4f, "%zu %zu", y, x);
        }
}
END_TEST

START_TEST(between_pixels_values_are_interpolated)
{
    const tsr_shape shape = TSR_SHAPE(1, 2, 2);
    float in[4] = { 0, 4, 8, 20 }, out[4];
    tsr_augment_apply(&(tsr_transform){ .right = -0.25 }, shape, in, out); /* half a pixel to the left */
    ck_assert_float_eq(out[0], 2);
    ck_assert_float_eq(out[1], 4);
    ck_assert_float_eq(out[2], 14);
    ck_assert_float_eq(out[3], 20);
    tsr_augment_apply(&(tsr_transform){ .down = -0.25, .right = -0.25 }, shape, in, out);
    ck_assert_float_eq(out[0], 8);
}
END_TEST

/* A linear ramp stays one under any turn and shift, where nothing beyond the edge is met. */
START_TEST(a_ramp_is_turned_and_shifted_as_geometry_has_it)
{
    enum { n = 33 };
    const tsr_shape shape = TSR_SHAPE(1, n, n);
    const tsr_transform transform = { .degrees = 15, .down = 0.05, .right = -0.1 };
    static float in[n * n], out[n * n];
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++)
            in[y * n + x] = (float)(3 * x + 5 * y);
    tsr_augment_apply(&transform, shape, in, out);
    double cosine = cos(M_PI / 12), sine = sin(M_PI / 12);
    for (int y = 12; y < 21; y++)
        for (int x = 12; x < 21; x++) {
            double up = 16 - (y - 0.05 * n), right = x + 0.1 * n - 16; /* where it is before the shift */
            double source_right = cosine * right + sine * up, source_up = -sine * right + cosine * up;
            double value = 3 * (16 + source_right) + 5 * (16 - source_up);
            ck_assert_msg(fabs((double)out[y * n + x] - value) < 1e-3, "%d %d: %g, not %g", y, x,
                          (double)out[y * n + x], value);
        }
}
END_TEST

START_TEST(nothing_but_the_images_own_values_comes_in)
{
    const tsr_augment_options all = { .rotate = 180, .shift = 1, .flip = true };
    float in[2 * PLANE], out[2 * PLANE];
    for (size_t i = 0; i < 2 * PLANE; i++)
        in[i] = i < PLANE ? 0.25f : 7;
    for (size_t place = 0; place < 200; place++) {
        tsr_transform transform = tsr_augment_draw(&all, 1, 1, place);
        tsr_augment_apply(&transform, square, in, out);
        for (size_t i = 0; i < 2 * PLANE; i++)
            ck_assert(fabsf(out[i] - in[i]) < 1e-5f);
    }
}
END_TEST

START_TEST(draws_fill_their_ranges_and_differ_by_seed_epoch_and_place)
{
    const tsr_augment_options options = { .rotate = 15, .shift = 0.1, .flip = true };
    double least = 0, most = 0, sum = 0;
    size_t flips = 0;
    enum { n = 4000 };
    for (size_t place = 0; place < n; place++) {
        tsr_transform t = tsr_augment_draw(&options, 1, 1, place);
        ck_assert(fabs(t.degrees) <= 15 && fabs(t.down) <= 0.1 && fabs(t.right) <= 0.1);
        least = fmin(least, t.degrees);
        most = fmax(most, t.degrees);
        sum += t.right;
        flips += t.flip;
    }
    ck_assert(least < -14.9 && most > 14.9 && fabs(sum / n) < 0.004);
    ck_assert(flips > n * 0.46 && flips < n * 0.54);
    double first = tsr_augment_draw(&options, 1, 1, 0).degrees;
    ck_assert_double_eq(first, tsr_augment_draw(&options, 1, 1, 0).degrees);
    ck_assert_double_ne(first, tsr_augment_draw(&options, 2, 1, 0).degrees);
    ck_assert_double_ne(first, tsr_augment_draw(&options, 1, 2, 0).degrees);
    ck_assert_double_ne(first, tsr_augment_draw(&options, 1, 1, 1).degrees);
    ck_assert(!tsr_augments(&(tsr_augment_options){ 0 }) && tsr_augments(&options));
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
    ck_succeeds(tsr_augment_check(TSR_SHAPE(3, 2, 2)));
    ck_fails(tsr_augment_check(TSR_SHAPE(784, 1, 1)), TSR_REFUSED,
             "784 x 1 x 1 cannot be augmented, expected images");
    ck_fails(tsr_augment_check(TSR_SHAPE(1, 1, 8)), TSR_REFUSED, "1 x 1 x 8");
    ck_fails(tsr_augment_check(TSR_SHAPE(1, 40000, 8)), TSR_REFUSED, "2 to 32768");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("augment");
    TCase *tests = tcase_create("augment");
    tcase_add_test(tests, no_change_is_the_identity);
    tcase_add_test(tests, a_quarter_turn_is_exact_and_counterclockwise);
    tcase_add_test(tests, four_quarter_turns_or_two_flips_give_the_image_back);
    tcase_add_test(tests, a_shift_moves_pixels_and_repeats_the_edge);
    tcase_add_test(tests, between_pixels_values_are_interpolated);
    tcase_add_test(tests, a_ramp_is_turned_and_shifted_as_geometry_has_it);
    tcase_add_test(tests, nothing_but_the_images_own_values_comes_in);
    tcase_add_test(tests, draws_fill_their_ranges_and_differ_by_seed_epoch_and_place);
    tcase_add_test(tests, what_is_no_image_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
