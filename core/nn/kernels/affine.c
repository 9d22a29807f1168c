/* Rows of weights times rows of doubles, each product in sums of which there are as many whatever the processor
   adds at once. */
#include "nn/kernels/affine.h"

#include <tessera/multiversion.h>

#define LANES 16

TSR_MULTIVERSION_OF(double, dot, (size_t n, const double *x, const float *w), (n, x, w))
{
    double sums[LANES] = { 0 };
    size_t whole = n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            sums[j] += x[i + j] * (double)w[i + j];
    for (size_t i = whole; i < n; i++)
        sums[i - whole] += x[i] * (double)w[i];
    for (size_t half = LANES / 2; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            sums[j] += sums[j + half];
    return sums[0];
}

void tsr_affine_apply(const tsr_affine *layer, const double *x, const float *weights, const float *bias,
                      double *y)
{
    size_t in = layer->inputs, out = layer->outputs;
    for (size_t o = 0; o < out; o++)
        for (size_t row = 0; row < layer->rows; row++)
            y[row * out + o] = dot(in, x + row * in, weights + o * in) + (bias ? (double)bias[o] : 0);
}
