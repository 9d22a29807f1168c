/* Batch normalisation (Ioffe and Szegedy 2015), per channel over samples and positions: y = scale (x - mean)
   / sqrt(variance + epsilon) + shift. While training, the batch's statistics, which also move the running
   ones; else the running ones. Backward works from x and what forward saved: the batch's mean and 1 /
   deviation. Here are vectors, whose channels go side by side through the vector unit; feature maps are in
   norm_maps.c. */
#include "nn/kernels/channels.h"
#include "nn/kernels/norm_maps.h"
#include "nn/ops/ops.h"

#include <math.h>
#include <string.h>
#include <tessera/multiversion.h>

/* Of epsilon: a float is added to a variance, and the sum is not 0. */
#define MIN_EPSILON 1e-30
#define MAX_EPSILON 1e3

/* Those of torch.nn.BatchNorm1d and 2d; its momentum is 0.1, in our convention 1 - 0.1. */
#define PYTORCH_EPSILON 1e-5
#define PYTORCH_MOMENTUM 0.9

tsr_node *tsr_batch_norm_sized(tsr_graph *graph, tsr_node *x, const tsr_batch_norm_options *options,
                               size_t size)
{
    tsr_batch_norm_config config = { 0 };
    if (!options) {
        tsr_graph_fail(graph, "the options of a batch norm are NULL");
        return tsr_batch_norm(graph, x);
    }
    memcpy(&config.options, options, size < sizeof(config.options) ? size : sizeof(config.options));
    return tsr_apply(graph, &tsr_op_batch_norm, &config, 1, &x);
}

tsr_node *tsr_batch_norm(tsr_graph *graph, tsr_node *x)
{
    return tsr_batch_norm_with(
        graph, x,
        &(tsr_batch_norm_options){ .epsilon = TSR_BATCH_NORM_EPSILON, .momentum = TSR_BATCH_NORM_MOMENTUM });
}

/* Parameters and state, in the order of setup. */
enum { SCALE, SHIFT };
enum { RUNNING_MEAN, RUNNING_VARIANCE };

static void setup(tsr_setup *setup)
{
    const tsr_batch_norm_config *config = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    tsr_setup_output(setup, shape);
    tsr_setup_constant(setup, &(tsr_constant_spec){ .name = "epsilon",
                                                    .value = config->options.epsilon,
                                                    .minimum = MIN_EPSILON,
                                                    .maximum = MAX_EPSILON,
                                                    .pytorch = PYTORCH_EPSILON });
    tsr_setup_constant(setup, &(tsr_constant_spec){ .name = "momentum",
                                                    .value = config->options.momentum,
                                                    .minimum = 0,
                                                    .maximum = 1,
                                                    .pytorch = PYTORCH_MOMENTUM,
                                                    .training_only = true });
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "weight",
                                                      .role = TSR_ROLE_SCALE,
                                                      .n_dims = 1,
                                                      .dims = { tsr_shape_channels(shape) },
                                                      .constant = 1 });
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = "bias",
                                                      .role = TSR_ROLE_BIAS,
                                                      .n_dims = 1,
                                                      .dims = { tsr_shape_channels(shape) } });
    tsr_setup_state(setup, "running_mean", tsr_shape_channels(shape), 0);
    tsr_setup_state(setup, "running_var", tsr_shape_channels(shape), 1);
    tsr_setup_saved(setup, 0, 2 * tsr_shape_channels(shape)); /* mean, 1 / deviation */
    tsr_setup_scratch(setup, 0,
                      2 * tsr_shape_channels(shape)); /* forward's factors; two of backward's three */
}

/* The batch's mean and variance (divided by n); the running ones move towards them, the variance towards the
   unbiased estimate (divided by n - 1), as PyTorch does. */
static void measure(const tsr_pass *pass, float *mean, float *variance)
{
    size_t channels = tsr_shape_channels(pass->shape);
    double n = (double)pass->n, unbiased = n > 1 ? n / (n - 1) : 1;
    double keep = pass->constants[TSR_NORM_MOMENTUM], take = 1 - keep;
    float *running_mean = pass->state[RUNNING_MEAN], *running_variance = pass->state[RUNNING_VARIANCE];
    tsr_channel_sums(pass->n, channels, 1, pass->inputs[0], mean);
    for (size_t c = 0; c < channels; c++)
        mean[c] = (float)(mean[c] / n);
    tsr_channel_squares(pass->n, channels, pass->inputs[0], mean, variance);
    for (size_t c = 0; c < channels; c++) {
        variance[c] = (float)(variance[c] / n);
        running_mean[c] = (float)(keep * running_mean[c] + take * mean[c]);
        running_variance[c] = (float)(keep * running_variance[c] + take * unbiased * variance[c]);
    }
}

/* y = (x - mean) factor + shift. */
TSR_MULTIVERSION(normalise, (const tsr_pass *pass, const float *restrict mean, const float *restrict factor),
                 (pass, mean, factor))
{
    size_t channels = tsr_shape_channels(pass->shape);
    const float *restrict shift = pass->parameters[SHIFT];
    for (size_t s = 0; s < pass->n; s++) {
        const float *restrict x = pass->inputs[0] + s * channels;
        float *restrict y = pass->output + s * channels;
#pragma omp simd
        for (size_t c = 0; c < channels; c++)
            y[c] = (x[c] - mean[c]) * factor[c] + shift[c];
    }
}

static void forward_vectors(const tsr_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape);
    const float epsilon = (float)pass->constants[TSR_NORM_EPSILON];
    const float *mean = pass->state[RUNNING_MEAN], *variance = pass->state[RUNNING_VARIANCE];
    float *factor = pass->scratch, *inverse = pass->saved + channels;
    if (pass->training) {
        measure(pass, pass->saved, factor);
        mean = pass->saved;
        variance = factor;
    }
    for (size_t c = 0; c < channels; c++) {
        float inverse_deviation = 1.0f / sqrtf(variance[c] + epsilon);
        if (pass->training)
            inverse[c] = inverse_deviation;
        factor[c] = inverse_deviation * pass->parameters[SCALE][c];
    }
    normalise(pass, mean, factor);
}

/* dx = scale / deviation (dy - mean(dy) - x^ mean(dy x^)), where x^ = (x - mean) / deviation; written as
   a dy + b (x - mean) + d with a, b, d per channel. */
TSR_MULTIVERSION(spread,
                 (const tsr_pass *pass, const float *restrict a, const float *restrict b,
                  const float *restrict d),
                 (pass, a, b, d))
{
    size_t channels = tsr_shape_channels(pass->shape);
    const float *restrict mean = pass->saved;
    for (size_t s = 0; s < pass->n; s++) {
        const float *restrict x = pass->inputs[0] + s * channels;
        const float *restrict dy = pass->output_gradient + s * channels;
        float *restrict dx = pass->input_gradients[0] + s * channels;
#pragma omp simd
        for (size_t c = 0; c < channels; c++)
            dx[c] = a[c] * dy[c] + b[c] * (x[c] - mean[c]) + d[c];
    }
}

static void backward_vectors(const tsr_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape);
    float n = (float)pass->n;
    float *d_scale = pass->parameter_gradients[SCALE], *d_shift = pass->parameter_gradients[SHIFT];
    float *a = pass->saved + channels, *b = pass->scratch, *d = pass->scratch + channels;
    tsr_channel_sums(pass->n, channels, 1, pass->output_gradient, d_shift);
    tsr_channel_products(pass->n, channels, pass->inputs[0], pass->saved, pass->output_gradient, d_scale);
    for (size_t c = 0; c < channels; c++) {
        float inverse = a[c];
        d_scale[c] *= inverse;
        a[c] = inverse * pass->parameters[SCALE][c];
        b[c] = -a[c] * inverse * d_scale[c] / n;
        d[c] = -a[c] * d_shift[c] / n;
    }
    if (pass->input_gradients[0])
        spread(pass, a, b, d);
}

static void forward(const tsr_pass *pass)
{
    if (tsr_shape_positions(pass->shape) == 1)
        forward_vectors(pass);
    else
        tsr_norm_maps_forward(pass);
}

static void backward(const tsr_pass *pass)
{
    if (tsr_shape_positions(pass->shape) == 1)
        backward_vectors(pass);
    else
        tsr_norm_maps_backward(pass);
}

/* As in inference: y = (scale / deviation) (x - mean) + shift. */
static tsr_status *line(const tsr_line_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape), positions = tsr_shape_positions(pass->shape);
    for (size_t i = 0; i < pass->n * channels; i++) {
        size_t c = i % channels;
        double factor = (double)pass->parameters[SCALE][c] /
                        sqrt((double)pass->state[RUNNING_VARIANCE][c] + pass->constants[TSR_NORM_EPSILON]);
        for (size_t p = i * positions; p < (i + 1) * positions; p++) {
            pass->value[p] = factor * (pass->values[0][p] - (double)pass->state[RUNNING_MEAN][c]) +
                             (double)pass->parameters[SHIFT][c];
            pass->slope[p] = factor * pass->slopes[0][p];
        }
    }
    return NULL;
}

const tsr_op tsr_op_batch_norm = {
    .size = sizeof(tsr_op),
    .name = "batch_norm",
    .config_size = sizeof(tsr_batch_norm_config),
    .flags = TSR_OP_READS_INPUTS | TSR_OP_AFFINE,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .line = line,
};
