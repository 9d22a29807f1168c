/* The three products of a convolution of feature maps: Y = X * W + b, and the gradients by W and by X. X is
   samples x in, Y samples x out, W out.c x in.c x kernel_h x kernel_w, all row-major. */
#ifndef TSR_NN_KERNELS_CONVOLUTION_H
#define TSR_NN_KERNELS_CONVOLUTION_H

#include "base/shape.h"

typedef struct tsr_convolution {
    size_t samples;
    tsr_maps in, out; /* of one sample */
    size_t kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w;
} tsr_convolution;

/* Through a matrix of patches and BLAS, sample by sample: what faster algorithms must equal to rounding.
   `bias` may be NULL. */
size_t tsr_convolve_plain_scratch(const tsr_convolution *conv);
void tsr_convolve_plain(const tsr_convolution *conv, const float *x, const float *w, const float *bias,
                        float *y, float *scratch);
void tsr_convolve_plain_weight_gradient(const tsr_convolution *conv, const float *x, const float *dy,
                                        float *dw, float *scratch);
void tsr_convolve_plain_input_gradient(const tsr_convolution *conv, const float *dy, const float *w,
                                       float *dx, float *scratch);

typedef struct tsr_convolutions {
    const char *name;
    unsigned needs;                                 /* of the processor, see base/cpu.h */
    size_t (*scratch)(const tsr_convolution *conv); /* floats; whatever the number of samples */
    void (*forward)(const tsr_convolution *conv, const float *x, const float *w, const float *bias, float *y,
                    float *scratch);
    void (*weight_gradient)(const tsr_convolution *conv, const float *x, const float *dy, float *dw,
                            float *scratch);
    void (*input_gradient)(const tsr_convolution *conv, const float *dy, const float *w, float *dx,
                           float *scratch);
} tsr_convolutions;

/* The fastest first; the last is plain. */
const tsr_convolutions *tsr_convolutions_kernels(size_t *n);
/* The first that this processor supports. */
const tsr_convolutions *tsr_convolutions_choose(void);

#endif
