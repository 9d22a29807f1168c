/* Preparing a run. */
#include "experiment/prepare.h"

#include "base/guard.h"
#include "plugin/instance.h"

#include <limits.h>

tsr_status *tsr_run_split(const tsr_run *run, bool noise, tsr_parts *out)
{
    const tsr_training_settings *training = &run->training;
    const tsr_split_options options = { .holdout = training->holdout,
                                        .samples = (size_t)training->samples,
                                        .spread = training->samples_at == TSR_SAMPLES_SPREAD,
                                        .label_noise = noise ? training->label_noise : 0,
                                        .permute_labels = training->label_noise_kind == TSR_LABELS_PERMUTED,
                                        .input_noise = noise ? training->input_noise : 0,
                                        .instance_noise = noise ? training->instance_noise : 0,
                                        .seed = run->seed };
    return tsr_parts_new(run->data, &options, out);
}

static tsr_status *missing(const tsr_run *run, const char *expected)
{
    return tsr_fail(TSR_REFUSED, "loss %s compares with %s, and dataset %s gives none",
                    tsr_instance_name(run->training_plugins.loss), expected, tsr_instance_name(run->dataset));
}

tsr_status *tsr_run_find_goal(const tsr_run *run, tsr_run_goal *out)
{
    const tsr_dataset_info *info = &run->data->info;
    const tsr_instance *loss = run->training_plugins.loss;
    const tsr_loss_ops *ops = tsr_instance_ops(loss);
    size_t n = 0;
    *out = (tsr_run_goal){ .options = { .loss = loss, .classes = info->classes } };
    tsr_target target = tsr_loss_target(loss);
    switch (target) {
    case TSR_TARGET_LABELS:
        if (info->classes == 0)
            return missing(run, "labels");
        n = (size_t)info->classes;
        break;
    case TSR_TARGET_INPUT:
        n = tsr_shape_size(info->shape);
        break;
    case TSR_TARGET_VALUES:
        if (info->target.n_dims == 0)
            return missing(run, "targets, the values that a sample should give");
        n = out->options.target_width = tsr_shape_size(info->target);
        break;
    default:
        return tsr_fail(TSR_REFUSED, "loss %s compares with %d, expected one of tsr_target",
                        tsr_instance_name(loss), (int)target);
    }
    if (ops->outputs) {
        tsr_guarded before = tsr_instance_enter(loss, TSR_CALL_OUTPUTS);
        n = ops->outputs(tsr_instance_self(loss), n);
        tsr_guard_leave(before);
    }
    if (n < 1 || n > INT_MAX)
        return tsr_fail(TSR_REFUSED, "loss %s wants %zu outputs, expected 1 to %d", tsr_instance_name(loss),
                        n, INT_MAX);
    out->outputs = (int)n;
    return NULL;
}

tsr_status *tsr_run_build(const tsr_run *run, tsr_network **out)
{
    tsr_run_goal goal;
    TSR_TRY(tsr_run_find_goal(run, &goal));
    tsr_guarded before = tsr_instance_enter(run->model, TSR_CALL_BUILD);
    tsr_status *status = tsr_network_new(run->model, run->data->info.shape, goal.outputs, run->seed, out);
    tsr_guard_leave(before);
    if (!status)
        tsr_network_set_loss(*out, &goal.options);
    return status;
}

tsr_augmentations tsr_run_augmentations(const tsr_run *run)
{
    return (tsr_augmentations){ run->training_plugins.n_augmentations, run->training_plugins.augmentations };
}

tsr_status *tsr_run_choose_code(const tsr_run *run, tsr_network *network)
{
    const tsr_code_choice choice = { .n_layers = run->codes.n_layers,
                                     .layers = (const char *const *)run->codes.layers,
                                     .by_channel = run->codes.pool == TSR_POOL_CHANNEL };
    return tsr_network_choose_code(network, &choice);
}

size_t tsr_run_epoch_size(const tsr_run *run, const tsr_parts *parts)
{
    return run->training.constant_steps ? parts->epoch_size : parts->train.n;
}
