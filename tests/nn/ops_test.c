/* Operators' values, against plain sums in double: what gradients alone do not tell. */
#include "nets.h"

#include "nn/kernels/channels.h"
#include "nn/ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const tsr_network_parameter *tensor_named(const tsr_network *network, const char *name)
{
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++)
        if (strcmp(tsr_network_tensor(network, i)->parameter.name, name) == 0)
            return tsr_network_tensor(network, i);
    ck_abort_msg("no parameter is named %s", name);
    return NULL;
}

/* --- channel sums --- */

static void sums_agree(size_t samples, size_t channels, size_t positions)
{
    size_t n = samples * channels * positions;
    float *x = malloc(n * sizeof(float)), *y = malloc(n * sizeof(float));
    float *centre = malloc(channels * sizeof(float)), *out = malloc(3 * channels * sizeof(float));
    fill_random(n, x, 1);
    fill_random(n, y, 2);
    fill_random(channels, centre, 3);
    tsr_channel_sums(samples, channels, positions, x, out);
    if (positions == 1) {
        tsr_channel_squares(samples, channels, x, centre, out + channels);
        tsr_channel_products(samples, channels, x, centre, y, out + 2 * channels);
    }
    for (size_t c = 0; c < channels; c++) {
        double sums[3] = { 0 }, size = (double)(samples * positions);
        for (size_t s = 0; s < samples; s++)
            for (size_t p = 0; p < positions; p++) {
                size_t i = (s * channels + c) * positions + p;
                double distance = (double)x[i] - (double)centre[c];
                sums[0] += (double)x[i];
                sums[1] += distance * distance;
                sums[2] += distance * (double)y[i];
            }
        for (size_t k = 0; k < (positions == 1 ? 3 : 1); k++)
            ck_assert_double_eq_tol((double)out[k * channels + c] / size, sums[k] / size, 1e-6);
    }
    free(x);
    free(y);
    free(centre);
    free(out);
}

START_TEST(channel_sums_agree_with_sums_in_double)
{
    sums_agree(1, 1, 1);
    sums_agree(64, 100, 1);
    sums_agree(65, 257, 1);
    sums_agree(1000, 3, 1);
    sums_agree(7, 5, 9);
    sums_agree(3, 2, 2500);
    sums_agree(64, 16, 256);
}
END_TEST

/* --- dense --- */

static tsr_node *dense(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, x, classes);
}

START_TEST(dense_is_the_product_with_the_transposed_weight_plus_bias)
{
    test_net net = net_new(dense, NULL, TSR_SHAPE(3, 5, 7), 11, 1);
    const tsr_network_parameter *w = tensor_named(net.network, "dense0.weight");
    const tsr_network_parameter *b = tensor_named(net.network, "dense0.bias");
    ck_assert(w->parameter.n_dims == 2 && w->parameter.dims[0] == 11 && w->parameter.dims[1] == 105);
    ck_assert(b->parameter.n_dims == 1 && b->parameter.dims[0] == 11);
    fill_random(11, b->values, 5);
    ck_succeeds(tsr_network_plan(net.network, 6, false));
    free(random_batch(&net, 6));
    const float *x = tsr_network_input_values(net.network), *y = tsr_network_logits(net.network);
    tsr_network_forward(net.network, 6, NULL, NULL);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 11; j++) {
            double sum = (double)b->values[j];
            for (size_t k = 0; k < 105; k++)
                sum += (double)x[i * 105 + k] * (double)w->values[j * 105 + k];
            ck_assert_double_eq_tol((double)y[i * 11 + j], sum, 1e-5);
        }
    net_free(&net);
}
END_TEST

/* --- batch norm --- */

static tsr_node *batch_norm(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    return tsr_batch_norm(g, x);
}

static float *state_named(const tsr_network *network, const char *name)
{
    for (size_t i = 0; i < tsr_network_n_states(network); i++)
        if (strcmp(tsr_network_get_state(network, i)->name, name) == 0)
            return tsr_network_get_state(network, i)->values;
    ck_abort_msg("no state is named %s", name);
    return NULL;
}

/* The mean and biased variance of channel c. */
static void moments(tsr_shape shape, size_t n, const float *x, size_t c, double *mean, double *variance)
{
    size_t positions = tsr_shape_positions(shape);
    double count = (double)(n * positions);
    *mean = *variance = 0;
    for (size_t s = 0; s < n; s++)
        for (size_t p = 0; p < positions; p++)
            *mean += (double)x[(s * shape.dims[0] + c) * positions + p] / count;
    for (size_t s = 0; s < n; s++)
        for (size_t p = 0; p < positions; p++)
            *variance += pow((double)x[(s * shape.dims[0] + c) * positions + p] - *mean, 2) / count;
}

static void normalises(tsr_shape shape, size_t n)
{
    size_t size = tsr_shape_size(shape), positions = tsr_shape_positions(shape);
    test_net net = net_new(batch_norm, NULL, shape, (int)size, 1);
    ck_succeeds(tsr_network_plan(net.network, n, true));
    int32_t *labels = random_batch(&net, n);
    float *x = tsr_network_input_values(net.network);
    const float *y = tsr_network_logits(net.network);
    fill_random(shape.dims[0], tensor_named(net.network, "batch_norm0.weight")->values, 4);
    fill_random(shape.dims[0], tensor_named(net.network, "batch_norm0.bias")->values, 5);
    const float *scale = tensor_named(net.network, "batch_norm0.weight")->values;
    const float *shift = tensor_named(net.network, "batch_norm0.bias")->values;
    const float *running_mean = state_named(net.network, "batch_norm0.running_mean");
    const float *running_var = state_named(net.network, "batch_norm0.running_var");
    for (size_t i = 0; i < n * size; i++)
        x[i] = 100 + 3 * x[i]; /* a mean far from 0: what cancels must not show */
    tsr_network_gradient(net.network, n, labels, 1, 1, NULL);
    double correction = n * positions > 1 ? (double)(n * positions) / (double)(n * positions - 1) : 1;
    for (size_t c = 0; c < shape.dims[0]; c++) {
        double mean, variance;
        moments(shape, n, x, c, &mean, &variance);
        for (size_t s = 0; s < n; s++)
            for (size_t p = 0; p < positions; p++) {
                size_t i = (s * shape.dims[0] + c) * positions + p;
                double expected =
                    ((double)x[i] - mean) / sqrt(variance + 1e-3) * (double)scale[c] + (double)shift[c];
                ck_assert_double_eq_tol((double)y[i], expected, 5e-5);
            }
        ck_assert_double_eq_tol((double)running_mean[c], 0.01 * mean, 1e-5);
        ck_assert_double_eq_tol((double)running_var[c], 0.99 + 0.01 * variance * correction, 1e-5);
    }
    /* Inference: the running statistics, which it leaves alone. */
    float before = running_mean[0];
    tsr_network_forward(net.network, n, NULL, NULL);
    ck_assert(before == running_mean[0]);
    double expected = ((double)x[0] - (double)running_mean[0]) / sqrt((double)running_var[0] + 1e-3);
    expected = expected * (double)scale[0] + (double)shift[0];
    ck_assert_double_eq_tol((double)y[0], expected, fabs(expected) * 1e-5);
    free(labels);
    net_free(&net);
}

START_TEST(batch_norm_normalises_by_the_batch_and_runs_its_statistics)
{
    normalises(TSR_SHAPE(5), 64);
    normalises(TSR_SHAPE(3, 4, 5), 7);
    normalises(TSR_SHAPE(2, 3, 3), 1);
}
END_TEST

START_TEST(batch_norm_of_one_value_per_channel_is_its_shift)
{
    normalises(TSR_SHAPE(4), 1);
}
END_TEST

/* --- dropout --- */

static tsr_node *dropout(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)classes;
    tsr_node *y = tsr_dropout(g, x, *(double *)context);
    return tsr_dropout(g, y, 0);
}

#define WIDE 1000

static test_net dropout_net(double *rate)
{
    test_net net = net_new(dropout, rate, TSR_SHAPE(WIDE), WIDE, 1);
    ck_succeeds(tsr_network_plan(net.network, 10, true));
    for (size_t i = 0; i < 10 * WIDE; i++)
        tsr_network_input_values(net.network)[i] = 2;
    return net;
}

START_TEST(dropout_drops_its_rate_and_scales_what_is_left)
{
    double rate = 0.3;
    test_net net = dropout_net(&rate);
    int32_t labels[10] = { 0 };
    tsr_network_gradient(net.network, 10, labels, 5, 1, NULL);
    size_t dropped = 0;
    for (size_t i = 0; i < 10 * WIDE; i++) {
        float y = tsr_network_logits(net.network)[i];
        dropped += y == 0;
        ck_assert(y == 0 || fabs((double)y - 2 / 0.7) < 1e-6);
    }
    ck_assert_double_eq_tol((double)dropped / (10 * WIDE), 0.3, 5 * sqrt(0.3 * 0.7 / (10 * WIDE)));
    tsr_network_forward(net.network, 10, NULL, NULL);
    for (size_t i = 0; i < 10 * WIDE; i++)
        ck_assert(tsr_network_logits(net.network)[i] == 2);
    net_free(&net);
}
END_TEST

START_TEST(dropout_is_the_same_for_a_seed_and_step_and_differs_between_them)
{
    double rate = 0.5;
    test_net net = dropout_net(&rate);
    int32_t labels[10] = { 0 };
    static float first[10 * WIDE];
    const uint64_t names[][2] = { { 5, 1 }, { 5, 1 }, { 5, 2 }, { 6, 1 } };
    for (size_t k = 0; k < 4; k++) {
        tsr_network_gradient(net.network, 10, labels, names[k][0], names[k][1], NULL);
        const float *y = tsr_network_logits(net.network);
        size_t different = 0;
        for (size_t i = 0; k && i < 10 * WIDE; i++)
            different += y[i] != first[i];
        if (k == 0)
            memcpy(first, y, sizeof(first));
        else if (k == 1)
            ck_assert_uint_eq(different, 0);
        else
            ck_assert_double_eq_tol((double)different / (10 * WIDE), 0.5, 0.03);
    }
    net_free(&net);
}
END_TEST

/* What two dropouts of one network leave of 1, doubled by their rate: a + 2 b. */
static tsr_node *two_dropouts(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    tsr_node *a = tsr_dropout(g, x, 0.5), *b = tsr_dropout(g, x, 0.5);
    return tsr_add(g, a, tsr_add(g, b, b));
}

START_TEST(no_two_nodes_share_a_mask_in_any_two_steps)
{
    test_net net = net_new(two_dropouts, NULL, TSR_SHAPE(WIDE), WIDE, 1);
    ck_succeeds(tsr_network_plan(net.network, 1, true));
    for (size_t i = 0; i < WIDE; i++)
        tsr_network_input_values(net.network)[i] = 0.5f;
    int32_t label = 0;
    static bool masks[8][WIDE]; /* a, b of step 1, a, b of step 2 ... */
    for (size_t step = 0; step < 4; step++) {
        tsr_network_gradient(net.network, 1, &label, 1, step + 1, NULL);
        for (size_t i = 0; i < WIDE; i++) {
            int sum = (int)tsr_network_logits(net.network)[i];
            masks[2 * step][i] = sum & 1;
            masks[2 * step + 1][i] = sum & 2;
        }
    }
    for (size_t a = 0; a < 8; a++)
        for (size_t b = 0; b < a; b++) {
            size_t same = 0;
            for (size_t i = 0; i < WIDE; i++)
                same += masks[a][i] == masks[b][i];
            ck_assert_double_eq_tol((double)same / WIDE, 0.5, 0.1);
        }
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operators");
    TCase *tests = tcase_create("operators");
    tcase_add_test(tests, channel_sums_agree_with_sums_in_double);
    tcase_add_test(tests, dense_is_the_product_with_the_transposed_weight_plus_bias);
    tcase_add_test(tests, batch_norm_normalises_by_the_batch_and_runs_its_statistics);
    tcase_add_test(tests, batch_norm_of_one_value_per_channel_is_its_shift);
    tcase_add_test(tests, dropout_drops_its_rate_and_scales_what_is_left);
    tcase_add_test(tests, dropout_is_the_same_for_a_seed_and_step_and_differs_between_them);
    tcase_add_test(tests, no_two_nodes_share_a_mask_in_any_two_steps);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
