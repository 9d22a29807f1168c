/* The values of a file by their names, and which of them the output needs. */
#include "translate.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return strcmp(((const onnx_value *)a)->name, ((const onnx_value *)b)->name);
}

onnx_value *onnx_value_find(const onnx_translation *t, const char *name)
{
    const onnx_value wanted = { .name = name };
    onnx_value *const *found = tfind(&wanted, (void *const *)&t->values, compare);
    return found ? *found : NULL;
}

/* A new value; NULL and failed where its name is taken or memory is short. */
static onnx_value *enter(onnx_translation *t, const char *name)
{
    if (onnx_value_find(t, name)) {
        onnx_fail(t, "the value '%s' is made twice", onnx_shown(name).chars);
        return NULL;
    }
    onnx_value *value = calloc(1, sizeof(*value));
    if (value) {
        value->name = name;
        if (tsearch(value, &t->values, compare))
            return value;
    }
    free(value);
    onnx_fail(t, "not enough memory");
    return NULL;
}

static void enter_all(onnx_translation *t)
{
    const Onnx__Graph *graph = t->file->model->graph;
    for (size_t i = 0; i < graph->n_initializer && !t->failed; i++) {
        onnx_value *value = enter(t, onnx_text(graph->initializer[i]->name));
        if (value)
            value->tensor = graph->initializer[i];
    }
    for (size_t i = 0; i < graph->n_node && !t->failed; i++) {
        t->node = graph->node[i];
        for (size_t k = 0; k < t->node->n_output && !t->failed; k++) {
            onnx_value *value = *t->node->output[k] ? enter(t, t->node->output[k]) : NULL;
            if (value)
                value->maker = t->node;
        }
    }
    t->node = NULL;
}

static void use(onnx_translation *t, const Onnx__Node *user, const char *name)
{
    onnx_value *value = *name ? onnx_value_find(t, name) : NULL;
    if (!value)
        return;
    value->needed = true;
    value->n_uses++;
    value->user = user;
}

/* Nodes stand behind those that they need, so one way back finds all. */
void onnx_values_need(onnx_translation *t, const char *output)
{
    const Onnx__Graph *graph = t->file->model->graph;
    use(t, NULL, output);
    for (size_t i = graph->n_node; i-- > 0;) {
        const Onnx__Node *node = graph->node[i];
        bool needed = false;
        for (size_t k = 0; k < node->n_output; k++) {
            const onnx_value *value = onnx_value_find(t, node->output[k]);
            needed = needed || (value && value->needed);
        }
        onnx_written_norm norm;
        if (needed && onnx_is_written_norm(t, node, &norm)) {
            use(t, node, norm.x);
            continue;
        }
        for (size_t k = 0; needed && k < node->n_input; k++)
            use(t, node, node->input[k]);
    }
}

void onnx_values_enter(onnx_translation *t, const char *input)
{
    onnx_value *value = enter(t, input);
    if (!value)
        return;
    value->node = t->input;
    value->rank = tsr_node_shape(t->input).n_dims;
    enter_all(t);
}

static void free_value(void *pointer)
{
    onnx_value *value = pointer;
    onnx_constant_free(value->constant);
    free(value);
}

void onnx_values_clear(onnx_translation *t)
{
    tdestroy(t->values, free_value);
    t->values = NULL;
}

/* --- inputs and outputs of the present node --- */

bool onnx_has_input(const onnx_translation *t, size_t i)
{
    return i < t->node->n_input && *t->node->input[i];
}

/* Reads an initializer where it is first used. */
static void define(onnx_translation *t, onnx_value *value)
{
    if (value->node || value->constant || !value->tensor)
        return;
    if (onnx_failed(t, onnx_constant_read(t->file, value->tensor, &value->constant)))
        return;
    value->constant->learned = value->constant->reals != NULL;
    value->constant->name = value->name;
}

onnx_value *onnx_input(onnx_translation *t, size_t i)
{
    if (t->failed || !onnx_has_input(t, i))
        return NULL;
    onnx_value *value = onnx_value_find(t, t->node->input[i]);
    if (value)
        define(t, value);
    if (!t->failed && (!value || (!value->node && !value->constant)))
        onnx_fail(t, "input '%s' is made by no node before it", onnx_shown(t->node->input[i]).chars);
    return t->failed ? NULL : value;
}

onnx_value *onnx_node_input(onnx_translation *t, size_t i)
{
    onnx_value *value = onnx_input(t, i);
    if (!t->failed && (!value || !value->node))
        onnx_fail(t, "input %zu is %s, expected one that depends on the network's input", i,
                  value ? "a constant" : "absent");
    return t->failed ? NULL : value;
}

const onnx_constant *onnx_constant_input(onnx_translation *t, size_t i)
{
    const onnx_value *value = onnx_input(t, i);
    if (!t->failed && (!value || !value->constant))
        onnx_fail(t, "input %zu %s, expected a constant", i,
                  value ? "depends on the network's input" : "is absent");
    return t->failed ? NULL : value->constant;
}

static onnx_value *output(onnx_translation *t, const Onnx__Node *node, size_t i)
{
    if (t->failed || i >= node->n_output || !*node->output[i])
        return NULL;
    return onnx_value_find(t, node->output[i]);
}

/* A graph that has failed gives nodes of one dimension: its failure stands. */
static void give(onnx_translation *t, const Onnx__Node *node, size_t i, tsr_node *made, size_t rank)
{
    onnx_value *value = output(t, node, i);
    size_t n_dims = tsr_node_shape(made).n_dims;
    if (!t->failed && n_dims != (rank ? rank : 1))
        onnx_fail(t, "gives %zu dimensions, expected %zu", n_dims, rank);
    if (!value || t->failed)
        return;
    value->node = made;
    value->rank = rank;
}

void onnx_give(onnx_translation *t, size_t i, tsr_node *node, size_t rank)
{
    give(t, t->node, i, node, rank);
}

void onnx_give_for(onnx_translation *t, const Onnx__Node *node, tsr_node *made, size_t rank)
{
    give(t, node, 0, made, rank);
}

void onnx_give_constant(onnx_translation *t, size_t i, onnx_constant *constant)
{
    onnx_value *value = constant ? output(t, t->node, i) : NULL;
    if (value)
        value->constant = constant;
    else
        onnx_constant_free(constant);
}

/* The only user of a value, if that is such an operator of ONNX, of two inputs and without attributes. */
static const Onnx__Node *sole_user(const onnx_value *value, const char *op)
{
    const Onnx__Node *user = value && value->n_uses == 1 ? value->user : NULL;
    return user && onnx_is(user, op) && user->n_input == 2 && !user->n_attribute ? user : NULL;
}

const onnx_constant *onnx_joined(onnx_translation *t, const onnx_value *value, size_t rank, const char *op,
                                 size_t n, const Onnx__Node **user)
{
    const Onnx__Node *node = sole_user(value, op);
    if (!node)
        return NULL;
    onnx_value *other = onnx_value_find(t, node->input[strcmp(node->input[0], value->name) == 0 ? 1 : 0]);
    if (!other || other == value)
        return NULL;
    define(t, other);
    const onnx_constant *c = other->constant;
    *user = node;
    return c && c->reals && c->learned && c->n == n && c->rank > 0 && c->rank <= rank + 1 &&
                   c->dims[c->rank - 1] == n
               ? c
               : NULL;
}

/* --- new constants --- */

onnx_constant *onnx_new(onnx_translation *t, size_t rank, const size_t *dims, bool integers)
{
    onnx_constant *c = NULL;
    if (!t->failed)
        onnx_failed(t, onnx_constant_new(t->file, rank, dims, integers, &c));
    return c;
}

onnx_constant *onnx_copy(onnx_translation *t, const onnx_constant *constant)
{
    onnx_constant *c = onnx_new(t, constant->rank, constant->dims, constant->integers != NULL);
    if (!c)
        return NULL;
    onnx_constant_take(c, 0, constant, 0, c->n);
    c->learned = constant->learned;
    return c;
}

/* An order of what is in another order already is not followed. */
void onnx_derive(onnx_constant *out, const onnx_constant *c, uint32_t order)
{
    if (!out)
        return;
    out->learned = c->learned;
    out->name = c->name;
    out->origin = c->origin ? c->origin : c->name ? c : NULL;
    out->order = !c->origin ? order : order == ONNX_SAME_ORDER ? c->order : 0;
}
