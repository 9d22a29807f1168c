/* Dropout (Srivastava et al. 2014), inverted: while training each value is zero with the rate's probability,
   else divided by what is left, so that inference is the identity. The mask is kept for backward. */
#include "nn/ops/ops.h"

#include <string.h>
#include <tessera/hot.h>

typedef struct dropout_config {
    double rate;
} dropout_config;

tsr_node *tsr_dropout(tsr_graph *graph, tsr_node *x, double rate)
{
    return tsr_apply(graph, &tsr_op_dropout, &(dropout_config){ rate }, 1, &x);
}

static void setup(tsr_setup *setup)
{
    const dropout_config *config = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    if (!(config->rate >= 0 && config->rate < 1))
        tsr_setup_fail(setup, "rate is %g, expected 0 or more and less than 1", config->rate);
    tsr_setup_output(setup, shape);
    tsr_setup_saved(setup, tsr_shape_size(shape), 0);
}

#define DRAWN 1024 /* numbers drawn together */

static void draw_mask(size_t n, double rate, tsr_rng rng, float *mask)
{
    uint32_t threshold = (uint32_t)(rate * 0x1p32);
    float kept = (float)(1 / (1 - rate));
    for (size_t i = 0; i < n; i += DRAWN) {
        uint32_t bits[DRAWN];
        size_t count = n - i < DRAWN ? n - i : DRAWN;
        tsr_rng_fill_u32(&rng, count, bits);
        for (size_t k = 0; k < count; k++)
            mask[i + k] = bits[k] < threshold ? 0.0f : kept;
    }
}

TSR_HOT static void multiply(size_t n, const float *restrict x, const float *restrict mask, float *restrict y)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * mask[i];
}

static void forward(const tsr_pass *pass)
{
    const dropout_config *config = pass->config;
    size_t n = pass->n * tsr_shape_size(pass->shape);
    if (!pass->training) {
        memcpy(pass->output, pass->inputs[0], n * sizeof(float));
        return;
    }
    draw_mask(n, config->rate, pass->rng, pass->saved);
    multiply(n, pass->inputs[0], pass->saved, pass->output);
}

static void backward(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        multiply(pass->n * tsr_shape_size(pass->shape), pass->output_gradient, pass->saved,
                 pass->input_gradients[0]);
}

const tsr_op tsr_op_dropout = {
    .size = sizeof(tsr_op),
    .name = "dropout",
    .config_size = sizeof(dropout_config),
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
