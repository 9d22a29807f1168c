/* A network: builds the model's graph, lays its parameters out flat and draws them, holds a plan for training
   and one for inference, and runs them. */
#include "nn/network.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/graph.h"
#include "nn/ops/ops.h"
#include "nn/plan.h"
#include "plugin/instance.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16 /* floats: each tensor begins at a multiple of 64 bytes */
#define PREDICT_BATCH 256
#define NO_LAYER SIZE_MAX

struct tsr_network {
    tsr_graph *graph;
    int classes;
    size_t n_trained; /* parameters, padding not counted */
    tsr_flat flat;
    tsr_network_parameter *tensors;
    tsr_network_state *states;
    float *state_values;
    tsr_network_arrays store; /* the same addresses as the operators want them */
    size_t n_sources;
    tsr_code_source *sources;
    size_t *layers;     /* per node: its number among the code sources, or NO_LAYER */
    tsr_plan *plans[2]; /* without and with training */
    tsr_plan *plan;     /* the selected one */
    const float *mean;  /* of the inputs that it is given; or NULL */
};

/* --- laying out --- */

static bool add_padded(size_t *sum, size_t n)
{
    size_t padded = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; /* n is checked: at most PTRDIFF_MAX / 4 */
    return !__builtin_add_overflow(*sum, padded, sum) && *sum <= PTRDIFF_MAX / sizeof(float) - ALIGNMENT;
}

static tsr_status *count_floats(const tsr_graph *graph, size_t *parameters, size_t *states, size_t *trained)
{
    *parameters = *states = *trained = 0;
    for (size_t i = 0; i < graph->n; i++) {
        const tsr_node *node = graph->nodes[i];
        for (size_t k = 0; k < node->n_parameters; k++) {
            *trained += node->parameters[k].n; /* at most the padded sum, which is checked */
            if (!add_padded(parameters, node->parameters[k].n))
                return tsr_fail(TSR_NO_MEMORY, "its parameters do not fit into memory");
        }
        for (size_t k = 0; k < node->n_states; k++)
            if (!add_padded(states, node->states[k].n))
                return tsr_fail(TSR_NO_MEMORY, "its running statistics do not fit into memory");
    }
    return NULL;
}

static tsr_status *allocate(tsr_network *network)
{
    const tsr_graph *graph = network->graph;
    size_t n_states;
    TSR_TRY(count_floats(graph, &network->flat.count, &n_states, &network->n_trained));
    network->flat.values = tsr_alloc(network->flat.count, sizeof(float));
    network->flat.gradients = tsr_alloc(network->flat.count, sizeof(float));
    network->state_values = tsr_alloc(n_states, sizeof(float));
    if (!network->flat.values || !network->flat.gradients || !network->state_values)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu parameters", network->n_trained);
    network->tensors = tsr_alloc(graph->n_parameters, sizeof(*network->tensors));
    network->states = tsr_alloc(graph->n_states, sizeof(*network->states));
    network->store = (tsr_network_arrays){ tsr_alloc(graph->n_parameters, sizeof(float *)),
                                           tsr_alloc(graph->n_parameters, sizeof(float *)),
                                           tsr_alloc(graph->n_states, sizeof(float *)) };
    network->sources = tsr_alloc(graph->n, sizeof(*network->sources));
    network->layers = tsr_alloc(graph->n, sizeof(*network->layers));
    if (!network->tensors || !network->states || !network->store.parameters || !network->store.gradients ||
        !network->store.state || !network->sources || !network->layers)
        return tsr_no_memory("the network");
    return NULL;
}

/* Uniform within sqrt(6 / (fan_in + fan_out)), or constant; the stream is the parameter's own. */
static void draw(const tsr_parameter_spec *spec, size_t n, uint64_t seed, size_t number, float *values)
{
    if (spec->init == TSR_INIT_GLOROT_UNIFORM) {
        float limit = (float)sqrt(6.0 / ((double)spec->fan_in + (double)spec->fan_out));
        tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_INIT, number);
        tsr_rng_fill_uniform(&rng, n, values, -limit, limit);
        return;
    }
    for (size_t i = 0; i < n; i++)
        values[i] = spec->constant;
}

static tsr_status *lay_out_parameters(tsr_network *network, const tsr_node *node, uint64_t seed,
                                      size_t *offset)
{
    for (size_t k = 0; k < node->n_parameters; k++) {
        const tsr_node_parameter *declared = &node->parameters[k];
        size_t number = node->first_parameter + k;
        float *values = network->flat.values + *offset, *gradient = network->flat.gradients + *offset;
        tsr_network_parameter *tensor = &network->tensors[number];
        *tensor = (tsr_network_parameter){
            .parameter = { .name = tsr_format("%s.%s", node->name, declared->spec.name),
                           .role = declared->spec.role,
                           .n_dims = declared->spec.n_dims,
                           .n = declared->n,
                           .values = values },
            .values = values,
            .gradient = gradient,
            .hidden = node->below_activation,
        };
        if (!tensor->parameter.name)
            return tsr_no_memory("the network");
        memcpy(tensor->parameter.dims, declared->spec.dims, sizeof(declared->spec.dims));
        draw(&declared->spec, declared->n, seed, number, values);
        network->store.parameters[number] = values;
        network->store.gradients[number] = gradient;
        add_padded(offset, declared->n);
    }
    return NULL;
}

static tsr_status *lay_out_states(tsr_network *network, const tsr_node *node, size_t *offset)
{
    for (size_t k = 0; k < node->n_states; k++) {
        const tsr_node_state *declared = &node->states[k];
        size_t number = node->first_state + k;
        tsr_network_state *state = &network->states[number];
        *state = (tsr_network_state){ .name = tsr_format("%s.%s", node->name, declared->name),
                                      .n = declared->n,
                                      .values = network->state_values + *offset };
        if (!state->name)
            return tsr_no_memory("the network");
        for (size_t i = 0; i < declared->n; i++)
            state->values[i] = declared->initial;
        network->store.state[number] = state->values;
        add_padded(offset, declared->n);
    }
    return NULL;
}

static tsr_status *add_code_source(tsr_network *network, const tsr_node *node)
{
    const tsr_activation_config *config = node->config;
    size_t n = tsr_activation_breakpoints(config, 0, NULL);
    float *breakpoints = tsr_alloc(n, sizeof(float));
    if (!breakpoints)
        return tsr_no_memory("the network");
    tsr_activation_breakpoints(config, n, breakpoints);
    network->layers[node->index] = network->n_sources;
    network->sources[network->n_sources++] = (tsr_code_source){ .name = node->name,
                                                                .units = tsr_shape_size(node->shape),
                                                                .positions = 1,
                                                                .n_breakpoints = n,
                                                                .breakpoints = breakpoints };
    return NULL;
}

static tsr_status *lay_out(tsr_network *network, uint64_t seed)
{
    size_t parameters = 0, states = 0;
    TSR_TRY(allocate(network));
    for (size_t i = 1; i < network->graph->n; i++) {
        const tsr_node *node = network->graph->nodes[i];
        TSR_TRY(lay_out_parameters(network, node, seed, &parameters));
        TSR_TRY(lay_out_states(network, node, &states));
        if (node->identity == &tsr_op_activation)
            TSR_TRY(add_code_source(network, node));
    }
    return NULL;
}

/* --- choosing what codes are made of --- */

static size_t find_source(const tsr_network *network, const char *name)
{
    for (size_t i = 0; i < network->n_sources; i++)
        if (strcmp(network->sources[i].name, name) == 0)
            return i;
    return NO_LAYER;
}

static tsr_status *no_such_layer(const tsr_network *network, const char *name)
{
    tsr_text known = { 0 };
    for (size_t i = 0; i < network->n_sources; i++)
        tsr_text_add(&known, "%s%s", i ? ", " : "", network->sources[i].name);
    tsr_status *status = tsr_fail(TSR_REFUSED, "no activation is called '%s', expected of: %s",
                                  tsr_line_shown(name), known.chars ? known.chars : "none");
    free(known.chars);
    return status;
}

static bool is_chosen(const tsr_code_choice *choice, const char *name)
{
    bool chosen = choice->n_layers == 0;
    for (size_t i = 0; i < choice->n_layers && !chosen; i++)
        chosen = strcmp(choice->layers[i], name) == 0;
    return chosen;
}

tsr_status *tsr_network_choose_code(tsr_network *network, const tsr_code_choice *choice)
{
    for (size_t i = 0; i < choice->n_layers; i++)
        if (find_source(network, choice->layers[i]) == NO_LAYER)
            return no_such_layer(network, choice->layers[i]);
    size_t kept = 0;
    for (size_t i = 0; i < network->graph->n; i++) {
        const tsr_node *node = network->graph->nodes[i];
        if (node->identity != &tsr_op_activation)
            continue;
        tsr_code_source source = network->sources[network->layers[i]];
        bool chosen = is_chosen(choice, source.name);
        network->layers[i] = chosen ? kept : NO_LAYER;
        if (!chosen) {
            free((float *)(uintptr_t)source.breakpoints);
            continue;
        }
        if (choice->by_channel) {
            source.units = node->shape.c;
            source.positions = node->shape.h * node->shape.w;
        }
        network->sources[kept++] = source;
    }
    network->n_sources = kept;
    return NULL;
}

/* --- life --- */

static tsr_status *build(tsr_network *network, const tsr_instance *model, tsr_shape shape, uint64_t seed)
{
    const tsr_model_ops *ops = tsr_instance_ops(model);
    TSR_TRY(tsr_graph_new(model, shape, &network->graph));
    tsr_node *logits =
        ops->build(tsr_instance_self(model), network->graph, network->graph->nodes[0], network->classes);
    TSR_TRY(tsr_graph_finish(network->graph, logits, network->classes));
    return lay_out(network, seed);
}

tsr_status *tsr_network_new(const tsr_instance *model, tsr_shape shape, int classes, uint64_t seed,
                            tsr_network **out)
{
    if (classes < 1)
        return tsr_fail(TSR_REFUSED, "model %s: %d classes, expected at least 1", tsr_instance_name(model),
                        classes);
    tsr_network *network = calloc(1, sizeof(*network));
    if (!network)
        return tsr_no_memory("the network");
    network->classes = classes;
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
        free((float *)(uintptr_t)network->sources[i].breakpoints);
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
    free(network);
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
    return NULL;
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

const float *tsr_network_logits(const tsr_network *network)
{
    return network->plan->values[network->graph->logits->index];
}

/* --- running --- */

typedef struct tap_context {
    const tsr_network *network;
    tsr_tap_function *tap;
    void *context;
} tap_context;

static void see_activation(void *context, const tsr_node *node, const tsr_pass *pass)
{
    const tap_context *tapping = context;
    if (tapping->network->layers[node->index] == NO_LAYER)
        return;
    tsr_tap tap = { .layer = tapping->network->layers[node->index],
                    .n = pass->n,
                    .units = tsr_shape_size(node->shape),
                    .x = pass->inputs[0] };
    tapping->tap(tapping->context, &tap);
}

void tsr_network_forward(tsr_network *network, size_t n, tsr_tap_function *tap, void *context)
{
    tap_context tapping = { network, tap, context };
    tsr_plan_forward(network->plan, n, false, 0, 0, tap ? see_activation : NULL, &tapping);
}

double tsr_network_gradient(tsr_network *network, size_t n, const int32_t *labels, uint64_t seed,
                            uint64_t step, size_t *correct)
{
    tsr_plan *plan = network->plan;
    float *gradient = plan->gradients[network->graph->logits->index]; /* NULL where nothing is trained */
    tsr_plan_forward(plan, n, true, seed, step, NULL, NULL);
    double loss = tsr_softmax_cross_entropy(n, (size_t)network->classes, tsr_network_logits(network), labels,
                                            gradient, correct);
    tsr_plan_backward(plan, n);
    return loss / (double)n;
}

double tsr_network_loss(const tsr_network *network, size_t n, const int32_t *labels, size_t *correct)
{
    return tsr_softmax_cross_entropy(n, (size_t)network->classes, tsr_network_logits(network), labels, NULL,
                                     correct);
}

tsr_status *tsr_network_predict(tsr_network *network, size_t n, const float *inputs, float *logits)
{
    size_t size = tsr_shape_size(tsr_network_input(network)), classes = (size_t)network->classes;
    tsr_plan *before = network->plan;
    size_t batch = network->plans[0] ? network->plans[0]->batch : PREDICT_BATCH;
    TSR_TRY(tsr_network_plan(network, batch, false));
    for (size_t i = 0; i < n; i += batch) {
        size_t now = n - i < batch ? n - i : batch;
        tsr_network_take_inputs(network, now, inputs + i * size);
        tsr_network_forward(network, now, NULL, NULL);
        memcpy(logits + i * classes, tsr_network_logits(network), now * classes * sizeof(float));
    }
    if (before)
        network->plan = before;
    return NULL;
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

size_t tsr_network_n_code_sources(const tsr_network *network)
{
    return network->n_sources;
}

const tsr_code_source *tsr_network_code_source(const tsr_network *network, size_t layer)
{
    return &network->sources[layer];
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
