/* Convolutions of sixteen channels at a time, beside the definition in double. */
#include "nn/kernels/lanes.h"

#include "base/memory.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 19, SAMPLES = 3 };

static int shape; /* the one of `shapes` that is tried */

/* in, kernel, stride, padding and dilation of height and width. */
static const size_t shapes[][2][5] = {
    { { 8, 3, 1, 1, 1 }, { 8, 3, 1, 1, 1 } },   { { 8, 3, 2, 1, 1 }, { 8, 3, 2, 1, 1 } },
    { { 16, 3, 1, 1, 1 }, { 16, 3, 1, 1, 1 } }, { { 16, 3, 2, 1, 1 }, { 16, 3, 2, 1, 1 } },
    { { 7, 3, 2, 1, 1 }, { 9, 3, 3, 0, 1 } },   { { 5, 5, 1, 2, 1 }, { 6, 2, 2, 1, 1 } },
    { { 1, 1, 1, 0, 1 }, { 13, 4, 1, 3, 2 } },  { { 10, 3, 2, 4, 3 }, { 11, 2, 5, 0, 1 } },
    { { 3, 3, 1, 0, 1 }, { 3, 3, 1, 0, 1 } },   { { 6, 1, 2, 1, 1 }, { 6, 1, 3, 2, 1 } },
    { { 32, 3, 1, 1, 1 }, { 32, 3, 1, 1, 1 } }, { { 2, 2, 7, 0, 1 }, { 2, 2, 7, 0, 1 } },
    { { 1, 1, 1, 0, 1 }, { 200, 9, 4, 4, 1 } }, { { 4, 3, 1, 1, 1 }, { 4, 3, 1, 1, 1 } },
    { { 9, 8, 1, 3, 1 }, { 9, 8, 2, 3, 1 } },
};

static tsr_lanes_axis axis_of(const size_t s[5])
{
    return (tsr_lanes_axis){ s[0], (s[0] + 2 * s[3] - s[4] * (s[1] - 1) - 1) / s[2] + 1, s[1], s[2], s[3],
                             s[4] };
}

/* The input that a tap reads for an output; false: it is padding. */
static bool reads(const tsr_lanes_axis *a, size_t out, size_t tap, size_t *in)
{
    size_t at = out * a->stride + tap * a->dilation;
    *in = at - a->padding;
    return at >= a->padding && *in < a->in;
}

typedef struct arrays {
    size_t in, out, area;
    float *x, *w, *dy, *y, *dw, *dx;
    double *expected_y, *expected_dw, *expected_dx;
} arrays;

static float *random_floats(size_t n, uint64_t number)
{
    tsr_rng rng = tsr_rng_stream(9, TSR_FOR_DATA, number);
    float *x = tsr_alloc(n, sizeof(float));
    tsr_rng_fill_normal(&rng, n, x);
    return x;
}

static float *nothing(size_t n)
{
    float *x = tsr_alloc(n, sizeof(float));
    for (size_t i = 0; i < n; i++)
        x[i] = NAN;
    return x;
}

static void define(const tsr_lanes_conv *conv, arrays *a)
{
    for (size_t map = 0; map < SAMPLES * CHANNELS; map++)
        for (size_t o = 0; o < a->out; o++)
            for (size_t t = 0; t < a->area; t++) {
                size_t row, column, c = map % CHANNELS, to = map * a->out + o;
                if (!reads(&conv->h, o / conv->w.out, t / conv->w.kernel, &row) ||
                    !reads(&conv->w, o % conv->w.out, t % conv->w.kernel, &column))
                    continue;
                size_t from = map * a->in + row * conv->w.in + column;
                a->expected_y[to] += (double)a->x[from] * (double)a->w[c * a->area + t];
                a->expected_dx[from] += (double)a->dy[to] * (double)a->w[c * a->area + t];
                a->expected_dw[c * a->area + t] += (double)a->dy[to] * (double)a->x[from];
            }
}

static void make(const tsr_lanes_conv *conv, arrays *a)
{
    size_t maps = SAMPLES * CHANNELS;
    *a = (arrays){ .in = conv->h.in * conv->w.in,
                   .out = conv->h.out * conv->w.out,
                   .area = conv->h.kernel * conv->w.kernel };
    a->x = random_floats(maps * a->in, 0);
    a->w = random_floats(CHANNELS * a->area, 1);
    a->dy = random_floats(maps * a->out, 2);
    a->y = nothing(maps * a->out);
    a->dx = nothing(maps * a->in);
    a->dw = nothing(CHANNELS * a->area);
    a->expected_y = tsr_alloc(maps * a->out, sizeof(double));
    a->expected_dx = tsr_alloc(maps * a->in, sizeof(double));
    a->expected_dw = tsr_alloc(CHANNELS * a->area, sizeof(double));
    define(conv, a);
}

static void clear(arrays *a)
{
    float *floats[] = { a->x, a->w, a->dy, a->y, a->dw, a->dx };
    for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++)
        free(floats[i]);
    free(a->expected_y);
    free(a->expected_dx);
    free(a->expected_dw);
}

/* Channels first .. first + n - 1 of each sample, `size` values of each, and nothing written elsewhere. */
static void same(const char *what, size_t samples, size_t size, size_t first, size_t n, const float *given,
                 const double *expected)
{
    for (size_t i = 0; i < samples * CHANNELS * size; i++) {
        size_t c = i / size % CHANNELS;
        if (c < first || c >= first + n)
            ck_assert_msg(isnan(given[i]), "%s %zu of shape %d is written", what, i, shape);
        else
            ck_assert_msg(fabs((double)given[i] - expected[i]) < 1e-4 * (1 + fabs(expected[i])),
                          "%s %zu of shape %d is %g, expected %g", what, i, shape, (double)given[i],
                          expected[i]);
    }
}

static void compute(const tsr_lanes_conv *conv, size_t first, size_t n)
{
    arrays a;
    make(conv, &a);
    const tsr_lanes_part part = { .n = n, .samples = SAMPLES, .channels = CHANNELS };
    const float *w = a.w + first * a.area;
    tsr_lanes_forward(conv, &part, a.x + first * a.in, w, NULL, a.y + first * a.out);
    tsr_lanes_backward(conv, &part, a.x + first * a.in, w, a.dy + first * a.out, a.dw + first * a.area,
                       a.dx + first * a.in);
    same("y", SAMPLES, a.out, first, n, a.y, a.expected_y);
    same("dx", SAMPLES, a.in, first, n, a.dx, a.expected_dx);
    same("dw", 1, a.area, first, n, a.dw, a.expected_dw);
    float *alone = nothing(CHANNELS * a.area), *begin = nothing(CHANNELS);
    tsr_lanes_backward(conv, &part, a.x + first * a.in, w, a.dy + first * a.out, alone + first * a.area,
                       NULL);
    ck_assert_mem_eq(alone, a.dw, CHANNELS * a.area * sizeof(float));
    for (size_t c = 0; c < n; c++)
        begin[c] = (float)c;
    for (size_t i = 0; i < SAMPLES * CHANNELS * a.out; i++)
        a.expected_y[i] += (double)(i / a.out % CHANNELS) - (double)first;
    tsr_lanes_forward(conv, &part, a.x + first * a.in, w, begin, a.y + first * a.out);
    same("y with a bias", SAMPLES, a.out, first, n, a.y, a.expected_y);
    free(alone);
    free(begin);
    clear(&a);
}

START_TEST(passes_are_those_of_the_definition)
{
    shape = _i;
    const tsr_lanes_conv conv = { axis_of(shapes[_i][0]), axis_of(shapes[_i][1]) };
    ck_assert(tsr_lanes_fit(&conv));
    compute(&conv, 0, 16);
    compute(&conv, 3, 16);
    compute(&conv, 16, 3);
    compute(&conv, 5, 1);
}
END_TEST

START_TEST(what_is_too_large_does_not_fit)
{
    static const size_t large[][2][5] = {
        { { 36, 3, 1, 1, 1 }, { 36, 3, 1, 1, 1 } },
        { { 8, 9, 1, 4, 1 }, { 8, 8, 1, 4, 1 } },
        { { 1, 1, 1, 0, 1 }, { 1300, 1, 1, 0, 1 } },
        { { 1, 1, 1, (size_t)1 << 40, 1 }, { 4, 1, 1, 0, 1 } },
        { { (size_t)1 << 40, 2, 1, 0, (size_t)1 << 39 }, { 4, 1, 1, 0, 1 } },
    };
    for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
        const tsr_lanes_conv conv = { axis_of(large[i][0]), axis_of(large[i][1]) };
        ck_assert_msg(!tsr_lanes_fit(&conv), "shape %zu", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lanes");
    TCase *tests = tcase_create("lanes");
    tcase_add_loop_test(tests, passes_are_those_of_the_definition, 0, sizeof(shapes) / sizeof(*shapes));
    tcase_add_test(tests, what_is_too_large_does_not_fit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
