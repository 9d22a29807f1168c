/* What every model must hold: a graph that is the same each time, and gradients that differences show. A
   model may refuse some inputs; it is tested on the first of several shapes that it takes. */
#include "kit/kit.h"

#include "base/machine.h"
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/rng.h>

#define BATCH 5
#define CLASSES 10
#define SEED 21
#define DIRECTIONS 3 /* in which each parameter is moved */

static const tsr_shape shapes[] = {
    { 3, { 3, 32, 32 } }, { 3, { 1, 28, 28 } }, { 1, { 40 } }, { 3, { 3, 64, 64 } }, { 3, { 3, 224, 224 } }
};
#define SHAPES (sizeof(shapes) / sizeof(*shapes))

/* A network of the model with a batch in it. */
typedef struct trial {
    tsr_instance *model;
    tsr_network *network;
    tsr_instance *loss; /* in make's */
    tsr_shape shape;
    int32_t labels[BATCH];
} trial;

static tsr_status *first_network(trial *t)
{
    tsr_status *refused = NULL;
    for (size_t i = 0; i < SHAPES; i++) {
        tsr_status_free(refused);
        t->shape = shapes[i];
        refused = tsr_network_new(t->model, shapes[i], CLASSES, SEED, &t->network);
        if (!refused) {
            const tsr_network_loss_options loss = { .loss = t->loss, .classes = CLASSES };
            tsr_network_set_loss(t->network, &loss);
            return NULL;
        }
    }
    return tsr_context(refused,
                       "it refuses inputs of 3 x 32 x 32, 1 x 28 x 28, 40, 3 x 64 x 64 and 3 x 224 x 224");
}

static void fill_batch(trial *t)
{
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 0);
    size_t n = BATCH * tsr_shape_size(t->shape);
    tsr_rng_fill_uniform(&rng, n, tsr_network_input_values(t->network), 0, 1);
    for (size_t i = 0; i < BATCH; i++)
        t->labels[i] = (int32_t)(i * 3 % CLASSES);
}

static void clear(trial *t)
{
    tsr_network_free(t->network);
    tsr_instance_free(t->model);
    tsr_instance_free(t->loss);
}

/* Parameters leave their initial values, where biases are 0 and scales 1. */
static tsr_status *make(tsr_kit *kit, bool apart, trial *t)
{
    *t = (trial){ 0 };
    TSR_TRY(tsr_kit_make(kit, &t->model));
    tsr_status *status = tsr_kit_plain_loss(&t->loss);
    if (!status)
        status = first_network(t);
    if (!status)
        status =
            apart ? tsr_network_plan_apart(t->network, BATCH) : tsr_network_plan(t->network, BATCH, true);
    if (status) {
        clear(t);
        return status;
    }
    for (size_t i = 0; i < tsr_network_n_tensors(t->network); i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(t->network, i);
        tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_DATA, 1 + i);
        for (size_t k = 0; k < tensor->parameter.n; k++)
            tensor->values[k] += (float)(0.02 * tsr_rng_normal(&rng));
    }
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
        tsr_network_n_code_sources(a) != tsr_network_n_code_sources(b))
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
        status = tsr_fail(TSR_FAILED,
                          "the loss of a batch is %g, expected a finite number: an operator or activation "
                          "gives what is none",
                          loss_of(&one));
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
    if (tsr_network_n_code_sources(t.network) == 0)
        kit->skipped = "with these settings it has no activation, so its codes have no bits";
    clear(&t);
    return NULL;
}

/* --- gradients --- */

/* Moves the parameter along the direction and gives the loss there. */
static double loss_along(trial *t, const tsr_network_parameter *tensor, const float *start,
                         const float *direction, double distance)
{
    for (size_t k = 0; k < tensor->parameter.n; k++)
        tensor->values[k] = (float)((double)start[k] + distance * (double)direction[k]);
    return loss_of(t);
}

/* A part of the gradient itself, where the loss moves most: every coordinate (0), or a random half. */
static void choose_direction(size_t number, size_t n, const float *gradient, float *direction)
{
    tsr_rng rng = tsr_rng_stream(SEED, TSR_FOR_SHUFFLE, number);
    for (size_t k = 0; k < n; k++)
        direction[k] = number % DIRECTIONS == 0 || tsr_rng_u32(&rng) & 1 ? gradient[k] : 0;
    double square = 0;
    for (size_t k = 0; k < n; k++)
        square += (double)direction[k] * (double)direction[k];
    for (size_t k = 0; k < n && square > 0; k++)
        direction[k] = (float)((double)direction[k] / sqrt(square));
}

/* Distances of several sizes are tried: long ones cross bends of the loss, in short ones rounding shows. */
static tsr_status *check_direction(trial *t, const tsr_network_parameter *tensor, const float *start,
                                   const float *gradient, const float *direction)
{
    double slope = 0, nearest = NAN;
    for (size_t k = 0; k < tensor->parameter.n; k++)
        slope += (double)gradient[k] * (double)direction[k];
    for (double h = 0.03; h > 2e-4; h /= 4) {
        double up = loss_along(t, tensor, start, direction, h),
               down = loss_along(t, tensor, start, direction, -h);
        double difference = (up - down) / (2 * h), error = fabs(difference - slope);
        if (error <= 0.03 * fabs(slope) + 1e-6 * fabs(up) / h)
            return NULL;
        nearest = !(error >= fabs(nearest - slope)) ? difference : nearest;
    }
    return tsr_fail(TSR_FAILED, "%s: its gradient says that the loss rises by %g, and the loss rises by %g",
                    tensor->parameter.name, slope, nearest);
}

static tsr_status *check_tensor(trial *t, size_t number, const float *gradients, float *start,
                                float *direction)
{
    const tsr_network_parameter *tensor = tsr_network_tensor(t->network, number);
    const float *gradient = gradients + (tensor->gradient - tsr_network_flat(t->network).gradients);
    size_t n = tensor->parameter.n;
    tsr_status *status = NULL;
    memcpy(start, tensor->values, n * sizeof(float));
    for (size_t i = 0; i < DIRECTIONS && !status; i++) {
        choose_direction(number * DIRECTIONS + i, n, gradient, direction);
        status = check_direction(t, tensor, start, gradient, direction);
    }
    memcpy(tensor->values, start, n * sizeof(float));
    return status;
}

static tsr_status *check_gradients(trial *t)
{
    tsr_flat flat = tsr_network_flat(t->network);
    float *gradients = tsr_alloc(flat.count, sizeof(float)), *start = tsr_alloc(flat.count, sizeof(float)),
          *direction = tsr_alloc(flat.count, sizeof(float));
    tsr_status *status = gradients && start && direction ? NULL : tsr_no_memory("a trial");
    if (!status) {
        loss_of(t);
        memcpy(gradients, flat.gradients, flat.count * sizeof(float));
    }
    for (size_t i = 0; i < tsr_network_n_tensors(t->network) && !status; i++)
        status = check_tensor(t, i, gradients, start, direction);
    free(gradients);
    free(start);
    free(direction);
    return status;
}

static tsr_status *gradients_are_right(tsr_kit *kit)
{
    trial t;
    TSR_TRY(make(kit, false, &t));
    tsr_status *status = check_gradients(&t);
    clear(&t);
    return status;
}

/* Gradients start as NaN: one that backward leaves out stays NaN. */
static tsr_status *gradients_are_whole(tsr_kit *kit)
{
    trial t;
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
    { "builds the same graph each time", builds_the_same, 0 },
    { "has units for codes", has_units, 0 },
    { "has the gradients that differences show", gradients_are_right, 0 },
    { "has operators that write all they should and read only what they say", gradients_are_whole, 0 },
    { "gives the same bits whatever the number of threads", threads_change_nothing, 0 },
    { NULL, NULL, 0 },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    trial t = { .model = (tsr_instance *)(uintptr_t)instance };
    TSR_TRY(tsr_kit_plain_loss(&t.loss));
    tsr_status *status = first_network(&t);
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
