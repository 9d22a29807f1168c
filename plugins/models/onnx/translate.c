#include "translate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ATTRIBUTES 32

void onnx_fail(onnx_translation *t, const char *format, ...)
{
    char *message;
    va_list args;
    va_start(args, format);
    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    va_end(args);
    const Onnx__Node *node = t->node;
    if (node && *onnx_text(node->name))
        tsr_graph_fail(t->graph, "%s: node '%s' (%s): %s", t->file->path, onnx_shown(node->name).chars,
                       onnx_shown(node->op_type).chars, message ? message : "not enough memory");
    else if (node)
        tsr_graph_fail(t->graph, "%s: node %zu (%s), which makes '%s': %s", t->file->path, t->number,
                       onnx_shown(node->op_type).chars,
                       node->n_output ? onnx_shown(node->output[0]).chars : "nothing",
                       message ? message : "not enough memory");
    else
        tsr_graph_fail(t->graph, "%s: %s", t->file->path, message ? message : "not enough memory");
    t->failed = true;
    free(message);
}

bool onnx_failed(onnx_translation *t, tsr_status *status)
{
    if (!status)
        return false;
    if (tsr_status_error(status) == TSR_NO_MEMORY)
        onnx_fail(t, "not enough memory");
    else
        onnx_fail(t, "%s", tsr_status_message(status));
    tsr_status_free(status);
    return true;
}

/* --- nodes --- */

static const onnx_operator *find_operator(const char *name)
{
    const onnx_operator *const tables[] = { onnx_maps,        onnx_windows,      onnx_arithmetic,
                                            onnx_activations, onnx_arrangements, onnx_norms };
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        for (const onnx_operator *o = tables[i]; o->name; o++)
            if (strcmp(o->name, name) == 0)
                return o;
    return NULL;
}

static bool is_known(const char *attribute, const char *known)
{
    char padded[64];
    int n = snprintf(padded, sizeof(padded), " %s ", attribute);
    return n > 0 && (size_t)n < sizeof(padded) && strstr(known, padded);
}

static bool check_attributes(onnx_translation *t, const onnx_operator *o)
{
    if (t->node->n_attribute > MAX_ATTRIBUTES)
        onnx_fail(t, "has %zu attributes, expected at most %d", t->node->n_attribute, MAX_ATTRIBUTES);
    for (size_t i = 0; i < t->node->n_attribute && !t->failed; i++) {
        const Onnx__Attribute *a = t->node->attribute[i];
        if (!is_known(onnx_text(a->name), o->attributes))
            onnx_fail(t, "has the attribute '%s', which is not known here", onnx_shown(a->name).chars);
        else if (onnx_attribute(t, a->name) != a)
            onnx_fail(t, "has the attribute '%s' twice", a->name);
        else if (*onnx_text(a->ref_attr_name))
            onnx_fail(t, "attribute '%s' stands for one of a function, expected its value",
                      onnx_shown(a->name).chars);
    }
    return !t->failed;
}

static bool check_inputs(onnx_translation *t, const onnx_operator *o)
{
    size_t n = t->node->n_input;
    while (n && !*t->node->input[n - 1])
        n--;
    if (n < o->min_inputs || (o->max_inputs && n > o->max_inputs))
        onnx_fail(t, "has %zu inputs, expected %zu to %zu", n, o->min_inputs, o->max_inputs);
    return !t->failed;
}

static bool has_only_constants(onnx_translation *t)
{
    for (size_t i = 0; i < t->node->n_input && !t->failed; i++) {
        const onnx_value *value = onnx_input(t, i);
        if (value && value->node)
            return false;
    }
    return !t->failed;
}

static void make_node(onnx_translation *t)
{
    const char *type = onnx_text(t->node->op_type);
    onnx_written_norm norm;
    if (onnx_is_written_norm(t, t->node, &norm)) {
        onnx_make_written_norm(t, &norm);
        return;
    }
    bool is_own = onnx_is_own_domain(t->node->domain);
    const onnx_operator *o = is_own ? find_operator(type) : NULL;
    if (!is_own)
        onnx_fail(t, "is of the domain '%s', expected ONNX's own operators",
                  onnx_shown(t->node->domain).chars);
    else if (!o)
        onnx_fail(t, "the operator %s is not known here", onnx_shown(type).chars);
    else if (check_attributes(t, o) && check_inputs(t, o) && !(has_only_constants(t) && onnx_fold(t)) &&
             !t->failed)
        o->make(t);
}

/* Whether some output is needed and not there yet, as those of nodes that an earlier one stands for are. */
static bool is_to_be_made(const onnx_translation *t)
{
    bool needed = false;
    for (size_t i = 0; i < t->node->n_output; i++) {
        const onnx_value *value = onnx_value_find(t, t->node->output[i]);
        if (value && (value->node || value->constant))
            return false;
        needed = needed || (value && value->needed);
    }
    return needed;
}

/* Whether the node is not just one that came in. */
static bool is_new(const onnx_translation *t, const tsr_node *made)
{
    for (size_t i = 0; i < t->node->n_input; i++) {
        const onnx_value *in = onnx_value_find(t, t->node->input[i]);
        if (in && in->node == made)
            return false;
    }
    return true;
}

/* Makes the present node. What bears its name is its first output, if that is a new node of the graph, or the
   part of it that was chosen. */
static void make_named(onnx_translation *t, const char *name)
{
    t->bearer = NULL;
    tsr_scope(t->graph, "%s", name);
    make_node(t);
    tsr_scope_end(t->graph);
    const onnx_value *made = t->node->n_output ? onnx_value_find(t, t->node->output[0]) : NULL;
    if (!t->failed && !t->bearer && made && made->node && is_new(t, made->node))
        t->bearer = made->node;
    if (!t->failed && t->bearer)
        tsr_named(t->graph, t->bearer, "%s", name);
}

static void make_all(onnx_translation *t)
{
    const Onnx__Graph *graph = t->file->model->graph;
    for (size_t i = 0; i < graph->n_node && !t->failed; i++) {
        t->node = graph->node[i];
        t->number = i;
        const char *name = is_to_be_made(t) ? onnx_unique_name(t) : NULL;
        if (name)
            make_named(t, name);
    }
    t->node = NULL;
}

/* --- the output --- */

/* A softmax that the output ends with, up to its shape; NULL: there is none. */
static const Onnx__Node *find_softmax(const onnx_translation *t, const char *output)
{
    static const char *const reshaping[] = { "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze" };
    for (size_t left = t->file->model->graph->n_node; left > 0; left--) {
        const onnx_value *value = onnx_value_find(t, output);
        const Onnx__Node *maker = value ? value->maker : NULL;
        bool reshapes = false;
        if (!maker || !maker->n_input)
            return NULL;
        if (onnx_is(maker, "Softmax") || onnx_is(maker, "LogSoftmax"))
            return maker;
        for (size_t i = 0; i < sizeof(reshaping) / sizeof(*reshaping); i++)
            reshapes = reshapes || onnx_is(maker, reshaping[i]);
        if (!reshapes)
            return NULL;
        output = maker->input[0];
    }
    return NULL;
}

/* Whether it is over all of a sample's values, as the loss's is. */
static bool is_over_all(onnx_translation *t, const Onnx__Node *softmax, const onnx_value *x)
{
    tsr_shape shape = tsr_node_shape(x->node);
    bool old = t->file->opset < 13;
    size_t axis = 0, size = 1;
    t->node = softmax;
    bool good = onnx_axis(t, onnx_int(t, "axis", old ? 1 : -1), x->rank + 1, &axis) && axis > 0;
    t->node = NULL;
    for (size_t i = axis; good && i <= (old ? x->rank : axis); i++)
        size *= shape.dims[i - 1];
    return good && size == tsr_shape_size(shape);
}

static const onnx_value *make_output(onnx_translation *t, const char *output)
{
    onnx_values_need(t, output);
    make_all(t);
    const onnx_value *last = t->failed ? NULL : onnx_value_find(t, output);
    if (!t->failed && (!last || !last->node))
        onnx_fail(t, "its output '%s' %s", onnx_shown(output).chars,
                  last ? "does not depend on the input" : "is made by no node");
    return t->failed ? NULL : last;
}

/* The network ends before a softmax at the end, which the loss has. */
static tsr_node *translate(onnx_translation *t, const char *input, const char *output)
{
    onnx_values_enter(t, input);
    const Onnx__Node *softmax = t->failed ? NULL : find_softmax(t, output);
    const onnx_value *last = t->failed ? NULL : make_output(t, softmax ? softmax->input[0] : output);
    if (last && softmax && !is_over_all(t, softmax, last) && !t->failed)
        last = make_output(t, output);
    return last && !t->failed ? last->node : t->input;
}

tsr_node *onnx_build(onnx_file *file, tsr_graph *graph, tsr_node *input, const char *output,
                     const tsr_instance *prelu)
{
    onnx_translation t = { .file = file, .graph = graph, .prelu = prelu, .input = input };
    const Onnx__ValueInfo *in = NULL, *out = NULL;
    tsr_status *status = onnx_file_input(file, &in);
    if (!status)
        status = onnx_file_output(file, output, &out);
    if (status) {
        tsr_graph_fail(graph, "%s", tsr_status_message(status));
        tsr_status_free(status);
        return input;
    }
    onnx_take_input(&t, in);
    tsr_node *last = t.failed ? input : translate(&t, onnx_text(in->name), onnx_text(out->name));
    onnx_layers_clear(&t);
    onnx_values_clear(&t);
    onnx_names_clear(&t);
    return last;
}
