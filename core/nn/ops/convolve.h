/* Between the drivers of the algorithms, winograd.c and direct.c, and their kernels, which convolve.c
   holds for several instruction sets. Channels are worked on in groups of `lanes`, which is a vector; two
   groups of what comes out make a panel. */
#ifndef TSR_NN_OPS_CONVOLVE_H
#define TSR_NN_OPS_CONVOLVE_H

#include "nn/ops/convolution.h"

#define MAX_GROUPS 512 /* of channels, where Winograd's way is taken */

/* What a tile sums: for each term, where A and B begin, B's for one vector of a row, and the products of
 * each. */
typedef struct tsr_terms {
    size_t n, inner;
    const size_t *a, *b;
} tsr_terms;

/* Groups of channels. */
typedef struct tsr_chunk {
    size_t in_group, in_groups, out_group, out_groups;
} tsr_chunk;

/* A convolution of 3 x 3 with stride 1 in tiles of m x m outputs, and how its arrays lie. Counts of floats
   unless said otherwise. */
typedef struct tsr_winograd {
    size_t m;
    size_t samples;
    tsr_shape in, out;
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

/* Columns of the result that meet the same taps: `first`, first + step ..., n of them, the first one's tap 0
   at position `base` of a row. */
typedef struct tsr_direct_phase {
    size_t first, n, step, base;
} tsr_direct_phase;

/* A convolution tap by tap. in is the map that is read, out the result. */
typedef struct tsr_direct {
    size_t samples;
    tsr_shape in, out;
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

/* --- tasks --- */

/* Scratch in slots, one per thread. */
typedef struct tsr_slots {
    size_t n, size;
    float *at;
} tsr_slots;

typedef void tsr_task_function(const void *job, size_t task, float *slot);

/* Tasks in any order on any thread: they share nothing. Small work stays on this one. */
void tsr_convolve_tasks(size_t n, double multiplications, const tsr_slots *slots, tsr_task_function *function,
                        const void *job);
/* Multiplications of a convolution, and what bringing its weights to their place takes as long as. */
static inline double tsr_convolve_work(const tsr_convolution *c)
{
    return (double)c->samples * (double)c->out.c * (double)c->out.h * (double)c->out.w * (double)c->in.c *
           (double)c->kernel_h * (double)c->kernel_w;
}
static inline double tsr_convolve_weights_work(const tsr_convolution *c)
{
    return 64.0 * (double)c->out.c * (double)c->in.c * (double)c->kernel_h * (double)c->kernel_w;
}
/* How many slots of this size there are. */
size_t tsr_convolve_slots(size_t size);
/* out = the sum of n arrays, at least two, in their order. */
void tsr_convolve_sum(size_t n, size_t size, const float *parts, float *out);

static inline size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* a / b, rounded up. */
static inline size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* --- the algorithms --- */

bool tsr_winograd_suits(const tsr_convolution *conv);
size_t tsr_winograd_scratch(const tsr_winograd_kernels *kernels, const tsr_convolution *conv);
void tsr_winograd_forward(const tsr_winograd_kernels *kernels, const tsr_convolution *conv, const float *x,
                          const float *w, const float *bias, float *y, float *scratch);
void tsr_winograd_weight_gradient(const tsr_winograd_kernels *kernels, const tsr_convolution *conv,
                                  const float *x, const float *dy, float *dw, float *scratch);
void tsr_winograd_input_gradient(const tsr_winograd_kernels *kernels, const tsr_convolution *conv,
                                 const float *dy, const float *w, float *dx, float *scratch);

size_t tsr_direct_scratch(const tsr_direct_kernels *kernels, const tsr_convolution *conv);
void tsr_direct_forward(const tsr_direct_kernels *kernels, const tsr_convolution *conv, const float *x,
                        const float *w, const float *bias, float *y, float *scratch);
void tsr_direct_weight_gradient(const tsr_direct_kernels *kernels, const tsr_convolution *conv,
                                const float *x, const float *dy, float *dw, float *scratch);
void tsr_direct_input_gradient(const tsr_direct_kernels *kernels, const tsr_convolution *conv,
                               const float *dy, const float *w, float *dx, float *scratch);

#endif
