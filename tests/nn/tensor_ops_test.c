/* Operators on shapes of any number of dimensions: their gradients against numerical differences, what they
   refuse, and that threads change no bits. What they compute is compared with PyTorch in compare_torch.py. */
#include "nets.h"

#include "base/machine.h"
#include "nn/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 3e-3

/* --- gradients --- */

typedef tsr_node *operator_function(tsr_graph *g, tsr_node *x);

static tsr_node *linear(tsr_graph *g, tsr_node *x)
{
    return tsr_linear(g, x, 3);
}

static tsr_node *linear_without_bias(tsr_graph *g, tsr_node *x)
{
    return tsr_linear_with(g, x, &(tsr_linear_options){ .width = 3 });
}

static tsr_node *added(tsr_graph *g, tsr_node *x)
{
    size_t last = tsr_node_shape(x).n_dims - 1;
    return tsr_add(g, x, tsr_slice(g, x, last, 0, 1));
}

static tsr_node *subtracted(tsr_graph *g, tsr_node *x)
{
    return tsr_subtract(g, tsr_slice(g, x, 0, 1, 1), x);
}

static tsr_node *multiplied(tsr_graph *g, tsr_node *x)
{
    size_t last = tsr_node_shape(x).n_dims - 1;
    return tsr_multiply(g, tsr_slice(g, x, last, 1, 1), x);
}

static tsr_node *squared(tsr_graph *g, tsr_node *x)
{
    return tsr_multiply(g, x, x);
}

static tsr_node *sigmoid(tsr_graph *g, tsr_node *x)
{
    return tsr_sigmoid(g, x);
}

static tsr_node *tanh_of(tsr_graph *g, tsr_node *x)
{
    return tsr_tanh(g, x);
}

static tsr_node *scaled(tsr_graph *g, tsr_node *x)
{
    return tsr_scale(g, x, -1.5);
}

static tsr_node *exp_of(tsr_graph *g, tsr_node *x)
{
    return tsr_exp(g, x);
}

static tsr_node *softmax_first(tsr_graph *g, tsr_node *x)
{
    return tsr_softmax(g, x, 0);
}

static tsr_node *softmax_last(tsr_graph *g, tsr_node *x)
{
    return tsr_softmax(g, x, tsr_node_shape(x).n_dims - 1);
}

static tsr_node *layer_norm(tsr_graph *g, tsr_node *x)
{
    return tsr_layer_norm(g, x, 1, 1e-2);
}

static tsr_node *layer_norm_of_all(tsr_graph *g, tsr_node *x)
{
    return tsr_layer_norm(g, x, tsr_node_shape(x).n_dims, 1e-2);
}

static tsr_node *group_norm(tsr_graph *g, tsr_node *x)
{
    return tsr_group_norm(g, x, 2, 1e-2);
}

static tsr_node *mean_of_first(tsr_graph *g, tsr_node *x)
{
    return tsr_mean(g, x, 1, (size_t[]){ 0 });
}

static tsr_node *mean_of_ends(tsr_graph *g, tsr_node *x)
{
    return tsr_mean(g, x, 2, (size_t[]){ tsr_node_shape(x).n_dims - 1, 0 });
}

static tsr_node *reshaped(tsr_graph *g, tsr_node *x)
{
    return tsr_reshape(g, x, TSR_SHAPE(2, tsr_shape_size(tsr_node_shape(x)) / 2));
}

static tsr_node *transposed(tsr_graph *g, tsr_node *x)
{
    return tsr_softmax(g, tsr_transpose(g, x, 0, tsr_node_shape(x).n_dims - 1), 0);
}

static tsr_node *permuted(tsr_graph *g, tsr_node *x)
{
    static const size_t orders[][4] = { { 0 }, { 1, 0 }, { 1, 2, 0 }, { 3, 0, 2, 1 } };
    size_t n = tsr_node_shape(x).n_dims;
    return tsr_softmax(g, tsr_permute(g, x, n, orders[n - 1]), 0);
}

static tsr_node *joined(tsr_graph *g, tsr_node *x)
{
    tsr_node *parts[] = { tsr_slice(g, x, 0, 1, 2), tsr_tanh(g, x), x };
    return tsr_concat(g, 0, 3, parts);
}

static tsr_node *joined_last(tsr_graph *g, tsr_node *x)
{
    size_t last = tsr_node_shape(x).n_dims - 1;
    tsr_node *parts[] = { tsr_exp(g, x), tsr_slice(g, x, last, 0, 1) };
    return tsr_concat(g, last, 2, parts);
}

/* x^T x, x x^T, and the two others, of the last two dimensions. */
static tsr_node *products(tsr_graph *g, tsr_node *x)
{
    size_t n = tsr_node_shape(x).n_dims;
    tsr_node *t = tsr_transpose(g, x, n - 2, n - 1), *y = tsr_tanh(g, x);
    tsr_node *sums[] = { tsr_matmul(g, x, false, y, true), tsr_matmul(g, x, true, y, false),
                         tsr_matmul(g, x, false, tsr_tanh(g, t), false), tsr_matmul(g, x, true, t, true) };
    for (size_t i = 0; i < 4; i++)
        sums[i] = tsr_flatten(g, sums[i]);
    return tsr_concat(g, 0, 4, sums);
}

static tsr_node *conv1d(tsr_graph *g, tsr_node *x)
{
    return tsr_conv1d_with(
        g, x, &(tsr_conv1d_options){ .channels = 3, .kernel = 2, .stride = 2, .padding = 1, .bias = true });
}

static tsr_node *dilated_conv1d(tsr_graph *g, tsr_node *x)
{
    return tsr_conv1d_with(
        g, x, &(tsr_conv1d_options){ .channels = 2, .kernel = 2, .padding = 1, .groups = 2, .dilation = 2 });
}

static tsr_node *depthwise(tsr_graph *g, tsr_node *x)
{
    return tsr_conv2d_with(g, x,
                           &(tsr_conv2d_options){ .channels = 4,
                                                  .kernel_h = 2,
                                                  .kernel_w = 3,
                                                  .stride_h = 1,
                                                  .stride_w = 2,
                                                  .padding_h = 1,
                                                  .padding_w = 1,
                                                  .bias = true,
                                                  .groups = 4 });
}

static tsr_node *dilated(tsr_graph *g, tsr_node *x)
{
    return tsr_conv2d_with(g, x,
                           &(tsr_conv2d_options){ .channels = 6,
                                                  .kernel_h = 2,
                                                  .kernel_w = 2,
                                                  .stride_h = 1,
                                                  .stride_w = 1,
                                                  .padding_h = 1,
                                                  .padding_w = 2,
                                                  .groups = 2,
                                                  .dilation_h = 2,
                                                  .dilation_w = 3 });
}

/* Self-attention (Vaswani et al. 2017) of steps x features, with one head. */
static tsr_node *attention(tsr_graph *g, tsr_node *x)
{
    tsr_node *query = tsr_linear(g, x, 3), *key = tsr_linear(g, x, 3), *value = tsr_linear(g, x, 4);
    tsr_node *weights = tsr_softmax(g, tsr_matmul(g, query, false, key, true), 1);
    return tsr_layer_norm(g, tsr_matmul(g, weights, false, value, false), 1, 1e-2);
}

static const struct {
    const char *name;
    operator_function *apply;
    size_t min_dims, max_dims;
} operators[] = {
    { "linear", linear, 1, 4 },
    { "linear without bias", linear_without_bias, 1, 4 },
    { "add of a repeated slice", added, 1, 4 },
    { "subtract from a repeated slice", subtracted, 1, 4 },
    { "multiply by a repeated slice", multiplied, 1, 4 },
    { "multiply by itself", squared, 1, 4 },
    { "sigmoid", sigmoid, 1, 2 },
    { "tanh", tanh_of, 1, 2 },
    { "exp", exp_of, 1, 2 },
    { "scale", scaled, 1, 2 },
    { "softmax of the first dimension", softmax_first, 1, 4 },
    { "softmax of the last dimension", softmax_last, 1, 4 },
    { "layer norm of the last dimension", layer_norm, 1, 4 },
    { "layer norm of all dimensions", layer_norm_of_all, 1, 4 },
    { "group norm", group_norm, 1, 4 },
    { "mean over the first dimension", mean_of_first, 1, 4 },
    { "mean over the first and the last", mean_of_ends, 2, 4 },
    { "reshape", reshaped, 1, 4 },
    { "transpose", transposed, 1, 4 },
    { "permute", permuted, 1, 4 },
    { "concat of the first dimension", joined, 1, 4 },
    { "concat of the last dimension", joined_last, 1, 4 },
    { "matmul", products, 2, 4 },
    { "conv1d", conv1d, 2, 2 },
    { "conv1d in groups, with dilation", dilated_conv1d, 2, 2 },
    { "depthwise conv2d", depthwise, 3, 3 },
    { "conv2d in groups, with dilation", dilated, 3, 3 },
    { "attention", attention, 2, 2 },
};
enum { N_OPERATORS = sizeof(operators) / sizeof(*operators) };

static const tsr_shape shapes[] = {
    { 1, { 4 } }, { 2, { 4, 3 } }, { 3, { 4, 2, 3 } }, { 4, { 4, 2, 3, 2 } }
};

static tsr_node *behind_a_shift(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    return tsr_dense(g, (*(operator_function **)context)(g, apply_shift(g, x)), classes);
}

START_TEST(gradients_are_right)
{
    for (size_t k = operators[_i].min_dims; k <= operators[_i].max_dims; k++) {
        operator_function *apply = operators[_i].apply;
        test_net net = net_new(behind_a_shift, &apply, shapes[k - 1], 3, 1);
        ck_succeeds(tsr_network_plan_apart(net.network, BATCH));
        double apart = gradient_error(&net, BATCH);
        ck_assert_msg(apart < TOLERANCE, "%s, %zu dimensions: %g", operators[_i].name, k, apart);
        ck_succeeds(tsr_network_plan(net.network, BATCH, true));
        double shared = gradient_error(&net, BATCH);
        ck_assert_msg(shared < TOLERANCE, "%s, %zu dimensions, shared memory: %g", operators[_i].name, k,
                      shared);
        net_free(&net);
    }
}
END_TEST

/* --- embedding, whose input has no gradient --- */

static tsr_node *embedded(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_embedding(g, x, 4, 3), classes);
}

START_TEST(embedding_takes_the_nearest_row_and_has_right_gradients)
{
    test_net net = net_new(embedded, NULL, TSR_SHAPE(2, 3), 3, 1);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    ck_assert_double_lt(gradient_error(&net, BATCH), TOLERANCE);
    net_free(&net);
}
END_TEST

static tsr_node *only_embedded(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    return tsr_flatten(g, tsr_embedding(g, x, 4, 2));
}

START_TEST(embedding_clamps_what_is_no_row)
{
    static const float inputs[] = { 0, 1.4f, 2.6f, -5, 4, 1e30f, NAN, -INFINITY };
    static const size_t rows[] = { 0, 1, 3, 0, 3, 3, 0, 0 };
    test_net net = net_new(only_embedded, NULL, TSR_SHAPE(8), 16, 1);
    ck_succeeds(tsr_network_plan(net.network, 1, false));
    memcpy(tsr_network_input_values(net.network), inputs, sizeof(inputs));
    tsr_network_forward(net.network, 1, NULL, NULL);
    const float *y = tsr_network_logits(net.network), *table = tsr_network_tensor(net.network, 0)->values;
    for (size_t i = 0; i < 8; i++)
        ck_assert_mem_eq(y + 2 * i, table + 2 * rows[i], 2 * sizeof(float));
    net_free(&net);
}
END_TEST

/* --- threads --- */

static tsr_node *all(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_layer_norm(g, tsr_tanh(g, tsr_linear(g, x, 48)), 1, 1e-5);
    tsr_node *weights = tsr_softmax(g, tsr_matmul(g, x, false, x, true), 1);
    tsr_node *parts[] = { tsr_matmul(g, weights, false, x, false), tsr_multiply(g, x, tsr_sigmoid(g, x)) };
    x = tsr_group_norm(g, tsr_concat(g, 1, 2, parts), 4, 1e-5);
    return tsr_dense(g, tsr_mean(g, tsr_transpose(g, x, 0, 1), 1, (size_t[]){ 1 }), classes);
}

static float *gradients_with(int threads, size_t *n)
{
    enum { MANY = 40 };
    tsr_set_threads(threads);
    test_net net = net_new(all, NULL, TSR_SHAPE(32, 24), 5, 1);
    ck_succeeds(tsr_network_plan(net.network, MANY, true));
    int32_t *labels = random_batch(&net, MANY);
    tsr_network_gradient(net.network, MANY, labels, 1, 1, NULL);
    *n = 0;
    for (size_t i = 0; i < tsr_network_n_tensors(net.network); i++)
        *n += tsr_network_tensor(net.network, i)->parameter.n;
    float *all_gradients = malloc(*n * sizeof(float)), *at = all_gradients;
    for (size_t i = 0; i < tsr_network_n_tensors(net.network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(net.network, i);
        memcpy(at, tensor->gradient, tensor->parameter.n * sizeof(float));
        at += tensor->parameter.n;
    }
    free(labels);
    net_free(&net);
    return all_gradients;
}

START_TEST(threads_change_no_bit)
{
    size_t n, m;
    float *one = gradients_with(1, &n), *three = gradients_with(3, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(one, three, n * sizeof(float));
    free(one);
    free(three);
}
END_TEST

/* --- what is refused --- */

static tsr_node *bad_scale(tsr_graph *g, tsr_node *x)
{
    return tsr_scale(g, x, INFINITY);
}

static tsr_node *bad_linear(tsr_graph *g, tsr_node *x)
{
    return tsr_linear(g, x, 0);
}

static tsr_node *bad_add(tsr_graph *g, tsr_node *x)
{
    return tsr_add(g, x, tsr_reshape(g, x, TSR_SHAPE(3, 4)));
}

static tsr_node *bad_multiply(tsr_graph *g, tsr_node *x)
{
    return tsr_multiply(g, tsr_flatten(g, x), x);
}

static tsr_node *bad_matmul(tsr_graph *g, tsr_node *x)
{
    return tsr_matmul(g, x, true, x, true);
}

static tsr_node *bad_softmax(tsr_graph *g, tsr_node *x)
{
    return tsr_softmax(g, x, 2);
}

static tsr_node *bad_layer_norm(tsr_graph *g, tsr_node *x)
{
    return tsr_layer_norm(g, x, 3, 1e-5);
}

static tsr_node *bad_epsilon(tsr_graph *g, tsr_node *x)
{
    return tsr_layer_norm(g, x, 1, 0);
}

static tsr_node *bad_group_norm(tsr_graph *g, tsr_node *x)
{
    return tsr_group_norm(g, x, 3, 1e-5);
}

static tsr_node *bad_mean(tsr_graph *g, tsr_node *x)
{
    return tsr_mean(g, x, 2, (size_t[]){ 1, 1 });
}

static tsr_node *bad_reshape(tsr_graph *g, tsr_node *x)
{
    return tsr_reshape(g, x, TSR_SHAPE(5, 2));
}

static tsr_node *bad_permute(tsr_graph *g, tsr_node *x)
{
    return tsr_permute(g, x, 2, (size_t[]){ 1, 1 });
}

static tsr_node *bad_transpose(tsr_graph *g, tsr_node *x)
{
    return tsr_transpose(g, x, 0, 2);
}

static tsr_node *bad_concat(tsr_graph *g, tsr_node *x)
{
    return tsr_concat(g, 0, 2, (tsr_node *[]){ x, tsr_transpose(g, x, 0, 1) });
}

static tsr_node *bad_slice(tsr_graph *g, tsr_node *x)
{
    return tsr_slice(g, x, 1, 2, 2);
}

static tsr_node *bad_embedding(tsr_graph *g, tsr_node *x)
{
    return tsr_embedding(g, x, 0, 4);
}

static tsr_node *bad_conv2d(tsr_graph *g, tsr_node *x)
{
    return tsr_conv2d(g, x, 1, 1, 1, 0);
}

static tsr_node *bad_conv1d(tsr_graph *g, tsr_node *x)
{
    return tsr_conv1d_with(g, x, &(tsr_conv1d_options){ .channels = 2, .kernel = 3, .dilation = 2 });
}

static tsr_node *bad_groups(tsr_graph *g, tsr_node *x)
{
    return tsr_conv1d_with(g, x, &(tsr_conv1d_options){ .channels = 4, .kernel = 1, .groups = 3 });
}

static tsr_node *flat_conv1d(tsr_graph *g, tsr_node *x)
{
    return tsr_conv1d_with(g, tsr_flatten(g, x), &(tsr_conv1d_options){ .channels = 4, .kernel = 1 });
}

static tsr_node *no_kernel(tsr_graph *g, tsr_node *x)
{
    return tsr_conv1d_with(g, x, &(tsr_conv1d_options){ .channels = 4 });
}

static const struct {
    operator_function *apply;
    const char *message;
} refusals[] = {
    { bad_conv1d,
      "conv1d0: the kernel, 1 x 3 with dilation 1 x 2, is larger than its input, 1 x 3, padded by 0 x 0" },
    { bad_groups, "conv1d0: 3 groups of 4 channels that become 4, expected a divisor of both" },
    { flat_conv1d, "conv1d0: its input, 'flatten0', is 12, expected channels x steps" },
    { no_kernel, "conv1d0: channels, kernel, stride, groups and dilation are to be at least 1" },
    { bad_scale, "scale0: the factor is inf, expected a finite float" },
    { bad_linear, "linear0: 3 features to a width of 0, expected 1 to" },
    { bad_add, "add0: 'input' is 4 x 3 and 'reshape0' is 3 x 4, expected one shape" },
    { bad_multiply, "multiply0: 'flatten0' is 12 and 'input' is 4 x 3, expected one shape" },
    { bad_matmul,
      "matmul0: 'input' is 4 x 3 (transposed) and 'input' is 4 x 3 (transposed), expected matrices" },
    { bad_softmax, "softmax0: dimension 2 of 'input', which is 4 x 3" },
    { bad_layer_norm, "layer_norm0: the last 3 dimensions of 'input', which is 4 x 3" },
    { bad_epsilon, "layer_norm0: epsilon is 0, expected 1e-30 to 1000" },
    { bad_group_norm, "group_norm0: 3 groups of the 4 channels of 'input', expected a divisor" },
    { bad_mean, "mean0: 'input' is 4 x 3, expected dimensions of it, each once" },
    { bad_reshape, "reshape0: 'input' is 4 x 3, which cannot become 5 x 2: expected as many elements, 12" },
    { bad_permute, "permute0: 'input' is 4 x 3, expected an order that names each of its dimensions once" },
    { bad_transpose, "transpose: dimensions 0 and 2 of 'input', which has 2" },
    { bad_concat, "concat0: 'permute0' is 3 x 4, expected the first one's shape but for the dimension" },
    { bad_slice, "slice0: 2 from 2 on of dimension 1 of 'input', which is 4 x 3" },
    { bad_embedding, "embedding0: 0 rows of width 4" },
    { bad_conv2d, "conv2d0: its input, 'input', is 4 x 3, expected an image, channels x height x width" },
};
enum { N_REFUSALS = sizeof(refusals) / sizeof(*refusals) };

START_TEST(what_does_not_fit_is_refused_with_names_and_shapes)
{
    tsr_graph *g;
    ck_succeeds(tsr_graph_new(NULL, TSR_SHAPE(4, 3), &g));
    tsr_node *y = refusals[_i].apply(g, g->nodes[0]);
    ck_fails(tsr_graph_finish(g, y, 12), TSR_REFUSED, refusals[_i].message);
    tsr_graph_free(g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensor_ops");
    TCase *tests = tcase_create("tensor_ops");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, gradients_are_right, 0, N_OPERATORS);
    tcase_add_test(tests, embedding_takes_the_nearest_row_and_has_right_gradients);
    tcase_add_test(tests, embedding_clamps_what_is_no_row);
    tcase_add_test(tests, threads_change_no_bit);
    tcase_add_loop_test(tests, what_does_not_fit_is_refused_with_names_and_shapes, 0, N_REFUSALS);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
