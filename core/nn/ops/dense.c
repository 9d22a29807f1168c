/* Dense layer: Y = X W^T + b, W is (width, inputs). Three products by BLAS; the bias is what the first one
   starts from. */
#include "base/memory.h"
#include "nn/ops/channels.h"
#include "nn/ops/ops.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

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
    tsr_setup_output(setup, (tsr_shape){ width, 1, 1 });
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "weight",
                                                      .role = TSR_ROLE_WEIGHT,
                                                      .n_dims = 2,
                                                      .dims = { width, inputs },
                                                      .init = TSR_INIT_GLOROT_UNIFORM,
                                                      .fan_in = inputs,
                                                      .fan_out = width });
    tsr_setup_parameter(setup, &(tsr_parameter_spec){
                                   .name = "bias", .role = TSR_ROLE_BIAS, .n_dims = 1, .dims = { width } });
}

static void forward(const tsr_pass *pass)
{
    int n = (int)pass->n, inputs = (int)tsr_shape_size(pass->shapes[0]), width = (int)pass->shape.c;
    for (size_t i = 0; i < pass->n; i++)
        memcpy(pass->output + i * pass->shape.c, pass->parameters[1], pass->shape.c * sizeof(float));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, width, inputs, 1.0f, pass->inputs[0], inputs,
                pass->parameters[0], inputs, 1.0f, pass->output, width);
}

static void backward(const tsr_pass *pass)
{
    int n = (int)pass->n, inputs = (int)tsr_shape_size(pass->shapes[0]), width = (int)pass->shape.c;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, width, inputs, n, 1.0f, pass->output_gradient, width,
                pass->inputs[0], inputs, 0.0f, pass->parameter_gradients[0], inputs);
    tsr_channel_sums(pass->n, pass->shape.c, 1, pass->output_gradient, pass->parameter_gradients[1]);
    if (pass->input_gradients[0])
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, inputs, width, 1.0f, pass->output_gradient,
                    width, pass->parameters[0], inputs, 0.0f, pass->input_gradients[0], inputs);
}

const tsr_op tsr_op_dense = {
    .size = sizeof(tsr_op),
    .name = "dense",
    .config_size = sizeof(dense_config),
    .flags = TSR_OP_READS_INPUTS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
