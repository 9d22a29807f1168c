/* What every schedule must hold. */
#include "kit/kit.h"

#include <math.h>
#include <tessera/schedule.h>

#define STEPS 7 /* of an epoch */

static const size_t lengths[] = { 1, 2, 30, 200, 1000 };
#define LENGTHS (sizeof(lengths) / sizeof(*lengths))

static double factor(const tsr_instance *instance, size_t epoch, size_t epochs, size_t step)
{
    const tsr_schedule_ops *ops = tsr_instance_ops(instance);
    return ops->factor(
        tsr_instance_self(instance),
        &(tsr_schedule_time){ .epoch = epoch, .epochs = epochs, .step = step, .steps = STEPS });
}

typedef tsr_status *training_function(const tsr_instance *instance, size_t epochs);

static tsr_status *with_instance(tsr_kit *kit, training_function *function)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = NULL;
    for (size_t i = 0; i < LENGTHS && !status; i++)
        status = tsr_context(function(instance, lengths[i]), "a training of %zu epochs", lengths[i]);
    tsr_instance_free(instance);
    return status;
}

static tsr_status *factors_are_valid(const tsr_instance *instance, size_t epochs)
{
    for (size_t epoch = 1; epoch <= epochs; epoch++)
        for (size_t step = 1; step <= STEPS; step++) {
            double value = factor(instance, epoch, epochs, step);
            if (!isfinite(value) || value < 0)
                return tsr_fail(TSR_FAILED,
                                "in epoch %zu at step %zu of %d the factor is %g, expected a finite "
                                "one of 0 or more",
                                epoch, step, STEPS, value);
        }
    return NULL;
}

static tsr_status *something_is_learned(const tsr_instance *instance, size_t epochs)
{
    for (size_t epoch = 1; epoch <= epochs; epoch++)
        for (size_t step = 1; step <= STEPS; step++)
            if (factor(instance, epoch, epochs, step) > 0)
                return NULL;
    return tsr_fail(TSR_FAILED, "every factor is 0, so that nothing is learned");
}

/* Backwards, which no training goes. */
static tsr_status *order_does_not_matter(const tsr_instance *instance, size_t epochs)
{
    double first = factor(instance, 1, epochs, 1);
    for (size_t epoch = epochs; epoch >= 1; epoch--)
        factor(instance, epoch, epochs, 1);
    double again = factor(instance, 1, epochs, 1);
    return first == again
               ? NULL
               : tsr_fail(TSR_FAILED,
                          "the first step's factor is %g and, asked for later, %g; a factor depends "
                          "on its arguments alone",
                          first, again);
}

static tsr_status *gives_valid_factors(tsr_kit *kit)
{
    return with_instance(kit, factors_are_valid);
}

static tsr_status *lets_learn(tsr_kit *kit)
{
    return with_instance(kit, something_is_learned);
}

static tsr_status *remembers_nothing(tsr_kit *kit)
{
    return with_instance(kit, order_does_not_matter);
}

static const tsr_kit_check checks[] = {
    { "gives factors that are finite and not negative", gives_valid_factors, 0, "factors" },
    { "gives some factor that is not 0", lets_learn, 0, "learns" },
    { "depends on the time alone", remembers_nothing, 0, "again" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    for (size_t i = 0; i < LENGTHS; i++)
        for (size_t epoch = 1; epoch <= lengths[i]; epoch++) {
            double value = factor(instance, epoch, lengths[i], 1 + epoch % STEPS);
            tsr_kit_stir(digest, &value, sizeof(value));
        }
    return NULL;
}

const tsr_kit_kind tsr_kit_schedule = { checks, exercise };
