/* A pass that keeps every output, to look for the first that is not finite. */
#include "nn/not_finite.h"

#include "base/memory.h"
#include "nn/network_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool all_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static const char *find(const tsr_network *network, size_t n)
{
    const tsr_graph *graph = network->graph;
    for (size_t i = 1; i < graph->n; i++) {
        const float *values = network->plan->values[i]; /* NULL: another operator does its work */
        if (values && !graph->nodes[i]->absorbed &&
            !all_finite(values, n * tsr_shape_size(graph->nodes[i]->shape)))
            return graph->nodes[i]->name;
    }
    return NULL;
}

const char *tsr_network_first_not_finite(tsr_network *network, size_t n, uint64_t seed, uint64_t step)
{
    size_t size = n * tsr_shape_size(tsr_network_input(network));
    float *inputs = tsr_alloc(size, sizeof(*inputs));
    if (!inputs)
        return NULL;
    memcpy(inputs, tsr_network_input_values(network), size * sizeof(*inputs));
    const char *name = all_finite(inputs, size) ? NULL : network->graph->nodes[0]->name;
    tsr_status *status = name ? NULL : tsr_network_plan_apart(network, n);
    if (!name && !status) {
        memcpy(tsr_network_input_values(network), inputs, size * sizeof(*inputs));
        tsr_plan_forward(network->plan, n, true, seed, step, NULL, NULL);
        name = find(network, n);
    }
    tsr_status_free(status);
    free(inputs);
    return name;
}
