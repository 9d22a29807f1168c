/* Counts over all rows, exact and so the same whatever the number of threads: ones by column, pairs of rows
   by distance. */
#include "base/memory.h"
#include "codes/codes.h"

#include <stdlib.h>

#define LINE 8            /* words of a cache line */
#define ROWS_PER_BYTE 255 /* rows that a counter of one byte can count */
#define BLOCK 128         /* rows compared together */

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* Of n words from w on, at most a cache line of them. Eight byte counters per addition: bit b of every byte
   of the rows' words goes to a word's `bytes[b]`, emptied before one can overflow. */
static void count_line(const tsr_codes *codes, size_t w, size_t n, uint64_t *ones)
{
    for (size_t first = 0; first < codes->n; first += ROWS_PER_BYTE) {
        uint64_t bytes[LINE][8] = { 0 };
        size_t end = first + at_most(codes->n - first, ROWS_PER_BYTE);
        for (size_t i = first; i < end; i++) {
            const uint64_t *row = tsr_codes_row(codes, i) + w;
            for (size_t j = 0; j < n; j++)
                for (int b = 0; b < 8; b++)
                    bytes[j][b] += row[j] >> b & UINT64_C(0x0101010101010101);
        }
        for (size_t j = 0; j < 64 * n; j++)
            ones[j] += bytes[j / 64][j % 8] >> (j % 64 / 8 * 8) & 0xff;
    }
}

void tsr_codes_count_ones(const tsr_codes *codes, uint64_t *ones)
{
    size_t words = tsr_codes_used_words(codes);
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(codes->n * words / 2))
    for (size_t w = 0; w < words; w += LINE)
        count_line(codes, w, at_most(words - w, LINE), ones + w * 64);
}

/* Pairs of a row of block a with a later one of block b. */
static void count_blocks(const tsr_codes *codes, const int32_t *labels, size_t a, size_t b, uint64_t *within,
                         uint64_t *across)
{
    uint32_t block[BLOCK * BLOCK];
    size_t na = at_most(codes->n - a, BLOCK), nb = at_most(codes->n - b, BLOCK);
    tsr_hamming_block(codes, a, na, codes, b, nb, block);
    for (size_t i = 0; i < na; i++) {
        for (size_t j = a == b ? i + 1 : 0; j < nb; j++) {
            bool same = !labels || labels[a + i] == labels[b + j];
            (same ? within : across)[block[i * nb + j]]++;
        }
    }
}

/* Threads count for themselves and add up at their end: sums of integers have no order. */
tsr_status *tsr_codes_count_distances(const tsr_codes *codes, const int32_t *labels, uint64_t *within,
                                      uint64_t *across)
{
    size_t blocks = (codes->n + BLOCK - 1) / BLOCK, counters = codes->bits + 1;
    bool whole = true;
#pragma omp parallel num_threads(tsr_threads()) if (tsr_worth_sharing(codes->n * codes->n / 2))
    {
        uint64_t *mine = calloc(2 * counters, sizeof(*mine));
        if (!mine)
#pragma omp atomic write
            whole = false;
#pragma omp for schedule(dynamic)
        for (size_t a = 0; a < blocks; a++)
            for (size_t b = a; mine && b < blocks; b++)
                count_blocks(codes, labels, a * BLOCK, b * BLOCK, mine, mine + counters);
#pragma omp critical(count_distances)
        for (size_t d = 0; mine && d < counters; d++) {
            within[d] += mine[d];
            if (across)
                across[d] += mine[counters + d];
        }
        free(mine);
    }
    return whole ? NULL : tsr_no_memory("distances between codes");
}
