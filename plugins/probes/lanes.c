/* Tables of the sums of four bits: made from weights and read row by row, or added to row by row and taken
   apart into bits. */
#include "lanes.h"

#include <tessera/hot.h>

#include <stdlib.h>
#include <string.h>

#define WORDS 2 /* whose tables are used together: 32 KB */
#define NIBBLES (16 * WORDS)
#define AHEAD 16 /* rows fetched before they are needed */

/* tables[16 n + v]: the sum over the bits of v of the weights from 4 n on; `bits` of them are there. */
static inline void fill_tables(const lanes *weights, size_t bits, lanes *tables)
{
    for (size_t j = 0; j < 4 * NIBBLES; j++) {
        lanes *table = tables + j / 4 * 16, weight = { 0 };
        if (j < bits)
            weight = weights[j];
        if (j % 4 == 0)
            table[0] = (lanes){ 0 };
        for (size_t half = (size_t)1 << j % 4, v = 0; v < half; v++)
            table[half + v] = table[v] + weight;
    }
}

/* The other way: an entry belongs to every bit of its value. Upper halves give the sums, then join the lower.
 */
static inline void empty_tables(lanes *tables, size_t bits, lanes *sums)
{
    for (size_t j = 4 * NIBBLES; j-- > 0;) {
        lanes *table = tables + j / 4 * 16, sum = { 0 };
        for (size_t half = (size_t)1 << j % 4, v = 0; v < half; v++) {
            sum += table[half + v];
            table[v] += table[half + v];
        }
        if (j < bits)
            sums[j] = sum;
    }
}

static inline void fetch(const lane_rows *rows, size_t i, size_t w)
{
    if (i < rows->n)
        __builtin_prefetch(lane_row(rows, i) + w);
}

/* The entry of the n-th four bits of a word: its place in bytes is those bits times 64, in one shift. */
static inline size_t entry(uint64_t word, size_t n)
{
    _Static_assert(sizeof(lanes) == 64, "16 entries take 1024 bytes");
    return n * 1024 + ((n < 2 ? word << (6 - 4 * n) : word >> (4 * n - 6)) & 15 * 64);
}

/* Adds one word's entries to *out, in four chains, so that no addition waits for the one before. */
static inline void read_word(const lanes *tables, uint64_t word, lanes *out)
{
    lanes sum[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
#pragma GCC unroll 16
    for (size_t n = 0; n < 16; n++)
        sum[n % 4] += *(const lanes *)((const char *)tables + entry(word, n));
    *out += (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

TSR_HOT static void dot_words(const lane_rows *rows, size_t w, size_t words, const lanes *weights,
                              size_t bits, lanes *restrict dots)
{
    lanes tables[NIBBLES * 16];
    fill_tables(weights, bits, tables);
    for (size_t i = 0; i < rows->n; i++) {
        const uint64_t *row = lane_row(rows, i) + w;
        fetch(rows, i + AHEAD, w);
        read_word(tables, row[0], &dots[i]);
        if (words == 2)
            read_word(tables + 256, row[1], &dots[i]);
    }
}

static inline void write_word(lanes *tables, uint64_t word, const lanes *value)
{
#pragma GCC unroll 16
    for (size_t n = 0; n < 16; n++)
        *(lanes *)((char *)tables + entry(word, n)) += *value;
}

TSR_HOT static void sum_words(const lane_rows *rows, size_t w, size_t words, const lanes *values, size_t bits,
                              lanes *restrict sums)
{
    lanes tables[NIBBLES * 16];
    memset(tables, 0, sizeof(tables));
    for (size_t i = 0; i < rows->n; i++) {
        const uint64_t *row = lane_row(rows, i) + w;
        fetch(rows, i + AHEAD, w);
        lanes value = values[i];
        write_word(tables, row[0], &value);
        if (words == 2)
            write_word(tables + 256, row[1], &value);
    }
    empty_tables(tables, bits, sums);
}

void lanes_dot(const lane_rows *rows, const lanes *weights, lanes *dots)
{
    size_t used = (rows->bits + 63) / 64;
    for (size_t w = 0; w < used; w += WORDS)
        dot_words(rows, w, used - w < WORDS ? used - w : WORDS, weights + w * 64, rows->bits - w * 64, dots);
}

void lanes_sum(const lane_rows *rows, const lanes *values, lanes *sums)
{
    size_t used = (rows->bits + 63) / 64;
    for (size_t w = 0; w < used; w += WORDS)
        sum_words(rows, w, used - w < WORDS ? used - w : WORDS, values, rows->bits - w * 64, sums + w * 64);
}

lanes *lanes_new(size_t a, size_t b)
{
    size_t bytes;
    if (__builtin_mul_overflow(a, b, &bytes) || __builtin_mul_overflow(bytes, sizeof(lanes), &bytes))
        return NULL;
    bytes = bytes ? bytes : sizeof(lanes);
    lanes *made = aligned_alloc(sizeof(lanes), bytes);
    if (made)
        memset(made, 0, bytes);
    return made;
}
