/* The layers of the codes that a probe sees: where they are in the network, and measuring one after the
 * other. */
#include "experiment/probed_layers.h"

#include "base/memory.h"
#include "base/text.h"
#include "experiment/probing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const tsr_network *tsr_probing_network_of_layers(const tsr_probing *probing)
{
    return probing->network || !probing->host ? probing->network : probing->host->layers;
}

size_t tsr_probing_layer(const tsr_probing *probing, size_t i)
{
    const tsr_network *network = tsr_probing_network_of_layers(probing);
    if (!network || i >= probing->train->n_layers)
        return SIZE_MAX;
    size_t n = tsr_network_n_layers(network);
    for (size_t k = 0; k < n; k++) {
        size_t l = (i + k) % n; /* where all layers are seen it is number i */
        if (strcmp(tsr_network_layer(network, l).name, probing->train->layers[i].name) == 0)
            return l;
    }
    return SIZE_MAX;
}

/* Columns of the whole code before which a layer of the network ends. */
static size_t end_of(const tsr_network *network, size_t layer)
{
    tsr_layer_info info = tsr_network_layer(network, layer);
    return info.first + (info.n_breakpoints - 1) * ((info.units + 63) / 64 * 64) + info.units;
}

/* --- constant bits --- */

void tsr_probing_constant_bits(const tsr_probing *probing, size_t i, size_t *zeros, size_t *ones)
{
    *zeros = *ones = 0;
    const tsr_network *network = tsr_probing_network_of_layers(probing);
    size_t l = tsr_probing_layer(probing, i), counts[2] = { 0 };
    if (!probing->constant || l == SIZE_MAX)
        return;
    tsr_layer_info info = tsr_network_layer(network, l);
    for (size_t j = info.first, end = end_of(network, l); j < end; j += 64) { /* a layer begins with a word */
        uint64_t inside = end - j < 64 ? (UINT64_C(1) << (end - j)) - 1 : UINT64_MAX;
        uint64_t constant = probing->constant[j / 64] & inside, value = probing->constant_values[j / 64];
        counts[0] += (size_t)__builtin_popcountll(constant & ~value);
        counts[1] += (size_t)__builtin_popcountll(constant & value);
    }
    if (counts[0] + counts[1] + probing->train->layers[i].bits != info.units * info.n_breakpoints)
        return; /* some of the units, or of the bits */
    *zeros = counts[0];
    *ones = counts[1];
}

/* Whether the layers have all their bits, those counted that are constant. */
static bool sees_whole_layers(const tsr_probing *probing)
{
    const tsr_network *network = tsr_probing_network_of_layers(probing);
    size_t shown = 0, all = 0;
    for (size_t i = 0; i < probing->train->n_layers; i++) {
        size_t zeros, ones, l = tsr_probing_layer(probing, i);
        tsr_probing_constant_bits(probing, i, &zeros, &ones);
        shown += probing->train->layers[i].bits + zeros + ones;
        if (l != SIZE_MAX) {
            tsr_layer_info info = tsr_network_layer(network, l);
            all += info.units * info.n_breakpoints;
        }
    }
    return shown == all;
}

/* All columns of a layer of the network. */
static size_t mark_layer(const tsr_network *network, size_t layer, uint64_t *mask)
{
    tsr_layer_info info = tsr_network_layer(network, layer);
    size_t step = (info.units + 63) / 64 * 64;
    for (size_t b = 0; b < info.n_breakpoints; b++)
        for (size_t j = info.first + b * step; j < info.first + b * step + info.units; j++)
            mask[j / 64] |= UINT64_C(1) << j % 64;
    return info.units * info.n_breakpoints;
}

/* `whole`: the layers are seen with all their columns. */
static size_t mark_seen(const tsr_probing *probing, size_t i, bool whole, uint64_t *mask)
{
    size_t l = tsr_probing_layer(probing, i);
    if (l == SIZE_MAX)
        return 0;
    if (whole)
        return mark_layer(tsr_probing_network_of_layers(probing), l, mask);
    const tsr_code_layer *layer = &probing->train->layers[i];
    for (size_t j = layer->first; probing->columns && j < layer->first + layer->bits; j++)
        mask[probing->columns[j] / 64] |= UINT64_C(1) << probing->columns[j] % 64;
    return probing->columns ? layer->bits : 0;
}

size_t tsr_probing_columns(const tsr_probing *probing, size_t i, uint64_t *mask)
{
    bool all = i == TSR_ALL_LAYERS, whole = sees_whole_layers(probing);
    size_t n = 0, last = all ? probing->train->n_layers : i + 1;
    for (size_t l = all ? 0 : i; l < last; l++)
        n += mark_seen(probing, l, whole, mask);
    return n;
}

/* --- measuring --- */

static tsr_status *cut(const tsr_codes *codes, const tsr_code_layer *layer, tsr_codes **out)
{
    *out = NULL;
    return codes ? tsr_codes_slice(codes, layer->first, layer->bits, out) : NULL;
}

static tsr_status *measure_layer(const tsr_probing *probing, size_t i, const tsr_codes *train,
                                 const tsr_codes *test, tsr_status *(*measure)(void *, const tsr_measured *),
                                 void *context)
{
    const tsr_code_layer *layer = &probing->train->layers[i];
    char prefix[32];
    const char *const prefixes[] = { prefix, NULL };
    tsr_codes *own[2] = { NULL, NULL };
    tsr_measured m = {
        .probing = probing, .prefixes = prefixes, .layer = i, .first = layer->first, .bits = layer->bits
    };
    snprintf(prefix, sizeof(prefix), "layer%zu.", i);
    tsr_probing_constant_bits(probing, i, &m.zeros, &m.ones);
    tsr_status *status = cut(train, layer, &own[0]);
    if (!status)
        status = cut(test, layer, &own[1]);
    m.train = own[0];
    m.test = own[1];
    if (!status)
        status = measure(context, &m);
    tsr_codes_free(own[0]);
    tsr_codes_free(own[1]);
    return status;
}

tsr_status *tsr_measure_layers(const tsr_probing *probing, const tsr_codes *train, const tsr_codes *test,
                               tsr_status *(*measure)(void *, const tsr_measured *), void *context)
{
    size_t n_layers = probing->train->n_layers;
    const char *const prefixes[] = { "", n_layers == 1 ? "layer0." : NULL, NULL };
    tsr_measured all = { .probing = probing,
                         .train = train,
                         .test = test,
                         .prefixes = prefixes,
                         .layer = TSR_ALL_LAYERS,
                         .bits = probing->train->bits };
    for (size_t i = 0; i < n_layers; i++) {
        size_t zeros, ones;
        tsr_probing_constant_bits(probing, i, &zeros, &ones);
        all.zeros += zeros;
        all.ones += ones;
    }
    TSR_TRY(measure(context, &all));
    for (size_t i = 0; n_layers > 1 && i < n_layers; i++)
        TSR_TRY(measure_layer(probing, i, train, test, measure, context));
    return NULL;
}

tsr_status *tsr_measured_metric(const tsr_measured *measured, const char *reason, double value,
                                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *name = NULL;
    int length = vasprintf(&name, format, args);
    va_end(args);
    if (length < 0)
        return tsr_no_memory("metrics");
    tsr_status *status = NULL;
    for (const char *const *prefix = measured->prefixes; !status && *prefix; prefix++)
        status = tsr_metric_unless(measured->probing, reason, value, "%s%s", *prefix, name);
    free(name);
    return status;
}

/* --- sizes --- */

tsr_status *tsr_refuse_projection(const tsr_probe_sizes *sizes, const char *what)
{
    return sizes->projection
               ? tsr_fail(TSR_REFUSED, "%s of whole layers: expected projection = 0 and unit_share = 1", what)
               : NULL;
}
