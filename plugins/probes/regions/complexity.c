/* Local complexity (Humayun, Balestriero and Baraniuk 2024): how many units change sign among the vertices x
   ± r v of a small cross polytope around an example, v random directions at right angles. */
#include "regions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/multiversion.h>

#define VERTICES 512 /* that are encoded together, about */

typedef struct complexity {
    const regions *self;
    const sample *sample;
    size_t directions, first; /* of each example; the first example of the block */
    float *vertices;          /* examples of a block x directions x 2 x values */
} complexity;

/* Takes u's part out of v, u of length 1. */
TSR_MULTIVERSION(take_out, (size_t n, const double *u, double *v), (n, u, v))
{
    double dot = 0;
#pragma omp simd reduction(+ : dot)
    for (size_t j = 0; j < n; j++)
        dot += u[j] * v[j];
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        v[j] -= dot * u[j];
}

/* Divides v by its length. */
TSR_MULTIVERSION(shorten, (size_t n, double *v), (n, v))
{
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t j = 0; j < n; j++)
        squares += v[j] * v[j];
    double factor = 1 / sqrt(squares);
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        v[j] *= factor;
}

/* Random directions at right angles (Gram and Schmidt, twice); drawn: as many floats, to work in. */
static void make_frame(size_t size, size_t n, tsr_rng *rng, float *drawn, double *frame)
{
    tsr_rng_fill_normal(rng, n * size, drawn);
    for (size_t i = 0; i < n * size; i++)
        frame[i] = (double)drawn[i];
    for (size_t d = 0; d < n; d++) {
        for (size_t k = 0; k < 2 * d; k++)
            take_out(size, frame + k % d * size, frame + d * size);
        shorten(size, frame + d * size);
    }
}

static tsr_status *place_vertices(void *context, size_t i)
{
    const complexity *w = context;
    const sample *s = w->sample;
    const float *x = s->x + (w->first + i) * s->size;
    float *vertex = w->vertices + i * 2 * w->directions * s->size;
    size_t values = w->directions * s->size;
    double *frame = malloc(values * (sizeof(double) + sizeof(float)));
    tsr_rng rng = regions_stream(s, FOR_FRAME, w->first + i);
    if (!frame)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu directions", w->directions);
    make_frame(s->size, w->directions, &rng, (float *)(frame + values), frame);
    for (size_t d = 0; d < w->directions; d++)
        for (int sign = 1; sign >= -1; sign -= 2, vertex += s->size)
            for (size_t j = 0; j < s->size; j++)
                vertex[j] = (float)((double)x[j] + sign * w->self->radius * frame[d * s->size + j]);
    free(frame);
    return NULL;
}

/* Units of layer l that have another bit in some row from `first` on than in that one. */
static size_t changed_units(const tsr_codes *codes, size_t first, size_t n, const tsr_layer_info *layer)
{
    size_t words = (layer->units + 63) / 64, changed = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t differs = 0;
        for (size_t b = 0; b < layer->n_breakpoints; b++) {
            size_t at = layer->first / 64 + b * words + w;
            for (size_t i = 1; i < n; i++)
                differs |= tsr_codes_row(codes, first)[at] ^ tsr_codes_row(codes, first + i)[at];
        }
        changed += (size_t)__builtin_popcountll(differs);
    }
    return changed;
}

/* A layer of the network that the probe sees, and how many units change sign, over all examples. */
typedef struct seen_layer {
    tsr_layer_info info;
    double changed;
} seen_layer;

static tsr_status *measure_block(complexity *w, tsr_network *network, size_t n, size_t n_layers,
                                 seen_layer *layers)
{
    tsr_codes *codes;
    size_t each = 2 * w->directions;
    TSR_TRY(regions_share(n, SIZE_MAX, place_vertices, w));
    TSR_TRY(tsr_network_encode(network, n * each, w->vertices, &codes));
    for (size_t l = 0; l < n_layers; l++)
        for (size_t i = 0; i < n; i++)
            layers[l].changed += (double)changed_units(codes, i * each, each, &layers[l].info);
    tsr_codes_free(codes);
    return NULL;
}

static tsr_status *measure_all(complexity *w, tsr_network *network, size_t n_layers, seen_layer *layers)
{
    const sample *s = w->sample;
    size_t each = 2 * w->directions, block = VERTICES / each ? VERTICES / each : 1;
    bool fits = each <= SIZE_MAX / sizeof(float) / block / s->size;
    w->vertices = fits ? malloc(block * each * s->size * sizeof(float)) : NULL;
    tsr_status *status =
        w->vertices ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu vertices", each);
    for (w->first = 0; !status && w->first < s->n; w->first += block)
        status =
            measure_block(w, network, s->n - w->first < block ? s->n - w->first : block, n_layers, layers);
    free(w->vertices);
    return status;
}

/* The layers of the codes, as the network has them. */
static size_t find_layers(const tsr_probing *probing, seen_layer *layers)
{
    size_t n = 0;
    for (size_t i = 0; i < probing->train->n_layers; i++) {
        size_t l = tsr_probing_layer(probing, i);
        if (l != SIZE_MAX)
            layers[n++] = (seen_layer){ .info = tsr_network_layer(probing->network, l) };
    }
    return n;
}

static tsr_status *give(const tsr_probing *probing, const sample *s, const char *prefix, double changed,
                        double units)
{
    char name[64];
    snprintf(name, sizeof(name), "%slocal_complexity_units", prefix);
    TSR_TRY(regions_give(probing, s, name, changed / (double)s->n, NULL));
    snprintf(name, sizeof(name), "%slocal_complexity", prefix);
    return regions_give(probing, s, name, changed / (double)s->n / units,
                        units > 0 ? NULL : "there are no units");
}

tsr_status *regions_measure_complexity(const regions *self, const tsr_probing *probing, const sample *s)
{
    complexity w = { .self = self, .sample = s, .directions = (size_t)self->directions };
    seen_layer *layers = calloc(probing->train->n_layers + 1, sizeof(*layers));
    w.directions = w.directions < s->size ? w.directions : s->size;
    tsr_status *status = layers ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for layers");
    size_t n_layers = layers ? find_layers(probing, layers) : 0;
    double changed = 0, units = 0;
    if (!status && w.directions)
        status = measure_all(&w, probing->network, n_layers, layers);
    for (size_t l = 0; !status && w.directions && l < n_layers; l++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "layer%zu.", l);
        status = give(probing, s, prefix, layers[l].changed, (double)layers[l].info.units);
        changed += layers[l].changed;
        units += (double)layers[l].info.units;
    }
    if (!status && w.directions)
        status = give(probing, s, "", changed, units);
    free(layers);
    return status;
}
