/* Codes with equal rows merged. */
#include "unique.h"

#include <stdlib.h>
#include <string.h>

tsr_status *unique_rows_new(const tsr_codes *codes, unique_rows *out)
{
    *out = (unique_rows){ .group = calloc(codes->n + 1, sizeof(*out->group)) };
    size_t n = 0;
    tsr_status *status = NULL;
    if (!out->group)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for distinct codes");
    if (!status)
        status = tsr_distinct(codes, &n, out->group);
    if (!status)
        status = tsr_codes_new(n, codes->bits, &out->codes);
    if (!status && !(out->weight = calloc(n + 1, sizeof(*out->weight))))
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for distinct codes");
    if (status) {
        unique_rows_clear(out);
        return status;
    }
    size_t bytes = tsr_codes_used_words(codes) * sizeof(uint64_t);
    for (size_t i = 0; i < codes->n; i++) {
        uint32_t row = out->group[i];
        if (out->weight[row]++ == 0)
            memcpy(out->codes->words + row * out->codes->stride, tsr_codes_row(codes, i), bytes);
    }
    return NULL;
}

void unique_rows_clear(unique_rows *rows)
{
    tsr_codes_free(rows->codes);
    free(rows->group);
    free(rows->weight);
    *rows = (unique_rows){ 0 };
}
