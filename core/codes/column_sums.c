/* Dot products of rows with sixteen weight vectors at once, and sums over the rows that have a bit. For every
   four bits of a row a table holds the sums of all 16 values, so that four bits cost one addition of a
   vector, whatever is in it: tables are made from weights and read row by row, or added to row by row and
   taken apart into bits. Those of two words of a row stay in the first-level cache while rows pass by. */
#include <tessera/codes.h>

#include <tessera/multiversion.h>

#include <stdlib.h>
#include <string.h>

#define WORDS 2 /* whose tables are used together: 32 KB */
#define NIBBLES (16 * WORDS)
#define AHEAD 16      /* rows fetched before they are needed */
#define LINE 8        /* words of a cache line */
#define GATHERED 2048 /* rows whose lines are gathered: 128 KB */

/* tables[16 n + v]: the sum over the bits of v of the weights from 4 n on; `bits` of them are there. */
static inline void fill_tables(const tsr_lanes *weights, size_t bits, tsr_lanes *tables)
{
    for (size_t j = 0; j < 4 * NIBBLES; j++) {
        tsr_lanes *table = tables + j / 4 * 16, weight = { 0 };
        if (j < bits)
            weight = weights[j];
        if (j % 4 == 0)
            table[0] = (tsr_lanes){ 0 };
        for (size_t half = (size_t)1 << j % 4, v = 0; v < half; v++)
            table[half + v] = table[v] + weight;
    }
}

/* The other way: an entry belongs to every bit of its value. Upper halves give the sums, then join the lower.
 */
static inline void empty_tables(tsr_lanes *tables, size_t bits, tsr_lanes *sums)
{
    for (size_t j = 4 * NIBBLES; j-- > 0;) {
        tsr_lanes *table = tables + j / 4 * 16, sum = { 0 };
        for (size_t half = (size_t)1 << j % 4, v = 0; v < half; v++) {
            sum += table[half + v];
            table[v] += table[half + v];
        }
        if (j < bits)
            sums[j] = sum;
    }
}

static inline void fetch(const tsr_code_rows *rows, size_t i, size_t w)
{
    if (i < rows->n)
        __builtin_prefetch(tsr_code_rows_get(rows, i) + w);
}

/* The entry of the n-th four bits of a word: its place in bytes is those bits times 64, in one shift. */
static inline size_t entry(uint64_t word, size_t n)
{
    _Static_assert(sizeof(tsr_lanes) == 64, "16 entries take 1024 bytes");
    return n * 1024 + ((n < 2 ? word << (6 - 4 * n) : word >> (4 * n - 6)) & 15 * 64);
}

/* Adds one word's entries to *out, in four chains, so that no addition waits for the one before. */
static inline void read_word(const tsr_lanes *tables, uint64_t word, tsr_lanes *out)
{
    tsr_lanes sum[4] = { { 0 }, { 0 }, { 0 }, { 0 } };
#pragma GCC unroll 16
    for (size_t n = 0; n < 16; n++)
        sum[n % 4] += *(const tsr_lanes *)((const char *)tables + entry(word, n));
    *out += (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

TSR_MULTIVERSION(dot_words,
                 (const tsr_code_rows *rows, size_t w, size_t words, const tsr_lanes *weights, size_t bits,
                  tsr_lanes *restrict dots),
                 (rows, w, words, weights, bits, dots))
{
    tsr_lanes tables[NIBBLES * 16];
    fill_tables(weights, bits, tables);
    for (size_t i = 0; i < rows->n; i++) {
        const uint64_t *row = tsr_code_rows_get(rows, i) + w;
        fetch(rows, i + AHEAD, w);
        read_word(tables, row[0], &dots[i]);
        if (words == 2)
            read_word(tables + 256, row[1], &dots[i]);
    }
}

static inline void write_word(tsr_lanes *tables, uint64_t word, const tsr_lanes *value)
{
#pragma GCC unroll 16
    for (size_t n = 0; n < 16; n++)
        *(tsr_lanes *)((char *)tables + entry(word, n)) += *value;
}

TSR_MULTIVERSION(sum_words,
                 (const tsr_code_rows *rows, size_t w, size_t words, const tsr_lanes *values, size_t bits,
                  tsr_lanes *restrict sums),
                 (rows, w, words, values, bits, sums))
{
    tsr_lanes tables[NIBBLES * 16];
    memset(tables, 0, sizeof(tables));
    for (size_t i = 0; i < rows->n; i++) {
        const uint64_t *row = tsr_code_rows_get(rows, i) + w;
        fetch(rows, i + AHEAD, w);
        tsr_lanes value = values[i];
        write_word(tables, row[0], &value);
        if (words == 2)
            write_word(tables + 256, row[1], &value);
    }
    empty_tables(tables, bits, sums);
}

/* Words w .. w + n - 1 of all rows, two by two: a pair of words of one row lies beside that of the next. The
   rows of long codes lie so that their words share few places in a cache; so a line of each is fetched once.
 */
static void gather_pairs(const tsr_code_rows *rows, size_t w, size_t n, uint64_t *pairs)
{
    for (size_t i = 0; i < rows->n; i++) {
        const uint64_t *row = tsr_code_rows_get(rows, i) + w;
        fetch(rows, i + AHEAD, w);
        for (size_t j = 0; j < n; j++)
            pairs[(j / WORDS * rows->n + i) * WORDS + j % WORDS] = row[j];
    }
}

/* What is done with up to WORDS words of rows. */
typedef void words_function(const tsr_code_rows *rows, size_t w, size_t words, const void *given, void *out,
                            size_t first);

static void dot_pair(const tsr_code_rows *rows, size_t w, size_t words, const void *weights, void *dots,
                     size_t first)
{
    dot_words(rows, w, words, (const tsr_lanes *)weights + first, rows->bits - first, dots);
}

static void sum_pair(const tsr_code_rows *rows, size_t w, size_t words, const void *values, void *sums,
                     size_t first)
{
    sum_words(rows, w, words, values, rows->bits - first, (tsr_lanes *)sums + first);
}

static void each_pair(const tsr_code_rows *rows, words_function *work, const void *given, void *out)
{
    size_t used = (rows->bits + 63) / 64;
    for (size_t w = 0; w < used; w += WORDS)
        work(rows, w, used - w < WORDS ? used - w : WORDS, given, out, w * 64);
}

/* The same for rows of more than a cache line. */
static void each_gathered_pair(const tsr_code_rows *rows, words_function *work, const void *given, void *out)
{
    uint64_t pairs[GATHERED * LINE];
    size_t used = (rows->bits + 63) / 64;
    for (size_t line = 0; line < used; line += LINE) {
        size_t words = used - line < LINE ? used - line : LINE;
        gather_pairs(rows, line, words, pairs);
        for (size_t w = 0; w < words; w += WORDS) {
            tsr_code_rows some = { pairs + w * rows->n, WORDS, rows->bits, rows->n, NULL };
            work(&some, 0, words - w < WORDS ? words - w : WORDS, given, out, (line + w) * 64);
        }
    }
}

static bool is_long(const tsr_code_rows *rows)
{
    return rows->bits > LINE * 64 && rows->n <= GATHERED;
}

void tsr_codes_dot(const tsr_code_rows *rows, const tsr_lanes *weights, tsr_lanes *dots)
{
    (is_long(rows) ? each_gathered_pair : each_pair)(rows, dot_pair, weights, dots);
}

void tsr_codes_sum_columns(const tsr_code_rows *rows, const tsr_lanes *values, tsr_lanes *sums)
{
    (is_long(rows) ? each_gathered_pair : each_pair)(rows, sum_pair, values, sums);
}

tsr_lanes *tsr_lanes_new(size_t a, size_t b)
{
    size_t bytes;
    if (__builtin_mul_overflow(a, b, &bytes) || __builtin_mul_overflow(bytes, sizeof(tsr_lanes), &bytes))
        return NULL;
    bytes = bytes ? bytes : sizeof(tsr_lanes);
    tsr_lanes *made = aligned_alloc(sizeof(tsr_lanes), bytes);
    if (made)
        memset(made, 0, bytes);
    return made;
}
