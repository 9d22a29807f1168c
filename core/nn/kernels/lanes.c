/* One loop computes them all: rows and columns of outputs, each the sum of its taps, which lie at fixed
   distances in the source. Forwards the source is the map between zeros, gone through in steps of the stride.
   The gradient by the map is gathered: pixels as far apart as the stride get the same taps, of the output's
   gradient between zeros. */
#include "nn/kernels/lanes.h"

#include <string.h>
#include <tessera/multiversion.h>

enum { CHANNELS = TSR_LANES_CHANNELS };

typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef float half __attribute__((vector_size(32)));
typedef int32_t eight_ints __attribute__((vector_size(32)));

/* A pixel of sixteen channels. As one vector of sixteen it would go through memory where there is no AVX-512.
 */
typedef struct sixteen {
    half low, high;
} sixteen;

/* Pixels in rows, `pitch` apart, of which the first one of a map lies at `first`. */
typedef struct layout {
    size_t pixels, width, pitch, first;
} layout;

typedef struct taps {
    size_t n;
    ptrdiff_t offsets[TSR_LANES_TAPS]; /* in pixels of the source */
    sixteen w[TSR_LANES_TAPS];
} taps;

/* What is computed: rows x columns, steps in pixels. */
typedef struct walk {
    size_t rows, columns;
    size_t source_row, source_column, row, column;
} walk;

static size_t reach_of(const tsr_lanes_axis *a)
{
    return a->dilation * (a->kernel - 1);
}

static layout dense(const tsr_lanes_axis *h, const tsr_lanes_axis *w, bool out)
{
    size_t width = out ? w->out : w->in;
    return (layout){ (out ? h->out : h->in) * width, width, width, 0 };
}

/* The map between `top` rows of zeros and `left` columns of them, on both sides. */
static layout between_zeros(layout map, size_t top, size_t left)
{
    size_t pitch = map.width + 2 * left;
    return (layout){ map.pixels, map.width, pitch, top * pitch + left };
}

static size_t pixels_with_zeros(layout l, size_t top)
{
    return (l.pixels / l.width + 2 * top) * l.pitch;
}

bool tsr_lanes_fit(const tsr_lanes_conv *conv)
{
    const tsr_lanes_axis *axes[2] = { &conv->h, &conv->w };
    size_t padded[2], spread[2];
    for (size_t i = 0; i < 2; i++) {
        const tsr_lanes_axis *a = axes[i];
        if (a->in > TSR_LANES_PIXELS || a->kernel > TSR_LANES_TAPS || a->dilation > TSR_LANES_PIXELS ||
            a->padding > TSR_LANES_PIXELS)
            return false;
        padded[i] = a->in + 2 * a->padding;
        spread[i] = a->out + 2 * reach_of(a);
        if (padded[i] > TSR_LANES_PIXELS || spread[i] > TSR_LANES_PIXELS)
            return false;
    }
    return conv->h.kernel * conv->w.kernel <= TSR_LANES_TAPS && padded[0] * padded[1] <= TSR_LANES_PIXELS &&
           spread[0] * spread[1] <= TSR_LANES_PIXELS;
}

/* Eight vectors of eight as their columns. */
static inline __attribute__((always_inline)) void transpose(eight *v)
{
    eight a[8], b[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i += 2) {
        a[i] = __builtin_shuffle(v[i], v[i + 1], (eight_ints){ 0, 8, 1, 9, 4, 12, 5, 13 });
        a[i + 1] = __builtin_shuffle(v[i], v[i + 1], (eight_ints){ 2, 10, 3, 11, 6, 14, 7, 15 });
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i += 4)
#pragma GCC unroll 8
        for (size_t k = 0; k < 2; k++) {
            b[i + 2 * k] =
                __builtin_shuffle(a[i + k], a[i + k + 2], (eight_ints){ 0, 1, 8, 9, 4, 5, 12, 13 });
            b[i + 2 * k + 1] =
                __builtin_shuffle(a[i + k], a[i + k + 2], (eight_ints){ 2, 3, 10, 11, 6, 7, 14, 15 });
        }
#pragma GCC unroll 8
    for (size_t i = 0; i < 4; i++) {
        v[i] = __builtin_shuffle(b[i], b[i + 4], (eight_ints){ 0, 1, 2, 3, 8, 9, 10, 11 });
        v[i + 4] = __builtin_shuffle(b[i], b[i + 4], (eight_ints){ 4, 5, 6, 7, 12, 13, 14, 15 });
    }
}

/* Pixel p of a dense map, and the one behind it, in the other layout. */
typedef struct place {
    size_t at, column;
} place;

static inline __attribute__((always_inline)) void go_on(const layout *l, place *p)
{
    p->at++;
    if (++p->column == l->width) {
        p->column = 0;
        p->at += l->pitch - l->width;
    }
}

/* What is read or written next comes while others are computed: the maps of a sample lie far from those of
 * the next. */
static void fetch(const float *x, size_t floats)
{
    for (size_t i = 0; i < floats; i += CHANNELS)
        __builtin_prefetch(x + i, 0, 2);
}

static void fetch_to_write(const float *y, size_t floats)
{
    for (size_t i = 0; i < floats; i += CHANNELS)
        __builtin_prefetch(y + i, 1, 2);
}

/* Maps of n channels, dense, into sixteen lanes; those of channels that there are not are zeros. */
TSR_MULTIVERSION(take_maps, (const layout *l, size_t n, const float *x, sixteen *to), (l, n, x, to))
{
    place p = { l->first, 0 };
    size_t i = 0;
    for (; n == CHANNELS && i + 8 <= l->pixels; i += 8) {
        eight low[8], high[8];
#pragma GCC unroll 8
        for (size_t c = 0; c < 8; c++) {
            low[c] = *(const eight *)(x + c * l->pixels + i);
            high[c] = *(const eight *)(x + (c + 8) * l->pixels + i);
        }
        transpose(low);
        transpose(high);
#pragma GCC unroll 8
        for (size_t k = 0; k < 8; k++, go_on(l, &p)) {
            eight *pixel = (eight *)(to + p.at);
            pixel[0] = low[k];
            pixel[1] = high[k];
        }
    }
    for (; i < l->pixels; i++, go_on(l, &p)) {
        float *pixel = (float *)(to + p.at);
        for (size_t c = 0; c < n; c++)
            pixel[c] = x[c * l->pixels + i];
        for (size_t c = n; c < CHANNELS; c++)
            pixel[c] = 0;
    }
}

/* Back, from dense lanes. */
TSR_MULTIVERSION(give_maps, (size_t pixels, size_t n, const sixteen *from, float *y), (pixels, n, from, y))
{
    size_t i = 0;
    for (; n == CHANNELS && i + 8 <= pixels; i += 8)
        for (size_t side = 0; side < 2; side++) {
            eight v[8];
#pragma GCC unroll 8
            for (size_t k = 0; k < 8; k++)
                v[k] = ((const eight *)(from + i + k))[side];
            transpose(v);
#pragma GCC unroll 8
            for (size_t c = 0; c < 8; c++)
                *(eight *)(y + (side * 8 + c) * pixels + i) = v[c];
        }
    for (; i < pixels; i++)
        for (size_t c = 0; c < n; c++)
            y[c * pixels + i] = ((const float *)(from + i))[c];
}

/* sum += w x */
static inline __attribute__((always_inline)) void add_product(sixteen *sum, const sixteen *w,
                                                              const sixteen *x)
{
    sum->low += w->low * x->low;
    sum->high += w->high * x->high;
}

static inline __attribute__((always_inline)) void put_sum(const sixteen *start, const sixteen *sum,
                                                          sixteen *to)
{
    to->low = start->low + sum->low;
    to->high = start->high + sum->high;
}

TSR_MULTIVERSION(add_taps,
                 (const walk *k, const taps *t, const sixteen *start, const sixteen *x, sixteen *restrict y),
                 (k, t, start, x, y))
{
    const sixteen zero = { { 0 }, { 0 } };
    const size_t step = k->source_column;
    for (size_t row = 0; row < k->rows; row++) {
        const sixteen *from = x + row * k->source_row;
        sixteen *to = y + row * k->row;
        size_t i = 0;
        for (; i + 4 <= k->columns; i += 4, from += 4 * step, to += 4 * k->column) {
            sixteen a = zero, b = zero, c = zero, d = zero;
            for (size_t tap = 0; tap < t->n; tap++) {
                const sixteen *at = from + t->offsets[tap], w = t->w[tap];
                add_product(&a, &w, at);
                add_product(&b, &w, at + step);
                add_product(&c, &w, at + 2 * step);
                add_product(&d, &w, at + 3 * step);
            }
            put_sum(start, &a, to);
            put_sum(start, &b, to + k->column);
            put_sum(start, &c, to + 2 * k->column);
            put_sum(start, &d, to + 3 * k->column);
        }
        for (; i < k->columns; i++, from += step, to += k->column) {
            sixteen a = zero;
            for (size_t tap = 0; tap < t->n; tap++)
                add_product(&a, &t->w[tap], from + t->offsets[tap]);
            put_sum(start, &a, to);
        }
    }
}

/* dw += x dy for each tap: three at a time, and what is left. */
TSR_MULTIVERSION(add_products,
                 (const walk *k, size_t n, const ptrdiff_t *offsets, const sixteen *x, const sixteen *dy,
                  sixteen *restrict dw),
                 (k, n, offsets, x, dy, dw))
{
    const sixteen zero = { { 0 }, { 0 } };
    size_t tap = 0;
    for (; tap + 3 <= n; tap += 3) {
        const ptrdiff_t p = offsets[tap], q = offsets[tap + 1], r = offsets[tap + 2];
        sixteen a = zero, b = zero, c = zero;
        for (size_t row = 0; row < k->rows; row++) {
            const sixteen *from = x + row * k->source_row, *by = dy + row * k->row;
            for (size_t i = 0; i < k->columns; i++, from += k->source_column) {
                const sixteen d = by[i];
                add_product(&a, &d, from + p);
                add_product(&b, &d, from + q);
                add_product(&c, &d, from + r);
            }
        }
        put_sum(&a, &dw[tap], &dw[tap]);
        put_sum(&b, &dw[tap + 1], &dw[tap + 1]);
        put_sum(&c, &dw[tap + 2], &dw[tap + 2]);
    }
    for (; tap < n; tap++) {
        sixteen a = zero;
        for (size_t row = 0; row < k->rows; row++) {
            const sixteen *from = x + row * k->source_row + offsets[tap], *by = dy + row * k->row;
            for (size_t i = 0; i < k->columns; i++, from += k->source_column)
                add_product(&a, &by[i], from);
        }
        put_sum(&a, &dw[tap], &dw[tap]);
    }
}

/* All taps, of outputs in a map between zeros. */
static void all_taps(const tsr_lanes_conv *conv, size_t pitch, ptrdiff_t *offsets)
{
    for (size_t i = 0; i < conv->h.kernel; i++)
        for (size_t j = 0; j < conv->w.kernel; j++)
            *offsets++ = (ptrdiff_t)(i * conv->h.dilation * pitch + j * conv->w.dilation);
}

static walk over_outputs(const tsr_lanes_conv *conv, size_t pitch, size_t out_pitch)
{
    return (walk){ conv->h.out, conv->w.out, conv->h.stride * pitch, conv->w.stride, out_pitch, 1 };
}

static layout kernels_of(const tsr_lanes_conv *conv)
{
    return (layout){ conv->h.kernel * conv->w.kernel, 1, 1, 0 };
}

void tsr_lanes_forward(const tsr_lanes_conv *conv, const tsr_lanes_part *part, const float *x, const float *w,
                       const float *start, float *y)
{
    const layout map = between_zeros(dense(&conv->h, &conv->w, false), conv->h.padding, conv->w.padding);
    const layout kernels = kernels_of(conv);
    const size_t out = conv->h.out * conv->w.out;
    sixteen padded[TSR_LANES_PIXELS], sums[TSR_LANES_PIXELS], begin = { { 0 }, { 0 } };
    taps all;
    all.n = kernels.pixels;
    memset(padded, 0, pixels_with_zeros(map, conv->h.padding) * sizeof(sixteen));
    take_maps(&kernels, part->n, w, all.w);
    all_taps(conv, map.pitch, all.offsets);
    for (size_t c = 0; start && c < part->n; c++)
        ((float *)&begin)[c] = start[c];
    const walk outputs = over_outputs(conv, map.pitch, conv->w.out);
    for (size_t s = 0; s < part->samples; s++) {
        take_maps(&map, part->n, x + s * part->channels * map.pixels, padded);
        if (s + 1 < part->samples)
            fetch(x + (s + 1) * part->channels * map.pixels, part->n * map.pixels);
        fetch_to_write(y + s * part->channels * out, part->n * out);
        add_taps(&outputs, &all, &begin, padded, sums);
        give_maps(out, part->n, sums, y + s * part->channels * out);
    }
}

/* The pixels first, first + stride ... of an axis: the taps of its kernel that reach them, and from which
 * output on. */
typedef struct phase {
    size_t n, pixels, taps[TSR_LANES_TAPS];
    ptrdiff_t outputs[TSR_LANES_TAPS];
} phase;

static void phase_of(const tsr_lanes_axis *a, size_t first, phase *out)
{
    out->n = 0;
    out->pixels = first < a->in ? (a->in - first - 1) / a->stride + 1 : 0;
    for (size_t k = 0; k < a->kernel; k++) {
        ptrdiff_t at = (ptrdiff_t)(first + a->padding) - (ptrdiff_t)(k * a->dilation),
                  stride = (ptrdiff_t)a->stride;
        if (at % stride == 0) {
            out->taps[out->n] = k;
            out->outputs[out->n++] = at / stride;
        }
    }
}

/* The pixels that are `stride` apart from (first_h, first_w) on. */
static void gather_phase(const tsr_lanes_conv *conv, const phase *h, const phase *w, size_t first,
                         const layout *dy, const sixteen *weights, const sixteen *spread, sixteen *dx)
{
    static const sixteen nothing = { { 0 }, { 0 } };
    const walk pixels = { h->pixels, w->pixels, dy->pitch, 1, conv->h.stride * conv->w.in, conv->w.stride };
    taps reaching; /* large: only what is used is set */
    reaching.n = 0;
    for (size_t i = 0; i < h->n; i++)
        for (size_t j = 0; j < w->n; j++) {
            reaching.offsets[reaching.n] =
                (ptrdiff_t)dy->first + h->outputs[i] * (ptrdiff_t)dy->pitch + w->outputs[j];
            reaching.w[reaching.n++] = weights[h->taps[i] * conv->w.kernel + w->taps[j]];
        }
    add_taps(&pixels, &reaching, &nothing, spread, dx + first);
}

static void gather(const tsr_lanes_conv *conv, const layout *dy, const sixteen *weights,
                   const sixteen *spread, sixteen *dx)
{
    for (size_t a = 0; a < conv->h.stride && a < conv->h.in; a++)
        for (size_t b = 0; b < conv->w.stride && b < conv->w.in; b++) {
            phase h, w;
            phase_of(&conv->h, a, &h);
            phase_of(&conv->w, b, &w);
            gather_phase(conv, &h, &w, a * conv->w.in + b, dy, weights, spread, dx);
        }
}

void tsr_lanes_backward(const tsr_lanes_conv *conv, const tsr_lanes_part *part, const float *x,
                        const float *w, const float *dy, float *dw, float *dx)
{
    const size_t top = reach_of(&conv->h), in = conv->h.in * conv->w.in;
    const layout map = between_zeros(dense(&conv->h, &conv->w, false), conv->h.padding, conv->w.padding);
    const layout out = between_zeros(dense(&conv->h, &conv->w, true), top, reach_of(&conv->w));
    const layout kernels = kernels_of(conv);
    sixteen padded[TSR_LANES_PIXELS], spread[TSR_LANES_PIXELS], pixels[TSR_LANES_PIXELS];
    sixteen weights[TSR_LANES_TAPS], sums[TSR_LANES_TAPS];
    ptrdiff_t offsets[TSR_LANES_TAPS];
    memset(padded, 0, pixels_with_zeros(map, conv->h.padding) * sizeof(sixteen));
    memset(spread, 0, pixels_with_zeros(out, top) * sizeof(sixteen));
    memset(sums, 0, kernels.pixels * sizeof(sixteen));
    take_maps(&kernels, part->n, w, weights);
    all_taps(conv, map.pitch, offsets);
    const walk outputs = over_outputs(conv, map.pitch, out.pitch);
    for (size_t s = 0; s < part->samples; s++) {
        take_maps(&map, part->n, x + s * part->channels * in, padded);
        take_maps(&out, part->n, dy + s * part->channels * out.pixels, spread);
        if (s + 1 < part->samples) {
            fetch(x + (s + 1) * part->channels * in, part->n * in);
            fetch(dy + (s + 1) * part->channels * out.pixels, part->n * out.pixels);
        }
        if (dx)
            fetch_to_write(dx + s * part->channels * in, part->n * in);
        add_products(&outputs, kernels.pixels, offsets, padded, spread + out.first, sums);
        if (!dx)
            continue;
        gather(conv, &out, weights, spread, pixels);
        give_maps(in, part->n, pixels, dx + s * part->channels * in);
    }
    give_maps(kernels.pixels, part->n, sums, dw);
}
