/* Choosing classes. The samples of those that are kept are a list of numbers beside the dataset; inputs stay
   where they are. */
#include "data/classes.h"

#include "base/memory.h"
#include "plugin/instance.h"
#include "plugin/kinds.h"

#include <stdlib.h>

#define BLOCK 256 /* samples whose numbers are looked up together */

static const char *const split_names[] = { "training", "test" };

/* --- which classes --- */

static tsr_status *keep_evenly(int wanted, int classes, int32_t *renumbered)
{
    if (wanted < 2 || wanted > classes)
        return tsr_fail(TSR_REFUSED, "class_count is %d, expected 2 to the %d classes that there are", wanted,
                        classes);
    int step = classes / wanted;
    for (int i = 0; i < wanted; i++)
        renumbered[i * step] = i;
    return NULL;
}

static tsr_status *keep_listed(const tsr_int_list *list, int classes, int32_t *renumbered)
{
    if (list->n < 2)
        return tsr_fail(TSR_REFUSED, "only_classes names %zu class, expected at least 2", list->n);
    for (size_t i = 0; i < list->n; i++) {
        int64_t label = list->values[i];
        if (label >= classes)
            return tsr_fail(TSR_REFUSED, "only_classes names class %lld, expected 0 to %d", (long long)label,
                            classes - 1);
        if (renumbered[label] >= 0)
            return tsr_fail(TSR_REFUSED, "only_classes names class %lld twice, expected once",
                            (long long)label);
        renumbered[label] = (int32_t)i;
    }
    return NULL;
}

static tsr_status *keep_names(tsr_data *data, int classes)
{
    if (!data->info.class_names)
        return NULL;
    if (!(data->names = tsr_alloc((size_t)classes, sizeof(*data->names))))
        return tsr_no_memory("class names");
    for (int i = 0; i < data->info.classes; i++)
        if (data->renumbered[i] >= 0)
            data->names[data->renumbered[i]] = data->info.class_names[i];
    return NULL;
}

/* --- which samples --- */

static tsr_status *keep_samples(tsr_data *data, tsr_split split)
{
    size_t n = data->info.n[split], kept = 0, index[BLOCK];
    int32_t labels[BLOCK];
    if (!(data->kept[split] = tsr_alloc(n, sizeof(*data->kept[split]))))
        return tsr_no_memory("the samples of the classes that are kept");
    for (size_t first = 0; first < n; first += BLOCK) {
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        for (size_t i = 0; i < count; i++)
            index[i] = first + i;
        data->ops->read(data->self, split, count, index, NULL, labels);
        for (size_t i = 0; i < count; i++)
            if (data->renumbered[labels[i]] >= 0)
                data->kept[split][kept++] = first + i;
    }
    data->info.n[split] = kept;
    return kept ? NULL
                : tsr_fail(TSR_REFUSED, "no %s sample is of a class that is kept, expected at least 1",
                           split_names[split]);
}

tsr_status *tsr_data_choose_classes(tsr_data *data)
{
    const tsr_dataset_common *common = tsr_instance_common(data->instance);
    if (!common || (common->class_count == 0 && common->only_classes.n == 0))
        return NULL;
    int classes = data->info.classes;
    if (common->class_count && common->only_classes.n)
        return tsr_fail(TSR_REFUSED, "it has class_count and only_classes, expected one of them");
    if (classes == 0)
        return tsr_fail(TSR_REFUSED, "classes are to be kept, and it has no labels");
    if (!(data->renumbered = tsr_alloc((size_t)classes, sizeof(*data->renumbered))))
        return tsr_no_memory("classes");
    for (int i = 0; i < classes; i++)
        data->renumbered[i] = -1;
    bool listed = common->only_classes.n > 0;
    TSR_TRY(listed ? keep_listed(&common->only_classes, classes, data->renumbered)
                   : keep_evenly(common->class_count, classes, data->renumbered));
    int kept = listed ? (int)common->only_classes.n : common->class_count;
    TSR_TRY(keep_names(data, kept));
    TSR_TRY(keep_samples(data, TSR_TRAIN));
    TSR_TRY(keep_samples(data, TSR_TEST));
    data->info.classes = kept;
    data->info.class_names = data->names;
    return NULL;
}

void tsr_data_forget_classes(tsr_data *data)
{
    free(data->kept[TSR_TRAIN]);
    free(data->kept[TSR_TEST]);
    free(data->renumbered);
    free(data->names);
}

/* --- reading --- */

/* The plugin's numbers of some samples, at most BLOCK from the first on; how many. */
static size_t look_up(const size_t *kept, size_t n, const size_t *index, size_t *out)
{
    size_t count = n < BLOCK ? n : BLOCK;
    for (size_t i = 0; i < count; i++)
        out[i] = kept[index[i]];
    return count;
}

void tsr_data_give(const tsr_data *data, tsr_split split, size_t n, const size_t *index, float *inputs,
                   int32_t *labels)
{
    if (!data->kept[split]) {
        data->ops->read(data->self, split, n, index, inputs, labels);
        return;
    }
    size_t size = tsr_shape_size(data->info.shape), numbers[BLOCK];
    for (size_t first = 0, count; first < n; first += count) {
        count = look_up(data->kept[split], n - first, index + first, numbers);
        data->ops->read(data->self, split, count, numbers, inputs ? inputs + first * size : NULL,
                        labels ? labels + first : NULL);
        for (size_t i = 0; labels && i < count; i++)
            labels[first + i] = data->renumbered[labels[first + i]];
    }
}

void tsr_data_give_targets(const tsr_data *data, tsr_split split, size_t n, const size_t *index,
                           float *targets)
{
    if (!data->kept[split]) {
        data->ops->read_targets(data->self, split, n, index, targets);
        return;
    }
    size_t size = tsr_shape_size(data->info.target), numbers[BLOCK];
    for (size_t first = 0, count; first < n; first += count) {
        count = look_up(data->kept[split], n - first, index + first, numbers);
        data->ops->read_targets(data->self, split, count, numbers, targets + first * size);
    }
}

void tsr_data_read_guarded(const tsr_data *data, tsr_split split, size_t n, const size_t *index,
                           float *inputs, int32_t *labels)
{
    tsr_call before = tsr_guard_note(tsr_instance_call(data->instance, TSR_CALL_READ));
    tsr_data_give(data, split, n, index, inputs, labels);
    tsr_guard_note(before);
}
