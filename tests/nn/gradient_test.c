/* Every operator's gradients, by its inputs and by its parameters, against numerical differences: alone, in
   images and in vectors, in small networks, and where a node has several readers. */
#include "nets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What differences of float arithmetic leave; a wrong factor in any formula is far above it. */
#define TOLERANCE 2e-3
#define LONGER 6e-3 /* what they leave behind several batch norms of few values */

static void gradients_agree_within(double tolerance, build_function *build, tsr_shape shape)
{
    test_net net = net_new(build, NULL, shape, 3, 1);
    ck_succeeds(tsr_network_plan_apart(net.network, BATCH));
    double apart = gradient_error(&net, BATCH);
    ck_assert_double_lt(apart, tolerance);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    double shared = gradient_error(&net, BATCH);
    ck_assert_double_lt(shared, tolerance);
    net_free(&net);
}

static void gradients_agree(build_function *build, tsr_shape shape)
{
    gradients_agree_within(TOLERANCE, build, shape);
}

static tsr_node *dense(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, apply_shift(g, x), classes);
}

START_TEST(dense_has_right_gradients)
{
    gradients_agree(dense, TSR_SHAPE(4));
    gradients_agree(dense, TSR_SHAPE(2, 3, 2));
}
END_TEST

static tsr_node *batch_norm(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_batch_norm(g, apply_shift(g, x)), classes);
}

START_TEST(batch_norm_has_right_gradients)
{
    gradients_agree(batch_norm, TSR_SHAPE(4));
    gradients_agree(batch_norm, TSR_SHAPE(3, 2, 2));
    gradients_agree(batch_norm, TSR_SHAPE(1, 1, 5));
}
END_TEST

static tsr_node *batch_norm_on_input(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_batch_norm(g, x), classes);
}

START_TEST(batch_norm_right_behind_the_input_has_right_gradients)
{
    gradients_agree(batch_norm_on_input, TSR_SHAPE(4));
}
END_TEST

static tsr_node *activation(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, apply_shift(g, x)), classes);
}

START_TEST(activation_has_right_gradients)
{
    gradients_agree(activation, TSR_SHAPE(4));
    gradients_agree(activation, TSR_SHAPE(3, 2, 2));
}
END_TEST

static tsr_node *activation_on_input(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, x), classes);
}

START_TEST(activation_that_learns_right_behind_the_input_has_right_gradients)
{
    gradients_agree(activation_on_input, TSR_SHAPE(4));
}
END_TEST

static tsr_node *dropout(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_dropout(g, apply_shift(g, x), 0.4), classes);
}

START_TEST(dropout_has_right_gradients)
{
    gradients_agree(dropout, TSR_SHAPE(6));
    gradients_agree(dropout, TSR_SHAPE(2, 3, 2));
}
END_TEST

static tsr_node *flatten(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_flatten(g, apply_shift(g, x)), classes);
}

START_TEST(flatten_has_right_gradients)
{
    gradients_agree(flatten, TSR_SHAPE(2, 2, 3));
}
END_TEST

static tsr_node *add(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_add(g, apply_shift(g, x), tsr_activate(g, apply_shift(g, x))), classes);
}

START_TEST(add_has_right_gradients)
{
    gradients_agree(add, TSR_SHAPE(5));
    gradients_agree(add, TSR_SHAPE(2, 2, 3));
}
END_TEST

/* On feature maps, batch norm and what follows it are one operator, each way that they can be. */
static tsr_node *norm_then_activation(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, tsr_batch_norm(g, apply_shift(g, x))), classes);
}

static tsr_node *norm_of_input(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, tsr_batch_norm(g, x)), classes);
}

static tsr_node *norm_of_input_beside(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, tsr_add(g, tsr_batch_norm(g, x), apply_shift(g, x))), classes);
}

static tsr_node *norm_beside_input(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    return tsr_dense(g, tsr_activate(g, tsr_add(g, x, tsr_batch_norm(g, apply_shift(g, x)))), classes);
}

static tsr_node *norm_beside_itself(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = apply_shift(g, x);
    return tsr_dense(g, tsr_activate(g, tsr_add(g, tsr_batch_norm(g, y), y)), classes);
}

static tsr_node *two_norms(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = apply_shift(g, x), *shortcut = tsr_batch_norm(g, y);
    tsr_node *z = tsr_batch_norm(g, tsr_activate(g, tsr_batch_norm(g, y)));
    return tsr_dense(g, tsr_activate(g, tsr_add(g, shortcut, z)), classes);
}

/* What is between is read once more, or by the add twice: it stays. */
static tsr_node *norm_that_is_read_twice(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = tsr_batch_norm(g, apply_shift(g, x)), *twice = tsr_add(g, y, y);
    return tsr_dense(g, tsr_add(g, tsr_activate(g, twice), tsr_activate(g, y)), classes);
}

START_TEST(batch_norm_with_what_follows_has_right_gradients)
{
    build_function *chains[] = { norm_then_activation,   norm_of_input,      norm_of_input_beside,
                                 norm_beside_input,      norm_beside_itself, two_norms,
                                 norm_that_is_read_twice };
    for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        gradients_agree_within(LONGER, chains[i], TSR_SHAPE(2, 2, 2));
        gradients_agree_within(LONGER, chains[i], TSR_SHAPE(1, 1, 5));
    }
}
END_TEST

static tsr_node *residual_maps(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_activate(g, tsr_batch_norm(g, tsr_conv2d(g, x, 3, 3, 1, 1)));
    for (int i = 0; i < 2; i++) {
        tsr_node *shortcut = i ? tsr_batch_norm(g, tsr_conv2d(g, x, 4, 1, 2, 0)) : x;
        tsr_node *y = tsr_activate(g, tsr_batch_norm(g, tsr_conv2d(g, x, 3 + i, 3, 1 + i, 1)));
        y = tsr_batch_norm(g, tsr_conv2d(g, y, 3 + i, 3, 1, 1));
        x = tsr_activate(g, tsr_add(g, y, shortcut));
    }
    return tsr_dense(g, tsr_global_average_pool(g, tsr_dropout(g, x, 0.2)), classes);
}

START_TEST(a_residual_convolutional_network_has_right_gradients)
{
    gradients_agree_within(LONGER, residual_maps, TSR_SHAPE(2, 4, 3));
}
END_TEST

static tsr_node *logits_only(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)classes;
    return apply_shift(g, x);
}

START_TEST(softmax_cross_entropy_has_right_gradients)
{
    gradients_agree(logits_only, TSR_SHAPE(3));
}
END_TEST

/* Terms of the loss: of a layer in the middle, of the logits, of a branch that leads to nothing else, one
   node twice, and one that another node reads. */
static tsr_node *with_terms(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = tsr_activate(g, tsr_dense(g, apply_shift(g, x), 4));
    tsr_node *squares = tsr_mean(g, tsr_multiply(g, y, y), 1, (size_t[]){ 0 });
    tsr_add_loss_term(g, squares, 0.7);
    tsr_add_loss_term(g, squares, 0.2);
    tsr_node *logits = tsr_dense(g, tsr_add(g, y, squares), classes);
    tsr_add_loss_term(g, tsr_mean(g, tsr_multiply(g, logits, logits), 1, (size_t[]){ 0 }), 0.3);
    tsr_add_loss_term(g, tsr_dense(g, tsr_activate(g, tsr_dense(g, y, 2)), 1), -0.4);
    return logits;
}

START_TEST(terms_of_the_loss_have_right_gradients)
{
    gradients_agree(with_terms, TSR_SHAPE(3));
}
END_TEST

static tsr_node *one_logit_that_is_a_term(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *logit = tsr_dense(g, apply_shift(g, x), 1);
    tsr_add_loss_term(g, logit, 0.5);
    return tsr_concat(g, 0, (size_t)classes, (tsr_node *[]){ logit, logit, logit });
}

START_TEST(a_term_may_be_read_by_the_logits)
{
    gradients_agree(one_logit_that_is_a_term, TSR_SHAPE(3));
}
END_TEST

/* y + y, y + f(y), f(y + ..): readers twice in one node, in two nodes and across layers. */
static tsr_node *fan_out(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = tsr_dense(g, apply_shift(g, x), 4);
    tsr_node *twice = tsr_add(g, y, y);
    tsr_node *z = tsr_activate(g, tsr_batch_norm(g, twice));
    tsr_node *w = tsr_add(g, tsr_add(g, y, z), tsr_dropout(g, z, 0.25));
    return tsr_dense(g, tsr_add(g, w, twice), classes);
}

START_TEST(nodes_with_several_readers_get_the_sum_of_their_gradients)
{
    gradients_agree(fan_out, TSR_SHAPE(3));
}
END_TEST

/* The input, which needs no gradient, beside nodes that do. */
static tsr_node *input_beside(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = tsr_add(g, tsr_flatten(g, x), tsr_dense(g, x, 4));
    return tsr_dense(g, tsr_add(g, x, tsr_activate(g, y)), classes);
}

START_TEST(the_input_may_be_read_again_later)
{
    gradients_agree(input_beside, TSR_SHAPE(4));
}
END_TEST

static tsr_node *deep(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    for (int i = 0; i < 4; i++) {
        tsr_node *y = tsr_activate(g, tsr_batch_norm(g, tsr_dense(g, x, 5)));
        x = i ? tsr_add(g, x, y) : y;
    }
    return tsr_dense(g, x, classes);
}

START_TEST(a_residual_network_has_right_gradients)
{
    gradients_agree(deep, TSR_SHAPE(2, 2, 1));
}
END_TEST

/* y = x^2 / 2 + x, whose gradient is taken from the output: 1 + x = sqrt(1 + 2 y) for x > -1. */
static void same_setup(tsr_setup *setup)
{
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

static void square_forward(const tsr_pass *pass)
{
    for (size_t i = 0; i < pass->n * tsr_shape_size(pass->shape); i++)
        pass->output[i] = pass->inputs[0][i] * (1 + pass->inputs[0][i] / 2);
}

static void square_backward(const tsr_pass *pass)
{
    ck_assert_ptr_null(pass->inputs);
    for (size_t i = 0; i < pass->n * tsr_shape_size(pass->shape); i++)
        pass->input_gradients[0][i] = pass->output_gradient[i] * sqrtf(1 + 2 * pass->output[i]);
}

static tsr_node *reads_output(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    static const tsr_op op = { .size = sizeof(tsr_op),
                               .name = "square",
                               .flags = TSR_OP_READS_OUTPUT,
                               .setup = same_setup,
                               .forward = square_forward,
                               .backward = square_backward };
    (void)context;
    (void)classes;
    tsr_node *y = apply_shift(g, tsr_dropout(g, x, 0.999)); /* near 0 plus the shift: above -1 */
    for (int i = 0; i < 2; i++)
        y = tsr_add(g, tsr_apply(g, &op, NULL, 1, &y), tsr_dropout(g, y, 0.5));
    return y;
}

START_TEST(an_operator_that_reads_its_output_finds_it_in_backward)
{
    gradients_agree(reads_output, TSR_SHAPE(3));
}
END_TEST

static void scale_forward(const tsr_pass *pass)
{
    for (size_t i = 0; i < pass->n * tsr_shape_size(pass->shape); i++)
        pass->output[i] = 0.5f * pass->inputs[0][i];
}

static void scale_backward_wrong(const tsr_pass *pass)
{
    for (size_t i = 0; pass->input_gradients[0] && i < pass->n * tsr_shape_size(pass->shape); i++)
        pass->input_gradients[0][i] = 0.505f * pass->output_gradient[i];
}

static tsr_node *one_percent_off(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    static const tsr_op op = { .size = sizeof(tsr_op),
                               .name = "wrong",
                               .setup = same_setup,
                               .forward = scale_forward,
                               .backward = scale_backward_wrong };
    (void)context;
    tsr_node *y = apply_shift(g, x);
    return tsr_dense(g, tsr_apply(g, &op, NULL, 1, &y), classes);
}

START_TEST(a_gradient_that_is_one_percent_off_is_noticed)
{
    test_net net = net_new(one_percent_off, NULL, TSR_SHAPE(4), 3, 1);
    ck_succeeds(tsr_network_plan(net.network, BATCH, true));
    double error = gradient_error(&net, BATCH);
    ck_assert_double_gt(error, 2 * TOLERANCE);
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gradients");
    TCase *tests = tcase_create("gradients");
    tcase_add_test(tests, dense_has_right_gradients);
    tcase_add_test(tests, batch_norm_has_right_gradients);
    tcase_add_test(tests, batch_norm_right_behind_the_input_has_right_gradients);
    tcase_add_test(tests, activation_has_right_gradients);
    tcase_add_test(tests, activation_that_learns_right_behind_the_input_has_right_gradients);
    tcase_add_test(tests, dropout_has_right_gradients);
    tcase_add_test(tests, flatten_has_right_gradients);
    tcase_add_test(tests, add_has_right_gradients);
    tcase_add_test(tests, batch_norm_with_what_follows_has_right_gradients);
    tcase_add_test(tests, a_residual_convolutional_network_has_right_gradients);
    tcase_add_test(tests, softmax_cross_entropy_has_right_gradients);
    tcase_add_test(tests, terms_of_the_loss_have_right_gradients);
    tcase_add_test(tests, a_term_may_be_read_by_the_logits);
    tcase_add_test(tests, nodes_with_several_readers_get_the_sum_of_their_gradients);
    tcase_add_test(tests, the_input_may_be_read_again_later);
    tcase_add_test(tests, a_residual_network_has_right_gradients);
    tcase_add_test(tests, an_operator_that_reads_its_output_finds_it_in_backward);
    tcase_add_test(tests, a_gradient_that_is_one_percent_off_is_noticed);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
