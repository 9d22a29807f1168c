/* Sixteen linear functions of a code at once, one to a lane of a vector: for every four bits of a row a table
   holds the sums of all 16 values, so that four bits cost one addition of a vector, whatever is in it. The
   tables of two words of a row stay in the first-level cache while rows pass by. Lanes do not mix: what one
   gives does not depend on the others. */
#ifndef TESSERA_PROBES_LANES_H
#define TESSERA_PROBES_LANES_H

#include <tessera/codes.h>

#define LANES 16
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lane_bits __attribute__((vector_size(LANES * sizeof(int32_t))));

/* n rows of bits: those numbered index[0] ... index[n - 1], or with index NULL the first. Words follow one
   another as in tsr_codes; rows need not start on cache lines. */
typedef struct lane_rows {
    const uint64_t *words;
    size_t stride, bits, n;
    const uint32_t *index;
} lane_rows;

static inline const uint64_t *lane_row(const lane_rows *rows, size_t i)
{
    return rows->words + rows->stride * (rows->index ? rows->index[i] : i);
}

/* dots[i] += the sum of weights[j] over the bits j of row i. Any thread. */
void lanes_dot(const lane_rows *rows, const lanes *weights, lanes *dots);

/* sums[j] = the sum of values[i] over the rows i that have bit j. Any thread. */
void lanes_sum(const lane_rows *rows, const lanes *values, lanes *sums);

/* a x b zeroed vectors; NULL where there is no memory. free() it. */
lanes *lanes_new(size_t a, size_t b);

#endif
