/* A network: builds the model's graph, holds a plan for training and one for inference, and runs them. */
#include "nn/network_parts.h"

#include "base/memory.h"
#include "nn/ops/ops.h"
#include "plugin/instance.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#define PREDICT_BATCH 256 /* inputs that go forward together, where no plan says otherwise */

/* --- life --- */

static tsr_status *build(tsr_network *network, const tsr_instance *model, tsr_shape shape, uint64_t seed)
{
    const tsr_model_ops *ops = tsr_instance_ops(model);
    TSR_TRY(tsr_graph_new(model, shape, &network->graph));
    tsr_node *logits =
        ops->build(tsr_instance_self(model), network->graph, network->graph->nodes[0], network->outputs);
    TSR_TRY(tsr_graph_finish(network->graph, logits, network->outputs));
    return tsr_network_lay_out(network, seed);
}

tsr_status *tsr_model_sizes(const tsr_instance *model, tsr_shape *input, int *outputs)
{
    const tsr_model_ops *ops = tsr_instance_ops(model);
    if (!ops->sizes)
        return NULL;
    tsr_guarded before = tsr_instance_enter(model, TSR_CALL_BUILD);
    tsr_status *status = ops->sizes(tsr_instance_self(model), input, outputs);
    tsr_guard_leave(before);
    return status;
}

tsr_status *tsr_network_new(const tsr_instance *model, tsr_shape shape, int outputs, uint64_t seed,
                            tsr_network **out)
{
    if (outputs < 1)
        return tsr_fail(TSR_REFUSED, "model %s: %d outputs, expected at least 1", tsr_instance_name(model),
                        outputs);
    tsr_network *network = calloc(1, sizeof(*network));
    if (!network)
        return tsr_no_memory("the network");
    network->outputs = network->classes = outputs;
    tsr_status *status = build(network, model, shape, seed);
    if (status) {
        tsr_network_free(network);
        return tsr_context(status, "model %s", tsr_instance_name(model));
    }
    /* With more threads than one the products' last bits would depend on how many. */
    openblas_set_num_threads(1);
    *out = network;
    return NULL;
}

void tsr_network_free(tsr_network *network)
{
    if (!network)
        return;
    for (size_t i = 0; network->tensors && i < network->graph->n_parameters; i++)
        free((char *)(uintptr_t)network->tensors[i].parameter.name);
    for (size_t i = 0; network->states && i < network->graph->n_states; i++)
        free((char *)(uintptr_t)network->states[i].name);
    for (size_t i = 0; i < network->n_sources; i++)
        free(network->sources[i].moved);
    tsr_plan_free(network->plans[0]);
    tsr_plan_free(network->plans[1]);
    tsr_graph_free(network->graph);
    free(network->flat.values);
    free(network->flat.gradients);
    free(network->tensors);
    free(network->states);
    free(network->state_values);
    free(network->store.parameters);
    free(network->store.gradients);
    free(network->store.state);
    free(network->sources);
    free(network->layers);
    free(network->targets);
    free(network);
}

/* --- the loss --- */

tsr_target tsr_loss_target(const tsr_instance *loss)
{
    const tsr_loss_ops *ops = tsr_instance_ops(loss);
    if (!ops->target)
        return TSR_TARGET_LABELS;
    tsr_guarded before = tsr_instance_enter(loss, TSR_CALL_TARGET);
    tsr_target target = ops->target(tsr_instance_self(loss));
    tsr_guard_leave(before);
    return target;
}

void tsr_network_set_unlabelled(tsr_network *network)
{
    network->label_classes = network->classes = 0;
}

void tsr_network_set_loss(tsr_network *network, const tsr_network_loss_options *options)
{
    tsr_target target = tsr_loss_target(options->loss);
    bool labels = target == TSR_TARGET_LABELS;
    network->loss = options->loss;
    network->label_classes = labels ? options->classes : 0;
    network->classes = options->classes == network->outputs ? network->label_classes : 0;
    network->target_width =
        target == TSR_TARGET_INPUT ? tsr_shape_size(tsr_network_input(network)) : options->target_width;
    if (labels)
        network->target_width = 0;
    network->wants_values = target == TSR_TARGET_VALUES;
}

/* Room for the targets of n samples. */
static tsr_status *plan_targets(tsr_network *network, size_t n)
{
    size_t floats;
    if (!network->wants_values || n <= network->target_capacity)
        return NULL;
    free(network->targets);
    network->target_capacity = 0;
    network->targets =
        tsr_checked_multiply(n, network->target_width, &floats) ? tsr_alloc(floats, sizeof(float)) : NULL;
    if (!network->targets)
        return tsr_no_memory("the targets of a batch");
    network->target_capacity = n;
    return NULL;
}

static const float *targets_of(const tsr_network *network)
{
    if (network->wants_values)
        return network->targets;
    return network->target_width ? network->plan->values[0] : NULL;
}

/* Examples whose first largest logit is the label's. */
static size_t count_correct(size_t n, size_t classes, const float *logits, const int32_t *labels)
{
    size_t correct = 0;
    for (size_t i = 0; i < n; i++) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (logits[i * classes + c] > logits[i * classes + best])
                best = c;
        correct += best == (size_t)labels[i];
    }
    return correct;
}

/* The sum over the samples. */
static double evaluate(const tsr_network *network, size_t n, const int32_t *labels, float *gradient,
                       size_t *correct)
{
    const tsr_loss_ops *ops = tsr_instance_ops(network->loss);
    size_t counted = SIZE_MAX; /* by the loss, if it does */
    const tsr_loss_batch batch = { .n = n,
                                   .width = (size_t)network->outputs,
                                   .outputs = tsr_network_logits(network),
                                   .classes = network->label_classes,
                                   .labels = network->label_classes ? labels : NULL,
                                   .target_width = network->target_width,
                                   .targets = targets_of(network),
                                   .gradient = gradient,
                                   .correct = correct && network->classes ? &counted : NULL,
                                   .scale = 1.0f / (float)n };
    tsr_call before = tsr_guard_note(tsr_instance_call(network->loss, TSR_CALL_EVALUATE));
    double loss = ops->evaluate(tsr_instance_self(network->loss), &batch);
    tsr_guard_note(before);
    if (correct && network->classes)
        *correct = counted <= n ? counted : count_correct(n, batch.width, batch.outputs, labels);
    else if (correct)
        *correct = 0;
    return loss;
}

/* The weighted means of the graph's terms, whose gradients are added to those of their nodes. */
static double add_terms(const tsr_network *network, size_t n)
{
    const tsr_graph *graph = network->graph;
    double loss = 0;
    for (size_t t = 0; t < graph->n_terms; t++) { /* one node may be several terms, and the logits too */
        float *gradient = network->plan->gradients[graph->terms[t].node->index];
        if (gradient && graph->terms[t].node != graph->logits)
            memset(gradient, 0, n * sizeof(float));
    }
    for (size_t t = 0; t < graph->n_terms; t++) {
        const tsr_loss_term *term = &graph->terms[t];
        const float *values = network->plan->values[term->node->index];
        float *gradient = network->plan->gradients[term->node->index];
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)values[i];
        for (size_t i = 0; gradient && i < n; i++)
            gradient[i] += (float)(term->weight / (double)n);
        loss += term->weight * sum / (double)n;
    }
    return loss;
}

/* --- plans --- */

static tsr_status *select_plan(tsr_network *network, size_t n, tsr_plan_kind kind)
{
    tsr_plan **slot = &network->plans[kind != TSR_PLAN_INFERENCE];
    if (!*slot || (*slot)->batch != n || (*slot)->kind != kind) {
        tsr_plan *plan;
        TSR_TRY(tsr_plan_new(network->graph, &network->store, n, kind, &plan));
        if (network->plan == *slot)
            network->plan = NULL;
        tsr_plan_free(*slot);
        *slot = plan;
    }
    network->plan = *slot;
    return plan_targets(network, n);
}

tsr_status *tsr_network_plan(tsr_network *network, size_t n, bool training)
{
    return select_plan(network, n, training ? TSR_PLAN_TRAINING : TSR_PLAN_INFERENCE);
}

tsr_status *tsr_network_plan_apart(tsr_network *network, size_t n)
{
    return select_plan(network, n, TSR_PLAN_APART);
}

size_t tsr_network_batch(const tsr_network *network)
{
    return network->plan ? network->plan->batch : 0;
}

float *tsr_network_input_values(tsr_network *network)
{
    return network->plan->values[0];
}

void tsr_network_subtract(tsr_network *network, const float *mean)
{
    network->mean = mean;
}

const float *tsr_network_subtracted(const tsr_network *network)
{
    return network->mean;
}

void tsr_network_take_inputs(tsr_network *network, size_t n, const float *inputs)
{
    size_t size = tsr_shape_size(tsr_network_input(network));
    float *values = tsr_network_input_values(network);
    if (!network->mean) {
        memcpy(values, inputs, n * size * sizeof(float));
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++)
            values[i * size + j] = inputs[i * size + j] - network->mean[j];
}

float *tsr_network_target_values(tsr_network *network)
{
    return network->targets;
}

const float *tsr_network_logits(const tsr_network *network)
{
    return network->plan->values[network->graph->logits->index];
}

/* --- running --- */

typedef struct seeing {
    const tsr_network *network;
    tsr_layer_function *see;
    void *context;
    size_t first; /* of the inputs */
} seeing;

/* Several layers may be of one node's values. */
static void see_values(void *context, const tsr_node *node, size_t n, const float *values)
{
    const seeing *who = context;
    for (size_t i = 0; i < who->network->n_sources; i++) {
        if (who->network->layers[i].values != node)
            continue;
        tsr_layer_values layer = {
            .number = i, .n = n, .width = tsr_shape_size(node->shape), .x = values, .first = who->first
        };
        who->see(who->context, &layer);
    }
}

static void forward(tsr_network *network, size_t n, seeing *who)
{
    if (who->see)
        tsr_network_move_breakpoints(network);
    tsr_plan_forward(network->plan, n, false, 0, 0, who->see ? see_values : NULL, who);
}

void tsr_network_forward(tsr_network *network, size_t n, tsr_layer_function *see, void *context)
{
    forward(network, n, &(seeing){ network, see, context, 0 });
}

double tsr_network_gradient(tsr_network *network, size_t n, const int32_t *labels, uint64_t seed,
                            uint64_t step, size_t *correct)
{
    tsr_plan *plan = network->plan;
    float *gradient = plan->gradients[network->graph->logits->index]; /* NULL where nothing is trained */
    tsr_plan_forward(plan, n, true, seed, step, NULL, NULL);
    double loss = evaluate(network, n, labels, gradient, correct) / (double)n;
    if (network->graph->n_terms)
        loss += add_terms(network, n);
    tsr_plan_backward(plan, n);
    return loss;
}

double tsr_network_loss(const tsr_network *network, size_t n, const int32_t *labels, size_t *correct)
{
    return evaluate(network, n, labels, NULL, correct);
}

tsr_status *tsr_network_forward_all(tsr_network *network, size_t n, const float *inputs,
                                    tsr_layer_function *see, void *context, float *outputs)
{
    size_t size = tsr_shape_size(tsr_network_input(network)), width = (size_t)network->outputs;
    tsr_plan *before = network->plan;
    size_t batch = network->plans[0] ? network->plans[0]->batch : PREDICT_BATCH;
    TSR_TRY(tsr_network_plan(network, batch, false));
    for (size_t i = 0; i < n; i += batch) {
        size_t now = n - i < batch ? n - i : batch;
        tsr_network_take_inputs(network, now, inputs + i * size);
        forward(network, now, &(seeing){ network, see, context, i });
        if (outputs)
            memcpy(outputs + i * width, tsr_network_logits(network), now * width * sizeof(float));
    }
    if (before)
        network->plan = before;
    return NULL;
}

tsr_status *tsr_network_predict(tsr_network *network, size_t n, const float *inputs, float *outputs)
{
    return tsr_network_forward_all(network, n, inputs, NULL, NULL, outputs);
}

/* --- what there is --- */

tsr_graph *tsr_network_graph(const tsr_network *network)
{
    return network->graph;
}

tsr_shape tsr_network_input(const tsr_network *network)
{
    return network->graph->nodes[0]->shape;
}

int tsr_network_outputs(const tsr_network *network)
{
    return network->outputs;
}

int tsr_network_classes(const tsr_network *network)
{
    return network->classes;
}

size_t tsr_network_parameters(const tsr_network *network)
{
    return network->n_trained;
}

tsr_flat tsr_network_flat(tsr_network *network)
{
    return network->flat;
}

size_t tsr_network_n_tensors(const tsr_network *network)
{
    return network->graph->n_parameters;
}

const tsr_network_parameter *tsr_network_tensor(const tsr_network *network, size_t i)
{
    return &network->tensors[i];
}

size_t tsr_network_n_states(const tsr_network *network)
{
    return network->graph->n_states;
}

const tsr_network_state *tsr_network_get_state(const tsr_network *network, size_t i)
{
    return &network->states[i];
}
