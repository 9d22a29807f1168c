/* The k nearest rows: a block of queries at a time meets the base tile by tile (hamming.h); each query keeps
   its k best in a heap whose top is the bound that a newcomer must beat. Most tiles hold no row below a
   query's bound: the kernel sees that before anything is stored, and a query of long codes leaves a tile as
   soon as the words met so far put every row beyond the bound. A neighbour is one number, distance above
   index, so their order is that of the numbers. */
#include "base/memory.h"
#include "codes/hamming.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define QUERIES 256 /* of a block at most: a tile turned into columns is worth it */
#define FEW 64      /* of a block, where there are no more for each thread */

/* What a block of queries needs; a thread has one. */
typedef struct search {
    const tsr_hamming_ops *kernel;
    const tsr_codes *base, *query;
    size_t q, nq, k;
    uint32_t bounds[QUERIES];
    uint32_t hits[QUERIES]; /* queries that still have a row of the tile below their bound, ascending */
    _Alignas(64) uint64_t columns[TSR_TILE_WORDS * TSR_TILE];
    uint32_t sums[QUERIES * TSR_TILE]; /* by hit: distances to the tile's rows */
    uint64_t *heaps;                   /* QUERIES x k */
} search;

static uint64_t neighbour(uint32_t distance, size_t index)
{
    return (uint64_t)distance << 32 | index;
}

/* Puts `item` in the place of the top of a heap of n, the largest on top. */
static void replace_top(uint64_t *heap, size_t n, uint64_t item)
{
    size_t at = 0;
    for (size_t child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= item)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

/* Smallest first. */
static void sort_heap(uint64_t *heap, size_t n)
{
    for (size_t left = n; left > 1; left--) {
        uint64_t top = heap[0];
        uint64_t last = heap[left - 1];
        replace_top(heap, left - 1, last);
        heap[left - 1] = top;
    }
}

/* Base rows come in ascending order, so one at the bound's distance never displaces what is there. */
static void take(search *at, size_t i, const uint32_t *distances, size_t first, size_t n)
{
    uint64_t *heap = at->heaps + i * at->k;
    for (size_t j = 0; j < n; j++) {
        if (distances[j] < at->bounds[i]) {
            replace_top(heap, at->k, neighbour(distances[j], first + j));
            at->bounds[i] = (uint32_t)(heap[0] >> 32);
        }
    }
}

/* Queries that keep a row below their bound after `words` more words from w on; their sums move together. */
static size_t thin_out(search *at, size_t n_hits, size_t w, size_t words)
{
    size_t kept = 0;
    for (size_t h = 0; h < n_hits; h++) {
        uint32_t i = at->hits[h], *sums = at->sums + h * TSR_TILE;
        const uint64_t *query = tsr_codes_row(at->query, at->q + i) + w;
        if (!at->kernel->tile(query, words, at->columns, at->bounds[i], sums))
            continue;
        if (kept < h)
            memcpy(at->sums + kept * TSR_TILE, sums, TSR_TILE * sizeof(*sums));
        at->hits[kept++] = i;
    }
    return kept;
}

static void meet_tile(search *at, size_t b, size_t n)
{
    size_t used = tsr_codes_used_words(at->base), words = used < TSR_TILE_WORDS ? used : TSR_TILE_WORDS;
    tsr_tile_queries queries = { tsr_codes_row(at->query, at->q), at->query->stride, at->nq, at->bounds };
    tsr_tile_fill(at->base, b, n, 0, words, at->columns);
    size_t n_hits = at->kernel->near(&queries, words, at->columns, at->hits, at->sums);
    for (size_t w = words; w < used && n_hits; w += words) {
        words = used - w < TSR_TILE_WORDS ? used - w : TSR_TILE_WORDS;
        tsr_tile_fill(at->base, b, n, w, words, at->columns);
        n_hits = thin_out(at, n_hits, w, words);
    }
    for (size_t h = 0; h < n_hits; h++)
        take(at, at->hits[h], at->sums + h * TSR_TILE, b, n);
}

/* Queries q .. q + nq - 1: their neighbours in `heaps`, sorted. */
static void search_block(search *at, size_t q, size_t nq)
{
    at->q = q;
    at->nq = nq;
    for (size_t i = 0; i < nq * at->k; i++)
        at->heaps[i] = UINT64_MAX;
    for (size_t i = 0; i < nq; i++)
        at->bounds[i] = UINT32_MAX;
    for (size_t b = 0; b < at->base->n; b += TSR_TILE)
        meet_tile(at, b, at->base->n - b < TSR_TILE ? at->base->n - b : TSR_TILE);
    for (size_t i = 0; i < nq; i++)
        sort_heap(at->heaps + i * at->k, at->k);
}

static tsr_status *check(const tsr_codes *base, const tsr_codes *query, size_t k)
{
    if (base->bits != query->bits)
        return tsr_fail(TSR_FAILED, "codes of %zu bits cannot be compared with codes of %zu", base->bits,
                        query->bits);
    if (k < 1 || k > base->n)
        return tsr_fail(TSR_FAILED, "%zu nearest of %zu codes", k, base->n);
    if (base->n > UINT32_MAX || base->bits >= UINT32_MAX)
        return tsr_fail(TSR_FAILED, "%zu codes of %zu bits: fewer than 2^32 of both expected", base->n,
                        base->bits);
    return NULL;
}

/* Queries of a block: each thread is to have some blocks, none of them small. */
static size_t block_of(size_t queries, size_t threads)
{
    size_t share = queries / (4 * threads);
    return share > QUERIES ? QUERIES : share < FEW ? FEW : share;
}

tsr_status *tsr_nearest_by(const tsr_hamming_ops *kernel, const tsr_codes *base, const tsr_codes *query,
                           size_t k, uint32_t *index, uint32_t *distance)
{
    TSR_TRY(check(base, query, k));
    size_t threads = (size_t)tsr_threads(), heap_size, heaps_size;
    if (!tsr_checked_multiply(k, QUERIES, &heap_size) ||
        !tsr_checked_multiply(heap_size, threads, &heaps_size))
        return tsr_no_memory("nearest neighbours");
    search *searches = tsr_alloc(threads, sizeof(*searches));
    uint64_t *heaps = tsr_alloc(heaps_size, sizeof(*heaps));
    tsr_status *status = searches && heaps ? NULL : tsr_no_memory("nearest neighbours");
    if (status)
        goto out;
    for (size_t t = 0; t < threads; t++) {
        searches[t].kernel = kernel;
        searches[t].base = base;
        searches[t].query = query;
        searches[t].k = k;
        searches[t].heaps = heaps + t * heap_size;
    }
    size_t block = block_of(query->n, threads);
    size_t work = base->n * (tsr_codes_used_words(base) + 1); /* per query */
#pragma omp parallel for num_threads((int)threads)                                                           \
    schedule(dynamic) if (tsr_worth_sharing(query->n * work / 4))
    for (size_t q = 0; q < query->n; q += block) {
        size_t nq = query->n - q < block ? query->n - q : block;
        search *mine = &searches[omp_get_thread_num()];
        search_block(mine, q, nq);
        for (size_t i = 0; i < nq * k; i++) {
            index[q * k + i] = (uint32_t)mine->heaps[i];
            distance[q * k + i] = (uint32_t)(mine->heaps[i] >> 32);
        }
    }
out:
    free(searches);
    free(heaps);
    return status;
}

tsr_status *tsr_nearest(const tsr_codes *base, const tsr_codes *query, size_t k, uint32_t *index,
                        uint32_t *distance)
{
    return tsr_nearest_by(tsr_hamming_best(), base, query, k, index, distance);
}
