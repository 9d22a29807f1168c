/* What calls of an operator give, write, keep, and whether threads change it. */
#include "kit/operator_parts.h"

#include "base/crash.h"
#include "base/machine.h"
#include "base/memory.h"
#include "kit/watch.h"
#include "nn/tasks.h"

#include <stdlib.h>

/* --- numbers --- */

/* Arrays are 0 at first: what is left out is another check's. */
tsr_status *tsr_kit_operator_finite(tsr_kit_operator *op)
{
    char name[128];
    for (int training = 0; training < 2; training++) {
        tsr_kit_operator_set_for_forward(op, 0);
        tsr_kit_operator_forward(op, training);
        TSR_TRY(tsr_kit_finite(op->arrays[OUTPUT].n, op->values[OUTPUT], "forward", "its output"));
    }
    if (!op->node->needs_gradient)
        return NULL;
    tsr_kit_operator_set_for_backward(op, 0);
    tsr_kit_operator_backward(op);
    for (size_t i = 0; i < op->n_arrays; i++) {
        tsr_kit_operator_name(op, i, name, sizeof(name));
        if (tsr_kit_operator_is_gradient(op, i))
            TSR_TRY(tsr_kit_finite(op->arrays[i].n, op->values[i], "backward", name));
    }
    return NULL;
}

/* --- fences --- */

static bool may_write(const tsr_kit_operator *op, size_t i, bool is_backward)
{
    if (i == SAVED || i == SCRATCH)
        return true;
    return is_backward ? tsr_kit_operator_is_gradient(op, i) : i == OUTPUT || i >= op->first_state;
}

static tsr_status *check_arrays(const tsr_kit_operator *op, bool is_backward, const uint64_t *before)
{
    const char *operation = is_backward ? "backward" : "forward";
    char name[128];
    for (size_t i = 0; i < op->n_arrays; i++) {
        tsr_kit_operator_name(op, i, name, sizeof(name));
        TSR_TRY(tsr_kit_array_check(&op->arrays[i], operation, name));
        if (!may_write(op, i, is_backward) && tsr_kit_operator_stir(&op->arrays[i]) != before[i])
            return tsr_fail(TSR_FAILED, "%s writes to %s, which it may only read", operation, name);
    }
    return NULL;
}

static tsr_status *call_and_check(tsr_kit_operator *op, bool training, bool is_backward, uint64_t *before)
{
    tsr_kit_operator_reset_state(op);
    for (size_t i = 0; i < op->n_arrays; i++)
        before[i] = tsr_kit_operator_stir(&op->arrays[i]);
    if (is_backward)
        tsr_kit_operator_backward(op);
    else
        tsr_kit_operator_forward(op, training);
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
    tsr_kit_operator_forward(op, true);
}

tsr_status *tsr_kit_operator_memory(tsr_kit_operator *op)
{
    TSR_TRY(call_often(op, train_forward, "forward"));
    return op->node->needs_gradient ? call_often(op, tsr_kit_operator_backward, "backward") : NULL;
}

/* --- threads --- */

#define MOST_REPETITIONS 8 /* with each number of threads */

static uint64_t step(tsr_kit_operator *op)
{
    uint64_t digest = 0;
    tsr_kit_operator_set_for_forward(op, 0);
    tsr_kit_operator_forward(op, true);
    digest = digest * 31 + tsr_kit_operator_stir(&op->arrays[OUTPUT]);
    for (size_t i = op->first_state; i < op->n_arrays; i++)
        digest = digest * 31 + tsr_kit_operator_stir(&op->arrays[i]);
    if (!op->node->needs_gradient)
        return digest;
    tsr_kit_operator_set_for_backward(op, 0);
    tsr_kit_operator_backward(op);
    for (size_t i = 0; i < op->n_arrays; i++)
        if (tsr_kit_operator_is_gradient(op, i))
            digest = digest * 31 + tsr_kit_operator_stir(&op->arrays[i]);
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
    double affordable = TSR_KIT_OPERATOR_BUDGET / (9 * tsr_kit_operator_cost(op));
    for (int i = 0; i < MOST_REPETITIONS && (i == 0 || i < affordable); i++)
        for (int threads = 2; threads <= 4; threads++) {
            tsr_set_threads(threads);
            tsr_crash_watch_threads();
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
