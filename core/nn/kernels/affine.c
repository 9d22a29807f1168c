/* Rows of weights times rows of doubles: plainly, or where there is enough to do by a BLAS, whose weights
   must be doubles too. */
#include "nn/kernels/affine.h"

#include <cblas.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <tessera/multiversion.h>

#define LANES 16
#define ENOUGH_ROWS 4
#define ENOUGH_WEIGHTS 1024

/* In sums of which there are as many whatever the processor adds at once. */
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

TSR_MULTIVERSION(widen, (size_t n, const float *restrict w, double *restrict wide), (n, w, wide))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        wide[i] = (double)w[i];
}

/* y = x W^T + b; a row of b in each row of y first. */
static void multiply(const tsr_affine *layer, const double *x, const double *wide, const float *bias,
                     double *y)
{
    size_t in = layer->inputs, out = layer->outputs;
    for (size_t i = 0; bias && i < layer->rows * out; i++)
        y[i] = (double)bias[i % out];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)layer->rows, (int)out, (int)in, 1, x, (int)in,
                wide, (int)in, bias ? 1 : 0, y, (int)out);
}

void tsr_affine_apply_plainly(const tsr_affine *layer, const double *x, const float *weights,
                              const float *bias, double *y)
{
    size_t in = layer->inputs, out = layer->outputs;
    for (size_t o = 0; o < out; o++)
        for (size_t row = 0; row < layer->rows; row++)
            y[row * out + o] = dot(in, x + row * in, weights + o * in) + (bias ? (double)bias[o] : 0);
}

void tsr_affine_line(const tsr_affine *layer, const double *const x[2], const float *weights,
                     const float *bias, double *const y[2])
{
    size_t all;
    bool fits = !__builtin_mul_overflow(layer->inputs, layer->outputs, &all) &&
                all <= SIZE_MAX / sizeof(double) && layer->inputs <= INT_MAX && layer->outputs <= INT_MAX &&
                layer->rows <= INT_MAX;
    bool enough = fits && layer->rows >= ENOUGH_ROWS && all >= ENOUGH_WEIGHTS;
    double *wide = enough ? malloc(all * sizeof(*wide)) : NULL;
    if (wide)
        widen(all, weights, wide);
    for (int i = 0; i < 2; i++) {
        const float *added = i ? NULL : bias;
        if (wide)
            multiply(layer, x[i], wide, added, y[i]);
        else /* little, or without memory */
            tsr_affine_apply_plainly(layer, x[i], weights, added, y[i]);
    }
    free(wide);
}
