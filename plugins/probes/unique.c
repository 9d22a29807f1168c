/* Codes with equal rows merged. */
#include "unique.h"

#include <stdlib.h>
#include <string.h>

static tsr_status *no_memory(void)
{
    return tsr_fail(TSR_NO_MEMORY, "not enough memory for distinct codes");
}

/* Copies each distinct row where its first example is met. */
static tsr_status *merge(const tsr_codes *codes, size_t n, unique_rows *out)
{
    TSR_TRY(tsr_codes_new(n, codes->bits, &out->own));
    size_t bytes = tsr_codes_used_words(codes) * sizeof(uint64_t), met = 0;
    for (size_t i = 0; i < codes->n; i++)
        if (out->group[i] == met)
            memcpy(out->own->words + met++ * codes->stride, tsr_codes_row(codes, i), bytes);
    out->codes = out->own;
    return NULL;
}

/* Whether merging rows saves less than it costs. */
static bool is_spared(const tsr_codes *codes, size_t n, size_t copy)
{
    return n > codes->n / 2 && codes->stride > copy / sizeof(uint64_t) / n;
}

tsr_status *unique_rows_new(const tsr_codes *codes, size_t copy, unique_rows *out)
{
    *out = (unique_rows){ .codes = codes, .group = calloc(codes->n + 1, sizeof(*out->group)) };
    size_t n = 0;
    tsr_status *status = out->group ? tsr_distinct(codes, &n, out->group) : no_memory();
    if (!status && n < codes->n && is_spared(codes, n, copy)) {
        n = codes->n;
        for (size_t i = 0; i < n; i++)
            out->group[i] = (uint32_t)i;
    }
    out->weight = calloc(n + 1, sizeof(*out->weight));
    if (!status && !out->weight)
        status = no_memory();
    if (!status && n < codes->n)
        status = merge(codes, n, out);
    if (status) {
        unique_rows_clear(out);
        return status;
    }
    for (size_t i = 0; i < codes->n; i++)
        out->weight[out->group[i]]++;
    return NULL;
}

void unique_rows_clear(unique_rows *rows)
{
    tsr_codes_free(rows->own);
    free(rows->group);
    free(rows->weight);
    *rows = (unique_rows){ 0 };
}
