/* Preparing a run. */
#include "experiment/prepare.h"

#include "base/guard.h"
#include "plugin/instance.h"

tsr_status *tsr_run_split(const tsr_run *run, bool noise, tsr_parts *out)
{
    const tsr_training_settings *training = &run->training;
    const tsr_split_options options = { .holdout = training->holdout,
                                        .samples = (size_t)training->samples,
                                        .label_noise = noise ? training->label_noise : 0,
                                        .input_noise = noise ? training->input_noise : 0,
                                        .seed = run->seed };
    return tsr_parts_new(run->data, &options, out);
}

tsr_status *tsr_run_build(const tsr_run *run, tsr_network **out)
{
    const tsr_dataset_info *info = &run->data->info;
    tsr_guarded before = tsr_instance_enter(run->model, TSR_CALL_BUILD);
    tsr_status *status = tsr_network_new(run->model, info->shape, info->classes, run->seed, out);
    tsr_guard_leave(before);
    return status;
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
