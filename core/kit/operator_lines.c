/* What an operator says of its course along lines, against its outputs in inference. */
#include "kit/operator_parts.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAR 4.0        /* a step, in inputs' largest magnitude: breakpoints lie within it */
#define TOLERANCE 1e-3 /* of an output, relative to the largest: floats sum up to it */

/* Inputs of all samples and directions from there, and outputs at three places in steps of a direction. */
typedef struct course {
    tsr_kit_operator *op;
    size_t n_inputs, n_outputs; /* elements in all */
    float *start, *direction;   /* of the inputs, one after the other */
    float *outputs[3];
} course;

static void course_clear(course *c)
{
    free(c->start);
    free(c->direction);
    for (int i = 0; i < 3; i++)
        free(c->outputs[i]);
}

static tsr_status *course_make(tsr_kit_operator *op, course *c)
{
    *c = (course){ .op = op, .n_outputs = op->arrays[OUTPUT].n };
    for (size_t k = 0; k < op->node->n_inputs; k++)
        c->n_inputs += op->arrays[FIRST_INPUT + k].n;
    c->start = tsr_alloc(c->n_inputs, sizeof(float));
    c->direction = tsr_alloc(c->n_inputs, sizeof(float));
    bool whole = c->start && c->direction;
    for (int i = 0; whole && i < 3; i++)
        whole = (c->outputs[i] = tsr_alloc(c->n_outputs, sizeof(float))) != NULL;
    if (!whole)
        return tsr_no_memory("a trial");
    double largest = 1;
    for (size_t k = 0, at = 0; k < op->node->n_inputs; at += op->arrays[FIRST_INPUT + k++].n)
        memcpy(c->start + at, op->values[FIRST_INPUT + k], op->arrays[FIRST_INPUT + k].n * sizeof(float));
    for (size_t i = 0; i < c->n_inputs; i++)
        largest = fmax(largest, fabs((double)c->start[i]));
    tsr_rng rng = tsr_rng_stream(TSR_KIT_OPERATOR_SEED, TSR_FOR_DATA, (uint64_t)1 << 32 | op->node->index);
    tsr_rng_fill_uniform(&rng, c->n_inputs, c->direction, (float)(-FAR * largest), (float)(FAR * largest));
    return NULL;
}

/* Moves the inputs so many steps from where they were, and takes the outputs. */
static void go(course *c, int steps)
{
    tsr_kit_operator *op = c->op;
    for (size_t k = 0, at = 0; k < op->node->n_inputs; k++)
        for (size_t i = 0; i < op->arrays[FIRST_INPUT + k].n; i++, at++)
            op->values[FIRST_INPUT + k][i] = c->start[at] + (float)steps * c->direction[at];
    tsr_kit_operator_forward(op, false);
    memcpy(c->outputs[steps], op->values[OUTPUT], c->n_outputs * sizeof(float));
}

static double largest_of(const course *c)
{
    double largest = 0;
    for (int i = 0; i < 3; i++)
        for (size_t j = 0; j < c->n_outputs; j++)
            largest = fmax(largest, fabs((double)c->outputs[i][j]));
    return largest;
}

/* Half way between two inputs the output of an affine operator is half way. */
static tsr_status *check_affine(const course *c, const char *flag)
{
    double tolerance = TOLERANCE * largest_of(c);
    for (size_t i = 0; i < c->n_outputs; i++) {
        double half = ((double)c->outputs[0][i] + (double)c->outputs[2][i]) / 2,
               there = (double)c->outputs[1][i];
        if (fabs(half - there) > tolerance)
            return tsr_fail(
                TSR_FAILED,
                "its flag %s says that forward is affine, and half way between two inputs value %zu of its "
                "output is %g, expected %g",
                flag, i, there, half);
    }
    return NULL;
}

/* What `line` gives at the start, which the outputs there are compared with. */
static tsr_status *check_given(const course *c, const double *value, const double *next)
{
    const tsr_kit_operator *op = c->op;
    double tolerance = TOLERANCE * largest_of(c);
    for (size_t i = 0; i < c->n_outputs; i++)
        if (!(fabs(value[i] - (double)c->outputs[0][i]) <= tolerance))
            return tsr_fail(TSR_FAILED, "line gives %g as value %zu of its output, and forward %g", value[i],
                            i, (double)c->outputs[0][i]);
    for (size_t s = 0; s < op->n && op->node->op.flags & TSR_OP_AFFINE; s++)
        if (!isinf(next[s]))
            return tsr_fail(TSR_FAILED,
                            "its flag TSR_OP_AFFINE says that no piece ends, and line ends one at %g",
                            next[s]);
    return NULL;
}

static tsr_status *call_line(const course *c, double *doubles, const double **inputs, const float **arrays)
{
    const tsr_kit_operator *op = c->op;
    const tsr_node *node = op->node;
    double *values = doubles, *slopes = values + c->n_inputs, *value = slopes + c->n_inputs,
           *slope = value + c->n_outputs, *t = slope + c->n_outputs, *next = t + op->n;
    for (size_t k = 0, at = 0; k < node->n_inputs; at += op->arrays[FIRST_INPUT + k++].n) {
        inputs[k] = values + at;
        inputs[node->n_inputs + k] = slopes + at;
    }
    for (size_t i = 0; i < c->n_inputs; i++) {
        values[i] = (double)c->start[i];
        slopes[i] = (double)c->direction[i];
    }
    for (size_t s = 0; s < op->n; s++)
        next[s] = INFINITY;
    for (size_t i = 0; i < op->n_arrays; i++)
        arrays[i] = op->values[i];
    tsr_line_pass pass = { .config = node->config,
                           .n = op->n,
                           .n_inputs = node->n_inputs,
                           .shapes = node->shapes,
                           .shape = node->shape,
                           .values = inputs,
                           .slopes = inputs + node->n_inputs,
                           .value = value,
                           .slope = slope,
                           .parameters = arrays + op->first_parameter,
                           .state = arrays + op->first_state,
                           .constants =
                               tsr_network_graph(op->network)->constant_values + node->first_constant,
                           .t = t,
                           .next = next };
    tsr_call before = tsr_guard_note(node->call);
    tsr_status *status = node->op.line(&pass);
    tsr_guard_note(before);
    if (status) { /* it has no straight pieces, as smooth activations */
        tsr_status_free(status);
        return NULL;
    }
    return check_given(c, value, next);
}

static tsr_status *check_line(const course *c)
{
    const tsr_kit_operator *op = c->op;
    size_t n = 2 * (c->n_inputs + c->n_outputs + op->n);
    double *doubles = tsr_alloc(n, sizeof(*doubles));
    const double **inputs = tsr_alloc(2 * op->node->n_inputs, sizeof(*inputs));
    const float **arrays = tsr_alloc(op->n_arrays, sizeof(*arrays));
    tsr_status *status =
        doubles && inputs && arrays ? call_line(c, doubles, inputs, arrays) : tsr_no_memory("a trial");
    free(doubles);
    free(inputs);
    free(arrays);
    return status;
}

tsr_status *tsr_kit_operator_lines(tsr_kit_operator *op)
{
    const unsigned flags = op->node->op.flags;
    course c;
    tsr_status *status = course_make(op, &c);
    for (int steps = 2; !status && steps >= 0; steps--)
        go(&c, steps); /* and so back to the start */
    if (!status && flags & (TSR_OP_AFFINE | TSR_OP_MOVES))
        status = check_affine(&c, flags & TSR_OP_AFFINE ? "TSR_OP_AFFINE" : "TSR_OP_MOVES");
    if (!status && op->node->op.line)
        status = check_line(&c);
    course_clear(&c);
    return status;
}
