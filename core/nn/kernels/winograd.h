/* Winograd's algorithm for convolutions of 3 x 3 with stride 1 (Lavin, Gray 2016): tiles of outputs from
   fewer products. winograd.c cuts the work, winograd_kernel.h does it for one instruction set. */
#ifndef TSR_NN_KERNELS_WINOGRAD_H
#define TSR_NN_KERNELS_WINOGRAD_H

#include "nn/kernels/blocking.h"

/* A convolution of 3 x 3 with stride 1 in tiles of m x m outputs, and how its arrays lie. Counts of floats
   unless said otherwise. */
typedef struct tsr_winograd {
    size_t m;
    size_t samples;
    tsr_maps in, out;
    size_t padding_h, padding_w;
    size_t tiles_h, tiles_w;          /* of a sample; a band is a row of tiles */
    size_t wide;                      /* positions of a strip's row */
    size_t inner;                     /* channels of a group, fewer where there is but one */
    size_t in_groups, out_groups;     /* of channels */
    size_t block;                     /* tiles that are worked on at once: whole bands */
    size_t v_point, m_point, u_point; /* from a point to the next: inputs', outputs', weights' */
    size_t v_floats, m_floats, strip_floats;
    const float *x, *dy, *bias;
    float *u, *y;
} tsr_winograd;

typedef struct tsr_winograd_kernels {
    size_t lanes;
    void (*weights)(const tsr_winograd *w, const float *weights, bool transposed, size_t group, float *u,
                    float *work);
    void (*bands)(const tsr_winograd *w, size_t first, size_t n, float *work);
    void (*gradient)(const tsr_winograd *w, const tsr_chunk *chunk, size_t first, size_t end, float *dw,
                     float *work);
} tsr_winograd_kernels;

bool tsr_winograd_suits(const tsr_convolution *conv);
size_t tsr_winograd_scratch(const tsr_winograd_kernels *kernels, const tsr_convolution *conv);
void tsr_winograd_forward(const tsr_winograd_kernels *kernels, const tsr_convolution *conv, const float *x,
                          const float *w, const float *bias, float *y, float *scratch);
void tsr_winograd_weight_gradient(const tsr_winograd_kernels *kernels, const tsr_convolution *conv,
                                  const float *x, const float *dy, float *dw, float *scratch);
void tsr_winograd_input_gradient(const tsr_winograd_kernels *kernels, const tsr_convolution *conv,
                                 const float *dy, const float *w, float *dx, float *scratch);

#endif
