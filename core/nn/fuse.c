/* Chains of nodes that are run as one. On feature maps, batch norm - activation, and batch norm - add -
   activation, where no other node reads what is between: memory is then read and written once instead of two
   or three times. The nodes stay in the graph, which names their parameters, and where a tap is to see what
   an activation gets they are run one by one. */
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <stdlib.h>
#include <string.h>

/* Batch norm, what is added to it (NULL: nothing) and the activation of the sum. */
typedef struct chain {
    tsr_node *norm, *sum, *activation;
    tsr_node *beside;
} chain;

/* Whether `node` is read by nobody but one reader, once. */
static bool is_between(const tsr_graph *graph, const tsr_node *node, const size_t *readers)
{
    return readers[node->index] == 1 && node != graph->logits;
}

/* A layer that is applied several times is run as it is: gradients are added in the order of its uses. */
static bool is_applied_once(const tsr_node *node)
{
    return !node->again && !node->last_use;
}

/* The parameters of the one operator are batch norm's and then the activation's: they must lie so. */
static bool parameters_follow(const tsr_node *norm, const tsr_node *activation)
{
    return !activation->n_parameters ||
           activation->first_parameter == norm->first_parameter + norm->n_parameters;
}

static bool is_norm(const tsr_graph *graph, const tsr_node *node, const tsr_node *activation,
                    const size_t *readers)
{
    return node->identity == &tsr_op_batch_norm && is_applied_once(node) &&
           is_between(graph, node, readers) && parameters_follow(node, activation);
}

static bool find_chain(const tsr_graph *graph, tsr_node *activation, const size_t *readers, chain *out)
{
    if (activation->identity != &tsr_op_activation || !is_applied_once(activation) ||
        tsr_shape_positions(activation->shape) == 1)
        return false;
    tsr_node *x = activation->inputs[0];
    *out = (chain){ .norm = x, .activation = activation };
    if (is_norm(graph, x, activation, readers))
        return true;
    if (x->identity != &tsr_op_add || !is_between(graph, x, readers))
        return false;
    for (size_t k = 0; k < 2; k++) {
        *out = (chain){ x->inputs[k], x, activation, x->inputs[1 - k] };
        if (is_norm(graph, out->norm, activation, readers))
            return true;
    }
    return false;
}

static tsr_status *fuse(tsr_graph *graph, const chain *found)
{
    const tsr_node *norm = found->norm;
    size_t n_inputs = found->beside ? 2 : 1;
    tsr_node *fused = tsr_alloc(1, sizeof(*fused));
    tsr_batch_norm_config *config = tsr_alloc(1, sizeof(*config));
    tsr_node **inputs = tsr_alloc(n_inputs, sizeof(tsr_node *));
    tsr_shape *shapes = tsr_alloc(n_inputs, sizeof(tsr_shape));
    found->activation->fused = fused;
    if (!fused || !config || !inputs || !shapes) {
        free(config);
        free(inputs);
        free(shapes);
        return tsr_no_memory("the graph");
    }
    memcpy(config, norm->config, sizeof(*config));
    config->activation = found->activation->config;
    *fused = (tsr_node){ .graph = graph,
                         .index = found->activation->index,
                         .call = found->activation->call,
                         .identity = norm->identity,
                         .op = norm->op,
                         .config = config,
                         .n_inputs = n_inputs,
                         .inputs = inputs,
                         .shapes = shapes,
                         .shape = norm->shape,
                         .saved = norm->saved,
                         .scratch = norm->scratch,
                         .first_edge = graph->n_edges,
                         .first_parameter = norm->first_parameter,
                         .first_state = norm->first_state,
                         .first_constant = norm->first_constant,
                         .needed = true,
                         .needs_gradient = true };
    inputs[0] = norm->inputs[0];
    if (found->beside)
        inputs[1] = found->beside;
    shapes[0] = shapes[n_inputs - 1] = norm->shape;
    graph->n_edges += n_inputs;
    found->norm->absorbed = true;
    if (found->sum)
        found->sum->absorbed = true;
    return NULL;
}

tsr_status *tsr_graph_fuse(tsr_graph *graph)
{
    size_t *readers = tsr_alloc(graph->n, sizeof(*readers));
    if (!readers)
        return tsr_no_memory("the graph");
    for (size_t i = 0; i < graph->n; i++)
        for (size_t k = 0; k < graph->nodes[i]->n_inputs; k++)
            readers[graph->nodes[i]->inputs[k]->index]++;
    tsr_status *status = NULL;
    for (size_t i = 0; i < graph->n && !status; i++) {
        chain found;
        if (find_chain(graph, graph->nodes[i], readers, &found))
            status = fuse(graph, &found);
    }
    free(readers);
    return status;
}
