/* Lines through a network: each move computes values and slopes of every node in double precision, in the
   order of the graph. What only moves elements is found out once, by sending the elements' numbers through.
   Up to where the first pieces end, values are straight all along a line, and computed once. */
#include "base/memory.h"
#include "nn/lines.h"
#include "nn/network_parts.h"
#include "nn/ops/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/line.h>

#define DIGIT 1048576 /* numbers below it are exact as floats */

/* A node's values along the lines. */
typedef struct course {
    double *values, *slopes; /* n x its shape; of what is straight, only where more than that reads them */
    double *start;           /* of what is straight: its values at t = 0 */
    size_t *from;            /* where it only moves elements: of which among all its inputs' each one is */
    bool wanted, straight;   /* straight: no piece ends before it */
} course;

struct tsr_lines {
    tsr_network *network;
    size_t n;
    double *t, *next;
    course *courses;      /* per node; empty where it is not wanted */
    const tsr_node *last; /* the values of the last layer that is followed; NULL: all are */
};

static void clear_course(course *c)
{
    free(c->values);
    free(c->slopes);
    free(c->start);
    free(c->from);
    c->values = c->slopes = c->start = NULL;
    c->from = NULL;
}

void tsr_lines_free(tsr_lines *lines)
{
    if (!lines)
        return;
    for (size_t i = 0; lines->courses && i < lines->network->graph->n; i++)
        clear_course(&lines->courses[i]);
    free(lines->courses);
    free(lines->t);
    free(lines->next);
    free(lines);
}

/* --- nodes that only move elements --- */

/* One sample's inputs, and what forward needs beside them. */
typedef struct sending {
    float **inputs, *output, *saved, *scratch;
} sending;

static void sending_clear(sending *s, size_t n_inputs)
{
    for (size_t k = 0; s->inputs && k < n_inputs; k++)
        free(s->inputs[k]);
    free(s->inputs);
    free(s->output);
    free(s->saved);
    free(s->scratch);
}

static bool sending_make(const tsr_node *node, sending *s)
{
    *s = (sending){ .inputs = tsr_alloc(node->n_inputs, sizeof(float *)),
                    .output = tsr_alloc(tsr_shape_size(node->shape), sizeof(float)),
                    .saved = tsr_alloc(node->saved.per_sample + node->saved.fixed, sizeof(float)),
                    .scratch = tsr_alloc(node->scratch.per_sample + node->scratch.fixed, sizeof(float)) };
    bool whole = s->inputs && s->output && s->saved && s->scratch;
    for (size_t k = 0; whole && k < node->n_inputs; k++)
        whole = (s->inputs[k] = tsr_alloc(tsr_shape_size(node->shapes[k]), sizeof(float))) != NULL;
    return whole;
}

/* Sends one digit of the elements' numbers, counted over all inputs, and adds what comes out. */
static void send_digit(const tsr_node *node, size_t digit, sending *s, size_t *from)
{
    size_t number = 0;
    for (size_t k = 0; k < node->n_inputs; k++)
        for (size_t i = 0; i < tsr_shape_size(node->shapes[k]); i++, number++)
            s->inputs[k][i] = (float)(number / digit % DIGIT);
    tsr_pass pass = { .config = node->config,
                      .n = 1,
                      .n_inputs = node->n_inputs,
                      .shapes = node->shapes,
                      .shape = node->shape,
                      .inputs = (const float *const *)(uintptr_t)s->inputs,
                      .output = s->output,
                      .saved = s->saved,
                      .scratch = s->scratch };
    tsr_call before = tsr_guard_note(node->call);
    node->op.forward(&pass);
    tsr_guard_note(before);
    for (size_t i = 0; i < tsr_shape_size(node->shape); i++)
        from[i] += s->output[i] >= 0 && s->output[i] < DIGIT ? (size_t)s->output[i] * digit : 0;
}

static tsr_status *find_moves(const tsr_node *node, course *c)
{
    sending s;
    c->from = tsr_alloc(tsr_shape_size(node->shape), sizeof(*c->from));
    bool whole = sending_make(node, &s) && c->from;
    if (whole) {
        send_digit(node, 1, &s, c->from);
        send_digit(node, DIGIT, &s, c->from);
    }
    sending_clear(&s, node->n_inputs);
    return whole ? NULL : tsr_no_memory("lines");
}

/* The input and the element of it that a number stands for. */
static const course *source_of(const tsr_lines *lines, const tsr_node *node, size_t number, size_t *size,
                               size_t *element)
{
    size_t k = 0;
    while (k + 1 < node->n_inputs && number >= tsr_shape_size(node->shapes[k]))
        number -= tsr_shape_size(node->shapes[k++]);
    *size = tsr_shape_size(node->shapes[k]);
    *element = number < *size ? number : 0;
    return &lines->courses[node->inputs[k]->index];
}

static void move_elements(tsr_lines *lines, const tsr_node *node)
{
    course *to = &lines->courses[node->index];
    size_t size = tsr_shape_size(node->shape), in, element;
    for (size_t i = 0; i < size; i++) {
        const course *from = source_of(lines, node, to->from[i], &in, &element);
        for (size_t s = 0; s < lines->n; s++) {
            to->values[s * size + i] = from->values[s * in + element];
            to->slopes[s * size + i] = from->slopes[s * in + element];
        }
    }
}

/* --- moving --- */

/* What is straight, at t. */
static void place(const tsr_lines *lines, const tsr_node *node)
{
    const course *c = &lines->courses[node->index];
    size_t size = tsr_shape_size(node->shape);
    for (size_t s = 0; c->start && s < lines->n; s++)
        for (size_t i = s * size; i < (s + 1) * size; i++)
            c->values[i] = c->start[i] + lines->t[s] * c->slopes[i];
}

static tsr_status *call_line(tsr_lines *lines, const tsr_node *node, const double **values,
                             const double **slopes)
{
    const tsr_network *network = lines->network;
    course *to = &lines->courses[node->index];
    for (size_t k = 0; k < node->n_inputs; k++) {
        values[k] = lines->courses[node->inputs[k]->index].values;
        slopes[k] = lines->courses[node->inputs[k]->index].slopes;
    }
    tsr_line_pass pass = {
        .config = node->config,
        .n = lines->n,
        .n_inputs = node->n_inputs,
        .shapes = node->shapes,
        .shape = node->shape,
        .values = values,
        .slopes = slopes,
        .value = to->values,
        .slope = to->slopes,
        .parameters = (const float *const *)(uintptr_t)(network->store.parameters + node->first_parameter),
        .state = (const float *const *)(uintptr_t)(network->store.state + node->first_state),
        .constants = tsr_node_constants(network->graph, node),
        .t = lines->t,
        .next = lines->next
    };
    tsr_call before = tsr_guard_note(node->call);
    tsr_status *status = node->op.line(&pass);
    tsr_guard_note(before);
    return status;
}

static tsr_status *follow(tsr_lines *lines, const tsr_node *node)
{
    if (lines->courses[node->index].from) {
        move_elements(lines, node);
        return NULL;
    }
    const double **inputs = tsr_alloc(2 * node->n_inputs, sizeof(*inputs));
    if (!inputs)
        return tsr_no_memory("lines");
    tsr_status *status = call_line(lines, node, inputs, inputs + node->n_inputs);
    free(inputs);
    return tsr_context(status, "'%s' has no exact course along a line", node->name);
}

/* Where tapped values meet their breakpoints; an operator that declares bits of its input sees to its own. */
static void meet_taps(tsr_lines *lines)
{
    for (size_t i = 0; i < lines->network->n_sources; i++) {
        const tsr_layer_source *layer = &lines->network->layers[i];
        const tsr_code_source *source = &lines->network->sources[i];
        const course *c = &lines->courses[layer->values->index];
        bool meets = !layer->reader && c->wanted && layer->values != lines->last;
        size_t size = meets ? tsr_shape_size(layer->values->shape) : 0;
        for (size_t j = 0; j < lines->n * size; j++)
            for (size_t b = 0; b < source->n_breakpoints; b++)
                tsr_line_meet(lines->t[j / size], c->values[j], c->slopes[j], (double)source->breakpoints[b],
                              &lines->next[j / size]);
    }
}

tsr_status *tsr_lines_move(tsr_lines *lines, const double *t)
{
    const tsr_graph *graph = lines->network->graph;
    for (size_t s = 0; s < lines->n; s++) {
        if (!isfinite(t[s]))
            return tsr_fail(TSR_REFUSED, "line %zu is to move to %g, expected a finite number", s, t[s]);
        lines->t[s] = t[s];
        lines->next[s] = INFINITY;
    }
    for (size_t i = 0; i < graph->n; i++) {
        const course *c = &lines->courses[i];
        if (c->straight)
            place(lines, graph->nodes[i]);
        else if (c->wanted)
            TSR_TRY(follow(lines, graph->nodes[i]));
    }
    meet_taps(lines);
    return NULL;
}

tsr_status *tsr_lines_turn(tsr_lines *lines)
{
    const tsr_graph *graph = lines->network->graph;
    for (size_t i = 0; i < graph->n; i++) {
        const course *c = &lines->courses[i];
        for (size_t j = 0; c->start && j < lines->n * tsr_shape_size(graph->nodes[i]->shape); j++)
            c->slopes[j] = -c->slopes[j];
    }
    for (size_t s = 0; s < lines->n; s++)
        lines->t[s] = -lines->t[s];
    return tsr_lines_move(lines, lines->t);
}

/* --- making them --- */

/* Wants what the values of a node depend on. */
static void want(tsr_lines *lines, const tsr_node *last)
{
    const tsr_graph *graph = lines->network->graph;
    lines->courses[last->index].wanted = true;
    for (size_t i = last->index + 1; i-- > 0;)
        for (size_t k = 0; lines->courses[i].wanted && k < graph->nodes[i]->n_inputs; k++)
            lines->courses[graph->nodes[i]->inputs[k]->index].wanted = true;
}

static bool is_straight(const tsr_lines *lines, const tsr_node *node)
{
    bool straight = !node->identity || node->op.flags & (TSR_OP_MOVES | TSR_OP_AFFINE);
    for (size_t k = 0; straight && k < node->n_inputs; k++)
        straight = lines->courses[node->inputs[k]->index].straight;
    return straight;
}

static tsr_status *make_course(const tsr_lines *lines, const tsr_node *node)
{
    course *c = &lines->courses[node->index];
    size_t floats;
    if (node->identity && !node->op.line && !(node->op.flags & TSR_OP_MOVES))
        return tsr_fail(TSR_REFUSED,
                        "'%s' has no exact course along a line: operator %s is smooth, or does not tell its "
                        "straight pieces",
                        node->name, node->op.name);
    if (!tsr_checked_multiply(lines->n, tsr_shape_size(node->shape), &floats))
        return tsr_no_memory("lines");
    c->straight = is_straight(lines, node);
    c->values = tsr_alloc(floats, sizeof(double));
    c->slopes = tsr_alloc(floats, sizeof(double));
    if (!c->values || !c->slopes)
        return tsr_no_memory("lines");
    return node->identity && node->op.flags & TSR_OP_MOVES ? find_moves(node, c) : NULL;
}

static void place_input(const tsr_lines *lines, const double *origins, const double *directions)
{
    const course *input = &lines->courses[0];
    size_t size = tsr_shape_size(lines->network->graph->nodes[0]->shape);
    const float *mean = lines->network->mean;
    for (size_t i = 0; i < lines->n * size; i++)
        input->values[i] = origins[i] - (mean ? (double)mean[i % size] : 0);
    memcpy(input->slopes, directions, lines->n * size * sizeof(double));
}

/* Whether the values of what is straight are asked for once more: by what is not, or from outside. */
static bool stays(const tsr_lines *lines, const tsr_node *node)
{
    const tsr_graph *graph = lines->network->graph;
    bool stays = node == lines->last || node == graph->logits;
    for (size_t i = 0; !stays && i < lines->network->n_sources; i++)
        stays = lines->network->layers[i].values == node;
    for (size_t i = node->index + 1; !stays && i < graph->n; i++)
        for (size_t k = 0;
             lines->courses[i].wanted && !lines->courses[i].straight && k < graph->nodes[i]->n_inputs; k++)
            stays = stays || graph->nodes[i]->inputs[k] == node;
    return stays;
}

static tsr_status *keep_starts(const tsr_lines *lines)
{
    const tsr_graph *graph = lines->network->graph;
    for (size_t i = 0; i < graph->n; i++) {
        course *c = &lines->courses[i];
        if (!c->straight)
            continue;
        if (!stays(lines, graph->nodes[i])) {
            clear_course(c);
            continue;
        }
        size_t doubles = lines->n * tsr_shape_size(graph->nodes[i]->shape);
        c->start = tsr_alloc(doubles, sizeof(double));
        if (!c->start)
            return tsr_no_memory("lines");
        memcpy(c->start, c->values, doubles * sizeof(double));
    }
    return NULL;
}

/* `layer`: the last one that is followed; none: all, and the logits. */
static tsr_status *make(tsr_lines *lines, const size_t *layer, const double *origins,
                        const double *directions)
{
    const tsr_graph *graph = lines->network->graph;
    lines->last = layer ? lines->network->layers[*layer].values : NULL;
    lines->t = tsr_alloc(lines->n, sizeof(double));
    lines->next = tsr_alloc(lines->n, sizeof(double));
    lines->courses = tsr_alloc(graph->n, sizeof(*lines->courses));
    if (!lines->t || !lines->next || !lines->courses)
        return tsr_no_memory("lines");
    if (layer)
        want(lines, lines->last);
    for (size_t i = 0; i < graph->n; i++)
        lines->courses[i].wanted |= i == 0 || (!layer && graph->nodes[i]->looked_at);
    for (size_t i = 0; i < graph->n; i++)
        if (lines->courses[i].wanted)
            TSR_TRY(make_course(lines, graph->nodes[i]));
    place_input(lines, origins, directions);
    for (size_t i = 1; i < graph->n; i++)
        if (lines->courses[i].straight)
            TSR_TRY(follow(lines, graph->nodes[i]));
    TSR_TRY(keep_starts(lines));
    return tsr_lines_move(lines, lines->t); /* which are 0 */
}

static tsr_status *make_lines(tsr_network *network, const size_t *layer, size_t n, const double *origins,
                              const double *directions, tsr_lines **out)
{
    *out = NULL;
    tsr_lines *lines = tsr_alloc(1, sizeof(*lines));
    if (!lines)
        return tsr_no_memory("lines");
    *lines = (tsr_lines){ .network = network, .n = n };
    tsr_status *status = make(lines, layer, origins, directions);
    if (status)
        tsr_lines_free(lines);
    else
        *out = lines;
    return status;
}

tsr_status *tsr_lines_new(tsr_network *network, size_t n, const double *origins, const double *directions,
                          tsr_lines **out)
{
    return make_lines(network, NULL, n, origins, directions, out);
}

tsr_status *tsr_lines_new_to_layer(tsr_network *network, size_t layer, size_t n, const double *origins,
                                   const double *directions, tsr_lines **out)
{
    *out = NULL;
    if (layer >= network->n_sources)
        return tsr_fail(TSR_REFUSED, "lines to layer %zu, and the code has %zu layers", layer,
                        network->n_sources);
    return make_lines(network, &layer, n, origins, directions, out);
}

size_t tsr_lines_bytes(const tsr_network *network)
{
    size_t bytes = 0;
    for (size_t i = 0; i < network->graph->n; i++) {
        size_t size = tsr_shape_size(network->graph->nodes[i]->shape), more;
        if (__builtin_mul_overflow(size, 3 * sizeof(double), &more) ||
            __builtin_add_overflow(bytes, more, &bytes))
            return SIZE_MAX;
    }
    return bytes;
}

/* --- what they show --- */

const double *tsr_lines_next(const tsr_lines *lines)
{
    return lines->next;
}

static const course *layer_of(const tsr_lines *lines, size_t layer)
{
    return &lines->courses[lines->network->layers[layer].values->index];
}

const double *tsr_lines_values(const tsr_lines *lines, size_t layer)
{
    return layer_of(lines, layer)->values;
}

const double *tsr_lines_slopes(const tsr_lines *lines, size_t layer)
{
    return layer_of(lines, layer)->slopes;
}

const double *tsr_lines_logits(const tsr_lines *lines)
{
    return lines->courses[lines->network->graph->logits->index].values;
}

const double *tsr_lines_logit_slopes(const tsr_lines *lines)
{
    return lines->courses[lines->network->graph->logits->index].slopes;
}

const tsr_network *tsr_lines_network(const tsr_lines *lines)
{
    return lines->network;
}

size_t tsr_lines_count(const tsr_lines *lines)
{
    return lines->n;
}

const double *tsr_lines_places(const tsr_lines *lines)
{
    return lines->t;
}
