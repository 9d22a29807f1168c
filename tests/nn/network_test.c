/* Networks: how parameters are laid out, named and drawn, what taps see, and prediction. */
#include "nets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Dense - norm - activation twice, then the output; a skip goes round the second. */
static tsr_node *two_layers(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *y = tsr_named(g, tsr_dense(g, x, 33), "hidden.0");
    y = tsr_named(g, tsr_batch_norm(g, y), "norm.0");
    y = tsr_named(g, tsr_activate(g, y), "activation.0");
    tsr_node *z = tsr_named(g, tsr_dense(g, y, 33), "hidden.1");
    z = tsr_named(g, tsr_activate(g, z), "activation.1");
    return tsr_named(g, tsr_dense(g, tsr_add(g, y, z), classes), "output");
}

#define SHAPE (TSR_SHAPE(1, 5, 4))

START_TEST(parameters_are_listed_in_the_order_of_the_graph)
{
    static const struct {
        const char *name;
        size_t n;
        tsr_role role;
        bool hidden;
    } expected[] = {
        { "hidden.0.weight", 660, TSR_ROLE_WEIGHT, true },
        { "hidden.0.bias", 33, TSR_ROLE_BIAS, true },
        { "norm.0.weight", 33, TSR_ROLE_SCALE, true },
        { "norm.0.bias", 33, TSR_ROLE_BIAS, true },
        { "activation.0.slope", 33, TSR_ROLE_SLOPE, true },
        { "hidden.1.weight", 1089, TSR_ROLE_WEIGHT, true },
        { "hidden.1.bias", 33, TSR_ROLE_BIAS, true },
        { "activation.1.slope", 33, TSR_ROLE_SLOPE, false },
        { "output.weight", 330, TSR_ROLE_WEIGHT, false },
        { "output.bias", 10, TSR_ROLE_BIAS, false },
    };
    test_net net = net_new(two_layers, NULL, SHAPE, 10, 1);
    size_t sum = 0, n = sizeof(expected) / sizeof(*expected);
    ck_assert_uint_eq(tsr_network_n_tensors(net.network), n);
    for (size_t i = 0; i < n; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(net.network, i);
        ck_assert_str_eq(tensor->parameter.name, expected[i].name);
        ck_assert_uint_eq(tensor->parameter.n, expected[i].n);
        ck_assert_int_eq(tensor->parameter.role, expected[i].role);
        ck_assert_int_eq(tensor->hidden, expected[i].hidden);
        ck_assert_ptr_eq(tensor->parameter.values, tensor->values);
        sum += expected[i].n;
    }
    ck_assert_uint_eq(tsr_network_parameters(net.network), sum);
    ck_assert_uint_eq(tsr_network_n_states(net.network), 2);
    ck_assert_str_eq(tsr_network_get_state(net.network, 0)->name, "norm.0.running_mean");
    ck_assert_str_eq(tsr_network_get_state(net.network, 1)->name, "norm.0.running_var");
    ck_assert(tsr_network_get_state(net.network, 0)->values[32] == 0);
    ck_assert(tsr_network_get_state(net.network, 1)->values[32] == 1);
    ck_assert_int_eq(tsr_network_classes(net.network), 10);
    ck_assert_uint_eq(tsr_network_input(net.network).dims[1], 5);
    net_free(&net);
}
END_TEST

START_TEST(flat_arrays_hold_every_tensor_aligned_and_padded_with_zeros)
{
    test_net net = net_new(two_layers, NULL, SHAPE, 10, 1);
    tsr_flat flat = tsr_network_flat(net.network);
    ck_succeeds(tsr_network_plan(net.network, 9, true));
    int32_t *labels = random_batch(&net, 9);
    tsr_network_gradient(net.network, 9, labels, 1, 1, NULL);
    bool *owned = calloc(flat.count, sizeof(*owned));
    for (size_t i = 0; i < tsr_network_n_tensors(net.network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(net.network, i);
        size_t offset = (size_t)(tensor->values - flat.values);
        ck_assert_uint_eq((uintptr_t)tensor->values % 64, 0);
        ck_assert_uint_eq((uintptr_t)tensor->gradient % 64, 0);
        ck_assert_uint_eq((size_t)(tensor->gradient - flat.gradients), offset);
        for (size_t k = 0; k < tensor->parameter.n; k++) {
            ck_assert(offset + k < flat.count && !owned[offset + k]);
            owned[offset + k] = true;
        }
    }
    for (size_t i = 0; i < flat.count; i++)
        ck_assert(owned[i] || (flat.values[i] == 0 && flat.gradients[i] == 0));
    free(owned);
    free(labels);
    net_free(&net);
}
END_TEST

START_TEST(weights_are_drawn_uniformly_within_glorots_bound)
{
    test_net net = net_new(two_layers, NULL, TSR_SHAPE(400), 10, 1);
    const tsr_network_parameter *tensor = tsr_network_tensor(net.network, 0);
    double bound = sqrt(6.0 / (400 + 33)), largest = 0, mean = 0, square = 0, n = (double)tensor->parameter.n;
    for (size_t i = 0; i < tensor->parameter.n; i++) {
        largest = fmax(largest, fabs((double)tensor->values[i]));
        mean += (double)tensor->values[i] / n;
        square += pow((double)tensor->values[i], 2) / n;
    }
    ck_assert_double_le(largest, bound * (1 + 1e-6));
    ck_assert_double_gt(largest, 0.999 * bound);
    ck_assert_double_lt(fabs(mean), 5 * bound / sqrt(3 * n));
    ck_assert_double_eq_tol(square, bound * bound / 3, 0.02 * bound * bound);
    for (size_t i = 0; i < 33; i++) {
        ck_assert(tsr_network_tensor(net.network, 1)->values[i] == 0);    /* bias */
        ck_assert(tsr_network_tensor(net.network, 2)->values[i] == 1);    /* scale */
        ck_assert(tsr_network_tensor(net.network, 3)->values[i] == 0);    /* shift */
        ck_assert(tsr_network_tensor(net.network, 4)->values[i] == 0.5f); /* slope */
    }
    net_free(&net);
}
END_TEST

START_TEST(a_seed_names_the_initial_parameters)
{
    test_net a = net_new(two_layers, NULL, SHAPE, 10, 1), b = net_new(two_layers, NULL, SHAPE, 10, 1);
    test_net c = net_new(two_layers, NULL, SHAPE, 10, 2);
    size_t bytes = tsr_network_flat(a.network).count * sizeof(float);
    ck_assert(memcmp(tsr_network_flat(a.network).values, tsr_network_flat(b.network).values, bytes) == 0);
    ck_assert(memcmp(tsr_network_flat(a.network).values, tsr_network_flat(c.network).values, bytes) != 0);
    /* Two tensors of one network share no stream. */
    const float *first = tsr_network_tensor(a.network, 0)->values,
                *second = tsr_network_tensor(a.network, 5)->values;
    ck_assert(fabsf(first[0] / first[1] - second[0] / second[1]) > 1e-3f);
    net_free(&a);
    net_free(&b);
    net_free(&c);
}
END_TEST

typedef struct seen {
    size_t layers;
    float first[2]; /* pre-activation of the first unit of each layer */
    const test_net *net;
} seen;

static void see(void *context, const tsr_layer_values *layer)
{
    seen *seen_so_far = context;
    ck_assert_uint_eq(layer->number, seen_so_far->layers);
    ck_assert_uint_eq(layer->width, 33);
    ck_assert_uint_eq(layer->n, 2);
    seen_so_far->first[seen_so_far->layers++] = layer->x[0];
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

START_TEST(a_tap_sees_every_layers_pre_activations_once_and_in_order)
{
    test_net net = net_new(two_layers, NULL, SHAPE, 10, 1);
    for (int training = 0; training < 2; training++) {
        ck_succeeds(tsr_network_plan(net.network, 3, training));
        free(random_batch(&net, 3));
        seen seen_so_far = { .net = &net };
        tsr_network_forward(net.network, 2, see, &seen_so_far);
        ck_assert_uint_eq(seen_so_far.layers, 2);
        /* Layer 0 by hand: batch norm with the running statistics 0 and 1. */
        double h = dot(tsr_network_input_values(net.network), tsr_network_tensor(net.network, 0)->values, 20);
        ck_assert_double_eq_tol((double)seen_so_far.first[0], h / sqrt(1 + 1e-3), 1e-5);
    }
    net_free(&net);
}
END_TEST

START_TEST(code_sources_tell_their_names_units_and_breakpoints)
{
    test_net net = net_new(two_layers, NULL, SHAPE, 10, 1);
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 2);
    const tsr_code_source *source = tsr_network_code_source(net.network, 1);
    ck_assert_str_eq(source->name, "activation.1");
    ck_assert_uint_eq(source->units, 33);
    ck_assert_uint_eq(source->n_breakpoints, 2);
    ck_assert(source->breakpoints[0] == -1 && source->breakpoints[1] == 1);
    net_free(&net);
}
END_TEST

#define PREDICTED 300

START_TEST(prediction_in_batches_equals_one_forward_pass_and_leaves_the_plan)
{
    test_net net = net_new(two_layers, NULL, SHAPE, 10, 1);
    float *inputs = malloc(PREDICTED * 20 * sizeof(float)), *logits = malloc(PREDICTED * 10 * sizeof(float));
    fill_random(PREDICTED * 20, inputs, 3);
    ck_succeeds(tsr_network_predict(net.network, PREDICTED, inputs, logits)); /* not planned at all */
    ck_succeeds(tsr_network_plan(net.network, 4, true));
    float *planned = tsr_network_input_values(net.network);
    float *again = malloc(PREDICTED * 10 * sizeof(float));
    ck_succeeds(tsr_network_predict(net.network, PREDICTED, inputs, again));
    ck_assert(memcmp(again, logits, PREDICTED * 10 * sizeof(float)) == 0);
    ck_assert_ptr_eq(tsr_network_input_values(net.network), planned);
    ck_succeeds(tsr_network_predict(net.network, 0, inputs, again));
    ck_succeeds(tsr_network_plan(net.network, PREDICTED, false));
    memcpy(tsr_network_input_values(net.network), inputs, PREDICTED * 20 * sizeof(float));
    tsr_network_forward(net.network, PREDICTED, NULL, NULL);
    for (size_t i = 0; i < PREDICTED * 10; i++)
        ck_assert_double_eq_tol((double)tsr_network_logits(net.network)[i], (double)logits[i], 1e-4);
    free(inputs);
    free(logits);
    free(again);
    net_free(&net);
}
END_TEST

START_TEST(the_gradient_tells_loss_and_hits_as_the_loss_does)
{
    test_net net = net_new(NULL, NULL, SHAPE, 3, 1);
    ck_succeeds(tsr_network_plan(net.network, 50, true));
    int32_t *labels = random_batch(&net, 50);
    size_t correct, again;
    double loss = tsr_network_gradient(net.network, 50, labels, 1, 1, &correct);
    ck_assert_double_eq_tol(tsr_network_loss(net.network, 50, labels, &again), 50 * loss, 1e-9);
    ck_assert_uint_eq(correct, again);
    ck_assert(correct > 0 && correct < 50);
    free(labels);
    net_free(&net);
}
END_TEST

static tsr_node *nothing(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    (void)g;
    (void)classes;
    return x;
}

START_TEST(a_network_without_parameters_runs)
{
    test_net net = net_new(nothing, NULL, TSR_SHAPE(3), 3, 1);
    ck_succeeds(tsr_network_plan(net.network, 4, true));
    int32_t *labels = random_batch(&net, 4);
    ck_assert(isfinite(tsr_network_gradient(net.network, 4, labels, 1, 1, NULL)));
    ck_assert_ptr_eq(tsr_network_logits(net.network), tsr_network_input_values(net.network));
    ck_assert_uint_eq(tsr_network_flat(net.network).count, 0);
    free(labels);
    net_free(&net);
}
END_TEST

START_TEST(a_network_needs_outputs)
{
    tsr_instance *model = hook_model_new(NULL, NULL);
    tsr_network *network;
    ck_fails(tsr_network_new(model, SHAPE, 0, 1, &network), TSR_REFUSED,
             "model hook_model: 0 outputs, expected at least 1");
    tsr_instance_free(model);
}
END_TEST

static tsr_node *enormous(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    for (int i = 0; i < 3; i++)
        x = tsr_dense(g, x, 2147483647);
    return tsr_dense(g, x, classes);
}

START_TEST(parameters_beyond_memory_are_refused)
{
    tsr_instance *model = hook_model_new(enormous, NULL);
    tsr_network *network;
    ck_fails(tsr_network_new(model, SHAPE, 10, 1, &network), TSR_REFUSED, "dense1: parameter 'weight'");
    tsr_instance_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *tests = tcase_create("network");
    tcase_add_test(tests, parameters_are_listed_in_the_order_of_the_graph);
    tcase_add_test(tests, flat_arrays_hold_every_tensor_aligned_and_padded_with_zeros);
    tcase_add_test(tests, weights_are_drawn_uniformly_within_glorots_bound);
    tcase_add_test(tests, a_seed_names_the_initial_parameters);
    tcase_add_test(tests, a_tap_sees_every_layers_pre_activations_once_and_in_order);
    tcase_add_test(tests, code_sources_tell_their_names_units_and_breakpoints);
    tcase_add_test(tests, prediction_in_batches_equals_one_forward_pass_and_leaves_the_plan);
    tcase_add_test(tests, the_gradient_tells_loss_and_hits_as_the_loss_does);
    tcase_add_test(tests, a_network_without_parameters_runs);
    tcase_add_test(tests, a_network_needs_outputs);
    tcase_add_test(tests, parameters_beyond_memory_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
