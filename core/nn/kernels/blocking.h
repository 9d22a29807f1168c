/* How the convolutions that are written by hand cut their work. Channels are worked on in groups of `lanes`,
   which is a vector; two groups of what comes out make a panel. Tasks have scratch of their own. */
#ifndef TSR_NN_KERNELS_BLOCKING_H
#define TSR_NN_KERNELS_BLOCKING_H

#include "nn/kernels/convolution.h"

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

/* --- counts --- */

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

#endif
