/* The memory plan. Time runs in steps: forward of node i is step i, the loss step n (the number of nodes),
   backward of node i step 2 n - i. A value lives from its forward to its last reader, a gradient from the
   first reader's backward that gives it to its own node's. Training always runs fused nodes; a pass of
   inference runs them or, where a tap is to see what they skip, the nodes one by one. */
#include "nn/plan.h"

#include "base/memory.h"
#include "nn/ops/ops.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/multiversion.h>

#define ALIGNMENT 16 /* floats: 64 bytes */

/* --- placement --- */

static int larger_first(const void *a, const void *b)
{
    const tsr_buffer *left = *(tsr_buffer *const *)a, *right = *(tsr_buffer *const *)b;
    if (left->floats != right->floats)
        return left->floats > right->floats ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* The lowest place for a buffer among those placed, which are in the order of their offsets. */
static size_t lowest_place(const tsr_buffer *buffer, size_t n, tsr_buffer *const *placed, bool apart)
{
    size_t offset = 0;
    for (size_t i = 0; i < n; i++) {
        const tsr_buffer *other = placed[i];
        if (!apart && (other->last < buffer->first || other->first > buffer->last))
            continue;
        if (other->offset >= offset && other->offset - offset >= buffer->floats)
            break;
        if (other->offset + other->floats > offset)
            offset = other->offset + other->floats;
    }
    return offset;
}

static void insert(tsr_buffer *buffer, size_t n, tsr_buffer **placed)
{
    size_t i = n;
    for (; i > 0 && placed[i - 1]->offset > buffer->offset; i--)
        placed[i] = placed[i - 1];
    placed[i] = buffer;
}

/* Rounds sizes up to the alignment; false where all of them together do not fit into memory. */
static bool round_sizes(size_t n, tsr_buffer *buffers)
{
    size_t sum = 0, limit = PTRDIFF_MAX / sizeof(float) - ALIGNMENT;
    for (size_t i = 0; i < n; i++) {
        if (buffers[i].floats > limit)
            return false;
        buffers[i].floats = (buffers[i].floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (__builtin_add_overflow(sum, buffers[i].floats, &sum) || sum > limit)
            return false;
    }
    return true;
}

tsr_status *tsr_place(size_t n, tsr_buffer *buffers, bool apart, size_t *total)
{
    if (!round_sizes(n, buffers))
        return tsr_fail(TSR_NO_MEMORY, "the network's memory plan does not fit into memory");
    tsr_buffer **order = tsr_alloc(n, sizeof(*order)), **placed = tsr_alloc(n, sizeof(*placed));
    if (!order || !placed) {
        free(order);
        free(placed);
        return tsr_no_memory("the memory plan");
    }
    for (size_t i = 0; i < n; i++)
        order[i] = &buffers[i];
    qsort(order, n, sizeof(*order), larger_first);
    *total = 0;
    for (size_t i = 0; i < n && order[i]->floats; i++) {
        tsr_buffer *buffer = order[i];
        buffer->offset = lowest_place(buffer, i, placed, apart);
        insert(buffer, i, placed);
        if (buffer->offset + buffer->floats > *total)
            *total = buffer->offset + buffer->floats;
    }
    free(order);
    free(placed);
    return NULL;
}

/* --- what a graph needs --- */

/* Buffers and where the address of each goes. */
typedef struct needs {
    size_t n;
    tsr_buffer *buffers;
    float ***into;
    bool overflow;
} needs;

static void need(needs *all, size_t batch, tsr_float_count capacity, size_t first, size_t last, float **into)
{
    size_t floats;
    if (!tsr_checked_multiply(capacity.per_sample, batch, &floats) ||
        __builtin_add_overflow(floats, capacity.fixed, &floats))
        all->overflow = true;
    if (all->overflow || !floats)
        return;
    all->buffers[all->n] = (tsr_buffer){ .floats = floats, .first = first, .last = last };
    all->into[all->n++] = into;
}

static size_t backward_step(const tsr_graph *graph, const tsr_node *node)
{
    return 2 * graph->n - node->index;
}

/* Per node: the last step that reads its value, and the step that first gives its gradient. */
typedef struct lifetimes {
    size_t *value_last, *gradient_first;
} lifetimes;

/* What is run in the node's place while training: itself, a fused one, or NULL where a later one does it, or
   only taps look at it. */
static const tsr_node *trained_as(const tsr_node *node)
{
    return node->absorbed || !node->needed ? NULL : node->fused ? node->fused : node;
}

static void live_until(const lifetimes *lives, size_t node, size_t step)
{
    if (step > lives->value_last[node])
        lives->value_last[node] = step;
}

/* What is read when the node is run. */
static void find_reads(const tsr_graph *graph, const tsr_node *node, bool training, const lifetimes *lives)
{
    size_t i = node->index, backward = training && node->needs_gradient ? backward_step(graph, node) : i;
    live_until(lives, i, node->op.flags & TSR_OP_READS_OUTPUT ? backward : i);
    for (size_t k = 0; k < node->n_inputs; k++) {
        size_t input = node->inputs[k]->index;
        live_until(lives, input, node->op.flags & TSR_OP_READS_INPUTS ? backward : i);
        /* Nodes come in order, so the last one to say so is the first one backward. */
        lives->gradient_first[input] = backward_step(graph, node);
    }
}

static void find_lives(const tsr_graph *graph, bool training, const lifetimes *lives)
{
    for (size_t i = 0; i < graph->n; i++) {
        lives->value_last[i] = i;
        lives->gradient_first[i] = graph->n;
    }
    for (size_t i = 0; i < graph->n; i++) {
        const tsr_node *node = graph->nodes[i];
        if (!training)
            find_reads(graph, node, false, lives);
        if (trained_as(node))
            find_reads(graph, trained_as(node), training, lives);
    }
    /* The gradients of what the loss is made of come from the loss, whoever else reads it. */
    lives->gradient_first[graph->logits->index] = graph->n;
    for (size_t i = 0; i < graph->n_terms; i++) {
        live_until(lives, graph->terms[i].node->index, 2 * graph->n);
        lives->gradient_first[graph->terms[i].node->index] = graph->n;
    }
    /* What callers fill and read between passes stays. */
    lives->value_last[0] = lives->value_last[graph->logits->index] = 2 * graph->n;
}

/* Whether input k of the node gives that input's gradient its first value; others add to it. */
static bool gives_first(const tsr_graph *graph, const tsr_node *node, size_t k, const lifetimes *lives)
{
    for (size_t j = 0; j < k; j++)
        if (node->inputs[j] == node->inputs[k])
            return false;
    return lives->gradient_first[node->inputs[k]->index] == backward_step(graph, node);
}

static void need_value(tsr_plan *plan, const tsr_node *node, const lifetimes *lives, needs *all)
{
    size_t i = node->index;
    need(all, plan->batch, (tsr_float_count){ tsr_shape_size(node->shape), 0 }, i, lives->value_last[i],
         &plan->values[i]);
}

static void need_forward(tsr_plan *plan, const tsr_node *node, tsr_pass *pass, needs *all)
{
    size_t step = node->index, backward = backward_step(plan->graph, node);
    bool saves = plan->kind != TSR_PLAN_INFERENCE && node->needs_gradient;
    need(all, plan->batch, node->saved, step, saves ? backward : step, &pass->saved);
    need(all, plan->batch, node->scratch, step, step, &pass->scratch);
}

/* The node that has the parameters: itself or the layer's first use. */
static const tsr_node *parameters_of(const tsr_node *node)
{
    return node->again ? node->again : node;
}

static void need_backward(tsr_plan *plan, const tsr_node *node, const lifetimes *lives, needs *all)
{
    size_t i = node->index, step = backward_step(plan->graph, node);
    need(all, plan->batch, (tsr_float_count){ tsr_shape_size(node->shape), 0 }, lives->gradient_first[i],
         step, &plan->gradients[i]);
    need(all, plan->batch, node->scratch, step, step, &plan->backward[i].scratch);
    for (size_t k = 0; k < node->n_inputs; k++) {
        const tsr_node *input = node->inputs[k];
        if (input->needs_gradient && !gives_first(plan->graph, node, k, lives))
            need(all, plan->batch, (tsr_float_count){ tsr_shape_size(input->shape), 0 }, step, step,
                 &plan->added[node->first_edge + k]);
    }
    for (size_t k = 0; node->adds_gradients && k < parameters_of(node)->n_parameters; k++)
        need(all, plan->batch, (tsr_float_count){ 0, parameters_of(node)->parameters[k].n }, step, step,
             &plan->parameters_added[node->first_added + k]);
}

static tsr_status *place_all(tsr_plan *plan, needs *all)
{
    bool apart = plan->kind == TSR_PLAN_APART;
    if (all->overflow)
        return tsr_fail(TSR_NO_MEMORY, "a batch of %zu does not fit into memory", plan->batch);
    TSR_TRY(tsr_place(all->n, all->buffers, apart, &plan->floats));
    plan->arena = tsr_alloc(plan->floats, sizeof(float));
    if (!plan->arena)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for batches of %zu: %.1f MB", plan->batch,
                        (double)plan->floats * sizeof(float) / 1e6);
    if (apart)
        memset(plan->arena, 0xff, plan->floats * sizeof(float)); /* NaN */
    for (size_t i = 0; i < all->n; i++)
        *all->into[i] = plan->arena + all->buffers[i].offset;
    return NULL;
}

static tsr_status *lay_out(tsr_plan *plan, const lifetimes *lives, needs *all)
{
    const tsr_graph *graph = plan->graph;
    bool training = plan->kind != TSR_PLAN_INFERENCE;
    if (!lives->value_last || !lives->gradient_first || !all->buffers || !all->into)
        return tsr_no_memory("the memory plan");
    find_lives(graph, training, lives);
    for (size_t i = 0; i < graph->n; i++) {
        const tsr_node *node = graph->nodes[i], *trained = trained_as(node);
        if (training && !trained)
            continue;
        need_value(plan, node, lives, all);
        if (!training || trained == node)
            need_forward(plan, node, &plan->forward[i], all);
        if (node->fused)
            need_forward(plan, node->fused, &plan->fused[i], all);
        if (training && trained->needs_gradient)
            need_backward(plan, trained, lives, all);
    }
    return place_all(plan, all);
}

static tsr_status *make_arena(tsr_plan *plan)
{
    size_t nodes = plan->graph->n, most = 7 * nodes + plan->graph->n_edges + plan->graph->n_added;
    lifetimes lives = { tsr_alloc(nodes, sizeof(size_t)), tsr_alloc(nodes, sizeof(size_t)) };
    needs all = { .buffers = tsr_alloc(most, sizeof(tsr_buffer)), .into = tsr_alloc(most, sizeof(float **)) };
    tsr_status *status = lay_out(plan, &lives, &all);
    free(lives.value_last);
    free(lives.gradient_first);
    free(all.buffers);
    free(all.into);
    return status;
}

/* --- the operators' calls --- */

/* `forward`: ready but for its room. */
static void make_forward(tsr_plan *plan, const tsr_node *node, const tsr_network_arrays *store,
                         tsr_pass *forward)
{
    size_t edge = node->first_edge;
    for (size_t k = 0; k < node->n_inputs; k++)
        plan->inputs[edge + k] = plan->values[node->inputs[k]->index];
    *forward = (tsr_pass){
        .config = node->config,
        .n_inputs = node->n_inputs,
        .shapes = node->shapes,
        .shape = node->shape,
        .inputs = plan->inputs + edge,
        .output = plan->values[node->index],
        .parameters = store->parameters + node->first_parameter,
        .state = store->state + node->first_state,
        .constants = tsr_node_constants(plan->graph, node),
        .saved = forward->saved,
        .scratch = forward->scratch,
    };
}

static void make_backward(tsr_plan *plan, const tsr_node *node, const tsr_network_arrays *store,
                          const tsr_pass *forward)
{
    size_t i = node->index, edge = node->first_edge;
    float *scratch = plan->backward[i].scratch;
    for (size_t k = 0; k < node->n_inputs; k++) {
        float *added = plan->added[edge + k];
        plan->input_gradients[edge + k] = added ? added : plan->gradients[node->inputs[k]->index];
    }
    plan->backward[i] = *forward;
    plan->backward[i].scratch = scratch;
    /* What an operator does not say it reads may be overwritten by then: better a crash than a wrong
     * gradient. */
    if (!(node->op.flags & TSR_OP_READS_INPUTS))
        plan->backward[i].inputs = NULL;
    if (!(node->op.flags & TSR_OP_READS_OUTPUT))
        plan->backward[i].output = NULL;
    plan->backward[i].output_gradient = plan->gradients[i];
    plan->backward[i].input_gradients = plan->input_gradients + edge;
    plan->backward[i].parameter_gradients = node->adds_gradients ? plan->parameters_added + node->first_added
                                                                 : store->gradients + node->first_parameter;
}

static void make_passes(tsr_plan *plan, const tsr_node *node, const tsr_network_arrays *store)
{
    size_t i = node->index;
    make_forward(plan, node, store, &plan->forward[i]);
    if (node->fused)
        make_forward(plan, node->fused, store, &plan->fused[i]);
    if (trained_as(node))
        make_backward(plan, trained_as(node), store, node->fused ? &plan->fused[i] : &plan->forward[i]);
}

tsr_status *tsr_plan_new(const tsr_graph *graph, const tsr_network_arrays *store, size_t batch,
                         tsr_plan_kind kind, tsr_plan **out)
{
    if (batch < 1 || batch > INT_MAX)
        return tsr_fail(TSR_REFUSED, "a batch of %zu samples, expected 1 to %d", batch, INT_MAX);
    tsr_plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return tsr_no_memory("the memory plan");
    *plan = (tsr_plan){
        .kind = kind,
        .batch = batch,
        .graph = graph,
        .values = tsr_alloc(graph->n, sizeof(float *)),
        .gradients = tsr_alloc(graph->n, sizeof(float *)),
        .forward = tsr_alloc(graph->n, sizeof(tsr_pass)),
        .backward = tsr_alloc(graph->n, sizeof(tsr_pass)),
        .fused = tsr_alloc(graph->n, sizeof(tsr_pass)),
        .inputs = tsr_alloc(graph->n_edges, sizeof(float *)),
        .input_gradients = tsr_alloc(graph->n_edges, sizeof(float *)),
        .added = tsr_alloc(graph->n_edges, sizeof(float *)),
        .parameter_gradients = store->gradients,
        .parameters_added = tsr_alloc(graph->n_added, sizeof(float *)),
    };
    bool complete = plan->values && plan->gradients && plan->forward && plan->backward && plan->fused &&
                    plan->inputs && plan->input_gradients && plan->added && plan->parameters_added;
    tsr_status *status = complete ? make_arena(plan) : tsr_no_memory("the memory plan");
    if (status) {
        tsr_plan_free(plan);
        return status;
    }
    for (size_t i = 1; i < graph->n; i++)
        make_passes(plan, graph->nodes[i], store);
    *out = plan;
    return NULL;
}

void tsr_plan_free(tsr_plan *plan)
{
    if (!plan)
        return;
    free(plan->arena);
    free(plan->values);
    free(plan->gradients);
    free(plan->forward);
    free(plan->backward);
    free(plan->fused);
    free(plan->inputs);
    free(plan->input_gradients);
    free(plan->added);
    free(plan->parameters_added);
    free(plan);
}

/* --- running it --- */

void tsr_plan_forward(tsr_plan *plan, size_t n, bool training, uint64_t seed, uint64_t step,
                      tsr_plan_see *see, void *context)
{
    const tsr_graph *graph = plan->graph;
    bool fused = training || !see;
    tsr_call before = tsr_guard_note(0);
    if (!fused && graph->nodes[0]->seen)
        see(context, graph->nodes[0], n, plan->values[0]);
    for (size_t i = 1; i < graph->n; i++) {
        const tsr_node *node = fused ? trained_as(graph->nodes[i]) : graph->nodes[i];
        if (!node ||
            (!training && !graph->nodes[i]->looked_at)) /* terms of the loss need it, in training alone */
            continue;
        tsr_pass *pass = node == graph->nodes[i] ? &plan->forward[i] : &plan->fused[i];
        pass->n = n;
        pass->training = training;
        pass->rng = tsr_rng_stream(seed, TSR_FOR_DROPOUT, step * graph->n + i);
        tsr_guard_note(node->call);
        node->op.forward(pass);
        if (!fused && node->seen)
            see(context, node, n, plan->values[i]);
    }
    tsr_guard_note(before);
}

#define SUM_PIECE 16384

TSR_MULTIVERSION(accumulate_piece, (size_t n, const float *restrict x, float *restrict sum), (n, x, sum))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

static void accumulate(size_t n, const float *x, float *sum)
{
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n))
    for (size_t i = 0; i < n; i += SUM_PIECE)
        accumulate_piece(n - i < SUM_PIECE ? n - i : SUM_PIECE, x + i, sum + i);
}

/* What an operator's backward has written beside gradients that are there already. */
static void add_gradients(tsr_plan *plan, const tsr_node *node, size_t n)
{
    for (size_t k = 0; k < node->n_inputs; k++)
        if (plan->added[node->first_edge + k])
            accumulate(n * tsr_shape_size(node->shapes[k]), plan->added[node->first_edge + k],
                       plan->gradients[node->inputs[k]->index]);
    for (size_t k = 0; node->adds_gradients && k < parameters_of(node)->n_parameters; k++)
        accumulate(parameters_of(node)->parameters[k].n, plan->parameters_added[node->first_added + k],
                   plan->parameter_gradients[node->first_parameter + k]);
}

void tsr_plan_backward(tsr_plan *plan, size_t n)
{
    const tsr_graph *graph = plan->graph;
    tsr_call before = tsr_guard_note(0);
    for (size_t i = graph->n; i-- > 1;) {
        const tsr_node *node = trained_as(graph->nodes[i]);
        if (!node || !node->needs_gradient)
            continue;
        plan->backward[i].n = n;
        tsr_guard_note(tsr_call_with(node->call, TSR_CALL_BACKWARD));
        node->op.backward(&plan->backward[i]);
        add_gradients(plan, node, n);
    }
    tsr_guard_note(before);
}
