/* What every loss must hold: a gradient that differences show, and examples that do not see each other. */
#include "kit/kit.h"

#include "base/memory.h"
#include "nn/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/rng.h>

#define BATCH 6
#define SIZES 3

/* Classes, or values of a target. */
static const size_t sizes[SIZES] = { 2, 10, 37 };

/* A batch in which outputs stay apart from each other and from targets, where a loss may bend. */
typedef struct trial {
    const tsr_loss_ops *ops;
    const void *self;
    tsr_loss_batch batch;
    float *outputs, *targets, *gradient;
    int32_t labels[BATCH];
} trial;

static void clear(trial *t)
{
    free(t->outputs);
    free(t->targets);
    free(t->gradient);
}

static void fill(trial *t, size_t size)
{
    tsr_rng rng = tsr_rng_stream(14, TSR_FOR_DATA, size);
    tsr_rng_fill_uniform(&rng, BATCH * t->batch.width, t->outputs, -2, 2);
    tsr_rng_fill_uniform(&rng, BATCH * size, t->targets, 0, 1);
    for (size_t i = 0; i < BATCH; i++)
        t->labels[i] = (int32_t)((i * 7 + 1) % size);
    for (size_t k = 0; k <= BATCH * t->batch.width; k++)
        t->gradient[k] = NAN;
}

static tsr_status *start(const tsr_instance *instance, size_t size, trial *t)
{
    *t = (trial){ .ops = tsr_instance_ops(instance), .self = tsr_instance_self(instance) };
    tsr_target target = tsr_loss_target(instance);
    if (target != TSR_TARGET_LABELS && target != TSR_TARGET_INPUT && target != TSR_TARGET_VALUES)
        return tsr_fail(TSR_FAILED, "target gives %d, expected one of tsr_target", (int)target);
    size_t width = t->ops->outputs ? t->ops->outputs(t->self, size) : size;
    if (width < 1 || width > 1 << 20)
        return tsr_fail(TSR_FAILED, "outputs gives %zu for %zu, expected 1 or more, and no million", width,
                        size);
    t->outputs = tsr_alloc(BATCH * width, sizeof(float));
    t->targets = tsr_alloc(BATCH * size, sizeof(float));
    t->gradient = tsr_alloc(BATCH * width + 1, sizeof(float));
    if (!t->outputs || !t->targets || !t->gradient) {
        clear(t);
        return tsr_no_memory("a trial");
    }
    t->batch = (tsr_loss_batch){
        .n = BATCH, .width = width, .outputs = t->outputs, .scale = 1.0f / BATCH, .gradient = t->gradient
    };
    if (target == TSR_TARGET_LABELS) {
        t->batch.classes = (int)size;
        t->batch.labels = t->labels;
    } else {
        t->batch.target_width = size;
        t->batch.targets = t->targets;
    }
    fill(t, size);
    return NULL;
}

static double evaluate(const trial *t, float *gradient)
{
    tsr_loss_batch batch = t->batch;
    batch.gradient = gradient;
    return t->ops->evaluate(t->self, &batch);
}

typedef tsr_status *trial_function(trial *t);

static tsr_status *on_each_size(const tsr_instance *instance, trial_function *function)
{
    for (size_t i = 0; i < SIZES; i++) {
        trial t;
        TSR_TRY(start(instance, sizes[i], &t));
        tsr_status *status = tsr_context(function(&t), "%zu %s, %zu outputs", sizes[i],
                                         t.batch.labels ? "classes" : "values", t.batch.width);
        clear(&t);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *with_instance(tsr_kit *kit, trial_function *function)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = on_each_size(instance, function);
    tsr_instance_free(instance);
    return status;
}

/* In the loss of the output's own example, so that others' rounding does not show. */
static double loss_of_example(trial *t, size_t i)
{
    tsr_loss_batch one = t->batch;
    one.n = 1;
    one.gradient = NULL;
    one.outputs += i * one.width;
    one.labels = one.labels ? one.labels + i : NULL;
    one.targets = one.targets ? one.targets + i * one.target_width : NULL;
    return t->ops->evaluate(t->self, &one);
}

static tsr_status *slopes_match(trial *t)
{
    const float h = 0x1p-6f;
    evaluate(t, t->gradient);
    for (size_t k = 0; k < BATCH * t->batch.width; k++) {
        size_t i = k / t->batch.width;
        float value = t->outputs[k];
        double at = loss_of_example(t, i);
        t->outputs[k] = value - h;
        double down = loss_of_example(t, i);
        t->outputs[k] = value + h;
        double up = loss_of_example(t, i);
        t->outputs[k] = value;
        double slope = (double)t->gradient[k] / (double)t->batch.scale;
        if (!tsr_kit_slope_agrees(slope, down, at, up, (double)h, 1))
            return tsr_fail(
                TSR_FAILED,
                "output %zu of example %zu: the gradient is %g, and the loss's derivative times the "
                "scale of %g is about %g",
                k % t->batch.width, i, (double)t->gradient[k], (double)t->batch.scale,
                (up - down) / (2 * (double)h) * (double)t->batch.scale);
    }
    return isnan(t->gradient[BATCH * t->batch.width])
               ? NULL
               : tsr_fail(TSR_FAILED, "it writes beyond the gradient's end");
}

static tsr_status *does_without_gradient(trial *t)
{
    double with = evaluate(t, t->gradient), without = evaluate(t, NULL);
    if (!isfinite(with))
        return tsr_fail(TSR_FAILED, "the loss is %g, expected a finite number", with);
    return with == without
               ? NULL
               : tsr_fail(TSR_FAILED, "the loss is %g with and %g without a gradient", with, without);
}

static tsr_status *is_a_sum(trial *t)
{
    double all = evaluate(t, NULL), sum = 0;
    for (size_t i = 0; i < BATCH; i++)
        sum += loss_of_example(t, i);
    return fabs(all - sum) <= 1e-5 * (1e-6 + fabs(all))
               ? NULL
               : tsr_fail(
                     TSR_FAILED,
                     "the losses of its examples sum to %g, and the batch's is %g; give the sum, not the "
                     "mean",
                     sum, all);
}

static size_t count_correct(const tsr_loss_batch *batch)
{
    size_t correct = 0;
    for (size_t i = 0; i < batch->n; i++) {
        const float *row = batch->outputs + i * batch->width;
        size_t best = 0;
        for (size_t j = 1; j < batch->width; j++)
            best = row[j] > row[best] ? j : best;
        correct += best == (size_t)batch->labels[i];
    }
    return correct;
}

static tsr_status *counts_well(trial *t)
{
    size_t counted = SIZE_MAX;
    if (!t->batch.labels)
        return NULL;
    for (size_t i = 0; i < BATCH && t->batch.width > (size_t)t->labels[i]; i += 2) /* some are right */
        t->outputs[i * t->batch.width + (size_t)t->labels[i]] = 3;
    t->batch.correct = &counted;
    evaluate(t, NULL);
    size_t correct = count_correct(&t->batch);
    return counted == SIZE_MAX || counted == correct
               ? NULL
               : tsr_fail(
                     TSR_FAILED,
                     "it counts %zu of %zu examples whose largest output is the label's, and there are %zu",
                     counted, t->batch.n, correct);
}

static tsr_status *counts_answers(tsr_kit *kit)
{
    return with_instance(kit, counts_well);
}

static tsr_status *gradient_is_right(tsr_kit *kit)
{
    return with_instance(kit, slopes_match);
}

static tsr_status *gradient_may_be_null(tsr_kit *kit)
{
    return with_instance(kit, does_without_gradient);
}

static tsr_status *sums_over_examples(tsr_kit *kit)
{
    return with_instance(kit, is_a_sum);
}

static const tsr_kit_check checks[] = {
    { "has the gradient that differences show", gradient_is_right, 0, "gradient" },
    { "gives the same loss where no gradient is wanted", gradient_may_be_null, 0, "null" },
    { "is a sum over examples", sums_over_examples, 0, "sum" },
    { "counts right answers as the host does, where it does", counts_answers, 0, "answers" },
    { NULL, NULL, 0, NULL },
};

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    for (size_t i = 0; i < SIZES; i++) {
        trial t;
        TSR_TRY(start(instance, sizes[i], &t));
        double loss = evaluate(&t, t.gradient);
        tsr_kit_stir(digest, &loss, sizeof(loss));
        tsr_kit_stir(digest, t.gradient, BATCH * t.batch.width * sizeof(float));
        clear(&t);
    }
    return NULL;
}

const tsr_kit_kind tsr_kit_loss = { checks, exercise };
