/* Blocks of 32 sums stay in registers while the taps of the kernel go by. What is computed between the rows
   of a result is never read, or multiplied by zero. */
#include "nn/kernels/planes.h"

#include <string.h>
#include <tessera/multiversion.h>

#define BLOCK 32

typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));

static size_t blocks_of(const tsr_plane *p)
{
    return (p->out_h * p->pitch + BLOCK - 1) / BLOCK * BLOCK;
}

bool tsr_plane_of(const size_t in[2], const size_t kernel[2], const size_t dilation[2],
                  const size_t padding[2], tsr_plane *out)
{
    size_t reach[2], padded[2];
    for (size_t i = 0; i < 2; i++) {
        if (in[i] > TSR_PLANE_FLOATS || kernel[i] > TSR_PLANE_TAPS || dilation[i] > TSR_PLANE_FLOATS)
            return false;
        reach[i] = dilation[i] * (kernel[i] - 1);
        if (padding[i] > reach[i] || reach[i] > TSR_PLANE_FLOATS)
            return false;
        padded[i] = in[i] + 2 * padding[i];
    }
    if (kernel[0] * kernel[1] > TSR_PLANE_TAPS || padded[0] * padded[1] + reach[1] + BLOCK > TSR_PLANE_FLOATS)
        return false;
    *out = (tsr_plane){ in[0],
                        in[1],
                        padding[0],
                        padding[1],
                        padded[1],
                        padded[0] - reach[0],
                        padded[1] - reach[1],
                        kernel[0] * kernel[1],
                        { 0 } };
    for (size_t t = 0; t < out->n_taps; t++)
        out->offsets[t] = t / kernel[1] * dilation[0] * out->pitch + t % kernel[1] * dilation[1];
    return true;
}

void tsr_plane_pad(const tsr_plane *p, const float *x, float *padded)
{
    memset(padded, 0, (blocks_of(p) + p->offsets[p->n_taps - 1]) * sizeof(float));
    for (size_t row = 0; row < p->h; row++)
        memcpy(padded + (p->top + row) * p->pitch + p->left, x + row * p->w, p->w * sizeof(float));
}

TSR_MULTIVERSION(add_taps,
                 (size_t n, size_t n_taps, const size_t *offsets, const float *w, const float *x, float *y),
                 (n, n_taps, offsets, w, x, y))
{
    for (size_t i = 0; i < n; i += BLOCK) {
        eight *to = (eight *)(y + i), a = to[0], b = to[1], c = to[2], d = to[3];
        for (size_t t = 0; t < n_taps; t++) {
            const eight *from = (const eight *)(x + i + offsets[t]);
            a += w[t] * from[0];
            b += w[t] * from[1];
            c += w[t] * from[2];
            d += w[t] * from[3];
        }
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
}

void tsr_plane_add(const tsr_plane *p, const float *w, bool flipped, const float *padded, float *sums)
{
    float turned[TSR_PLANE_TAPS];
    for (size_t t = 0; flipped && t < p->n_taps; t++)
        turned[t] = w[p->n_taps - 1 - t];
    add_taps(blocks_of(p), p->n_taps, p->offsets, flipped ? turned : w, padded, sums);
}

void tsr_plane_store(const tsr_plane *p, const float *sums, float start, float *y)
{
    for (size_t row = 0; row < p->out_h; row++, y += p->out_w, sums += p->pitch)
        for (size_t i = 0; i < p->out_w; i++)
            y[i] = start + sums[i];
}

void tsr_plane_spread(const tsr_plane *p, const float *y, float *sums)
{
    memset(sums, 0, blocks_of(p) * sizeof(float));
    for (size_t row = 0; row < p->out_h; row++)
        memcpy(sums + row * p->pitch, y + row * p->out_w, p->out_w * sizeof(float));
}

TSR_MULTIVERSION(add_products,
                 (size_t n, size_t n_taps, const size_t *offsets, const float *x, const float *dy, float *dw),
                 (n, n_taps, offsets, x, dy, dw))
{
    for (size_t t = 0; t < n_taps; t++) {
        eight a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
        for (size_t i = 0; i < n; i += BLOCK) {
            const eight *left = (const eight *)(x + i + offsets[t]), *right = (const eight *)(dy + i);
            a += left[0] * right[0];
            b += left[1] * right[1];
            c += left[2] * right[2];
            d += left[3] * right[3];
        }
        a = (a + b) + (c + d);
        dw[t] += ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
    }
}

void tsr_plane_add_weight_gradient(const tsr_plane *p, const float *padded, const float *dy, float *dw)
{
    add_products(blocks_of(p), p->n_taps, p->offsets, padded, dy, dw);
}
