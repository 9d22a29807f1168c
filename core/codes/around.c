/* How many base rows lie at each distance around a query, by whether they have its label: a ranking of all
   base rows needs no more. Queries meet the base tile by tile (hamming.h), and each distance is counted as it
   comes, in the half of its query's counters that the label chooses. */
#include "codes/hamming.h"

#include <string.h>

#define QUERIES 32 /* whose distances to a tile are held together */

/* Distances of queries q .. q + nq - 1 to the n rows of the tile from row b on, in sums[i * TSR_TILE] ... */
static void measure_tile(const tsr_hamming_ops *kernel, const tsr_codes *base, size_t b, size_t n,
                         const tsr_codes *query, size_t q, size_t nq, uint32_t *sums)
{
    _Alignas(64) uint64_t columns[TSR_TILE_WORDS * TSR_TILE] = { 0 };
    size_t used = tsr_codes_used_words(base);
    memset(sums, 0, nq * TSR_TILE * sizeof(*sums));
    for (size_t w = 0; w < used; w += TSR_TILE_WORDS) {
        size_t words = used - w < TSR_TILE_WORDS ? used - w : TSR_TILE_WORDS;
        tsr_tile_fill(base, b, n, w, words, columns);
        for (size_t i = 0; i < nq; i++)
            kernel->tile(tsr_codes_row(query, q + i) + w, words, columns, 0, sums + i * TSR_TILE);
    }
}

static void count_tile(const uint32_t *sums, size_t n, const int32_t *labels, int32_t own, size_t counters,
                       uint32_t *counts)
{
    uint32_t places[TSR_TILE], other = (uint32_t)counters;
    for (size_t j = 0; j < n; j++)
        places[j] = sums[j] + (labels[j] != own ? other : 0);
    for (size_t j = 0; j < n; j++)
        counts[places[j]]++;
}

void tsr_codes_count_around_by(const tsr_hamming_ops *kernel, const tsr_codes *base,
                               const int32_t *base_labels, const tsr_codes *query,
                               const int32_t *query_labels, size_t q, size_t nq, uint32_t *counts)
{
    size_t counters = base->bits + 1;
    uint32_t sums[QUERIES * TSR_TILE];
    for (size_t first = 0; first < nq; first += QUERIES) {
        size_t some = nq - first < QUERIES ? nq - first : QUERIES;
        for (size_t b = 0; b < base->n; b += TSR_TILE) {
            size_t n = base->n - b < TSR_TILE ? base->n - b : TSR_TILE;
            measure_tile(kernel, base, b, n, query, q + first, some, sums);
            for (size_t i = 0; i < some; i++)
                count_tile(sums + i * TSR_TILE, n, base_labels + b, query_labels[q + first + i], counters,
                           counts + (first + i) * 2 * counters);
        }
    }
}

void tsr_codes_count_around(const tsr_codes *base, const int32_t *base_labels, const tsr_codes *query,
                            const int32_t *query_labels, size_t q, size_t nq, uint32_t *counts)
{
    tsr_codes_count_around_by(tsr_hamming_best(), base, base_labels, query, query_labels, q, nq, counts);
}
