/* Distances to a tile by table lookups, for processors that count no bits of vectors: half bytes of a tile's
   rows beside each other, looked up in the table of their distances to the query's half byte, 32 or 64 at a time. */
#ifndef TSR_CODES_NIBBLES_H
#define TSR_CODES_NIBBLES_H

#include "codes/hamming.h"

#if defined(__x86_64__)
/* As tsr_hamming_ops.near; for processors with AVX2, and with AVX-512 F and BW. */
size_t tsr_near_avx2(const tsr_tile_queries *queries, size_t words, const uint64_t *columns, uint32_t *hits,
                     uint32_t *sums);
size_t tsr_near_avx512bw(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                         uint32_t *hits, uint32_t *sums);
#endif

#endif
