/* The lookups. A half byte of a row and one of a query are at a distance of 0 to 4: the query's half byte
   chooses one of 16 tables, in which a byte shuffle looks up the rows' (as the fast scan of product
   quantisers does: Andre, Kermarrec, Le Scouarnec, 2017). Three words have at most 192 bits that differ,
   which a byte counts; longer codes go on in 16 bits. */
#include "codes/nibbles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define INLINED static inline __attribute__((always_inline))
#define HALVES 16 /* half bytes of a word */
#define HIGH UINT64_C(0xf0f0f0f0f0f0f0f0)
#define V256 (TSR_TILE / 32) /* vectors of a tile's bytes */
#define V512 (TSR_TILE / 64)
#define GROUP 3 /* words that bytes can count */

/* Row q: the distances of q to 0 .. 15. */
#define D(a, b) __builtin_popcount((a) ^ (b))
#define ROW(q)                                                                                               \
    {                                                                                                        \
        D(q, 0), D(q, 1), D(q, 2), D(q, 3), D(q, 4), D(q, 5), D(q, 6), D(q, 7), D(q, 8), D(q, 9), D(q, 10),  \
            D(q, 11), D(q, 12), D(q, 13), D(q, 14), D(q, 15)                                                 \
    }
_Alignas(64) static const uint8_t tables[16][16] = { ROW(0),  ROW(1),  ROW(2),  ROW(3), ROW(4),  ROW(5),
                                                     ROW(6),  ROW(7),  ROW(8),  ROW(9), ROW(10), ROW(11),
                                                     ROW(12), ROW(13), ROW(14), ROW(15) };

/* Half byte h of word w of row j: halves[(w * HALVES + h) * TSR_TILE + j]. */
INLINED void split(const uint64_t *columns, size_t words, uint8_t *halves)
{
    for (size_t w = 0; w < words; w++)
        for (size_t h = 0; h < HALVES; h++) {
            uint8_t *out = halves + (w * HALVES + h) * TSR_TILE;
            for (size_t j = 0; j < TSR_TILE; j++)
                out[j] = columns[w * TSR_TILE + j] >> 4 * h & 15;
        }
}

/* The table of a half byte that stands in the upper half of the lowest byte of `x`: tables are 16 bytes long.
 */
INLINED const __m128i *table_at(uint64_t x)
{
    return (const __m128i *)((const uint8_t *)tables + (uint8_t)x);
}

/* Whether a row of the tile is below the bound; then its distances to all rows, in `sums`. */
typedef bool distances_function(const uint64_t *query, size_t words, const uint8_t *halves, uint32_t bound,
                                uint32_t *sums);

INLINED size_t find_near(distances_function *distances, const tsr_tile_queries *queries, size_t words,
                         const uint8_t *halves, uint32_t *hits, uint32_t *sums)
{
    size_t n_hits = 0;
    for (size_t i = 0; i < queries->n; i++) {
        hits[n_hits] = (uint32_t)i;
        n_hits += distances(queries->words + i * queries->stride, words, halves, queries->bounds[i],
                            sums + n_hits * TSR_TILE);
    }
    return n_hits;
}

/* Short codes have loops of their own, which unroll. */
INLINED size_t find_near_by_length(distances_function *of_short, distances_function *of_long,
                                   const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                                   uint32_t *hits, uint32_t *sums)
{
    _Alignas(64) uint8_t halves[TSR_TILE_WORDS * HALVES * TSR_TILE];
    split(columns, words, halves);
    switch (words) {
    case 1:
        return find_near(of_short, queries, 1, halves, hits, sums);
    case 2:
        return find_near(of_short, queries, 2, halves, hits, sums);
    case 3:
        return find_near(of_short, queries, 3, halves, hits, sums);
    default:
        return find_near(of_long, queries, words, halves, hits, sums);
    }
}

/* A tile's counts, from vectors of them. */
INLINED void widen_bytes(const void *vectors, uint32_t *sums)
{
    uint8_t counts[TSR_TILE];
    memcpy(counts, vectors, sizeof(counts));
    for (size_t j = 0; j < TSR_TILE; j++)
        sums[j] = counts[j];
}

INLINED void widen_shorts(const void *vectors, uint32_t *sums)
{
    uint16_t counts[TSR_TILE];
    memcpy(counts, vectors, sizeof(counts));
    for (size_t j = 0; j < TSR_TILE; j++)
        sums[j] = counts[j];
}

/* --- AVX2: a tile's bytes in four vectors, its 16-bit counts in eight --- */

#define AVX2 __attribute__((target("avx2")))

AVX2 INLINED void count_group_avx2(const uint64_t *query, size_t words, const uint8_t *halves,
                                   __m256i bytes[V256])
{
    for (size_t v = 0; v < V256; v++)
        bytes[v] = _mm256_setzero_si256();
    for (size_t w = 0; w < words; w++) {
        uint64_t low = query[w] << 4 & HIGH, high = query[w] & HIGH;
        const __m256i *rows = (const __m256i *)(halves + w * HALVES * TSR_TILE);
#pragma GCC unroll 8
        for (size_t b = 0; b < 8; b++, rows += 2 * V256) {
            __m256i first = _mm256_broadcastsi128_si256(*table_at(low >> 8 * b));
            __m256i second = _mm256_broadcastsi128_si256(*table_at(high >> 8 * b));
            for (size_t v = 0; v < V256; v++) {
                bytes[v] = _mm256_add_epi8(bytes[v], _mm256_shuffle_epi8(first, rows[v]));
                bytes[v] = _mm256_add_epi8(bytes[v], _mm256_shuffle_epi8(second, rows[V256 + v]));
            }
        }
    }
}

/* Whether any of 32 bytes, as a distance, is below the bound. */
AVX2 INLINED bool bytes_below_avx2(__m256i bytes, uint32_t bound)
{
    if (bound > UINT8_MAX)
        return true;
    __m256i at_least = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, _mm256_set1_epi8((char)bound)), bytes);
    return _mm256_movemask_epi8(at_least) != -1;
}

AVX2 INLINED __m256i least_bytes_avx2(const __m256i bytes[V256])
{
    return _mm256_min_epu8(_mm256_min_epu8(bytes[0], bytes[1]), _mm256_min_epu8(bytes[2], bytes[3]));
}

AVX2 INLINED bool short_avx2(const uint64_t *query, size_t words, const uint8_t *halves, uint32_t bound,
                             uint32_t *sums)
{
    __m256i bytes[V256];
    count_group_avx2(query, words, halves, bytes);
    if (!bytes_below_avx2(least_bytes_avx2(bytes), bound))
        return false;
    widen_bytes(bytes, sums);
    return true;
}

AVX2 INLINED bool counts_below_avx2(const __m256i counts[2 * V256], uint32_t bound)
{
    if (bound > UINT16_MAX)
        return true;
    __m256i least = counts[0];
    for (size_t v = 1; v < 2 * V256; v++)
        least = _mm256_min_epu16(least, counts[v]);
    __m256i at_least = _mm256_cmpeq_epi16(_mm256_max_epu16(least, _mm256_set1_epi16((short)bound)), least);
    return _mm256_movemask_epi8(at_least) != -1;
}

/* Whether a row is below the bound is asked after each group. */
AVX2 INLINED bool long_avx2(const uint64_t *query, size_t words, const uint8_t *halves, uint32_t bound,
                            uint32_t *sums)
{
    __m256i counts[2 * V256];
    for (size_t v = 0; v < 2 * V256; v++)
        counts[v] = _mm256_setzero_si256();
    for (size_t w = 0; w < words; w += GROUP) {
        __m256i bytes[V256];
        count_group_avx2(query + w, words - w < GROUP ? words - w : GROUP, halves + w * HALVES * TSR_TILE,
                         bytes);
        for (size_t v = 0; v < V256; v++) {
            __m256i low = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(bytes[v]));
            __m256i high = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(bytes[v], 1));
            counts[2 * v] = _mm256_add_epi16(counts[2 * v], low);
            counts[2 * v + 1] = _mm256_add_epi16(counts[2 * v + 1], high);
        }
        if (!counts_below_avx2(counts, bound))
            return false;
    }
    widen_shorts(counts, sums);
    return true;
}

AVX2 size_t tsr_near_avx2(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                          uint32_t *hits, uint32_t *sums)
{
    return find_near_by_length(short_avx2, long_avx2, queries, words, columns, hits, sums);
}

/* --- AVX-512: the same with a tile's bytes in two vectors --- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx2")))

AVX512 INLINED void count_group_avx512(const uint64_t *query, size_t words, const uint8_t *halves,
                                       __m512i bytes[V512])
{
    __m512i odd[V512];
    for (size_t v = 0; v < V512; v++)
        bytes[v] = odd[v] = _mm512_setzero_si512();
    for (size_t w = 0; w < words; w++) {
        uint64_t low = query[w] << 4 & HIGH, high = query[w] & HIGH;
        const __m512i *rows = (const __m512i *)(halves + w * HALVES * TSR_TILE);
#pragma GCC unroll 8
        for (size_t b = 0; b < 8; b++, rows += 2 * V512) {
            __m512i first = _mm512_broadcast_i32x4(*table_at(low >> 8 * b));
            __m512i second = _mm512_broadcast_i32x4(*table_at(high >> 8 * b));
            for (size_t v = 0; v < V512; v++) {
                bytes[v] = _mm512_add_epi8(bytes[v], _mm512_shuffle_epi8(first, rows[v]));
                odd[v] = _mm512_add_epi8(odd[v], _mm512_shuffle_epi8(second, rows[V512 + v]));
            }
        }
    }
    for (size_t v = 0; v < V512; v++)
        bytes[v] = _mm512_add_epi8(bytes[v], odd[v]);
}

AVX512 INLINED bool short_avx512(const uint64_t *query, size_t words, const uint8_t *halves, uint32_t bound,
                                 uint32_t *sums)
{
    __m512i bytes[V512];
    count_group_avx512(query, words, halves, bytes);
    __m512i least = _mm512_min_epu8(bytes[0], bytes[1]);
    if (bound <= UINT8_MAX && !_mm512_cmplt_epu8_mask(least, _mm512_set1_epi8((char)bound)))
        return false;
    widen_bytes(bytes, sums);
    return true;
}

AVX512 INLINED bool long_avx512(const uint64_t *query, size_t words, const uint8_t *halves, uint32_t bound,
                                uint32_t *sums)
{
    __m512i counts[2 * V512];
    for (size_t v = 0; v < 2 * V512; v++)
        counts[v] = _mm512_setzero_si512();
    for (size_t w = 0; w < words; w += GROUP) {
        __m512i bytes[V512];
        count_group_avx512(query + w, words - w < GROUP ? words - w : GROUP, halves + w * HALVES * TSR_TILE,
                           bytes);
        for (size_t v = 0; v < V512; v++) {
            __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes[v]));
            __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bytes[v], 1));
            counts[2 * v] = _mm512_add_epi16(counts[2 * v], low);
            counts[2 * v + 1] = _mm512_add_epi16(counts[2 * v + 1], high);
        }
        __m512i least =
            _mm512_min_epu16(_mm512_min_epu16(counts[0], counts[1]), _mm512_min_epu16(counts[2], counts[3]));
        if (bound <= UINT16_MAX && !_mm512_cmplt_epu16_mask(least, _mm512_set1_epi16((short)bound)))
            return false;
    }
    widen_shorts(counts, sums);
    return true;
}

AVX512 size_t tsr_near_avx512bw(const tsr_tile_queries *queries, size_t words, const uint64_t *columns,
                                uint32_t *hits, uint32_t *sums)
{
    return find_near_by_length(short_avx512, long_avx512, queries, words, columns, hits, sums);
}
#endif
