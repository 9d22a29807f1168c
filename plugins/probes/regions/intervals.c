/* How long the linear region of an example is along directions: the crossings nearest to it on either side,
   exactly. The same by codes at steps, as the paper's own code takes it. */
#include "regions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16 /* examples that are followed together, at most */
#define STEPS 200
#define BINS 24 /* of lengths */

enum { CENTRE, RANDOM, PAIR_SAME, PAIR_OTHER, N_DIRECTIONS };
static const char *const names[] = { "centre", "random", "pair_same", "pair_other" };
static const char *const reasons[] = { "every example is the mean", NULL, "no two examples are of one class",
                                       "all examples are of one class, or equal" };

/* Writes the direction from example i, of length 1; false where there is none. */
static bool aim(const sample *s, size_t i, int kind, float *drawn, double *u)
{
    const float *x = s->x + i * s->size;
    tsr_rng rng = regions_stream(s, (unsigned)(FOR_DIRECTION + (kind > RANDOM ? kind - RANDOM : 0)), i);
    size_t partner =
        kind >= PAIR_SAME && s->labels ? regions_partner(s, rng, i, kind == PAIR_SAME) : SIZE_MAX;
    if (kind >= PAIR_SAME && partner == SIZE_MAX)
        return false;
    const float *to = kind >= PAIR_SAME ? s->x + partner * s->size : drawn;
    if (kind == RANDOM)
        tsr_rng_fill_normal(&rng, s->size, drawn);
    double squares = 0;
    for (size_t j = 0; j < s->size; j++) {
        double end = kind == CENTRE ? s->centre[j] : (double)to[j];
        u[j] = end - (kind == RANDOM ? 0 : (double)x[j]);
        squares += u[j] * u[j];
    }
    double length = sqrt(squares);
    for (size_t j = 0; j < s->size; j++)
        u[j] /= length;
    return length > 0;
}

typedef struct intervals {
    const regions *self;
    const tsr_probing *probing;
    const sample *sample;
    size_t block;            /* examples that are followed together */
    const double *gradients; /* of the first layer's values; NULL: not known */
    const float *breakpoints;
    double *lengths;   /* examples x N_DIRECTIONS; NaN: there is no such direction */
    double *distances; /* of the nearest boundary of the first layer */
} intervals;

/* The lines of a block: which example and direction each is of. */
typedef struct block {
    size_t n;
    double *origins, *directions;
    float *drawn;
    size_t of[BLOCK * N_DIRECTIONS]; /* example * N_DIRECTIONS + direction */
} block;

static tsr_status *block_make(const sample *s, size_t first, size_t end, block *b)
{
    size_t most = BLOCK * N_DIRECTIONS;
    bool fits = s->size <= SIZE_MAX / sizeof(double) / most;
    b->origins = fits ? malloc(most * s->size * sizeof(double)) : NULL;
    b->directions = fits ? malloc(most * s->size * sizeof(double)) : NULL;
    b->drawn = malloc(s->size * sizeof(float));
    if (!b->origins || !b->directions || !b->drawn)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for lines through %d examples", BLOCK);
    for (size_t i = first; i < end; i++)
        for (int kind = 0; kind < N_DIRECTIONS; kind++) {
            if (!aim(s, i, kind, b->drawn, b->directions + b->n * s->size))
                continue;
            for (size_t j = 0; j < s->size; j++)
                b->origins[b->n * s->size + j] = (double)s->x[i * s->size + j];
            b->of[b->n++] = i * N_DIRECTIONS + (size_t)kind;
        }
    return NULL;
}

/* The least distance of an example's values in the first layer to a breakpoint, over the length of their
 * gradient. */
static double nearest_boundary(const intervals *w, const double *values)
{
    tsr_layer_info layer = tsr_network_layer(w->probing->network, 0);
    size_t of_channel = layer.units / layer.channels * layer.positions;
    double least = INFINITY;
    for (size_t v = 0; v < layer.units * layer.positions; v++)
        for (size_t b = 0; w->gradients[v] > 0 && b < layer.n_breakpoints; b++) {
            double at = (double)w->breakpoints[b * layer.channels + v / of_channel];
            least = fmin(least, fabs(values[v] - at) / w->gradients[v]);
        }
    return least;
}

static void take_distances(const intervals *w, const block *b, const tsr_lines *lines)
{
    tsr_layer_info layer = tsr_network_layer(w->probing->network, 0);
    const double *values = tsr_lines_values(lines, 0);
    for (size_t l = 0; w->gradients && l < b->n; l++)
        if (l == 0 || b->of[l] / N_DIRECTIONS != b->of[l - 1] / N_DIRECTIONS)
            w->distances[b->of[l] / N_DIRECTIONS] =
                nearest_boundary(w, values + l * layer.units * layer.positions);
}

static tsr_status *follow(const intervals *w, const block *b)
{
    tsr_lines *lines;
    TSR_TRY(tsr_lines_new(w->probing->network, b->n, b->origins, b->directions, &lines));
    take_distances(w, b, lines);
    for (size_t l = 0; l < b->n; l++)
        w->lengths[b->of[l]] = fmin(tsr_lines_next(lines)[l], w->self->reach);
    tsr_status *status = tsr_lines_turn(lines);
    for (size_t l = 0; !status && l < b->n; l++)
        w->lengths[b->of[l]] += fmin(tsr_lines_next(lines)[l], w->self->reach);
    tsr_lines_free(lines);
    return status;
}

static tsr_status *measure_block(void *context, size_t number)
{
    const intervals *w = context;
    size_t first = number * w->block, left = w->sample->n - first;
    block b = { 0 };
    tsr_status *status = block_make(w->sample, first, first + (left < w->block ? left : w->block), &b);
    if (!status && b.n)
        status = follow(w, &b);
    free(b.origins);
    free(b.directions);
    free(b.drawn);
    return status;
}

/* --- by codes at steps --- */

/* The example, then points before and behind it. */
static void place_points(const sample *s, size_t i, const double *u, double reach, float *points)
{
    const float *x = s->x + i * s->size;
    memcpy(points, x, s->size * sizeof(float));
    for (size_t k = 0; k < STEPS; k++) {
        double t = ((double)k - STEPS / 2) * (reach / (STEPS / 2));
        for (size_t j = 0; j < s->size; j++)
            points[(k + 1) * s->size + j] = (float)((double)x[j] + t * u[j]);
    }
}

static tsr_status *count_steps(const intervals *w, size_t i, const double *u, float *points, size_t *same)
{
    tsr_codes *codes;
    place_points(w->sample, i, u, w->self->reach, points);
    TSR_TRY(tsr_network_encode(w->probing->network, STEPS + 1, points, &codes));
    *same = 0;
    for (size_t k = 1; k <= STEPS; k++)
        *same +=
            memcmp(tsr_codes_row(codes, 0), tsr_codes_row(codes, k), codes->stride * sizeof(uint64_t)) == 0;
    tsr_codes_free(codes);
    return NULL;
}

/* sums[d]: of the lengths along direction d; counts[d]: of how many examples. */
static tsr_status *sample_lengths(const intervals *w, double *sums, size_t *counts)
{
    const sample *s = w->sample;
    size_t wanted = (size_t)w->self->sampled, n = wanted < s->n ? wanted : s->n, same = 0;
    bool fits = s->size <= SIZE_MAX / sizeof(float) / (STEPS + 1);
    float *points = fits ? malloc((STEPS + 1) * s->size * sizeof(float)) : NULL;
    double *u = fits ? malloc(s->size * sizeof(double)) : NULL;
    tsr_status *status =
        points && u ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for %d steps", STEPS);
    for (size_t i = 0; !status && i < n; i++)
        for (int d = 0; !status && d < N_DIRECTIONS; d++) {
            size_t example = (size_t)((double)i * (double)s->n / (double)n);
            if (!aim(s, example, d, points, u))
                continue;
            status = count_steps(w, example, u, points, &same);
            sums[d] += (double)same * (w->self->reach / (STEPS / 2));
            counts[d]++;
        }
    free(points);
    free(u);
    return status;
}

/* --- what comes of it --- */

static double mean_of(const double *values, size_t n, size_t step, size_t *count)
{
    double sum = 0;
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i * step])) {
            sum += values[i * step];
            ++*count;
        }
    return sum / (double)*count;
}

/* How many lengths lie where: BINS bins that are a quarter of a decade wide, up to the longest length, and
   what is shorter than all of them in one before. */
static tsr_status *give_histogram(const intervals *w, int direction)
{
    double edges[BINS + 2] = { 0 };
    uint64_t counts[BINS + 1] = { 0 };
    char name[64];
    for (int k = 0; k <= BINS; k++)
        edges[k + 1] = 2 * w->self->reach * pow(10, (k - BINS) / 4.0);
    for (size_t i = 0; i < w->sample->n; i++) {
        double length = w->lengths[i * N_DIRECTIONS + (size_t)direction];
        int bin = 0;
        while (bin < BINS && length >= edges[bin + 1])
            bin++;
        counts[bin] += !isnan(length);
    }
    snprintf(name, sizeof(name), "%s_lengths.%s", names[direction], w->sample->part);
    return tsr_save_histogram(w->probing, name, BINS + 1, edges, counts);
}

static tsr_status *give_lengths(const intervals *w)
{
    const sample *s = w->sample;
    double sums[N_DIRECTIONS] = { 0 };
    size_t counts[N_DIRECTIONS] = { 0 }, count;
    char name[32];
    TSR_TRY(sample_lengths(w, sums, counts));
    for (int d = 0; d < (s->labels ? N_DIRECTIONS : PAIR_SAME); d++) {
        double mean = mean_of(w->lengths + d, s->n, N_DIRECTIONS, &count);
        TSR_TRY(regions_give(w->probing, s, names[d], mean, count ? NULL : reasons[d]));
        if (count)
            TSR_TRY(give_histogram(w, d));
        snprintf(name, sizeof(name), "%s_sampled", names[d]);
        if (w->self->sampled)
            TSR_TRY(regions_give(w->probing, s, name, sums[d] / (double)counts[d],
                                 counts[d] ? NULL : reasons[d]));
    }
    snprintf(name, sizeof(name), "lengths_%s", s->part);
    return s->n ? tsr_save_array(w->probing, name, TSR_ELEMENT_FLOAT64, 2, (size_t[]){ s->n, N_DIRECTIONS },
                                 w->lengths)
                : NULL;
}

static tsr_status *give_distances(const intervals *w)
{
    size_t count;
    double mean = mean_of(w->distances, w->sample->n, 1, &count);
    const char *reason = w->gradients ? "no direction leads away from an example"
                                      : "the values of the first layer are not affine in the input";
    if (count && isinf(mean))
        reason = "no unit of the first layer depends on the input";
    return regions_give(w->probing, w->sample, "boundary", mean, count && isfinite(mean) ? NULL : reason);
}

static tsr_status *measure_all(intervals *w)
{
    const sample *s = w->sample;
    tsr_layer_info layer = tsr_network_layer(w->probing->network, 0);
    float *at = calloc(layer.n_breakpoints * layer.channels + 1, sizeof(float));
    w->lengths = malloc((s->n * N_DIRECTIONS + 1) * sizeof(double));
    w->distances = malloc((s->n + 1) * sizeof(double));
    if (!at || !w->lengths || !w->distances) {
        free(at);
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the lengths of %zu regions", s->n);
    }
    tsr_network_breakpoints(w->probing->network, 0, at);
    w->breakpoints = at;
    for (size_t i = 0; i < s->n * N_DIRECTIONS; i++)
        w->lengths[i] = w->distances[i / N_DIRECTIONS] = NAN;
    size_t floats = s->size < SIZE_MAX / 64 / (s->n + 1) ? 64 * s->size * s->n : SIZE_MAX;
    tsr_status *status = regions_share((s->n + w->block - 1) / w->block, floats, measure_block, w);
    if (!status)
        status = give_lengths(w);
    if (!status)
        status = give_distances(w);
    free(at);
    return status;
}

tsr_status *regions_measure_intervals(const regions *self, const tsr_probing *probing, const sample *s,
                                      const double *gradients)
{
    size_t lines = lines_at_once(probing->network, BLOCK * N_DIRECTIONS);
    intervals w = { .self = self,
                    .probing = probing,
                    .sample = s,
                    .block = lines < N_DIRECTIONS ? 1 : lines / N_DIRECTIONS,
                    .gradients = gradients };
    tsr_status *status = measure_all(&w);
    free(w.lengths);
    free(w.distances);
    return status;
}
