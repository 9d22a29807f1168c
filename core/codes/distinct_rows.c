/* Codes with equal rows merged and counted. */
#include "base/memory.h"

#include <tessera/codes.h>

#include <stdlib.h>
#include <string.h>

/* Copies each distinct row where its first example is met. */
static tsr_status *merge(const tsr_codes *codes, size_t n, tsr_distinct_rows *out)
{
    TSR_TRY(tsr_codes_new(n, codes->bits, &out->copy));
    size_t bytes = tsr_codes_used_words(codes) * sizeof(uint64_t), met = 0;
    for (size_t i = 0; i < codes->n; i++)
        if (out->group[i] == met)
            memcpy(out->copy->words + met++ * codes->stride, tsr_codes_row(codes, i), bytes);
    out->codes = out->copy;
    return NULL;
}

/* Whether merging rows saves less than it costs. */
static bool costs_more_than_it_saves(const tsr_codes *codes, size_t n, size_t copy_limit)
{
    return n > codes->n / 2 && codes->stride > copy_limit / sizeof(uint64_t) / n;
}

tsr_status *tsr_distinct_rows_new(const tsr_codes *codes, size_t copy_limit, tsr_distinct_rows *out)
{
    *out = (tsr_distinct_rows){ .codes = codes, .group = calloc(codes->n + 1, sizeof(*out->group)) };
    size_t n = 0;
    tsr_status *status = out->group ? tsr_distinct(codes, &n, out->group) : tsr_no_memory("distinct codes");
    if (!status && n < codes->n && costs_more_than_it_saves(codes, n, copy_limit)) {
        n = codes->n;
        for (size_t i = 0; i < n; i++)
            out->group[i] = (uint32_t)i;
    }
    out->weight = calloc(n + 1, sizeof(*out->weight));
    if (!status && !out->weight)
        status = tsr_no_memory("distinct codes");
    if (!status && n < codes->n)
        status = merge(codes, n, out);
    if (status) {
        tsr_distinct_rows_clear(out);
        return status;
    }
    for (size_t i = 0; i < codes->n; i++)
        out->weight[out->group[i]]++;
    return NULL;
}

void tsr_distinct_rows_clear(tsr_distinct_rows *rows)
{
    tsr_codes_free(rows->copy);
    free(rows->group);
    free(rows->weight);
    *rows = (tsr_distinct_rows){ 0 };
}
