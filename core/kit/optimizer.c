/* What every optimizer must hold. Its problem is half the squared distance to a goal, each coordinate scaled
   its own way, so the gradient is known. */
#include "kit/kit.h"

#include "base/memory.h"
#include "kit/array.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/optimizer.h>
#include <tessera/rng.h>

#define ROWS 9
#define COLUMNS 37
#define N ((size_t)ROWS * COLUMNS) /* one matrix */
#define STEPS 100
#define MAX_SLOTS 16

typedef struct descent {
    const tsr_instance *instance;
    const tsr_optimizer_ops *ops;
    const void *self;
    size_t n_slots;
    tsr_kit_array arrays[4], slot_arrays[MAX_SLOTS]; /* fenced; the same as: */
    float *values, *gradients, *goal, *kept;
    float *slots[MAX_SLOTS];
} descent;

static void clear(descent *d)
{
    for (size_t i = 0; i < 4; i++)
        tsr_kit_array_clear(&d->arrays[i]);
    for (size_t i = 0; i < MAX_SLOTS; i++)
        tsr_kit_array_clear(&d->slot_arrays[i]);
}

static tsr_status *make_array(tsr_kit_array *array, float **values)
{
    TSR_TRY(tsr_kit_array_make(N, array));
    *values = array->values;
    memset(array->values, 0, N * sizeof(float));
    return NULL;
}

static tsr_status *make_arrays(descent *d)
{
    float **values[] = { &d->values, &d->gradients, &d->goal, &d->kept };
    for (size_t i = 0; i < 4; i++)
        TSR_TRY(make_array(&d->arrays[i], values[i]));
    for (size_t i = 0; i < d->n_slots; i++)
        TSR_TRY(make_array(&d->slot_arrays[i], &d->slots[i]));
    return NULL;
}

static size_t count_slots(const descent *d)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(d->instance, TSR_CALL_SLOTS));
    size_t n = d->ops->slots ? d->ops->slots(d->self) : 0;
    tsr_guard_note(before);
    return n;
}

static tsr_status *start(const tsr_instance *instance, descent *d)
{
    *d = (descent){ .instance = instance,
                    .ops = tsr_instance_ops(instance),
                    .self = tsr_instance_self(instance) };
    d->n_slots = count_slots(d);
    if (d->n_slots > MAX_SLOTS)
        return tsr_fail(TSR_FAILED, "slots gives %zu, expected 0 to %d", d->n_slots, MAX_SLOTS);
    tsr_status *status = make_arrays(d);
    if (status) {
        clear(d);
        return status;
    }
    tsr_rng rng = tsr_rng_stream(13, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, N, d->goal, -1, 1);
    tsr_rng_fill_uniform(&rng, N, d->values, -1, 1);
    return NULL;
}

static double steepness(size_t i)
{
    return 0.1 + 0.9 * (double)(i % 10) / 9;
}

static double loss(const descent *d)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += 0.5 * steepness(i) * pow((double)d->values[i] - (double)d->goal[i], 2);
    return sum;
}

static void take_gradient(descent *d)
{
    for (size_t i = 0; i < N; i++)
        d->gradients[i] = (float)(steepness(i) * ((double)d->values[i] - (double)d->goal[i]));
}

/* One step on coordinates first .. first + n - 1. */
static void step(descent *d, size_t first, size_t n, uint64_t number, double factor)
{
    float *slots[MAX_SLOTS];
    for (size_t i = 0; i < d->n_slots; i++)
        slots[i] = d->slots[i] + first;
    tsr_update_tensor tensor = {
        .name = "trial.weight", .role = TSR_ROLE_WEIGHT, .n_dims = 2, .dims = { ROWS, COLUMNS }, .n = n
    };
    tsr_call before = tsr_guard_note(tsr_instance_call(d->instance, TSR_CALL_UPDATE));
    d->ops->update(d->self, &(tsr_update){ .n = n,
                                           .values = d->values + first,
                                           .gradients = d->gradients + first,
                                           .slots = slots,
                                           .step = number,
                                           .rate_factor = factor,
                                           .n_tensors = 1,
                                           .tensors = &tensor });
    tsr_guard_note(before);
}

/* In pieces of `piece` coordinates, a multiple of 16: each is as aligned as the whole. */
static void descend(descent *d, size_t piece)
{
    for (uint64_t number = 1; number <= STEPS; number++) {
        take_gradient(d);
        for (size_t first = 0; first < N; first += piece)
            step(d, first, N - first < piece ? N - first : piece, number, 1);
    }
}

static tsr_status *all_finite(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    tsr_status *status = NULL;
    for (uint64_t number = 1; number <= 3 && !status; number++) {
        take_gradient(&d);
        step(&d, 0, N, number, 1);
        status = tsr_kit_finite(N, d.values, "update", "the values");
        for (size_t i = 0; i < d.n_slots && !status; i++)
            status = tsr_kit_finite(N, d.slots[i], "update", "a slot");
    }
    clear(&d);
    return status;
}

static tsr_status *check_fences(const descent *d)
{
    TSR_TRY(tsr_kit_array_check(&d->arrays[0], "update", "the values"));
    TSR_TRY(tsr_kit_array_check(&d->arrays[1], "update", "the gradients"));
    for (size_t i = 0; i < d->n_slots; i++)
        TSR_TRY(tsr_kit_array_check(&d->slot_arrays[i], "update", "a slot"));
    return NULL;
}

static tsr_status *writes_within(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    take_gradient(&d);
    step(&d, 0, N, 1, 1);
    tsr_status *status = check_fences(&d);
    clear(&d);
    return status;
}

static tsr_status *goes_down(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    double before = loss(&d);
    descend(&d, N);
    double after = loss(&d);
    clear(&d);
    return after < before ? NULL
                          : tsr_fail(TSR_FAILED, "%d steps on a plain bowl lead from a loss of %g to %g",
                                     STEPS, before, after);
}

static tsr_status *heeds_the_schedule(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    take_gradient(&d);
    memcpy(d.kept, d.values, N * sizeof(float));
    step(&d, 0, N, 1, 0);
    bool still = memcmp(d.kept, d.values, N * sizeof(float)) == 0;
    clear(&d);
    return still ? NULL
                 : tsr_fail(TSR_FAILED,
                            "with a rate_factor of 0 values move; multiply the learning rate by it");
}

static tsr_status *leaves_gradients(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    take_gradient(&d);
    memcpy(d.kept, d.gradients, N * sizeof(float));
    step(&d, 0, N, 1, 1);
    bool same = memcmp(d.kept, d.gradients, N * sizeof(float)) == 0;
    clear(&d);
    return same ? NULL : tsr_fail(TSR_FAILED, "it writes to the gradients");
}

static tsr_status *stays_at_the_goal(tsr_kit *kit, const tsr_instance *instance)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    for (uint64_t number = 1; number <= 3; number++)
        step(&d, 0, N, number, 1); /* gradients are 0 */
    bool finite = true;
    for (size_t i = 0; i < N; i++)
        finite = finite && isfinite(d.values[i]);
    clear(&d);
    return finite ? NULL
                  : tsr_fail(TSR_FAILED,
                             "a gradient of 0 makes a value that is not finite; is something divided "
                             "by it?");
}

static tsr_status *goes_in_parts(tsr_kit *kit, const tsr_instance *instance)
{
    if (!((const tsr_optimizer_ops *)tsr_instance_ops(instance))->elementwise) {
        kit->skipped = "it is not elementwise";
        return NULL;
    }
    descent whole, parts;
    TSR_TRY(start(instance, &whole));
    tsr_status *status = start(instance, &parts);
    if (!status) {
        descend(&whole, N);
        descend(&parts, 48);
        if (!tsr_kit_alike(N, whole.values, parts.values))
            status = tsr_fail(TSR_FAILED, "in parts, the values become others than in one");
        clear(&parts);
    }
    clear(&whole);
    return status;
}

static tsr_status *with_instance(tsr_kit *kit, tsr_status *(*function)(tsr_kit *, const tsr_instance *))
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = function(kit, instance);
    tsr_instance_free(instance);
    return status;
}

#define WITH_INSTANCE(name, function)                                                                        \
    static tsr_status *name(tsr_kit *kit)                                                                    \
    {                                                                                                        \
        return with_instance(kit, function);                                                                 \
    }
WITH_INSTANCE(gives_numbers, all_finite)
WITH_INSTANCE(keeps_within, writes_within)
WITH_INSTANCE(minimises, goes_down)
WITH_INSTANCE(multiplies_its_rate, heeds_the_schedule)
WITH_INSTANCE(only_reads_gradients, leaves_gradients)
WITH_INSTANCE(takes_zero_gradients, stays_at_the_goal)
WITH_INSTANCE(can_be_taken_in_parts, goes_in_parts)

static const tsr_kit_check checks[] = {
    { "gives numbers", gives_numbers, 0, "numbers" },
    { "writes within the values and slots", keeps_within, 0, "within" },
    { "lowers a loss", minimises, 0, "lowers" },
    { "multiplies its rate by the schedule's factor", multiplies_its_rate, 0, "schedule" },
    { "only reads the gradients", only_reads_gradients, 0, "reads" },
    { "stays finite where gradients are 0", takes_zero_gradients, 0, "zero" },
    { "can be taken in parts", can_be_taken_in_parts, 0, "parts" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    descent d;
    TSR_TRY(start(instance, &d));
    descend(&d, N);
    tsr_kit_stir(digest, d.values, N * sizeof(float));
    for (size_t i = 0; i < d.n_slots; i++)
        tsr_kit_stir(digest, d.slots[i], N * sizeof(float));
    clear(&d);
    return NULL;
}

const tsr_kit_kind tsr_kit_optimizer = { checks, exercise };
