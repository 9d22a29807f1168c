/* Gradients of an operator against differences of its outputs. */
#include "kit/operator_parts.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    tsr_kit_operator_forward(op, true);
    memcpy(s->up, op->values[OUTPUT], n * sizeof(float));
    double down_by = move_by(m, from, -h);
    tsr_kit_operator_forward(op, true);
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

static size_t n_compared, n_passed_over;

void tsr_kit_operator_count(size_t *compared, size_t *passed_over)
{
    *compared = n_compared;
    *passed_over = n_passed_over;
}

/* The distance is halved until the function is smooth over it; where it never is, nothing is said. */
static tsr_status *compare(slopes *s, const move *m, double slope, const char *what)
{
    difference wide = measure(s, m, LARGEST_STEP);
    for (double h = LARGEST_STEP / 2; h >= SMALLEST_STEP; h /= 2) {
        difference narrow = measure(s, m, h);
        if (is_smooth(&wide, &narrow)) {
            n_compared++;
            double tolerance = TOLERANCE * fabs(narrow.central) + narrow.rounding;
            return fabs(slope - narrow.central) <= tolerance
                       ? NULL
                       : tsr_fail(TSR_FAILED, "%s is %g in backward, and differences of forward show %g",
                                  what, slope, narrow.central);
        }
        wide = narrow;
    }
    n_passed_over++;
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
    tsr_rng rng = tsr_rng_stream(TSR_KIT_OPERATOR_SEED, TSR_FOR_SHUFFLE, values);
    char name[128];
    tsr_kit_operator_name(s->op, gradients, name, sizeof(name));
    if (gradient->n == 0)
        return NULL;
    for (size_t i = 0; i < tried; i++) {
        size_t first = i * (n / tried),
               element = tried == n ? i : first + tsr_rng_below(&rng, (uint32_t)(n / tried));
        TSR_TRY(try_element(s, array, gradient, i + 1 == tried ? n - 1 : element, name));
    }
    return try_all(s, array, gradient, name);
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
    tsr_rng rng = tsr_rng_stream(TSR_KIT_OPERATOR_SEED, TSR_FOR_DATA, 1 + op->node->index);
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
    double wanted =
        TSR_KIT_OPERATOR_BUDGET / (4 * tsr_kit_operator_cost(op) * (double)(op->n_arrays - FIRST_INPUT));
    slopes s = { .op = op,
                 .at = tsr_alloc(n, sizeof(float)),
                 .up = tsr_alloc(n, sizeof(float)),
                 .wanted = wanted > LEAST ? (size_t)wanted : LEAST };
    tsr_status *status = s.at && s.up ? NULL : tsr_no_memory("a trial");
    if (!status) {
        tsr_kit_operator_forward(op, true);
        tsr_kit_operator_set_for_backward(op, 0);
        tsr_kit_operator_backward(op);
        memcpy(s.at, op->values[OUTPUT], n * sizeof(float));
        status = try_arrays(&s);
    }
    free(s.at);
    free(s.up);
    return status;
}
