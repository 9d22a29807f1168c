/* Affine maps in double precision, for the exact course along lines. */
#ifndef TSR_NN_KERNELS_AFFINE_H
#define TSR_NN_KERNELS_AFFINE_H

#include <stddef.h>

typedef struct tsr_affine {
    size_t rows, inputs, outputs;
} tsr_affine;

/* Of values and slopes along lines: y[0] = x[0] W^T + b and y[1] = x[1] W^T. Each x is rows x inputs, W
   outputs x inputs, b (NULL: none) outputs, each y rows x outputs. In the calling thread. */
void tsr_affine_line(const tsr_affine *layer, const double *const x[2], const float *weights,
                     const float *bias, double *const y[2]);

/* y = x W^T + b, product by product, the same up to rounding: for what is small, and to compare with. */
void tsr_affine_apply_plainly(const tsr_affine *layer, const double *x, const float *weights,
                              const float *bias, double *y);

#endif
