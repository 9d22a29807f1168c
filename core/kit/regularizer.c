/* What every regularizer must hold. */
#include "kit/array.h"
#include "kit/kit.h"
#include "plugin/instance.h"

#include <math.h>
#include <string.h>
#include <tessera/regularizer.h>
#include <tessera/rng.h>

#define MOST 512

/* Parameters of several shapes; values stay away from 0, where a penalty may bend. */
typedef struct trial {
    const tsr_instance *instance;
    const tsr_regularizer_ops *ops;
    const void *self;
    tsr_parameter parameter;
    float values[MOST], gradient[MOST];
} trial;

static const struct {
    const char *name;
    tsr_role role;
    size_t n_dims, dims[TSR_MAX_DIMS];
} shapes[] = { { "output.bias", TSR_ROLE_BIAS, 1, { 103 } },
               { "hidden.0.weight", TSR_ROLE_WEIGHT, 2, { 17, 13 } },
               { "conv.weight", TSR_ROLE_WEIGHT, 4, { 6, 3, 3, 3 } },
               { "one.weight", TSR_ROLE_WEIGHT, 2, { 1, 1 } } };
#define SHAPES (sizeof(shapes) / sizeof(*shapes))

static void fill(trial *t, size_t shape)
{
    tsr_parameter *p = &t->parameter;
    *p = (tsr_parameter){ .name = shapes[shape].name,
                          .role = shapes[shape].role,
                          .n_dims = shapes[shape].n_dims,
                          .n = 1,
                          .values = t->values };
    memcpy(p->dims, shapes[shape].dims, sizeof(p->dims));
    for (size_t i = 0; i < p->n_dims; i++)
        p->n *= p->dims[i];
    tsr_rng rng = tsr_rng_stream(12, TSR_FOR_DATA, shape);
    tsr_rng_fill_uniform(&rng, p->n, t->values, -1, 1);
    for (size_t i = 0; i < p->n; i++) {
        t->values[i] += t->values[i] < 0 ? -0.1f : 0.1f;
        t->gradient[i] = (float)i;
    }
}

static double penalty(trial *t, float *gradient)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(t->instance, TSR_CALL_PENALTY));
    double value = t->ops->penalty(t->self, &t->parameter, gradient);
    tsr_guard_note(before);
    return value;
}

typedef tsr_status *trial_function(trial *t);

static tsr_status *on_each_shape(const tsr_instance *instance, trial_function *function)
{
    trial t = { .instance = instance,
                .ops = tsr_instance_ops(instance),
                .self = tsr_instance_self(instance) };
    for (size_t shape = 0; shape < SHAPES; shape++) {
        fill(&t, shape);
        TSR_TRY(tsr_context(function(&t), "parameter %s of %zu values", t.parameter.name, t.parameter.n));
    }
    return NULL;
}

static tsr_status *with_instance(tsr_kit *kit, trial_function *function)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = on_each_shape(instance, function);
    tsr_instance_free(instance);
    return status;
}

static tsr_status *slopes_match(trial *t)
{
    const float h = 0x1p-7f;
    double at = penalty(t, t->gradient);
    for (size_t i = 0; i < t->parameter.n; i++) {
        float value = t->values[i];
        t->values[i] = value - h;
        double down = penalty(t, NULL);
        t->values[i] = value + h;
        double up = penalty(t, NULL);
        t->values[i] = value;
        double slope = (double)t->gradient[i] - (double)i;
        if (!tsr_kit_slope_agrees(slope, down, at, up, (double)h, fabs((double)i) * 0x1p-7))
            return tsr_fail(
                TSR_FAILED,
                "value %zu: %g is added to the gradient, and the penalty's derivative is about %g; add "
                "to what the gradient holds, do not replace it",
                i, slope, (up - down) / (2 * (double)h));
    }
    return NULL;
}

static tsr_status *all_finite(trial *t)
{
    double value = penalty(t, t->gradient);
    if (!isfinite(value))
        return tsr_fail(TSR_FAILED, "penalty gives %s", isnan(value) ? "NaN" : "an infinite number");
    return tsr_kit_finite(t->parameter.n, t->gradient, "penalty", "the gradient");
}

static tsr_status *gives_numbers(tsr_kit *kit)
{
    return with_instance(kit, all_finite);
}

/* Behind and before values and gradient stand fences, and values are only read. */
static tsr_status *write_within(trial *t, tsr_kit_array *values, tsr_kit_array *gradient)
{
    TSR_TRY(tsr_kit_array_make(t->parameter.n, values));
    TSR_TRY(tsr_kit_array_make(t->parameter.n, gradient));
    memcpy(values->values, t->values, t->parameter.n * sizeof(float));
    memcpy(gradient->values, t->gradient, t->parameter.n * sizeof(float));
    t->parameter.values = values->values;
    penalty(t, gradient->values);
    t->parameter.values = t->values;
    TSR_TRY(tsr_kit_array_check(values, "penalty", "the values"));
    TSR_TRY(tsr_kit_array_check(gradient, "penalty", "the gradient"));
    return memcmp(values->values, t->values, t->parameter.n * sizeof(float)) == 0
               ? NULL
               : tsr_fail(TSR_FAILED, "penalty writes to the values, which it may only read");
}

static tsr_status *writes_within(trial *t)
{
    tsr_kit_array values = { 0 }, gradient = { 0 };
    tsr_status *status = write_within(t, &values, &gradient);
    tsr_kit_array_clear(&values);
    tsr_kit_array_clear(&gradient);
    return status;
}

static tsr_status *keeps_within(tsr_kit *kit)
{
    return with_instance(kit, writes_within);
}

static tsr_status *gradient_is_right(tsr_kit *kit)
{
    return with_instance(kit, slopes_match);
}

static tsr_status *does_without_gradient(trial *t)
{
    double with = penalty(t, t->gradient), without = penalty(t, NULL);
    return with == without || (isnan(with) && isnan(without))
               ? NULL
               : tsr_fail(TSR_FAILED, "the penalty is %g with and %g without a gradient", with, without);
}

static tsr_status *gradient_may_be_null(tsr_kit *kit)
{
    return with_instance(kit, does_without_gradient);
}

static tsr_status *adds_up(trial *t)
{
    float whole[MOST];
    double all = penalty(t, t->gradient), sum = 0;
    memcpy(whole, t->gradient, sizeof(whole));
    tsr_parameter parameter = t->parameter;
    for (size_t i = 0; i < parameter.n; i++)
        t->gradient[i] = (float)i;
    for (size_t first = 0, n = 0; first < parameter.n; first += n) {
        n = parameter.n - first < 37 ? parameter.n - first : 37;
        tsr_parameter part = parameter;
        part.n = n;
        part.values += first;
        sum += t->ops->penalty(t->self, &part, t->gradient + first);
    }
    if (fabs(all - sum) > 1e-5 * (1e-6 + fabs(all)))
        return tsr_fail(TSR_FAILED, "the penalties of its parts sum to %g, and the whole's is %g", sum, all);
    return tsr_kit_alike(parameter.n, whole, t->gradient)
               ? NULL
               : tsr_fail(TSR_FAILED, "the gradient of its parts is another than the whole's");
}

static tsr_status *parts_make_the_whole(tsr_kit *kit)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = NULL;
    if (((const tsr_regularizer_ops *)tsr_instance_ops(instance))->elementwise)
        status = on_each_shape(instance, adds_up);
    else
        kit->skipped = "it is not elementwise";
    tsr_instance_free(instance);
    return status;
}

static const tsr_kit_check checks[] = {
    { "gives numbers", gives_numbers, 0, "numbers" },
    { "writes within the gradient", keeps_within, 0, "within" },
    { "adds the gradient that differences show", gradient_is_right, 0, "gradient" },
    { "gives the same penalty where no gradient is wanted", gradient_may_be_null, 0, "without" },
    { "can be taken in parts", parts_make_the_whole, 0, "parts" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    trial t = { .instance = instance,
                .ops = tsr_instance_ops(instance),
                .self = tsr_instance_self(instance) };
    for (size_t shape = 0; shape < SHAPES; shape++) {
        fill(&t, shape);
        double value = penalty(&t, t.gradient);
        tsr_kit_stir(digest, &value, sizeof(value));
        tsr_kit_stir(digest, t.gradient, t.parameter.n * sizeof(float));
    }
    return NULL;
}

const tsr_kit_kind tsr_kit_regularizer = { checks, exercise };
