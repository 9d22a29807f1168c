/* Layers that are applied several times: one set of parameters, whose gradient is the sum over the uses. */
#include "nets.h"

#include "nn/graph.h"

#include <stdlib.h>
#include <string.h>

#define TOLERANCE 2e-3

static void gradients_agree(build_function *build, tsr_shape shape, size_t tensors)
{
    test_net net = net_new(build, NULL, shape, 3, 1);
    ck_assert_uint_eq(tsr_network_n_tensors(net.network), tensors);
    ck_succeeds(tsr_network_plan_apart(net.network, BATCH));
    double apart = gradient_error(&net, BATCH);
    ck_assert_double_lt(apart, TOLERANCE);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    double shared = gradient_error(&net, BATCH);
    ck_assert_double_lt(shared, TOLERANCE);
    net_free(&net);
}

/* x W^T + b three times, the last on what the first gave. */
static tsr_node *dense_thrice(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *first = tsr_dense(g, x, 4);
    tsr_node *second = tsr_again(g, first, tsr_tanh(g, first));
    return tsr_dense(g, tsr_add(g, tsr_again(g, second, first), second), classes);
}

static tsr_node *siamese(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = apply_shift(g, x);
    tsr_node *left = tsr_slice(g, x, 1, 0, 4), *right = tsr_slice(g, x, 1, 4, 4);
    tsr_node *a = tsr_conv2d(g, left, 2, 3, 1, 1), *b = tsr_again(g, a, right);
    return tsr_dense(g, tsr_multiply(g, a, b), classes);
}

/* On maps a batch norm and its activation are run as one, but not where they are applied again. */
static tsr_node *norm_and_activation_twice(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *norm = tsr_batch_norm(g, apply_shift(g, x)), *activation = tsr_activate(g, norm);
    x = tsr_again(g, norm, tsr_exp(g, activation));
    return tsr_dense(g, tsr_again(g, activation, x), classes);
}

START_TEST(the_gradient_of_a_layer_is_the_sum_over_its_uses)
{
    gradients_agree(dense_thrice, TSR_SHAPE(4), 4);
    gradients_agree(siamese, TSR_SHAPE(1, 8, 3), 1 + 1 + 2);
    gradients_agree(norm_and_activation_twice, TSR_SHAPE(2, 2, 2), 1 + 2 + 1 + 2);
}
END_TEST

static tsr_node *dense_twice(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    x = tsr_named(g, tsr_dense(g, x, 4), "layer");
    return tsr_again(g, x, x);
}

START_TEST(each_use_computes_with_the_same_parameters)
{
    test_net net = net_new(dense_twice, NULL, TSR_SHAPE(4), 4, 1);
    ck_assert_uint_eq(tsr_network_n_tensors(net.network), 2);
    ck_assert_uint_eq(tsr_network_parameters(net.network), 4 * 4 + 4);
    ck_assert_str_eq(tsr_network_tensor(net.network, 0)->parameter.name, "layer.weight");
    float *w = tsr_network_tensor(net.network, 0)->values, *b = tsr_network_tensor(net.network, 1)->values;
    fill_random(4, b, 5);
    ck_succeeds(tsr_network_plan(net.network, 1, false));
    free(random_batch(&net, 1));
    float x[4], y[4];
    memcpy(x, tsr_network_input_values(net.network), sizeof(x));
    for (int use = 0; use < 2; use++, memcpy(x, y, sizeof(x)))
        for (size_t i = 0; i < 4; i++) {
            y[i] = b[i];
            for (size_t j = 0; j < 4; j++)
                y[i] += w[4 * i + j] * x[j];
        }
    tsr_network_forward(net.network, 1, NULL, NULL);
    for (size_t i = 0; i < 4; i++)
        ck_assert_float_eq_tol(tsr_network_logits(net.network)[i], y[i], 1e-5f);
    net_free(&net);
}
END_TEST

static tsr_node *norm_twice(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    tsr_batch_norm_options options = { .epsilon = 1e-3, .momentum = 0.5 };
    tsr_node *norm = tsr_batch_norm_with(g, x, &options);
    return tsr_again(g, norm, tsr_add(g, norm, x));
}

START_TEST(each_use_moves_the_running_statistics)
{
    test_net net = net_new(norm_twice, NULL, TSR_SHAPE(3), 3, 1);
    ck_assert_uint_eq(tsr_network_n_states(net.network), 2);
    ck_assert_uint_eq(tsr_network_graph(net.network)->n_constants, 2);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    int32_t *labels = random_batch(&net, BATCH);
    double mean = 0; /* of the first unit; the norm's own output has a mean of 0 */
    for (size_t i = 0; i < BATCH; i++)
        mean += (double)tsr_network_input_values(net.network)[3 * i] / BATCH;
    tsr_network_gradient(net.network, BATCH, labels, 1, 1, NULL);
    double first = 0.5 * mean, second = 0.5 * first + 0.5 * mean;
    ck_assert_double_eq_tol((double)tsr_network_get_state(net.network, 0)->values[0], second, 1e-6);
    free(labels);
    net_free(&net);
}
END_TEST

static tsr_node *activation_twice(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_activate(g, tsr_dense(g, x, 4));
    return tsr_dense(g, tsr_again(g, x, x), classes);
}

START_TEST(an_activation_is_a_layer_of_the_code_at_each_use)
{
    test_net net = net_new(activation_twice, NULL, TSR_SHAPE(4), 3, 1);
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 2);
    net_free(&net);
}
END_TEST

/* --- refusals --- */

static void refuses(tsr_graph *g, tsr_node *x, const char *message)
{
    ck_fails(tsr_graph_finish(g, x, 4), TSR_REFUSED, message);
    tsr_graph_free(g);
}

static tsr_graph *new_graph(void)
{
    tsr_graph *g;
    ck_succeeds(tsr_graph_new(NULL, TSR_SHAPE(6), &g));
    return g;
}

START_TEST(what_cannot_be_applied_again_is_refused_in_words)
{
    tsr_graph *g = new_graph(), *other = new_graph();
    tsr_node *dense = tsr_dense(g, g->nodes[0], 4);
    refuses(g, tsr_again(g, dense, dense),
            "dense1: its weight is 4 x 4, but that of 'dense0', which it is to apply again, is 4 x 6");
    g = new_graph();
    refuses(g, tsr_again(g, g->nodes[0], g->nodes[0]), "'input' is the network's input and cannot be");
    g = new_graph();
    refuses(g, tsr_again(g, NULL, g->nodes[0]), "the layer to be applied again is NULL");
    g = new_graph();
    refuses(g, tsr_again(g, tsr_dense(other, other->nodes[0], 4), g->nodes[0]), "is of another graph");
    g = new_graph();
    refuses(g, tsr_again(g, tsr_add(g, g->nodes[0], g->nodes[0]), g->nodes[0]),
            "'add0' is to be applied again to 1 inputs, expected 2");
    g = new_graph();
    dense = tsr_dense(g, g->nodes[0], 4);
    tsr_node *norm = tsr_batch_norm(g, g->nodes[0]);
    refuses(g, tsr_again(g, norm, dense), "batch_norm1: its ");
    tsr_graph_free(other);
}
END_TEST

/* --- an operator of a plugin's whose second use asks for another number of parameters --- */

static void set_up_growing(tsr_setup *setup)
{
    tsr_shape x = tsr_setup_input(setup, 0);
    tsr_setup_output(setup, TSR_SHAPE(4));
    for (size_t i = 0; i < x.dims[0] / 2; i++) {
        char name[] = { 'a', (char)('0' + i), '\0' };
        tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = name, .n_dims = 1, .dims = { 1 } });
    }
}

static void nothing(const tsr_pass *pass)
{
    (void)pass;
}

static const tsr_op growing =
    TSR_OP(.name = "growing", .setup = set_up_growing, .forward = nothing, .backward = nothing);

START_TEST(another_number_of_parameters_is_refused)
{
    tsr_graph *g = new_graph();
    tsr_node *x = g->nodes[0];
    x = tsr_apply(g, &growing, NULL, 1, &x);
    refuses(g, tsr_again(g, x, x), "growing1: has fewer parameters than 'growing0'");
    g = new_graph();
    tsr_node *four = tsr_dense(g, g->nodes[0], 4);
    x = tsr_apply(g, &growing, NULL, 1, &four);
    refuses(g, tsr_again(g, x, g->nodes[0]), "growing1: has more parameters than 'growing0'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("again");
    TCase *tests = tcase_create("again");
    tcase_add_test(tests, the_gradient_of_a_layer_is_the_sum_over_its_uses);
    tcase_add_test(tests, each_use_computes_with_the_same_parameters);
    tcase_add_test(tests, each_use_moves_the_running_statistics);
    tcase_add_test(tests, an_activation_is_a_layer_of_the_code_at_each_use);
    tcase_add_test(tests, what_cannot_be_applied_again_is_refused_in_words);
    tcase_add_test(tests, another_number_of_parameters_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
