/* A model file is more than arrays: constants of operators and the mean that is subtracted from inputs hold
   for the run that begins with it. They become values of the run's config, so that its id, its record and the
   model that it saves tell what was used. */
#include "experiment/weights.h"

#include "base/log.h"
#include "base/memory.h"
#include "experiment/model_file.h"
#include "experiment/resolved.h"
#include "nn/graph.h"

#include <string.h>

#define SUBTRACT_MEAN "subtract_mean"

/* The value that all constants of constant i's name have; false where there are several. */
static bool common_value(const tsr_graph *graph, size_t i, double *value)
{
    const char *name = graph->constants[i].spec.name;
    *value = graph->constant_values[i];
    for (size_t k = 0; k < graph->n_constants; k++)
        if (strcmp(graph->constants[k].spec.name, name) == 0 && graph->constant_values[k] != *value)
            return false;
    return true;
}

/* A key that no single value can stand at is left out: the file, whose hash is in the config, has them all.
 */
static void record_constants(tsr_run *run, const tsr_graph *graph)
{
    json_t *model = json_object_get(run->config, "model");
    for (size_t i = 0; i < graph->n_constants; i++) {
        const tsr_graph_constant *constant = &graph->constants[i];
        double value;
        if (!constant->key || constant->given)
            continue;
        if (common_value(graph, i, &value))
            json_object_set_new(model, constant->key, json_real(value));
        else
            json_object_del(model, constant->key);
    }
}

/* A mean in the file is part of the network: it holds whatever the config says. */
static void adopt_mean(tsr_run *run, const config_setting_t *root)
{
    const char *path = tsr_safetensors_path(run->weights);
    bool wanted = run->training.subtract_mean;
    if (!tsr_model_file_has_mean(run->weights)) {
        if (wanted)
            tsr_log_warning_once("%s: has no tensor input.mean; the mean of this run's training examples is "
                                 "subtracted from inputs (training.subtract_mean = true), which need not be "
                                 "what the network was trained with",
                                 path);
        return;
    }
    const config_setting_t *training = config_setting_get_member(root, "training");
    bool given = training && config_setting_get_member(training, SUBTRACT_MEAN);
    if (!wanted && given)
        tsr_log_warning_once(
            "%s: its tensor input.mean is subtracted from inputs, as the network was trained, "
            "though training.subtract_mean = false",
            path);
    else if (!wanted)
        tsr_log_info_once("%s: its tensor input.mean is subtracted from inputs, as the network was trained",
                          path);
    run->training.subtract_mean = true;
    json_object_set_new(json_object_get(run->config, "training"), SUBTRACT_MEAN, json_true());
}

tsr_status *tsr_weights_adopt(tsr_run *run, tsr_network *network, const config_setting_t *root)
{
    if (!run->weights)
        return NULL;
    TSR_TRY(tsr_model_file_check(run->weights, network, json_object_get(run->config, "model")));
    record_constants(run, tsr_network_graph(network));
    adopt_mean(run, root);
    return NULL;
}

/* Whether the first run and another have different values at a key of a group. */
static bool differs(const tsr_experiment *experiment, const char *group, const char *key)
{
    const json_t *first = json_object_get(json_object_get(experiment->runs[0].config, group), key);
    for (size_t i = 1; i < experiment->n_runs; i++) {
        const json_t *value = json_object_get(json_object_get(experiment->runs[i].config, group), key);
        if (!value || !json_equal(first, value))
            return true;
    }
    return false;
}

/* Replaces the group, which the first run's config shares, by one without the key. */
static tsr_status *leave_out(json_t *resolved, const char *group, const char *key)
{
    json_t *copy = json_copy(json_object_get(resolved, group));
    if (!copy)
        return tsr_no_memory("the config");
    json_object_del(copy, key);
    json_object_set_new(resolved, group, copy);
    return NULL;
}

tsr_status *tsr_weights_leave_out(json_t *resolved, const tsr_experiment *experiment)
{
    if (experiment->n_weights == 0)
        return NULL;
    const tsr_param *param = tsr_instance_loaded(experiment->runs[0].model)->plugin.params;
    for (; param->type != TSR_TYPE_END; param++)
        if (param->constant && differs(experiment, "model", param->key))
            TSR_TRY(leave_out(resolved, "model", param->key));
    return differs(experiment, "training", SUBTRACT_MEAN) ? leave_out(resolved, "training", SUBTRACT_MEAN)
                                                          : NULL;
}
