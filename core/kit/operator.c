/* The operators of a network one by one. Each gets fenced arrays that hold copies of what the network would
   give it: its inputs from the operators before it, its parameters, its state. */
#include "kit/operator.h"

#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "kit/array.h"
#include "kit/watch.h"
#include "nn/graph.h"
#include "nn/tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 22

/* The arrays that every operator has; then come, for all of a kind together, those that it may have several
   of. */
enum { OUTPUT, SAVED, SCRATCH, OUTPUT_GRADIENT, FIRST_INPUT };

struct tsr_kit_operator {
    tsr_network *network;
    const tsr_node *node;
    const tsr_node *owner; /* of the parameters and state: itself or the layer's first use */
    size_t n;              /* samples */
    size_t first_input_gradient, first_parameter, first_parameter_gradient, first_state, n_arrays;
    tsr_kit_array *arrays;
    float **values; /* of the arrays, as tsr_pass wants them */
};

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

static void name_array(const tsr_kit_operator *op, size_t i, char *out, size_t capacity)
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

/* State is what it is before a step of training. */
static void reset_state(tsr_kit_operator *op)
{
    for (size_t i = 0; i < op->owner->n_states; i++)
        copy(&op->arrays[op->first_state + i],
             tsr_network_get_state(op->network, op->node->first_state + i)->values);
}

/* `outputs` has, per node before it, its output. */
static void fill_arrays(tsr_kit_operator *op, const tsr_kit_array *outputs)
{
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 1 + op->node->index);
    for (size_t i = 0; i < op->node->n_inputs; i++)
        copy(&op->arrays[FIRST_INPUT + i], outputs[op->node->inputs[i]->index].values);
    for (size_t i = 0; i < op->owner->n_parameters; i++)
        copy(&op->arrays[op->first_parameter + i],
             tsr_network_tensor(op->network, op->node->first_parameter + i)->values);
    reset_state(op);
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
        .rng = tsr_rng_stream(SEED, TSR_FOR_DROPOUT, node->index),
        .constants = tsr_network_graph(op->network)->constant_values + node->first_constant,
    };
}

static void forward(tsr_kit_operator *op, bool training)
{
    reset_state(op);
    tsr_pass pass = pass_of(op, training);
    tsr_call before = tsr_guard_note(op->node->call);
    op->node->op.forward(&pass);
    tsr_guard_note(before);
}

static void backward(tsr_kit_operator *op)
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

static bool is_gradient(const tsr_kit_operator *op, size_t i)
{
    return (i >= op->first_input_gradient && i < op->first_parameter) ||
           (i >= op->first_parameter_gradient && i < op->first_state);
}

static void set(tsr_kit_array *array, float value)
{
    for (size_t i = 0; i < array->n; i++)
        array->values[i] = value;
}

static void set_for_forward(tsr_kit_operator *op, float value)
{
    set(&op->arrays[OUTPUT], value);
    set(&op->arrays[SAVED], value);
    set(&op->arrays[SCRATCH], value);
}

static void set_for_backward(tsr_kit_operator *op, float value)
{
    set(&op->arrays[SCRATCH], value);
    for (size_t i = 0; i < op->n_arrays; i++)
        if (is_gradient(op, i))
            set(&op->arrays[i], value);
}

/* --- numbers --- */

/* Arrays are 0 at first: what is left out is another check's. */
tsr_status *tsr_kit_operator_finite(tsr_kit_operator *op)
{
    char name[128];
    for (int training = 0; training < 2; training++) {
        set_for_forward(op, 0);
        forward(op, training);
        TSR_TRY(tsr_kit_finite(op->arrays[OUTPUT].n, op->values[OUTPUT], "forward", "its output"));
    }
    if (!op->node->needs_gradient)
        return NULL;
    set_for_backward(op, 0);
    backward(op);
    for (size_t i = 0; i < op->n_arrays; i++) {
        name_array(op, i, name, sizeof(name));
        if (is_gradient(op, i))
            TSR_TRY(tsr_kit_finite(op->arrays[i].n, op->values[i], "backward", name));
    }
    return NULL;
}

/* --- fences --- */

static uint64_t stir(const tsr_kit_array *array)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    const uint32_t *words = (const uint32_t *)(const void *)array->values;
    for (size_t i = 0; i < array->n; i++)
        value = (value ^ words[i]) * UINT64_C(0x100000001b3);
    return value;
}

static bool may_write(const tsr_kit_operator *op, size_t i, bool is_backward)
{
    if (i == SAVED || i == SCRATCH)
        return true;
    return is_backward ? is_gradient(op, i) : i == OUTPUT || i >= op->first_state;
}

static tsr_status *check_arrays(const tsr_kit_operator *op, bool is_backward, const uint64_t *before)
{
    const char *operation = is_backward ? "backward" : "forward";
    char name[128];
    for (size_t i = 0; i < op->n_arrays; i++) {
        name_array(op, i, name, sizeof(name));
        TSR_TRY(tsr_kit_array_check(&op->arrays[i], operation, name));
        if (!may_write(op, i, is_backward) && stir(&op->arrays[i]) != before[i])
            return tsr_fail(TSR_FAILED, "%s writes to %s, which it may only read", operation, name);
    }
    return NULL;
}

static tsr_status *call_and_check(tsr_kit_operator *op, bool training, bool is_backward, uint64_t *before)
{
    reset_state(op);
    for (size_t i = 0; i < op->n_arrays; i++)
        before[i] = stir(&op->arrays[i]);
    if (is_backward)
        backward(op);
    else
        forward(op, training);
    return check_arrays(op, is_backward, before);
}

tsr_status *tsr_kit_operator_within(tsr_kit_operator *op)
{
    uint64_t *before = tsr_alloc(op->n_arrays, sizeof(*before));
    if (!before)
        return tsr_no_memory("a trial");
    tsr_status *status = call_and_check(op, false, false, before);
    if (!status)
        status = call_and_check(op, true, false, before);
    if (!status && op->node->needs_gradient)
        status = call_and_check(op, false, true, before);
    free(before);
    return status;
}

/* --- differences --- */

/* What is differentiated is the sum of outputs, each times its gradient. An array is moved along a direction:
   one element, or all of them. */
typedef struct slopes {
    tsr_kit_operator *op;
    float *at, *up; /* outputs where the array is as it was, and moved forwards */
    size_t wanted;  /* elements of one array to try, where it has more */
} slopes;

/* Over a distance h to both sides. */
typedef struct difference {
    double left, right, central;
    double rounding; /* that each of them may be off by */
} difference;

#define LARGEST_STEP 0x1p-4
#define SMALLEST_STEP 0x1p-12
#define TOLERANCE 0.01
#define ROUNDING 1e-6 /* of an output, relative to the largest */
#define BUDGET 4e8    /* multiplications for an operator's differences */
#define LEAST 6       /* elements of an array, whatever they cost */

/* An array and where it is moved: an element, or along `direction`. */
typedef struct move {
    tsr_kit_array *array;
    size_t element;
    const float *start, *direction; /* NULL: the element alone */
} move;

/* Gives the distance in fact, as floats allow it. */
static double move_by(const move *m, float from, double h)
{
    float *values = m->array->values;
    if (!m->direction) {
        values[m->element] = (float)((double)from + h);
        return (double)values[m->element] - (double)from;
    }
    for (size_t i = 0; i < m->array->n; i++)
        values[i] = (float)((double)m->start[i] + h * (double)m->direction[i]);
    return h;
}

static difference measure(slopes *s, const move *m, double h)
{
    tsr_kit_operator *op = s->op;
    const float *weights = op->values[OUTPUT_GRADIENT], *down = op->values[OUTPUT];
    size_t n = op->arrays[OUTPUT].n;
    float from = m->direction ? 0 : m->array->values[m->element];
    double up_by = move_by(m, from, h);
    forward(op, true);
    memcpy(s->up, op->values[OUTPUT], n * sizeof(float));
    double down_by = move_by(m, from, -h);
    forward(op, true);
    double left = 0, right = 0, square = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->up[i] == s->at[i] && down[i] == s->at[i])
            continue;
        double weight = (double)weights[i];
        right += weight * ((double)s->up[i] - (double)s->at[i]);
        left += weight * ((double)down[i] - (double)s->at[i]);
        square += weight * weight;
        largest = fmax(largest, fabs((double)s->at[i]));
    }
    if (m->direction)
        memcpy(m->array->values, m->start, m->array->n * sizeof(float));
    else
        m->array->values[m->element] = from;
    return (difference){ .left = left / down_by,
                         .right = right / up_by,
                         .central = (right - left) / (up_by - down_by),
                         .rounding = ROUNDING * largest * sqrt(square) / h };
}

/* Whether the function is smooth over the distance: halving it changes little, and so does the side. Where a
   breakpoint lies between it is not. */
static bool is_smooth(const difference *wide, const difference *narrow)
{
    double size = fabs(narrow->central);
    return fabs(wide->central - narrow->central) <=
               0.3 * TOLERANCE * size + wide->rounding + narrow->rounding &&
           fabs(narrow->right - narrow->left) <= 2 * TOLERANCE * size + 2 * narrow->rounding;
}

/* The distance is halved until the function is smooth over it; where it never is, nothing is said. */
static tsr_status *compare(slopes *s, const move *m, double slope, const char *what)
{
    difference wide = measure(s, m, LARGEST_STEP);
    for (double h = LARGEST_STEP / 2; h >= SMALLEST_STEP; h /= 2) {
        difference narrow = measure(s, m, h);
        if (is_smooth(&wide, &narrow)) {
            double tolerance = TOLERANCE * fabs(narrow.central) + narrow.rounding;
            return fabs(slope - narrow.central) <= tolerance
                       ? NULL
                       : tsr_fail(TSR_FAILED, "%s is %g in backward, and differences of forward show %g",
                                  what, slope, narrow.central);
        }
        wide = narrow;
    }
    return NULL;
}

static tsr_status *try_element(slopes *s, tsr_kit_array *array, const tsr_kit_array *gradient, size_t element,
                               const char *name)
{
    char what[192];
    snprintf(what, sizeof(what), "element %zu of %s", element, name);
    return compare(s, &(move){ .array = array, .element = element }, (double)gradient->values[element], what);
}

/* All elements at once, along the gradient itself: what is off throughout shows however many there are. */
static tsr_status *try_all(slopes *s, tsr_kit_array *array, const tsr_kit_array *gradient, const char *name)
{
    float *start = tsr_alloc(array->n, sizeof(float)), *direction = tsr_alloc(array->n, sizeof(float));
    double square = 0;
    char what[192];
    tsr_status *status = start && direction ? NULL : tsr_no_memory("a trial");
    for (size_t i = 0; !status && i < array->n; i++)
        square += (double)gradient->values[i] * (double)gradient->values[i];
    double length = sqrt(square);
    if (!status && length > 0) {
        for (size_t i = 0; i < array->n; i++) {
            start[i] = array->values[i];
            direction[i] = (float)((double)gradient->values[i] / length);
        }
        snprintf(what, sizeof(what), "the length of %s", name);
        status = compare(s, &(move){ .array = array, .start = start, .direction = direction }, length, what);
    }
    free(start);
    free(direction);
    return status;
}

static tsr_status *try_array(slopes *s, size_t values, size_t gradients)
{
    tsr_kit_array *array = &s->op->arrays[values], *gradient = &s->op->arrays[gradients];
    size_t n = array->n, tried = n < s->wanted ? n : s->wanted;
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_SHUFFLE, values);
    char name[128];
    name_array(s->op, gradients, name, sizeof(name));
    if (gradient->n == 0)
        return NULL;
    for (size_t i = 0; i < tried; i++) {
        size_t first = i * (n / tried),
               element = tried == n ? i : first + tsr_rng_below(&rng, (uint32_t)(n / tried));
        TSR_TRY(try_element(s, array, gradient, i + 1 == tried ? n - 1 : element, name));
    }
    return try_all(s, array, gradient, name);
}

/* About the multiplications of one call of forward: those of a convolution or dense layer, where it has
   parameters. */
static double cost(const tsr_kit_operator *op)
{
    double outputs = (double)op->arrays[OUTPUT].n, sum = outputs;
    for (size_t i = FIRST_INPUT; i < op->first_input_gradient; i++)
        sum += (double)op->arrays[i].n;
    for (size_t i = op->first_parameter; i < op->first_parameter_gradient; i++)
        sum += outputs * (double)op->arrays[i].n / (double)op->node->shape.dims[0];
    return sum;
}

static tsr_status *try_arrays(slopes *s)
{
    tsr_kit_operator *op = s->op;
    tsr_status *status = NULL;
    for (size_t i = 0; !status && i < op->node->n_inputs; i++)
        status = try_array(s, FIRST_INPUT + i, op->first_input_gradient + i);
    for (size_t i = 0; !status && i < op->owner->n_parameters; i++)
        status = try_array(s, op->first_parameter + i, op->first_parameter_gradient + i);
    return status;
}

/* Inputs of equal values, as a rectifier's zeros are, lie on the breakpoints of what chooses among them. */
static void part_equals(tsr_kit_operator *op)
{
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 1 + op->node->index);
    for (size_t k = 0; k < op->node->n_inputs; k++)
        for (size_t i = 0; op->node->inputs[k]->needs_gradient && i < op->arrays[FIRST_INPUT + k].n; i++)
            op->values[FIRST_INPUT + k][i] += (float)(0.02 * tsr_rng_normal(&rng));
}

tsr_status *tsr_kit_operator_slopes(tsr_kit_operator *op)
{
    if (!op->node->needs_gradient)
        return NULL;
    part_equals(op);
    size_t n = op->arrays[OUTPUT].n;
    double wanted = BUDGET / (4 * cost(op) * (double)(op->n_arrays - FIRST_INPUT));
    slopes s = { .op = op,
                 .at = tsr_alloc(n, sizeof(float)),
                 .up = tsr_alloc(n, sizeof(float)),
                 .wanted = wanted > LEAST ? (size_t)wanted : LEAST };
    tsr_status *status = s.at && s.up ? NULL : tsr_no_memory("a trial");
    if (!status) {
        forward(op, true);
        set_for_backward(op, 0);
        backward(op);
        memcpy(s.at, op->values[OUTPUT], n * sizeof(float));
        status = try_arrays(&s);
    }
    free(s.at);
    free(s.up);
    return status;
}

/* --- memory --- */

#define CALLS 16  /* that are measured together */
#define SETTLED 8 /* calls until the allocator has settled: it keeps 7 blocks of a size for the thread */
#define LEAST_BYTES 16

static tsr_status *call_often(tsr_kit_operator *op, void (*call)(tsr_kit_operator *op), const char *operation)
{
    for (int i = 0; i < SETTLED; i++)
        call(op);
    size_t before = tsr_kit_allocated();
    for (int i = 0; i < CALLS; i++)
        call(op);
    size_t after = tsr_kit_allocated(), kept = after > before ? (after - before) / CALLS : 0;
    return kept < LEAST_BYTES
               ? NULL
               : tsr_fail(TSR_FAILED, "%s keeps %zu bytes more at each call; free what it allocates",
                          operation, kept);
}

static void train_forward(tsr_kit_operator *op)
{
    forward(op, true);
}

tsr_status *tsr_kit_operator_memory(tsr_kit_operator *op)
{
    TSR_TRY(call_often(op, train_forward, "forward"));
    return op->node->needs_gradient ? call_often(op, backward, "backward") : NULL;
}

/* --- threads --- */

#define MOST_REPETITIONS 8 /* with each number of threads */

static uint64_t step(tsr_kit_operator *op)
{
    uint64_t digest = 0;
    set_for_forward(op, 0);
    forward(op, true);
    digest = digest * 31 + stir(&op->arrays[OUTPUT]);
    for (size_t i = op->first_state; i < op->n_arrays; i++)
        digest = digest * 31 + stir(&op->arrays[i]);
    if (!op->node->needs_gradient)
        return digest;
    set_for_backward(op, 0);
    backward(op);
    for (size_t i = 0; i < op->n_arrays; i++)
        if (is_gradient(op, i))
            digest = digest * 31 + stir(&op->arrays[i]);
    return digest;
}

static tsr_status *fail_with_threads(int threads)
{
    return tsr_fail(
        TSR_FAILED,
        "its results depend on the number of threads: with %d they are others; cut work by the "
        "data's sizes alone, let no two threads write to one place, and add sums up in a fixed order",
        threads);
}

static tsr_status *vary_threads(tsr_kit_operator *op, uint64_t alone)
{
    double affordable = BUDGET / (9 * cost(op));
    for (int i = 0; i < MOST_REPETITIONS && (i == 0 || i < affordable); i++)
        for (int threads = 2; threads <= 4; threads++) {
            tsr_set_threads(threads);
            if (step(op) != alone)
                return fail_with_threads(threads);
        }
    return NULL;
}

tsr_status *tsr_kit_operator_threads(tsr_kit_operator *op)
{
    static const tsr_task_order orders[] = { TSR_TASKS_BACKWARDS, TSR_TASKS_INTERLEAVED };
    tsr_set_threads(1);
    uint64_t alone = step(op);
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        tsr_tasks_run(orders[i]);
        bool same = step(op) == alone;
        tsr_tasks_run(TSR_TASKS_SHARED);
        if (!same)
            return tsr_fail(TSR_FAILED,
                            "its results depend on the order of the tasks that it gives to "
                            "tsr_parallel_for, and so on the threads; let each write to its own place");
    }
    tsr_tasks_run(TSR_TASKS_ALWAYS_SHARED);
    tsr_status *status = vary_threads(op, alone);
    tsr_tasks_run(TSR_TASKS_SHARED);
    tsr_set_threads(1);
    return status;
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
        forward(&op, true);
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
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 0);
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
