/* Lloyd's algorithm on weighted codes. A cluster's sums are integers and change only by the rows that change
   cluster, so they are exact whatever the order. A cluster that is left empty takes the row farthest from its
   centre; a row between centres goes to the first. Work is cut by rows and by restarts, never by threads. */
#include "lloyd.h"

#include <tessera/multiversion.h>

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 2048     /* of a restart that a thread takes at once */
#define OUTWARD 2e-7f /* more than a sum of two floats is rounded by */
#define DOUBT 1e-5f   /* per bit: what rounding may do to a squared distance */

/* What a thread needs to assign up to ROWS rows. */
typedef struct lloyd_scratch {
    tsr_lanes dots[ROWS];
    tsr_lane_ints nearest[ROWS / TSR_LANES]; /* by row met: its nearest centre */
    tsr_lanes least[ROWS / TSR_LANES],
        second[ROWS / TSR_LANES]; /* |c|^2 - 2 x c for it and for the second nearest */
    uint32_t row[ROWS];           /* rows that are met */
    uint8_t doubtful[ROWS];       /* by row of the block */
} lloyd_scratch;

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

/* Centres as lanes; those without one stay 0. */
static void spread_centers(const clustering *job, lloyd *restart)
{
    for (size_t first = 0; first < job->k; first += TSR_LANES) {
        size_t count = job->k - first < TSR_LANES ? job->k - first : TSR_LANES;
        tsr_lanes *vectors = restart->vectors + first / TSR_LANES * job->d;
        double norms[TSR_LANES] = { 0 };
        for (size_t j = 0; j < job->d; j++) {
            for (size_t c = 0; c < count; c++) {
                float value = restart->centers[(first + c) * job->d + j];
                norms[c] += (double)value * (double)value;
                vectors[j][c] = -2 * value;
            }
        }
        for (size_t c = 0; c < count; c++)
            restart->norms[first / TSR_LANES][c] = (float)norms[c];
    }
}

/* Moves the bounds of n rows by how far the centres went, and finds the rows for which they meet. */
TSR_MULTIVERSION(move_bounds,
                 (size_t n, const uint32_t *restrict label, const float *restrict drift,
                  const float *restrict others, float doubt, float *restrict upper, float *restrict lower,
                  uint8_t *restrict doubtful),
                 (n, label, drift, others, doubt, upper, lower, doubtful))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        upper[i] = (upper[i] + drift[label[i]]) * (1 + OUTWARD);
        lower[i] = (lower[i] - others[label[i]]) - lower[i] * OUTWARD;
        doubtful[i] = !(lower[i] > 0 && lower[i] * lower[i] - upper[i] * upper[i] > doubt);
    }
}

/* Lists the rows to meet: those in doubt of rows first .. first + n - 1, mostly few. Returns how many. */
static size_t list_rows(size_t first, size_t n, lloyd_scratch *scratch)
{
    size_t listed = 0;
    memset(scratch->doubtful + n, 0, ROWS - n);
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t some;
        memcpy(&some, scratch->doubtful + i, sizeof(some));
        for (size_t row = i; some && row < i + sizeof(some); row++) {
            scratch->row[listed] = (uint32_t)(first + row);
            listed += scratch->doubtful[row];
        }
    }
    return listed;
}

/* By pointers: how a vector is passed by value depends on the processor that a function is compiled for, and
   this one may be left a function of its own. */
static inline void choose(const tsr_lane_ints *where, const tsr_lanes *yes, tsr_lanes *no)
{
    *no = (tsr_lanes)(((tsr_lane_ints)*yes & *where) | ((tsr_lane_ints)*no & ~*where));
}

/* Of n rows and the centres `center` to center + count - 1, one to a lane: nearer ones than those met so far.
   16 rows take them in turn, one after the other, so the first of equals stays. Arrays are whole vectors. */
TSR_MULTIVERSION(keep_nearest,
                 (size_t n, size_t center, size_t count, const float *dots, tsr_lane_ints *nearest,
                  tsr_lanes *least, tsr_lanes *second),
                 (n, center, count, dots, nearest, least, second))
{
    for (size_t i = 0; i < (n + TSR_LANES - 1) / TSR_LANES; i++) {
        const float *values = dots + i * TSR_LANES * TSR_LANES;
        tsr_lanes best = least[i], other = second[i];
        tsr_lane_ints at = nearest[i];
        for (size_t c = 0; c < count; c++) {
            tsr_lanes value;
            for (size_t row = 0; row < TSR_LANES; row++)
                value[row] = values[row * TSR_LANES + c];
            tsr_lane_ints nearer = value < best;
            tsr_lane_ints second_nearest = value < other;
            choose(&second_nearest, &value, &other);
            choose(&nearer, &best, &other);
            choose(&nearer, &value, &best);
            at = (at & ~nearer) | ((int32_t)(center + c) & nearer);
        }
        least[i] = best;
        second[i] = other;
        nearest[i] = at;
    }
}

/* Meets the rows listed with all centres. */
static void meet_centers(const clustering *job, const lloyd *restart, size_t n, lloyd_scratch *scratch)
{
    tsr_code_rows rows = { job->codes->words, job->codes->stride, job->d, n, scratch->row };
    for (size_t i = 0; i < ROWS / TSR_LANES; i++)
        scratch->least[i] = scratch->second[i] = (tsr_lanes){ 0 } + INFINITY;
    for (size_t first = 0; first < job->k; first += TSR_LANES) {
        size_t b = first / TSR_LANES, count = job->k - first < TSR_LANES ? job->k - first : TSR_LANES;
        for (size_t i = 0; i < n; i++)
            scratch->dots[i] = restart->norms[b];
        tsr_codes_dot(&rows, restart->vectors + b * job->d, scratch->dots);
        keep_nearest(n, first, count, (const float *)scratch->dots, scratch->nearest, scratch->least,
                     scratch->second);
    }
}

/* Of a squared distance, which rounding may have put below 0. */
static inline float root(float squared)
{
    return sqrtf(squared > 0 ? squared : 0);
}

/* The nearest centre of rows first .. first + n - 1. */
static void assign(const clustering *job, lloyd *restart, size_t first, size_t n, lloyd_scratch *scratch)
{
    if (restart->iterations == 0 || job->all)
        memset(scratch->doubtful, 1, n);
    else
        move_bounds(n, restart->label + first, restart->drift, restart->others, DOUBT * (float)job->d,
                    restart->upper + first, restart->lower + first, scratch->doubtful);
    size_t listed = list_rows(first, n, scratch);
    if (listed == 0)
        return;
    meet_centers(job, restart, listed, scratch);
    const int32_t *nearest = (const int32_t *)scratch->nearest;
    const float *least = (const float *)scratch->least, *second = (const float *)scratch->second;
    for (size_t i = 0; i < listed; i++) {
        size_t row = scratch->row[i];
        float set_bits = (float)job->set_bits[row];
        restart->next[row] = (uint32_t)nearest[i];
        restart->upper[row] = root(set_bits + least[i]);
        restart->lower[row] = root(set_bits + second[i]);
    }
}

/* Adds the row's bits to a cluster's sums, `weight` times; modulo 2^32, so that -weight takes them out. */
TSR_MULTIVERSION(add_bits, (size_t words, const uint64_t *row, uint32_t weight, uint32_t *restrict ones),
                 (words, row, weight, ones))
{
    for (size_t w = 0; w < words; w++) {
        for (size_t half = 0; half < 2; half++) {
            uint32_t bits = (uint32_t)(row[w] >> 32 * half);
            uint32_t *restrict at = ones + w * 64 + half * 32;
#pragma omp simd
            for (uint32_t bit = 0; bit < 32; bit++)
                at[bit] += weight * (bits >> bit & 1);
        }
    }
}

static void add_row(const clustering *job, size_t row, uint32_t weight, uint32_t *ones)
{
    add_bits(job->padded / 64, tsr_codes_row(job->codes, row), weight, ones);
}

static void move_row(const clustering *job, lloyd *restart, size_t row, uint32_t to)
{
    uint32_t from = restart->label[row], weight = job->weight[row];
    if (from < job->k) {
        add_row(job, row, 0u - weight, restart->ones + from * job->padded);
        restart->weight[from] -= weight;
    }
    add_row(job, row, weight, restart->ones + to * job->padded);
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
static size_t farthest(const clustering *job, const lloyd *restart, const double *far)
{
    size_t found = job->n;
    for (size_t i = 0; i < job->n; i++)
        if (far[i] > (found < job->n ? far[found] : 0) && restart->weight[restart->label[i]] > job->weight[i])
            found = i;
    return found;
}

/* A row that is moved here is met again next time: its bounds say nothing of its new centre. */
static void fill_empty(const clustering *job, lloyd *restart, double *far)
{
    bool known = false;
    for (size_t c = 0; c < job->k; c++) {
        if (restart->weight[c])
            continue;
        for (size_t i = 0; i < job->n && !known; i++)
            far[i] = squared_distance(job, i, restart->centers + restart->label[i] * job->d);
        known = true;
        size_t row = farthest(job, restart, far);
        if (row == job->n)
            return;
        move_row(job, restart, row, (uint32_t)c);
        restart->lower[row] = 0;
        far[row] = 0;
    }
}

/* How far the other centres went, at most. */
static void find_others(const clustering *job, lloyd *restart)
{
    size_t most = 0;
    float second = 0;
    for (size_t c = 1; c < job->k; c++)
        most = restart->drift[c] > restart->drift[most] ? c : most;
    for (size_t c = 0; c < job->k; c++)
        if (c != most && restart->drift[c] > second)
            second = restart->drift[c];
    for (size_t c = 0; c < job->k; c++)
        restart->others[c] = c == most ? second : restart->drift[most];
}

/* Centres become the means of their clusters; an empty one stays. Returns how far they moved, squared, in
   all. */
static double recenter(const clustering *job, lloyd *restart)
{
    double all = 0;
    for (size_t c = 0; c < job->k; c++) {
        float *center = restart->centers + c * job->d;
        const uint32_t *ones = restart->ones + c * job->padded;
        double weight = (double)restart->weight[c], shift = 0;
        for (size_t j = 0; j < job->d && restart->weight[c]; j++) {
            float mean = (float)(ones[j] / weight);
            shift += ((double)mean - (double)center[j]) * ((double)mean - (double)center[j]);
            center[j] = mean;
        }
        restart->drift[c] = (float)sqrt(shift) * (1 + OUTWARD);
        all += shift;
    }
    find_others(job, restart);
    return all;
}

/* Sum of squared distances to the centres. A bit's square is the bit, so sums are all it takes. */
static double inertia(const clustering *job, const lloyd *restart)
{
    double sum = 0;
    for (size_t c = 0; c < job->k; c++) {
        const float *center = restart->centers + c * job->d;
        const uint32_t *ones = restart->ones + c * job->padded;
        double weight = (double)restart->weight[c];
        for (size_t j = 0; j < job->d; j++)
            sum += ones[j] * (1 - 2 * (double)center[j]) + weight * (double)center[j] * (double)center[j];
    }
    return sum;
}

/* The second half of an iteration. Centres that stood still, or that may move no more, have had their rows
   assigned for the last time. */
static void update(const clustering *job, lloyd *restart, double *far)
{
    size_t moved = move_rows(job, restart);
    if (moved == 0 || restart->last) {
        restart->inertia = inertia(job, restart);
        restart->done = true;
        return;
    }
    fill_empty(job, restart, far);
    double shift = recenter(job, restart);
    spread_centers(job, restart);
    restart->iterations++;
    restart->last = shift <= job->tolerance || restart->iterations == job->max_iterations;
}

/* One iteration of all restarts that are not done. They meet a block of rows one after the other, while it is
   in the cache. */
static void iterate(const clustering *job, lloyd *const *active, size_t n_active)
{
    size_t blocks = (job->n + ROWS - 1) / ROWS;
    bool many = tsr_worth_sharing(job->n * job->d * n_active * job->k / TSR_PRODUCTS_PER_FLOAT);
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (many)
    for (size_t t = 0; t < n_active * blocks; t++) {
        size_t first = t / n_active * ROWS, n = job->n - first < ROWS ? job->n - first : ROWS;
        assign(job, active[t % n_active], first, n, &job->scratch[omp_get_thread_num()]);
    }
#pragma omp parallel for num_threads(tsr_threads()) schedule(dynamic) if (many)
    for (size_t r = 0; r < n_active; r++)
        update(job, active[r], job->far + (size_t)omp_get_thread_num() * job->n);
}

tsr_status *clustering_run(const clustering *job)
{
    lloyd **active = clustering_array(job->n_restarts, 1, 1, sizeof(lloyd *));
    if (!active)
        return clustering_no_memory(job);
    size_t n_active = 0;
    for (size_t r = 0; r < job->n_restarts; r++) {
        active[n_active++] = &job->restarts[r];
        spread_centers(job, &job->restarts[r]);
    }
    while (n_active) {
        iterate(job, active, n_active);
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
    restart->upper = clustering_array(job->n, 1, 1, sizeof(*restart->upper));
    restart->lower = clustering_array(job->n, 1, 1, sizeof(*restart->lower));
    restart->ones = clustering_array(job->k, job->padded, 1, sizeof(*restart->ones));
    restart->weight = clustering_array(job->k, 1, 1, sizeof(*restart->weight));
    restart->centers = clustering_array(job->k, job->d, 1, sizeof(*restart->centers));
    restart->vectors = tsr_lanes_new(job->blocks, job->d);
    restart->norms = tsr_lanes_new(job->blocks, 1);
    restart->drift = clustering_array(job->k, 1, 1, sizeof(*restart->drift));
    restart->others = clustering_array(job->k, 1, 1, sizeof(*restart->others));
    if (!restart->label || !restart->next || !restart->upper || !restart->lower || !restart->ones ||
        !restart->weight || !restart->centers || !restart->vectors || !restart->norms || !restart->drift ||
        !restart->others)
        return clustering_no_memory(job);
    for (size_t i = 0; i < job->n; i++)
        restart->label[i] = (uint32_t)job->k;
    return NULL;
}

/* The mean over bits of p (1 - p), and every row's bits. */
static tsr_status *count_bits(const clustering *job, double *mean_variance)
{
    *mean_variance = 0;
    uint32_t *ones = clustering_array(job->padded, 1, 1, sizeof(*ones));
    uint64_t *zeros = clustering_array(job->padded / 64, 1, 1, sizeof(*zeros));
    if (!ones || !zeros) {
        free(ones);
        free(zeros);
        return clustering_no_memory(job);
    }
    double sum = 0;
    for (size_t i = 0; i < job->n; i++) {
        job->set_bits[i] = (uint32_t)tsr_hamming(tsr_codes_row(job->codes, i), zeros, job->padded / 64);
        add_row(job, i, job->weight[i], ones);
    }
    for (size_t j = 0; j < job->d; j++) {
        double p = ones[j] / (double)job->examples;
        sum += p * (1 - p);
    }
    free(ones);
    free(zeros);
    if (job->d)
        *mean_variance = sum / (double)job->d;
    return NULL;
}

size_t clustering_bytes(size_t n, size_t d, size_t k)
{
    double lanes_of = (double)((k + TSR_LANES - 1) / TSR_LANES * TSR_LANES);
    double bytes = 4 * (double)d * (2 * (double)k + lanes_of) + 16 * (double)n;
    return bytes < (double)SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

tsr_status *clustering_start(clustering *job)
{
    size_t threads = (size_t)tsr_threads();
    job->blocks = (job->k + TSR_LANES - 1) / TSR_LANES;
    job->padded = (job->d + 63) / 64 * 64;
    job->restarts = clustering_array(job->n_restarts, 1, 1, sizeof(*job->restarts));
    job->set_bits = clustering_array(job->n, 1, 1, sizeof(*job->set_bits));
    job->far = clustering_array(threads, job->n, 1, sizeof(*job->far));
    job->scratch = (lloyd_scratch *)tsr_lanes_new(threads, sizeof(*job->scratch) / sizeof(tsr_lanes));
    if (!job->restarts || !job->set_bits || !job->far || !job->scratch)
        return clustering_no_memory(job);
    for (size_t r = 0; r < job->n_restarts; r++)
        TSR_TRY(start_restart(job, &job->restarts[r]));
    double variance;
    TSR_TRY(count_bits(job, &variance));
    job->tolerance *= variance;
    return NULL;
}

void clustering_clear(clustering *job)
{
    for (size_t r = 0; job->restarts && r < job->n_restarts; r++) {
        lloyd *restart = &job->restarts[r];
        free(restart->label);
        free(restart->next);
        free(restart->upper);
        free(restart->lower);
        free(restart->ones);
        free(restart->weight);
        free(restart->centers);
        free(restart->vectors);
        free(restart->norms);
        free(restart->drift);
        free(restart->others);
    }
    free(job->restarts);
    free(job->set_bits);
    free(job->far);
    free(job->scratch);
}
