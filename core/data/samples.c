/* The samples of a run. A part is a range of the dataset's own examples, or every so many of one, so cutting
   copies nothing; what disturbs them stands beside it, see noise.h. */
#include "data/samples.h"

#include "base/memory.h"
#include "base/shape.h"
#include "base/text.h"
#include "data/classes.h"
#include "data/noise.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/multiversion.h>

/* Labels that one read asks for while a dataset is checked. */
#define LABEL_BLOCK 4096

#define MEAN_BLOCK 256 /* examples read together for their mean */

static const char *split_name(tsr_split split)
{
    return split == TSR_TRAIN ? "training" : "test";
}

/* `what`: "samples", "targets". */
static tsr_status *check_shape(const char *what, tsr_shape shape)
{
    size_t size;
    char text[TSR_SHAPE_TEXT];
    if (shape.n_dims == 0 || shape.n_dims > TSR_MAX_DIMS)
        return tsr_fail(TSR_REFUSED, "%s have %zu dimensions, expected 1 to %d", what, shape.n_dims,
                        TSR_MAX_DIMS);
    if (tsr_shape_check(shape, &size))
        return NULL;
    bool empty = false;
    for (size_t i = 0; i < shape.n_dims; i++)
        empty = empty || shape.dims[i] == 0;
    return tsr_fail(TSR_REFUSED, "%s of shape %s %s", what, tsr_shape_format(shape, text, sizeof(text)),
                    empty ? "hold nothing" : "are larger than memory");
}

static tsr_status *check_info(const tsr_dataset_info *info)
{
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        if (info->n[split] == 0)
            return tsr_fail(TSR_REFUSED, "no %s samples, expected at least 1", split_name(split));
    TSR_TRY(check_shape("samples", info->shape));
    if (info->target.n_dims)
        TSR_TRY(check_shape("targets", info->target));
    if (info->classes < 2 && info->classes != 0)
        return tsr_fail(TSR_REFUSED, "%d classes, expected at least 2, or 0 for samples without labels",
                        info->classes);
    for (int i = 0; info->class_names && i < info->classes; i++)
        if (!info->class_names[i])
            return tsr_fail(TSR_REFUSED, "class %d of %d has no name, though others have", i, info->classes);
    for (int i = 0; info->class_names && i < info->classes; i++)
        if (!tsr_is_utf8(info->class_names[i]))
            return tsr_fail(TSR_REFUSED, "the name of class %d is not UTF-8", i);
    return NULL;
}

static tsr_status *check_labels(const tsr_data *data, tsr_split split)
{
    size_t index[LABEL_BLOCK];
    int32_t labels[LABEL_BLOCK];
    for (size_t first = 0; data->info.classes > 0 && first < data->info.n[split]; first += LABEL_BLOCK) {
        size_t left = data->info.n[split] - first, n = left < LABEL_BLOCK ? left : LABEL_BLOCK;
        for (size_t i = 0; i < n; i++) {
            index[i] = first + i;
            labels[i] = -1; /* what a plugin leaves untouched is no label */
        }
        data->ops->read(data->self, split, n, index, NULL, labels);
        for (size_t i = 0; i < n; i++)
            if (labels[i] < 0 || labels[i] >= data->info.classes)
                return tsr_fail(TSR_REFUSED, "%s sample %zu has label %d, expected 0 to %d",
                                split_name(split), index[i], (int)labels[i], data->info.classes - 1);
    }
    return NULL;
}

tsr_status *tsr_data_open(const tsr_instance *dataset, tsr_data **out)
{
    *out = NULL;
    void *self = tsr_instance_self(dataset);
    tsr_data *data = calloc(1, sizeof(*data));
    if (!data)
        return tsr_no_memory("a dataset");
    *data = (tsr_data){ .instance = dataset, .ops = tsr_instance_ops(dataset), .self = self };
    tsr_guarded before = tsr_instance_enter(dataset, TSR_CALL_OPEN);
    tsr_status *status = data->ops->open(self, &data->info);
    tsr_guard_leave(before);
    if (status) {
        free(data);
        return status;
    }
    status = tsr_instance_check(dataset);
    if (!status)
        status = check_info(&data->info);
    if (!status && data->info.target.n_dims && !data->ops->read_targets)
        status = tsr_fail(TSR_REFUSED, "it tells a shape of targets, and has no read_targets");
    before = tsr_instance_enter(dataset, TSR_CALL_READ);
    if (!status)
        status = check_labels(data, TSR_TRAIN);
    if (!status)
        status = check_labels(data, TSR_TEST);
    if (!status)
        status = tsr_data_choose_classes(data);
    tsr_guard_leave(before);
    if (status) {
        tsr_data_close(data);
        return tsr_context(status, "dataset %s", tsr_instance_name(dataset));
    }
    *out = data;
    return NULL;
}

void tsr_data_close(tsr_data *data)
{
    if (!data)
        return;
    tsr_guarded before = tsr_instance_enter(data->instance, TSR_CALL_CLOSE);
    if (data->ops->close)
        data->ops->close(tsr_instance_self(data->instance));
    tsr_guard_leave(before);
    tsr_data_forget_classes(data);
    free(data);
}

static bool is_fraction(double value)
{
    return value >= 0 && value <= 1;
}

static tsr_status *check_options(const tsr_split_options *options)
{
    if (!is_fraction(options->holdout))
        return tsr_fail(TSR_REFUSED, "holdout is %g, expected 0 to 1", options->holdout);
    if (!is_fraction(options->label_noise))
        return tsr_fail(TSR_REFUSED, "label_noise is %g, expected 0 to 1", options->label_noise);
    if (!is_fraction(options->instance_noise))
        return tsr_fail(TSR_REFUSED, "instance_noise is %g, expected 0 to 1", options->instance_noise);
    if (!(options->input_noise >= 0 && isfinite(options->input_noise)))
        return tsr_fail(TSR_REFUSED, "input_noise is %g, expected a standard deviation of 0 or more",
                        options->input_noise);
    return NULL;
}

size_t tsr_portion(double fraction, size_t n)
{
    double count = round(fraction * (double)n);
    return count >= (double)n ? n : (size_t)count;
}

tsr_status *tsr_parts_new(const tsr_data *data, const tsr_split_options *options, tsr_parts *out)
{
    *out = (tsr_parts){ 0 };
    TSR_TRY(check_options(options));
    size_t all = data->info.n[TSR_TRAIN], held = tsr_portion(options->holdout, all), left = all - held;
    if (left == 0)
        return tsr_fail(TSR_REFUSED, "holdout %g of %zu training examples leaves none to train with",
                        options->holdout, all);
    if (options->label_noise > 0 && data->info.classes == 0)
        return tsr_fail(TSR_REFUSED, "label_noise is %g, and the dataset has no labels",
                        options->label_noise);
    if (options->samples > left)
        return tsr_fail(TSR_REFUSED,
                        "samples is %zu, expected at most the %zu training examples that there are%s",
                        options->samples, left, held ? " after holdout" : "");
    size_t product;
    if (options->spread && !tsr_checked_multiply(options->samples, left, &product))
        return tsr_fail(TSR_REFUSED, "%zu samples of %zu cannot be spread: too many", options->samples, left);
    *out = (tsr_parts){
        .train = { .data = data,
                   .split = TSR_TRAIN,
                   .n = options->samples ? options->samples : left,
                   .over = options->spread && options->samples ? left : 0,
                   .input_noise = options->input_noise,
                   .seed = options->seed },
        .holdout = { .data = data, .split = TSR_TRAIN, .first = left, .n = held },
        .test = { .data = data, .split = TSR_TEST, .n = data->info.n[TSR_TEST] },
        .epoch_size = left,
    };
    tsr_status *status = tsr_add_label_noise(&out->train, options->label_noise, options->permute_labels);
    if (!status)
        status = tsr_add_instance_noise(&out->train, options->instance_noise);
    if (status)
        tsr_parts_clear(out);
    return status;
}

void tsr_parts_clear(tsr_parts *parts)
{
    free(parts->train.noisy);
    free(parts->train.replaced);
    free(parts->mean);
    *parts = (tsr_parts){ 0 };
}

void tsr_parts_set_mean(tsr_parts *parts, float *mean)
{
    free(parts->mean);
    parts->mean = mean;
    parts->train.mean = parts->holdout.mean = parts->test.mean = mean;
}

/* Adds the examples' inputs up in their order. */
TSR_MULTIVERSION(sum_inputs, (const tsr_samples *samples, size_t size, float *inputs, double *sums),
                 (samples, size, inputs, sums))
{
    size_t index[MEAN_BLOCK];
    for (size_t first = 0; first < samples->n; first += MEAN_BLOCK) {
        size_t left = samples->n - first, n = left < MEAN_BLOCK ? left : MEAN_BLOCK;
        tsr_samples_read_true(samples, first, n, index, inputs, NULL);
        for (size_t i = 0; i < n; i++)
#pragma omp simd
            for (size_t j = 0; j < size; j++)
                sums[j] += (double)inputs[i * size + j];
    }
}

tsr_status *tsr_parts_subtract_mean(tsr_parts *parts)
{
    size_t size = tsr_shape_size(parts->train.data->info.shape), capacity;
    float *inputs =
        tsr_checked_multiply(size, MEAN_BLOCK, &capacity) ? tsr_alloc(capacity, sizeof(*inputs)) : NULL;
    double *sums = tsr_alloc(size, sizeof(*sums));
    float *mean = tsr_alloc(size, sizeof(*mean));
    bool complete = inputs && sums && mean;
    if (complete) {
        sum_inputs(&parts->train, size, inputs, sums);
        for (size_t j = 0; j < size; j++)
            mean[j] = (float)(sums[j] / (double)parts->train.n);
        tsr_parts_set_mean(parts, mean);
    } else {
        free(mean);
    }
    free(inputs);
    free(sums);
    return complete ? NULL : tsr_no_memory("the mean input");
}

TSR_MULTIVERSION(subtract_mean, (const tsr_samples *samples, size_t n, float *restrict inputs),
                 (samples, n, inputs))
{
    size_t size = tsr_shape_size(samples->data->info.shape);
    const float *restrict mean = samples->mean;
    for (size_t i = 0; i < n; i++)
#pragma omp simd
        for (size_t j = 0; j < size; j++)
            inputs[i * size + j] -= mean[j];
}

size_t tsr_samples_example(const tsr_samples *samples, size_t i)
{
    return samples->first + (samples->over ? i * samples->over / samples->n : i);
}

void tsr_samples_read(const tsr_samples *samples, size_t n, const size_t *index, size_t *scratch,
                      float *inputs, int32_t *labels)
{
    const tsr_data *data = samples->data;
    if (data->info.classes == 0)
        labels = NULL;
    if (labels && samples->noisy)
        for (size_t i = 0; i < n; i++)
            labels[i] = samples->noisy[index[i]];
    for (size_t i = 0; i < n; i++)
        scratch[i] = tsr_samples_example(samples, index[i]);
    tsr_data_read_guarded(data, samples->split, n, scratch, inputs, samples->noisy ? NULL : labels);
    if (inputs && tsr_samples_disturbed(samples))
        tsr_disturb_inputs(samples, n, scratch, inputs);
    if (inputs && samples->mean)
        subtract_mean(samples, n, inputs);
}

void tsr_samples_read_targets(const tsr_samples *samples, size_t n, const size_t *index, size_t *scratch,
                              float *targets)
{
    const tsr_data *data = samples->data;
    for (size_t i = 0; i < n; i++)
        scratch[i] = tsr_samples_example(samples, index[i]);
    tsr_call before = tsr_guard_note(tsr_instance_call(data->instance, TSR_CALL_READ));
    tsr_data_give_targets(data, samples->split, n, scratch, targets);
    tsr_guard_note(before);
}

void tsr_samples_read_true(const tsr_samples *samples, size_t first, size_t n, size_t *scratch, float *inputs,
                           int32_t *labels)
{
    const tsr_data *data = samples->data;
    for (size_t i = 0; i < n; i++)
        scratch[i] = tsr_samples_example(samples, first + i);
    tsr_data_read_guarded(data, samples->split, n, scratch, inputs, data->info.classes ? labels : NULL);
    if (inputs && samples->mean)
        subtract_mean(samples, n, inputs);
}
