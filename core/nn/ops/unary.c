/* Smooth functions of every element, whose derivatives are told by their values: sigmoid, tanh, exp. They are
   no activations: they give no bits of the code. */
#include "nn/ops/ops.h"

#include <math.h>

tsr_node *tsr_sigmoid(tsr_graph *graph, tsr_node *x)
{
    return tsr_apply(graph, &tsr_op_sigmoid, NULL, 1, &x);
}

tsr_node *tsr_tanh(tsr_graph *graph, tsr_node *x)
{
    return tsr_apply(graph, &tsr_op_tanh, NULL, 1, &x);
}

tsr_node *tsr_exp(tsr_graph *graph, tsr_node *x)
{
    return tsr_apply(graph, &tsr_op_exp, NULL, 1, &x);
}

static void setup(tsr_setup *setup)
{
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

/* 1 / (1 + e^-x), of which neither side overflows. */
static float sigmoid(float x)
{
    float e = expf(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

static void apply(const tsr_pass *pass, float (*f)(float x))
{
    size_t n = pass->n * tsr_shape_size(pass->shape);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n))
    for (size_t i = 0; i < n; i++)
        pass->output[i] = f(pass->inputs[0][i]);
}

/* `slope` gives the derivative by the value. */
static inline __attribute__((always_inline)) void apply_slope(const tsr_pass *pass, float (*slope)(float y))
{
    size_t n = pass->input_gradients[0] ? pass->n * tsr_shape_size(pass->shape) : 0;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n))
    for (size_t i = 0; i < n; i++)
        pass->input_gradients[0][i] = pass->output_gradient[i] * slope(pass->output[i]);
}

static float sigmoid_slope(float y)
{
    return y * (1 - y);
}

static float tanh_slope(float y)
{
    return 1 - y * y;
}

static float exp_slope(float y)
{
    return y;
}

#define UNARY(called, value)                                                                                 \
    static void forward_##called(const tsr_pass *pass)                                                       \
    {                                                                                                        \
        apply(pass, value);                                                                                  \
    }                                                                                                        \
    static void backward_##called(const tsr_pass *pass)                                                      \
    {                                                                                                        \
        apply_slope(pass, called##_slope);                                                                   \
    }                                                                                                        \
    const tsr_op tsr_op_##called = { .size = sizeof(tsr_op),                                                 \
                                     .name = #called,                                                        \
                                     .flags = TSR_OP_READS_OUTPUT,                                           \
                                     .setup = setup,                                                         \
                                     .forward = forward_##called,                                            \
                                     .backward = backward_##called }

UNARY(sigmoid, sigmoid);
UNARY(tanh, tanhf);
UNARY(exp, expf);

typedef struct scale_config {
    double factor;
} scale_config;

tsr_node *tsr_scale(tsr_graph *graph, tsr_node *x, double factor)
{
    return tsr_apply(graph, &tsr_op_scale, &(scale_config){ factor }, 1, &x);
}

static void setup_scale(tsr_setup *setup)
{
    double factor = ((const scale_config *)tsr_setup_config(setup))->factor;
    if (!isfinite((float)factor))
        tsr_setup_fail(setup, "the factor is %g, expected a finite float", factor);
    tsr_setup_output(setup, tsr_setup_input(setup, 0));
}

static void scale(const tsr_pass *pass, const float *from, float *to)
{
    const float factor = (float)((const scale_config *)pass->config)->factor;
    size_t n = pass->n * tsr_shape_size(pass->shape);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n))
    for (size_t i = 0; i < n; i++)
        to[i] = factor * from[i];
}

static void forward_scale(const tsr_pass *pass)
{
    scale(pass, pass->inputs[0], pass->output);
}

static void backward_scale(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        scale(pass, pass->output_gradient, pass->input_gradients[0]);
}

static tsr_status *line_scale(const tsr_line_pass *pass)
{
    double factor = (double)(float)((const scale_config *)pass->config)->factor;
    for (size_t i = 0; i < pass->n * tsr_shape_size(pass->shape); i++) {
        pass->value[i] = factor * pass->values[0][i];
        pass->slope[i] = factor * pass->slopes[0][i];
    }
    return NULL;
}

const tsr_op tsr_op_scale = { .size = sizeof(tsr_op),
                              .name = "scale",
                              .config_size = sizeof(scale_config),
                              .flags = TSR_OP_AFFINE,
                              .setup = setup_scale,
                              .forward = forward_scale,
                              .backward = backward_scale,
                              .line = line_scale };
