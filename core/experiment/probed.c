/* Choosing what a probe sees, layers first, then units, then bits: each choice is a copy of columns in place
 * of what was there. */
#include "experiment/probed.h"

#include "base/memory.h"
#include "codes/extract.h"
#include "data/samples.h"

#include <stdlib.h>

/* Takes over both copies and the columns. */
static void replace(tsr_probed_codes *codes, tsr_codes *train, tsr_codes *test, uint32_t *columns)
{
    tsr_probed_codes_clear(codes);
    *codes = (tsr_probed_codes){
        .train = train, .test = test, .own = { train, test }, .columns = columns, .own_columns = columns
    };
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

/* --- a share of each layer's units --- */

/* The units that layer i of the codes has been drawn from. */
typedef struct layer_units {
    const tsr_network *network; /* NULL: each column is a unit */
    const uint32_t *columns;
    const tsr_code_layer *layer;
} layer_units;

static size_t n_units(const layer_units *l)
{
    if (!l->network || l->layer->bits == 0)
        return l->layer->bits;
    size_t number = tsr_network_column(l->network, l->columns[l->layer->first]).layer;
    return tsr_network_layer(l->network, number).units;
}

/* Which of them column j of the layer is of. */
static size_t unit_of(const layer_units *l, size_t j)
{
    return l->network ? tsr_network_column(l->network, l->columns[l->layer->first + j]).unit : j;
}

/* Marks the columns of the layer whose units are drawn. */
static tsr_status *draw_units(const layer_units *l, double share, tsr_rng *rng, uint64_t *mask)
{
    size_t n = n_units(l), drawn = tsr_portion(share, n);
    if (n == 0)
        return NULL;
    uint64_t *units = tsr_alloc(n / 64 + 1, sizeof(*units));
    if (!units)
        return tsr_no_memory("a share of units");
    tsr_status *status = tsr_draw_columns(rng, n, drawn ? drawn : 1, units);
    for (size_t j = 0; !status && j < l->layer->bits; j++) {
        size_t unit = unit_of(l, j), column = l->layer->first + j;
        if (units[unit / 64] >> unit % 64 & 1)
            mask[column / 64] |= (uint64_t)1 << column % 64;
    }
    free(units);
    return status;
}

static tsr_status *prune(double share, const tsr_network *network, tsr_code_budget *budget, tsr_rng *rng,
                         tsr_probed_codes *codes)
{
    const tsr_codes *train = codes->train;
    const tsr_code_layer whole = { .first = 0, .bits = train->bits };
    uint64_t *mask = tsr_alloc(tsr_codes_used_words(train) + 1, sizeof(*mask));
    if (!mask)
        return tsr_no_memory("a share of units");
    tsr_status *status = NULL;
    for (size_t i = 0; !status && i < (train->n_layers ? train->n_layers : 1); i++) {
        const layer_units units = { .network = codes->columns ? network : NULL,
                                    .columns = codes->columns,
                                    .layer = train->n_layers ? &train->layers[i] : &whole };
        status = draw_units(&units, share, rng, mask);
    }
    if (!status)
        status = choose_columns(mask, budget, codes);
    free(mask);
    return status;
}

/* --- all of it --- */

size_t tsr_probed_at_most(const tsr_probe_common *common)
{
    return common->projection ? (size_t)common->projection : common->unit_share < 1 ? SIZE_MAX : 0;
}

const char *tsr_probed_prefix(const tsr_probe_common *common)
{
    bool pruned = common->unit_share < 1;
    return common->projection ? pruned ? TSR_PRUNED "_" TSR_PROJECTED : TSR_PROJECTED
           : pruned           ? TSR_PRUNED "_"
                              : "";
}

tsr_status *tsr_choose_probed_codes(const tsr_probe_common *common, const tsr_codes *train,
                                    const tsr_codes *test, const uint32_t *columns,
                                    const tsr_network *network, tsr_code_budget *budget, tsr_rng *rng,
                                    tsr_metrics *metrics, tsr_probed_codes *out)
{
    const tsr_probing probing = { .metrics = metrics };
    *out = (tsr_probed_codes){ .train = train, .test = test, .columns = columns };
    if (common->layers.n)
        TSR_TRY(choose_layers(&common->layers, budget, out));
    if (common->unit_share < 1) {
        TSR_TRY(prune(common->unit_share, network, budget, rng, out));
        TSR_TRY(tsr_metric(&probing, TSR_PRUNED, (double)out->train->bits));
    }
    if (common->projection == 0)
        return tsr_metrics_add_prefix(metrics, tsr_probed_prefix(common));
    size_t bits = out->train->bits, n = (size_t)common->projection < bits ? (size_t)common->projection : bits;
    if (n < bits)
        TSR_TRY(project(n, budget, rng, out));
    TSR_TRY(tsr_metric(&probing, TSR_PROJECTION, (double)n));
    return tsr_metrics_add_prefix(metrics, tsr_probed_prefix(common));
}

void tsr_probed_codes_clear(tsr_probed_codes *codes)
{
    tsr_codes_free(codes->own[0]);
    tsr_codes_free(codes->own[1]);
    free(codes->own_columns);
    *codes = (tsr_probed_codes){ 0 };
}
