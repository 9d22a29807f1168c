/* Initial values that a model gives: of a network from elsewhere, say. */
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/network_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the node keeps what is given for its array of this name, and how many values that has; NULL: there is
   no such array. */
static float **find(tsr_node *node, const char *name, size_t *n)
{
    for (size_t i = 0; i < node->n_parameters; i++)
        if (strcmp(node->parameters[i].spec.name, name) == 0) {
            *n = node->parameters[i].n;
            return &node->parameters[i].given;
        }
    for (size_t i = 0; i < node->n_states; i++)
        if (strcmp(node->states[i].name, name) == 0) {
            *n = node->states[i].n;
            return &node->states[i].given;
        }
    return NULL;
}

static bool are_finite(tsr_graph *graph, const tsr_node *node, const char *name, size_t n,
                       const float *values)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) {
            tsr_graph_fail(graph, "%s: initial value %zu of its %s is %g, expected finite ones", node->name,
                           i, name, (double)values[i]);
            return false;
        }
    return true;
}

static void give(tsr_graph *graph, tsr_node *node, const char *name, size_t n, const float *values)
{
    size_t expected;
    float **given = find(node, name, &expected);
    if (node->again)
        tsr_graph_fail(graph, "%s: initial values of its %s are to be given to '%s', which it applies again",
                       node->name, name, node->again->name);
    else if (!given)
        tsr_graph_fail(graph, "%s: has no '%s' that initial values could be given to", node->name, name);
    else if (n != expected)
        tsr_graph_fail(graph, "%s: %zu initial values of its %s, expected %zu", node->name, n, name,
                       expected);
    else if (are_finite(graph, node, name, n, values)) {
        float *copy = tsr_alloc(n, sizeof(float));
        if (!copy) {
            tsr_graph_no_memory(graph);
            return;
        }
        memcpy(copy, values, n * sizeof(float));
        free(*given);
        *given = copy;
    }
}

tsr_node *tsr_initial(tsr_graph *graph, tsr_node *x, const char *parameter, size_t n, const float *values)
{
    if (!graph || graph->failure)
        return tsr_graph_nowhere();
    if (!x || x->graph != graph)
        tsr_graph_fail(graph, "initial values are given to %s", x ? "a node of another graph" : "NULL");
    else if (!parameter || !values)
        tsr_graph_fail(graph, "%s: %s is NULL", x->name,
                       parameter ? "the array of initial values" : "the parameter of initial values");
    else
        give(graph, x, parameter, n, values);
    return graph->failure ? tsr_graph_nowhere() : x;
}

void tsr_network_given(const tsr_network *network,
                       void (*visit)(void *context, const char *name, size_t n, const float *values),
                       void *context)
{
    for (size_t i = 0; i < network->graph->n; i++) {
        const tsr_node *node = network->graph->nodes[i];
        for (size_t k = 0; k < node->n_parameters; k++)
            if (node->parameters[k].given)
                visit(context, node->name, node->parameters[k].n, node->parameters[k].given);
        for (size_t k = 0; k < node->n_states; k++)
            if (node->states[k].given)
                visit(context, node->name, node->states[k].n, node->states[k].given);
    }
}
