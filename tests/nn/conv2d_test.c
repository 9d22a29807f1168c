/* The convolution: against its definition summed in double, its gradients against differences, for random
   shapes, strides and paddings; and what is refused in which words. */
#include "nets.h"
#include "base/cpu.h"

#include "base/machine.h"
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/kernels/convolution.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 2e-3 /* of differences of float arithmetic, as in gradient_test.c */

typedef struct test_case {
    tsr_maps in;
    tsr_conv2d_options options;
} test_case;

static int below(tsr_rng *rng, int n)
{
    return (int)tsr_rng_below(rng, (uint64_t)n);
}

/* Any kernel, stride and padding that fit. */
static test_case random_case(tsr_rng *rng, int most_channels, int most_side)
{
    for (;;) {
        test_case it = { { (size_t)(1 + below(rng, most_channels)), (size_t)(1 + below(rng, most_side)),
                           (size_t)(1 + below(rng, most_side)) },
                         { 1 + below(rng, most_channels), 1 + below(rng, 4), 1 + below(rng, 4),
                           1 + below(rng, 3), 1 + below(rng, 3), below(rng, 4), below(rng, 4),
                           below(rng, 2) == 1, 0, 0, 0 } };
        if ((size_t)it.options.kernel_h <= it.in.h + 2 * (size_t)it.options.padding_h &&
            (size_t)it.options.kernel_w <= it.in.w + 2 * (size_t)it.options.padding_w)
            return it;
    }
}

/* --- against the definition --- */

static tsr_node *conv_and_flatten(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const test_case *it = context;
    (void)classes;
    return tsr_flatten(g, tsr_named(g, tsr_conv2d_with(g, x, &it->options), "conv"));
}

/* Output (c, oy, ox) of one sample, in double. */
static double by_definition(const test_case *it, const float *x, const float *w, const float *bias, size_t c,
                            size_t oy, size_t ox)
{
    const tsr_conv2d_options *o = &it->options;
    size_t kernel_h = (size_t)o->kernel_h, kernel_w = (size_t)o->kernel_w;
    double sum = bias ? (double)bias[c] : 0;
    for (size_t i = 0; i < it->in.c; i++)
        for (size_t ky = 0; ky < kernel_h; ky++)
            for (size_t kx = 0; kx < kernel_w; kx++) {
                size_t y = oy * (size_t)o->stride_h + ky - (size_t)o->padding_h; /* wraps where outside */
                size_t column = ox * (size_t)o->stride_w + kx - (size_t)o->padding_w;
                if (y < it->in.h && column < it->in.w)
                    sum += (double)x[(i * it->in.h + y) * it->in.w + column] *
                           (double)w[((c * it->in.c + i) * kernel_h + ky) * kernel_w + kx];
            }
    return sum;
}

static tsr_maps shape_out(const test_case *it)
{
    const tsr_conv2d_options *o = &it->options;
    return (tsr_maps){
        (size_t)o->channels,
        (it->in.h + 2 * (size_t)o->padding_h - (size_t)o->kernel_h) / (size_t)o->stride_h + 1,
        (it->in.w + 2 * (size_t)o->padding_w - (size_t)o->kernel_w) / (size_t)o->stride_w + 1,
    };
}

static void equals_the_definition(test_case it, size_t n)
{
    tsr_maps out = shape_out(&it);
    test_net net =
        net_new(conv_and_flatten, &it, TSR_SHAPE(it.in.c, it.in.h, it.in.w), (int)tsr_maps_size(out), 1);
    ck_succeeds(tsr_network_plan(net.network, n, false));
    ck_assert_str_eq(tsr_network_tensor(net.network, 0)->parameter.name, "conv.weight");
    const float *w = tsr_network_tensor(net.network, 0)->values, *bias = NULL;
    if (it.options.bias) {
        fill_random(out.c, tsr_network_tensor(net.network, 1)->values, 3);
        bias = tsr_network_tensor(net.network, 1)->values;
    }
    float *x = tsr_network_input_values(net.network);
    fill_random(n * tsr_maps_size(it.in), x, 2);
    tsr_network_forward(net.network, n, NULL, NULL);
    const float *y = tsr_network_logits(net.network);
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < tsr_maps_size(out); i++, y++) {
            double expected = by_definition(&it, x + s * tsr_maps_size(it.in), w, bias, i / (out.h * out.w),
                                            i / out.w % out.h, i % out.w);
            ck_assert_double_le(fabs((double)*y - expected), 1e-5);
        }
    net_free(&net);
}

START_TEST(outputs_equal_the_definition)
{
    tsr_rng rng = tsr_rng_stream(5, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < 200; i++)
        equals_the_definition(random_case(&rng, 6, 9), 1 + (size_t)below(&rng, 4));
}
END_TEST

/* --- the ways against the plain one --- */

typedef struct arrays {
    size_t n_x, n_w, n_y, n_scratch;
    float *x, *w, *bias, *dy, *y, *dx, *dw, *scratch;
} arrays;

#define GUARD 12345

/* n random values and a guard behind them. */
static float *values(size_t n, uint64_t index)
{
    float *out = tsr_alloc(n + 1, sizeof(float));
    ck_assert_ptr_nonnull(out);
    fill_random(n, out, index);
    out[n] = GUARD;
    return out;
}

static arrays arrays_new(const tsr_convolution *c, const tsr_convolutions *ways)
{
    arrays a = { .n_x = c->samples * tsr_maps_size(c->in),
                 .n_w = c->out.c * c->in.c * c->kernel_h * c->kernel_w,
                 .n_y = c->samples * tsr_maps_size(c->out),
                 .n_scratch = ways->scratch(c) };
    a.x = values(a.n_x, 1);
    a.w = values(a.n_w, 2);
    a.bias = values(c->out.c, 3);
    a.dy = values(a.n_y, 4);
    a.y = values(a.n_y, 5);
    a.dx = values(a.n_x, 6);
    a.dw = values(a.n_w, 7);
    a.scratch = tsr_alloc(a.n_scratch + 1, sizeof(float));
    ck_assert_ptr_nonnull(a.scratch);
    memset(a.scratch, 0xff, a.n_scratch * sizeof(float)); /* NaN */
    a.scratch[a.n_scratch] = GUARD;
    return a;
}

static void arrays_free(arrays *a)
{
    float *all[] = { a->x, a->w, a->bias, a->dy, a->y, a->dx, a->dw, a->scratch };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static arrays run(const tsr_convolution *c, const tsr_convolutions *ways)
{
    arrays a = arrays_new(c, ways);
    ways->forward(c, a.x, a.w, a.bias, a.y, a.scratch);
    ways->weight_gradient(c, a.x, a.dy, a.dw, a.scratch);
    ways->input_gradient(c, a.dy, a.w, a.dx, a.scratch);
    ck_assert(a.y[a.n_y] == GUARD && a.dw[a.n_w] == GUARD && a.dx[a.n_x] == GUARD);
    ck_assert(a.scratch[a.n_scratch] == GUARD);
    return a;
}

/* The largest difference, relative to the root mean square of what is expected. */
static double distance(size_t n, const float *got, const float *expected)
{
    double worst = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - (double)expected[i]);
        worst = d <= worst ? worst : d; /* NaN stays */
        squares += (double)expected[i] * (double)expected[i];
    }
    return squares > 0 ? worst / sqrt(squares / (double)n) : worst;
}

static void ways_agree(tsr_convolution c)
{
    size_t n;
    const tsr_convolutions *all = tsr_convolutions_kernels(&n);
    arrays plain = run(&c, &all[n - 1]);
    for (size_t i = 0; i + 1 < n; i++) {
        if (!tsr_cpu_has(all[i].needs))
            continue;
        arrays a = run(&c, &all[i]);
        double y = distance(a.n_y, a.y, plain.y), dw = distance(a.n_w, a.dw, plain.dw);
        double dx = distance(a.n_x, a.dx, plain.dx);
        ck_assert_msg(y < 1e-4 && dw < 1e-4 && dx < 1e-4,
                      "%s: %zu x %zu x %zu x %zu to %zu channels by %zu x %zu: %g %g %g", all[i].name,
                      c.samples, c.in.c, c.in.h, c.in.w, c.out.c, c.kernel_h, c.kernel_w, y, dw, dx);
        arrays_free(&a);
    }
    arrays_free(&plain);
}

static tsr_convolution convolution(size_t samples, tsr_maps in, size_t channels, size_t kernel, size_t stride,
                                   size_t padding)
{
    tsr_maps out = { channels, (in.h + 2 * padding - kernel) / stride + 1,
                     (in.w + 2 * padding - kernel) / stride + 1 };
    return (tsr_convolution){ samples, in, out, kernel, kernel, stride, stride, padding, padding };
}

START_TEST(ways_agree_whatever_the_shape)
{
    tsr_rng rng = tsr_rng_stream(7, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < 300; i++) {
        test_case it = random_case(&rng, 40, 20);
        const tsr_conv2d_options *o = &it.options;
        ways_agree((tsr_convolution){ 1 + (size_t)below(&rng, 3), it.in, shape_out(&it), (size_t)o->kernel_h,
                                      (size_t)o->kernel_w, (size_t)o->stride_h, (size_t)o->stride_w,
                                      (size_t)o->padding_h, (size_t)o->padding_w });
    }
}
END_TEST

START_TEST(ways_agree_on_the_maps_of_residual_networks)
{
    ways_agree(convolution(3, (tsr_maps){ 3, 32, 32 }, 16, 3, 1, 1));
    ways_agree(convolution(9, (tsr_maps){ 16, 32, 32 }, 16, 3, 1, 1));
    ways_agree(convolution(3, (tsr_maps){ 16, 32, 32 }, 32, 3, 2, 1));
    ways_agree(convolution(2, (tsr_maps){ 64, 32, 32 }, 128, 1, 2, 0));
    ways_agree(convolution(3, (tsr_maps){ 64, 16, 16 }, 64, 3, 1, 1));
    ways_agree(convolution(10, (tsr_maps){ 128, 4, 4 }, 160, 3, 1, 1));
    ways_agree(convolution(10, (tsr_maps){ 150, 2, 2 }, 130, 3, 1, 1));
    ways_agree(convolution(10, (tsr_maps){ 150, 8, 8 }, 130, 3, 2, 1));
}
END_TEST

START_TEST(ways_agree_by_3_with_stride_1)
{
    for (size_t h = 1; h <= 9; h++)
        for (size_t w = 1; w <= 9; w += 2)
            for (size_t padding = h < 3 || w < 3; padding <= 2; padding++)
                ways_agree(convolution(1 + h % 3, (tsr_maps){ 32 + h, h, w }, 41 - w, 3, 1, padding));
    ways_agree(convolution(2, (tsr_maps){ 33, 5, 300 }, 35, 3, 1, 1));
}
END_TEST

START_TEST(large_images_go_in_bands)
{
    ways_agree(convolution(2, (tsr_maps){ 20, 90, 130 }, 18, 5, 1, 2));
    ways_agree(convolution(1, (tsr_maps){ 20, 91, 130 }, 18, 5, 3, 4));
}
END_TEST

static void threads_change_nothing(tsr_convolution c)
{
    const tsr_convolutions *ways = tsr_convolutions_choose();
    arrays one = run(&c, ways);
    for (int threads = 2; threads <= 5; threads++) {
        tsr_set_threads(threads);
        arrays many = run(&c, ways);
        ck_assert_mem_eq(one.y, many.y, one.n_y * sizeof(float));
        ck_assert_mem_eq(one.dw, many.dw, one.n_w * sizeof(float));
        ck_assert_mem_eq(one.dx, many.dx, one.n_x * sizeof(float));
        arrays_free(&many);
    }
    tsr_set_threads(1);
    arrays_free(&one);
}

START_TEST(threads_change_no_bit)
{
    threads_change_nothing(convolution(17, (tsr_maps){ 16, 16, 16 }, 16, 3, 1, 1));
    threads_change_nothing(convolution(17, (tsr_maps){ 16, 16, 16 }, 32, 3, 2, 1));
    threads_change_nothing(convolution(17, (tsr_maps){ 64, 16, 16 }, 64, 3, 1, 1));
    threads_change_nothing(convolution(9, (tsr_maps){ 256, 4, 4 }, 256, 3, 1, 1));
    threads_change_nothing(convolution(9, (tsr_maps){ 256, 4, 4 }, 160, 3, 2, 1));
}
END_TEST

/* --- gradients --- */

static tsr_node *conv_between(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const test_case *it = context;
    return tsr_dense(g, tsr_conv2d_with(g, apply_shift(g, x), &it->options), classes);
}

START_TEST(gradients_agree_with_differences)
{
    tsr_rng rng = tsr_rng_stream(6, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < 40; i++) {
        test_case it = random_case(&rng, 3, 5);
        test_net net = net_new(conv_between, &it, TSR_SHAPE(it.in.c, it.in.h, it.in.w), 3, 1);
        ck_succeeds(tsr_network_plan(net.network, BATCH, true));
        double error = gradient_error(&net, BATCH);
        ck_assert_double_lt(error, TOLERANCE);
        net_free(&net);
    }
}
END_TEST

/* --- what is refused --- */

static void refuses(tsr_maps in, tsr_conv2d_options options, const char *message)
{
    tsr_graph *g;
    ck_succeeds(tsr_graph_new(NULL, TSR_SHAPE(in.c, in.h, in.w), &g));
    tsr_conv2d_with(g, g->nodes[0], &options);
    tsr_status *status = tsr_graph_finish(g, g->nodes[0], 4);
    ck_assert_msg(status != NULL, "finished, where '%s' was expected", message);
    const char *said = tsr_status_message(status), *input = strstr(said, " (input: 'input', ");
    ck_assert_msg(input && (size_t)(input - said) == strlen(message) &&
                      strncmp(said, message, strlen(message)) == 0,
                  "'%s' is not '%s' and the input", said, message);
    ck_assert_int_eq(tsr_status_error(status), TSR_REFUSED);
    tsr_status_free(status);
    tsr_graph_free(g);
}

START_TEST(options_that_make_no_sense_are_refused)
{
    tsr_maps in = { 2, 5, 5 };
    refuses(in, (tsr_conv2d_options){ 0, 3, 3, 1, 1, 1, 1, false, 0, 0, 0 },
            "conv2d0: channels is 0, expected at least 1");
    refuses(in, (tsr_conv2d_options){ 4, 3, 0, 1, 1, 1, 1, false, 0, 0, 0 },
            "conv2d0: the kernel is 3 x 0, expected at least 1 x 1");
    refuses(in, (tsr_conv2d_options){ 4, 3, 3, -1, 1, 1, 1, false, 0, 0, 0 },
            "conv2d0: the stride is -1 x 1, expected at least 1 x 1");
    refuses(in, (tsr_conv2d_options){ 4, 3, 3, 1, 1, 1, -2, false, 0, 0, 0 },
            "conv2d0: the padding is 1 x -2, expected at least 0 x 0");
}
END_TEST

START_TEST(a_kernel_larger_than_its_padded_input_is_refused)
{
    refuses((tsr_maps){ 2, 5, 2 }, (tsr_conv2d_options){ 4, 3, 5, 1, 1, 0, 1, false, 0, 0, 0 },
            "conv2d0: the kernel, 3 x 5, is larger than its padded input, 5 x 4 (2 x 5 x 2, padded by 0 x "
            "1)");
    refuses((tsr_maps){ 2, 2, 5 }, (tsr_conv2d_options){ 4, 3, 5, 1, 1, 0, 1, false, 0, 0, 0 },
            "conv2d0: the kernel, 3 x 5, is larger than its padded input, 2 x 7 (2 x 2 x 5, padded by 0 x "
            "1)");
}
END_TEST

START_TEST(sizes_beyond_what_can_be_counted_are_refused)
{
    refuses((tsr_maps){ 1 << 20, 8, 8 },
            (tsr_conv2d_options){ 4, 1 << 6, 1 << 6, 1, 1, 1 << 6, 1 << 6, false, 0, 0, 0 },
            "conv2d0: 1048576 x 8 x 8 under a kernel of 64 x 64, giving 4 x 73 x 73, is too large to "
            "compute");
    refuses((tsr_maps){ 1, 8, 8 }, (tsr_conv2d_options){ 1, 1, 1, 1, 1, INT_MAX, INT_MAX, false, 0, 0, 0 },
            "conv2d0: 1 x 8 x 8 under a kernel of 1 x 1, giving 1 x 4294967302 x 4294967302, is too large "
            "to compute");
}
END_TEST

START_TEST(options_that_are_null_are_refused)
{
    tsr_graph *g;
    ck_succeeds(tsr_graph_new(NULL, TSR_SHAPE(1, 4, 4), &g));
    tsr_conv2d_with(g, g->nodes[0], NULL);
    ck_fails(tsr_graph_finish(g, g->nodes[0], 16), TSR_REFUSED, "options are NULL");
    tsr_graph_free(g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conv2d");
    TCase *tests = tcase_create("conv2d");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, outputs_equal_the_definition);
    tcase_add_test(tests, ways_agree_whatever_the_shape);
    tcase_add_test(tests, ways_agree_on_the_maps_of_residual_networks);
    tcase_add_test(tests, ways_agree_by_3_with_stride_1);
    tcase_add_test(tests, large_images_go_in_bands);
    tcase_add_test(tests, threads_change_no_bit);
    tcase_add_test(tests, gradients_agree_with_differences);
    tcase_add_test(tests, options_that_make_no_sense_are_refused);
    tcase_add_test(tests, a_kernel_larger_than_its_padded_input_is_refused);
    tcase_add_test(tests, sizes_beyond_what_can_be_counted_are_refused);
    tcase_add_test(tests, options_that_are_null_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
