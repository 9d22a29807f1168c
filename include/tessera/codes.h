/* Neural codes: bit-packed rows, one per example, one bit per activation unit (PROTOCOL of the paper
   "Neural networks behave as hash encoders", arXiv 2101.05490), and the exact arithmetic on them. */
#ifndef TESSERA_CODES_H
#define TESSERA_CODES_H

#include <tessera/status.h>

TSR_BEGIN_DECLS

/* A layer's columns: first .. first + bits - 1. */
typedef struct tsr_code_layer {
    const char *name; /* of the activation's node */
    size_t first, bits;
} tsr_code_layer;

/* Row i is words[i * stride] ...; bit j of a row is bit j % 64 of its word j / 64. Rows are 64-byte aligned
   (stride is a multiple of 8) and every bit from `bits` to the end of the row is 0. */
typedef struct tsr_codes {
    size_t n, bits, stride;
    uint64_t *words;
    size_t n_layers;
    tsr_code_layer *layers; /* in order, without gaps; may be NULL with n_layers 0 */
} tsr_codes;

/* Words of a row that hold bits. */
static inline size_t tsr_codes_used_words(const tsr_codes *codes)
{
    return (codes->bits + 63) / 64;
}

static inline const uint64_t *tsr_codes_row(const tsr_codes *codes, size_t i)
{
    return codes->words + i * codes->stride;
}

/* n rows of zeros, no layers. Sizes are checked; the caller frees. Any thread. */
TSR_MUST_CHECK tsr_status *tsr_codes_new(size_t n, size_t bits, tsr_codes **out);
void tsr_codes_free(tsr_codes *codes);

/* A copy of columns first .. first + bits - 1. */
TSR_MUST_CHECK tsr_status *tsr_codes_slice(const tsr_codes *codes, size_t first, size_t bits,
                                           tsr_codes **out);

/* Rows first .. first + n - 1 as floats 0 and 1: n x bits, row-major. Any thread. */
void tsr_codes_expand(const tsr_codes *codes, size_t first, size_t n, float *out);

/* Hamming distance of two rows of `words` words. Any thread. */
size_t tsr_hamming(const uint64_t *a, const uint64_t *b, size_t words);

/* Distances of query rows q .. q + nq - 1 to base rows b .. b + nb - 1: out[i * nb + j]. Both codes have
   the same bits, fewer than 2^32. Any thread. */
void tsr_hamming_block(const tsr_codes *query, size_t q, size_t nq, const tsr_codes *base, size_t b,
                       size_t nb, uint32_t *out);

/* The k nearest base rows of every query row, by distance, then by index: n x k of each. k is at most
   base->n. Uses tsr_threads() threads; the result does not depend on how many. */
TSR_MUST_CHECK tsr_status *tsr_nearest(const tsr_codes *base, const tsr_codes *query, size_t k,
                                       uint32_t *index, uint32_t *distance);

/* The number of distinct rows; with `group` (n values), the number of each row's group, counted from 0 in
   the order of first appearance. Rows are compared exactly. */
TSR_MUST_CHECK tsr_status *tsr_distinct(const tsr_codes *codes, size_t *count, uint32_t *group);

/* The name of the Hamming kernel that this processor runs ("avx512-vpopcntdq", "popcnt", "portable"...). */
const char *tsr_hamming_kernel(void);

TSR_END_DECLS
#endif
