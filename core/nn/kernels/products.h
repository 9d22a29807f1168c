/* The three products of a dense layer: Y = X W^T + b, dW = dY^T X and dX = dY W; X is samples x inputs, W
   outputs x inputs, Y samples x outputs, all row-major. Batches are skinny and the same shapes come again and
   again, which a general BLAS serves at half of the machine's speed; and inputs are often mostly zero. */
#ifndef TSR_NN_KERNELS_PRODUCTS_H
#define TSR_NN_KERNELS_PRODUCTS_H

#include <tessera/base.h>

typedef struct tsr_layer {
    size_t samples, inputs, outputs;
} tsr_layer;

/* Floats per sample that weight_gradient needs to work in. */
#define TSR_PRODUCTS_SCRATCH(outputs) ((outputs) + (outputs) / 8 + 32)

/* A set of kernels. Those but the plain one give the same bits as each other, however many the threads and
   whether zeros are skipped or not: each element is one chain of fused multiply-adds, from the bias or 0 on,
   in the order of the inputs (Y), samples (dW), outputs (dX). */
typedef struct tsr_products {
    const char *name;
    unsigned needs; /* of the processor, see base/cpu.h */
    /* bias NULL: none */
    void (*forward)(const tsr_layer *layer, const float *x, const float *w, const float *bias, float *y);
    void (*weight_gradient)(const tsr_layer *layer, const float *x, const float *dy, float *dw,
                            float *scratch);
    void (*input_gradient)(const tsr_layer *layer, const float *dy, const float *w, float *dx);
} tsr_products;

/* The fastest first; the last is plain: BLAS. */
const tsr_products *tsr_products_kernels(size_t *n);
/* The first that this processor supports. */
const tsr_products *tsr_products_choose(void);

#endif
