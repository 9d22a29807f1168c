/* k-means on codes as points with coordinates 0 and 1 (Lloyd 1982): the training and the test codes are
   clustered apart, and each cluster stands for a class, the one it holds most of (`train`, `test`) or the one
   that the best one-to-one assignment gives it (`train_matched`, `test_matched`).

   Equal codes are one weighted row. Centres start by k-means++ (Arthur and Vassilvitskii 2007) with 2 + log k
   candidates for each, the best kept; squared distances between codes are Hamming distances, so this is done
   in integers. All restarts go on together: a block of codes is expanded to floats once and multiplied with
   the centres of all of them. A cluster's sums are integers too, and change only by the rows that change
   cluster. A cluster that is left empty takes the row farthest from its centre. The restart of least inertia
   counts, the earlier one between equals; a row between centres goes to the first. */
#include "assignment.h"
#include "unique.h"

#include <tessera/probe.h>

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 128       /* of codes expanded together */
#define COLUMNS 1024   /* of them */
#define MANY (1 << 21) /* multiplications that are worth sharing among threads */
#define SEED_ROWS 1024 /* met by the candidates for a first centre together */

typedef struct kmeans {
    int k, restarts, max_iterations;
    double tolerance;
} kmeans;

static const tsr_param params[] = {
    TSR_PARAM_INT(kmeans, k, 0, 0, 1 << 20, "clusters; 0: as many as classes"),
    TSR_PARAM_INT(kmeans, restarts, 10, 1, 1000, "runs from different first centres; the best counts"),
    TSR_PARAM_INT(kmeans, max_iterations, 300, 1, 1000000, "iterations at most"),
    TSR_PARAM_REAL(kmeans, tolerance, 1e-4, 0, 1,
                   "stop when centres move by less, squared, relative to the mean variance of a bit"),
    TSR_PARAM_END
};

/* One run of Lloyd's algorithm. */
typedef struct lloyd {
    uint32_t *label;  /* by row; k: none yet */
    uint32_t *next;   /* by row: the nearest centre */
    uint32_t *ones;   /* k x d: examples of the cluster that have the bit */
    uint64_t *weight; /* by cluster: its examples */
    float *centers;   /* k x d */
    double *far;      /* by row: squared distance to its centre, where a cluster was left empty */
    int iterations;
    bool last, done;
    double inertia;
} lloyd;

/* The clustering of one set of codes. */
typedef struct clustering {
    const tsr_codes *codes; /* distinct rows */
    const uint32_t *weight; /* by row */
    size_t n, d, k;
    uint64_t examples;
    int max_iterations;
    double tolerance; /* absolute */
    size_t n_restarts;
    lloyd *restarts;
    float *centers; /* those of all active restarts, one below the other */
    float *norms;   /* their squared lengths */
    float *points;  /* by thread: ROWS x COLUMNS */
    float *dots;    /* by thread: ROWS x centres */
} clustering;

/* Room for the first centres. */
typedef struct seeder {
    size_t n_candidates;
    tsr_codes *candidates;
    size_t *rows;        /* by candidate: its row */
    uint64_t *potential; /* by candidate: the sum of distances if it is taken */
    uint32_t *closest;   /* by row: distance to the nearest centre */
    uint32_t *distances; /* candidates x rows */
} seeder;

static tsr_status *no_memory(const clustering *job)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu clusters of %zu codes of %zu bits", job->k,
                    job->n, job->d);
}

/* a x b x c zeroed elements; at least one, so that NULL means a failure. */
static void *array(size_t a, size_t b, size_t c, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(a, b, &n) || __builtin_mul_overflow(n, c, &n))
        return NULL;
    return calloc(n ? n : 1, size);
}

/* The row that example `at` has where examples with one code follow one another. */
static size_t row_at(const uint32_t *weight, uint64_t at)
{
    size_t row = 0;
    for (; at >= weight[row]; row++)
        at -= weight[row];
    return row;
}

/* A row drawn with a chance in proportion to its weight and its distance to the nearest centre. */
static size_t draw_row(const clustering *job, const uint32_t *closest, uint64_t potential, tsr_rng *rng)
{
    if (potential == 0)
        return row_at(job->weight, tsr_rng_below(rng, job->examples));
    uint64_t at = tsr_rng_below(rng, potential);
    size_t row = 0;
    for (;; row++) {
        uint64_t share = (uint64_t)job->weight[row] * closest[row];
        if (at < share)
            return row;
        at -= share;
    }
}

/* Distances of all rows to the first m candidates, and what taking each would leave. */
static void try_candidates(const clustering *job, seeder *seeding, size_t m)
{
    for (size_t c = 0; c < m; c++)
        seeding->potential[c] = 0;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (m * job->n * job->d > MANY)
    for (size_t first = 0; first < job->n; first += SEED_ROWS) {
        size_t n = job->n - first < SEED_ROWS ? job->n - first : SEED_ROWS;
        uint32_t *distances = seeding->distances + first * seeding->n_candidates;
        tsr_hamming_block(seeding->candidates, 0, m, job->codes, first, n, distances);
        for (size_t c = 0; c < m; c++) {
            uint64_t sum = 0;
            for (size_t i = 0; i < n; i++) {
                uint32_t *distance = &distances[c * n + i], closest = seeding->closest[first + i];
                *distance = *distance < closest ? *distance : closest;
                sum += (uint64_t)job->weight[first + i] * *distance;
            }
#pragma omp atomic
            seeding->potential[c] += sum;
        }
    }
}

/* Makes candidate c a centre: distances to the nearest centre follow. */
static void take_candidate(const clustering *job, seeder *seeding, size_t c)
{
    for (size_t first = 0; first < job->n; first += SEED_ROWS) {
        size_t n = job->n - first < SEED_ROWS ? job->n - first : SEED_ROWS;
        const uint32_t *distances = seeding->distances + first * seeding->n_candidates + c * n;
        memcpy(seeding->closest + first, distances, n * sizeof(*distances));
    }
}

static void set_candidate(const clustering *job, seeder *seeding, size_t c, size_t row)
{
    seeding->rows[c] = row;
    memcpy(seeding->candidates->words + c * seeding->candidates->stride, tsr_codes_row(job->codes, row),
           tsr_codes_used_words(job->codes) * sizeof(uint64_t));
}

/* The first centres of a restart. */
static void seed_centers(const clustering *job, seeder *seeding, tsr_rng *rng, float *centers)
{
    uint64_t potential = 0;
    for (size_t i = 0; i < job->n; i++)
        seeding->closest[i] = UINT32_MAX;
    for (size_t c = 0; c < job->k; c++) {
        size_t m = c == 0 ? 1 : seeding->n_candidates, best = 0;
        for (size_t i = 0; i < m; i++)
            set_candidate(job, seeding, i, draw_row(job, seeding->closest, potential, rng));
        try_candidates(job, seeding, m);
        for (size_t i = 1; i < m; i++)
            if (seeding->potential[i] < seeding->potential[best])
                best = i;
        potential = seeding->potential[best];
        take_candidate(job, seeding, best);
        tsr_codes_expand(job->codes, seeding->rows[best], 1, centers + c * job->d);
    }
}

static tsr_status *seed_restarts(clustering *job, tsr_rng *rng)
{
    seeder seeding = { .n_candidates = 2 + (size_t)log((double)job->k) };
    size_t m = seeding.n_candidates;
    tsr_status *status = tsr_codes_new(m, job->d, &seeding.candidates);
    seeding.rows = array(m, 1, 1, sizeof(*seeding.rows));
    seeding.potential = array(m, 1, 1, sizeof(*seeding.potential));
    seeding.closest = array(job->n, 1, 1, sizeof(*seeding.closest));
    seeding.distances = array(job->n, m, 1, sizeof(*seeding.distances));
    if (!status && (!seeding.rows || !seeding.potential || !seeding.closest || !seeding.distances))
        status = no_memory(job);
    for (size_t r = 0; !status && r < job->n_restarts; r++)
        seed_centers(job, &seeding, rng, job->restarts[r].centers);
    tsr_codes_free(seeding.candidates);
    free(seeding.rows);
    free(seeding.potential);
    free(seeding.closest);
    free(seeding.distances);
    return status;
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

static tsr_status *iterate(const clustering *job)
{
    lloyd **active = array(job->n_restarts, 1, 1, sizeof(lloyd *));
    if (!active)
        return no_memory(job);
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
    restart->label = array(job->n, 1, 1, sizeof(*restart->label));
    restart->next = array(job->n, 1, 1, sizeof(*restart->next));
    restart->ones = array(job->k, job->d, 1, sizeof(*restart->ones));
    restart->weight = array(job->k, 1, 1, sizeof(*restart->weight));
    restart->centers = array(job->k, job->d, 1, sizeof(*restart->centers));
    restart->far = array(job->n, 1, 1, sizeof(*restart->far));
    if (!restart->label || !restart->next || !restart->ones || !restart->weight || !restart->centers ||
        !restart->far)
        return no_memory(job);
    for (size_t i = 0; i < job->n; i++)
        restart->label[i] = (uint32_t)job->k;
    return NULL;
}

/* The mean over bits of p (1 - p). */
static tsr_status *mean_variance(const clustering *job, double *out)
{
    *out = 0;
    uint32_t *ones = array(job->d, 1, 1, sizeof(*ones));
    if (!ones)
        return no_memory(job);
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

static tsr_status *start(const kmeans *options, clustering *job)
{
    size_t threads = (size_t)tsr_threads();
    job->restarts = array(job->n_restarts, 1, 1, sizeof(*job->restarts));
    job->centers = array(job->n_restarts, job->k, job->d, sizeof(*job->centers));
    job->norms = array(job->n_restarts, job->k, 1, sizeof(*job->norms));
    job->points = array(threads, ROWS, COLUMNS, sizeof(*job->points));
    job->dots = array(threads * ROWS, job->n_restarts, job->k, sizeof(*job->dots));
    if (!job->restarts || !job->centers || !job->norms || !job->points || !job->dots)
        return no_memory(job);
    for (size_t r = 0; r < job->n_restarts; r++)
        TSR_TRY(start_restart(job, &job->restarts[r]));
    double variance;
    TSR_TRY(mean_variance(job, &variance));
    job->tolerance = options->tolerance * variance;
    return NULL;
}

static void clear(clustering *job)
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

static const lloyd *best_restart(const clustering *job)
{
    const lloyd *best = &job->restarts[0];
    for (size_t r = 1; r < job->n_restarts; r++)
        if (job->restarts[r].inertia < best->inertia)
            best = &job->restarts[r];
    return best;
}

/* Examples whose class is the one that most of their cluster have, and by the best one-to-one assignment. */
static tsr_status *count_agreeing(const clustering *job, const uint32_t *label, const uint32_t *group,
                                  size_t n, const int32_t *labels, int classes, int64_t *majority,
                                  int64_t *matched)
{
    size_t columns = (size_t)classes;
    *majority = *matched = 0;
    int64_t *counts = array(job->k, columns, 1, sizeof(*counts));
    if (!counts)
        return no_memory(job);
    for (size_t i = 0; i < n; i++)
        counts[label[group[i]] * columns + (size_t)labels[i]]++;
    for (size_t c = 0; c < job->k; c++) {
        int64_t most = 0;
        for (size_t j = 0; j < columns; j++)
            most = counts[c * columns + j] > most ? counts[c * columns + j] : most;
        *majority += most;
    }
    tsr_status *status = best_assignment(job->k, columns, counts, matched);
    free(counts);
    return status;
}

static tsr_status *give(const tsr_probing *probing, const char *set, const clustering *job,
                        const unique_rows *rows, size_t n, const int32_t *labels)
{
    const lloyd *best = best_restart(job);
    int64_t majority, matched;
    TSR_TRY(count_agreeing(job, best->label, rows->group, n, labels, probing->classes, &majority, &matched));
    TSR_TRY(tsr_metric(probing, set, (double)majority / (double)n));
    TSR_TRY(tsr_metric_f(probing, (double)matched / (double)n, "%s_matched", set));
    return tsr_metric_f(probing, best->inertia, "%s_inertia", set);
}

static size_t clusters(const kmeans *options, int classes)
{
    return (size_t)(options->k ? options->k : classes);
}

static tsr_status *measure(const kmeans *options, const tsr_probing *probing, const char *set,
                           const tsr_codes *codes, const int32_t *labels, tsr_rng *rng)
{
    unique_rows rows;
    TSR_TRY(unique_rows_new(codes, &rows));
    clustering job = { .codes = rows.codes,
                       .weight = rows.weight,
                       .n = rows.codes->n,
                       .d = codes->bits,
                       .k = clusters(options, probing->classes),
                       .examples = codes->n,
                       .max_iterations = options->max_iterations,
                       .n_restarts = (size_t)options->restarts };
    tsr_status *status = start(options, &job);
    if (!status)
        status = seed_restarts(&job, rng);
    if (!status)
        status = iterate(&job);
    if (!status)
        status = give(probing, set, &job, &rows, codes->n, labels);
    clear(&job);
    unique_rows_clear(&rows);
    return status;
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    size_t k = clusters(self, sizes->classes);
    if (k > sizes->n_train)
        return tsr_fail(TSR_REFUSED, "k = %zu clusters, but only %zu training examples", k, sizes->n_train);
    if (k > sizes->n_test)
        return tsr_fail(TSR_REFUSED, "k = %zu clusters, but only %zu test examples", k, sizes->n_test);
    return NULL;
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    tsr_rng rng = probing->rng;
    TSR_TRY(measure(self, probing, "train", probing->train, probing->train_labels, &rng));
    return measure(self, probing, "test", probing->test, probing->test_labels, &rng);
}

static const tsr_probe_ops ops = { .check = check, .run = run };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "kmeans",
    .version = "1.0.0",     .summary = "k-means clusters of codes, compared with the classes",
    .licence = "MIT",       TSR_INSTANCE(kmeans),
    .params = params,
};
TSR_PLUGINS(&plugin)
