/* The k nearest rows: a block of queries at a time meets the base in pieces that stay in the cache; each
   query keeps its k best in a heap whose top is the bound that a newcomer must beat. A neighbour is one
   number, distance above index, so their order is that of the numbers. */
#include "base/memory.h"

#include <tessera/codes.h>

#include <omp.h>
#include <stdlib.h>

#define QUERIES 32     /* of a block */
#define ROWS 512       /* of the base met at once: 64 KB of distances */
#define MANY (1 << 18) /* distances by words that are worth sharing among threads */
#define SCAN 16        /* distances looked at together */

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

static bool any_below(const uint32_t *distances, size_t n, uint32_t bound)
{
    uint32_t any = 0;
    for (size_t j = 0; j < n; j++)
        any |= distances[j] < bound;
    return any;
}

/* Base rows come in ascending order, so one at the bound's distance never displaces what is there. */
static void take(uint64_t *heap, size_t k, const uint32_t *distances, size_t first, size_t n)
{
    for (size_t j = 0; j < n; j += SCAN) {
        size_t count = n - j < SCAN ? n - j : SCAN;
        if (!any_below(distances + j, count, (uint32_t)(heap[0] >> 32)))
            continue;
        for (size_t i = j; i < j + count; i++)
            if (distances[i] < heap[0] >> 32)
                replace_top(heap, k, neighbour(distances[i], first + i));
    }
}

/* Queries q .. q + nq - 1; room for `distances` QUERIES x ROWS and `heaps` QUERIES x k. */
static void search_block(const tsr_codes *base, const tsr_codes *query, size_t q, size_t nq, size_t k,
                         uint32_t *distances, uint64_t *heaps)
{
    for (size_t i = 0; i < nq * k; i++)
        heaps[i] = UINT64_MAX;
    for (size_t b = 0; b < base->n; b += ROWS) {
        size_t nb = base->n - b < ROWS ? base->n - b : ROWS;
        tsr_hamming_block(query, q, nq, base, b, nb, distances);
        for (size_t i = 0; i < nq; i++)
            take(heaps + i * k, k, distances + i * nb, b, nb);
    }
    for (size_t i = 0; i < nq; i++)
        sort_heap(heaps + i * k, k);
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

tsr_status *tsr_nearest(const tsr_codes *base, const tsr_codes *query, size_t k, uint32_t *index,
                        uint32_t *distance)
{
    TSR_TRY(check(base, query, k));
    size_t threads = (size_t)tsr_threads(), heap_size, heaps_size;
    if (!tsr_multiply(k, QUERIES, &heap_size) || !tsr_multiply(heap_size, threads, &heaps_size))
        return tsr_no_memory("nearest neighbours");
    uint32_t *distances = tsr_alloc(threads * QUERIES * ROWS, sizeof(*distances));
    uint64_t *heaps = tsr_alloc(heaps_size, sizeof(*heaps));
    tsr_status *status = distances && heaps ? NULL : tsr_no_memory("nearest neighbours");
    if (status)
        goto out;
    size_t work = base->n * (tsr_codes_used_words(base) + 1); /* per query */
#pragma omp parallel for num_threads((int)threads) schedule(dynamic) if (query->n > MANY / work)
    for (size_t q = 0; q < query->n; q += QUERIES) {
        size_t nq = query->n - q < QUERIES ? query->n - q : QUERIES;
        size_t thread = (size_t)omp_get_thread_num();
        uint64_t *found = heaps + thread * heap_size;
        search_block(base, query, q, nq, k, distances + thread * QUERIES * ROWS, found);
        for (size_t i = 0; i < nq * k; i++) {
            index[q * k + i] = (uint32_t)found[i];
            distance[q * k + i] = (uint32_t)(found[i] >> 32);
        }
    }
out:
    free(distances);
    free(heaps);
    return status;
}
