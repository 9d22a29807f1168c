/* First centres by k-means++ (Arthur and Vassilvitskii 2007), greedy: for each centre 2 + log k candidates
   are drawn and the one is kept that leaves the least sum. Squared distances between codes are Hamming
   distances, so all of it is in integers. */
#include "lloyd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED_ROWS 1024 /* met by the candidates for a first centre together */

/* Room for the first centres. */
typedef struct seeder {
    size_t n_candidates;
    tsr_codes *candidates;
    size_t *rows;        /* by candidate: its row */
    uint64_t *potential; /* by candidate: the sum of distances if it is taken */
    uint32_t *closest;   /* by row: distance to the nearest centre */
    uint32_t *distances; /* candidates x rows */
} seeder;

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
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(m * job->n * job->d / TSR_PRODUCTS_PER_FLOAT))
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

tsr_status *clustering_seed(const clustering *job, tsr_rng *rng)
{
    seeder seeding = { .n_candidates = 2 + (size_t)log((double)job->k) };
    size_t m = seeding.n_candidates;
    tsr_status *status = tsr_codes_new(m, job->d, &seeding.candidates);
    seeding.rows = clustering_array(m, 1, 1, sizeof(*seeding.rows));
    seeding.potential = clustering_array(m, 1, 1, sizeof(*seeding.potential));
    seeding.closest = clustering_array(job->n, 1, 1, sizeof(*seeding.closest));
    seeding.distances = clustering_array(job->n, m, 1, sizeof(*seeding.distances));
    if (!status && (!seeding.rows || !seeding.potential || !seeding.closest || !seeding.distances))
        status = clustering_no_memory(job);
    for (size_t r = 0; !status && r < job->n_restarts; r++)
        seed_centers(job, &seeding, rng, job->restarts[r].centers);
    tsr_codes_free(seeding.candidates);
    free(seeding.rows);
    free(seeding.potential);
    free(seeding.closest);
    free(seeding.distances);
    return status;
}
