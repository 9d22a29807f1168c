/* Affine maps in double precision, for the exact course along lines. */
#ifndef TSR_NN_KERNELS_AFFINE_H
#define TSR_NN_KERNELS_AFFINE_H

#include <stddef.h>

typedef struct tsr_affine {
    size_t rows, inputs, outputs;
} tsr_affine;

/* y = x W^T + b: x is rows x inputs, W outputs x inputs, b (NULL: none) outputs, y rows x outputs. In the
   calling thread. */
void tsr_affine_apply(const tsr_affine *layer, const double *x, const float *weights, const float *bias,
                      double *y);

/* The same, product by product, up to rounding: for what is small, and to compare with. */
void tsr_affine_apply_plainly(const tsr_affine *layer, const double *x, const float *weights,
                              const float *bias, double *y);

#endif
