/* How many base rows lie at each distance around a query, by whether they have its label: a ranking of all
   base rows needs no more. Queries meet the base tile by tile (hamming.h), and each distance is counted as it
   comes, in the half of its query's counters that the label chooses. */
#include "codes/hamming.h"

#include <stdbool.h>
#include <string.h>
#include <tessera/multiversion.h>

#define QUERIES 64 /* whose distances to a tile are held together */
#define STREAMS 4  /* of counters: one that has just been raised is slow to be raised again */
#define SHORT 256  /* counters of a query that streams are worth it for */
#define FULL (STREAMS * (UINT16_MAX - TSR_TILE)) /* rows that streams can count */

/* What some queries need. */
typedef struct around {
    const tsr_hamming_ops *kernel;
    const tsr_codes *base, *query;
    const int32_t *base_labels, *query_labels;
    size_t q, nq, counters;
    _Alignas(64) uint64_t columns[TSR_TILE_WORDS * TSR_TILE];
    uint32_t sums[QUERIES * TSR_TILE]; /* by query: distances to the tile's rows */
    uint16_t streams[QUERIES * STREAMS * 2 * SHORT];
} around;

/* Distances of the queries to the n rows of the tile from row b on. */
static void measure_tile(around *a, size_t b, size_t n)
{
    uint32_t bounds[QUERIES], hits[QUERIES];
    size_t used = tsr_codes_used_words(a->base), words = used < TSR_TILE_WORDS ? used : TSR_TILE_WORDS;
    memset(bounds, 0xff, sizeof(bounds)); /* so that every query is a hit */
    tsr_tile_queries queries = { tsr_codes_row(a->query, a->q), a->query->stride, a->nq, bounds };
    tsr_tile_fill(a->base, b, n, 0, words, a->columns);
    a->kernel->near(&queries, words, a->columns, hits, a->sums);
    for (size_t w = words; w < used; w += words) {
        words = used - w < TSR_TILE_WORDS ? used - w : TSR_TILE_WORDS;
        tsr_tile_fill(a->base, b, n, w, words, a->columns);
        for (size_t i = 0; i < a->nq; i++)
            a->kernel->tile(tsr_codes_row(a->query, a->q + i) + w, words, a->columns, 0,
                            a->sums + i * TSR_TILE);
    }
}

/* Which counter each distance is counted in. */
TSR_MULTIVERSION(locate,
                 (size_t n, const uint32_t *sums, const int32_t *labels, int32_t own, uint32_t other,
                  uint32_t *restrict places),
                 (n, sums, labels, own, other, places))
{
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        places[j] = sums[j] + (labels[j] != own ? other : 0);
}

/* Raises the counters at n places, in streams that lie `width` counters apart. */
static void raise_streams(const uint32_t *places, size_t n, size_t width, uint16_t *counts)
{
    uint16_t *second = counts + width, *third = second + width, *fourth = third + width;
    size_t j = 0;
    for (; j + STREAMS <= n; j += STREAMS) {
        counts[places[j]]++;
        second[places[j + 1]]++;
        third[places[j + 2]]++;
        fourth[places[j + 3]]++;
    }
    for (; j < n; j++)
        counts[places[j]]++;
}

static void empty_streams(around *a, uint32_t *counts)
{
    size_t width = 2 * a->counters, n = a->nq * STREAMS * width;
    for (size_t k = 0; k < n; k++)
        counts[k / (STREAMS * width) * width + k % width] += a->streams[k];
    memset(a->streams, 0, n * sizeof(*a->streams));
}

/* Queries q .. q + nq - 1, at most QUERIES. */
static void count_queries(around *a, uint32_t *counts)
{
    size_t width = 2 * a->counters, counted = 0;
    bool streams = a->counters <= SHORT;
    for (size_t b = 0; b < a->base->n; b += TSR_TILE) {
        size_t n = a->base->n - b < TSR_TILE ? a->base->n - b : TSR_TILE;
        measure_tile(a, b, n);
        for (size_t i = 0; i < a->nq; i++) {
            uint32_t places[TSR_TILE];
            locate(n, a->sums + i * TSR_TILE, a->base_labels + b, a->query_labels[a->q + i],
                   (uint32_t)a->counters, places);
            if (streams)
                raise_streams(places, n, width, a->streams + i * STREAMS * width);
            for (size_t j = 0; !streams && j < n; j++)
                counts[i * width + places[j]]++;
        }
        counted += n;
        if (streams && counted >= FULL) {
            empty_streams(a, counts);
            counted = 0;
        }
    }
    if (streams)
        empty_streams(a, counts);
}

void tsr_codes_count_around_by(const tsr_hamming_ops *kernel, const tsr_codes *base,
                               const int32_t *base_labels, const tsr_codes *query,
                               const int32_t *query_labels, size_t q, size_t nq, uint32_t *counts)
{
    around a = { .kernel = kernel,
                 .base = base,
                 .query = query,
                 .base_labels = base_labels,
                 .query_labels = query_labels,
                 .counters = base->bits + 1 };
    for (size_t first = 0; first < nq; first += QUERIES) {
        a.q = q + first;
        a.nq = nq - first < QUERIES ? nq - first : QUERIES;
        count_queries(&a, counts + first * 2 * a.counters);
    }
}

void tsr_codes_count_around(const tsr_codes *base, const int32_t *base_labels, const tsr_codes *query,
                            const int32_t *query_labels, size_t q, size_t nq, uint32_t *counts)
{
    tsr_codes_count_around_by(tsr_hamming_best(), base, base_labels, query, query_labels, q, nq, counts);
}
