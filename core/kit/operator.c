/* The operators of a network one by one. Each gets fenced arrays that hold copies of what the network would
   give it: its inputs from the operators before it, its parameters, its state. */
#include "kit/operator_parts.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- its arrays --- */

static size_t floats_of(const tsr_kit_operator *op, size_t i)
{
    const tsr_node *node = op->node;
    if (i == OUTPUT || i == OUTPUT_GRADIENT)
        return op->n * tsr_shape_size(node->shape);
    if (i == SAVED)
        return op->n * node->saved.per_sample + node->saved.fixed;
    if (i == SCRATCH)
        return op->n * node->scratch.per_sample + node->scratch.fixed;
    if (i < op->first_input_gradient)
        return op->n * tsr_shape_size(node->shapes[i - FIRST_INPUT]);
    if (i < op->first_parameter) {
        size_t k = i - op->first_input_gradient;
        return node->inputs[k]->needs_gradient ? op->n * tsr_shape_size(node->shapes[k]) : 0;
    }
    if (i < op->first_parameter_gradient)
        return op->owner->parameters[i - op->first_parameter].n;
    if (i < op->first_state)
        return op->owner->parameters[i - op->first_parameter_gradient].n;
    return op->owner->states[i - op->first_state].n;
}

void tsr_kit_operator_name(const tsr_kit_operator *op, size_t i, char *out, size_t capacity)
{
    static const char *const names[] = { "its output", "what it saves", "its scratch",
                                         "the gradient of its output" };
    if (i < FIRST_INPUT)
        snprintf(out, capacity, "%s", names[i]);
    else if (i < op->first_input_gradient)
        snprintf(out, capacity, "input %zu", i - FIRST_INPUT);
    else if (i < op->first_parameter)
        snprintf(out, capacity, "the gradient of input %zu", i - op->first_input_gradient);
    else if (i < op->first_parameter_gradient)
        snprintf(out, capacity, "its %s", op->owner->parameters[i - op->first_parameter].spec.name);
    else if (i < op->first_state)
        snprintf(out, capacity, "the gradient of its %s",
                 op->owner->parameters[i - op->first_parameter_gradient].spec.name);
    else
        snprintf(out, capacity, "its %s", op->owner->states[i - op->first_state].name);
}

static void clear(tsr_kit_operator *op)
{
    for (size_t i = 0; op->arrays && i < op->n_arrays; i++)
        tsr_kit_array_clear(&op->arrays[i]);
    free(op->arrays);
    free(op->values);
}

static tsr_status *make_arrays(tsr_kit_operator *op)
{
    const tsr_node *node = op->node;
    op->first_input_gradient = FIRST_INPUT + node->n_inputs;
    op->first_parameter = op->first_input_gradient + node->n_inputs;
    op->first_parameter_gradient = op->first_parameter + op->owner->n_parameters;
    op->first_state = op->first_parameter_gradient + op->owner->n_parameters;
    op->n_arrays = op->first_state + op->owner->n_states;
    op->arrays = tsr_alloc(op->n_arrays, sizeof(*op->arrays));
    op->values = tsr_alloc(op->n_arrays, sizeof(*op->values));
    if (!op->arrays || !op->values)
        return tsr_no_memory("a trial");
    for (size_t i = 0; i < op->n_arrays; i++) {
        TSR_TRY(tsr_kit_array_make(floats_of(op, i), &op->arrays[i]));
        op->values[i] = op->arrays[i].values;
    }
    return NULL;
}

static void copy(tsr_kit_array *to, const float *from)
{
    if (to->n)
        memcpy(to->values, from, to->n * sizeof(float));
}

void tsr_kit_operator_reset_state(tsr_kit_operator *op)
{
    for (size_t i = 0; i < op->owner->n_states; i++)
        copy(&op->arrays[op->first_state + i],
             tsr_network_get_state(op->network, op->node->first_state + i)->values);
}

/* `outputs` has, per node before it, its output. */
static void fill_arrays(tsr_kit_operator *op, const tsr_kit_array *outputs)
{
    tsr_rng rng = tsr_rng_stream(TSR_KIT_OPERATOR_SEED, TSR_FOR_DATA, 1 + op->node->index);
    for (size_t i = 0; i < op->node->n_inputs; i++)
        copy(&op->arrays[FIRST_INPUT + i], outputs[op->node->inputs[i]->index].values);
    for (size_t i = 0; i < op->owner->n_parameters; i++)
        copy(&op->arrays[op->first_parameter + i],
             tsr_network_tensor(op->network, op->node->first_parameter + i)->values);
    tsr_kit_operator_reset_state(op);
    tsr_rng_fill_uniform(&rng, op->arrays[OUTPUT_GRADIENT].n, op->values[OUTPUT_GRADIENT], -1, 1);
}

/* --- calling it --- */

static tsr_pass pass_of(const tsr_kit_operator *op, bool training)
{
    const tsr_node *node = op->node;
    return (tsr_pass){
        .config = node->config,
        .n = op->n,
        .training = training,
        .n_inputs = node->n_inputs,
        .shapes = node->shapes,
        .shape = node->shape,
        .inputs = (const float *const *)(op->values + FIRST_INPUT),
        .output = op->values[OUTPUT],
        .parameters = op->values + op->first_parameter,
        .state = op->values + op->first_state,
        .saved = op->values[SAVED],
        .scratch = op->values[SCRATCH],
        .rng = tsr_rng_stream(TSR_KIT_OPERATOR_SEED, TSR_FOR_DROPOUT, node->index),
        .constants = tsr_network_graph(op->network)->constant_values + node->first_constant,
    };
}

void tsr_kit_operator_forward(tsr_kit_operator *op, bool training)
{
    tsr_kit_operator_reset_state(op);
    tsr_pass pass = pass_of(op, training);
    tsr_call before = tsr_guard_note(op->node->call);
    op->node->op.forward(&pass);
    tsr_guard_note(before);
}

void tsr_kit_operator_backward(tsr_kit_operator *op)
{
    tsr_pass pass = pass_of(op, false);
    if (!(op->node->op.flags & TSR_OP_READS_INPUTS))
        pass.inputs = NULL;
    if (!(op->node->op.flags & TSR_OP_READS_OUTPUT))
        pass.output = NULL;
    pass.output_gradient = op->values[OUTPUT_GRADIENT];
    pass.input_gradients = op->values + op->first_input_gradient;
    pass.parameter_gradients = op->values + op->first_parameter_gradient;
    tsr_call before = tsr_guard_note(tsr_call_with(op->node->call, TSR_CALL_BACKWARD));
    op->node->op.backward(&pass);
    tsr_guard_note(before);
}

bool tsr_kit_operator_is_gradient(const tsr_kit_operator *op, size_t i)
{
    return (i >= op->first_input_gradient && i < op->first_parameter) ||
           (i >= op->first_parameter_gradient && i < op->first_state);
}

static void set(tsr_kit_array *array, float value)
{
    for (size_t i = 0; i < array->n; i++)
        array->values[i] = value;
}

void tsr_kit_operator_set_for_forward(tsr_kit_operator *op, float value)
{
    set(&op->arrays[OUTPUT], value);
    set(&op->arrays[SAVED], value);
    set(&op->arrays[SCRATCH], value);
}

void tsr_kit_operator_set_for_backward(tsr_kit_operator *op, float value)
{
    set(&op->arrays[SCRATCH], value);
    for (size_t i = 0; i < op->n_arrays; i++)
        if (tsr_kit_operator_is_gradient(op, i))
            set(&op->arrays[i], value);
}

/* --- what checks use --- */

uint64_t tsr_kit_operator_stir(const tsr_kit_array *array)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    const uint32_t *words = (const uint32_t *)(const void *)array->values;
    for (size_t i = 0; i < array->n; i++)
        value = (value ^ words[i]) * UINT64_C(0x100000001b3);
    return value;
}

/* About the multiplications of one call of forward: those of a convolution or dense layer, where it has
   parameters. */
double tsr_kit_operator_cost(const tsr_kit_operator *op)
{
    double outputs = (double)op->arrays[OUTPUT].n, sum = outputs;
    for (size_t i = FIRST_INPUT; i < op->first_input_gradient; i++)
        sum += (double)op->arrays[i].n;
    for (size_t i = op->first_parameter; i < op->first_parameter_gradient; i++)
        sum += outputs * (double)op->arrays[i].n / (double)op->node->shape.dims[0];
    return sum;
}

/* --- all of them --- */

static tsr_status *visit(tsr_network *network, const tsr_node *node, size_t n, tsr_kit_array *outputs,
                         tsr_kit_operator_check *check)
{
    tsr_kit_operator op = {
        .network = network, .node = node, .owner = node->again ? node->again : node, .n = n
    };
    tsr_status *status = make_arrays(&op);
    if (!status)
        status = tsr_kit_array_make(floats_of(&op, OUTPUT), &outputs[node->index]);
    if (!status) {
        fill_arrays(&op, outputs);
        status = tsr_context(check(&op), "operator %s of '%s', on %zu samples", node->op.name, node->name, n);
    }
    if (!status) {
        tsr_kit_operator_forward(&op, true);
        copy(&outputs[node->index], op.values[OUTPUT]);
    }
    clear(&op);
    return status;
}

tsr_status *tsr_kit_each_operator(tsr_network *network, size_t n, tsr_kit_operator_check *check)
{
    const tsr_graph *graph = tsr_network_graph(network);
    tsr_kit_array *outputs = tsr_alloc(graph->n, sizeof(*outputs));
    if (!outputs)
        return tsr_no_memory("a trial");
    tsr_rng rng = tsr_rng_stream(TSR_KIT_OPERATOR_SEED, TSR_FOR_DATA, 0);
    tsr_status *status = tsr_kit_array_make(n * tsr_shape_size(graph->nodes[0]->shape), &outputs[0]);
    if (!status)
        tsr_rng_fill_uniform(&rng, outputs[0].n, outputs[0].values, 0, 1);
    for (size_t i = 1; i < graph->n && !status; i++)
        status = visit(network, graph->nodes[i], n, outputs, check);
    for (size_t i = 0; i < graph->n; i++)
        tsr_kit_array_clear(&outputs[i]);
    free(outputs);
    return status;
}
