/* Choosing which activations codes are made of, and whether of units or of channels. */
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
    return TSR_NO_LAYER;
}

static tsr_status *no_such_layer(const tsr_network *network, const char *name)
{
    tsr_text known = { 0 };
    for (size_t i = 0; i < network->n_sources; i++)
        tsr_text_add(&known, "%s%s", i ? ", " : "", network->sources[i].name);
    tsr_status *status = tsr_fail(TSR_REFUSED, "no activation is called '%s', expected of: %s",
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
        if (find_source(network, choice->layers[i]) == TSR_NO_LAYER)
            return no_such_layer(network, choice->layers[i]);
    size_t kept = 0;
    for (size_t i = 0; i < network->graph->n; i++) {
        const tsr_node *node = network->graph->nodes[i];
        if (node->identity != &tsr_op_activation)
            continue;
        tsr_code_source source = network->sources[network->layers[i]];
        bool chosen = is_chosen(choice, source.name);
        network->layers[i] = chosen ? kept : TSR_NO_LAYER;
        if (!chosen) {
            free((float *)(uintptr_t)source.breakpoints);
            continue;
        }
        if (choice->by_channel) {
            source.units = tsr_shape_channels(node->shape);
            source.positions = tsr_shape_positions(node->shape);
        }
        network->sources[kept++] = source;
    }
    network->n_sources = kept;
    return NULL;
}
