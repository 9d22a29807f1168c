/* The Hamming kernels, one row each, so that every one can be tested on a processor that has it. A kernel
   works on one query against a tile of base rows laid out by column: word w of base row j is
   columns[w * TSR_TILE + j]. So one vector holds a word of many rows and no sum across a vector is needed. */
#ifndef TSR_CODES_HAMMING_H
#define TSR_CODES_HAMMING_H

#include <tessera/codes.h>

#define TSR_TILE 128      /* base rows of a tile */
#define TSR_TILE_WORDS 12 /* words of a row that a tile holds: 12 KB in all; counts of bits fit a byte */

/* Queries that meet a tile: word w of query i is words[i * stride + w]. */
typedef struct tsr_tile_queries {
    const uint64_t *words;
    size_t stride, n;
    const uint32_t *bounds; /* a distance that is of interest is below this */
} tsr_tile_queries;

typedef struct tsr_hamming_ops {
    const char *name;
    unsigned needs; /* of the processor, see base/cpu.h */
    size_t (*pair)(const uint64_t *a, const uint64_t *b, size_t words);
    /* Adds the distances of `words` (at most TSR_TILE_WORDS) query words to the tile's rows to `sums`.
       Returns whether any sum is below `bound`. */
    bool (*tile)(const uint64_t *query, size_t words, const uint64_t *columns, uint32_t bound,
                 uint32_t *sums);
    /* Finds the queries that have a row of the tile below their bound: hits[h] is the h-th of them, and its
       distances to the tile's rows are sums[h * TSR_TILE] ... Returns how many. */
    size_t (*near)(const tsr_tile_queries *queries, size_t words, const uint64_t *columns, uint32_t *hits,
                   uint32_t *sums);
} tsr_hamming_ops;

/* All kernels built into this library, the fastest first; the last is portable. */
const tsr_hamming_ops *tsr_hamming_kernels(size_t *n);

/* The one in use: the first that this processor supports. */
const tsr_hamming_ops *tsr_hamming_best(void);

/* Turns words w .. w + words - 1 of base rows b .. b + n - 1 into columns; rows beyond n stay as they are. */
void tsr_tile_fill(const tsr_codes *base, size_t b, size_t n, size_t w, size_t words, uint64_t *columns);

/* tsr_hamming_block by a given kernel, which must be supported here. */
void tsr_hamming_block_by(const tsr_hamming_ops *kernel, const tsr_codes *query, size_t q, size_t nq,
                          const tsr_codes *base, size_t b, size_t nb, uint32_t *out);

/* tsr_codes_count_around by a given kernel, which must be supported here. */
void tsr_codes_count_around_by(const tsr_hamming_ops *kernel, const tsr_codes *base,
                               const int32_t *base_labels, const tsr_codes *query,
                               const int32_t *query_labels, size_t q, size_t nq, uint32_t *counts);

/* tsr_nearest by a given kernel, which must be supported here. */
TSR_MUST_CHECK tsr_status *tsr_nearest_by(const tsr_hamming_ops *kernel, const tsr_codes *base,
                                          const tsr_codes *query, size_t k, uint32_t *index,
                                          uint32_t *distance);

#endif
