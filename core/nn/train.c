/* The training loop. All memory is taken before the first step: the plan, the optimizer's slots, the labels
   of a batch and the list of which penalty goes to which parameter. */
#include "nn/train.h"

#include "base/machine.h"
#include "base/memory.h"
#include "nn/not_finite.h"
#include "plugin/kinds.h"
#include "plugin/instance.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/optimizer.h>
#include <tessera/schedule.h>

#define MAX_SLOTS 16
#define PIECE 4096 /* parameters whose value, gradient and state stay in the second cache */

typedef struct penalty {
    const tsr_regularizer_ops *ops;
    const tsr_instance *regularizer;
    const tsr_network_parameter *tensor;
} penalty;

/* Part of a parameter. */
typedef struct piece {
    const tsr_network_parameter *tensor;
    size_t number;   /* the tensor's */
    size_t first, n; /* of the tensor's values */
    double penalty;  /* in this step */
} piece;

typedef struct training_loop {
    tsr_network *network;
    const tsr_training *training;
    const tsr_batches *batches;
    tsr_flat flat;
    const tsr_optimizer_ops *optimizer;
    size_t n_slots;
    float *slots[MAX_SLOTS];
    size_t n_penalties;
    penalty *penalties;
    size_t n_pieces; /* 0: the optimizer wants all parameters at once */
    piece *pieces;
    tsr_update_tensor *tensors; /* all, as an optimizer sees them */
    int32_t *labels;
    uint64_t step;   /* of all epochs */
    size_t examples; /* of the step */
} training_loop;

/* --- preparing --- */

static bool is_on(int on, const tsr_network_parameter *tensor)
{
    tsr_role role = tensor->parameter.role;
    switch (on) {
    case TSR_ON_HIDDEN_WEIGHTS:
        return role == TSR_ROLE_WEIGHT && tensor->hidden;
    case TSR_ON_BIASES:
        return role == TSR_ROLE_BIAS;
    case TSR_ON_ALL:
        return true;
    default:
        return role == TSR_ROLE_WEIGHT;
    }
}

static tsr_status *list_penalties(training_loop *loop)
{
    const tsr_training *training = loop->training;
    size_t n_tensors = tsr_network_n_tensors(loop->network), most;
    bool fits = tsr_checked_multiply(n_tensors, training->n_regularizers, &most);
    loop->penalties = fits ? tsr_alloc(most, sizeof(penalty)) : NULL;
    if (!loop->penalties)
        return tsr_no_memory("training");
    for (size_t r = 0; r < training->n_regularizers; r++) {
        const tsr_instance *regularizer = training->regularizers[r];
        const tsr_regularizer_common *common = tsr_instance_common(regularizer);
        for (size_t i = 0; i < n_tensors; i++) {
            const tsr_network_parameter *tensor = tsr_network_tensor(loop->network, i);
            if (is_on(common->on, tensor))
                loop->penalties[loop->n_penalties++] =
                    (penalty){ tsr_instance_ops(regularizer), regularizer, tensor };
        }
    }
    return NULL;
}

static tsr_status *make_slots(training_loop *loop)
{
    const tsr_instance *optimizer = loop->training->optimizer;
    loop->optimizer = tsr_instance_ops(optimizer);
    tsr_call before = tsr_guard_note(tsr_instance_call(optimizer, TSR_CALL_SLOTS));
    size_t n = loop->optimizer->slots ? loop->optimizer->slots(tsr_instance_self(optimizer)) : 0;
    tsr_guard_note(before);
    if (n > MAX_SLOTS)
        return tsr_fail(TSR_REFUSED,
                        "optimizer %s wants %zu floats of state per parameter, expected at most %d",
                        tsr_instance_name(optimizer), n, MAX_SLOTS);
    for (; loop->n_slots < n; loop->n_slots++) {
        loop->slots[loop->n_slots] = tsr_alloc(loop->flat.count, sizeof(float));
        if (!loop->slots[loop->n_slots])
            return tsr_no_memory("the optimizer's state");
    }
    return NULL;
}

static tsr_status *cut_pieces(training_loop *loop)
{
    size_t n_tensors = tsr_network_n_tensors(loop->network), most = n_tensors + loop->flat.count / PIECE;
    loop->pieces = tsr_alloc(most, sizeof(piece));
    if (!loop->pieces)
        return tsr_no_memory("training");
    for (size_t i = 0; loop->optimizer->elementwise && i < n_tensors; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(loop->network, i);
        for (size_t first = 0; first < tensor->parameter.n; first += PIECE) {
            size_t left = tensor->parameter.n - first;
            loop->pieces[loop->n_pieces++] = (piece){ tensor, i, first, left < PIECE ? left : PIECE, 0 };
        }
    }
    return NULL;
}

static tsr_status *list_tensors(training_loop *loop)
{
    size_t n_tensors = tsr_network_n_tensors(loop->network);
    loop->tensors = tsr_alloc(n_tensors, sizeof(tsr_update_tensor));
    if (!loop->tensors)
        return tsr_no_memory("training");
    for (size_t i = 0; i < n_tensors; i++) {
        const tsr_network_parameter *tensor = tsr_network_tensor(loop->network, i);
        const tsr_parameter *parameter = &tensor->parameter;
        tsr_update_tensor *seen = &loop->tensors[i];
        *seen = (tsr_update_tensor){ .name = parameter->name,
                                     .role = parameter->role,
                                     .n_dims = parameter->n_dims,
                                     .first = (size_t)(tensor->values - loop->flat.values),
                                     .n = parameter->n };
        memcpy(seen->dims, parameter->dims, sizeof(seen->dims));
    }
    return NULL;
}

static tsr_status *prepare(training_loop *loop)
{
    if (loop->batches->steps < 1)
        return tsr_fail(TSR_REFUSED, "an epoch has no steps, expected at least 1");
    TSR_TRY(tsr_network_plan(loop->network, loop->training->batch, true));
    TSR_TRY(make_slots(loop));
    TSR_TRY(list_penalties(loop));
    TSR_TRY(cut_pieces(loop));
    TSR_TRY(list_tensors(loop));
    loop->labels = tsr_alloc(loop->training->batch, sizeof(int32_t));
    return loop->labels ? NULL : tsr_no_memory("training");
}

static void clear(training_loop *loop)
{
    for (size_t i = 0; i < loop->n_slots; i++)
        free(loop->slots[i]);
    free(loop->penalties);
    free(loop->pieces);
    free(loop->tensors);
    free(loop->labels);
}

/* --- what went wrong --- */

static bool all_finite(size_t n, const float *values)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Names the first parameter that is not finite, or else the first gradient; "" where all are. */
static void name_first_bad_parameter(const tsr_network *network, char *out, size_t capacity)
{
    out[0] = '\0';
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < tsr_network_n_tensors(network); i++) {
            const tsr_network_parameter *tensor = tsr_network_tensor(network, i);
            if (all_finite(tensor->parameter.n, pass ? tensor->gradient : tensor->values))
                continue;
            snprintf(out, capacity, "; %s%s is not finite", pass ? "the gradient of " : "",
                     tensor->parameter.name);
            return;
        }
}

/* For the batch of the last step. */
static void name_first_bad_output(const training_loop *loop, char *out, size_t capacity)
{
    const char *name =
        tsr_network_first_not_finite(loop->network, loop->examples, loop->training->seed, loop->step);
    snprintf(out, capacity, name ? "; the first output that is not finite is that of %s" : "%s",
             name ? name : "");
}

static tsr_status *diverged(const training_loop *loop, size_t epoch, size_t step, double loss)
{
    char parameter[256], output[256];
    double shown = isnan(loss) ? NAN : loss; /* of either sign, it is "nan" to the reader */
    name_first_bad_parameter(loop->network, parameter, sizeof(parameter));
    name_first_bad_output(loop, output, sizeof(output));
    return tsr_fail(TSR_DIVERGED, "training diverged in epoch %zu at step %zu of %zu: the loss is %g%s%s",
                    epoch, step + 1, loop->batches->steps, shown, parameter, output);
}

/* --- one step, one epoch --- */

static tsr_status *check_penalty(const training_loop *loop, size_t epoch, size_t step, const penalty *p,
                                 double value)
{
    if (isfinite(value) || !all_finite(p->tensor->parameter.n, p->tensor->values))
        return NULL;
    return tsr_fail(
        TSR_DIVERGED,
        "training diverged in epoch %zu at step %zu of %zu: the penalty of regularizer %s on %s is %g", epoch,
        step + 1, loop->batches->steps, tsr_instance_name(p->regularizer), p->tensor->parameter.name, value);
}

/* Penalties that want a parameter whole; the others come piece by piece with the update. */
static bool is_whole(const training_loop *loop, const penalty *p)
{
    return !loop->n_pieces || !p->ops->elementwise;
}

static double add_penalty(const penalty *p, const tsr_parameter *parameter, float *gradient)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(p->regularizer, TSR_CALL_PENALTY));
    double value = p->ops->penalty(tsr_instance_self(p->regularizer), parameter, gradient);
    tsr_guard_note(before);
    return value;
}

static tsr_status *add_penalties(const training_loop *loop, size_t epoch, size_t step, double *loss)
{
    for (size_t i = 0; i < loop->n_penalties; i++) {
        const penalty *p = &loop->penalties[i];
        if (!is_whole(loop, p))
            continue;
        double value = add_penalty(p, &p->tensor->parameter, p->tensor->gradient);
        *loss += value;
        TSR_TRY(check_penalty(loop, epoch, step, p, value));
    }
    return NULL;
}

/* All `tensors` lie within the n floats from `first`, and count from there. */
static void update_range(const training_loop *loop, size_t first, size_t n, size_t n_tensors,
                         const tsr_update_tensor *tensors, double rate_factor)
{
    float *slots[MAX_SLOTS];
    for (size_t i = 0; i < loop->n_slots; i++)
        slots[i] = loop->slots[i] + first;
    tsr_call before = tsr_guard_note(tsr_instance_call(loop->training->optimizer, TSR_CALL_UPDATE));
    loop->optimizer->update(tsr_instance_self(loop->training->optimizer),
                            &(tsr_update){ .n = n,
                                           .values = loop->flat.values + first,
                                           .gradients = loop->flat.gradients + first,
                                           .slots = slots,
                                           .step = loop->step,
                                           .rate_factor = rate_factor,
                                           .n_tensors = n_tensors,
                                           .tensors = tensors });
    tsr_guard_note(before);
}

/* A piece's penalties and update, while it is in the cache. */
static void do_piece(const training_loop *loop, piece *work, double rate_factor)
{
    const tsr_network_parameter *tensor = work->tensor;
    tsr_parameter part = tensor->parameter;
    part.n = work->n;
    part.values += work->first;
    work->penalty = 0;
    for (size_t i = 0; i < loop->n_penalties; i++) {
        const penalty *p = &loop->penalties[i];
        if (p->tensor == tensor && !is_whole(loop, p))
            work->penalty += add_penalty(p, &part, tensor->gradient + work->first);
    }
    tsr_update_tensor seen = loop->tensors[work->number];
    size_t first = seen.first + work->first;
    seen.first = 0;
    seen.n = work->n;
    update_range(loop, first, work->n, 1, &seen, rate_factor);
}

static void update(const training_loop *loop, double rate_factor, double *loss)
{
    size_t n = loop->n_pieces;
    if (!n)
        update_range(loop, 0, loop->flat.count, tsr_network_n_tensors(loop->network), loop->tensors,
                     rate_factor);
    if (!tsr_worth_sharing(n * PIECE) || tsr_threads() == 1) {
        for (size_t i = 0; i < n; i++)
            do_piece(loop, &loop->pieces[i], rate_factor);
    } else {
#pragma omp parallel for num_threads(tsr_threads()) schedule(static)
        for (size_t i = 0; i < n; i++) {
            if (omp_get_thread_num() > 0) /* the main thread has its place */
                tsr_guard_set_thread(TSR_GUARD_BATCHES + (unsigned)omp_get_thread_num());
            do_piece(loop, &loop->pieces[i], rate_factor);
        }
    }
    for (size_t i = 0; i < n; i++)
        *loss += loop->pieces[i].penalty;
}

typedef struct epoch_sums {
    double loss; /* times examples */
    size_t examples, correct;
} epoch_sums;

/* What the learning rate is multiplied by. */
static tsr_status *schedule_factor(const training_loop *loop, size_t epoch, size_t step, double *out)
{
    const tsr_instance *schedule = loop->training->schedule;
    *out = 1;
    if (!schedule)
        return NULL;
    const tsr_schedule_ops *ops = tsr_instance_ops(schedule);
    tsr_call before = tsr_guard_note(tsr_instance_call(schedule, TSR_CALL_FACTOR));
    *out = ops->factor(tsr_instance_self(schedule), &(tsr_schedule_time){ .epoch = epoch,
                                                                          .epochs = loop->training->epochs,
                                                                          .step = step + 1,
                                                                          .steps = loop->batches->steps });
    tsr_guard_note(before);
    if (isfinite(*out) && *out >= 0)
        return NULL;
    return tsr_fail(
        TSR_FAILED,
        "schedule %s gives a factor of %g in epoch %zu at step %zu of %zu, expected a finite one of "
        "0 or more",
        tsr_instance_name(schedule), *out, epoch, step + 1, loop->batches->steps);
}

/* *enough: the training is to end after this step. */
static tsr_status *run_step(training_loop *loop, size_t epoch, size_t step, epoch_sums *sums, bool *enough)
{
    tsr_network *network = loop->network;
    const tsr_training *training = loop->training;
    size_t n = loop->batches->next(loop->batches->context, epoch, step, tsr_network_input_values(network),
                                   loop->labels, tsr_network_target_values(network));
    if (n < 1 || n > training->batch)
        return tsr_fail(TSR_FAILED, "a batch of %zu examples in epoch %zu at step %zu, expected 1 to %zu", n,
                        epoch, step + 1, training->batch);
    size_t correct;
    double rate_factor;
    loop->examples = n;
    double loss = tsr_network_gradient(network, n, loop->labels, training->seed, ++loop->step, &correct);
    TSR_TRY(add_penalties(loop, epoch, step, &loss));
    if (!isfinite(loss))
        return diverged(loop, epoch, step, loss);
    TSR_TRY(schedule_factor(loop, epoch, step, &rate_factor));
    update(loop, rate_factor, &loss);
    if (!isfinite(loss))
        return diverged(loop, epoch, step, loss);
    sums->loss += loss * (double)n;
    sums->examples += n;
    sums->correct += correct;
    *enough = training->enough && training->enough(training->context, n);
    return NULL;
}

static tsr_status *run_epoch(training_loop *loop, size_t epoch, tsr_trained *out, bool *enough)
{
    const tsr_batches *batches = loop->batches;
    epoch_sums sums = { 0 };
    /* epoch_done may have planned anew. */
    TSR_TRY(tsr_network_plan(loop->network, loop->training->batch, true));
    if (batches->begin_epoch)
        batches->begin_epoch(batches->context, epoch);
    for (size_t step = 0; step < batches->steps; step++) {
        TSR_TRY(run_step(loop, epoch, step, &sums, enough));
        if (*enough)
            return NULL;
    }
    if (!all_finite(loop->flat.count, loop->flat.values))
        return diverged(loop, epoch, batches->steps - 1, sums.loss / (double)sums.examples);
    out->epochs = epoch;
    out->loss = sums.loss / (double)sums.examples;
    if (tsr_network_classes(loop->network) > 0)
        out->accuracy = (double)sums.correct / (double)sums.examples;
    return NULL;
}

static tsr_status *report_epoch(const tsr_training *training, const tsr_training_state *now)
{
    return training->epoch_done ? training->epoch_done(training->context, now) : NULL;
}

/* Where it stands before the first epoch that is to be done; copies the optimizer's state. */
static tsr_status *begin(training_loop *loop, tsr_training_state *now)
{
    const tsr_training_state *from = loop->training->from;
    *now = from ? *from : (tsr_training_state){ .best = INFINITY, .loss = NAN, .accuracy = NAN };
    if (from && from->n_slots != loop->n_slots)
        return tsr_fail(TSR_REFUSED, "the state has %zu numbers per parameter, expected %zu of optimizer %s",
                        from->n_slots, loop->n_slots, tsr_instance_name(loop->training->optimizer));
    for (size_t i = 0; from && i < loop->n_slots; i++)
        memcpy(loop->slots[i], from->slots[i], loop->flat.count * sizeof(float));
    loop->step = (uint64_t)now->epochs * loop->batches->steps;
    now->n_slots = loop->n_slots, now->slots = loop->slots;
    return NULL;
}

static tsr_status *run(training_loop *loop, tsr_trained *out)
{
    const tsr_training *training = loop->training;
    tsr_training_state now;
    bool enough = false;
    TSR_TRY(begin(loop, &now));
    *out = (tsr_trained){ .epochs = now.epochs, .loss = now.loss, .accuracy = now.accuracy };
    if (now.epochs == 0)
        TSR_TRY(report_epoch(training, &now));
    for (;;) {
        out->early_stopped = training->early_stop && now.since_best >= training->early_stop;
        if (now.epochs >= training->epochs || out->early_stopped)
            break;
        TSR_TRY(run_epoch(loop, now.epochs + 1, out, &enough));
        if (enough)
            return NULL;
        now.epochs = out->epochs, now.loss = out->loss, now.accuracy = out->accuracy;
        now.since_best = out->loss < now.best ? 0 : now.since_best + 1;
        now.best = fmin(now.best, out->loss);
        TSR_TRY(report_epoch(training, &now));
    }
    return training->keep ? training->keep(training->context, &now) : NULL;
}

tsr_status *tsr_train(tsr_network *network, const tsr_training *training, const tsr_batches *batches,
                      tsr_trained *out)
{
    training_loop loop = {
        .network = network, .training = training, .batches = batches, .flat = tsr_network_flat(network)
    };
    *out = (tsr_trained){ .loss = NAN, .accuracy = NAN };
    tsr_flush_subnormals();
    tsr_status *status = prepare(&loop);
    if (!status)
        status = run(&loop, out);
    clear(&loop);
    return status;
}
