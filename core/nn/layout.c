/* Laying a network out: its parameters flat, one after the other, drawn from their own streams; what is kept
   beside them; and which values give code bits. */
#include "nn/network_parts.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/initial.h"
#include "nn/ops/ops.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16 /* floats: each tensor begins at a multiple of 64 bytes */

static bool add_padded(size_t *sum, size_t n)
{
    size_t padded = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; /* n is checked: at most PTRDIFF_MAX / 4 */
    return !__builtin_add_overflow(*sum, padded, sum) && *sum <= PTRDIFF_MAX / sizeof(float) - ALIGNMENT;
}

static tsr_status *count_floats(const tsr_graph *graph, size_t *parameters, size_t *states, size_t *trained)
{
    *parameters = *states = *trained = 0;
    for (size_t i = 0; i < graph->n; i++) {
        const tsr_node *node = graph->nodes[i];
        for (size_t k = 0; k < node->n_parameters; k++) {
            *trained += node->parameters[k].n; /* at most the padded sum, which is checked */
            if (!add_padded(parameters, node->parameters[k].n))
                return tsr_fail(TSR_NO_MEMORY, "its parameters do not fit into memory");
        }
        for (size_t k = 0; k < node->n_states; k++)
            if (!add_padded(states, node->states[k].n))
                return tsr_fail(TSR_NO_MEMORY, "its running statistics do not fit into memory");
    }
    return NULL;
}

static tsr_status *allocate(tsr_network *network)
{
    const tsr_graph *graph = network->graph;
    size_t n_states;
    TSR_TRY(count_floats(graph, &network->flat.count, &n_states, &network->n_trained));
    network->flat.values = tsr_alloc(network->flat.count, sizeof(float));
    network->flat.gradients = tsr_alloc(network->flat.count, sizeof(float));
    network->state_values = tsr_alloc(n_states, sizeof(float));
    if (!network->flat.values || !network->flat.gradients || !network->state_values)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu parameters", network->n_trained);
    network->tensors = tsr_alloc(graph->n_parameters, sizeof(*network->tensors));
    network->states = tsr_alloc(graph->n_states, sizeof(*network->states));
    network->store = (tsr_network_arrays){ tsr_alloc(graph->n_parameters, sizeof(float *)),
                                           tsr_alloc(graph->n_parameters, sizeof(float *)),
                                           tsr_alloc(graph->n_states, sizeof(float *)) };
    network->sources = tsr_alloc(graph->n_code_points, sizeof(*network->sources));
    network->layers = tsr_alloc(graph->n_code_points, sizeof(*network->layers));
    if (!network->tensors || !network->states || !network->store.parameters || !network->store.gradients ||
        !network->store.state || !network->sources || !network->layers)
        return tsr_no_memory("the network");
    return NULL;
}

static tsr_status *lay_out_parameters(tsr_network *network, const tsr_node *node, uint64_t seed,
                                      size_t *offset)
{
    for (size_t k = 0; k < node->n_parameters; k++) {
        const tsr_node_parameter *declared = &node->parameters[k];
        size_t number = node->first_parameter + k;
        float *values = network->flat.values + *offset, *gradient = network->flat.gradients + *offset;
        tsr_network_parameter *tensor = &network->tensors[number];
        *tensor = (tsr_network_parameter){
            .parameter = { .name = tsr_format("%s.%s", node->name, declared->spec.name),
                           .role = declared->spec.role,
                           .n_dims = declared->spec.n_dims,
                           .n = declared->n,
                           .values = values },
            .values = values,
            .gradient = gradient,
            .hidden = node->below_activation,
        };
        if (!tensor->parameter.name)
            return tsr_no_memory("the network");
        memcpy(tensor->parameter.dims, declared->spec.dims, sizeof(declared->spec.dims));
        if (declared->given)
            memcpy(values, declared->given, declared->n * sizeof(float));
        else
            TSR_TRY(tsr_initial_values(&declared->spec, declared->n, seed, number, values));
        network->store.parameters[number] = values;
        network->store.gradients[number] = gradient;
        add_padded(offset, declared->n);
    }
    return NULL;
}

static tsr_status *lay_out_states(tsr_network *network, const tsr_node *node, size_t *offset)
{
    for (size_t k = 0; k < node->n_states; k++) {
        const tsr_node_state *declared = &node->states[k];
        size_t number = node->first_state + k;
        tsr_network_state *state = &network->states[number];
        *state = (tsr_network_state){ .name = tsr_format("%s.%s", node->name, declared->name),
                                      .n = declared->n,
                                      .values = network->state_values + *offset };
        if (!state->name)
            return tsr_no_memory("the network");
        for (size_t i = 0; i < declared->n; i++)
            state->values[i] = declared->given ? declared->given[i] : declared->initial;
        network->store.state[number] = state->values;
        add_padded(offset, declared->n);
    }
    return NULL;
}

static tsr_status *add_code_source(tsr_network *network, const tsr_code_point *point)
{
    tsr_shape shape = point->values->shape;
    size_t channels = tsr_shape_channels(shape), n;
    float *moved = NULL;
    if (point->reader && point->reader->op.breakpoints) {
        moved = tsr_checked_multiply(point->n, channels, &n) ? tsr_alloc(n, sizeof(float)) : NULL;
        if (!moved)
            return tsr_no_memory("the network");
    }
    network->layers[network->n_sources] =
        (tsr_layer_source){ .values = point->values, .reader = point->reader };
    network->sources[network->n_sources++] = (tsr_code_source){ .name = tsr_code_point_name(point),
                                                                .units = tsr_shape_size(shape),
                                                                .positions = 1,
                                                                .channels = channels,
                                                                .n_breakpoints = point->n,
                                                                .breakpoints = point->breakpoints,
                                                                .moved = moved };
    return NULL;
}

tsr_status *tsr_network_lay_out(tsr_network *network, uint64_t seed)
{
    size_t parameters = 0, states = 0;
    TSR_TRY(allocate(network));
    for (size_t i = 1; i < network->graph->n; i++) {
        const tsr_node *node = network->graph->nodes[i];
        TSR_TRY(lay_out_parameters(network, node, seed, &parameters));
        TSR_TRY(lay_out_states(network, node, &states));
    }
    for (size_t i = 0; i < network->graph->n_code_points; i++)
        TSR_TRY(add_code_source(network, &network->graph->code_points[i]));
    return NULL;
}
