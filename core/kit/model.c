/* What every model must hold: a graph that is the same each time, and operators and gradients that are right.
   A model may refuse some inputs; it is tested on those of several shapes that it takes, small ones first. */
#include "kit/kit.h"

#include "base/crash.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/shape.h"
#include "kit/network.h"
#include "kit/operator.h"
#include "kit/shapes.h"
#include "nn/graph.h"
#include "nn/network.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/rng.h>

#define BATCH 5
#define FEW 3 /* samples of a batch whose gradients are compared */
#define SEED TSR_KIT_SEED

#define MOST_SHAPES 3 /* of the kit's own, that one check tries */

/* A network of the model with a batch in it. */
typedef struct trial {
    tsr_instance *model;
    tsr_network *network;
    tsr_instance *loss; /* in make's */
    tsr_shape shape;
    int32_t labels[BATCH];
} trial;

static tsr_status *first_network(const tsr_kit *kit, trial *t)
{
    size_t next = 0;
    tsr_status *refused;
    tsr_kit_next_network(kit, t->model, t->loss, &next, true, &t->network, &t->shape, &refused);
    if (t->network)
        return NULL;
    return tsr_context(refused, "it refuses inputs of %s",
                       kit->n_shapes ? "the shape that is given"
                                     : "40, 8 x 12, 3 x 8 x 8, 3 x 32 x 32, 1 x 28 x 28, 3 x 64 x 64 and "
                                       "3 x 224 x 224; name one that it takes, such as --shape 3x16x16");
}

static void fill_batch(trial *t)
{
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 0);
    size_t n = BATCH * tsr_shape_size(t->shape);
    tsr_rng_fill_uniform(&rng, n, tsr_network_input_values(t->network), 0, 1);
    for (size_t i = 0; i < BATCH; i++)
        t->labels[i] = (int32_t)((int)(3 * i) % tsr_network_outputs(t->network));
}

static void clear(trial *t)
{
    tsr_network_free(t->network);
    tsr_instance_free(t->model);
    tsr_instance_free(t->loss);
}

/* Parameters leave their initial values, where biases are 0 and scales 1. */
static void disturb(tsr_network *network)
{
    for (size_t i = 0; i < tsr_network_n_tensors(network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
        tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 1 + i);
        for (size_t k = 0; k < tensor->parameter.n; k++)
            tensor->values[k] += (float)(0.02 * tsr_rng_normal(&rng));
    }
}

static tsr_status *make(tsr_kit *kit, bool apart, trial *t)
{
    *t = (trial){ 0 };
    TSR_TRY(tsr_kit_make(kit, &t->model));
    tsr_status *status = tsr_kit_plain_loss(&t->loss);
    if (!status)
        status = first_network(kit, t);
    if (!status)
        status =
            apart ? tsr_network_plan_apart(t->network, BATCH) : tsr_network_plan(t->network, BATCH, true);
    if (status) {
        clear(t);
        return status;
    }
    disturb(t->network);
    fill_batch(t);
    return NULL;
}

static double loss_of(trial *t)
{
    return tsr_network_gradient(t->network, BATCH, t->labels, SEED, 1, NULL);
}

/* --- the graph --- */

static bool same_names(const tsr_network *a, const tsr_network *b)
{
    if (tsr_network_n_tensors(a) != tsr_network_n_tensors(b) ||
        tsr_network_n_states(a) != tsr_network_n_states(b) ||
        tsr_network_n_layers(a) != tsr_network_n_layers(b))
        return false;
    const tsr_graph *x = tsr_network_graph(a), *y = tsr_network_graph(b);
    if (x->n_constants != y->n_constants)
        return false;
    for (size_t i = 0; i < x->n_constants; i++)
        if (x->constant_values[i] != y->constant_values[i])
            return false;
    for (size_t i = 0; i < tsr_network_n_tensors(a); i++) {
        const tsr_parameter *p = &tsr_network_tensor(a, i)->parameter,
                            *q = &tsr_network_tensor(b, i)->parameter;
        if (strcmp(p->name, q->name) != 0 || p->n != q->n)
            return false;
    }
    return true;
}

static tsr_status *builds_the_same(tsr_kit *kit)
{
    trial one, other;
    TSR_TRY(make(kit, false, &one));
    tsr_status *status = make(kit, false, &other);
    if (status) {
        clear(&one);
        return status;
    }
    if (!same_names(one.network, other.network))
        status =
            tsr_fail(TSR_FAILED, "built twice, it is two graphs; build must depend on the settings alone");
    else if (!isfinite(loss_of(&one)))
        kit->skipped = "it gives no numbers";
    else if (loss_of(&one) != loss_of(&other))
        status = tsr_fail(TSR_FAILED, "built twice, it gives two losses for one batch");
    clear(&one);
    clear(&other);
    return status;
}

static tsr_status *has_units(tsr_kit *kit)
{
    trial t;
    TSR_TRY(make(kit, false, &t));
    if (tsr_network_n_layers(t.network) == 0)
        kit->skipped = "with these settings it has no activation, so its codes have no bits";
    clear(&t);
    return NULL;
}

/* --- operators --- */

/* On each shape that is tried, a network with `samples` samples, or as many as make up `floats` of input. */
static tsr_status *on_each_shape(const tsr_kit *kit, const tsr_instance *model, size_t samples, size_t floats,
                                 tsr_kit_operator_check *check)
{
    size_t next = 0, tried = 0;
    tsr_status *status = NULL;
    while (!status && (kit->n_shapes || tried < MOST_SHAPES)) {
        tsr_network *network;
        tsr_shape shape;
        char text[TSR_SHAPE_TEXT];
        tsr_kit_next_network(kit, model, NULL, &next, tried == 0, &network, &shape, &status);
        if (!network)
            break;
        size_t fit = floats / tsr_shape_size(shape), n = fit > samples ? fit : samples;
        disturb(network);
        status = tsr_context(tsr_kit_each_operator(network, n < 64 ? n : 64, check), "inputs of %s",
                             tsr_shape_format(shape, text, sizeof(text)));
        tsr_network_free(network);
        tried++;
    }
    if (tried > 0 && status && kit->n_shapes == 0 && tsr_status_error(status) == TSR_REFUSED) {
        tsr_status_free(status); /* of the shapes behind the last that it takes */
        status = NULL;
    }
    return status;
}

static tsr_status *with_operators(tsr_kit *kit, size_t samples, size_t floats, tsr_kit_operator_check *check)
{
    tsr_instance *model;
    TSR_TRY(tsr_kit_make(kit, &model));
    tsr_status *status = on_each_shape(kit, model, samples, floats, check);
    tsr_instance_free(model);
    return status;
}

static tsr_status *gives_numbers(tsr_kit *kit)
{
    return with_operators(kit, BATCH, 0, tsr_kit_operator_finite);
}

static tsr_status *writes_within(tsr_kit *kit)
{
    return with_operators(kit, BATCH, 0, tsr_kit_operator_within);
}

static tsr_status *operators_keep_nothing(tsr_kit *kit)
{
    return with_operators(kit, 1, 0, tsr_kit_operator_memory);
}

static tsr_status *operators_are_right(tsr_kit *kit)
{
    size_t compared, passed_over;
    TSR_TRY(with_operators(kit, FEW, 0, tsr_kit_operator_slopes));
    tsr_kit_operator_count(&compared, &passed_over);
    if (passed_over)
        snprintf(kit->note, sizeof(kit->note),
                 "%zu of %zu differences lie across breakpoints and are passed over", passed_over,
                 compared + passed_over);
    return NULL;
}

static tsr_status *operators_keep_to_lines(tsr_kit *kit)
{
    return with_operators(kit, FEW, 0, tsr_kit_operator_lines);
}

static tsr_status *operators_share_nothing(tsr_kit *kit)
{
    return with_operators(kit, BATCH, 32768, tsr_kit_operator_threads);
}

/* --- gradients of the whole --- */

static tsr_status *gradients_are_right(tsr_kit *kit)
{
    trial t;
    TSR_TRY(make(kit, false, &t));
    tsr_status *status = tsr_kit_network_slopes(t.network, FEW, t.labels);
    clear(&t);
    return status;
}

/* Whether it gives numbers where nothing starts as NaN. */
static tsr_status *gives_a_loss(tsr_kit *kit, bool *out)
{
    trial t;
    TSR_TRY(make(kit, false, &t));
    *out = isfinite(loss_of(&t));
    clear(&t);
    return NULL;
}

/* Gradients start as NaN: one that backward leaves out stays NaN. */
static tsr_status *gradients_are_whole(tsr_kit *kit)
{
    trial t;
    bool has_loss;
    TSR_TRY(gives_a_loss(kit, &has_loss));
    if (!has_loss) {
        kit->skipped = "it gives no numbers";
        return NULL;
    }
    TSR_TRY(make(kit, true, &t));
    tsr_status *status = NULL;
    for (size_t i = 0; i < tsr_network_n_tensors(t.network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(t.network, i);
        for (size_t k = 0; k < tensor->parameter.n; k++)
            tensor->gradient[k] = NAN;
    }
    double loss = loss_of(&t);
    if (!isfinite(loss))
        status = tsr_fail(TSR_FAILED,
                          "the loss is %g: an operator reads what nothing has written, or leaves out "
                          "part of its output",
                          loss);
    for (size_t i = 0; i < tsr_network_n_tensors(t.network) && !status; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(t.network, i);
        for (size_t k = 0; k < tensor->parameter.n && !status; k++)
            if (!isfinite(tensor->gradient[k]))
                status = tsr_fail(TSR_FAILED,
                                  "%s: gradient %zu is %g; backward must write each in full, from what "
                                  "its flags let it read",
                                  tensor->parameter.name, k, (double)tensor->gradient[k]);
    }
    clear(&t);
    return status;
}

static tsr_status *stir_step(trial *t, uint64_t *digest)
{
    double loss = loss_of(t);
    tsr_flat flat = tsr_network_flat(t->network);
    tsr_kit_stir(digest, &loss, sizeof(loss));
    tsr_kit_stir(digest, flat.gradients, flat.count * sizeof(float));
    return NULL;
}

static tsr_status *threads_change_nothing(tsr_kit *kit)
{
    uint64_t digests[3] = { 0 };
    for (int i = 0; i < 3; i++) {
        trial t;
        tsr_set_threads(i + 1);
        tsr_crash_watch_threads();
        TSR_TRY(make(kit, false, &t));
        tsr_status *status = stir_step(&t, &digests[i]);
        clear(&t);
        if (status)
            return status;
    }
    return digests[0] == digests[1] && digests[0] == digests[2]
               ? NULL
               : tsr_fail(TSR_FAILED,
                          "a step's loss or gradients depend on the number of threads; cut work by the "
                          "data's sizes alone, and add sums up in a fixed order");
}

static const tsr_kit_check checks[] = {
    { "builds the same graph each time", builds_the_same, 0, "graph" },
    { "has units for codes", has_units, 0, "units" },
    { "gives numbers", gives_numbers, 0, "numbers" },
    { "has operators that write within their arrays", writes_within, 0, "within" },
    { "has operators that keep no memory", operators_keep_nothing, 0, "calls" },
    { "has operators whose gradients are what differences show", operators_are_right, 0, "operators" },
    { "has operators with the course along lines that they say", operators_keep_to_lines, 0, "lines" },
    { "has the gradients that differences show", gradients_are_right, 0, "gradients" },
    { "has operators that write all they should and read only what they say", gradients_are_whole, 0,
      "whole" },
    { "has operators whose threads do not meet", operators_share_nothing, 0, "races" },
    { "gives the same bits whatever the number of threads", threads_change_nothing, 0, "threads" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    trial t = { .model = (tsr_instance *)(uintptr_t)instance };
    TSR_TRY(tsr_kit_plain_loss(&t.loss));
    tsr_status *status = first_network(kit, &t);
    if (!status)
        status = tsr_network_plan(t.network, BATCH, true);
    if (!status) {
        fill_batch(&t);
        status = stir_step(&t, digest);
    }
    tsr_network_free(t.network);
    tsr_instance_free(t.loss);
    return status;
}

const tsr_kit_kind tsr_kit_model = { checks, exercise };
