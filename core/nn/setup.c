/* What an operator's setup may ask: its inputs' shapes and configuration, and its output, parameters, state,
   constants and room in return. Every size is checked here, so that the planning only adds up. */
#include "base/memory.h"
#include "base/text.h"
#include "nn/graph.h"
#include "nn/ops/ops.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const void *tsr_setup_config(const tsr_setup *setup)
{
    return setup->node->config;
}

size_t tsr_setup_n_inputs(const tsr_setup *setup)
{
    return setup->node->n_inputs;
}

tsr_shape tsr_setup_input(const tsr_setup *setup, size_t i)
{
    return i < setup->node->n_inputs ? setup->node->shapes[i] : TSR_SHAPE(1);
}

const char *tsr_setup_input_name(const tsr_setup *setup, size_t i)
{
    return i < setup->node->n_inputs ? setup->node->inputs[i]->name : "";
}

/* Whether a message has the input's name in quotes. */
static bool names_input(const char *message, const tsr_node *input)
{
    size_t length = strlen(input->name);
    for (const char *at = message; (at = strstr(at, input->name)); at++)
        if (at > message && at[-1] == '\'' && at[length] == '\'')
            return true;
    return false;
}

/* The message and, in brackets, the inputs that it does not name, with their shapes. */
static tsr_status *add_inputs(const tsr_node *node, tsr_status *status)
{
    char shape[TSR_SHAPE_TEXT], *text = NULL;
    const char *message = tsr_status_message(status);
    for (size_t i = 0; i < node->n_inputs; i++) {
        if (names_input(message, node->inputs[i]))
            continue;
        char *longer = tsr_format("%s%s'%s', %s", text ? text : "", text ? "; " : "", node->inputs[i]->name,
                                  tsr_shape_format(node->shapes[i], shape, sizeof(shape)));
        free(text);
        text = longer;
        if (!text)
            return status;
    }
    if (!text)
        return status;
    tsr_status *longer =
        tsr_fail(TSR_REFUSED, "%s (%s: %s)", message, node->n_inputs > 1 ? "inputs" : "input", text);
    tsr_status_free(status);
    free(text);
    return longer;
}

void tsr_setup_fail(tsr_setup *setup, const char *format, ...)
{
    if (setup->graph->failure)
        return;
    va_list args;
    va_start(args, format);
    tsr_status *status = add_inputs(setup->node, tsr_fail_v(TSR_REFUSED, format, args));
    va_end(args);
    setup->graph->failure = tsr_context(status, "%s", setup->node->name);
}

bool tsr_setup_maps(tsr_setup *setup, tsr_maps *out)
{
    char text[TSR_SHAPE_TEXT];
    tsr_shape shape = tsr_setup_input(setup, 0);
    if (tsr_shape_maps(shape, out))
        return true;
    tsr_setup_fail(setup, "its input, '%s', is %s, expected an image, channels x height x width",
                   setup->node->inputs[0]->name, tsr_shape_format(shape, text, sizeof(text)));
    return false;
}

void tsr_setup_code(tsr_setup *setup, size_t n, const float *breakpoints)
{
    tsr_node *node = setup->node;
    if (setup->graph->failure)
        return;
    tsr_status *status = tsr_graph_add_code(setup->graph, node->inputs[0], node, NULL, n, breakpoints);
    if (status)
        setup->graph->failure = tsr_context(status, "%s", node->name);
    node->reads_code = true;
}

void tsr_setup_output(tsr_setup *setup, tsr_shape shape)
{
    size_t size;
    char text[TSR_SHAPE_TEXT];
    tsr_shape_format(shape, text, sizeof(text));
    setup->sized = true;
    if (tsr_shape_check(shape, &size))
        setup->node->shape = shape;
    else
        tsr_setup_fail(
            setup, "an output of %s cannot be: each must be at least 1, and a sample fit in memory", text);
}

static bool name_is_free(const tsr_node *node, const char *name)
{
    const tsr_graph *graph = node->graph;
    for (size_t i = node->first_constant; i < graph->n_constants; i++)
        if (strcmp(graph->constants[i].spec.name, name) == 0)
            return false;
    for (size_t i = 0; i < node->n_parameters; i++)
        if (strcmp(node->parameters[i].spec.name, name) == 0)
            return false;
    for (size_t i = 0; i < node->n_states; i++)
        if (strcmp(node->states[i].name, name) == 0)
            return false;
    return true;
}

/* The name of a parameter or state, copied; NULL: refused, and the graph says why. */
static char *take_name(tsr_setup *setup, const char *name)
{
    if (!name || !tsr_name_check(name))
        tsr_setup_fail(setup, "a parameter's name is '%s', expected letters, digits and _.-",
                       name ? name : "NULL");
    else if (!name_is_free(setup->node, name))
        tsr_setup_fail(setup, "two parameters are named '%s'", name);
    if (setup->graph->failure)
        return NULL;
    char *copy = strdup(name);
    if (!copy)
        tsr_graph_no_memory(setup->graph);
    return copy;
}

static bool parameter_size(tsr_setup *setup, const tsr_parameter_spec *spec, size_t *n)
{
    bool fits = spec->n_dims >= 1 && spec->n_dims <= TSR_MAX_DIMS;
    *n = 1;
    for (size_t i = 0; fits && i < spec->n_dims; i++)
        fits = spec->dims[i] && tsr_checked_multiply(*n, spec->dims[i], n);
    if (!fits || *n > PTRDIFF_MAX / sizeof(float))
        tsr_setup_fail(setup, "parameter '%s': needs 1 to %d dimensions, each at least 1, that fit in memory",
                       spec->name, TSR_MAX_DIMS);
    else if ((unsigned)spec->init >= TSR_N_INITS)
        tsr_setup_fail(setup, "parameter '%s': there is no initialisation %d", spec->name, (int)spec->init);
    else if (spec->init == TSR_INIT_GLOROT_UNIFORM && (!spec->fan_in || !spec->fan_out))
        tsr_setup_fail(setup, "parameter '%s': Glorot initialisation needs fan_in and fan_out", spec->name);
    else if ((spec->init == TSR_INIT_HE_NORMAL || spec->init == TSR_INIT_FAN_UNIFORM) && !spec->fan_in)
        tsr_setup_fail(setup, "parameter '%s': its initialisation needs fan_in", spec->name);
    else if (!isfinite(spec->constant))
        tsr_setup_fail(setup, "parameter '%s': its initial value is not finite", spec->name);
    return !setup->graph->failure;
}

static bool same_dims(const tsr_parameter_spec *a, const tsr_parameter_spec *b)
{
    bool same = a->n_dims == b->n_dims;
    for (size_t i = 0; same && i < a->n_dims; i++)
        same = a->dims[i] == b->dims[i];
    return same;
}

static const char *dims_text(const tsr_parameter_spec *spec, char *text, size_t size)
{
    tsr_shape shape = { .n_dims = spec->n_dims };
    memcpy(shape.dims, spec->dims, spec->n_dims * sizeof(*spec->dims));
    return tsr_shape_format(shape, text, size);
}

/* The next parameter of a layer that is applied again: the first use's, if it is what this use needs. */
static void share_parameter(tsr_setup *setup, const tsr_parameter_spec *spec)
{
    tsr_node *node = setup->node;
    const tsr_node *first = node->again;
    size_t k = node->n_shared++;
    char needed[TSR_SHAPE_TEXT], given[TSR_SHAPE_TEXT];
    if (k >= first->n_parameters)
        tsr_setup_fail(setup, "has more parameters than '%s', which it is to apply again", first->name);
    else if (!same_dims(spec, &first->parameters[k].spec))
        tsr_setup_fail(setup, "its %s is %s, but that of '%s', which it is to apply again, is %s",
                       first->parameters[k].spec.name, dims_text(spec, needed, sizeof(needed)), first->name,
                       dims_text(&first->parameters[k].spec, given, sizeof(given)));
}

static void share_state(tsr_setup *setup, size_t n)
{
    tsr_node *node = setup->node;
    const tsr_node *first = node->again;
    size_t k = node->n_shared_states++;
    if (k >= first->n_states)
        tsr_setup_fail(setup, "has more state than '%s', which it is to apply again", first->name);
    else if (n != first->states[k].n)
        tsr_setup_fail(setup, "its %s has %zu values, but that of '%s', which it is to apply again, has %zu",
                       first->states[k].name, n, first->name, first->states[k].n);
}

void tsr_setup_parameter_sized(tsr_setup *setup, const tsr_parameter_spec *given, size_t size)
{
    tsr_parameter_spec whole = { 0 };
    const tsr_parameter_spec *spec = memcpy(&whole, given, size < sizeof(whole) ? size : sizeof(whole));
    tsr_node *node = setup->node;
    size_t n;
    if (node->again) {
        if (parameter_size(setup, spec, &n))
            share_parameter(setup, spec);
        return;
    }
    char *name = take_name(setup, spec->name);
    if (!name || !parameter_size(setup, spec, &n)) {
        free(name);
        return;
    }
    tsr_node_parameter *grown = reallocarray(node->parameters, node->n_parameters + 1, sizeof(*grown));
    if (!grown) {
        free(name);
        tsr_graph_no_memory(setup->graph);
        return;
    }
    node->parameters = grown;
    grown[node->n_parameters] = (tsr_node_parameter){ .spec = *spec, .n = n };
    grown[node->n_parameters++].spec.name = name;
    setup->graph->n_parameters++;
}

void tsr_setup_state(tsr_setup *setup, const char *name, size_t n, float initial)
{
    tsr_node *node = setup->node;
    if (node->again) {
        share_state(setup, n);
        return;
    }
    char *copy = take_name(setup, name);
    if (copy && (!n || n > PTRDIFF_MAX / sizeof(float)))
        tsr_setup_fail(setup, "state '%s': needs at least 1 value, and to fit in memory", name);
    if (!copy || setup->graph->failure) {
        free(copy);
        return;
    }
    tsr_node_state *grown = reallocarray(node->states, node->n_states + 1, sizeof(*grown));
    if (!grown) {
        free(copy);
        tsr_graph_no_memory(setup->graph);
        return;
    }
    node->states = grown;
    grown[node->n_states++] = (tsr_node_state){ .name = copy, .n = n, .initial = initial };
    setup->graph->n_states++;
}

/* NULL, or what is wrong with a constant's value. */
static tsr_status *check_constant(const tsr_constant_spec *spec, double value)
{
    if (value >= spec->minimum && value <= spec->maximum)
        return NULL;
    return tsr_fail(TSR_REFUSED, "%s is %g, expected %g to %g", spec->name, value, spec->minimum,
                    spec->maximum);
}

void tsr_setup_constant_sized(tsr_setup *setup, const tsr_constant_spec *given, size_t size)
{
    tsr_constant_spec whole = { 0 };
    const tsr_constant_spec *spec = memcpy(&whole, given, size < sizeof(whole) ? size : sizeof(whole));
    tsr_graph *graph = setup->graph;
    if (setup->node->again) /* the first use's hold */
        return;
    char *name = take_name(setup, spec->name);
    if (!name)
        return;
    size_t n = graph->n_constants;
    tsr_graph_constant *constants = reallocarray(graph->constants, n + 1, sizeof(*constants));
    graph->constants = constants ? constants : graph->constants;
    double *values = reallocarray(graph->constant_values, n + 1, sizeof(*values));
    graph->constant_values = values ? values : graph->constant_values;
    if (!constants || !values) {
        free(name);
        tsr_graph_no_memory(graph);
        return;
    }
    constants[n] = (tsr_graph_constant){ .node = setup->node, .spec = *spec };
    constants[n].spec.name = name;
    if (graph->model)
        constants[n].key = tsr_instance_constant_key(graph->model, name, &constants[n].given);
    values[n] = spec->value;
    graph->n_constants++;
    tsr_status *status = check_constant(spec, spec->value);
    if (status)
        tsr_setup_fail(setup, "%s", tsr_status_message(status));
    tsr_status_free(status);
}

tsr_status *tsr_graph_set_constant(tsr_graph *graph, size_t i, double value)
{
    const tsr_graph_constant *constant = &graph->constants[i];
    TSR_TRY(tsr_context(check_constant(&constant->spec, value), "%s", constant->node->name));
    graph->constant_values[i] = value;
    return NULL;
}

void tsr_setup_saved(tsr_setup *setup, size_t per_sample, size_t fixed)
{
    setup->node->saved = (tsr_float_count){ per_sample, fixed };
}

void tsr_setup_scratch(tsr_setup *setup, size_t per_sample, size_t fixed)
{
    setup->node->scratch = (tsr_float_count){ per_sample, fixed };
}
