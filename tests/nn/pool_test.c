/* Pooling: values against plain loops, gradients against differences, and what is refused. */
#include "nets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef tsr_node *pool_function(tsr_graph *graph, tsr_node *x, int size, int stride);

typedef struct pool_case {
    pool_function *pool;
    int size, stride;
} pool_case;

static tsr_node *pool_only(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const pool_case *c = context;
    (void)classes;
    return c->pool(g, x, c->size, c->stride);
}

static tsr_node *whole(tsr_graph *g, tsr_node *x, int size, int stride)
{
    (void)size;
    (void)stride;
    return tsr_global_average_pool(g, x);
}

/* --- values --- */

static double window_value(const pool_case *c, const float *x, size_t width)
{
    double best = -INFINITY, sum = 0;
    for (int i = 0; i < c->size; i++)
        for (int j = 0; j < c->size; j++) {
            double value = (double)x[(size_t)i * width + (size_t)j];
            best = fmax(best, value);
            sum += value;
        }
    return c->pool == tsr_max_pool ? best : sum / (c->size * c->size);
}

static void pools(pool_function *pool, tsr_shape shape, size_t samples, int size, int stride)
{
    pool_case c = { pool, size, stride };
    size_t h = (shape.dims[1] - (size_t)size) / (size_t)stride + 1,
           w = (shape.dims[2] - (size_t)size) / (size_t)stride + 1;
    test_net net = net_new(pool_only, &c, shape, (int)(shape.dims[0] * h * w), 1);
    ck_succeeds(tsr_network_plan(net.network, samples, false));
    free(random_batch(&net, samples));
    tsr_network_forward(net.network, samples, NULL, NULL);
    const float *x = tsr_network_input_values(net.network), *y = tsr_network_logits(net.network);
    for (size_t map = 0; map < samples * shape.dims[0]; map++, x += shape.dims[1] * shape.dims[2])
        for (size_t row = 0; row < h; row++)
            for (size_t column = 0; column < w; column++, y++) {
                const float *window = x + row * (size_t)stride * shape.dims[2] + column * (size_t)stride;
                ck_assert_double_eq_tol((double)*y, window_value(&c, window, shape.dims[2]), 1e-6);
            }
    net_free(&net);
}

START_TEST(windows_give_their_largest_or_mean_value)
{
    pool_function *functions[] = { tsr_max_pool, tsr_average_pool };
    for (size_t i = 0; i < 2; i++) {
        pools(functions[i], TSR_SHAPE(3, 8, 8), 4, 2, 2);
        pools(functions[i], TSR_SHAPE(2, 7, 9), 3, 2, 2); /* what fills no window is left out */
        pools(functions[i], TSR_SHAPE(1, 10, 6), 2, 3, 1);
        pools(functions[i], TSR_SHAPE(2, 11, 35), 2, 3, 2);
        pools(functions[i], TSR_SHAPE(2, 9, 9), 1, 2, 3);
        pools(functions[i], TSR_SHAPE(5, 4, 4), 3, 4, 4);
        pools(functions[i], TSR_SHAPE(3, 1, 1), 2, 1, 1);
        pools(functions[i], TSR_SHAPE(64, 32, 32), 2, 2, 2); /* shared among threads */
    }
}
END_TEST

START_TEST(the_mean_of_a_whole_map_is_an_average_pool_of_its_size)
{
    pool_case c = { whole, 0, 0 };
    tsr_shape shapes[] = { TSR_SHAPE(3, 5, 7), TSR_SHAPE(2, 1, 1), TSR_SHAPE(64, 33, 32) };
    for (size_t k = 0; k < 3; k++) {
        test_net net = net_new(pool_only, &c, shapes[k], (int)shapes[k].dims[0], 1);
        ck_succeeds(tsr_network_plan(net.network, 2, false));
        free(random_batch(&net, 2));
        tsr_network_forward(net.network, 2, NULL, NULL);
        size_t n = tsr_shape_positions(shapes[k]);
        for (size_t map = 0; map < 2 * shapes[k].dims[0]; map++) {
            double sum = 0;
            for (size_t i = 0; i < n; i++)
                sum += (double)tsr_network_input_values(net.network)[map * n + i];
            ck_assert_double_eq_tol((double)tsr_network_logits(net.network)[map], sum / (double)n, 1e-6);
        }
        net_free(&net);
    }
}
END_TEST

START_TEST(a_window_with_nan_gives_nan)
{
    for (size_t at = 0; at < 4; at++) {
        pool_case c = { tsr_max_pool, 2, 2 };
        test_net net = net_new(pool_only, &c, TSR_SHAPE(1, 2, 2), 1, 1);
        ck_succeeds(tsr_network_plan(net.network, 1, false));
        for (size_t i = 0; i < 4; i++)
            tsr_network_input_values(net.network)[i] = i == at ? NAN : (float)i;
        tsr_network_forward(net.network, 1, NULL, NULL);
        ck_assert(isnan(tsr_network_logits(net.network)[0]));
        net_free(&net);
    }
}
END_TEST

/* --- gradients --- */

/* Makes values of a window so different that a small step changes no winner: of places less than 11 apart no
   two get the same offset, and the input's own values become small beside the offsets. */
static void keep_apart_setup(tsr_setup *setup)
{
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

static void keep_apart(const tsr_pass *pass)
{
    size_t positions = tsr_shape_positions(pass->shape);
    for (size_t i = 0; i < pass->n * tsr_shape_channels(pass->shape) * positions; i++)
        pass->output[i] = 0.05f * pass->inputs[0][i] + 0.7f * ((float)(i % positions * 7 % 11) - 5);
}

static void no_gradient(const tsr_pass *pass)
{
    (void)pass;
}

static tsr_node *apply_apart(tsr_graph *g, tsr_node *x)
{
    static const tsr_op op = { .size = sizeof(tsr_op),
                               .name = "apart",
                               .setup = keep_apart_setup,
                               .forward = keep_apart,
                               .backward = no_gradient };
    return tsr_apply(g, &op, NULL, 1, &x);
}

static tsr_node *pool_apart(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const pool_case *c = context;
    return tsr_dense(g, c->pool(g, apply_shift(g, apply_apart(g, x)), c->size, c->stride), classes);
}

static tsr_node *pool_shifted(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const pool_case *c = context;
    return tsr_dense(g, c->pool(g, apply_shift(g, x), c->size, c->stride), classes);
}

static void gradients_agree(pool_function *pool, tsr_shape shape, int size, int stride)
{
    pool_case c = { pool, size, stride };
    test_net net = net_new(pool_apart, &c, shape, 3, 1);
    ck_succeeds(tsr_network_plan_apart(net.network, BATCH));
    double apart = gradient_error(&net, BATCH);
    ck_assert_double_lt(apart, 2e-3);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    double shared = gradient_error(&net, BATCH);
    ck_assert_double_lt(shared, 2e-3);
    net_free(&net);
}

START_TEST(pools_have_right_gradients)
{
    pool_function *functions[] = { tsr_max_pool, tsr_average_pool };
    for (size_t i = 0; i < 2; i++) {
        gradients_agree(functions[i], TSR_SHAPE(2, 4, 4), 2, 2);
        gradients_agree(functions[i], TSR_SHAPE(2, 5, 3), 2, 2);
        gradients_agree(functions[i], TSR_SHAPE(1, 5, 4), 3, 1); /* a value in several windows */
        gradients_agree(functions[i], TSR_SHAPE(2, 5, 5), 2, 3); /* and in none */
    }
    gradients_agree(whole, TSR_SHAPE(3, 3, 2), 0, 0);
}
END_TEST

START_TEST(of_equal_values_the_first_gets_the_gradient)
{
    pool_case c = { tsr_max_pool, 2, 2 };
    test_net net = net_new(pool_shifted, &c, TSR_SHAPE(1, 2, 2), 3, 1);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    for (size_t i = 0; i < BATCH * 4; i++)
        tsr_network_input_values(net.network)[i] = 0.5f;
    tsr_network_gradient(net.network, BATCH, (int32_t[BATCH]){ 0 }, 1, 1, NULL);
    const float *gradient = tsr_network_tensor(net.network, 0)->gradient; /* apply_shift's */
    for (size_t i = 0; i < BATCH; i++)
        ck_assert(gradient[4 * i] != 0 && gradient[4 * i + 1] == 0 && gradient[4 * i + 2] == 0 &&
                  gradient[4 * i + 3] == 0);
    net_free(&net);
}
END_TEST

/* --- refusals --- */

static tsr_status *try(pool_function *pool, tsr_shape shape, int size, int stride)
{
    pool_case c = { pool, size, stride };
    tsr_instance *model = hook_model_new(pool_shifted, &c);
    tsr_network *network = NULL;
    tsr_status *status = tsr_network_new(model, shape, 3, 1, &network);
    tsr_network_free(network);
    tsr_instance_free(model);
    return status;
}

START_TEST(an_image_smaller_than_a_window_is_refused_naming_both)
{
    ck_fails(try(tsr_max_pool, TSR_SHAPE(3, 1, 8), 2, 2), TSR_REFUSED,
             "max_pool0: its input, 'shift0', is 3 x 1 x 8, smaller than its windows of 2 x 2");
    ck_fails(try(tsr_average_pool, TSR_SHAPE(3, 8, 7), 8, 1), TSR_REFUSED,
             "average_pool0: its input, 'shift0', is 3 x 8 x 7, smaller than its windows of 8 x 8");
}
END_TEST

START_TEST(sizes_and_strides_below_one_are_refused)
{
    tsr_shape shape = TSR_SHAPE(1, 8, 8);
    ck_fails(try(tsr_max_pool, shape, 0, 1), TSR_REFUSED, "size is 0 and stride 1");
    ck_fails(try(tsr_average_pool, shape, 2, 0), TSR_REFUSED, "size is 2 and stride 0");
    ck_fails(try(tsr_max_pool, shape, -1, -1), TSR_REFUSED, "size is -1 and stride -1");
    ck_fails(try(tsr_max_pool, shape, 4097, 1), TSR_REFUSED, "a size of 1 to 4096");
}
END_TEST

/* --- padding --- */

typedef struct padded_case {
    bool largest;
    tsr_pool_options options;
} padded_case;

static tsr_node *padded_pool(const padded_case *c, tsr_graph *g, tsr_node *x)
{
    return c->largest ? tsr_max_pool_with(g, x, &c->options) : tsr_average_pool_with(g, x, &c->options);
}

static tsr_node *padded_only(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)classes;
    return padded_pool(context, g, x);
}

static tsr_node *padded_apart(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    return tsr_dense(g, padded_pool(context, g, apply_shift(g, apply_apart(g, x))), classes);
}

/* The value of the window that begins at row, column of a map; those may be in the padding. */
static double padded_value(const padded_case *c, const float *x, int height, int width, int row, int column)
{
    const tsr_pool_options *o = &c->options;
    double best = -INFINITY, sum = 0, inside = 0;
    for (int i = row; i < row + o->size_h; i++)
        for (int j = column; j < column + o->size_w; j++) {
            if (i < 0 || i >= height || j < 0 || j >= width)
                continue;
            best = fmax(best, (double)x[i * width + j]);
            sum += (double)x[i * width + j];
            inside++;
        }
    return c->largest ? best : sum / (o->padding_ignored ? inside : o->size_h * o->size_w);
}

static void padded_values_agree(padded_case c, int height, int width)
{
    const tsr_pool_options *o = &c.options;
    int h = (height + 2 * o->padding_h - o->size_h) / o->stride_h + 1,
        w = (width + 2 * o->padding_w - o->size_w) / o->stride_w + 1;
    test_net net = net_new(padded_only, &c, TSR_SHAPE(3, (size_t)height, (size_t)width), 3 * h * w, 1);
    ck_succeeds(tsr_network_plan(net.network, 2, false));
    free(random_batch(&net, 2));
    for (size_t i = 0; i < (size_t)(6 * height * width); i++) /* below 0, as padding is not */
        tsr_network_input_values(net.network)[i] -= 2;
    tsr_network_forward(net.network, 2, NULL, NULL);
    const float *x = tsr_network_input_values(net.network), *y = tsr_network_logits(net.network);
    for (int map = 0; map < 6; map++, x += height * width)
        for (int i = 0; i < h * w; i++, y++)
            ck_assert_double_eq_tol((double)*y,
                                    padded_value(&c, x, height, width, i / w * o->stride_h - o->padding_h,
                                                 i % w * o->stride_w - o->padding_w),
                                    1e-5);
    net_free(&net);
}

static const tsr_pool_options padded[] = {
    { 3, 3, 2, 2, 1, 1, false }, { 3, 3, 1, 1, 1, 1, true }, { 2, 5, 1, 2, 1, 2, true },
    { 4, 2, 3, 1, 2, 0, false }, { 5, 1, 2, 3, 0, 0, true }, { 7, 7, 5, 2, 3, 3, true },
};

START_TEST(padding_is_never_the_largest_and_counts_in_means_where_it_should)
{
    for (size_t i = 0; i < sizeof(padded) / sizeof(*padded); i++)
        for (int largest = 0; largest < 2; largest++) {
            padded_values_agree((padded_case){ largest, padded[i] }, 5, 6);
            padded_values_agree((padded_case){ largest, padded[i] }, 16, 9);
            if (padded[i].size_h == 7 || (padded[i].padding_h && padded[i].size_w == 3))
                padded_values_agree((padded_case){ largest, padded[i] }, 1, 1);
        }
}
END_TEST

START_TEST(padded_pools_have_right_gradients)
{
    for (size_t i = 0; i < sizeof(padded) / sizeof(*padded); i++)
        for (int largest = 0; largest < 2; largest++) {
            padded_case c = { largest, padded[i] };
            if (largest && padded[i].size_h * padded[i].size_w > 10)
                continue; /* windows of values that no small step reorders are small */
            test_net net = net_new(padded_apart, &c, TSR_SHAPE(2, 5, 3), 3, 1);
            ck_succeeds(tsr_network_plan_apart(net.network, BATCH));
            double error = gradient_error(&net, BATCH);
            ck_assert_double_lt(error, 2e-3);
            net_free(&net);
        }
}
END_TEST

static tsr_status *try_padded(tsr_pool_options options, tsr_shape shape)
{
    padded_case c = { true, options };
    tsr_instance *model = hook_model_new(padded_only, &c);
    tsr_network *network = NULL;
    tsr_status *status = tsr_network_new(model, shape, 3, 1, &network);
    tsr_network_free(network);
    tsr_instance_free(model);
    return status;
}

START_TEST(padding_of_more_than_half_a_window_is_refused)
{
    tsr_shape shape = TSR_SHAPE(1, 8, 8);
    ck_fails(try_padded((tsr_pool_options){ 3, 3, 1, 1, 2, 0, false }, shape), TSR_REFUSED,
             "max_pool0: padding is 2, expected 0 to 1, half of the window's size");
    ck_fails(try_padded((tsr_pool_options){ 3, 3, 1, 1, 0, -1, false }, shape), TSR_REFUSED,
             "padding is -1, expected 0 to 1");
    ck_fails(try_padded((tsr_pool_options){ 8, 8, 1, 1, 1, 1, false }, TSR_SHAPE(1, 5, 8)), TSR_REFUSED,
             "is 1 x 5 x 8, smaller than its windows of 8 x 8 even when padded");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_add_test(tests, windows_give_their_largest_or_mean_value);
    tcase_add_test(tests, the_mean_of_a_whole_map_is_an_average_pool_of_its_size);
    tcase_add_test(tests, a_window_with_nan_gives_nan);
    tcase_add_test(tests, pools_have_right_gradients);
    tcase_add_test(tests, of_equal_values_the_first_gets_the_gradient);
    tcase_add_test(tests, an_image_smaller_than_a_window_is_refused_naming_both);
    tcase_add_test(tests, sizes_and_strides_below_one_are_refused);
    tcase_add_test(tests, padding_is_never_the_largest_and_counts_in_means_where_it_should);
    tcase_add_test(tests, padded_pools_have_right_gradients);
    tcase_add_test(tests, padding_of_more_than_half_a_window_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
