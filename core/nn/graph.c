/* Building a graph. Every node goes through tsr_apply, which checks what it is given and lets the operator's
   setup say the rest. The first failure sticks: from then on each call returns a node that stands for none.
 */
#include "nn/graph.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/ops/ops.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/model.h>

/* What a failed call returns, so that builders need no check; it is in no graph and is never written to. */
static tsr_node nowhere = { .shape = { 1, { 1 } } };

tsr_node *tsr_graph_nowhere(void)
{
    return &nowhere;
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

void tsr_graph_at(tsr_graph *graph, const char *format, ...)
{
    if (!graph || graph->failure)
        return;
    char *place;
    va_list args;
    va_start(args, format);
    if (vasprintf(&place, format, args) < 0)
        place = NULL;
    va_end(args);
    free(graph->place);
    graph->place = place;
    if (!place)
        tsr_graph_no_memory(graph);
}

void tsr_graph_no_memory(tsr_graph *graph)
{
    if (!graph->failure)
        graph->failure = tsr_no_memory("the graph");
}

static void node_free(tsr_node *node)
{
    if (!node)
        return;
    node_free(node->fused);
    for (size_t i = 0; i < node->n_parameters; i++) {
        free((char *)(uintptr_t)node->parameters[i].spec.name);
        free(node->parameters[i].given);
    }
    for (size_t i = 0; i < node->n_states; i++) {
        free(node->states[i].name);
        free(node->states[i].given);
    }
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
    tsr_graph_clear_code(graph);
    while (graph->scope)
        tsr_graph_leave_scope(graph);
    free(graph->place);
    free(graph->constants);
    free(graph->constant_values);
    free(graph->terms);
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

/* Makes `node` read what belongs to `first`, and tells that one. */
static void share(tsr_node *node, tsr_node *first)
{
    node->again = first;
    node->first_parameter = first->first_parameter;
    node->first_state = first->first_state;
    node->first_constant = first->first_constant;
    node->call = first->call;
    first->last_use = node;
}

/* A node with parameters of its own or, where `again` is one, with that node's. */
static tsr_node *apply(tsr_graph *graph, const tsr_op *op, const void *config, tsr_node *again,
                       size_t n_inputs, tsr_node *const *inputs)
{
    tsr_node *node = node_new(graph, tsr_graph_default_name(graph, op->name), n_inputs);
    if (!node) {
        tsr_graph_no_memory(graph);
        return &nowhere;
    }
    node->identity = op;
    memcpy(&node->op, op, op->size < sizeof(node->op) ? op->size : sizeof(node->op));
    if (!inputs_are_usable(graph, node, n_inputs, inputs) || !take_config(graph, node, config))
        return &nowhere;
    node->n_inputs = n_inputs;
    graph->n_edges += n_inputs;
    for (size_t i = 0; i < n_inputs; i++) {
        node->inputs[i] = inputs[i];
        node->shapes[i] = inputs[i]->shape;
    }
    if (again)
        share(node, again);
    tsr_setup setup = { .graph = graph, .node = node };
    op->setup(&setup);
    if (!setup.sized)
        tsr_graph_fail(graph, "%s: its setup gives no output shape", node->name);
    else if (again && (node->n_shared != again->n_parameters || node->n_shared_states != again->n_states))
        tsr_graph_fail(graph, "%s: has fewer parameters than '%s', which it is to apply again", node->name,
                       again->name);
    return graph->failure ? &nowhere : node;
}

tsr_node *tsr_apply(tsr_graph *graph, const tsr_op *op, const void *config, size_t n_inputs,
                    tsr_node *const *inputs)
{
    if (!graph || graph->failure || !op_is_usable(graph, op))
        return &nowhere;
    return apply(graph, op, config, NULL, n_inputs, inputs);
}

tsr_node *tsr_apply_again(tsr_graph *graph, tsr_node *layer, size_t n_inputs, tsr_node *const *inputs)
{
    if (!graph || graph->failure)
        return &nowhere;
    if (!layer)
        tsr_graph_fail(graph, "the layer to be applied again is NULL");
    else if (layer->graph != graph)
        tsr_graph_fail(graph, "the layer to be applied again is of another graph");
    else if (!layer->identity)
        tsr_graph_fail(graph, "'%s' is the network's input and cannot be applied again", layer->name);
    else if (n_inputs != layer->n_inputs)
        tsr_graph_fail(graph, "'%s' is to be applied again to %zu inputs, expected %zu", layer->name,
                       n_inputs, layer->n_inputs);
    if (graph->failure)
        return &nowhere;
    if (layer->again)
        layer = layer->again;
    return apply(graph, layer->identity, layer->config, layer, n_inputs, inputs);
}

tsr_node *tsr_again(tsr_graph *graph, tsr_node *layer, tsr_node *x)
{
    return tsr_apply_again(graph, layer, 1, &x);
}

void tsr_add_loss_term(tsr_graph *graph, tsr_node *x, double weight)
{
    char text[TSR_SHAPE_TEXT];
    if (!graph || graph->failure)
        return;
    if (!x || x->graph != graph)
        tsr_graph_fail(graph, "a term of the loss is %s", x ? "a node of another graph" : "NULL");
    else if (tsr_shape_size(x->shape) != 1)
        tsr_graph_fail(
            graph, "'%s', a term of the loss, is %s, expected one value for a sample, as tsr_mean gives it",
            x->name, tsr_shape_format(x->shape, text, sizeof(text)));
    else if (!isfinite(weight))
        tsr_graph_fail(graph, "the weight of '%s', a term of the loss, is %g, expected a finite number",
                       x->name, weight);
    if (graph->failure)
        return;
    tsr_loss_term *terms = reallocarray(graph->terms, graph->n_terms + 1, sizeof(*terms));
    if (!terms) {
        tsr_graph_no_memory(graph);
        return;
    }
    graph->terms = terms;
    terms[graph->n_terms++] = (tsr_loss_term){ x, weight };
}

const char *tsr_node_name(const tsr_node *x)
{
    return x && x->name ? x->name : "";
}

tsr_shape tsr_node_shape(const tsr_node *x)
{
    return x ? x->shape : nowhere.shape;
}

static tsr_status *check_logits(const tsr_graph *graph, const tsr_node *logits, int outputs)
{
    if (!logits)
        return tsr_fail(TSR_REFUSED, "build returned NULL, expected the node of the logits");
    if (logits->graph != graph)
        return tsr_fail(TSR_REFUSED, "build returned a node of another graph");
    if (tsr_shape_size(logits->shape) == (size_t)outputs)
        return NULL;
    char text[TSR_SHAPE_TEXT];
    tsr_shape_format(logits->shape, text, sizeof(text));
    return tsr_fail(TSR_REFUSED, "build returned '%s' of %s values, expected %d, as many as it was asked for",
                    logits->name, text, outputs);
}

/* From the logits and the terms of the loss back: who is needed, who is looked at, and what lies below an
   activation or a tap. */
static void mark_backwards(tsr_graph *graph)
{
    graph->logits->needed = graph->logits->looked_at = true;
    for (size_t i = 0; i < graph->n_terms; i++)
        graph->terms[i].node->needed = true;
    for (size_t i = 0; i < graph->n_code_points; i++)
        graph->code_points[i].values->seen = graph->code_points[i].values->looked_at = true;
    for (size_t i = graph->n; i-- > 0;) {
        tsr_node *node = graph->nodes[i];
        node->below_activation |= node->tapped && node != graph->logits;
        bool below = node->below_activation || node->reads_code || node->identity == &tsr_op_activation;
        for (size_t k = 0; k < node->n_inputs; k++) {
            node->inputs[k]->needed |= node->needed;
            node->inputs[k]->looked_at |= node->looked_at;
            node->inputs[k]->below_activation |= below && node->needed;
        }
    }
    for (size_t i = 0; i < graph->n; i++)
        if (graph->nodes[i]->again)
            graph->nodes[i]->again->below_activation |= graph->nodes[i]->below_activation;
}

/* All uses of a layer but its last, which comes first backwards, have their gradients added to it. */
static void mark_added(tsr_graph *graph)
{
    for (size_t i = 0; i < graph->n; i++) {
        tsr_node *node = graph->nodes[i], *first = node->again ? node->again : node;
        node->adds_gradients = first->last_use && first->last_use != node;
        node->first_added = graph->n_added;
        if (node->adds_gradients)
            graph->n_added += first->n_parameters;
    }
}

static void mark_gradients(tsr_graph *graph)
{
    for (size_t i = 0; i < graph->n; i++) {
        tsr_node *node = graph->nodes[i];
        node->needs_gradient = node->n_parameters + node->n_shared > 0;
        for (size_t k = 0; k < node->n_inputs; k++)
            node->needs_gradient |= node->inputs[k]->needs_gradient;
    }
}

/* What is trained must lead to the logits, and the rest at least to a tap. */
static tsr_status *check_use(const tsr_node *node, const tsr_node *logits)
{
    if (node->needed)
        return NULL;
    if (!node->looked_at)
        return tsr_fail(TSR_REFUSED,
                        "'%s' is not used: neither the logits, '%s', nor a term of the loss depends on it",
                        node->name, logits->name);
    if (node->n_parameters || node->n_shared)
        return tsr_fail(TSR_REFUSED,
                        "'%s' has parameters that nothing trains: taps look at it, but the logits, '%s', do "
                        "not depend on it",
                        node->name, logits->name);
    return NULL;
}

tsr_status *tsr_graph_finish(tsr_graph *graph, tsr_node *logits, int outputs)
{
    tsr_status *failure = graph->failure;
    graph->failure = NULL;
    if (failure)
        return graph->place && *graph->place ? tsr_context(failure, "%s", graph->place) : failure;
    TSR_TRY(check_logits(graph, logits, outputs));
    if (graph->scope)
        return tsr_fail(TSR_REFUSED, "the scope of names '%s' is not ended: a tsr_scope_end is missing",
                        tsr_graph_scope(graph));
    TSR_TRY(tsr_graph_check_code(graph));
    graph->logits = logits;
    mark_backwards(graph);
    mark_gradients(graph);
    mark_added(graph);
    for (size_t i = 0; i < graph->n; i++)
        TSR_TRY(check_use(graph->nodes[i], logits));
    return tsr_graph_fuse(graph);
}

/* --- nested models --- */

tsr_node *tsr_build_model(tsr_graph *graph, const tsr_instance *model, tsr_node *input, int classes)
{
    if (!graph || graph->failure)
        return tsr_graph_nowhere();
    if (!model || tsr_instance_loaded(model)->plugin.kind != TSR_MODEL) {
        tsr_graph_fail(graph, "a nested model is %s", model ? "no model" : "NULL");
        return tsr_graph_nowhere();
    }
    const tsr_model_ops *ops = tsr_instance_ops(model);
    const tsr_instance *outer = graph->model;
    graph->model = model;
    tsr_call before = tsr_guard_note(tsr_instance_call(model, TSR_CALL_BUILD));
    tsr_node *last = ops->build(tsr_instance_self(model), graph, input, classes);
    tsr_guard_note(before);
    graph->model = outer;
    if (!last)
        tsr_graph_fail(graph, "model %s: build gives NULL", tsr_instance_name(model));
    return last ? last : tsr_graph_nowhere();
}
