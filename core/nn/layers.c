/* The layers of a network's code: what is known of them, where they lie in the whole code, and their values.
 */
#include "base/guard.h"
#include "nn/network_parts.h"

#include <string.h>

const tsr_code_source *tsr_network_code_source(const tsr_network *network, size_t layer)
{
    return &network->sources[layer];
}

/* Of a layer whose breakpoints move, where they are. */
static void find_breakpoints(const tsr_network *network, const tsr_layer_source *layer, float *at)
{
    const tsr_node *reader = layer->reader;
    tsr_pass pass = { .config = reader->config,
                      .n = 1,
                      .n_inputs = reader->n_inputs,
                      .shapes = reader->shapes,
                      .shape = reader->shape,
                      .parameters = network->store.parameters + reader->first_parameter,
                      .state = network->store.state + reader->first_state,
                      .constants = tsr_node_constants(network->graph, reader) };
    tsr_call before = tsr_guard_note(reader->call);
    reader->op.breakpoints(&pass, at);
    tsr_guard_note(before);
}

void tsr_network_move_breakpoints(tsr_network *network)
{
    for (size_t i = 0; i < network->n_sources; i++)
        if (network->sources[i].moved)
            find_breakpoints(network, &network->layers[i], network->sources[i].moved);
}

size_t tsr_network_n_layers(const tsr_network *network)
{
    return network->n_sources;
}

static size_t first_column(const tsr_network *network, size_t layer)
{
    size_t first = 0;
    for (size_t i = 0; i < layer; i++)
        first += tsr_code_source_columns(&network->sources[i]);
    return first;
}

void tsr_network_layer_sized(const tsr_network *network, size_t i, tsr_layer_info *out, size_t size)
{
    const tsr_code_source *source = &network->sources[i];
    tsr_layer_info info = { .name = source->name,
                            .units = source->units,
                            .positions = source->positions,
                            .channels = source->channels,
                            .n_breakpoints = source->n_breakpoints,
                            .first = first_column(network, i) };
    memset(out, 0, size);
    memcpy(out, &info, size < sizeof(info) ? size : sizeof(info));
}

void tsr_network_breakpoints(const tsr_network *network, size_t i, float *at)
{
    const tsr_code_source *source = &network->sources[i];
    if (source->moved)
        find_breakpoints(network, &network->layers[i], at);
    for (size_t b = 0; !source->moved && b < source->n_breakpoints; b++)
        for (size_t c = 0; c < source->channels; c++)
            at[b * source->channels + c] = source->breakpoints[b];
}

tsr_column tsr_network_column(const tsr_network *network, size_t column)
{
    size_t first = 0;
    for (size_t i = 0; i < network->n_sources; i++) {
        const tsr_code_source *source = &network->sources[i];
        size_t step = tsr_code_source_step(source), n = tsr_code_source_columns(source);
        size_t unit = column >= first ? (column - first) % step : 0;
        if (column >= first && column - first < n && unit < source->units)
            return (tsr_column){ i, unit, unit / (source->units / source->channels),
                                 (column - first) / step };
        first += n;
    }
    return (tsr_column){ .layer = network->n_sources };
}

/* The layer that is wanted, and where the next batch's values go. */
typedef struct one_layer {
    size_t number;
    float *values;
} one_layer;

static void copy_values(void *context, const tsr_layer_values *layer)
{
    one_layer *wanted = context;
    if (layer->number != wanted->number)
        return;
    memcpy(wanted->values, layer->x, layer->n * layer->width * sizeof(float));
    wanted->values += layer->n * layer->width;
}

tsr_status *tsr_network_values(tsr_network *network, size_t i, size_t n, const float *inputs, float *values)
{
    one_layer wanted = { i, values };
    if (i >= network->n_sources)
        return tsr_fail(TSR_REFUSED, "no layer %zu: the code has %zu, counted from 0", i, network->n_sources);
    return tsr_network_forward_all(network, n, inputs, copy_values, &wanted, NULL);
}
