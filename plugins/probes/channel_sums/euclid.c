/* Nearest points and k-means. */
#include "euclid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/codes.h>
#include <tessera/multiversion.h>

#define LANES 16   /* points of a group, as many as tsr_lanes has */
#define QUERIES 16 /* that a thread takes at a time, for which a group stays in the cache */

/* Points coordinate by coordinate, LANES together: group g has its coordinate j at x[g * d + j]. Those behind
   the last point are zeros. */
typedef struct groups {
    size_t n, d, count;
    tsr_lanes *x;
} groups;

static void *array(size_t a, size_t b, size_t size)
{
    size_t n, bytes;
    if (__builtin_mul_overflow(a, b, &n) || __builtin_mul_overflow(n ? n : 1, size, &bytes) ||
        bytes > SIZE_MAX - 64)
        return NULL;
    void *out = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (out)
        memset(out, 0, bytes);
    return out;
}

static bool make_groups(size_t n, size_t d, groups *out)
{
    size_t count = (n + LANES - 1) / LANES;
    *out = (groups){ n, d, count, array(count, d, sizeof(tsr_lanes)) };
    return out->x != NULL;
}

static void fill_groups(const float *x, const groups *g)
{
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->d; j++)
            g->x[i / LANES * g->d + j][i % LANES] = x[i * g->d + j];
}

/* Squared distances of one point to the points of a group, each summed up in the coordinates' order. */
TSR_MULTIVERSION(meet_group, (size_t d, const tsr_lanes *group, const float *point, tsr_lanes *out),
                 (d, group, point, out))
{
    tsr_lanes sum = { 0 };
    for (size_t j = 0; j < d; j++) {
        tsr_lanes difference = group[j] - point[j];
        sum += difference * difference;
    }
    *out = sum;
}

/* How many points the group has. */
static size_t size_of_group(const groups *base, size_t g)
{
    return base->n - g * LANES < LANES ? base->n - g * LANES : LANES;
}

/* Puts a point into the k nearest so far, of which `found` are there. Later ones have larger indices. */
static void insert(size_t k, size_t found, uint32_t *index, float *distance, uint32_t point, float squared)
{
    size_t at = found < k ? found : k - 1;
    for (; at > 0 && distance[at - 1] > squared; at--) {
        distance[at] = distance[at - 1];
        index[at] = index[at - 1];
    }
    distance[at] = squared;
    index[at] = point;
}

static void offer_group(const groups *base, size_t g, size_t k, const float *query, uint32_t *index,
                        float *distance)
{
    tsr_lanes squared;
    meet_group(base->d, base->x + g * base->d, query, &squared);
    for (size_t l = 0; l < size_of_group(base, g); l++) {
        size_t point = g * LANES + l;
        if (point < k || squared[l] < distance[k - 1])
            insert(k, point < k ? point : k, index, distance, (uint32_t)point, squared[l]);
    }
}

static void find_nearest(const groups *base, const points *queries, size_t first, size_t k, uint32_t *index,
                         float *distance)
{
    size_t end = queries->n - first < QUERIES ? queries->n : first + QUERIES;
    for (size_t g = 0; g < base->count; g++)
        for (size_t i = first; i < end; i++)
            offer_group(base, g, k, queries->x + i * queries->d, index + i * k, distance + i * k);
    for (size_t i = first * k; i < end * k; i++)
        distance[i] = sqrtf(distance[i]);
}

tsr_status *nearest_points(const points *base, const points *queries, size_t k, uint32_t *index,
                           float *distance)
{
    groups g;
    if (base->n < k || base->n > UINT32_MAX)
        return tsr_fail(TSR_REFUSED, "%zu nearest of %zu points: expected at most as many", k, base->n);
    if (!make_groups(base->n, base->d, &g))
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu points", base->n);
    fill_groups(base->x, &g);
#pragma omp parallel for schedule(dynamic, 1) num_threads(tsr_threads())
    for (size_t i = 0; i < queries->n; i += QUERIES)
        find_nearest(&g, queries, i, k, index, distance);
    free(g.x);
    return NULL;
}

/* --- k-means --- */

typedef struct work {
    const points *p;
    size_t k;
    double *sums;   /* k x d */
    size_t *counts; /* by cluster */
    float *centers; /* k x d */
    groups groups;  /* the same, to be met by points */
    float *squared; /* by point: to its centre */
    uint32_t *labels;
} work;

static void put_center(const work *w, size_t cluster, size_t point)
{
    size_t d = w->p->d;
    memcpy(w->centers + cluster * d, w->p->x + point * d, d * sizeof(float));
}

/* The nearest centre, the first of equals. */
static uint32_t nearest_center(const work *w, const groups *centers, size_t point, float *least)
{
    uint32_t best = 0;
    *least = INFINITY;
    for (size_t g = 0; g < centers->count; g++) {
        tsr_lanes squared;
        meet_group(centers->d, centers->x + g * centers->d, w->p->x + point * w->p->d, &squared);
        for (size_t l = 0; l < size_of_group(centers, g); l++)
            if (squared[l] < *least) {
                *least = squared[l];
                best = (uint32_t)(g * LANES + l);
            }
    }
    return best;
}

/* Gives each point to its nearest centre; how many have another one than before. */
static size_t assign(const work *w)
{
    size_t changed = 0;
    const groups *centers = &w->groups;
    fill_groups(w->centers, &w->groups);
#pragma omp parallel for schedule(static) num_threads(tsr_threads()) reduction(+ : changed)
    for (size_t i = 0; i < w->p->n; i++) {
        uint32_t best = nearest_center(w, centers, i, &w->squared[i]);
        changed += w->labels[i] != best;
        w->labels[i] = best;
    }
    return changed;
}

static double inertia_of(const work *w)
{
    double sum = 0;
    for (size_t i = 0; i < w->p->n; i++)
        sum += (double)w->squared[i];
    return sum;
}

/* Lowers each point's squared distance to that to a centre that is new. */
static void meet_center(const work *w, size_t c)
{
    size_t d = w->p->d, lane = c % LANES;
    tsr_lanes *group = w->groups.x + c / LANES * d;
    for (size_t j = 0; j < d; j++)
        group[j][lane] = w->centers[c * d + j];
#pragma omp parallel for schedule(static) num_threads(tsr_threads())
    for (size_t i = 0; i < w->p->n; i++) {
        tsr_lanes squared;
        meet_group(d, group, w->p->x + i * d, &squared);
        w->squared[i] = squared[lane] < w->squared[i] ? squared[lane] : w->squared[i];
    }
}

/* k-means++: each further centre is a point, drawn with a weight of its squared distance to those before. */
static void seed(const work *w, tsr_rng *rng)
{
    for (size_t i = 0; i < w->p->n; i++)
        w->squared[i] = INFINITY;
    put_center(w, 0, (size_t)tsr_rng_below(rng, w->p->n));
    for (size_t c = 1; c < w->k; c++) {
        meet_center(w, c - 1);
        double left = tsr_rng_uniform(rng) * inertia_of(w);
        size_t point = 0;
        while (point + 1 < w->p->n && (left -= (double)w->squared[point]) > 0)
            point++;
        put_center(w, c, point);
    }
}

/* The point that is furthest from its centre, which is from then on at no distance. */
static size_t furthest(const work *w)
{
    size_t best = 0;
    for (size_t i = 1; i < w->p->n; i++)
        if (w->squared[i] > w->squared[best])
            best = i;
    w->squared[best] = 0;
    return best;
}

static void move_centers(const work *w)
{
    size_t d = w->p->d;
    memset(w->sums, 0, w->k * d * sizeof(*w->sums));
    memset(w->counts, 0, w->k * sizeof(*w->counts));
    for (size_t i = 0; i < w->p->n; i++) {
        double *sum = w->sums + w->labels[i] * d;
        w->counts[w->labels[i]]++;
        for (size_t j = 0; j < d; j++)
            sum[j] += (double)w->p->x[i * d + j];
    }
    for (size_t c = 0; c < w->k; c++) {
        if (w->counts[c] == 0)
            put_center(w, c, furthest(w));
        for (size_t j = 0; w->counts[c] && j < d; j++)
            w->centers[c * d + j] = (float)(w->sums[c * d + j] / (double)w->counts[c]);
    }
}

static double run_once(const work *w, int max_iterations, tsr_rng *rng)
{
    seed(w, rng);
    assign(w);
    for (int i = 0; i < max_iterations; i++) {
        move_centers(w);
        if (assign(w) == 0)
            break;
    }
    return inertia_of(w);
}

tsr_status *kmeans_points(const points *p, const kmeans_options *options, tsr_rng *rng, uint32_t *labels,
                          double *inertia)
{
    if (p->n < options->k)
        return tsr_fail(TSR_REFUSED, "%zu clusters of %zu points: expected at most as many", options->k,
                        p->n);
    work w = { .p = p,
               .k = options->k,
               .sums = array(options->k, p->d, sizeof(double)),
               .counts = array(options->k, 1, sizeof(size_t)),
               .centers = array(options->k, p->d, sizeof(float)),
               .squared = array(p->n, 1, sizeof(float)),
               .labels = array(p->n, 1, sizeof(uint32_t)) };
    bool complete =
        make_groups(options->k, p->d, &w.groups) && w.sums && w.counts && w.centers && w.squared && w.labels;
    *inertia = INFINITY;
    for (int i = 0; complete && i < options->restarts; i++) {
        double now = run_once(&w, options->max_iterations, rng);
        if (now < *inertia) {
            *inertia = now;
            memcpy(labels, w.labels, p->n * sizeof(*labels));
        }
    }
    free(w.sums);
    free(w.counts);
    free(w.centers);
    free(w.groups.x);
    free(w.squared);
    free(w.labels);
    return complete ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for k-means of %zu points", p->n);
}
