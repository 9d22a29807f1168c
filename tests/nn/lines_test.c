/* Lines: exact values, slopes and crossings against known networks, against float forward passes, and against
   codes on both sides of each crossing. */
#include "nets.h"

#include "nn/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/line.h>

static tsr_instance *relu, *leaky;

static void setup(void)
{
    relu = test_instance(TSR_ACTIVATION, "plugin = \"relu\";");
    leaky = test_instance(TSR_ACTIVATION, "plugin = \"leaky_relu\"; slope = 0.25;");
}

static void teardown(void)
{
    tsr_instance_free(relu);
    tsr_instance_free(leaky);
}

/* --- networks that are known --- */

static tsr_node *one_hidden_layer(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const int *width = context;
    return tsr_dense(g, tsr_activate_with(g, tsr_dense(g, x, *width), relu), classes);
}

static void set(test_net *net, size_t tensor, const float *values)
{
    const tsr_network_parameter *p = tsr_network_tensor(net->network, tensor);
    memcpy(p->values, values, p->parameter.n * sizeof(float));
}

/* The clipped length of the region around an input, MEASURES' first number: (1, 2) along (1, 0). */
START_TEST(the_region_of_the_identity_ends_where_a_coordinate_is_zero)
{
    int width = 2;
    test_net net = net_new(one_hidden_layer, &width, TSR_SHAPE(2), 2, 1);
    set(&net, 0, (const float[]){ 1, 0, 0, 1 });
    set(&net, 1, (const float[]){ 0, 0 });
    const double x[] = { 1, 2, 1, 2 }, u[] = { 1, 0, -1, 0 };
    tsr_lines *lines;
    ck_succeeds(tsr_lines_new(net.network, 2, x, u, &lines));
    ck_assert(isinf(tsr_lines_next(lines)[0]));
    ck_assert_double_eq(tsr_lines_next(lines)[1], 1);
    ck_assert_double_eq(fmin(tsr_lines_next(lines)[0], 5) + fmin(tsr_lines_next(lines)[1], 5), 6.0);
    ck_assert_double_eq(tsr_lines_values(lines, 0)[0], 1);
    ck_assert_double_eq(tsr_lines_slopes(lines, 0)[2], -1);
    tsr_lines_free(lines);
    ck_assert_uint_eq(tsr_lines_bytes(net.network),
                      3 * sizeof(double) * (2 + 2 + 2 + 2)); /* each node's values */
    net_free(&net);
}
END_TEST

/* t, then twice the tent of what came before. */
static tsr_node *tents(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const int *depth = context;
    for (int i = 0; i < *depth; i++)
        x = tsr_dense(g, tsr_activate_with(g, tsr_dense(g, x, 2), relu), 1);
    return tsr_dense(g, x, classes);
}

static size_t count_pieces(tsr_network *network, double from, double to)
{
    size_t pieces = 1;
    double t = from;
    tsr_lines *lines;
    ck_succeeds(tsr_lines_new(network, 1, (const double[]){ 0 }, (const double[]){ 1 }, &lines));
    for (;;) {
        ck_succeeds(tsr_lines_move(lines, &t));
        double next = tsr_lines_next(lines)[0];
        ck_assert(next > t);
        if (next >= to - 1e-9)
            break;
        t = next;
        pieces++;
    }
    tsr_lines_free(lines);
    return pieces;
}

START_TEST(a_tent_map_of_depth_n_has_2_to_the_n_pieces)
{
    for (int depth = 1; depth <= 10; depth++) {
        test_net net = net_new(tents, &depth, TSR_SHAPE(1), 2, 1);
        for (size_t i = 0; i < (size_t)depth; i++) {
            set(&net, 4 * i, (const float[]){ 2, 4 });
            set(&net, 4 * i + 1, (const float[]){ 0, -2 });
            set(&net, 4 * i + 2, (const float[]){ 1, -1 });
            set(&net, 4 * i + 3, (const float[]){ 0 });
        }
        ck_assert_uint_eq(count_pieces(net.network, 0, 1), (size_t)1 << depth);
        net_free(&net);
    }
}
END_TEST

START_TEST(a_whole_line_crosses_each_unit_of_one_layer_once)
{
    int width = 50;
    test_net net = net_new(one_hidden_layer, &width, TSR_SHAPE(1), 2, 7);
    fill_random(50, tsr_network_tensor(net.network, 1)->values, 3); /* biases */
    size_t crossings = 0;
    for (size_t i = 0; i < 50; i++)
        crossings += fabsf(tsr_network_tensor(net.network, 1)->values[i]) <
                     999 * fabsf(tsr_network_tensor(net.network, 0)->values[i]);
    ck_assert_uint_gt(crossings, 45);
    ck_assert_uint_eq(count_pieces(net.network, -999, 999), crossings + 1);
    net_free(&net);
}
END_TEST

/* --- every operator --- */

typedef struct building {
    const char *name;
    tsr_shape shape;
    tsr_node *(*build)(tsr_graph *g, tsr_node *x);
} building;

static tsr_node *convolutions(tsr_graph *g, tsr_node *x)
{
    x = tsr_activate_with(g, tsr_batch_norm(g, tsr_conv2d(g, x, 6, 3, 1, 1)), relu);
    x = tsr_conv2d_with(g, x,
                        &(tsr_conv2d_options){ .channels = 6,
                                               .kernel_h = 3,
                                               .kernel_w = 2,
                                               .stride_h = 2,
                                               .stride_w = 1,
                                               .padding_h = 2,
                                               .bias = true,
                                               .groups = 3,
                                               .dilation_h = 2,
                                               .dilation_w = 1 });
    return tsr_global_average_pool(g, tsr_activate_with(g, x, leaky));
}

static tsr_node *residual(tsr_graph *g, tsr_node *x)
{
    tsr_node *a = tsr_activate_with(g, tsr_conv2d(g, x, 4, 3, 1, 1), relu);
    tsr_node *b = tsr_add(g, tsr_batch_norm(g, tsr_conv2d(g, a, 4, 3, 1, 1)), a);
    tsr_node *c = tsr_concat(g, 0, 2, (tsr_node *[]){ tsr_activate_with(g, b, relu), a });
    return tsr_average_pool(g, tsr_dropout(g, tsr_slice(g, c, 0, 1, 6), 0.5), 2, 2);
}

static tsr_node *pools(tsr_graph *g, tsr_node *x)
{
    const tsr_pool_options o = { 3, 2, 2, 1, 1, 0, false };
    x = tsr_conv2d(g, x, 3, 3, 1, 1);
    tsr_tap(g, tsr_max_pool_winners(g, x, &o), "winners", 1, (const float[]){ 0.5f });
    x = tsr_max_pool_with(g, x, &o);
    const tsr_pool_options mean = { 3, 3, 2, 2, 1, 1, true };
    return tsr_average_pool_with(g, tsr_activate_with(g, x, leaky), &mean);
}

static tsr_node *sequences(tsr_graph *g, tsr_node *x)
{
    tsr_node *a = tsr_activate_with(
        g, tsr_conv1d_with(g, x, &(tsr_conv1d_options){ .channels = 5, .kernel = 3 }), relu);
    a = tsr_transpose(g, a, 0, 1);
    tsr_node *mean = tsr_mean(g, tsr_reshape(g, a, TSR_SHAPE(1, 6, 1, 5)), 2, (const size_t[]){ 2, 3 });
    a = tsr_linear_with(g, tsr_linear(g, a, 4), &(tsr_linear_options){ .width = 4 });
    a = tsr_subtract(g, a, tsr_transpose(g, mean, 0, 1));
    return tsr_activate_with(g, tsr_scale(g, tsr_flatten(g, a), -1.5), leaky);
}

static tsr_node *taps(tsr_graph *g, tsr_node *x)
{
    x = tsr_tap(g, tsr_dense(g, x, 9), "tapped", 2, (const float[]){ -0.5f, 0.25f });
    return tsr_activate_with(g, tsr_dense(g, x, 8), relu);
}

static tsr_node *build_one(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const building *b = context;
    return tsr_dense(g, b->build(g, x), classes);
}

#define N 6
#define CLASSES 3

static float *floats_at(const double *x, const double *u, double t, size_t n)
{
    float *out = malloc(n * sizeof(float));
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(x[i] + t * u[i]);
    return out;
}

/* Logits and layers as the float network gives them. */
static void check_values(test_net *net, const tsr_lines *lines, const double *x, const double *u, double t)
{
    size_t size = tsr_shape_size(tsr_network_input(net->network));
    float *inputs = floats_at(x, u, t, N * size), logits[N * CLASSES];
    ck_succeeds(tsr_network_predict(net->network, N, inputs, logits));
    for (size_t i = 0; i < N * CLASSES; i++)
        ck_assert_double_eq_tol(tsr_lines_logits(lines)[i], (double)logits[i], 1e-4);
    for (size_t l = 0; l < tsr_network_n_layers(net->network); l++) {
        size_t units = tsr_network_layer(net->network, l).units;
        float *values = malloc(N * units * sizeof(float));
        ck_succeeds(tsr_network_values(net->network, l, N, inputs, values));
        for (size_t i = 0; i < N * units; i++)
            ck_assert_double_eq_tol(tsr_lines_values(lines, l)[i], (double)values[i], 1e-4);
        free(values);
    }
    free(inputs);
}

static void move_all(tsr_lines *lines, const double *t, double *logits, double *slopes, tsr_codes **codes)
{
    ck_succeeds(tsr_lines_move(lines, t));
    memcpy(logits, tsr_lines_logits(lines), N * CLASSES * sizeof(double));
    memcpy(slopes, tsr_lines_logit_slopes(lines), N * CLASSES * sizeof(double));
    ck_succeeds(tsr_lines_encode(lines, codes));
}

static bool same_row(const tsr_codes *a, const tsr_codes *b, size_t i)
{
    return memcmp(tsr_codes_row(a, i), tsr_codes_row(b, i), a->stride * sizeof(uint64_t)) == 0;
}

/* On a piece, the logits are straight and the code is one; beyond its end the code is another. */
static void check_piece(tsr_lines *lines, const double *t, const double *next)
{
    double ends[2][N], logits[3][N * CLASSES], slopes[3][N * CLASSES];
    tsr_codes *codes[3];
    for (size_t i = 0; i < N; i++) {
        ends[0][i] = t[i] + 0.9 * (next[i] - t[i]);
        ends[1][i] = next[i];
    }
    move_all(lines, t, logits[0], slopes[0], &codes[0]);
    move_all(lines, ends[0], logits[1], slopes[1], &codes[1]);
    move_all(lines, ends[1], logits[2], slopes[2], &codes[2]);
    for (size_t i = 0; i < N; i++) {
        ck_assert(same_row(codes[0], codes[1], i));
        ck_assert(!same_row(codes[0], codes[2], i));
        for (size_t c = i * CLASSES; c < (i + 1) * CLASSES; c++) {
            ck_assert_double_eq_tol(slopes[0][c], slopes[1][c], 1e-9);
            ck_assert_double_eq_tol(logits[0][c] + slopes[0][c] * (ends[0][i] - t[i]), logits[1][c], 1e-9);
            ck_assert_double_eq_tol(logits[0][c] + slopes[0][c] * (ends[1][i] - t[i]), logits[2][c], 1e-9);
        }
    }
    for (int k = 0; k < 3; k++)
        tsr_codes_free(codes[k]);
}

static double *random_doubles(size_t n, uint64_t index)
{
    float *values = malloc(n * sizeof(float));
    double *out = malloc(n * sizeof(double));
    fill_random(n, values, index);
    for (size_t i = 0; i < n; i++)
        out[i] = (double)values[i];
    free(values);
    return out;
}

static void check_network(const building *b)
{
    test_net net = net_new(build_one, (void *)(uintptr_t)b, b->shape, CLASSES, 3);
    size_t size = tsr_shape_size(b->shape);
    double *x = random_doubles(N * size, 5), *u = random_doubles(N * size, 6), t[N] = { 0 }, next[N];
    float *mean = malloc(size * sizeof(float));
    fill_random(size, mean, 8);
    tsr_network_subtract(net.network, mean);
    for (size_t i = 0; i < tsr_network_n_tensors(net.network); i++)
        for (size_t j = 0; j < tsr_network_tensor(net.network, i)->parameter.n; j++)
            tsr_network_tensor(net.network, i)->values[j] += 0.01f * (float)((i + j) % 7);
    tsr_lines *lines;
    ck_succeeds(tsr_lines_new(net.network, N, x, u, &lines));
    check_values(&net, lines, x, u, 0);
    for (int step = 0; step < 8; step++) {
        memcpy(next, tsr_lines_next(lines), sizeof(next));
        bool ends = true;
        for (size_t i = 0; i < N; i++) {
            ck_assert(next[i] > t[i]);
            ends = ends && isfinite(next[i]);
        }
        ck_assert_msg(ends || step >= 4, "%s: no end", b->name);
        if (!ends)
            break;
        check_piece(lines, t, next);
        memcpy(t, next, sizeof(t));
    }
    tsr_lines_free(lines);
    free(x);
    free(u);
    free(mean);
    net_free(&net);
}

START_TEST(values_slopes_and_crossings_are_those_of_the_network)
{
    static const building all[] = { { "convolutions", { 3, { 2, 7, 6 } }, convolutions },
                                    { "residual", { 3, { 2, 6, 6 } }, residual },
                                    { "pools", { 3, { 2, 6, 7 } }, pools },
                                    { "sequences", { 2, { 3, 8 } }, sequences },
                                    { "taps", { 1, { 10 } }, taps } };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        check_network(&all[i]);
}
END_TEST

/* --- other ways to the same --- */

static void check_turned(const building *b)
{
    test_net net = net_new(build_one, (void *)(uintptr_t)b, b->shape, CLASSES, 3);
    size_t size = tsr_shape_size(b->shape);
    double *x = random_doubles(N * size, 5), *u = random_doubles(N * size, 6), t[N], minus[N];
    tsr_lines *lines, *back;
    ck_succeeds(tsr_lines_new(net.network, N, x, u, &lines));
    for (size_t i = 0; i < N * size; i++)
        u[i] = -u[i];
    ck_succeeds(tsr_lines_new(net.network, N, x, u, &back));
    for (size_t i = 0; i < N; i++) {
        t[i] = 0.1 * (double)i;
        minus[i] = -t[i];
    }
    ck_succeeds(tsr_lines_move(lines, t));
    ck_succeeds(tsr_lines_move(back, minus));
    ck_succeeds(tsr_lines_turn(lines));
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(tsr_lines_next(lines)[i] == tsr_lines_next(back)[i], "%s: line %zu", b->name, i);
    ck_assert_mem_eq(tsr_lines_logits(lines), tsr_lines_logits(back), N * CLASSES * sizeof(double));
    ck_assert_mem_eq(tsr_lines_logit_slopes(lines), tsr_lines_logit_slopes(back),
                     N * CLASSES * sizeof(double));
    tsr_lines_free(lines);
    tsr_lines_free(back);
    free(x);
    free(u);
    net_free(&net);
}

START_TEST(lines_that_turn_are_those_of_the_opposite_direction)
{
    static const building all[] = { { "convolutions", { 3, { 2, 7, 6 } }, convolutions },
                                    { "pools", { 3, { 2, 6, 7 } }, pools },
                                    { "taps", { 1, { 10 } }, taps } };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        check_turned(&all[i]);
}
END_TEST

START_TEST(lines_to_a_layer_have_its_values_and_no_more)
{
    static const building b = { "residual", { 3, { 2, 6, 6 } }, residual };
    test_net net = net_new(build_one, (void *)(uintptr_t)&b, b.shape, CLASSES, 3);
    double *x = random_doubles(N * 72, 5), *u = random_doubles(N * 72, 6), t[N];
    for (size_t i = 0; i < N; i++)
        t[i] = 0.3;
    tsr_lines *whole, *lines;
    tsr_codes *codes;
    ck_succeeds(tsr_lines_new(net.network, N, x, u, &whole));
    ck_succeeds(tsr_lines_move(whole, t));
    for (size_t l = 0; l < tsr_network_n_layers(net.network); l++) {
        size_t values = N * tsr_network_layer(net.network, l).units;
        ck_succeeds(tsr_lines_new_to_layer(net.network, l, N, x, u, &lines));
        ck_succeeds(tsr_lines_move(lines, t));
        ck_assert_mem_eq(tsr_lines_values(lines, l), tsr_lines_values(whole, l), values * sizeof(double));
        ck_assert_mem_eq(tsr_lines_slopes(lines, l), tsr_lines_slopes(whole, l), values * sizeof(double));
        for (size_t i = 0; i < N; i++)
            ck_assert(l == 0 ? isinf(tsr_lines_next(lines)[i])
                             : tsr_lines_next(lines)[i] >= tsr_lines_next(whole)[i]);
        if (l == 0)
            ck_fails(tsr_lines_encode(lines, &codes), TSR_REFUSED, "are not followed to layer 1 of the code");
        tsr_lines_free(lines);
    }
    ck_fails(tsr_lines_new_to_layer(net.network, 9, N, x, u, &lines), TSR_REFUSED, "lines to layer 9");
    tsr_lines_free(whole);
    free(x);
    free(u);
    net_free(&net);
}
END_TEST

/* --- what has no exact course --- */

static tsr_node *smooth(tsr_graph *g, tsr_node *x)
{
    return tsr_tanh(g, tsr_dense(g, x, 4));
}

static tsr_node *squares(tsr_graph *g, tsr_node *x)
{
    tsr_node *y = tsr_named(g, tsr_multiply(g, x, x), "square");
    return tsr_activate_with(g, y, relu);
}

static tsr_node *unknown_activation(tsr_graph *g, tsr_node *x)
{
    return tsr_activate(g, x);
}

static void check_refused(tsr_node *(*build)(tsr_graph *, tsr_node *), const char *message)
{
    building b = { "refused", TSR_SHAPE(3), build };
    test_net net = net_new(build_one, &b, b.shape, CLASSES, 3);
    const double x[] = { 1, 2, 3 }, u[] = { 1, 0, 1 };
    tsr_lines *lines;
    ck_fails(tsr_lines_new(net.network, 1, x, u, &lines), TSR_REFUSED, message);
    ck_assert_ptr_null(lines);
    net_free(&net);
}

START_TEST(a_network_that_bends_is_refused_by_name)
{
    check_refused(smooth, "'tanh0' has no exact course along a line: operator tanh is smooth");
    check_refused(squares, "'square' has no exact course along a line: it multiplies two values that both");
    check_refused(unknown_activation, "'activation0' has no exact course along a line: activation "
                                      "hook_activation does not say what its straight pieces are");
}
END_TEST

START_TEST(a_line_moves_to_finite_places_only)
{
    int width = 2;
    test_net net = net_new(one_hidden_layer, &width, TSR_SHAPE(2), 2, 1);
    const double x[] = { 1, 2 }, u[] = { 1, 0 }, t[] = { NAN };
    tsr_lines *lines;
    ck_succeeds(tsr_lines_new(net.network, 1, x, u, &lines));
    ck_fails(tsr_lines_move(lines, t), TSR_REFUSED, "line 0 is to move to nan, expected a finite number");
    tsr_lines_free(lines);
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tests = tcase_create("lines");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_region_of_the_identity_ends_where_a_coordinate_is_zero);
    tcase_add_test(tests, a_tent_map_of_depth_n_has_2_to_the_n_pieces);
    tcase_add_test(tests, a_whole_line_crosses_each_unit_of_one_layer_once);
    tcase_add_test(tests, values_slopes_and_crossings_are_those_of_the_network);
    tcase_add_test(tests, lines_that_turn_are_those_of_the_opposite_direction);
    tcase_add_test(tests, lines_to_a_layer_have_its_values_and_no_more);
    tcase_add_test(tests, a_network_that_bends_is_refused_by_name);
    tcase_add_test(tests, a_line_moves_to_finite_places_only);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
