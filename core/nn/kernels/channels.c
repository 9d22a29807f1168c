/* Sums over a batch, one per channel. With one position per channel a sample is a row and the channels go
   side by side through the vector unit; with more, each channel's plane is summed along itself, and channels
   are shared among threads. Long sums are made of blocks, so that their rounding error grows with a block and
   the number of blocks, not with the batch. */
#include "nn/kernels/channels.h"

#include <string.h>
#include <tessera/multiversion.h>

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

TSR_MULTIVERSION(sum_plain_rows, (const batch *b, float *restrict out), (b, out))
{
    sum_rows(PLAIN, b, out);
}

TSR_MULTIVERSION(sum_square_rows, (const batch *b, float *restrict out), (b, out))
{
    sum_rows(SQUARE, b, out);
}

TSR_MULTIVERSION(sum_product_rows, (const batch *b, float *restrict out), (b, out))
{
    sum_rows(PRODUCT, b, out);
}

TSR_MULTIVERSION_OF(float, sum_run, (size_t n, const float *restrict x), (n, x))
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static float sum_planes(const batch *b, size_t c)
{
    float sum = 0;
    for (size_t sample = 0; sample < b->samples; sample++) {
        size_t start = (sample * b->channels + c) * b->positions;
        for (size_t p = 0; p < b->positions; p += POSITIONS)
            sum += sum_run(b->positions - p < POSITIONS ? b->positions - p : POSITIONS, b->x + start + p);
    }
    return sum;
}

void tsr_channel_sums(size_t samples, size_t channels, size_t positions, const float *x, float *out)
{
    batch b = { samples, channels, positions, x, NULL, NULL };
    if (positions == 1) {
        memset(out, 0, channels * sizeof(float));
        sum_plain_rows(&b, out);
        return;
    }
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(samples * channels * positions))
    for (size_t c = 0; c < channels; c++)
        out[c] = sum_planes(&b, c);
}

void tsr_channel_squares(size_t samples, size_t channels, const float *x, const float *centre, float *out)
{
    memset(out, 0, channels * sizeof(float));
    sum_square_rows(&(batch){ samples, channels, 1, x, centre, NULL }, out);
}

void tsr_channel_products(size_t samples, size_t channels, const float *x, const float *centre,
                          const float *y, float *out)
{
    memset(out, 0, channels * sizeof(float));
    sum_product_rows(&(batch){ samples, channels, 1, x, centre, y }, out);
}
