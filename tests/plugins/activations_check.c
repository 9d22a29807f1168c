/* Claims that every activation has to meet. Inputs stay away from 0, where the pieces meet. */
#include "activations_check.h"

#include <math.h>
#include <string.h>

#define MOST 800

static const tsr_activation_ops *ops_of(const tsr_instance *activation)
{
    return tsr_instance_ops(activation);
}

float activation_value(const tsr_instance *activation, float learned, float x)
{
    float y = NAN;
    tsr_units units = { 1, 1, 1, &x, ops_of(activation)->learned_name ? &learned : NULL };
    ops_of(activation)->forward(tsr_instance_self(activation), &units, &y);
    return y;
}

static void random_units(size_t n, float *x, size_t channels, float *learned, float *dy)
{
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, n);
    tsr_rng_fill_uniform(&rng, n, x, -1, 1);
    tsr_rng_fill_uniform(&rng, n, dy, -1, 1);
    tsr_rng_fill_uniform(&rng, channels, learned, 0, 1);
    for (size_t i = 0; i < n; i++)
        x[i] += x[i] < 0 ? -0.1f : 0.1f;
}

static void agree(const tsr_instance *activation, size_t samples, size_t channels, size_t positions)
{
    float x[MOST], dy[MOST], dx[MOST], learned[MOST], d_learned[MOST], y[MOST];
    double expected[MOST] = { 0 };
    const tsr_activation_ops *ops = ops_of(activation);
    size_t n = samples * channels * positions;
    ck_assert_uint_le(n, MOST);
    random_units(n, x, channels, learned, dy);
    for (size_t c = 0; c < channels; c++)
        d_learned[c] = NAN; /* to be written in full */
    tsr_units units = { samples, channels, positions, x, ops->learned_name ? learned : NULL };
    ops->forward(tsr_instance_self(activation), &units, y);
    ops->backward(tsr_instance_self(activation), &units, dy, dx, ops->learned_name ? d_learned : NULL);
    const float h = 0x1p-6f;
    for (size_t i = 0; i < n; i++) {
        size_t c = i / positions % channels;
        double up = (double)activation_value(activation, learned[c], x[i] + h);
        double down = (double)activation_value(activation, learned[c], x[i] - h);
        ck_assert_double_eq_tol((double)dx[i], (double)dy[i] * (up - down) / (2 * (double)h), 1e-5);
        ck_assert(y[i] == activation_value(activation, learned[c], x[i]));
        up = (double)activation_value(activation, learned[c] + h, x[i]);
        down = (double)activation_value(activation, learned[c] - h, x[i]);
        expected[c] += (double)dy[i] * (up - down) / (2 * (double)h);
    }
    for (size_t c = 0; ops->learned_name && c < channels; c++)
        ck_assert_double_eq_tol((double)d_learned[c], expected[c], 1e-4);
    ops->backward(tsr_instance_self(activation), &units, dy, dy, ops->learned_name ? d_learned : NULL);
    ck_assert(memcmp(dx, dy, n * sizeof(float)) == 0);
}

void activation_gradients_agree(const tsr_instance *activation)
{
    agree(activation, 1, 1, 1);
    agree(activation, 7, 33, 1);
    agree(activation, 3, 5, 49);
}

void activation_passes_nan(const tsr_instance *activation)
{
    ck_assert(isnan(activation_value(activation, 0.5f, NAN)));
}
