/* Convolutions tap by tap, without a matrix of patches. direct.c cuts the work, direct_kernel.h does it for
   one instruction set. */
#ifndef TSR_NN_KERNELS_DIRECT_H
#define TSR_NN_KERNELS_DIRECT_H

#include "nn/kernels/blocking.h"

/* Columns of the result that meet the same taps: `first`, first + step ..., n of them, the first one's tap 0
   at position `base` of a row. */
typedef struct tsr_direct_phase {
    size_t first, n, step, base;
} tsr_direct_phase;

/* A convolution tap by tap. in is the map that is read, out the result. */
typedef struct tsr_direct {
    size_t samples;
    tsr_maps in, out;
    size_t area;                     /* taps */
    size_t pad_h, pad_w;             /* before what is read */
    size_t reach_h;                  /* rows that a row of the result reads */
    size_t rows_h, phases_h, skip_h; /* row y of the result reads from (y + skip_h) / phases_h rows_h on */
    size_t columns, phase;           /* of a strip's row: in how many phases columns lie, positions of each */
    size_t phases_w;
    const tsr_direct_phase *phase_of_columns;
    const size_t *phase_terms; /* phases_h x phases_w + 1: where each one's terms begin */
    const size_t *terms_a, *terms_b;
    size_t inner, in_groups, out_groups;
    size_t band, bands;         /* rows of the result at once; how many of them a sample has */
    size_t units;               /* bands at once */
    size_t line, strip;         /* floats of a strip's row and of a strip */
    size_t chunk_in, chunk_out; /* groups */
    const float *x, *dy, *bias;
    float *packed, *y;
} tsr_direct;

/* The row of the padded map that row y of the result begins at. */
static inline size_t tsr_direct_base(const tsr_direct *d, size_t y)
{
    return (y + d->skip_h) / d->phases_h * d->rows_h;
}

static inline tsr_terms tsr_direct_terms(const tsr_direct *d, size_t y, size_t phase_w)
{
    const size_t *at = d->phase_terms + (y + d->skip_h) % d->phases_h * d->phases_w + phase_w;
    return (tsr_terms){ at[1] - at[0], d->inner, d->terms_a + at[0], d->terms_b + at[0] };
}

typedef struct tsr_direct_kernels {
    size_t lanes;
    void (*weights)(const tsr_direct *d, const float *weights, bool transposed, size_t group, float *packed,
                    float *work);
    void (*units)(const tsr_direct *d, size_t first, size_t n, float *work);
    void (*gradient)(const tsr_direct *d, const tsr_chunk *chunk, size_t first, size_t end, float *dw,
                     float *work);
} tsr_direct_kernels;

size_t tsr_direct_scratch(const tsr_direct_kernels *kernels, const tsr_convolution *conv);
void tsr_direct_forward(const tsr_direct_kernels *kernels, const tsr_convolution *conv, const float *x,
                        const float *w, const float *bias, float *y, float *scratch);
void tsr_direct_weight_gradient(const tsr_direct_kernels *kernels, const tsr_convolution *conv,
                                const float *x, const float *dy, float *dw, float *scratch);
void tsr_direct_input_gradient(const tsr_direct_kernels *kernels, const tsr_convolution *conv,
                               const float *dy, const float *w, float *dx, float *scratch);

#endif
