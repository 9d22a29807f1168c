/* Networks for tests. Differences are of fourth order, of a loss summed in double from the float logits. */
#include "nets.h"

#include "base/text.h"
#include "nn/network_parts.h"

#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

tsr_instance *hook(tsr_kind kind, const char *settings)
{
    char *text = tsr_format("plugin = \"%s/tests/nn/.libs/hooks.so\"; %s", test_build(), settings);
    tsr_instance *instance = test_instance(kind, text);
    free(text);
    return instance;
}

tsr_instance *hook_model_new(build_function *build, void *context)
{
    char *text = tsr_format("activation = { plugin = \"%s/tests/nn/.libs/hooks.so\"; };", test_build());
    tsr_instance *model = hook(TSR_MODEL, text);
    free(text);
    hook_model *self = tsr_instance_self(model);
    self->build = build;
    self->context = context;
    return model;
}

test_net net_new(build_function *build, void *context, tsr_shape shape, int classes, uint64_t seed)
{
    test_net net = { .model = hook_model_new(build, context) };
    ck_succeeds(tsr_network_new(net.model, shape, classes, seed, &net.network));
    net.loss = test_give_loss(net.network);
    return net;
}

void net_free(test_net *net)
{
    tsr_network_free(net->network);
    tsr_instance_free(net->model);
    tsr_instance_free(net->loss);
}

void fill_random(size_t n, float *out, uint64_t index)
{
    tsr_rng rng = tsr_rng_stream(99, TSR_FOR_DATA, index);
    tsr_rng_fill_uniform(&rng, n, out, -1, 1);
}

int32_t *random_batch(test_net *net, size_t n)
{
    int classes = tsr_network_classes(net->network);
    size_t size = tsr_shape_size(tsr_network_input(net->network));
    fill_random(n * size, tsr_network_input_values(net->network), 1);
    tsr_rng rng = tsr_rng_stream(99, TSR_FOR_LABEL_NOISE, 0);
    int32_t *labels = calloc(n, sizeof(*labels));
    ck_assert_ptr_nonnull(labels);
    for (size_t i = 0; i < n; i++)
        labels[i] = (int32_t)tsr_rng_below(&rng, (uint64_t)classes);
    return labels;
}

static double loss_in_double(const test_net *net, size_t n, const int32_t *labels)
{
    size_t classes = (size_t)tsr_network_classes(net->network);
    const float *logits = tsr_network_logits(net->network);
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t c = 0; c < classes; c++)
            sum += exp((double)logits[i * classes + c]);
        loss += log(sum) - (double)logits[i * classes + (size_t)labels[i]];
    }
    const tsr_graph *graph = tsr_network_graph(net->network);
    for (size_t t = 0; t < graph->n_terms; t++)
        for (size_t i = 0; i < n; i++)
            loss +=
                graph->terms[t].weight * (double)net->network->plan->values[graph->terms[t].node->index][i];
    return loss / (double)n;
}

static double loss_at(test_net *net, size_t n, const int32_t *labels, float *parameter, float value)
{
    float before = *parameter;
    *parameter = value;
    tsr_network_gradient(net->network, n, labels, 7, 3, NULL);
    *parameter = before;
    return loss_in_double(net, n, labels);
}

static double difference(test_net *net, size_t n, const int32_t *labels, float *parameter)
{
    float h = 0x1p-10f, at = *parameter;
    double near = loss_at(net, n, labels, parameter, at + h) - loss_at(net, n, labels, parameter, at - h);
    double far =
        loss_at(net, n, labels, parameter, at + 2 * h) - loss_at(net, n, labels, parameter, at - 2 * h);
    return (8 * near - far) / (12 * (double)h);
}

double gradient_error(test_net *net, size_t n)
{
    tsr_flat flat = tsr_network_flat(net->network);
    for (size_t i = 0; i < tsr_network_n_tensors(net->network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(net->network, i);
        float *moves = calloc(tensor->parameter.n, sizeof(*moves));
        ck_assert_ptr_nonnull(moves);
        fill_random(tensor->parameter.n, moves, 10 + i);
        for (size_t k = 0; k < tensor->parameter.n; k++)
            tensor->values[k] += 0.25f * moves[k];
        free(moves);
    }
    int32_t *labels = random_batch(net, n);
    tsr_network_gradient(net->network, n, labels, 7, 3, NULL);
    float *gradients = malloc(flat.count * sizeof(float) + 1);
    ck_assert_ptr_nonnull(gradients);
    memcpy(gradients, flat.gradients, flat.count * sizeof(float));
    double worst = 0;
    for (size_t i = 0; i < tsr_network_n_tensors(net->network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(net->network, i);
        const float *gradient = gradients + (tensor->gradient - flat.gradients);
        double largest = 0.03, error = 0; /* rounding alone makes 1e-5, also of a gradient that is 0 */
        for (size_t k = 0; k < tensor->parameter.n; k++) {
            double numerical = difference(net, n, labels, &tensor->values[k]);
            largest = fmax(largest, fabs(numerical));
            error = fmax(error, fabs(numerical - (double)gradient[k]));
        }
        if (error / largest > worst) {
            worst = error / largest;
            printf("%s: error %g of %g\n", tensor->parameter.name, error, largest);
        }
    }
    free(gradients);
    free(labels);
    return worst;
}

static void shift_setup(tsr_setup *setup)
{
    tsr_shape shape = tsr_setup_input(setup, 0);
    tsr_setup_output(setup, shape);
    tsr_parameter_spec spec = { .name = "shift", .role = TSR_ROLE_BIAS, .n_dims = 1 + shape.n_dims };
    spec.dims[0] = BATCH;
    for (size_t i = 0; i < shape.n_dims; i++)
        spec.dims[1 + i] = shape.dims[i];
    tsr_setup_parameter(setup, &spec);
}

static void shift_forward(const tsr_pass *pass)
{
    for (size_t i = 0; i < pass->n * tsr_shape_size(pass->shape); i++)
        pass->output[i] = pass->inputs[0][i] + pass->parameters[0][i];
}

static void shift_backward(const tsr_pass *pass)
{
    size_t bytes = pass->n * tsr_shape_size(pass->shape) * sizeof(float);
    memcpy(pass->parameter_gradients[0], pass->output_gradient, bytes);
    if (pass->input_gradients[0])
        memcpy(pass->input_gradients[0], pass->output_gradient, bytes);
}

tsr_node *apply_shift(tsr_graph *graph, tsr_node *x)
{
    static const tsr_op op = { .size = sizeof(tsr_op),
                               .name = "shift",
                               .setup = shift_setup,
                               .forward = shift_forward,
                               .backward = shift_backward };
    return tsr_apply(graph, &op, NULL, 1, &x);
}
