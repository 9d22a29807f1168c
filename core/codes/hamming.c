/* Hamming distances: a kernel per instruction set, the best one chosen when first used. Blocks go through
   tiles of base rows that are turned into columns once and then met by every query. What is written once
   for all instruction sets is inlined into a function for each. */
#include "codes/hamming.h"
#include "base/cpu.h"
#include "codes/nibbles.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FEW 8   /* queries */
#define LONG 64 /* words of a row */

#define INLINED static inline __attribute__((always_inline))

typedef bool tile_function(const uint64_t *query, size_t words, const uint64_t *columns, uint32_t bound,
                           uint32_t *sums);

/* Bits set, by sums of ever wider fields; compilers turn loops over it into vectors. */
static inline uint64_t count_bits(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x += x >> 8;
    x += x >> 16;
    x += x >> 32;
    return x & 0x7f;
}

static size_t pair_portable(const uint64_t *a, const uint64_t *b, size_t words)
{
    size_t sum = 0;
    for (size_t w = 0; w < words; w++)
        sum += count_bits(a[w] ^ b[w]);
    return sum;
}

INLINED bool any_below(const uint32_t *sums, uint32_t bound)
{
    uint32_t any = 0;
    for (size_t j = 0; j < TSR_TILE; j++)
        any |= sums[j] < bound;
    return any;
}

/* `near` by a kernel's `tile`. */
INLINED size_t near_by(tile_function *tile, const tsr_tile_queries *queries, size_t words,
                       const uint64_t *columns, uint32_t *hits, uint32_t *sums)
{
    size_t n_hits = 0;
    for (size_t i = 0; i < queries->n; i++) {
        uint32_t *mine = sums + n_hits * TSR_TILE;
        memset(mine, 0, TSR_TILE * sizeof(*mine));
        hits[n_hits] = (uint32_t)i;
        n_hits += tile(queries->words + i * queries->stride, words, columns, queries->bounds[i], mine);
    }
    return n_hits;
}

INLINED bool tile_portable(const uint64_t *query, size_t words, const uint64_t *columns, uint32_t bound,
                           uint32_t *sums)
{
    for (size_t w = 0; w < words; w++)
        for (size_t j = 0; j < TSR_TILE; j++)
            sums[j] += (uint32_t)count_bits(query[w] ^ columns[w * TSR_TILE + j]);
    return any_below(sums, bound);
}

static size_t near_portable(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                            uint32_t *hits, uint32_t *sums)
{
    return near_by(tile_portable, queries, words, columns, hits, sums);
}

#if defined(__x86_64__)
#define POPCNT __attribute__((target("popcnt")))

POPCNT static size_t pair_popcnt(const uint64_t *a, const uint64_t *b, size_t words)
{
    size_t sum = 0;
    for (size_t w = 0; w < words; w++)
        sum += (size_t)__builtin_popcountll(a[w] ^ b[w]);
    return sum;
}

POPCNT INLINED bool tile_popcnt(const uint64_t *query, size_t words, const uint64_t *columns, uint32_t bound,
                                uint32_t *sums)
{
    for (size_t w = 0; w < words; w++)
        for (size_t j = 0; j < TSR_TILE; j++)
            sums[j] += (uint32_t)__builtin_popcountll(query[w] ^ columns[w * TSR_TILE + j]);
    return any_below(sums, bound);
}

POPCNT static size_t near_popcnt(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                                 uint32_t *hits, uint32_t *sums)
{
    return near_by(tile_popcnt, queries, words, columns, hits, sums);
}

#define AVX2 __attribute__((target("avx2")))

/* Bits set of every byte: each half of it looked up in a table of 16 (Mula, Kurz, Lemire 2018). */
AVX2 INLINED __m256i count_bytes(__m256i x)
{
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2,
                                           2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    __m256i lower = _mm256_shuffle_epi8(table, _mm256_and_si256(x, low));
    __m256i upper = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), low));
    return _mm256_add_epi8(lower, upper);
}

AVX2 INLINED bool tile_avx2(const uint64_t *query, size_t words, const uint64_t *columns, uint32_t bound,
                            uint32_t *sums)
{
    for (size_t j = 0; j < TSR_TILE; j += 4) {
        __m256i bytes = _mm256_setzero_si256();
        for (size_t w = 0; w < words; w++) {
            __m256i rows = _mm256_loadu_si256((const __m256i *)(columns + w * TSR_TILE + j));
            __m256i word = _mm256_set1_epi64x((long long)query[w]);
            bytes = _mm256_add_epi8(bytes, count_bytes(_mm256_xor_si256(rows, word)));
        }
        __m256i counts = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
        counts = _mm256_permutevar8x32_epi32(counts, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
        __m128i *four = (__m128i *)(sums + j);
        _mm_storeu_si128(four, _mm_add_epi32(_mm_loadu_si128(four), _mm256_castsi256_si128(counts)));
    }
    return any_below(sums, bound);
}

#define AVX512 __attribute__((target("avx512f,avx512vpopcntdq,avx2")))
#define VECTORS (TSR_TILE / 8) /* of a tile's distances */

AVX512 static size_t pair_avx512(const uint64_t *a, const uint64_t *b, size_t words)
{
    __m512i sum = _mm512_setzero_si512();
    for (size_t w = 0; w < words; w += 8) {
        __mmask8 mask = words - w >= 8 ? 0xff : (__mmask8)((1u << (words - w)) - 1);
        __m512i x = _mm512_maskz_loadu_epi64(mask, a + w);
        __m512i y = _mm512_maskz_loadu_epi64(mask, b + w);
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(x, y)));
    }
    return (size_t)_mm512_reduce_add_epi64(sum);
}

/* Distances of the words given to the tile's rows, 8 a vector. Registers hold them: all loops unroll. */
AVX512 INLINED void count_avx512(const uint64_t *query, size_t words, const uint64_t *columns,
                                 __m512i counts[VECTORS])
{
#pragma GCC unroll 16
    for (size_t v = 0; v < VECTORS; v++)
        counts[v] = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (size_t w = 0; w < words; w++) {
        __m512i word = _mm512_set1_epi64((long long)query[w]);
#pragma GCC unroll 16
        for (size_t v = 0; v < VECTORS; v++) {
            __m512i rows = _mm512_load_si512(columns + w * TSR_TILE + v * 8);
            counts[v] = _mm512_add_epi64(counts[v], _mm512_popcnt_epi64(_mm512_xor_si512(rows, word)));
        }
    }
}

/* Whether any is below; they fit 32 bits, whose minimum is the cheaper one. */
AVX512 INLINED bool below_avx512(const __m512i counts[VECTORS], uint32_t bound)
{
    __m512i least = counts[0];
#pragma GCC unroll 16
    for (size_t v = 1; v < VECTORS; v++)
        least = _mm512_min_epu32(least, counts[v]);
    return _mm512_cmplt_epu64_mask(least, _mm512_set1_epi64(bound));
}

AVX512 static bool tile_avx512(const uint64_t *query, size_t words, const uint64_t *columns, uint32_t bound,
                               uint32_t *sums)
{
    __m512i counts[VECTORS];
    count_avx512(query, words, columns, counts);
#pragma GCC unroll 16
    for (size_t v = 0; v < VECTORS; v++) {
        __m256i *sum = (__m256i *)(sums + v * 8);
        counts[v] = _mm512_add_epi64(counts[v], _mm512_cvtepu32_epi64(_mm256_loadu_si256(sum)));
        _mm256_storeu_si256(sum, _mm512_cvtepi64_epi32(counts[v]));
    }
    return below_avx512(counts, bound);
}

AVX512 INLINED size_t near_words(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                                 uint32_t *hits, uint32_t *sums)
{
    size_t n_hits = 0;
    for (size_t i = 0; i < queries->n; i++) {
        __m512i counts[VECTORS];
        count_avx512(queries->words + i * queries->stride, words, columns, counts);
        if (!below_avx512(counts, queries->bounds[i]))
            continue;
        uint32_t *mine = sums + n_hits * TSR_TILE;
        hits[n_hits++] = (uint32_t)i;
#pragma GCC unroll 16
        for (size_t v = 0; v < VECTORS; v++)
            _mm256_storeu_si256((__m256i *)(mine + v * 8), _mm512_cvtepi64_epi32(counts[v]));
    }
    return n_hits;
}

/* Short codes have a loop of their own, which keeps the whole tile in registers. */
AVX512 static size_t near_avx512(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                                 uint32_t *hits, uint32_t *sums)
{
    switch (words) {
    case 1:
        return near_words(queries, 1, columns, hits, sums);
    case 2:
        return near_words(queries, 2, columns, hits, sums);
    case 3:
        return near_words(queries, 3, columns, hits, sums);
    case 4:
        return near_words(queries, 4, columns, hits, sums);
    default:
        return near_words(queries, words, columns, hits, sums);
    }
}
#endif

static const tsr_hamming_ops kernels[] = {
#if defined(__x86_64__)
    { "avx512-vpopcntdq", TSR_NEEDS_AVX2 | TSR_NEEDS_AVX512 | TSR_NEEDS_VPOPCNT, pair_avx512, tile_avx512,
      near_avx512 },
    { "avx512bw", TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2 | TSR_NEEDS_AVX512, pair_popcnt, tile_avx2,
      tsr_near_avx512bw },
    { "avx2", TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2, pair_popcnt, tile_avx2, tsr_near_avx2 },
    { "popcnt", TSR_NEEDS_POPCNT, pair_popcnt, tile_popcnt, near_popcnt },
#endif
    { "portable", TSR_NEEDS_NOTHING, pair_portable, tile_portable, near_portable },
};

const tsr_hamming_ops *tsr_hamming_kernels(size_t *n)
{
    *n = sizeof(kernels) / sizeof(kernels[0]);
    return kernels;
}

const tsr_hamming_ops *tsr_hamming_best(void)
{
    const tsr_hamming_ops *kernel = kernels;
    while (!tsr_cpu_uses(kernel->needs))
        kernel++;
    return kernel;
}

const char *tsr_hamming_kernel(void)
{
    return tsr_hamming_best()->name;
}

size_t tsr_hamming(const uint64_t *a, const uint64_t *b, size_t words)
{
    return tsr_hamming_best()->pair(a, b, words);
}

void tsr_tile_fill(const tsr_codes *base, size_t b, size_t n, size_t w, size_t words, uint64_t *columns)
{
    for (size_t j = 0; j < n; j++) {
        const uint64_t *row = tsr_codes_row(base, b + j) + w;
        for (size_t i = 0; i < words; i++)
            columns[i * TSR_TILE + j] = row[i];
    }
}

/* Adds to out[j] the distances to the n rows of the tile. */
static void meet(const tsr_hamming_ops *kernel, const uint64_t *query, size_t words, const uint64_t *columns,
                 size_t n, uint32_t *out)
{
    if (n == TSR_TILE) {
        kernel->tile(query, words, columns, 0, out);
        return;
    }
    uint32_t sums[TSR_TILE] = { 0 };
    kernel->tile(query, words, columns, 0, sums);
    for (size_t j = 0; j < n; j++)
        out[j] += sums[j];
}

/* A tile is worth its making where many queries meet it; few long ones meet a row while it is in the cache.
 */
static void meet_rows(const tsr_hamming_ops *kernel, const tsr_codes *query, size_t q, size_t nq,
                      const tsr_codes *base, size_t b, size_t nb, uint32_t *out)
{
    size_t used = tsr_codes_used_words(base);
    for (size_t j = 0; j < nb; j++)
        for (size_t i = 0; i < nq; i++)
            out[i * nb + j] =
                (uint32_t)kernel->pair(tsr_codes_row(query, q + i), tsr_codes_row(base, b + j), used);
}

void tsr_hamming_block_by(const tsr_hamming_ops *kernel, const tsr_codes *query, size_t q, size_t nq,
                          const tsr_codes *base, size_t b, size_t nb, uint32_t *out)
{
    _Alignas(64) uint64_t columns[TSR_TILE_WORDS * TSR_TILE] = { 0 };
    size_t used = tsr_codes_used_words(base);
    if (nq < FEW && used >= LONG) {
        meet_rows(kernel, query, q, nq, base, b, nb, out);
        return;
    }
    memset(out, 0, nq * nb * sizeof(*out));
    for (size_t j = 0; j < nb; j += TSR_TILE) {
        size_t n = nb - j < TSR_TILE ? nb - j : TSR_TILE;
        for (size_t w = 0; w < used; w += TSR_TILE_WORDS) {
            size_t words = used - w < TSR_TILE_WORDS ? used - w : TSR_TILE_WORDS;
            tsr_tile_fill(base, b + j, n, w, words, columns);
            for (size_t i = 0; i < nq; i++)
                meet(kernel, tsr_codes_row(query, q + i) + w, words, columns, n, out + i * nb + j);
        }
    }
}

void tsr_hamming_block(const tsr_codes *query, size_t q, size_t nq, const tsr_codes *base, size_t b,
                       size_t nb, uint32_t *out)
{
    tsr_hamming_block_by(tsr_hamming_best(), query, q, nq, base, b, nb, out);
}
