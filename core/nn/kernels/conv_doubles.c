/* Convolutions of doubles, for the exact course along lines: directly, or where there is enough to do as a
   product of the weights with patches of the input, by a BLAS. */
#include "nn/kernels/conv_axes.h"

#include <cblas.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 4096 /* products of a group and input */

/* One output map. */
static void convolve_map(const grouped *g, size_t channel, const float *weights, const float *bias,
                         const double *x, double *y)
{
    size_t group = channel / g->group_out, area = g->h.kernel * g->w.kernel;
    for (size_t i = 0; i < g->h.out * g->w.out; i++)
        y[i] = bias ? (double)bias[channel] : 0;
    for (size_t c = 0; c < g->group_in; c++)
        for (size_t k = 0; k < area; k++) {
            const double *map = x + (group * g->group_in + c) * g->h.in * g->w.in;
            double w = (double)weights[(channel * g->group_in + c) * area + k];
            reach rows = reach_of(&g->h, k / g->w.kernel), columns = reach_of(&g->w, k % g->w.kernel);
            for (size_t r = rows.first; r < rows.end; r++) {
                const double *from =
                    map + (rows.from + (r - rows.first) * g->h.stride) * g->w.in + columns.from;
                double *to = y + r * g->w.out;
                for (size_t i = columns.first; i < columns.end; i++)
                    to[i] += w * from[(i - columns.first) * g->w.stride];
            }
        }
}

void tsr_convolve_doubles_plainly(const grouped *g, size_t n, const float *weights, const float *bias,
                                  const double *x, double *y)
{
    size_t from = g->channels_in * g->h.in * g->w.in, map = g->h.out * g->w.out;
    for (size_t s = 0; s < n; s++)
        for (size_t c = 0; c < g->channels_out; c++)
            convolve_map(g, c, weights, bias, x + s * from, y + (s * g->channels_out + c) * map);
}

/* What each weight of a group meets at each place of the output, 0 beyond the edge: weights x places. x: the
   group's first map. */
static void lay_patches(const grouped *g, const double *x, double *patches)
{
    size_t area = g->h.kernel * g->w.kernel, map = g->h.out * g->w.out;
    memset(patches, 0, g->group_in * area * map * sizeof(double));
    for (size_t c = 0; c < g->group_in; c++)
        for (size_t k = 0; k < area; k++, patches += map) {
            reach rows = reach_of(&g->h, k / g->w.kernel), columns = reach_of(&g->w, k % g->w.kernel);
            const double *from = x + c * g->h.in * g->w.in + rows.from * g->w.in + columns.from;
            for (size_t r = rows.first; r < rows.end; r++, from += g->h.stride * g->w.in)
                for (size_t i = columns.first; i < columns.end; i++)
                    patches[r * g->w.out + i] = from[(i - columns.first) * g->w.stride];
        }
}

/* wide: the weights; patches: room for those of a group. */
static void multiply(const grouped *g, size_t n, const double *wide, const float *bias, const double *x,
                     double *patches, double *y)
{
    size_t groups = g->channels_out / g->group_out, depth = g->group_in * g->h.kernel * g->w.kernel;
    size_t map = g->h.out * g->w.out, in = g->group_in * g->h.in * g->w.in;
    for (size_t i = 0; i < n * groups; i++) {
        size_t first = i % groups * g->group_out;
        double *to = y + i * g->group_out * map;
        lay_patches(g, x + i * in, patches);
        for (size_t j = 0; bias && j < g->group_out * map; j++)
            to[j] = (double)bias[first + j / map];
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)g->group_out, (int)map, (int)depth, 1,
                    wide + first * depth, (int)depth, patches, (int)map, bias ? 1 : 0, to, (int)map);
    }
}

void tsr_convolve_line(const grouped *g, size_t n, const float *weights, const float *bias,
                       const double *const x[2], double *const y[2])
{
    size_t depth = g->group_in * g->h.kernel * g->w.kernel, map = g->h.out * g->w.out, all, places;
    bool fits = !__builtin_mul_overflow(depth, g->channels_out, &all) &&
                !__builtin_mul_overflow(depth, map, &places) && all <= SIZE_MAX / sizeof(double) &&
                places <= SIZE_MAX / sizeof(double) && depth <= INT_MAX && map <= INT_MAX &&
                g->channels_out <= INT_MAX;
    bool enough = fits && g->group_out >= 4 && (double)places * (double)g->group_out >= ENOUGH;
    double *wide = enough ? malloc(all * sizeof(double)) : NULL,
           *patches = enough ? malloc(places * sizeof(double)) : NULL;
    for (size_t i = 0; wide && i < all; i++)
        wide[i] = (double)weights[i];
    for (int i = 0; i < 2; i++) {
        const float *added = i ? NULL : bias;
        if (wide && patches)
            multiply(g, n, wide, added, x[i], patches, y[i]);
        else /* little, or without memory */
            tsr_convolve_doubles_plainly(g, n, weights, added, x[i], y[i]);
    }
    free(wide);
    free(patches);
}
