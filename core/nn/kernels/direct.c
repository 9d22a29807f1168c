/* Convolution tap by tap: how the work is cut, and which taps meet where. Forward goes by bands of rows of a
   sample, several of them where the weights are large; the gradient by the weights by chunks of channels and
   parts of the batch. Shared scratch holds the packed weights, the bias and the lists of terms. */
#include "nn/kernels/direct.h"

#include <string.h>

#define ALIGNMENT 64
#define STRIP_FLOATS 65536 /* of the bands that are worked on at once: a part of a core's second cache */
#define MANY_WEIGHTS 32768 /* that several bands should share */
#define MAX_UNITS 8
#define CHUNK_FLOATS 73728 /* of a gradient's chunk */
#define CHUNK_OUT 64       /* channels */
#define PARTS 8            /* of the batch where there is one chunk */

/* Strides of the map that is read, which the gradient by the input has none of, and phases of the result,
   which forward has none of. */
typedef struct steps {
    size_t read_h, read_w, phases_h, phases_w;
} steps;

static steps steps_of(const tsr_convolution *c, bool transposed)
{
    return transposed ? (steps){ 1, 1, c->stride_h, c->stride_w } : (steps){ c->stride_h, c->stride_w, 1, 1 };
}

/* How it lies: from what is common, the rows of a band so that strips stay small. */
static tsr_direct lay_out(const tsr_convolution *c, size_t lanes, bool transposed)
{
    steps with = steps_of(c, transposed);
    tsr_direct d = { .samples = c->samples,
                     .in = transposed ? c->out : c->in,
                     .out = transposed ? c->in : c->out,
                     .area = c->kernel_h * c->kernel_w,
                     .rows_h = with.read_h,
                     .phases_h = with.phases_h,
                     .phases_w = with.phases_w,
                     .columns = with.read_w };
    size_t wide;
    if (transposed) {
        d.reach_h = ceil_div(c->kernel_h, c->stride_h);
        d.pad_h = d.reach_h - 1;
        d.pad_w = ceil_div(c->kernel_w, c->stride_w) - 1;
        d.skip_h = c->padding_h;
        wide = (d.out.w - 1 + c->padding_w) / c->stride_w + d.pad_w + 1;
    } else {
        d.reach_h = c->kernel_h;
        d.pad_h = c->padding_h;
        d.pad_w = c->padding_w;
        wide = (d.out.w - 1) * c->stride_w + c->kernel_w;
    }
    d.phase = ceil_div(max(wide, d.pad_w + d.in.w), d.columns);
    d.line = d.columns * d.phase * lanes;
    d.inner = min(d.in.c, lanes);
    d.in_groups = ceil_div(d.in.c, lanes);
    d.out_groups = ceil_div(d.out.c, lanes);
    return d;
}

/* The most rows of the padded map that a band of n rows reads. */
static size_t rows_read(const tsr_direct *d, size_t n)
{
    return (ceil_div(n - 1, d->phases_h)) * d->rows_h + d->reach_h;
}

/* Bands as high as `floats` of `groups` strips allow. */
static void cut_bands(tsr_direct *d, size_t groups, size_t floats)
{
    d->band = d->out.h;
    while (d->band > 1 && rows_read(d, d->band) * d->line * groups > floats)
        d->band = ceil_div(d->band, 2);
    d->bands = ceil_div(d->out.h, d->band);
    d->strip = rows_read(d, d->band) * d->line;
}

/* --- terms --- */

static size_t n_terms(const tsr_direct *d)
{
    return d->area * d->in_groups;
}

/* The lists of list_terms, rounded up so that what follows is as aligned as they are. */
static size_t list_floats(const tsr_direct *d)
{
    size_t bytes = (2 * n_terms(d) + d->phases_h * d->phases_w + 1) * sizeof(size_t);
    bytes += d->phases_w * sizeof(tsr_direct_phase);
    return ceil_div(bytes, ALIGNMENT) * ALIGNMENT / sizeof(float);
}

/* Tap (ky, kx) in a strip, for the result's phase that it belongs to. */
static size_t tap_place(const tsr_direct *d, const tsr_convolution *c, bool transposed, size_t ky, size_t kx,
                        size_t lanes)
{
    if (transposed)
        return (d->pad_h - ky / c->stride_h) * d->line + (d->pad_w - kx / c->stride_w) * lanes;
    return ky * d->line + (kx % d->columns * d->phase + kx / d->columns) * lanes;
}

/* Writes the lists to `at` and points to them. */
static void list_terms(tsr_direct *d, const tsr_convolution *c, bool transposed, size_t lanes, float *at)
{
    size_t *a = (size_t *)(void *)at, *b = a + n_terms(d), *begin = b + n_terms(d), n = 0;
    tsr_direct_phase *columns = (tsr_direct_phase *)(void *)(begin + d->phases_h * d->phases_w + 1);
    for (size_t g = 0; g < d->phases_h * d->phases_w; g++) {
        begin[g] = n;
        for (size_t tap = 0; tap < d->area; tap++) {
            size_t ky = tap / c->kernel_w, kx = tap % c->kernel_w;
            if (ky % d->phases_h != g / d->phases_w || kx % d->phases_w != g % d->phases_w)
                continue;
            for (size_t group = 0; group < d->in_groups; group++, n++) {
                a[n] = group * d->strip + tap_place(d, c, transposed, ky, kx, lanes);
                b[n] = (tap * d->in_groups + group) * d->inner * lanes;
            }
        }
    }
    begin[d->phases_h * d->phases_w] = n;
    for (size_t p = 0; p < d->phases_w; p++) {
        size_t padding = transposed ? c->padding_w : 0;
        size_t first = (p + d->phases_w - padding % d->phases_w) % d->phases_w;
        columns[p] =
            (tsr_direct_phase){ first, first < d->out.w ? ceil_div(d->out.w - first, d->phases_w) : 0,
                                d->phases_w, (first + padding) / d->phases_w };
    }
    d->terms_a = a;
    d->terms_b = b;
    d->phase_terms = begin;
    d->phase_of_columns = columns;
}

/* --- forward and the gradient by the input --- */

typedef struct forward_job {
    const tsr_direct_kernels *kernels;
    const tsr_direct *d;
    const float *weights;
    bool transposed;
} forward_job;

static tsr_direct lay_out_forward(const tsr_convolution *conv, size_t lanes, bool transposed)
{
    tsr_direct d = lay_out(conv, lanes, transposed);
    cut_bands(&d, d.in_groups, STRIP_FLOATS);
    d.units = 1;
    if (n_terms(&d) * d.inner * d.out_groups * lanes > MANY_WEIGHTS)
        d.units = min(max(2 * STRIP_FLOATS / (d.in_groups * d.strip), 1), MAX_UNITS);
    return d;
}

static size_t packed_floats(const tsr_direct *d, size_t lanes)
{
    return n_terms(d) * d->inner * d->out_groups * lanes;
}

static size_t forward_slot(const tsr_direct *d, size_t lanes)
{
    return max(d->units * d->in_groups * d->strip + 2 * d->band * d->out.w * lanes, d->area * lanes);
}

static size_t forward_scratch(const tsr_convolution *conv, size_t lanes, bool transposed)
{
    tsr_direct d = lay_out_forward(conv, lanes, transposed);
    size_t slot = forward_slot(&d, lanes);
    return list_floats(&d) + packed_floats(&d, lanes) + d.out_groups * lanes +
           tsr_convolve_slots(slot) * slot;
}

static void pack_weights(const void *context, size_t task, float *slot)
{
    const forward_job *job = context;
    job->kernels->weights(job->d, job->weights, job->transposed, task, job->d->packed, slot);
}

static void do_units(const void *context, size_t task, float *slot)
{
    const forward_job *job = context;
    size_t n = job->d->units, all = job->d->samples * job->d->bands;
    job->kernels->units(job->d, task * n, min(n, all - task * n), slot);
}

static void run(const tsr_direct_kernels *kernels, const tsr_convolution *conv, const float *x,
                const float *weights, bool transposed, const float *bias, float *y, float *scratch)
{
    size_t lanes = kernels->lanes;
    tsr_direct d = lay_out_forward(conv, lanes, transposed);
    size_t channels = d.out_groups * lanes, slot = forward_slot(&d, lanes);
    d.packed = scratch + list_floats(&d);
    float *padded = d.packed + packed_floats(&d, lanes);
    tsr_slots slots = { tsr_convolve_slots(slot), slot, padded + channels };
    forward_job job = { kernels, &d, weights, transposed };
    memset(padded, 0, channels * sizeof(float));
    if (bias)
        memcpy(padded, bias, d.out.c * sizeof(float));
    d.x = x;
    d.y = y;
    d.bias = padded;
    list_terms(&d, conv, transposed, lanes, scratch);
    tsr_convolve_tasks(d.out_groups, tsr_convolve_weights_work(conv), &slots, pack_weights, &job);
    tsr_convolve_tasks(ceil_div(d.samples * d.bands, d.units), tsr_convolve_work(conv), &slots, do_units,
                       &job);
}

void tsr_direct_forward(const tsr_direct_kernels *kernels, const tsr_convolution *conv, const float *x,
                        const float *w, const float *bias, float *y, float *scratch)
{
    run(kernels, conv, x, w, false, bias, y, scratch);
}

void tsr_direct_input_gradient(const tsr_direct_kernels *kernels, const tsr_convolution *conv,
                               const float *dy, const float *w, float *dx, float *scratch)
{
    run(kernels, conv, dy, w, true, NULL, dx, scratch);
}

/* --- gradient by the weights --- */

typedef struct gradient_job {
    const tsr_direct_kernels *kernels;
    const tsr_direct *d;
    size_t parts;
    float *dw;
} gradient_job;

static tsr_direct lay_out_gradient(const tsr_convolution *conv, size_t lanes)
{
    tsr_direct d = lay_out(conv, lanes, false);
    d.chunk_out = min(d.out_groups, CHUNK_OUT / lanes);
    d.chunk_in = max(min(d.in_groups, CHUNK_FLOATS / (d.area * d.inner * d.chunk_out * lanes)), 1);
    cut_bands(&d, d.chunk_in, STRIP_FLOATS);
    return d;
}

static size_t chunks_of(const tsr_direct *d)
{
    return ceil_div(d->in_groups, d->chunk_in) * ceil_div(d->out_groups, d->chunk_out);
}

static size_t most_parts(const tsr_direct *d)
{
    return max(PARTS / chunks_of(d), 1);
}

static size_t gradient_slot(const tsr_direct *d, size_t lanes)
{
    return d->chunk_in * d->strip + d->chunk_out * d->band * d->out.w * lanes +
           d->area * d->inner * (d->chunk_in * d->chunk_out + 1) * lanes;
}

static size_t gradient_scratch(const tsr_convolution *conv, size_t lanes)
{
    tsr_direct d = lay_out_gradient(conv, lanes);
    size_t slot = gradient_slot(&d, lanes);
    return list_floats(&d) + tsr_convolve_slots(slot) * slot + most_parts(&d) * d.area * d.in.c * d.out.c;
}

static void do_chunk(const void *context, size_t task, float *slot)
{
    const gradient_job *job = context;
    const tsr_direct *d = job->d;
    size_t part = task % job->parts, units = d->samples * d->bands,
           chunks = ceil_div(d->in_groups, d->chunk_in);
    size_t in = task / job->parts % chunks * d->chunk_in, out = task / job->parts / chunks * d->chunk_out;
    tsr_chunk chunk = { in, min(d->in_groups - in, d->chunk_in), out,
                        min(d->out_groups - out, d->chunk_out) };
    job->kernels->gradient(d, &chunk, part * units / job->parts, (part + 1) * units / job->parts,
                           job->dw + part * d->area * d->in.c * d->out.c, slot);
}

/* Taps alone: groups are the kernels' own to count. */
static void list_taps(tsr_direct *d, const tsr_convolution *conv, size_t lanes, float *at)
{
    size_t *a = (size_t *)(void *)at;
    for (size_t tap = 0; tap < d->area; tap++)
        a[tap] = tap_place(d, conv, false, tap / conv->kernel_w, tap % conv->kernel_w, lanes);
    d->terms_a = a;
}

void tsr_direct_weight_gradient(const tsr_direct_kernels *kernels, const tsr_convolution *conv,
                                const float *x, const float *dy, float *dw, float *scratch)
{
    tsr_direct d = lay_out_gradient(conv, kernels->lanes);
    size_t slot = gradient_slot(&d, kernels->lanes);
    tsr_slots slots = { tsr_convolve_slots(slot), slot, scratch + list_floats(&d) };
    float *sums = slots.at + slots.n * slot;
    gradient_job job = { kernels, &d, min(most_parts(&d), d.samples * d.bands), dw };
    d.x = x;
    d.dy = dy;
    list_taps(&d, conv, kernels->lanes, scratch);
    if (job.parts > 1)
        job.dw = sums;
    tsr_convolve_tasks(job.parts * chunks_of(&d), tsr_convolve_work(conv), &slots, do_chunk, &job);
    if (job.parts > 1)
        tsr_convolve_sum(job.parts, d.area * d.in.c * d.out.c, sums, dw);
}

size_t tsr_direct_scratch(const tsr_direct_kernels *kernels, const tsr_convolution *conv)
{
    size_t lanes = kernels->lanes;
    return max(gradient_scratch(conv, lanes),
               max(forward_scratch(conv, lanes, false), forward_scratch(conv, lanes, true)));
}
