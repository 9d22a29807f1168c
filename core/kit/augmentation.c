/* What every augmentation must hold. It may refuse some shapes; it is tested on those that it takes. */
#include "kit/kit.h"

#include "base/memory.h"
#include "data/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLES 40

static const tsr_shape shapes[] = {
    { 3, { 3, 32, 32 } }, { 3, { 1, 28, 28 } }, { 3, { 3, 9, 14 } }, { 2, { 12, 50 } }, { 1, { 40 } }
};
#define SHAPES (sizeof(shapes) / sizeof(*shapes))

typedef struct trial {
    tsr_instance *instance;
    tsr_augmentations all; /* it alone */
    tsr_shape shape;
    size_t size;
    float *in, *kept, *scratch, *out, *again; /* `out` and `again` have one float more, for a mark */
} trial;

static void clear(trial *t)
{
    float *arrays[] = { t->in, t->kept, t->scratch, t->out, t->again };
    for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
        free(arrays[i]);
}

static tsr_status *start(trial *t, tsr_shape shape)
{
    t->all = (tsr_augmentations){ 1, &t->instance };
    t->shape = shape;
    t->size = tsr_shape_size(shape);
    float **arrays[] = { &t->in, &t->kept, &t->scratch, &t->out, &t->again };
    bool complete = true;
    for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
        complete = (*arrays[i] = tsr_alloc(t->size + 1, sizeof(float))) && complete;
    if (!complete) {
        clear(t);
        return tsr_no_memory("a trial");
    }
    tsr_rng rng = tsr_rng_stream(15, TSR_FOR_DATA, t->size);
    tsr_rng_fill_uniform(&rng, t->size, t->in, 0, 1);
    memcpy(t->kept, t->in, t->size * sizeof(float));
    return NULL;
}

/* Values that are not written stay NaN. */
static void augment(const trial *t, size_t example, float *out)
{
    tsr_rng rng = tsr_rng_stream(15, TSR_FOR_AUGMENT, example);
    for (size_t i = 0; i <= t->size; i++)
        out[i] = t->scratch[i] = NAN;
    tsr_augment(&t->all, t->shape, &rng, t->in, t->scratch, out);
}

typedef tsr_status *trial_function(trial *t);

static tsr_status *on_each_shape(tsr_instance *instance, trial_function *function)
{
    tsr_status *refused = NULL;
    size_t n = 0;
    for (size_t i = 0; i < SHAPES; i++) {
        trial t = { .instance = instance };
        const tsr_augmentations all = { 1, &t.instance };
        tsr_status *status = tsr_augment_check(&all, shapes[i]);
        if (status) {
            tsr_status_free(refused);
            refused = status;
            continue;
        }
        status = start(&t, shapes[i]);
        if (!status)
            status = function(&t);
        clear(&t);
        if (status) {
            tsr_status_free(refused);
            return tsr_context(status, "examples of %zu values", tsr_shape_size(shapes[i]));
        }
        n++;
    }
    if (n == 0)
        return tsr_context(refused, "it refuses 3 x 32 x 32, 1 x 28 x 28, 3 x 9 x 14, 12 x 50 and 40");
    tsr_status_free(refused);
    return NULL;
}

static tsr_status *with_instance(tsr_kit *kit, trial_function *function)
{
    tsr_instance *instance;
    TSR_TRY(tsr_kit_make(kit, &instance));
    const tsr_augmentations all = { 1, &instance };
    tsr_status *status = NULL;
    if (tsr_augments(&all))
        status = on_each_shape(instance, function);
    else
        kit->skipped = "with these settings it does nothing";
    tsr_instance_free(instance);
    return status;
}

static tsr_status *values_are_whole(trial *t)
{
    for (size_t example = 0; example < EXAMPLES; example++) {
        augment(t, example, t->out);
        for (size_t i = 0; i < t->size; i++)
            if (!isfinite(t->out[i]))
                return tsr_fail(TSR_FAILED, "value %zu is %g, expected each to be written, and finite", i,
                                (double)t->out[i]);
        if (!isnan(t->out[t->size]) || !isnan(t->scratch[t->size]))
            return tsr_fail(TSR_FAILED, "it writes beyond the example's end");
    }
    return memcmp(t->in, t->kept, t->size * sizeof(float)) == 0
               ? NULL
               : tsr_fail(TSR_FAILED, "it writes to the example that it is to read");
}

static tsr_status *draws_are_all(trial *t)
{
    for (size_t example = 0; example < EXAMPLES; example++) {
        augment(t, example, t->out);
        augment(t, example + 1, t->again);
        augment(t, example, t->again);
        if (memcmp(t->out, t->again, t->size * sizeof(float)) != 0)
            return tsr_fail(TSR_FAILED,
                            "with the same random numbers it makes two examples of one; draw from "
                            "`rng` alone, and keep nothing");
    }
    return NULL;
}

static tsr_status *something_differs(trial *t)
{
    for (size_t example = 0; example < EXAMPLES; example++) {
        augment(t, example, t->out);
        if (memcmp(t->out, t->in, t->size * sizeof(float)) != 0)
            return NULL;
    }
    return tsr_fail(TSR_FAILED, "%d times it leaves an example as it is; is_idle should say so", EXAMPLES);
}

static tsr_status *writes_all(tsr_kit *kit)
{
    return with_instance(kit, values_are_whole);
}

static tsr_status *follows_from_its_draws(tsr_kit *kit)
{
    return with_instance(kit, draws_are_all);
}

static tsr_status *does_something(tsr_kit *kit)
{
    return with_instance(kit, something_differs);
}

static const tsr_kit_check checks[] = {
    { "writes every value, and nothing else", writes_all, 0, "fills" },
    { "depends on its random numbers alone", follows_from_its_draws, 0, "draws" },
    { "changes some example, or says that it does not", does_something, 0, "changes" },
    { NULL, NULL, 0, NULL },
};

static void stir(trial *t, uint64_t *digest)
{
    for (size_t example = 0; example < EXAMPLES; example++) {
        augment(t, example, t->out);
        tsr_kit_stir(digest, t->out, t->size * sizeof(float));
    }
}

static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)kit;
    for (size_t i = 0; i < SHAPES; i++) {
        trial t = { .instance = (tsr_instance *)(uintptr_t)instance };
        const tsr_augmentations all = { 1, &t.instance };
        tsr_status *refused = tsr_augment_check(&all, shapes[i]);
        if (refused || !tsr_augments(&all)) {
            tsr_status_free(refused);
            continue;
        }
        TSR_TRY(start(&t, shapes[i]));
        stir(&t, digest);
        clear(&t);
    }
    return NULL;
}

const tsr_kit_kind tsr_kit_augmentation = { checks, exercise };
