/* Choosing what a probe sees, layers first: each choice is a copy of columns in place of what was there. */
#include "experiment/probed.h"

#include "base/memory.h"
#include "codes/extract.h"

#include <stdlib.h>

/* Takes over both copies and the columns. */
static void replace(tsr_probed_codes *codes, tsr_codes *train, tsr_codes *test, uint32_t *columns)
{
    tsr_probed_codes_clear(codes);
    *codes = (tsr_probed_codes){ .train = train,
                                 .test = test,
                                 .own = { train, test },
                                 .columns = columns,
                                 .own_columns = columns };
}

/* The columns of these layers, which are there, one layer after the other; NULL where none are known. */
static tsr_status *columns_of_layers(const tsr_int_list *layers, const tsr_probed_codes *codes,
                                     uint32_t **out)
{
    size_t n = 0, at = 0;
    *out = NULL;
    if (!codes->columns)
        return NULL;
    for (size_t i = 0; i < layers->n; i++)
        n += codes->train->layers[layers->values[i]].bits;
    if (!(*out = tsr_alloc(n, sizeof(**out))))
        return tsr_no_memory("the columns of codes");
    for (size_t i = 0; i < layers->n; i++) {
        const tsr_code_layer *layer = &codes->train->layers[layers->values[i]];
        for (size_t j = 0; j < layer->bits; j++)
            (*out)[at++] = codes->columns[layer->first + j];
    }
    return NULL;
}

static tsr_status *columns_of_mask(const uint64_t *mask, const tsr_probed_codes *codes, uint32_t **out)
{
    size_t at = 0;
    *out = NULL;
    if (!codes->columns)
        return NULL;
    if (!(*out = tsr_alloc(codes->train->bits, sizeof(**out))))
        return tsr_no_memory("the columns of codes");
    for (size_t j = 0; j < codes->train->bits; j++)
        if (mask[j / 64] >> j % 64 & 1)
            (*out)[at++] = codes->columns[j];
    return NULL;
}

static tsr_status *choose_layers(const tsr_int_list *layers, tsr_code_budget *budget, tsr_probed_codes *codes)
{
    tsr_codes *train = NULL, *test = NULL;
    TSR_TRY(tsr_codes_layers(codes->train, layers->n, layers->values, budget, &train));
    uint32_t *columns = NULL;
    tsr_status *status = tsr_codes_layers(codes->test, layers->n, layers->values, budget, &test);
    if (!status)
        status = columns_of_layers(layers, codes, &columns);
    if (!status) {
        replace(codes, train, test, columns);
        return NULL;
    }
    tsr_codes_free(train);
    tsr_codes_free(test);
    return status;
}

static tsr_status *choose_columns(const uint64_t *mask, tsr_code_budget *budget, tsr_probed_codes *codes)
{
    tsr_codes *train = NULL, *test = NULL;
    TSR_TRY(tsr_codes_columns_in(budget, codes->train, mask, &train));
    uint32_t *columns = NULL;
    tsr_status *status = tsr_codes_columns_in(budget, codes->test, mask, &test);
    if (!status)
        status = columns_of_mask(mask, codes, &columns);
    if (!status) {
        replace(codes, train, test, columns);
        return NULL;
    }
    tsr_codes_free(train);
    tsr_codes_free(test);
    return status;
}

static tsr_status *project(size_t n, tsr_code_budget *budget, tsr_rng *rng, tsr_probed_codes *codes)
{
    uint64_t *mask = tsr_alloc(tsr_codes_used_words(codes->train), sizeof(*mask));
    if (!mask)
        return tsr_no_memory("a projection");
    tsr_status *status = tsr_draw_columns(rng, codes->train->bits, n, mask);
    if (!status)
        status = choose_columns(mask, budget, codes);
    free(mask);
    return status;
}

tsr_status *tsr_choose_probed_codes(const tsr_probe_common *common, const tsr_codes *train,
                                    const tsr_codes *test, const uint32_t *columns, tsr_code_budget *budget,
                                    tsr_rng *rng, tsr_metrics *metrics, tsr_probed_codes *out)
{
    *out = (tsr_probed_codes){ .train = train, .test = test, .columns = columns };
    if (common->layers.n)
        TSR_TRY(choose_layers(&common->layers, budget, out));
    if (common->projection == 0)
        return NULL;
    size_t bits = out->train->bits, n = (size_t)common->projection < bits ? (size_t)common->projection : bits;
    if (n < bits)
        TSR_TRY(project(n, budget, rng, out));
    TSR_TRY(tsr_metric(&(tsr_probing){ .metrics = metrics }, "projection", (double)n));
    return tsr_metrics_add_prefix(metrics, TSR_PROJECTED);
}

void tsr_probed_codes_clear(tsr_probed_codes *codes)
{
    tsr_codes_free(codes->own[0]);
    tsr_codes_free(codes->own[1]);
    free(codes->own_columns);
    *codes = (tsr_probed_codes){ 0 };
}
