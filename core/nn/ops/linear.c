/* Linear: y = W x + b along the last dimension, at each place of the others, W is (width, features), as
   PyTorch's Linear. For the kernels, the places are samples of a dense layer. */
#include "nn/kernels/affine.h"
#include "nn/kernels/channels.h"
#include "nn/kernels/products.h"
#include "nn/ops/ops.h"

#include <limits.h>
#include <string.h>

tsr_node *tsr_linear_sized(tsr_graph *graph, tsr_node *x, const tsr_linear_options *options, size_t size)
{
    tsr_linear_options config = { 0 };
    if (!options) {
        tsr_graph_fail(graph, "the options of a linear layer are NULL");
        return tsr_linear(graph, x, 1);
    }
    memcpy(&config, options, size < sizeof(config) ? size : sizeof(config));
    return tsr_apply(graph, &tsr_op_linear, &config, 1, &x);
}

tsr_node *tsr_linear(tsr_graph *graph, tsr_node *x, int width)
{
    return tsr_apply(graph, &tsr_op_linear, &(tsr_linear_options){ .width = width, .bias = true }, 1, &x);
}

static void setup(tsr_setup *setup)
{
    const tsr_linear_options *config = tsr_setup_config(setup);
    tsr_shape out = tsr_setup_input(setup, 0);
    size_t *last = &out.dims[out.n_dims - 1], features = *last, places = tsr_shape_size(out) / features;
    if (config->width < 1 || features > INT_MAX) {
        tsr_setup_fail(setup, "%zu features to a width of %d, expected 1 to %d of both", features,
                       config->width, INT_MAX);
        return;
    }
    size_t width = *last = (size_t)config->width, scratch;
    if (__builtin_mul_overflow(places, TSR_PRODUCTS_SCRATCH(width), &scratch)) {
        tsr_setup_fail(setup, "%zu places of width %zu do not fit in memory", places, width);
        return;
    }
    tsr_setup_output(setup, out);
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "weight",
                                                      .role = TSR_ROLE_WEIGHT,
                                                      .n_dims = 2,
                                                      .dims = { width, features },
                                                      .init = TSR_INIT_GLOROT_UNIFORM,
                                                      .fan_in = features,
                                                      .fan_out = width });
    if (config->bias)
        tsr_setup_parameter(
            setup,
            &(tsr_parameter_spec){ .name = "bias", .role = TSR_ROLE_BIAS, .n_dims = 1, .dims = { width } });
    tsr_setup_scratch(setup, scratch, 0);
}

static tsr_layer layer_of(const tsr_pass *pass)
{
    size_t features = pass->shapes[0].dims[pass->shapes[0].n_dims - 1];
    return (tsr_layer){ pass->n * (tsr_shape_size(pass->shapes[0]) / features), features,
                        pass->shape.dims[pass->shape.n_dims - 1] };
}

static void forward(const tsr_pass *pass)
{
    const tsr_linear_options *config = pass->config;
    tsr_layer layer = layer_of(pass);
    tsr_products_choose()->forward(&layer, pass->inputs[0], pass->parameters[0],
                                   config->bias ? pass->parameters[1] : NULL, pass->output);
}

static void backward(const tsr_pass *pass)
{
    const tsr_linear_options *config = pass->config;
    const tsr_products *products = tsr_products_choose();
    tsr_layer layer = layer_of(pass);
    products->weight_gradient(&layer, pass->inputs[0], pass->output_gradient, pass->parameter_gradients[0],
                              pass->scratch);
    if (config->bias)
        tsr_channel_sums(layer.samples, layer.outputs, 1, pass->output_gradient,
                         pass->parameter_gradients[1]);
    if (pass->input_gradients[0])
        products->input_gradient(&layer, pass->output_gradient, pass->parameters[0],
                                 pass->input_gradients[0]);
}

static tsr_status *line(const tsr_line_pass *pass)
{
    const tsr_linear_options *config = pass->config;
    size_t features = pass->shapes[0].dims[pass->shapes[0].n_dims - 1];
    tsr_affine layer = { pass->n * (tsr_shape_size(pass->shapes[0]) / features), features,
                         pass->shape.dims[pass->shape.n_dims - 1] };
    tsr_affine_line(&layer, (const double *[]){ pass->values[0], pass->slopes[0] }, pass->parameters[0],
                    config->bias ? pass->parameters[1] : NULL, (double *[]){ pass->value, pass->slope });
    return NULL;
}

const tsr_op tsr_op_linear = { .size = sizeof(tsr_op),
                               .name = "linear",
                               .config_size = sizeof(tsr_linear_options),
                               .flags = TSR_OP_READS_INPUTS | TSR_OP_AFFINE,
                               .setup = setup,
                               .forward = forward,
                               .backward = backward,
                               .line = line };
