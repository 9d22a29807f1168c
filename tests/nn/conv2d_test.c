/* The convolution: against its definition summed in double, its gradients against differences, for random
   shapes, strides and paddings; and what is refused in which words. */
#include "nets.h"

#include "nn/graph.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 2e-3 /* of differences of float arithmetic, as in gradient_test.c */

typedef struct test_case {
    tsr_shape in;
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
                           below(rng, 2) == 1 } };
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

static tsr_shape shape_out(const test_case *it)
{
    const tsr_conv2d_options *o = &it->options;
    return (tsr_shape){
        (size_t)o->channels,
        (it->in.h + 2 * (size_t)o->padding_h - (size_t)o->kernel_h) / (size_t)o->stride_h + 1,
        (it->in.w + 2 * (size_t)o->padding_w - (size_t)o->kernel_w) / (size_t)o->stride_w + 1,
    };
}

static void equals_the_definition(test_case it, size_t n)
{
    tsr_shape out = shape_out(&it);
    test_net net = net_new(conv_and_flatten, &it, it.in, (int)tsr_shape_size(out), 1);
    ck_succeeds(tsr_network_plan(net.network, n, false));
    ck_assert_str_eq(tsr_network_tensor(net.network, 0)->parameter.name, "conv.weight");
    const float *w = tsr_network_tensor(net.network, 0)->values, *bias = NULL;
    if (it.options.bias) {
        fill_random(out.c, tsr_network_tensor(net.network, 1)->values, 3);
        bias = tsr_network_tensor(net.network, 1)->values;
    }
    float *x = tsr_network_input_values(net.network);
    fill_random(n * tsr_shape_size(it.in), x, 2);
    tsr_network_forward(net.network, n, NULL, NULL);
    const float *y = tsr_network_logits(net.network);
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < tsr_shape_size(out); i++, y++) {
            double expected = by_definition(&it, x + s * tsr_shape_size(it.in), w, bias, i / (out.h * out.w),
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
        test_net net = net_new(conv_between, &it, it.in, 3, 1);
        ck_succeeds(tsr_network_plan(net.network, BATCH, true));
        double error = gradient_error(&net, BATCH);
        ck_assert_double_lt(error, TOLERANCE);
        net_free(&net);
    }
}
END_TEST

/* --- what is refused --- */

static void refuses(tsr_shape in, tsr_conv2d_options options, const char *message)
{
    tsr_graph *g;
    ck_succeeds(tsr_graph_new(NULL, in, &g));
    tsr_conv2d_with(g, g->nodes[0], &options);
    tsr_status *status = tsr_graph_finish(g, g->nodes[0], 4);
    ck_assert_msg(status != NULL, "finished, where '%s' was expected", message);
    ck_assert_str_eq(tsr_status_message(status), message);
    ck_assert_int_eq(tsr_status_code(status), TSR_REFUSED);
    tsr_status_free(status);
    tsr_graph_free(g);
}

START_TEST(options_that_make_no_sense_are_refused)
{
    tsr_shape in = { 2, 5, 5 };
    refuses(in, (tsr_conv2d_options){ 0, 3, 3, 1, 1, 1, 1, false },
            "conv2d0: channels is 0, expected at least 1");
    refuses(in, (tsr_conv2d_options){ 4, 3, 0, 1, 1, 1, 1, false },
            "conv2d0: the kernel is 3 x 0, expected at least 1 x 1");
    refuses(in, (tsr_conv2d_options){ 4, 3, 3, -1, 1, 1, 1, false },
            "conv2d0: the stride is -1 x 1, expected at least 1 x 1");
    refuses(in, (tsr_conv2d_options){ 4, 3, 3, 1, 1, 1, -2, false },
            "conv2d0: the padding is 1 x -2, expected at least 0 x 0");
}
END_TEST

START_TEST(a_kernel_larger_than_its_padded_input_is_refused)
{
    refuses((tsr_shape){ 2, 5, 2 }, (tsr_conv2d_options){ 4, 3, 5, 1, 1, 0, 1, false },
            "conv2d0: the kernel, 3 x 5, is larger than its padded input, 5 x 4 (2 x 5 x 2, padded by 0 x "
            "1)");
    refuses((tsr_shape){ 2, 2, 5 }, (tsr_conv2d_options){ 4, 3, 5, 1, 1, 0, 1, false },
            "conv2d0: the kernel, 3 x 5, is larger than its padded input, 2 x 7 (2 x 2 x 5, padded by 0 x "
            "1)");
}
END_TEST

START_TEST(sizes_beyond_what_can_be_counted_are_refused)
{
    refuses((tsr_shape){ 1 << 20, 8, 8 },
            (tsr_conv2d_options){ 4, 1 << 6, 1 << 6, 1, 1, 1 << 6, 1 << 6, false },
            "conv2d0: 1048576 x 8 x 8 under a kernel of 64 x 64, giving 4 x 73 x 73, is more than BLAS can "
            "count");
    refuses((tsr_shape){ 1, 8, 8 }, (tsr_conv2d_options){ 1, 1, 1, 1, 1, INT_MAX, INT_MAX, false },
            "conv2d0: 1 x 8 x 8 under a kernel of 1 x 1, giving 1 x 4294967302 x 4294967302, is more than "
            "BLAS can count");
}
END_TEST

START_TEST(options_that_are_null_are_refused)
{
    tsr_graph *g;
    ck_succeeds(tsr_graph_new(NULL, (tsr_shape){ 1, 4, 4 }, &g));
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
    tcase_add_test(tests, gradients_agree_with_differences);
    tcase_add_test(tests, options_that_make_no_sense_are_refused);
    tcase_add_test(tests, a_kernel_larger_than_its_padded_input_is_refused);
    tcase_add_test(tests, sizes_beyond_what_can_be_counted_are_refused);
    tcase_add_test(tests, options_that_are_null_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
