/* Neural codes: bit-packed rows, one per example, one bit per activation unit ("Neural networks
   behave as hash encoders", arXiv 2101.05490), and the exact arithmetic on them. */
#ifndef TESSERA_CODES_H
#define TESSERA_CODES_H

#include <tessera/npy.h>
#include <tessera/rng.h>
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

/* Words of a row that hold bits. [any-thread] */
static inline size_t tsr_codes_used_words(const tsr_codes *codes)
{
    return (codes->bits + 63) / 64;
}

/* The words of row i. [any-thread] */
static inline const uint64_t *tsr_codes_row(const tsr_codes *codes, size_t i)
{
    return codes->words + i * codes->stride;
}

/* n rows of zeros, no layers. Sizes are checked; the caller frees. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_new(size_t n, size_t bits, tsr_codes **out);
/* NULL is allowed. [one-thread] */
TSR_API void tsr_codes_free(tsr_codes *codes);

/* How an array of two dimensions holds codes, a row for each example. Fixed in size. */
typedef struct tsr_codes_form {
    bool packed;        /* elements are bytes (uint8) of 8 bits; else an element is one bit */
    bool highest_first; /* of packed: a byte's first bit is its highest, as numpy.packbits has it by default;
                          else its lowest, as Tessera saves codes */
    size_t
        bits; /* of packed: the bits of a row, behind which the last byte holds zeros; 0: all of its bytes */
    bool has_threshold; /* of others: a bit is whether the element is larger than */
    double threshold;   /* this; without one elements are 0 or 1 */
} tsr_codes_form;

/* Codes of an array's rows, without layers. What does not fit its form is refused with row and column. The
   caller frees; the array is left alone. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_from_array(const tsr_array *array, const tsr_codes_form *form,
                                                        tsr_codes **out);

/* A copy of columns first .. first + bits - 1, with the layers that have some of these, cut to them. The
   caller frees. Fails without memory, and where there are no such columns. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_slice(const tsr_codes *codes, size_t first, size_t bits,
                                                   tsr_codes **out);

/* A copy of the rows in `mask`, in their order: row i is chosen where bit i % 64 of mask[i / 64] is 1. Layers
   stay. The caller frees. Fails without memory. [any-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_take_rows(const tsr_codes *codes, const uint64_t *mask,
                                                       tsr_codes **out);

/* A mask of columns has the form of a row: column j is chosen where bit j % 64 of mask[j / 64] is 1. It has
   tsr_codes_used_words() words, and no bit from `bits` on is set. */

/* Chooses n (at most `bits`) of `bits` columns at random, each set of n alike: sets their bits in `mask`,
   which the caller gives zeroed. The same generator chooses the same columns; it moves on. Fails without
   memory. [one-thread] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_draw_columns(tsr_rng *rng, size_t bits, size_t n, uint64_t *mask);

/* Sets to 0 what is not in `mask`. [one-thread] */
TSR_API void tsr_codes_keep_columns(tsr_codes *codes, const uint64_t *mask);

/* A copy of the columns in `mask`, in their order. Layers stay, with the bits that are left of them; one may
   be left without any. The caller frees. Fails without memory. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_columns(const tsr_codes *codes, const uint64_t *mask,
                                                     tsr_codes **out);

/* The columns of a, and with b, which has as many bits and may be NULL, of the rows of a and then of b: row j
   of `out` is column j, bit i of it row i's. Without layers; the caller frees. Hamming distances and distinct
   rows of it are those of columns. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_transpose(const tsr_codes *a, const tsr_codes *b,
                                                       tsr_codes **out);

/* Rows first .. first + n - 1 as floats 0 and 1: n x bits, row-major. [any-thread] */
TSR_API void tsr_codes_expand(const tsr_codes *codes, size_t first, size_t n, float *out);

/* Hamming distance of two rows of `words` words. [any-thread] */
TSR_API size_t tsr_hamming(const uint64_t *a, const uint64_t *b, size_t words);

/* Distances of query rows q .. q + nq - 1 to base rows b .. b + nb - 1: out[i * nb + j]. Both codes have
   the same bits, fewer than 2^32. [any-thread] */
TSR_API void tsr_hamming_block(const tsr_codes *query, size_t q, size_t nq, const tsr_codes *base, size_t b,
                               size_t nb, uint32_t *out);

/* The k nearest base rows of every query row, by distance, then by index: n x k of each. k is at most
   base->n. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_nearest(const tsr_codes *base, const tsr_codes *query, size_t k,
                                               uint32_t *index, uint32_t *distance);

/* ones[j] += the rows that have bit j, for `bits` columns rounded up to whole words of 64. [shares-work] */
TSR_API void tsr_codes_count_ones(const tsr_codes *codes, uint64_t *ones);

/* counts[d] += the pairs of two rows at Hamming distance d, for d from 0 to `bits`. With labels, n values, a
   pair of rows with the same one is counted in `within`, another in `across`; without, all are in `within`.
   Both have bits + 1 values; `across` may be NULL without labels. Takes n (n - 1) / 2 distances.
   [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_codes_count_distances(const tsr_codes *codes, const int32_t *labels,
                                                             uint64_t *within, uint64_t *across);

/* How the base rows lie around query rows q .. q + nq - 1: of counts, nq x 2 x (bits + 1), element [i][0][d]
   grows by the base rows at Hamming distance d from row q + i that have its label, [i][1][d] by those that
   have another. Both codes have the same bits, fewer than 2^31. [any-thread] */
TSR_API void tsr_codes_count_around(const tsr_codes *base, const int32_t *base_labels, const tsr_codes *query,
                                    const int32_t *query_labels, size_t q, size_t nq, uint32_t *counts);

/* The number of distinct rows; with `group` (n values), the number of each row's group, counted from 0 in
   the order of first appearance. Rows are compared exactly. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_distinct(const tsr_codes *codes, size_t *count, uint32_t *group);

/* The same of the rows of a and then of b, which have as many bits; `group` has a->n + b->n values and may be
   NULL. Groups that a has come first. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_distinct_of_both(const tsr_codes *a, const tsr_codes *b, size_t *count,
                                                        uint32_t *group);

/* Codes with equal rows merged, so that what is fitted to few distinct codes need not pass every example. */
typedef struct tsr_distinct_rows {
    const tsr_codes *codes; /* each distinct row once, in the order of first appearance; without layers where
                               it is a copy */
    uint32_t *group;        /* n values, by row of the codes given: its row in `codes` */
    uint32_t *weight;       /* by row of `codes`: how many of the codes given equal it */
    tsr_codes *copy;        /* what `codes` is, unless it is the codes given: all are distinct */
} tsr_distinct_rows;

/* What most callers pass as `copy_limit`. */
#define TSR_DISTINCT_COPY (256UL << 20)

/* Merges equal rows. Where most rows are distinct and a copy of those would take more than copy_limit bytes
   none is made: then `codes` are the codes given, every row has weight 1, and equal rows stay apart. The
   codes must outlive the result. Fails as tsr_distinct, and without memory; the result is then empty. Clear
   it with tsr_distinct_rows_clear, which takes an empty one too. [shares-work] */
TSR_API TSR_MUST_CHECK tsr_status *tsr_distinct_rows_new(const tsr_codes *codes, size_t copy_limit,
                                                         tsr_distinct_rows *out);
/* Frees what it holds, not the structure. [one-thread] */
TSR_API void tsr_distinct_rows_clear(tsr_distinct_rows *rows);

/* Sixteen floats, one of each of sixteen independent problems: 64-byte aligned, element [l] is lane l. Pass
   it by pointer; how it is passed by value depends on the compiler's options. */
#define TSR_LANES 16
typedef float tsr_lanes __attribute__((vector_size(TSR_LANES * sizeof(float))));
typedef int32_t tsr_lane_ints __attribute__((vector_size(TSR_LANES * sizeof(int32_t))));

/* n rows of bits, which follow one another as in tsr_codes: row i is words[stride * r] ... where r is
   index[i], or i with index NULL. Rows need not start on cache lines; bits from `bits` to the end of their
   word are 0. Nothing is owned. To take columns from 64 w on, add w to words and subtract 64 w from bits. */
typedef struct tsr_code_rows {
    const uint64_t *words;
    size_t stride, bits, n;
    const uint32_t *index;
} tsr_code_rows;

/* The words of row i. [any-thread] */
static inline const uint64_t *tsr_code_rows_get(const tsr_code_rows *rows, size_t i)
{
    return rows->words + rows->stride * (rows->index ? rows->index[i] : i);
}

/* dots[i] += the sum of weights[j] over the bits j of row i, for n rows and `bits` weights, lane by lane: 16
   linear functions of every row in one pass. Lanes do not mix, and the order of additions depends on `bits`
   alone, so what a lane gives depends neither on the others nor on which rows are passed together. Exact
   where all partial sums are. [any-thread] */
TSR_API void tsr_codes_dot(const tsr_code_rows *rows, const tsr_lanes *weights, tsr_lanes *dots);

/* sums[j] = the sum of values[i] over the rows i that have bit j, for `bits` columns, lane by lane; the order
   of additions depends on the rows alone. Exact where all partial sums are. [any-thread] */
TSR_API void tsr_codes_sum_columns(const tsr_code_rows *rows, const tsr_lanes *values, tsr_lanes *sums);

/* a x b vectors of zeros, 64-byte aligned, at least one; NULL where there is no memory or the product is too
   large. free() it. [any-thread] */
TSR_API tsr_lanes *tsr_lanes_new(size_t a, size_t b);

/* The name of the Hamming kernel that this processor runs ("avx512-vpopcntdq", "popcnt", "portable"...).
   [any-thread] */
TSR_API const char *tsr_hamming_kernel(void);

TSR_END_DECLS
#endif
