/* Lloyd's algorithm on weighted codes. A cluster's sums are integers and change only by the rows that change
   cluster, so they are exact whatever the order. A cluster that is left empty takes the row farthest from its
   centre; a row between centres goes to the first. Work is cut by rows and by restarts, never by threads. */
#include "lloyd.h"

#include <cblas.h>
#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 128       /* of codes expanded together */
#define COLUMNS 1024   /* of them */
#define MANY (1 << 21) /* multiplications that are worth sharing among threads */

tsr_status *clustering_no_memory(const clustering *job)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu clusters of %zu codes of %zu bits", job->k,
                    job->n, job->d);
}

void *clustering_array(size_t a, size_t b, size_t c, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(a, b, &n) || __builtin_mul_overflow(n, c, &n))
        return NULL;
    return calloc(n ? n : 1, size);
}

/* Columns first .. first + columns - 1 of n rows as floats; `first` is a multiple of 64. */
static void expand(const tsr_codes *codes, size_t row, size_t n, size_t first, size_t columns, float *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t *words = tsr_codes_row(codes, row + i) + first / 64;
        for (size_t j = 0; j < columns; j += 64) {
            size_t count = columns - j < 64 ? columns - j : 64;
            for (size_t bit = 0; bit < count; bit++)
                out[bit] = (float)(words[j / 64] >> bit & 1);
            out += count;
        }
    }
}

/* The nearest of each active restart's centres to rows `row` ...: least |c|^2 - 2 x c. */
static void assign_block(const clustering *job, lloyd *const *active, size_t n_active, size_t row,
                         float *points, float *dots)
{
    size_t n = job->n - row < ROWS ? job->n - row : ROWS, all = n_active * job->k;
    for (size_t first = 0; first < job->d; first += COLUMNS) {
        size_t columns = job->d - first < COLUMNS ? job->d - first : COLUMNS;
        expand(job->codes, row, n, first, columns, points);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)all, (int)columns, -2.0f, points,
                    (int)columns, job->centers + first, (int)job->d, first ? 1.0f : 0.0f, dots, (int)all);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < n_active; r++) {
            const float *dot = dots + i * all + r * job->k, *norm = job->norms + r * job->k;
            size_t best = 0;
            for (size_t c = 1; c < job->k; c++)
                if (norm[c] + dot[c] < norm[best] + dot[best])
                    best = c;
            active[r]->next[row + i] = (uint32_t)best;
        }
    }
}

static void assign(const clustering *job, lloyd *const *active, size_t n_active)
{
    for (size_t r = 0; r < n_active; r++) {
        float *centers = job->centers + r * job->k * job->d;
        memcpy(centers, active[r]->centers, job->k * job->d * sizeof(float));
        for (size_t c = 0; c < job->k; c++) {
            double sum = 0;
            for (size_t j = 0; j < job->d; j++)
                sum += (double)centers[c * job->d + j] * (double)centers[c * job->d + j];
            job->norms[r * job->k + c] = (float)sum;
        }
    }
    size_t points = (size_t)ROWS * COLUMNS, dots = (size_t)ROWS * job->n_restarts * job->k;
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(dynamic) if (job->n * job->d * n_active * job->k > MANY)
    for (size_t row = 0; row < job->n; row += ROWS) {
        size_t thread = (size_t)omp_get_thread_num();
        assign_block(job, active, n_active, row, job->points + thread * points, job->dots + thread * dots);
    }
}

/* Adds the row's bits to a cluster's sums, `weight` times; modulo 2^32, so that -weight takes them out. */
static void add_row(const clustering *job, size_t row, uint32_t weight, uint32_t *restrict ones)
{
    const uint64_t *words = tsr_codes_row(job->codes, row);
    for (size_t j = 0; j < job->d; j += 64) {
        uint64_t word = words[j / 64];
        size_t count = job->d - j < 64 ? job->d - j : 64;
        for (size_t bit = 0; bit < count; bit++)
            ones[j + bit] += weight * (uint32_t)(word >> bit & 1);
    }
}

static void move_row(const clustering *job, lloyd *restart, size_t row, uint32_t to)
{
    uint32_t from = restart->label[row], weight = job->weight[row];
    if (from < job->k) {
        add_row(job, row, 0u - weight, restart->ones + from * job->d);
        restart->weight[from] -= weight;
    }
    add_row(job, row, weight, restart->ones + to * job->d);
    restart->weight[to] += weight;
    restart->label[row] = to;
}

static size_t move_rows(const clustering *job, lloyd *restart)
{
    size_t moved = 0;
    for (size_t i = 0; i < job->n; i++) {
        if (restart->next[i] != restart->label[i]) {
            move_row(job, restart, i, restart->next[i]);
            moved++;
        }
    }
    return moved;
}

static double squared_distance(const clustering *job, size_t row, const float *center)
{
    const uint64_t *words = tsr_codes_row(job->codes, row);
    double sum = 0;
    for (size_t j = 0; j < job->d; j++) {
        double difference = (double)(words[j / 64] >> j % 64 & 1) - (double)center[j];
        sum += difference * difference;
    }
    return sum;
}

/* The row farthest from its centre whose cluster keeps others; n: none is away from its centre. */
static size_t farthest(const clustering *job, const lloyd *restart)
{
    size_t found = job->n;
    for (size_t i = 0; i < job->n; i++)
        if (restart->far[i] > (found < job->n ? restart->far[found] : 0) &&
            restart->weight[restart->label[i]] > job->weight[i])
            found = i;
    return found;
}

static void fill_empty(const clustering *job, lloyd *restart)
{
    bool known = false;
    for (size_t c = 0; c < job->k; c++) {
        if (restart->weight[c])
            continue;
        for (size_t i = 0; i < job->n && !known; i++)
            restart->far[i] = squared_distance(job, i, restart->centers + restart->label[i] * job->d);
        known = true;
        size_t row = farthest(job, restart);
        if (row == job->n)
            return;
        move_row(job, restart, row, (uint32_t)c);
        restart->far[row] = 0;
    }
}

/* Centres become the means of their clusters; an empty one stays. Returns how far they moved, squared, in
 * all. */
static double recenter(const clustering *job, lloyd *restart)
{
    double shift = 0;
    for (size_t c = 0; c < job->k; c++) {
        if (restart->weight[c] == 0)
            continue;
        float *center = restart->centers + c * job->d;
        const uint32_t *ones = restart->ones + c * job->d;
        double weight = (double)restart->weight[c];
        for (size_t j = 0; j < job->d; j++) {
            float mean = (float)(ones[j] / weight);
            shift += ((double)mean - (double)center[j]) * ((double)mean - (double)center[j]);
            center[j] = mean;
        }
    }
    return shift;
}

/* Sum of squared distances to the centres. A bit's square is the bit, so sums are all it takes. */
static double inertia(const clustering *job, const lloyd *restart)
{
    double sum = 0;
    for (size_t c = 0; c < job->k; c++) {
        const float *center = restart->centers + c * job->d;
        const uint32_t *ones = restart->ones + c * job->d;
        double weight = (double)restart->weight[c];
        for (size_t j = 0; j < job->d; j++)
            sum += ones[j] * (1 - 2 * (double)center[j]) + weight * (double)center[j] * (double)center[j];
    }
    return sum;
}

/* The second half of an iteration. Centres that stood still, or that may move no more, have had their rows
   assigned for the last time. */
static void update(const clustering *job, lloyd *restart)
{
    size_t moved = move_rows(job, restart);
    if (moved == 0 || restart->last) {
        restart->inertia = inertia(job, restart);
        restart->done = true;
        return;
    }
    fill_empty(job, restart);
    double shift = recenter(job, restart);
    restart->iterations++;
    restart->last = shift <= job->tolerance || restart->iterations == job->max_iterations;
}

tsr_status *clustering_run(const clustering *job)
{
    lloyd **active = clustering_array(job->n_restarts, 1, 1, sizeof(lloyd *));
    if (!active)
        return clustering_no_memory(job);
    size_t n_active = 0;
    for (size_t r = 0; r < job->n_restarts; r++)
        active[n_active++] = &job->restarts[r];
    while (n_active) {
        assign(job, active, n_active);
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (job->n * job->d * n_active > MANY)
        for (size_t r = 0; r < n_active; r++)
            update(job, active[r]);
        size_t left = 0;
        for (size_t r = 0; r < n_active; r++)
            if (!active[r]->done)
                active[left++] = active[r];
        n_active = left;
    }
    free(active);
    return NULL;
}

static tsr_status *start_restart(const clustering *job, lloyd *restart)
{
    restart->label = clustering_array(job->n, 1, 1, sizeof(*restart->label));
    restart->next = clustering_array(job->n, 1, 1, sizeof(*restart->next));
    restart->ones = clustering_array(job->k, job->d, 1, sizeof(*restart->ones));
    restart->weight = clustering_array(job->k, 1, 1, sizeof(*restart->weight));
    restart->centers = clustering_array(job->k, job->d, 1, sizeof(*restart->centers));
    restart->far = clustering_array(job->n, 1, 1, sizeof(*restart->far));
    if (!restart->label || !restart->next || !restart->ones || !restart->weight || !restart->centers ||
        !restart->far)
        return clustering_no_memory(job);
    for (size_t i = 0; i < job->n; i++)
        restart->label[i] = (uint32_t)job->k;
    return NULL;
}

/* The mean over bits of p (1 - p). */
static tsr_status *mean_variance(const clustering *job, double *out)
{
    *out = 0;
    uint32_t *ones = clustering_array(job->d, 1, 1, sizeof(*ones));
    if (!ones)
        return clustering_no_memory(job);
    double sum = 0;
    for (size_t i = 0; i < job->n; i++)
        add_row(job, i, job->weight[i], ones);
    for (size_t j = 0; j < job->d; j++) {
        double p = ones[j] / (double)job->examples;
        sum += p * (1 - p);
    }
    free(ones);
    if (job->d)
        *out = sum / (double)job->d;
    return NULL;
}

tsr_status *clustering_start(clustering *job)
{
    size_t threads = (size_t)tsr_threads();
    if (job->d > INT_MAX) /* as BLAS counts */
        return clustering_no_memory(job);
    job->restarts = clustering_array(job->n_restarts, 1, 1, sizeof(*job->restarts));
    job->centers = clustering_array(job->n_restarts, job->k, job->d, sizeof(*job->centers));
    job->norms = clustering_array(job->n_restarts, job->k, 1, sizeof(*job->norms));
    job->points = clustering_array(threads, ROWS, COLUMNS, sizeof(*job->points));
    job->dots = clustering_array(threads * ROWS, job->n_restarts, job->k, sizeof(*job->dots));
    if (!job->restarts || !job->centers || !job->norms || !job->points || !job->dots)
        return clustering_no_memory(job);
    for (size_t r = 0; r < job->n_restarts; r++)
        TSR_TRY(start_restart(job, &job->restarts[r]));
    double variance;
    TSR_TRY(mean_variance(job, &variance));
    job->tolerance *= variance;
    return NULL;
}

void clustering_clear(clustering *job)
{
    for (size_t r = 0; job->restarts && r < job->n_restarts; r++) {
        lloyd *restart = &job->restarts[r];
        free(restart->label);
        free(restart->next);
        free(restart->ones);
        free(restart->weight);
        free(restart->centers);
        free(restart->far);
    }
    free(job->restarts);
    free(job->centers);
    free(job->norms);
    free(job->points);
    free(job->dots);
}
