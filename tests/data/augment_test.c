/* Placing images anew, and augmentations in a row: what can be said exactly, and what interpolation gives. */
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

/* By quarter turns counterclockwise. */
static tsr_placement turned(double degrees)
{
    float cosine = (float)cos(degrees * M_PI / 180), sine = (float)sin(degrees * M_PI / 180);
    if (fabs(degrees) == 90 || fabs(degrees) == 270 || fabs(degrees) == 180) {
        cosine = roundf(cosine);
        sine = roundf(sine);
    }
    return (tsr_placement){ .matrix = { { cosine, sine }, { -sine, cosine } } };
}

static tsr_placement moved(float down, float right)
{
    return (tsr_placement){ .matrix = { { 1, 0 }, { 0, 1 } }, .down = down, .right = right };
}

static tsr_placement mirrored(void)
{
    return (tsr_placement){ .matrix = { { 1, 0 }, { 0, 1 } }, .mirror = true };
}

static void place(tsr_placement placement, tsr_shape shape, const float *in, float *out)
{
    tsr_place_image(&placement, shape, in, out);
}

START_TEST(no_change_is_the_identity)
{
    float in[2 * PLANE], out[2 * PLANE];
    fill(in, 2 * PLANE, 0);
    place(moved(0, 0), square, in, out);
    ck_assert_mem_eq(in, out, sizeof(in));
}
END_TEST

START_TEST(a_quarter_turn_is_exact_and_counterclockwise)
{
    float in[2 * PLANE], out[2 * PLANE];
    fill(in, 2 * PLANE, 1);
    place(turned(90), square, in, out);
    for (size_t c = 0; c < 2; c++)
        for (size_t y = 0; y < SIDE; y++)
            for (size_t x = 0; x < SIDE; x++)
                ck_assert(out[c * PLANE + y * SIDE + x] == in[c * PLANE + x * SIDE + SIDE - 1 - y]);
}
END_TEST

START_TEST(four_quarter_turns_or_two_flips_give_the_image_back)
{
    float in[2 * PLANE], once[2 * PLANE], out[2 * PLANE];
    fill(in, 2 * PLANE, 2);
    place(turned(90), square, in, once);
    place(turned(-270), square, once, out);
    place(turned(180), square, out, once);
    ck_assert_mem_eq(in, once, sizeof(in));
    place(mirrored(), square, in, once);
    ck_assert_mem_ne(in, once, sizeof(in));
    for (size_t x = 0; x < SIDE; x++)
        ck_assert(once[x] == in[SIDE - 1 - x]);
    place(mirrored(), square, once, out);
    ck_assert_mem_eq(in, out, sizeof(in));
}
END_TEST

START_TEST(a_shift_moves_pixels_and_repeats_the_edge)
{
    const tsr_shape wide = TSR_SHAPE(1, 4, 100); /* more than a stretch, and not square */
    float in[400], out[400];
    fill(in, 400, 3);
    place(moved(1, -3), wide, in, out);
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
    place(moved(0, -0.5f), shape, in, out); /* half a pixel to the left */
    ck_assert_float_eq(out[0], 2);
    ck_assert_float_eq(out[1], 4);
    ck_assert_float_eq(out[2], 14);
    ck_assert_float_eq(out[3], 20);
    place(moved(-0.5f, -0.5f), shape, in, out);
    ck_assert_float_eq(out[0], 8);
}
END_TEST

/* A linear ramp stays one under any turn and shift, where nothing beyond the edge is met. */
START_TEST(a_ramp_is_turned_and_shifted_as_geometry_has_it)
{
    enum { n = 33 };
    const tsr_shape shape = TSR_SHAPE(1, n, n);
    tsr_placement placement = turned(15);
    placement.down = 0.05f * n;
    placement.right = -0.1f * n;
    static float in[n * n], out[n * n];
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++)
            in[y * n + x] = (float)(3 * x + 5 * y);
    place(placement, shape, in, out);
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

/* Augmentations from lines of config. */
typedef struct row {
    tsr_instance *instances[4];
    tsr_augmentations all;
} row;

static void make_row(row *r, size_t n, const char *const *settings)
{
    for (size_t i = 0; i < n; i++)
        r->instances[i] = test_instance(TSR_AUGMENTATION, settings[i]);
    r->all = (tsr_augmentations){ n, r->instances };
}

static void free_row(row *r)
{
    for (size_t i = 0; i < r->all.n; i++)
        tsr_instance_free(r->instances[i]);
}

static void augment(const row *r, uint64_t example, const float *in, float *out)
{
    float scratch[2 * PLANE];
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_AUGMENT, example);
    tsr_augment(&r->all, square, &rng, in, scratch, out);
}

START_TEST(nothing_but_the_images_own_values_comes_in)
{
    row all;
    make_row(&all, 3,
             (const char *const[]){ "plugin = \"rotate\"; rotate = 180.0;",
                                    "plugin = \"shift\"; shift = 1.0;", "plugin = \"flip\"; flip = true;" });
    float in[2 * PLANE], out[2 * PLANE];
    for (size_t i = 0; i < 2 * PLANE; i++)
        in[i] = i < PLANE ? 0.25f : 7;
    for (size_t example = 0; example < 200; example++) {
        augment(&all, example, in, out);
        for (size_t i = 0; i < 2 * PLANE; i++)
            ck_assert(fabsf(out[i] - in[i]) < 1e-5f);
    }
    free_row(&all);
}
END_TEST

START_TEST(placements_in_a_row_are_one)
{
    row all;
    make_row(
        &all, 2,
        (const char *const[]){ "plugin = \"rotate\"; rotate = 30.0;", "plugin = \"shift\"; shift = 0.3;" });
    float in[2 * PLANE], out[2 * PLANE], expected[2 * PLANE];
    fill(in, 2 * PLANE, 5);
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_AUGMENT, 7);
    double degrees = 30 * (2 * tsr_rng_uniform(&rng) - 1), down = 0.3 * (2 * tsr_rng_uniform(&rng) - 1),
           right = 0.3 * (2 * tsr_rng_uniform(&rng) - 1);
    tsr_placement placement = turned(degrees);
    placement.down = (float)(down * SIDE);
    placement.right = (float)(right * SIDE);
    place(placement, square, in, expected);
    augment(&all, 7, in, out);
    ck_assert_mem_eq(out, expected, sizeof(out));
    free_row(&all);
}
END_TEST

START_TEST(only_what_is_asked_for_is_done)
{
    row idle, one;
    make_row(&idle, 3,
             (const char *const[]){ "plugin = \"rotate\";", "plugin = \"shift\";", "plugin = \"flip\";" });
    make_row(&one, 2, (const char *const[]){ "plugin = \"rotate\";", "plugin = \"flip\"; flip = true;" });
    ck_assert(!tsr_augments(&(tsr_augmentations){ 0 }) && !tsr_augments(&idle.all) && tsr_augments(&one.all));
    free_row(&idle);
    free_row(&one);
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
    row flip, idle;
    make_row(&flip, 1, (const char *const[]){ "plugin = \"flip\"; flip = true;" });
    make_row(&idle, 1, (const char *const[]){ "plugin = \"flip\";" });
    ck_succeeds(tsr_augment_check(&flip.all, TSR_SHAPE(3, 2, 2)));
    ck_fails(tsr_augment_check(&flip.all, TSR_SHAPE(784, 1, 1)), TSR_REFUSED,
             "augmentation flip: samples of shape 784 x 1 x 1 cannot be augmented, expected images");
    ck_fails(tsr_augment_check(&flip.all, TSR_SHAPE(1, 1, 8)), TSR_REFUSED, "1 x 1 x 8");
    ck_fails(tsr_augment_check(&flip.all, TSR_SHAPE(1, 40000, 8)), TSR_REFUSED, "2 to 32768");
    ck_succeeds(tsr_augment_check(&idle.all, TSR_SHAPE(784, 1, 1)));
    free_row(&flip);
    free_row(&idle);
}
END_TEST

START_TEST(every_epoch_has_streams_of_its_own)
{
    static const size_t epochs[] = { 1, 2, 65535, 65536, 65537, 131073, 1000000 };
    uint64_t drawn[7];
    for (size_t i = 0; i < 7; i++) {
        tsr_rng rng = tsr_augment_stream(3, epochs[i], 12);
        drawn[i] = tsr_rng_u64(&rng);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(drawn[i], drawn[k]);
    }
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
    tcase_add_test(tests, placements_in_a_row_are_one);
    tcase_add_test(tests, only_what_is_asked_for_is_done);
    tcase_add_test(tests, what_is_no_image_is_refused);
    tcase_add_test(tests, every_epoch_has_streams_of_its_own);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
