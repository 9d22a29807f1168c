/* A model file is more than arrays: constants of operators and the mean that is subtracted from inputs hold
   for the run that begins with it. They become values of the run's config, so that its id, its record and the
   model that it saves tell what was used. */
#include "experiment/weights.h"

#include "base/log.h"
#include "base/memory.h"
#include "config/compare.h"
#include "experiment/model_file.h"
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
static tsr_status *record_constants(tsr_run *run, const tsr_graph *graph)
{
    tsr_value *model = tsr_value_own(run->config, "model");
    for (size_t i = 0; i < graph->n_constants; i++) {
        const tsr_graph_constant *constant = &graph->constants[i];
        double value;
        if (!constant->key || constant->given)
            continue;
        if (common_value(graph, i, &value))
            TSR_TRY(tsr_value_put(model, constant->key, tsr_value_real(value)));
        else
            tsr_value_remove(model, constant->key);
    }
    return NULL;
}

/* A mean in the file is part of the network: it holds whatever the config says. */
static tsr_status *adopt_mean(tsr_run *run, const tsr_value *root)
{
    const char *path = tsr_safetensors_path(run->weights);
    bool wanted = run->training.subtract_mean;
    if (!tsr_model_file_has_mean(run->weights)) {
        if (wanted)
            tsr_log_warning_once("%s: has no tensor input.mean; the mean of this run's training examples is "
                                 "subtracted from inputs (training.subtract_mean = true), which need not be "
                                 "what the network was trained with",
                                 path);
        return NULL;
    }
    bool given = tsr_value_member(tsr_value_member(root, "training"), SUBTRACT_MEAN);
    if (!wanted && given)
        tsr_log_warning_once(
            "%s: its tensor input.mean is subtracted from inputs, as the network was trained, "
            "though training.subtract_mean = false",
            path);
    else if (!wanted)
        tsr_log_info_once("%s: its tensor input.mean is subtracted from inputs, as the network was trained",
                          path);
    run->training.subtract_mean = true;
    return tsr_value_put(tsr_value_own(run->config, "training"), SUBTRACT_MEAN, tsr_value_bool(true));
}

tsr_status *tsr_weights_adopt(tsr_run *run, tsr_network *network, const tsr_value *root)
{
    if (!run->weights)
        return NULL;
    TSR_TRY(tsr_model_file_check(run->weights, network, tsr_value_member(run->config, "model")));
    TSR_TRY(record_constants(run, tsr_network_graph(network)));
    return adopt_mean(run, root);
}

/* Removes a key of a group where not all runs have the first one's value. */
static void leave_out(tsr_value *resolved, const tsr_experiment *experiment, const char *group,
                      const char *key)
{
    const tsr_value *first = tsr_value_member(tsr_value_member(experiment->runs[0].config, group), key);
    for (size_t i = 1; i < experiment->n_runs; i++) {
        const tsr_value *value = tsr_value_member(tsr_value_member(experiment->runs[i].config, group), key);
        if (!tsr_values_equal(first, value)) {
            tsr_value_remove(tsr_value_own(resolved, group), key);
            return;
        }
    }
}

void tsr_weights_leave_out(tsr_value *resolved, const tsr_experiment *experiment)
{
    if (experiment->n_weights == 0)
        return;
    const tsr_key *key = tsr_instance_loaded(experiment->runs[0].model)->plugin.keys;
    for (; key->type != TSR_TYPE_END; key++)
        if (key->constant)
            leave_out(resolved, experiment, "model", key->name);
    leave_out(resolved, experiment, "training", SUBTRACT_MEAN);
}
