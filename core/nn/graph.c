/* Building a graph. Every node goes through tsr_apply, which checks what it is given and lets the operator's
   setup say the rest. The first failure sticks: from then on each call returns a node that stands for none.
 */
#include "nn/graph.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/ops/ops.h"
#include "plugin/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a failed call returns, so that builders need no check; it is in no graph and is never written to. */
static tsr_node nowhere = { .shape = { 1, { 1 } } };

bool tsr_name_check(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return *name && name[strspn(name, allowed)] == '\0';
}

void tsr_graph_fail(tsr_graph *graph, const char *format, ...)
{
    if (!graph || graph->failure)
        return;
    va_list args;
    va_start(args, format);
    graph->failure = tsr_fail_v(TSR_REFUSED, format, args);
    va_end(args);
}

void tsr_graph_no_memory(tsr_graph *graph)
{
    if (!graph->failure)
        graph->failure = tsr_no_memory("the graph");
}

static tsr_node *node_named(const tsr_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n; i++)
        if (strcmp(graph->nodes[i]->name, name) == 0)
            return graph->nodes[i];
    return NULL;
}

/* "<operator><number>", counted among the nodes of that operator and then on to one that is free. */
static char *default_name(const tsr_graph *graph, const char *operator_name)
{
    size_t number = 0;
    for (size_t i = 1; i < graph->n; i++)
        number += strcmp(graph->nodes[i]->op.name, operator_name) == 0;
    char *name = tsr_format("%s%zu", operator_name, number);
    while (name && node_named(graph, name)) {
        free(name);
        name = tsr_format("%s%zu", operator_name, ++number);
    }
    return name;
}

static void node_free(tsr_node *node)
{
    if (!node)
        return;
    node_free(node->fused);
    for (size_t i = 0; i < node->n_parameters; i++)
        free((char *)(uintptr_t)node->parameters[i].spec.name);
    for (size_t i = 0; i < node->n_states; i++)
        free(node->states[i].name);
    free(node->parameters);
    free(node->states);
    free(node->config);
    free(node->name);
    free(node->inputs);
    free(node->shapes);
    free(node);
}

/* A node at the graph's end that takes over `name`; NULL without memory. */
static tsr_node *node_new(tsr_graph *graph, char *name, size_t n_inputs)
{
    if (graph->n == graph->capacity) {
        size_t capacity = graph->capacity ? graph->capacity * 2 : 16;
        tsr_node **nodes = reallocarray(graph->nodes, capacity, sizeof(*nodes));
        if (!nodes) {
            free(name);
            return NULL;
        }
        graph->nodes = nodes;
        graph->capacity = capacity;
    }
    tsr_node *node = calloc(1, sizeof(*node));
    if (!node || !name) {
        free(node);
        free(name);
        return NULL;
    }
    *node = (tsr_node){ .graph = graph,
                        .index = graph->n,
                        .call = graph->model ? tsr_instance_call(graph->model, TSR_CALL_FORWARD) : 0,
                        .name = name,
                        .first_edge = graph->n_edges,
                        .first_parameter = graph->n_parameters,
                        .first_state = graph->n_states,
                        .first_constant = graph->n_constants };
    node->inputs = calloc(n_inputs ? n_inputs : 1, sizeof(tsr_node *));
    node->shapes = calloc(n_inputs ? n_inputs : 1, sizeof(tsr_shape));
    if (!node->inputs || !node->shapes) {
        node_free(node);
        return NULL;
    }
    graph->nodes[graph->n++] = node;
    return node;
}

tsr_status *tsr_graph_new(const tsr_instance *model, tsr_shape shape, tsr_graph **out)
{
    size_t size;
    char text[TSR_SHAPE_TEXT];
    tsr_shape_format(shape, text, sizeof(text));
    if (!tsr_shape_check(shape, &size))
        return tsr_fail(TSR_REFUSED,
                        "an input of %s is not possible: each dimension must be at least 1, and a sample "
                        "must fit into memory",
                        text);
    tsr_graph *graph = calloc(1, sizeof(*graph));
    if (!graph)
        return tsr_no_memory("the graph");
    graph->model = model;
    tsr_node *input = node_new(graph, strdup("input"), 0);
    if (!input) {
        tsr_graph_free(graph);
        return tsr_no_memory("the graph");
    }
    input->shape = shape;
    *out = graph;
    return NULL;
}

void tsr_graph_free(tsr_graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; i < graph->n; i++)
        node_free(graph->nodes[i]);
    for (size_t i = 0; i < graph->n_constants; i++)
        free((char *)(uintptr_t)graph->constants[i].spec.name);
    free(graph->constants);
    free(graph->constant_values);
    free(graph->nodes);
    tsr_status_free(graph->failure);
    free(graph);
}

/* ABI 1.0's: an operator that was built before the structure grew is as good as it was. */
static const size_t min_op_size = offsetof(tsr_op, backward) + sizeof(((tsr_op *)0)->backward);

static bool op_is_usable(tsr_graph *graph, const tsr_op *op)
{
    if (!op)
        tsr_graph_fail(graph, "an operator is NULL");
    else if (op->size < min_op_size)
        tsr_graph_fail(graph, "an operator's size is %zu, expected sizeof(tsr_op), %zu", op->size,
                       sizeof(tsr_op));
    else if (!op->name || !tsr_name_check(op->name))
        tsr_graph_fail(graph, "an operator's name is '%s', expected letters, digits and _.-",
                       op->name ? op->name : "NULL");
    else if (!op->setup || !op->forward || !op->backward)
        tsr_graph_fail(graph, "operator %s: setup, forward or backward is NULL", op->name);
    return !graph->failure;
}

static bool inputs_are_usable(tsr_graph *graph, const tsr_node *node, size_t n, tsr_node *const *inputs)
{
    if (n == 0 || !inputs)
        tsr_graph_fail(graph, "%s: no inputs, expected at least 1", node->name);
    for (size_t i = 0; i < n && !graph->failure; i++) {
        if (!inputs[i])
            tsr_graph_fail(graph, "%s: input %zu is NULL", node->name, i);
        else if (inputs[i]->graph != graph)
            tsr_graph_fail(graph, "%s: input %zu is a node of another graph", node->name, i);
    }
    return !graph->failure;
}

static bool take_config(tsr_graph *graph, tsr_node *node, const void *config)
{
    size_t size = node->op.config_size;
    if (size && !config) {
        tsr_graph_fail(graph, "%s: the configuration is NULL, expected %zu bytes", node->name, size);
        return false;
    }
    node->config = tsr_alloc(size, 1);
    if (!node->config) {
        tsr_graph_no_memory(graph);
        return false;
    }
    if (size)
        memcpy(node->config, config, size);
    return true;
}

tsr_node *tsr_apply(tsr_graph *graph, const tsr_op *op, const void *config, size_t n_inputs,
                    tsr_node *const *inputs)
{
    if (!graph || graph->failure || !op_is_usable(graph, op))
        return &nowhere;
    tsr_node *node = node_new(graph, default_name(graph, op->name), n_inputs);
    if (!node) {
        tsr_graph_no_memory(graph);
        return &nowhere;
    }
    node->identity = op;
    node->op = *op;
    if (!inputs_are_usable(graph, node, n_inputs, inputs) || !take_config(graph, node, config))
        return &nowhere;
    node->n_inputs = n_inputs;
    graph->n_edges += n_inputs;
    for (size_t i = 0; i < n_inputs; i++) {
        node->inputs[i] = inputs[i];
        node->shapes[i] = inputs[i]->shape;
    }
    tsr_setup setup = { .graph = graph, .node = node };
    op->setup(&setup);
    if (!setup.sized)
        tsr_graph_fail(graph, "%s: its setup gives no output shape", node->name);
    return graph->failure ? &nowhere : node;
}

tsr_node *tsr_named(tsr_graph *graph, tsr_node *x, const char *format, ...)
{
    if (!graph || graph->failure)
        return &nowhere;
    va_list args;
    va_start(args, format);
    char *name;
    if (vasprintf(&name, format, args) < 0)
        name = NULL;
    va_end(args);
    if (!name)
        tsr_graph_no_memory(graph);
    else if (!x)
        tsr_graph_fail(graph, "the node to be named '%s' is NULL", name);
    else if (x->graph != graph)
        tsr_graph_fail(graph, "the node to be named '%s' is of another graph", name);
    else if (!tsr_name_check(name))
        tsr_graph_fail(graph, "%s: cannot be named '%s', expected letters, digits and _.-", x->name, name);
    else if (node_named(graph, name) && node_named(graph, name) != x)
        tsr_graph_fail(graph, "%s: cannot be named '%s', another node is", x->name, name);
    if (graph->failure) {
        free(name);
        return &nowhere;
    }
    free(x->name);
    x->name = name;
    return x;
}

tsr_shape tsr_node_shape(const tsr_node *x)
{
    return x ? x->shape : nowhere.shape;
}

static tsr_status *check_logits(const tsr_graph *graph, const tsr_node *logits, int classes)
{
    if (!logits)
        return tsr_fail(TSR_REFUSED, "build returned NULL, expected the node of the logits");
    if (logits->graph != graph)
        return tsr_fail(TSR_REFUSED, "build returned a node of another graph");
    if (tsr_shape_size(logits->shape) == (size_t)classes)
        return NULL;
    char text[TSR_SHAPE_TEXT];
    tsr_shape_format(logits->shape, text, sizeof(text));
    return tsr_fail(TSR_REFUSED, "build returned '%s' of %s values, expected %d, one per class", logits->name,
                    text, classes);
}

/* From the logits back: who is needed, and what lies below an activation. */
static void mark_backwards(tsr_graph *graph)
{
    graph->logits->needed = true;
    for (size_t i = graph->n; i-- > 0;) {
        const tsr_node *node = graph->nodes[i];
        bool below = node->below_activation || node->identity == &tsr_op_activation;
        for (size_t k = 0; k < node->n_inputs && node->needed; k++) {
            node->inputs[k]->needed = true;
            node->inputs[k]->below_activation |= below;
        }
    }
}

static void mark_gradients(tsr_graph *graph)
{
    for (size_t i = 0; i < graph->n; i++) {
        tsr_node *node = graph->nodes[i];
        node->needs_gradient = node->n_parameters > 0;
        for (size_t k = 0; k < node->n_inputs; k++)
            node->needs_gradient |= node->inputs[k]->needs_gradient;
    }
}

tsr_status *tsr_graph_finish(tsr_graph *graph, tsr_node *logits, int classes)
{
    tsr_status *failure = graph->failure;
    graph->failure = NULL;
    if (failure)
        return failure;
    TSR_TRY(check_logits(graph, logits, classes));
    graph->logits = logits;
    mark_backwards(graph);
    mark_gradients(graph);
    for (size_t i = 0; i < graph->n; i++)
        if (!graph->nodes[i]->needed)
            return tsr_fail(TSR_REFUSED, "'%s' is not used: the logits, '%s', do not depend on it",
                            graph->nodes[i]->name, logits->name);
    return tsr_graph_fuse(graph);
}
