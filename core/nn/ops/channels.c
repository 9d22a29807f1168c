/* Sums over a batch, one per channel. With one position per channel a sample is a row and the channels go
   side by side through the vector unit; with more, each channel's plane is summed along itself. Long sums are
   made of blocks, so that their rounding error grows with a block and the number of blocks, not with the
   batch. */
#include "nn/ops/channels.h"

#include <string.h>
#include <tessera/hot.h>

#define ROWS 64        /* samples of a block */
#define COLUMNS 256    /* channels of a block: its sums stay in the nearest cache */
#define POSITIONS 1024 /* of a plane's block */

#define INLINE static inline __attribute__((always_inline))

/* What is summed: a constant wherever these functions are inlined. */
typedef enum term_kind { PLAIN, SQUARE, PRODUCT } term_kind;

typedef struct batch {
    size_t samples, channels, positions;
    const float *x;
    const float *centre; /* per channel; SQUARE and PRODUCT */
    const float *y;      /* as x; PRODUCT */
} batch;

INLINE float term(term_kind kind, const batch *b, size_t i, float centre)
{
    if (kind == PLAIN)
        return b->x[i];
    float distance = b->x[i] - centre;
    return kind == SQUARE ? distance * distance : distance * b->y[i];
}

/* Adds the rows from .. to - 1, n columns from `column` on, to out. */
INLINE void add_rows(term_kind kind, const batch *b, size_t from, size_t to, size_t column, size_t n,
                     float *restrict out)
{
    float sums[COLUMNS] = { 0 };
    for (size_t row = from; row < to; row++) {
        size_t start = row * b->channels + column;
#pragma omp simd
        for (size_t c = 0; c < n; c++)
            sums[c] += term(kind, b, start + c, kind == PLAIN ? 0 : b->centre[column + c]);
    }
#pragma omp simd
    for (size_t c = 0; c < n; c++)
        out[column + c] += sums[c];
}

INLINE void sum_rows(term_kind kind, const batch *b, float *restrict out)
{
    for (size_t column = 0; column < b->channels; column += COLUMNS) {
        size_t n = b->channels - column < COLUMNS ? b->channels - column : COLUMNS;
        for (size_t row = 0; row < b->samples; row += ROWS)
            add_rows(kind, b, row, b->samples - row < ROWS ? b->samples : row + ROWS, column, n, out);
    }
}

INLINE float sum_run(term_kind kind, const batch *b, size_t from, size_t to, float centre)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = from; i < to; i++)
        sum += term(kind, b, i, centre);
    return sum;
}

INLINE void sum_planes(term_kind kind, const batch *b, float *restrict out)
{
    for (size_t sample = 0; sample < b->samples; sample++)
        for (size_t c = 0; c < b->channels; c++) {
            size_t start = (sample * b->channels + c) * b->positions;
            float centre = kind == PLAIN ? 0 : b->centre[c];
            for (size_t p = 0; p < b->positions; p += POSITIONS) {
                size_t end = b->positions - p < POSITIONS ? b->positions : p + POSITIONS;
                out[c] += sum_run(kind, b, start + p, start + end, centre);
            }
        }
}

INLINE void sum(term_kind kind, const batch *b, float *restrict out)
{
    memset(out, 0, b->channels * sizeof(float));
    if (b->positions == 1)
        sum_rows(kind, b, out);
    else
        sum_planes(kind, b, out);
}

TSR_HOT static void sum_plain(const batch *b, float *restrict out)
{
    sum(PLAIN, b, out);
}

TSR_HOT static void sum_squares(const batch *b, float *restrict out)
{
    sum(SQUARE, b, out);
}

TSR_HOT static void sum_products(const batch *b, float *restrict out)
{
    sum(PRODUCT, b, out);
}

void tsr_channel_sums(size_t samples, size_t channels, size_t positions, const float *x, float *out)
{
    sum_plain(&(batch){ samples, channels, positions, x, NULL, NULL }, out);
}

void tsr_channel_squares(size_t samples, size_t channels, size_t positions, const float *x,
                         const float *centre, float *out)
{
    sum_squares(&(batch){ samples, channels, positions, x, centre, NULL }, out);
}

void tsr_channel_products(size_t samples, size_t channels, size_t positions, const float *x,
                          const float *centre, const float *y, float *out)
{
    sum_products(&(batch){ samples, channels, positions, x, centre, y }, out);
}
