/* Dense layer: Y = X W^T + b, W is (width, inputs). */
#include "nn/kernels/affine.h"
#include "nn/kernels/channels.h"
#include "nn/ops/ops.h"
#include "nn/kernels/products.h"

#include <limits.h>

typedef struct dense_config {
    int width;
} dense_config;

tsr_node *tsr_dense(tsr_graph *graph, tsr_node *x, int width)
{
    return tsr_apply(graph, &tsr_op_dense, &(dense_config){ width }, 1, &x);
}

static void setup(tsr_setup *setup)
{
    const dense_config *config = tsr_setup_config(setup);
    if (config->width < 1) {
        tsr_setup_fail(setup, "width is %d, expected at least 1", config->width);
        return;
    }
    size_t inputs = tsr_shape_size(tsr_setup_input(setup, 0)), width = (size_t)config->width;
    if (inputs > INT_MAX) {
        tsr_setup_fail(setup, "%zu inputs are more than BLAS can count", inputs);
        return;
    }
    tsr_setup_output(setup, TSR_SHAPE(width));
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "weight",
                                                      .role = TSR_ROLE_WEIGHT,
                                                      .n_dims = 2,
                                                      .dims = { width, inputs },
                                                      .init = TSR_INIT_GLOROT_UNIFORM,
                                                      .fan_in = inputs,
                                                      .fan_out = width });
    tsr_setup_parameter(setup, &(tsr_parameter_spec){
                                   .name = "bias", .role = TSR_ROLE_BIAS, .n_dims = 1, .dims = { width } });
    tsr_setup_scratch(setup, TSR_PRODUCTS_SCRATCH(width), 0);
}

static tsr_layer layer_of(const tsr_pass *pass)
{
    return (tsr_layer){ pass->n, tsr_shape_size(pass->shapes[0]), tsr_shape_channels(pass->shape) };
}

static void forward(const tsr_pass *pass)
{
    tsr_layer layer = layer_of(pass);
    tsr_products_choose()->forward(&layer, pass->inputs[0], pass->parameters[0], pass->parameters[1],
                                   pass->output);
}

static void backward(const tsr_pass *pass)
{
    const tsr_products *products = tsr_products_choose();
    tsr_layer layer = layer_of(pass);
    products->weight_gradient(&layer, pass->inputs[0], pass->output_gradient, pass->parameter_gradients[0],
                              pass->scratch);
    tsr_channel_sums(pass->n, tsr_shape_channels(pass->shape), 1, pass->output_gradient,
                     pass->parameter_gradients[1]);
    if (pass->input_gradients[0])
        products->input_gradient(&layer, pass->output_gradient, pass->parameters[0],
                                 pass->input_gradients[0]);
}

static tsr_status *line(const tsr_line_pass *pass)
{
    size_t features = tsr_shape_size(pass->shapes[0]);
    tsr_affine layer = { pass->n, features, tsr_shape_channels(pass->shape) };
    tsr_affine_line(&layer, (const double *[]){ pass->values[0], pass->slopes[0] }, pass->parameters[0],
                    pass->parameters[1], (double *[]){ pass->value, pass->slope });
    return NULL;
}

const tsr_op tsr_op_dense = {
    .size = sizeof(tsr_op),
    .name = "dense",
    .config_size = sizeof(dense_config),
    .flags = TSR_OP_READS_INPUTS | TSR_OP_AFFINE,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .line = line,
};
