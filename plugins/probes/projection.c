/* A random choice of bits: a mask of the columns kept, by which every row is gathered. */
#include "projection.h"

#include <stdlib.h>

static tsr_status *no_memory(void)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for a projection of codes");
}

/* The mask of n of the columns; NULL without memory. */
static uint64_t *draw_columns(size_t columns, size_t n, tsr_rng *rng)
{
    size_t *order = calloc(columns, sizeof(*order));
    uint64_t *keep = calloc(columns / 64 + 1, sizeof(*keep));
    if (order && keep) {
        for (size_t j = 0; j < columns; j++)
            order[j] = j;
        tsr_rng_shuffle(rng, columns, order);
        for (size_t j = 0; j < n; j++)
            keep[order[j] / 64] |= UINT64_C(1) << order[j] % 64;
    } else {
        free(keep);
        keep = NULL;
    }
    free(order);
    return keep;
}

static void gather(const uint64_t *row, const uint64_t *keep, size_t words, uint64_t *out)
{
    size_t at = 0;
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = keep[w]; left; left &= left - 1, at++)
            out[at / 64] |= (row[w] >> __builtin_ctzll(left) & 1) << at % 64;
}

static tsr_status *project(const tsr_codes *codes, const uint64_t *keep, size_t n, tsr_codes **out)
{
    TSR_TRY(tsr_codes_new(codes->n, n, out));
    tsr_codes *made = *out;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (codes->n > 64)
    for (size_t i = 0; i < codes->n; i++)
        gather(tsr_codes_row(codes, i), keep, tsr_codes_used_words(codes), made->words + i * made->stride);
    return NULL;
}

tsr_status *projection_new(const tsr_probing *probing, size_t bits, tsr_rng *rng, projection *out)
{
    *out = (projection){ .train = probing->train, .test = probing->test, .prefix = bits ? "projected_" : "" };
    if (bits == 0)
        return NULL;
    size_t columns = probing->train->bits, n = bits < columns ? bits : columns;
    TSR_TRY(tsr_metric(probing, "projection", (double)n));
    if (n == columns)
        return NULL;
    uint64_t *keep = draw_columns(columns, n, rng);
    tsr_status *status = keep ? project(probing->train, keep, n, &out->own[0]) : no_memory();
    if (!status)
        status = project(probing->test, keep, n, &out->own[1]);
    free(keep);
    out->train = out->own[0];
    out->test = out->own[1];
    return status;
}

void projection_clear(projection *seen)
{
    tsr_codes_free(seen->own[0]);
    tsr_codes_free(seen->own[1]);
}
