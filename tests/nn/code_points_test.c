/* Where code bits come from: taps, the winners of a pool, breakpoints that are learned, activations without.
 */
#include "nets.h"

#include "nn/graph.h"
#include "nn/network_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float zero[] = { 0 }, half[] = { 0.5f }, two[] = { -0.25f, 0.5f };

static bool bit_of(const tsr_codes *codes, size_t row, size_t column)
{
    return tsr_codes_row(codes, row)[column / 64] >> column % 64 & 1;
}

static tsr_codes *codes_of(test_net *net, size_t n, const float *inputs)
{
    tsr_codes *codes;
    ck_succeeds(tsr_network_encode(net->network, n, inputs, &codes));
    return codes;
}

/* --- taps --- */

static tsr_node *taps_input_and_middle(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *middle = tsr_tanh(g, tsr_tap(g, x, "pixels", 2, two));
    tsr_scope(g, "block.%d", 3);
    tsr_tap(g, middle, "middle", 1, zero);
    tsr_scope_end(g);
    return tsr_dense(g, middle, classes);
}

START_TEST(a_tap_makes_any_node_a_layer_of_the_code)
{
    enum { N = 9, SIZE = 70 };
    static float x[N * SIZE];
    test_net net = net_new(taps_input_and_middle, NULL, TSR_SHAPE(SIZE), 3, 1);
    fill_random(N * SIZE, x, 1);
    tsr_codes *codes = codes_of(&net, N, x);
    ck_assert_uint_eq(codes->n_layers, 2);
    ck_assert_str_eq(codes->layers[0].name, "pixels");
    ck_assert_str_eq(codes->layers[1].name, "block.3.middle");
    ck_assert_uint_eq(codes->layers[0].bits, 128 + SIZE);
    ck_assert_uint_eq(codes->layers[1].first, 256);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < SIZE; j++) {
            ck_assert_int_eq(bit_of(codes, i, j), x[i * SIZE + j] > two[0]);
            ck_assert_int_eq(bit_of(codes, i, 128 + j), x[i * SIZE + j] > two[1]);
            ck_assert_int_eq(bit_of(codes, i, 256 + j), x[i * SIZE + j] > 0);
        }
    tsr_codes_free(codes);
    net_free(&net);
}
END_TEST

/* What is below a tap is hidden, as what is below an activation. */
static tsr_node *taps_a_hidden_layer(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    tsr_node *hidden = tsr_dense(g, x, 4);
    if (context)
        tsr_tap(g, hidden, "hidden", 1, zero);
    return tsr_dense(g, tsr_tanh(g, hidden), classes);
}

START_TEST(what_lies_below_a_tap_is_hidden)
{
    test_net with = net_new(taps_a_hidden_layer, &with, TSR_SHAPE(5), 3, 1);
    test_net without = net_new(taps_a_hidden_layer, NULL, TSR_SHAPE(5), 3, 1);
    ck_assert(tsr_network_tensor(with.network, 0)->hidden);
    ck_assert(!tsr_network_tensor(with.network, 2)->hidden);
    ck_assert(!tsr_network_tensor(without.network, 0)->hidden);
    ck_assert_uint_eq(tsr_network_n_layers(without.network), 0);
    net_free(&with);
    net_free(&without);
}
END_TEST

typedef struct tapping {
    const char *name;
    size_t n;
    const float *at;
    bool twice;
} tapping;

static tsr_node *taps_as_told(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    const tapping *told = context;
    tsr_tap(g, x, told->name, told->n, told->at);
    if (told->twice)
        tsr_tap(g, x, told->name, told->n, told->at);
    return tsr_dense(g, x, classes);
}

static void check_refused(tapping told, const char *message)
{
    tsr_instance *model = hook_model_new(taps_as_told, &told);
    tsr_network *network;
    ck_fails(tsr_network_new(model, TSR_SHAPE(5), 3, 1, &network), TSR_REFUSED, message);
    tsr_instance_free(model);
}

START_TEST(a_tap_is_refused_with_what_is_wrong_with_it)
{
    static const float falls[] = { 1, 0 }, nan[] = { NAN };
    static float many[TSR_MAX_BREAKPOINTS + 1];
    check_refused((tapping){ NULL, 1, zero, false }, "a tap is called 'NULL', expected letters");
    check_refused((tapping){ "a b", 1, zero, false }, "a tap is called 'a b', expected letters");
    check_refused((tapping){ "a", 0, zero, false }, "tap 'a': a code with 0 breakpoints, expected 1 to 64");
    check_refused((tapping){ "a", 1, NULL, false }, "a code with 0 breakpoints");
    check_refused((tapping){ "a", TSR_MAX_BREAKPOINTS + 1, many, false }, "a code with 65 breakpoints");
    check_refused((tapping){ "a", 2, falls, false }, "breakpoint 1 is 0, expected finite and ascending");
    check_refused((tapping){ "a", 1, nan, false }, "breakpoint 0 is nan");
    check_refused((tapping){ "a", 1, zero, true }, "two layers of the code are called 'a'");
}
END_TEST

/* --- nodes that only taps look at --- */

static size_t counted;

static void count_forward(const tsr_pass *pass)
{
    counted++;
    memcpy(pass->output, pass->inputs[0], pass->n * tsr_shape_size(pass->shape) * sizeof(float));
}

static void no_gradient(const tsr_pass *pass)
{
    memset(pass->input_gradients[0], 0, pass->n * tsr_shape_size(pass->shapes[0]) * sizeof(float));
}

static void setup_same(tsr_setup *setup)
{
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

static const tsr_op counting =
    TSR_OP(.name = "counting", .setup = setup_same, .forward = count_forward, .backward = no_gradient);

static tsr_node *looks_aside(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *hidden = tsr_tanh(g, tsr_dense(g, x, 6));
    tsr_tap(g, tsr_scale(g, tsr_apply(g, &counting, NULL, 1, &hidden), -1), "aside", 1, zero);
    return tsr_dense(g, hidden, classes);
}

START_TEST(what_only_a_tap_looks_at_is_computed_for_codes_alone)
{
    test_net net = net_new(looks_aside, NULL, TSR_SHAPE(5), 3, 1);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    ck_assert_double_lt(gradient_error(&net, BATCH), 2e-3);
    float x[BATCH * 5], logits[BATCH * 3];
    fill_random(BATCH * 5, x, 2);
    ck_succeeds(tsr_network_predict(net.network, BATCH, x, logits));
    ck_assert_uint_eq(counted, 0);
    tsr_codes_free(codes_of(&net, BATCH, x));
    ck_assert_uint_eq(counted, 1);
    net_free(&net);
}
END_TEST

static tsr_node *learns_aside(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_tap(g, tsr_dense(g, x, 6), "aside", 1, zero);
    return tsr_dense(g, x, classes);
}

static tsr_node *forgets(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_named(g, tsr_tanh(g, x), "forgotten");
    return tsr_dense(g, x, classes);
}

START_TEST(what_nothing_trains_or_uses_is_refused)
{
    tsr_network *network;
    tsr_instance *model = hook_model_new(learns_aside, NULL);
    ck_fails(tsr_network_new(model, TSR_SHAPE(5), 3, 1, &network), TSR_REFUSED,
             "'dense0' has parameters that nothing trains");
    ((hook_model *)tsr_instance_self(model))->build = forgets;
    ck_fails(tsr_network_new(model, TSR_SHAPE(5), 3, 1, &network), TSR_REFUSED, "'forgotten' is not used");
    tsr_instance_free(model);
}
END_TEST

/* --- pools --- */

#define POOL                                                                                                 \
    &(tsr_pool_options)                                                                                      \
    {                                                                                                        \
        .size_h = 2, .size_w = 3, .stride_h = 2, .stride_w = 2, .padding_w = 1                               \
    }

static tsr_node *pools(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_tap(g, tsr_max_pool_winners(g, x, POOL), "winners", 1, half);
    return tsr_dense(g, tsr_max_pool_with(g, x, POOL), classes);
}

/* The first largest place of the window, by looking at each. */
static size_t winner_of(const float *map, size_t h, size_t w, size_t row, size_t column)
{
    size_t best = SIZE_MAX;
    float most = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++) {
            size_t y = 2 * row + i, x = 2 * column + j - 1; /* one column of padding */
            if (y >= h || x >= w)
                continue;
            if (best == SIZE_MAX || map[y * w + x] > most) {
                best = i * 3 + j;
                most = map[y * w + x];
            }
        }
    return best;
}

START_TEST(the_winners_of_a_pool_are_where_its_largest_values_are)
{
    enum { N = 4, C = 3, H = 6, W = 7, ROWS = 3, COLUMNS = 4, PLACES = 6 };
    static float x[N * C * H * W];
    test_net net = net_new(pools, NULL, TSR_SHAPE(C, H, W), 3, 1);
    fill_random(N * C * H * W, x, 3);
    for (size_t i = 0; i < N * C * H * W; i++)
        x[i] = roundf(4 * x[i]); /* with ties */
    tsr_codes *codes = codes_of(&net, N, x);
    ck_assert_uint_eq(codes->layers[0].bits, C * PLACES * ROWS * COLUMNS);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < C; c++)
            for (size_t r = 0; r < ROWS; r++)
                for (size_t k = 0; k < COLUMNS; k++) {
                    size_t winner = winner_of(x + (i * C + c) * H * W, H, W, r, k);
                    for (size_t p = 0; p < PLACES; p++)
                        ck_assert_int_eq(bit_of(codes, i, ((c * PLACES + p) * ROWS + r) * COLUMNS + k),
                                         p == winner);
                }
    tsr_codes_free(codes);
    net_free(&net);
}
END_TEST

/* --- breakpoints that are learned --- */

/* y = max(x, t) with a learned t for each channel, which is the breakpoint, and t + 1, which is one too. */
static void setup_floor(tsr_setup *setup)
{
    tsr_shape shape = tsr_setup_input(setup, 0);
    tsr_setup_output(setup, shape);
    tsr_setup_code(setup, 2, (const float[]){ 0, 1 });
    tsr_setup_parameter(
        setup, &(tsr_parameter_spec){ .name = "floor", .n_dims = 1, .dims = { tsr_shape_channels(shape) } });
}

static void forward_floor(const tsr_pass *pass)
{
    size_t positions = tsr_shape_positions(pass->shape), channels = tsr_shape_channels(pass->shape);
    for (size_t i = 0; i < pass->n * channels * positions; i++)
        pass->output[i] = fmaxf(pass->inputs[0][i], pass->parameters[0][i / positions % channels]);
}

static void backward_floor(const tsr_pass *pass)
{
    size_t positions = tsr_shape_positions(pass->shape), channels = tsr_shape_channels(pass->shape);
    memset(pass->parameter_gradients[0], 0, channels * sizeof(float));
    for (size_t i = 0; i < pass->n * channels * positions; i++) {
        size_t c = i / positions % channels;
        bool above = pass->inputs[0][i] > pass->parameters[0][c];
        if (pass->input_gradients[0])
            pass->input_gradients[0][i] = above ? pass->output_gradient[i] : 0;
        pass->parameter_gradients[0][c] += above ? 0 : pass->output_gradient[i];
    }
}

static void floors(const tsr_pass *pass, float *at)
{
    size_t channels = tsr_shape_channels(pass->shape);
    ck_assert(!pass->inputs && !pass->output);
    for (size_t c = 0; c < channels; c++) {
        at[c] = pass->parameters[0][c];
        at[channels + c] = pass->parameters[0][c] + 1;
    }
}

static const tsr_op floor_op =
    TSR_OP(.name = "floor", .flags = TSR_OP_READS_INPUTS, .setup = setup_floor, .forward = forward_floor,
           .backward = backward_floor, .breakpoints = floors);

static tsr_node *has_floors(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_named(g, tsr_apply(g, &floor_op, NULL, 1, &x), "floor"), classes);
}

START_TEST(breakpoints_move_with_what_is_learned)
{
    enum { N = 5, C = 3, P = 30 };
    static float x[N * C * P];
    test_net net = net_new(has_floors, NULL, TSR_SHAPE(C, 5, 6), 3, 1);
    const tsr_network_parameter *learned = tsr_network_tensor(net.network, 0);
    ck_assert_str_eq(learned->parameter.name, "floor.floor");
    fill_random(N * C * P, x, 4);
    for (int round = 0; round < 2; round++) {
        for (size_t c = 0; c < C; c++)
            learned->values[c] = 0.3f * (float)c - 0.5f * (float)round;
        tsr_codes *codes = codes_of(&net, N, x);
        for (size_t i = 0; i < N; i++)
            for (size_t u = 0; u < C * P; u++)
                for (size_t b = 0; b < 2; b++)
                    ck_assert_int_eq(bit_of(codes, i, 128 * b + u),
                                     x[i * C * P + u] > learned->values[u / P] + (float)b);
        tsr_codes_free(codes);
    }
    net_free(&net);
}
END_TEST

START_TEST(the_sum_of_a_channel_is_held_against_the_channels_breakpoint)
{
    enum { N = 5, C = 3, P = 30 };
    static float x[N * C * P];
    test_net net = net_new(has_floors, NULL, TSR_SHAPE(C, 5, 6), 3, 1);
    ck_succeeds(tsr_network_choose_code(net.network, &(tsr_code_choice){ .by_channel = true }));
    for (size_t c = 0; c < C; c++)
        tsr_network_tensor(net.network, 0)->values[c] = 2 * (float)c - 2;
    fill_random(N * C * P, x, 4);
    tsr_codes *codes = codes_of(&net, N, x);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < C; c++) {
            double sum = 0;
            for (size_t p = 0; p < P; p++)
                sum += (double)x[(i * C + c) * P + p];
            ck_assert_double_gt(fabs(sum - 2 * (double)c + 2), 1e-3);
            ck_assert_int_eq(bit_of(codes, i, c), sum > 2 * (double)c - 2);
        }
    tsr_codes_free(codes);
    net_free(&net);
}
END_TEST

/* --- none --- */

static tsr_node *activates(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, x), classes);
}

START_TEST(an_activation_whose_breakpoints_stay_gives_a_layer)
{
    test_net net = net_new(activates, NULL, TSR_SHAPE(5), 3, 1);
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 1);
    ck_assert_str_eq(tsr_network_code_source(net.network, 0)->name, "activation0");
    ck_assert_ptr_null(tsr_network_code_source(net.network, 0)->moved);
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code points");
    TCase *tests = tcase_create("code points");
    tcase_add_test(tests, a_tap_makes_any_node_a_layer_of_the_code);
    tcase_add_test(tests, what_lies_below_a_tap_is_hidden);
    tcase_add_test(tests, a_tap_is_refused_with_what_is_wrong_with_it);
    tcase_add_test(tests, what_only_a_tap_looks_at_is_computed_for_codes_alone);
    tcase_add_test(tests, what_nothing_trains_or_uses_is_refused);
    tcase_add_test(tests, the_winners_of_a_pool_are_where_its_largest_values_are);
    tcase_add_test(tests, breakpoints_move_with_what_is_learned);
    tcase_add_test(tests, the_sum_of_a_channel_is_held_against_the_channels_breakpoint);
    tcase_add_test(tests, an_activation_whose_breakpoints_stay_gives_a_layer);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
