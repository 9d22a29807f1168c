/* What every dataset must hold: that reading keeps what open promised. */
#include "kit/kit.h"

#include "base/memory.h"
#include "data/samples.h"
#include "kit/array.h"
#include "plugin/instance.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/rng.h>

#define MOST 256 /* samples that a trial reads of each part */
#define READERS 4

/* An opened dataset, and samples of one part. */
typedef struct trial {
    tsr_instance *instance;
    tsr_data *data;
    tsr_split split;
    size_t n, size; /* samples that are read, floats of one */
    bool labels;
    size_t index[MOST];
    float *inputs, *others;
    int32_t label[MOST], other_label[MOST];
} trial;

typedef tsr_status *trial_function(trial *t);

static void read(const trial *t, size_t n, const size_t *index, float *inputs, int32_t *labels)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(t->data->instance, TSR_CALL_READ));
    t->data->ops->read(t->data->self, t->split, n, index, inputs, t->labels ? labels : NULL);
    tsr_guard_note(before);
}

/* Samples from all over the part. */
static tsr_status *set_part(trial *t, tsr_split split)
{
    size_t all = t->data->info.n[split], floats;
    t->split = split;
    t->labels = t->data->info.classes > 0;
    t->n = all < MOST ? all : MOST;
    t->size = tsr_shape_size(t->data->info.shape);
    for (size_t i = 0; i < t->n; i++)
        t->index[i] = i * (all / t->n);
    free(t->inputs);
    free(t->others);
    t->inputs = t->others = NULL;
    if (tsr_checked_multiply(t->n, t->size, &floats)) {
        t->inputs = tsr_alloc(floats, sizeof(float));
        t->others = tsr_alloc(floats, sizeof(float));
    }
    if (!t->inputs || !t->others)
        return tsr_no_memory("samples");
    for (size_t i = 0; i < floats; i++)
        t->inputs[i] = t->others[i] = NAN;
    read(t, t->n, t->index, t->inputs, t->label);
    return NULL;
}

static tsr_status *on_both_parts(tsr_data *data, trial_function *function)
{
    trial t = { .data = data };
    tsr_status *status = NULL;
    for (int split = TSR_TRAIN; split <= TSR_TEST && !status; split++) {
        status = set_part(&t, (tsr_split)split);
        if (!status)
            status = tsr_context(function(&t), "%s part", split == TSR_TRAIN ? "training" : "test");
    }
    free(t.inputs);
    free(t.others);
    return status;
}

static tsr_status *with_data(tsr_kit *kit, trial_function *function)
{
    tsr_instance *instance;
    tsr_data *data;
    TSR_TRY(tsr_kit_make(kit, &instance));
    tsr_status *status = tsr_data_open(instance, &data);
    if (!status) {
        status = on_both_parts(data, function);
        tsr_data_close(data);
    }
    tsr_instance_free(instance);
    return status;
}

static tsr_status *is_open(trial *t)
{
    (void)t; /* with_data has checked it */
    return NULL;
}

static tsr_status *opens(tsr_kit *kit)
{
    return with_data(kit, is_open);
}

static tsr_status *all_finite(trial *t)
{
    for (size_t i = 0; i < t->n * t->size; i++)
        if (!isfinite(t->inputs[i]))
            return tsr_fail(TSR_FAILED, "sample %zu: value %zu is %g; read must fill every value",
                            t->index[i / t->size], i % t->size, (double)t->inputs[i]);
    return NULL;
}

static tsr_status *fills_samples(tsr_kit *kit)
{
    return with_data(kit, all_finite);
}

#define FENCED 7 /* samples that are read into fenced arrays */

/* Behind and before inputs and labels stand fences; labels are as long as floats. */
static tsr_status *read_within(trial *t, tsr_kit_array *inputs, tsr_kit_array *labels)
{
    size_t n = t->n < FENCED ? t->n : FENCED;
    TSR_TRY(tsr_kit_array_make(n * t->size, inputs));
    TSR_TRY(tsr_kit_array_make(n, labels));
    read(t, n, t->index, inputs->values, (int32_t *)(void *)labels->values);
    TSR_TRY(tsr_kit_array_check(inputs, "read", "the inputs"));
    return tsr_kit_array_check(labels, "read", "the labels");
}

static tsr_status *reads_within(trial *t)
{
    tsr_kit_array inputs = { 0 }, labels = { 0 };
    tsr_status *status = read_within(t, &inputs, &labels);
    tsr_kit_array_clear(&inputs);
    tsr_kit_array_clear(&labels);
    return status;
}

static tsr_status *keeps_within(tsr_kit *kit)
{
    return with_data(kit, reads_within);
}

static tsr_status *same_as_before(const trial *t, const char *when)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->label[i] != t->other_label[i])
            return tsr_fail(TSR_FAILED, "sample %zu has the label %d, and %s %d", t->index[i], t->label[i],
                            when, t->other_label[i]);
        if (memcmp(t->inputs + i * t->size, t->others + i * t->size, t->size * sizeof(float)) != 0)
            return tsr_fail(TSR_FAILED, "sample %zu has other values %s", t->index[i], when);
    }
    return NULL;
}

static tsr_status *reads_twice(trial *t)
{
    read(t, t->n, t->index, t->others, t->other_label);
    return same_as_before(t, "when it is read again");
}

static tsr_status *gives_the_same_sample_twice(tsr_kit *kit)
{
    return with_data(kit, reads_twice);
}

static tsr_status *reads_one_by_one(trial *t)
{
    for (size_t i = t->n; i-- > 0;)
        read(t, 1, &t->index[i], t->others + i * t->size, &t->other_label[i]);
    return same_as_before(t, "when it is read alone");
}

static tsr_status *order_changes_nothing(tsr_kit *kit)
{
    return with_data(kit, reads_one_by_one);
}

static tsr_status *reads_apart(trial *t)
{
    read(t, t->n, t->index, t->others, NULL);
    read(t, t->n, t->index, NULL, t->other_label);
    return same_as_before(t, "when inputs and labels are read apart");
}

static tsr_status *either_may_be_null(tsr_kit *kit)
{
    return with_data(kit, reads_apart);
}

typedef struct reader {
    const trial *trial;
    size_t first;
    bool failed;
    float *inputs;
} reader;

/* Every thread reads everything, from another place on. */
static void *read_along(void *context)
{
    reader *r = context;
    const trial *t = r->trial;
    for (size_t i = 0; i < t->n; i++) {
        size_t at = (r->first + i) % t->n;
        int32_t label = 0; /* as where there are none */
        read(t, 1, &t->index[at], r->inputs, &label);
        r->failed = r->failed || label != t->label[at] ||
                    memcmp(r->inputs, t->inputs + at * t->size, t->size * sizeof(float)) != 0;
    }
    return NULL;
}

static tsr_status *reads_in_threads(trial *t)
{
    pthread_t threads[READERS];
    reader readers[READERS] = { 0 };
    bool failed = false, started[READERS] = { false };
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (reader){ t, i * t->n / READERS, false, tsr_alloc(t->size, sizeof(float)) };
        started[i] = readers[i].inputs && pthread_create(&threads[i], NULL, read_along, &readers[i]) == 0;
    }
    for (size_t i = 0; i < READERS; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        free(readers[i].inputs);
        failed = failed || readers[i].failed;
    }
    return failed
               ? tsr_fail(TSR_FAILED, "threads that read at once get other samples; read must keep no state")
               : NULL;
}

static tsr_status *any_thread_may_read(tsr_kit *kit)
{
    return with_data(kit, reads_in_threads);
}

static tsr_status *check_targets(const trial *t, size_t size, float *targets, float *again)
{
    const tsr_data *data = t->data;
    for (size_t i = 0; i < t->n * size; i++)
        targets[i] = NAN;
    data->ops->read_targets(data->self, t->split, t->n, t->index, targets);
    for (size_t i = t->n; i-- > 0;) {
        data->ops->read_targets(data->self, t->split, 1, &t->index[i], again);
        for (size_t k = 0; k < size; k++)
            if (!isfinite(targets[i * size + k]))
                return tsr_fail(TSR_FAILED,
                                "sample %zu: value %zu of its target is %g; read_targets must fill "
                                "every value",
                                t->index[i], k, (double)targets[i * size + k]);
        if (memcmp(targets + i * size, again, size * sizeof(float)) != 0)
            return tsr_fail(TSR_FAILED, "sample %zu has another target when it is read alone", t->index[i]);
    }
    return NULL;
}

static tsr_status *reads_targets(trial *t)
{
    size_t size = t->data->info.target.n_dims ? tsr_shape_size(t->data->info.target) : 0, all;
    if (size == 0)
        return NULL;
    float *targets = tsr_checked_multiply(t->n, size, &all) ? tsr_alloc(all, sizeof(float)) : NULL,
          *again = tsr_alloc(size, sizeof(float));
    tsr_status *status =
        targets && again ? check_targets(t, size, targets, again) : tsr_no_memory("the targets");
    free(targets);
    free(again);
    return status;
}

static tsr_status *fills_targets(tsr_kit *kit)
{
    return with_data(kit, reads_targets);
}

static const tsr_kit_check checks[] = {
    { "opens, and its counts, shape, names and labels are in order", opens, 0, "opens" },
    { "writes within the samples that are asked for", keeps_within, 0, "within" },
    { "fills every value of a sample", fills_samples, 0, "fills" },
    { "gives the same sample twice", gives_the_same_sample_twice, 0, "again" },
    { "gives the same sample in any order", order_changes_nothing, 0, "order" },
    { "gives inputs and labels apart", either_may_be_null, 0, "apart" },
    { "may be read by several threads", any_thread_may_read, 0, "threads" },
    { "fills every value of the targets that it has, and the same again", fills_targets, 0, "targets" },
    { NULL, NULL, 0, NULL },
};

static uint64_t *stirred; /* of the one exercise that goes on in this process */

static tsr_status *stir_samples(trial *t)
{
    tsr_kit_stir(stirred, t->inputs, t->n * t->size * sizeof(float));
    tsr_kit_stir(stirred, t->label, t->n * sizeof(int32_t));
    return NULL;
}

/* A dataset is opened once per instance. */
static tsr_status *exercise(tsr_kit *kit, const tsr_instance *instance, uint64_t *digest)
{
    (void)instance;
    stirred = digest;
    return with_data(kit, stir_samples);
}

const tsr_kit_kind tsr_kit_dataset = { checks, exercise };
