/* Choosing which layers codes are made of, and whether of units or of channels. */
#include "nn/network_parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/ops/ops.h"
#include "plugin/keys.h"

#include <stdlib.h>
#include <string.h>

static size_t find_source(const tsr_network *network, const char *name)
{
    for (size_t i = 0; i < network->n_sources; i++)
        if (strcmp(network->sources[i].name, name) == 0)
            return i;
    return network->n_sources;
}

static tsr_status *no_such_layer(const tsr_network *network, const char *name)
{
    tsr_text known = { 0 };
    for (size_t i = 0; i < network->n_sources; i++)
        tsr_text_add(&known, "%s%s", i ? ", " : "", network->sources[i].name);
    tsr_status *status = tsr_fail(TSR_REFUSED, "no layer of the code is called '%s', expected of: %s",
                                  tsr_line_shown(name), known.chars ? known.chars : "none");
    free(known.chars);
    return status;
}

static bool is_chosen(const tsr_code_choice *choice, const char *name)
{
    bool chosen = choice->n_layers == 0;
    for (size_t i = 0; i < choice->n_layers && !chosen; i++)
        chosen = strcmp(choice->layers[i], name) == 0;
    return chosen;
}

tsr_status *tsr_network_choose_code(tsr_network *network, const tsr_code_choice *choice)
{
    for (size_t i = 0; i < choice->n_layers; i++)
        if (find_source(network, choice->layers[i]) == network->n_sources)
            return no_such_layer(network, choice->layers[i]);
    size_t kept = 0;
    for (size_t i = 0; i < network->n_sources; i++) {
        tsr_code_source source = network->sources[i];
        tsr_layer_source layer = network->layers[i];
        if (!is_chosen(choice, source.name)) {
            free(source.moved);
            continue;
        }
        if (choice->by_channel) {
            source.units = source.channels;
            source.positions = tsr_shape_positions(layer.values->shape);
        }
        network->layers[kept] = layer;
        network->sources[kept++] = source;
    }
    network->n_sources = kept;
    return NULL;
}
