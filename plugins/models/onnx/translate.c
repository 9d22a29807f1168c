#include "translate.h"

#include <limits.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 200

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

/* --- sizes --- */

static const Onnx__TensorShape *shape_of(const Onnx__ValueInfo *value)
{
    const Onnx__TensorType *type = value->type ? value->type->tensor_type : NULL;
    return type ? type->shape : NULL;
}

/* 0 for one that has a name instead, or none. */
static int64_t dim_of(const Onnx__TensorShape *shape, size_t i)
{
    return shape->dim[i]->has_dim_value ? shape->dim[i]->dim_value : 0;
}

static tsr_status *sample_shape(const onnx_file *file, const Onnx__ValueInfo *value, tsr_shape *out)
{
    const Onnx__TensorShape *shape = shape_of(value);
    if (!shape)
        return tsr_fail(TSR_REFUSED, "%s: does not say the shape of '%s'", file->path,
                        onnx_shown(value->name).chars);
    if (shape->n_dim < 1 || shape->n_dim > TSR_MAX_DIMS + 1)
        return tsr_fail(TSR_REFUSED, "%s: '%s' has %zu dimensions, expected the batch and 1 to %d more",
                        file->path, onnx_shown(value->name).chars, shape->n_dim, TSR_MAX_DIMS);
    *out = (tsr_shape){ .n_dims = shape->n_dim > 1 ? shape->n_dim - 1 : 1, .dims = { 1 } };
    size_t size = 1;
    for (size_t i = 1; i < shape->n_dim; i++) {
        int64_t dim = dim_of(shape, i);
        if (dim < 1)
            return tsr_fail(TSR_REFUSED, "%s: dimension %zu of '%s' is dynamic ('%s'), expected a number",
                            file->path, i, onnx_shown(value->name).chars,
                            onnx_shown(shape->dim[i]->dim_param).chars);
        if (dim > INT_MAX || __builtin_mul_overflow(size, (size_t)dim, &size) || size > INT_MAX)
            return tsr_fail(TSR_REFUSED, "%s: '%s' has more than %d values", file->path,
                            onnx_shown(value->name).chars, INT_MAX);
        out->dims[i - 1] = (size_t)dim;
    }
    return NULL;
}

tsr_status *onnx_sizes(const onnx_file *file, const char *output, tsr_shape *shape, int *outputs)
{
    const Onnx__ValueInfo *in, *out;
    tsr_shape last;
    TSR_TRY(onnx_file_input(file, &in));
    TSR_TRY(onnx_file_output(file, output, &out));
    TSR_TRY(sample_shape(file, in, shape));
    TSR_TRY(sample_shape(file, out, &last));
    *outputs = (int)tsr_shape_size(last);
    return NULL;
}

/* --- the input --- */

/* Whether two shapes are one but for dimensions of 1. */
static bool same_but_for_ones(tsr_shape a, tsr_shape b)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a.n_dims && a.dims[i] == 1)
            i++;
        while (k < b.n_dims && b.dims[k] == 1)
            k++;
        if (i == a.n_dims || k == b.n_dims)
            return i == a.n_dims && k == b.n_dims;
        if (a.dims[i] != b.dims[k])
            return false;
    }
}

static void write_shape(tsr_shape shape, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < shape.n_dims && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%zu", i ? " x " : "", shape.dims[i]);
}

/* The data's shape as the file wants it: as it is, where dimensions that the file leaves open are the data's;
   as a vector; with other dimensions of 1. */
static tsr_node *take_input(onnx_translation *t, const Onnx__ValueInfo *value, tsr_node *input)
{
    const Onnx__TensorShape *declared = shape_of(value);
    tsr_shape data = tsr_node_shape(input), wanted = data;
    if (!declared || declared->n_dim < 1)
        return input;
    t->batch = dim_of(declared, 0) > 0 ? dim_of(declared, 0) : 0;
    bool rank_fits = declared->n_dim == data.n_dims + 1, open = false, fits = rank_fits;
    for (size_t i = 1; i < declared->n_dim; i++) {
        int64_t dim = dim_of(declared, i);
        open = open || dim < 1;
        fits = fits && (dim < 1 || (uint64_t)dim == data.dims[i - 1]);
    }
    if (fits)
        return input;
    tsr_status *status = sample_shape(t->file, value, &wanted);
    bool as_vector = !status && wanted.n_dims == 1 && tsr_shape_size(wanted) == tsr_shape_size(data);
    if (!status && (as_vector || same_but_for_ones(wanted, data)))
        return tsr_reshape(t->graph, input, wanted);
    char here[128], there[128];
    write_shape(data, here, sizeof(here));
    write_shape(wanted, there, sizeof(there));
    if (status)
        onnx_fail(
            t, "its input '%s' is of %zu dimensions beside the batch, some of them open, and the data are %s",
            onnx_shown(value->name).chars, declared->n_dim - 1, here);
    else
        onnx_fail(t, "its input '%s' is %s, and the data are %s", onnx_shown(value->name).chars, there, here);
    tsr_status_free(status);
    return input;
}

/* --- names --- */

/* The file's name of the node, or of what it makes: a / between names is a dot, what no name may have is _.
 */
static void name_of(const Onnx__Node *node, char out[MAX_NAME])
{
    const char *from = *onnx_text(node->name) ? node->name : node->n_output ? node->output[0] : "";
    size_t n = 0;
    from += strspn(from, "/");
    for (; *from && n < MAX_NAME - 24; from++) {
        char c = *from;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        out[n++] = c == '/' || c == '.' ? '.' : plain ? c : '_';
    }
    if (n == 0)
        out[n++] = '_';
    out[n] = '\0';
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The same, and unlike those before it: kept among `names`. NULL: no memory. */
static const char *unique_name(const Onnx__Node *node, size_t number, void **names)
{
    char name[MAX_NAME];
    name_of(node, name);
    if (tfind(name, names, compare_text))
        snprintf(name + strlen(name), 24, "_%zu", number);
    char *kept = strdup(name);
    if (kept && tsearch(kept, names, compare_text))
        return kept;
    free(kept);
    return NULL;
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
    for (size_t i = 0; i < t->node->n_attribute && !t->failed; i++) {
        const Onnx__Attribute *a = t->node->attribute[i];
        if (!is_known(onnx_text(a->name), o->attributes))
            onnx_fail(t, "has the attribute '%s', which is not known here", onnx_shown(a->name).chars);
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
    const char *domain = onnx_text(t->node->domain), *type = onnx_text(t->node->op_type);
    onnx_written_norm norm;
    if (onnx_is_written_norm(t, t->node, &norm)) {
        onnx_make_written_norm(t, &norm);
        return;
    }
    const onnx_operator *o = *domain && strcmp(domain, "ai.onnx") != 0 ? NULL : find_operator(type);
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        onnx_fail(t, "is of the domain '%s', expected ONNX's own operators", onnx_shown(domain).chars);
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

/* Makes the present node; its first output, where that is a new node of the graph, gets the name. */
static void make_named(onnx_translation *t, const char *name)
{
    tsr_scope(t->graph, "%s", name);
    make_node(t);
    tsr_scope_end(t->graph);
    const onnx_value *made = t->node->n_output ? onnx_value_find(t, t->node->output[0]) : NULL;
    size_t length = strlen(name);
    if (t->failed || !made || !made->node)
        return;
    const char *called = tsr_node_name(made->node); /* "<name>.<operator><number>", if it is new */
    if (strncmp(called, name, length) == 0 && called[length] == '.')
        tsr_named(t->graph, made->node, "%s", name);
}

static void make_all(onnx_translation *t)
{
    const Onnx__Graph *graph = t->file->model->graph;
    void *names = NULL;
    for (size_t i = 0; i < graph->n_node && !t->failed; i++) {
        t->node = graph->node[i];
        t->number = i;
        if (!is_to_be_made(t))
            continue;
        const char *name = unique_name(t->node, i, &names);
        if (name)
            make_named(t, name);
        else
            onnx_fail(t, "not enough memory");
    }
    tdestroy(names, free);
    t->node = NULL;
}

/* The network ends before a softmax at the end, which the loss has. */
static const char *logits_of(const onnx_translation *t, const char *output)
{
    const onnx_value *value = onnx_value_find(t, output);
    const char *type = value && value->maker ? onnx_text(value->maker->op_type) : "";
    bool softmax = strcmp(type, "Softmax") == 0 || strcmp(type, "LogSoftmax") == 0;
    return softmax && value->maker->n_input ? value->maker->input[0] : output;
}

static tsr_node *translate(onnx_translation *t, const char *output)
{
    onnx_values_enter(t);
    if (t->failed)
        return t->input;
    const char *logits = logits_of(t, output);
    onnx_values_need(t, logits);
    make_all(t);
    onnx_value *last = t->failed ? NULL : onnx_value_find(t, logits);
    if (!t->failed && (!last || !last->node))
        onnx_fail(t, "its output '%s' %s", onnx_shown(output).chars,
                  last ? "does not depend on the input" : "is made by no node");
    return t->failed ? t->input : last->node;
}

tsr_node *onnx_build(const onnx_file *file, tsr_graph *graph, tsr_node *input, const char *output,
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
    t.input = take_input(&t, in, input);
    tsr_node *last = t.failed ? input : translate(&t, onnx_text(out->name));
    onnx_values_clear(&t);
    return last;
}
