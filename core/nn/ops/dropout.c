/* Dropout (Srivastava et al. 2014), inverted: while training each value is zero with the rate's probability,
   else divided by what is left, so that inference is the identity. The mask is kept for backward. */
#include "nn/ops/ops.h"
#include "nn/ops/copy.h"

#include <tessera/multiversion.h>

#define PIECE 1024 /* values whose numbers are drawn at once */

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

TSR_MULTIVERSION(multiply, (size_t n, const float *restrict x, const float *restrict mask, float *restrict y),
                 (n, x, mask, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * mask[i];
}

TSR_MULTIVERSION(drop,
                 (size_t n, const uint32_t *restrict drawn, uint32_t threshold, float kept,
                  const float *restrict x, float *restrict mask, float *restrict y),
                 (n, drawn, threshold, kept, x, mask, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        mask[i] = drawn[i] < threshold ? 0.0f : kept;
        y[i] = x[i] * mask[i];
    }
}

/* The values from `first` on; value i has number i of the node's stream. */
static void drop_piece(const tsr_pass *pass, size_t first, size_t n)
{
    double rate = ((const dropout_config *)pass->config)->rate;
    tsr_rng rng = pass->rng;
    uint32_t drawn[PIECE];
    tsr_rng_skip(&rng, first);
    tsr_rng_fill_u32(&rng, n, drawn);
    drop(n, drawn, (uint32_t)(rate * 0x1p32), (float)(1 / (1 - rate)), pass->inputs[0] + first,
         pass->saved + first, pass->output + first);
}

static void forward(const tsr_pass *pass)
{
    size_t size = tsr_shape_size(pass->shape), n = pass->n * size;
    if (!pass->training) {
        tsr_copy(pass->n, size, pass->inputs[0], pass->output);
        return;
    }
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n))
    for (size_t i = 0; i < n; i += PIECE)
        drop_piece(pass, i, n - i < PIECE ? n - i : PIECE);
}

static void backward(const tsr_pass *pass)
{
    size_t size = tsr_shape_size(pass->shape), n = pass->n;
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++)
        multiply(size, pass->output_gradient + s * size, pass->saved + s * size,
                 pass->input_gradients[0] + s * size);
}

const tsr_op tsr_op_dropout = {
    .size = sizeof(tsr_op),
    .name = "dropout",
    .config_size = sizeof(dropout_config),
    .flags = TSR_OP_MOVES,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
