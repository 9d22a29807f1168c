/* Winograd's way of convolving by 3 x 3 with stride 1: how the work is cut. Forward goes by blocks of tiles,
   whose points stay in a core's own cache; the gradient by the weights by chunks of channels and parts of the
   batch. */
#include "nn/kernels/winograd.h"

#include <string.h>

#define MIN_CHANNELS 32     /* that make up for bringing values to points and back */
#define BLOCK_FLOATS 229376 /* of points on both sides: half of a core's second cache */
#define MIN_TILES 32        /* of a block, so that the weights are worth fetching */
#define CHUNK_IN 128        /* channels */
#define CHUNK_OUT 64
#define PARTS 8 /* of the batch where there is one chunk */

bool tsr_winograd_suits(const tsr_convolution *c)
{
    return c->kernel_h == 3 && c->kernel_w == 3 && c->stride_h == 1 && c->stride_w == 1 &&
           c->padding_h <= 2 && c->padding_w <= 2 && c->in.c >= MIN_CHANNELS && c->out.c >= MIN_CHANNELS &&
           c->in.c <= 8 * MAX_GROUPS && c->out.c <= 8 * MAX_GROUPS;
}

static size_t points_of(const tsr_winograd *w)
{
    return (w->m + 2) * (w->m + 2);
}

/* An odd number of vectors, so that points do not compete for the same lines of a cache. */
static size_t point_floats(size_t vectors, size_t lanes)
{
    return (vectors | 1) * lanes;
}

/* How a convolution lies, worked on in chunks of at most so many channels. */
static tsr_winograd lay_out(const tsr_convolution *c, size_t lanes, size_t chunk_in, size_t chunk_out)
{
    tsr_winograd w = { .samples = c->samples,
                       .in = c->in,
                       .out = c->out,
                       .padding_h = c->padding_h,
                       .padding_w = c->padding_w,
                       .inner = min(c->in.c, lanes),
                       .in_groups = ceil_div(c->in.c, lanes),
                       .out_groups = ceil_div(c->out.c, lanes) };
    size_t by_4 = 36 * ceil_div(c->out.h, 4) * ceil_div(c->out.w, 4);
    size_t by_2 = 16 * ceil_div(c->out.h, 2) * ceil_div(c->out.w, 2);
    w.m = by_4 <= by_2 ? 4 : 2;
    w.tiles_h = ceil_div(c->out.h, w.m);
    w.tiles_w = ceil_div(c->out.w, w.m);
    w.wide = w.tiles_w * w.m + 2;
    size_t in_groups = min(w.in_groups, chunk_in / lanes);
    size_t out_groups = min(w.out_groups, chunk_out / lanes);
    size_t tiles = max(BLOCK_FLOATS / (points_of(&w) * (in_groups + out_groups) * lanes), MIN_TILES);
    w.block = max(tiles / w.tiles_w, 1) * w.tiles_w;
    w.v_point = point_floats(in_groups * w.block, lanes);
    w.m_point = point_floats(out_groups * w.block, lanes);
    w.u_point = point_floats(w.in_groups * w.inner * w.out_groups, lanes);
    w.v_floats = points_of(&w) * w.v_point;
    w.m_floats = points_of(&w) * w.m_point;
    w.strip_floats = max(2 * (w.m + 2) * w.wide, 9 * lanes) * lanes;
    return w;
}

/* --- forward --- */

typedef struct forward_job {
    const tsr_winograd_kernels *kernels;
    const tsr_winograd *w;
    const float *weights;
    bool transposed;
} forward_job;

static size_t block_slot(const tsr_winograd *w)
{
    return w->v_floats + w->m_floats + w->strip_floats;
}

static void transform_weights(const void *context, size_t task, float *slot)
{
    const forward_job *job = context;
    job->kernels->weights(job->w, job->weights, job->transposed, task, job->w->u, slot);
}

static void do_block(const void *context, size_t task, float *slot)
{
    const forward_job *job = context;
    size_t n = job->w->block / job->w->tiles_w, all = job->w->samples * job->w->tiles_h;
    job->kernels->bands(job->w, task * n, min(n, all - task * n), slot);
}

static size_t forward_scratch(const tsr_convolution *conv, size_t lanes)
{
    tsr_winograd w = lay_out(conv, lanes, SIZE_MAX, SIZE_MAX);
    size_t slot = block_slot(&w);
    return points_of(&w) * w.u_point + w.out_groups * lanes + tsr_convolve_slots(slot) * slot;
}

static void run(const tsr_winograd_kernels *kernels, const tsr_convolution *conv, const float *x,
                const float *weights, bool transposed, const float *bias, float *y, float *scratch)
{
    tsr_winograd w = lay_out(conv, kernels->lanes, SIZE_MAX, SIZE_MAX);
    size_t channels = w.out_groups * kernels->lanes, slot = block_slot(&w);
    float *padded = scratch + points_of(&w) * w.u_point;
    tsr_slots slots = { tsr_convolve_slots(slot), slot, padded + channels };
    forward_job job = { kernels, &w, weights, transposed };
    memset(padded, 0, channels * sizeof(float));
    if (bias)
        memcpy(padded, bias, w.out.c * sizeof(float));
    w.x = x;
    w.y = y;
    w.u = scratch;
    w.bias = padded;
    tsr_convolve_tasks(w.out_groups, tsr_convolve_weights_work(conv), &slots, transform_weights, &job);
    tsr_convolve_tasks(ceil_div(w.samples * w.tiles_h, w.block / w.tiles_w), tsr_convolve_work(conv), &slots,
                       do_block, &job);
}

void tsr_winograd_forward(const tsr_winograd_kernels *kernels, const tsr_convolution *conv, const float *x,
                          const float *w, const float *bias, float *y, float *scratch)
{
    run(kernels, conv, x, w, false, bias, y, scratch);
}

/* --- gradient by the input: the same with the kernel rotated, channels in and out exchanged --- */

static tsr_convolution transpose(const tsr_convolution *c)
{
    tsr_convolution transposed = *c;
    transposed.in = c->out;
    transposed.out = c->in;
    transposed.padding_h = 2 - c->padding_h;
    transposed.padding_w = 2 - c->padding_w;
    return transposed;
}

void tsr_winograd_input_gradient(const tsr_winograd_kernels *kernels, const tsr_convolution *conv,
                                 const float *dy, const float *w, float *dx, float *scratch)
{
    tsr_convolution transposed = transpose(conv);
    run(kernels, &transposed, dy, w, true, NULL, dx, scratch);
}

/* --- gradient by the weights --- */

typedef struct gradient_job {
    const tsr_winograd_kernels *kernels;
    const tsr_winograd *w;
    size_t parts;
    float *dw;
} gradient_job;

static size_t chunks_in(const tsr_winograd *w)
{
    return ceil_div(w->in.c, CHUNK_IN);
}

static size_t chunks_out(const tsr_winograd *w)
{
    return ceil_div(w->out.c, CHUNK_OUT);
}

static size_t chunk_slot(const tsr_winograd *w, size_t lanes)
{
    size_t in = min(w->in_groups * w->inner, CHUNK_IN), out = min(w->out_groups * lanes, CHUNK_OUT);
    return block_slot(w) + points_of(w) * in * out;
}

static size_t most_parts(const tsr_winograd *w)
{
    return max(PARTS / (chunks_in(w) * chunks_out(w)), 1);
}

static void do_chunk(const void *context, size_t task, float *slot)
{
    const gradient_job *job = context;
    const tsr_winograd *w = job->w;
    size_t part = task % job->parts, bands = w->samples * w->tiles_h;
    size_t groups_in = CHUNK_IN / job->kernels->lanes, groups_out = CHUNK_OUT / job->kernels->lanes;
    size_t in = task / job->parts % chunks_in(w) * groups_in,
           out = task / job->parts / chunks_in(w) * groups_out;
    tsr_chunk chunk = { in, min(w->in_groups - in, groups_in), out, min(w->out_groups - out, groups_out) };
    job->kernels->gradient(w, &chunk, part * bands / job->parts, (part + 1) * bands / job->parts,
                           job->dw + part * 9 * w->in.c * w->out.c, slot);
}

static size_t gradient_scratch(const tsr_convolution *conv, size_t lanes)
{
    tsr_winograd w = lay_out(conv, lanes, CHUNK_IN, CHUNK_OUT);
    size_t slot = chunk_slot(&w, lanes);
    return tsr_convolve_slots(slot) * slot + most_parts(&w) * 9 * w.in.c * w.out.c;
}

void tsr_winograd_weight_gradient(const tsr_winograd_kernels *kernels, const tsr_convolution *conv,
                                  const float *x, const float *dy, float *dw, float *scratch)
{
    tsr_winograd w = lay_out(conv, kernels->lanes, CHUNK_IN, CHUNK_OUT);
    size_t slot = chunk_slot(&w, kernels->lanes), size = 9 * w.in.c * w.out.c;
    tsr_slots slots = { tsr_convolve_slots(slot), slot, scratch };
    float *sums = scratch + slots.n * slot;
    gradient_job job = { kernels, &w, min(most_parts(&w), w.samples * w.tiles_h), dw };
    w.x = x;
    w.dy = dy;
    if (job.parts > 1)
        job.dw = sums;
    tsr_convolve_tasks(job.parts * chunks_in(&w) * chunks_out(&w), tsr_convolve_work(conv), &slots, do_chunk,
                       &job);
    if (job.parts > 1)
        tsr_convolve_sum(job.parts, size, sums, dw);
}

size_t tsr_winograd_scratch(const tsr_winograd_kernels *kernels, const tsr_convolution *conv)
{
    size_t lanes = kernels->lanes;
    tsr_convolution transposed = transpose(conv);
    return max(gradient_scratch(conv, lanes),
               max(forward_scratch(conv, lanes), forward_scratch(&transposed, lanes)));
}
