/* Reading one run from its config. */
#include "experiment/spec.h"

#include "base/memory.h"
#include "config/compare.h"
#include "experiment/identity.h"
#include "experiment/plugins.h"
#include "experiment/validate.h"
#include "plugin/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tsr_run_clear(tsr_run *run)
{
    if (run->first) {
        if (!run->shares_swept)
            tsr_value_free(run->swept);
        *run = (tsr_run){ 0 };
        return;
    }
    tsr_training_settings_clear(&run->training);
    tsr_codes_settings_clear(&run->codes);
    for (size_t i = 0; i < run->n_regularizers; i++)
        tsr_instance_free(run->regularizers[i]);
    for (size_t i = 0; i < run->n_probes; i++)
        tsr_instance_free(run->probes[i]);
    free(run->regularizers);
    free(run->probes);
    tsr_training_plugins_clear(&run->training_plugins);
    tsr_instance_free(run->model);
    tsr_instance_free(run->dataset);
    tsr_value_free(run->swept);
    tsr_value_free(run->config);
    *run = (tsr_run){ 0 };
}

/* The plugin at `key`, which must be there. */
static tsr_status *read_plugin(const tsr_settings *settings, tsr_kind kind, const tsr_value *root,
                               const char *key, tsr_instance **out, tsr_value *resolved)
{
    const tsr_value *group = tsr_value_member(root, key);
    if (!group)
        return tsr_value_fail(root, "'%s' is missing: expected %s = { plugin = \"NAME\"; ... };", key, key);
    tsr_value *said;
    TSR_TRY(tsr_settings_plugin(settings, kind, group, key, NULL, out, &said));
    return tsr_value_put(resolved, key, said);
}

/* Opens the run's dataset, or takes the one that an equal group has opened. */
static tsr_status *open_data(tsr_experiment *experiment, tsr_run *run, const tsr_value *root)
{
    const tsr_value *wanted = tsr_value_member(run->config, "dataset");
    for (tsr_run *other = experiment->runs; other < run; other++)
        if (other->data && tsr_values_equal(tsr_value_member(other->config, "dataset"), wanted)) {
            run->data = other->data;
            return NULL;
        }
    tsr_data **data = realloc(experiment->data, (experiment->n_data + 1) * sizeof(*data));
    if (!data)
        return tsr_no_memory("datasets");
    experiment->data = data;
    tsr_status *status = tsr_data_open(run->dataset, &data[experiment->n_data]);
    if (status) {
        status = tsr_context(status, "dataset %s", tsr_instance_name(run->dataset));
        return tsr_value_context(tsr_value_member(root, "dataset"), status);
    }
    run->data = data[experiment->n_data++];
    return NULL;
}

/* Reads the weights that the model begins with, or takes those of a run that names the same file. */
static tsr_status *open_weights(tsr_experiment *experiment, tsr_run *run)
{
    const tsr_model_common *common = tsr_instance_common(run->model);
    if (!common->weights[0])
        return NULL;
    for (size_t i = 0; i < experiment->n_weights && !run->weights; i++)
        if (strcmp(tsr_safetensors_path(experiment->weights[i]), common->weights) == 0)
            run->weights = experiment->weights[i];
    if (!run->weights) {
        size_t n = experiment->n_weights;
        tsr_safetensors **weights = realloc(experiment->weights, (n + 1) * sizeof(*weights));
        if (!weights)
            return tsr_no_memory("weights");
        experiment->weights = weights;
        TSR_TRY(tsr_safetensors_read(common->weights, &weights[n]));
        experiment->n_weights = n + 1;
        run->weights = weights[n];
    }
    return tsr_value_put(run->config, "weights_hash", tsr_value_string(tsr_safetensors_hash(run->weights)));
}

tsr_status *tsr_run_read(tsr_experiment *experiment, const tsr_value *root, tsr_run *run)
{
    const tsr_origin *origin = tsr_value_origin(root);
    tsr_settings settings = { .registry = experiment->registry, .folder = origin->folder };
    tsr_value *said = run->config = tsr_value_group();
    if (!said)
        return tsr_no_memory("a run");
    TSR_TRY(tsr_value_put(said, "seed", tsr_value_int((int64_t)run->seed)));
    TSR_TRY(read_plugin(&settings, TSR_DATASET, root, "dataset", &run->dataset, said));
    TSR_TRY(read_plugin(&settings, TSR_MODEL, root, "model", &run->model, said));
    TSR_TRY(tsr_plugins_read(&settings, TSR_REGULARIZER, root, "regularizers", &run->regularizers,
                             &run->n_regularizers, said));
    TSR_TRY(tsr_training_settings_read(&settings, root, &run->training, &run->training_plugins, said));
    TSR_TRY(tsr_codes_settings_read(&settings, root, &run->codes, said));
    TSR_TRY(tsr_plugins_read(&settings, TSR_PROBE, root, "probes", &run->probes, &run->n_probes, said));
    TSR_TRY(tsr_output_settings_read(&settings, root, &run->output, said));
    const tsr_value *model = tsr_value_member(root, "model"), *weights = tsr_value_member(model, "weights");
    TSR_TRY(tsr_value_context(weights ? weights : model, open_weights(experiment, run)));
    TSR_TRY(open_data(experiment, run, root));
    TSR_TRY(tsr_run_validate(run, root));
    return tsr_identity_of(run->config, run->id);
}

/* The values that the sweep gives it: a seed that is swept is the first replicate's. */
static tsr_status *repeat_swept(const tsr_run *first, tsr_run *run)
{
    run->swept = first->swept;
    run->shares_swept = !tsr_value_member(first->swept, "seed");
    if (run->shares_swept)
        return NULL;
    if (!(run->swept = tsr_value_copy(first->swept)))
        return tsr_no_memory("the sweep");
    return tsr_value_put(run->swept, "seed", tsr_value_int((int64_t)run->seed));
}

tsr_status *tsr_run_repeat(const tsr_run *first, const char *rest, tsr_run *run)
{
    const tsr_run own = *run;
    *run = *first;
    run->first = first;
    run->replicate = own.replicate;
    run->seed = own.seed;
    TSR_TRY(repeat_swept(first, run));
    return tsr_identity_of_seed(rest, run->seed, run->id);
}

tsr_value *tsr_run_config(const tsr_run *run)
{
    tsr_value *config = tsr_value_copy(run->config);
    tsr_status *status =
        config ? tsr_value_put(config, "seed", tsr_value_int((int64_t)run->seed)) : tsr_no_memory("a config");
    if (!status)
        return config;
    tsr_status_free(status);
    tsr_value_free(config);
    return NULL;
}
