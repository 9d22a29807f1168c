/* From a config to runs. Each point of the sweep is the file read anew with the point's values put in, so
   that a swept key is treated exactly as a written one, a plugin's name included. */
#include "experiment/experiment.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/config.h"
#include "experiment/identity.h"
#include "experiment/resolved.h"
#include "experiment/weights.h"
#include "nn/network.h"
#include "plugin/kinds.h"
#include "plugin/params.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/executor.h>
#include <tessera/optimizer.h>
#include <tessera/probe.h>

#define MOST_RUNS 1000000
#define MOST_EPOCHS 1000000
#define LONGEST_LABEL 64 /* of a probe */

/* The file's own keys. */
typedef struct general_settings {
    const char *name;
    int64_t seed, replicates;
    bool allow_unsafe_plugins;
} general_settings;

static const tsr_param general_params[] = {
    TSR_PARAM_STRING(general_settings, name, "", "names the results folder; empty: the config file's name"),
    TSR_PARAM_INT(general_settings, seed, 1, 0, INT64_MAX - MOST_RUNS,
                  "of all randomness; replicate r has seed + r"),
    TSR_PARAM_INT(general_settings, replicates, 1, 1, MOST_RUNS,
                  "runs per point, with seeds seed, seed + 1 ..."),
    TSR_PARAM_BOOL(general_settings, allow_unsafe_plugins, false,
                   "load plugins too that others than the user and root may write"),
    TSR_PARAM_END
};
static const char *const general_others[] = { "plugin_path", "dataset", "model",  "regularizers",
                                              "training",    "codes",   "probes", "sweep",
                                              "executor",    "output",  "report", NULL };

static const tsr_param training_params[] = {
    TSR_PARAM_INT(tsr_training_settings, epochs, 200, 0, MOST_EPOCHS, "passes over the training examples",
                  .unit = "epochs"),
    TSR_PARAM_INT(tsr_training_settings, batch, 64, 1, 1 << 20, "examples per step", .unit = "examples"),
    TSR_PARAM_REAL(tsr_training_settings, holdout, 0.0, 0.0, 0.999,
                   "fraction of the training part, from its end, that does not train"),
    TSR_PARAM_INT(tsr_training_settings, samples, 0, 0, INT64_MAX,
                  "the first so many training examples train; 0: all", .unit = "examples"),
    TSR_PARAM_BOOL(tsr_training_settings, constant_steps, true,
                   "with samples: repeat them, so that an epoch keeps its number of steps"),
    TSR_PARAM_REAL(tsr_training_settings, label_noise, 0.0, 0.0, 1.0,
                   "fraction of the training labels drawn anew, uniformly over the classes"),
    TSR_PARAM_REAL(tsr_training_settings, input_noise, 0.0, 0.0, 1e6,
                   "standard deviation of Gaussian noise on the training inputs, fixed per example"),
    TSR_PARAM_BOOL(
        tsr_training_settings, subtract_mean, false,
        "subtract the mean input of the training examples from every input; with model.weights, the "
        "mean that their file has, whatever this says"),
    TSR_PARAM_INT(tsr_training_settings, early_stop, 0, 0, MOST_EPOCHS,
                  "stop when the training loss has not improved for so long; 0: never", .unit = "epochs"),
    TSR_PARAM_INT_LIST(tsr_training_settings, snapshots, NULL, 0, 0, MOST_EPOCHS,
                       "probe after these epochs too (0: untrained); the last is always probed",
                       .unit = "epochs"),
    TSR_PARAM_END
};
static const char *const training_others[] = { "optimizer", "schedule", "augment", NULL };

static const tsr_param augment_params[] = {
    TSR_PARAM_REAL(tsr_augment_options, rotate, 0.0, 0.0, 180.0,
                   "turn training images by up to so much, either way", .unit = "degrees"),
    TSR_PARAM_REAL(tsr_augment_options, shift, 0.0, 0.0, 1.0,
                   "shift training images by up to this fraction of their sides, either way"),
    TSR_PARAM_BOOL(tsr_augment_options, flip, false, "mirror every other training image left to right"),
    TSR_PARAM_END
};

static const char *const schedules[] = { "constant", "step", "cosine", NULL };
static const tsr_param schedule_params[] = {
    TSR_PARAM_ENUM(tsr_schedule, kind, "constant", schedules, "how the learning rate changes with the epoch"),
    TSR_PARAM_INT(tsr_schedule, every, 20, 1, MOST_EPOCHS, "step: multiply after each so many",
                  .unit = "epochs"),
    TSR_PARAM_REAL(tsr_schedule, factor, 0.1, 0.0, 1.0, "step: multiply by this"),
    TSR_PARAM_REAL(tsr_schedule, minimum, 0.0, 0.0, 1.0, "cosine: the fraction that the last epoch has"),
    TSR_PARAM_END
};

static const char *const pools[] = { "none", "channel", NULL };
static const tsr_param codes_params[] = {
    TSR_PARAM_ENUM(
        tsr_codes_settings, pool, "none", pools,
        "none: a bit per unit; channel: a bit per channel, of its pre-activations' sum over positions"),
    TSR_PARAM_REAL(tsr_codes_settings, memory, 2.0, 0.0, 1e6,
                   "codes beyond so much are kept in a file in the results folder", .unit = "GB"),
    TSR_PARAM_END
};
static const char *const codes_others[] = { "layers", NULL };

static const tsr_param output_params[] = {
    TSR_PARAM_BOOL(tsr_output_settings, save_model, false, "write model.safetensors"),
    TSR_PARAM_BOOL(tsr_output_settings, save_codes, false, "write codes/*.npy of the last snapshot"),
    TSR_PARAM_END
};

static const tsr_param report_params[] = {
    TSR_PARAM_REAL(tsr_report_settings, under_expressive, 0.5, 0.0, 1.0,
                   "phase chart: a redundancy above this is under-expressive"),
    TSR_PARAM_REAL(tsr_report_settings, sufficiently_expressive, 0.01, 0.0, 1.0,
                   "phase chart: redundancies below this, and accuracies near the best, are sufficient"),
    TSR_PARAM_REAL(tsr_report_settings, accuracy_within, 0.05, 0.0, 1.0,
                   "phase chart: how near the best of the chart an accuracy must be to be sufficient"),
    TSR_PARAM_END
};

const char *tsr_probe_label(const tsr_instance *probe)
{
    const tsr_probe_common *common = tsr_instance_common(probe);
    return common->label[0] ? common->label : tsr_instance_name(probe);
}

static void run_clear(tsr_run *run)
{
    tsr_settings_clear(training_params, &run->training);
    for (size_t i = 0; i < run->codes.n_layers; i++)
        free(run->codes.layers[i]);
    free(run->codes.layers);
    for (size_t i = 0; i < run->n_regularizers; i++)
        tsr_instance_free(run->regularizers[i]);
    for (size_t i = 0; i < run->n_probes; i++)
        tsr_instance_free(run->probes[i]);
    free(run->regularizers);
    free(run->probes);
    tsr_instance_free(run->optimizer);
    tsr_instance_free(run->model);
    tsr_instance_free(run->dataset);
    json_decref(run->swept);
    json_decref(run->config);
    *run = (tsr_run){ 0 };
}

/* A member that must be of one of libconfig's shapes, or is missing: *out is NULL. */
typedef enum shape { GROUP, LIST } shape;

static tsr_status *member_of(const config_setting_t *group, const char *key, shape wanted,
                             config_setting_t **out)
{
    *out = group ? config_setting_get_member(group, key) : NULL;
    if (!*out)
        return NULL;
    if (wanted == GROUP && config_setting_type(*out) != CONFIG_TYPE_GROUP)
        return tsr_setting_fail(*out, "%s: expected a group, %s = { ... };", key, key);
    /* libconfig reads ( ) as a list and [ ] as an array, which may hold plugins' names. */
    if (wanted == LIST && !config_setting_is_list(*out) && !config_setting_is_array(*out))
        return tsr_setting_fail(*out, "%s: expected a list of groups, %s = ( { ... }, { ... } );", key, key);
    return NULL;
}

/* The group of a plugin, in either form: { plugin = "x"; } or "x". */
static tsr_status *one_plugin(const tsr_settings *settings, tsr_kind kind, const config_setting_t *parent,
                              const char *key, const char *default_name, tsr_instance **out, json_t *resolved)
{
    const config_setting_t *group = parent ? config_setting_get_member(parent, key) : NULL;
    if (!group && !default_name) {
        return tsr_setting_fail(parent, "'%s' is missing: expected %s = { plugin = \"NAME\"; ... };", key,
                                key);
    }
    json_t *object = NULL;
    TSR_TRY(tsr_instance_new(settings, kind, group, key, default_name, out, &object));
    json_object_set_new(resolved, key, object);
    return NULL;
}

static tsr_status *plugin_list(const tsr_settings *settings, tsr_kind kind, const config_setting_t *root,
                               const char *key, tsr_instance ***out, size_t *n, json_t *resolved)
{
    config_setting_t *list;
    TSR_TRY(member_of(root, key, LIST, &list));
    int length = list ? config_setting_length(list) : 0;
    json_t *array = json_array();
    json_object_set_new(resolved, key, array);
    *out = tsr_alloc((size_t)length, sizeof(**out));
    if (!*out || !array)
        return tsr_no_memory(key);
    for (int i = 0; i < length; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.%d", key, i);
        json_t *object = NULL;
        TSR_TRY(tsr_instance_new(settings, kind, config_setting_get_elem(list, (unsigned)i), name, NULL,
                                 &(*out)[i], &object));
        json_array_append_new(array, object);
        *n = (size_t)i + 1;
    }
    return NULL;
}

tsr_status *tsr_report_settings_read(const config_setting_t *root, tsr_report_settings *out, json_t *resolved)
{
    config_setting_t *group;
    TSR_TRY(member_of(root, "report", GROUP, &group));
    TSR_TRY(tsr_settings_read(&(tsr_settings){ 0 }, report_params, group, "report", NULL, out, resolved));
    if (out->sufficiently_expressive > out->under_expressive)
        return tsr_setting_fail(group,
                                "report.sufficiently_expressive = %g: expected at most "
                                "report.under_expressive = %g",
                                out->sufficiently_expressive, out->under_expressive);
    return NULL;
}

/* Whether the command line or a sweep sets a key of the group. */
static bool is_overridden(const config_setting_t *group, const char *key)
{
    const config_setting_t *setting = group ? config_setting_get_member(group, key) : NULL;
    return setting && config_setting_get_hook(setting);
}

/* Snapshots after the last epoch are a mistake where both are written together. Where the command line or a
   sweep shortens the training that a file has, those that are left are taken. */
static tsr_status *check_snapshots(const config_setting_t *group, tsr_training_settings *training,
                                   json_t *resolved)
{
    tsr_int_list *snapshots = &training->snapshots;
    int64_t *values = (int64_t *)(uintptr_t)snapshots->values;
    bool shortened = is_overridden(group, "epochs") && !is_overridden(group, "snapshots");
    json_t *kept = json_array();
    size_t n = 0;
    for (size_t i = 0; i < snapshots->n; i++) {
        if (values[i] <= training->epochs) {
            values[n++] = values[i];
            json_array_append_new(kept, json_integer(values[i]));
        } else if (!shortened) {
            json_decref(kept);
            return tsr_setting_fail(config_setting_get_member(group, "snapshots"),
                                    "training.snapshots: epoch %lld is after the last one: expected at most "
                                    "training.epochs = %lld",
                                    (long long)values[i], (long long)training->epochs);
        }
    }
    if (n < snapshots->n)
        tsr_log_info_once(
            "training.snapshots: those after the last epoch, training.epochs = %lld, are left out",
            (long long)training->epochs);
    snapshots->n = n;
    json_object_set_new(resolved, "snapshots", kept);
    return NULL;
}

static tsr_status *read_training(const tsr_settings *settings, const config_setting_t *root, tsr_run *run,
                                 json_t *resolved)
{
    config_setting_t *group, *schedule, *augment;
    TSR_TRY(member_of(root, "training", GROUP, &group));
    json_t *object = json_object();
    json_object_set_new(resolved, "training", object);
    TSR_TRY(tsr_settings_read(settings, training_params, group, "training", training_others, &run->training,
                              object));
    TSR_TRY(one_plugin(settings, TSR_OPTIMIZER, group, "optimizer", TSR_DEFAULT_OPTIMIZER, &run->optimizer,
                       object));
    TSR_TRY(member_of(group, "schedule", GROUP, &schedule));
    json_t *inner = json_object();
    json_object_set_new(object, "schedule", inner);
    TSR_TRY(tsr_settings_read(settings, schedule_params, schedule, "training.schedule", NULL,
                              &run->training.schedule, inner));
    TSR_TRY(member_of(group, "augment", GROUP, &augment));
    json_t *changes = json_object();
    json_object_set_new(object, "augment", changes);
    TSR_TRY(tsr_settings_read(settings, augment_params, augment, "training.augment", NULL,
                              &run->training.augment, changes));
    return check_snapshots(group, &run->training, object);
}

static tsr_status *read_layers(const config_setting_t *list, tsr_codes_settings *codes, json_t *resolved)
{
    if (!list)
        return NULL;
    bool listed = config_setting_is_list(list) || config_setting_is_array(list);
    size_t n = listed ? (size_t)config_setting_length(list) : 0;
    if (!listed)
        return tsr_setting_fail(list, "codes.layers: expected a list of layers' names, [ \"activation.0\" ]");
    codes->layers = tsr_alloc(n, sizeof(*codes->layers));
    for (size_t i = 0; codes->layers && i < n; i++) {
        const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
        const char *name = config_setting_get_string(element);
        if (!name)
            return tsr_setting_fail(element, "codes.layers.%zu: expected a layer's name, \"activation.0\"",
                                    i);
        if (!(codes->layers[i] = strdup(name)))
            break;
        codes->n_layers = i + 1;
        json_array_append_new(resolved, json_string(name));
    }
    return codes->n_layers == n && codes->layers ? NULL : tsr_no_memory("codes.layers");
}

static tsr_status *read_codes(const tsr_settings *settings, const config_setting_t *root, tsr_run *run,
                              json_t *resolved)
{
    config_setting_t *group;
    TSR_TRY(member_of(root, "codes", GROUP, &group));
    json_t *object = json_object(), *layers = json_array();
    json_object_set_new(resolved, "codes", object);
    json_object_set_new(object, "layers", layers);
    TSR_TRY(tsr_settings_read(settings, codes_params, group, "codes", codes_others, &run->codes, object));
    return read_layers(group ? config_setting_get_member(group, "layers") : NULL, &run->codes, layers);
}

tsr_code_choice tsr_run_code_choice(const tsr_run *run)
{
    return (tsr_code_choice){ .n_layers = run->codes.n_layers,
                              .layers = (const char *const *)run->codes.layers,
                              .by_channel = run->codes.pool == TSR_POOL_CHANNEL };
}

/* Opens the run's dataset, or takes the one that an equal group has opened. */
static tsr_status *open_data(tsr_experiment *experiment, tsr_run *run, const config_setting_t *root)
{
    const json_t *wanted = json_object_get(run->config, "dataset");
    for (tsr_run *other = experiment->runs; other < run; other++)
        if (other->data && json_equal(json_object_get(other->config, "dataset"), wanted)) {
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
        return tsr_setting_context(config_setting_get_member(root, "dataset"), status);
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
    json_object_set_new(run->config, "weights_hash", json_string(tsr_safetensors_hash(run->weights)));
    return NULL;
}

/* Whether the codes can be taken of the layers that are asked for. */
static tsr_status *check_codes(const tsr_run *run, tsr_network *network, const config_setting_t *root)
{
    const config_setting_t *group = config_setting_get_member(root, "codes"),
                           *layers = group ? config_setting_get_member(group, "layers") : NULL;
    tsr_code_choice choice = tsr_run_code_choice(run);
    return tsr_setting_context(layers,
                               tsr_context(tsr_network_choose_code(network, &choice), "codes.layers"));
}

static tsr_status *no_such_layer(const tsr_network *network, size_t probe, int64_t layer)
{
    tsr_text names = { 0 };
    size_t n = tsr_network_n_code_sources(network);
    for (size_t i = 0; i < n; i++)
        tsr_text_add(&names, "%s%zu %s", i ? ", " : "", i, tsr_network_code_source(network, i)->name);
    tsr_status *status =
        tsr_fail(TSR_REFUSED, "probes.%zu.layers: there is no layer %lld: expected some of %s", probe,
                 (long long)layer, names.chars ? names.chars : "none");
    free(names.chars);
    return status;
}

/* Whether the network has the layers that probes want to see, each named once. */
static tsr_status *check_layers(const tsr_run *run, const tsr_network *network, const config_setting_t *root)
{
    const config_setting_t *probes = config_setting_get_member(root, "probes");
    for (size_t i = 0; i < run->n_probes; i++) {
        const tsr_probe_common *common = tsr_instance_common(run->probes[i]);
        const config_setting_t *probe = config_setting_get_elem(probes, (unsigned)i),
                               *place = config_setting_get_member(probe, "layers");
        for (size_t j = 0; j < common->layers.n; j++) {
            int64_t layer = common->layers.values[j];
            if ((uint64_t)layer >= tsr_network_n_code_sources(network))
                return tsr_setting_context(place, no_such_layer(network, i, layer));
            for (size_t k = 0; k < j; k++)
                if (common->layers.values[k] == layer)
                    return tsr_setting_fail(place,
                                            "probes.%zu.layers: layer %lld is named twice: expected once", i,
                                            (long long)layer);
        }
    }
    return NULL;
}

/* Whether the model can be built for the data, begin with the weights that it is given, and give the codes.
 */
static tsr_status *check_model(tsr_run *run, const config_setting_t *root)
{
    const config_setting_t *model = config_setting_get_member(root, "model");
    const tsr_dataset_info *info = &run->data->info;
    const config_setting_t *weights = config_setting_get_member(model, "weights");
    tsr_network *network;
    tsr_guarded before = tsr_instance_enter(run->model, "build");
    tsr_status *built = tsr_network_new(run->model, info->shape, info->classes, run->seed, &network);
    tsr_guard_leave(before);
    TSR_TRY(tsr_setting_context(model, built));
    run->size.parameters = tsr_network_parameters(network);
    tsr_status *status =
        tsr_setting_context(weights ? weights : model, tsr_weights_adopt(run, network, root));
    if (!status)
        status = check_codes(run, network, root);
    if (!status)
        status = check_layers(run, network, root);
    tsr_network_free(network);
    return status;
}

/* A label names a folder and begins the names of columns. */
static tsr_status *check_label(const char *label, const config_setting_t *probe)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(label);
    if (length <= LONGEST_LABEL && strspn(label, allowed) == length)
        return NULL;
    return tsr_setting_fail(config_setting_get_member(probe, "label"),
                            "label = \"%s\": expected at most %d letters, digits, '_' and '-'",
                            tsr_line_shown(label), LONGEST_LABEL);
}

/* What would fail later for sizes alone fails here: the split, the network's shapes, a probe's demands. */
static tsr_status *check_sizes(tsr_run *run, const config_setting_t *root)
{
    const tsr_training_settings *training = &run->training;
    const config_setting_t *group = config_setting_get_member(root, "training");
    tsr_parts parts;
    if (tsr_augments(&training->augment))
        TSR_TRY(
            tsr_setting_context(config_setting_get_member(group, "augment"),
                                tsr_context(tsr_augment_check(run->data->info.shape), "training.augment")));
    TSR_TRY(tsr_setting_context(
        group ? group : root,
        tsr_context(tsr_parts_new(run->data,
                                  &(tsr_split_options){ .holdout = training->holdout,
                                                        .samples = (size_t)training->samples },
                                  &parts),
                    "training")));
    tsr_probe_sizes sizes = { .n_train = parts.train.n,
                              .n_test = parts.test.n,
                              .classes = run->data->info.classes,
                              .shape = run->data->info.shape };
    run->size = (tsr_run_size){ .epoch_examples = training->constant_steps ? parts.epoch_size : parts.train.n,
                                .probed_examples = parts.train.n + parts.test.n };
    tsr_parts_clear(&parts);
    TSR_TRY(check_model(run, root));
    const config_setting_t *probes = config_setting_get_member(root, "probes");
    for (size_t i = 0; i < run->n_probes; i++) {
        const tsr_probe_ops *ops = tsr_instance_ops(run->probes[i]);
        const config_setting_t *place = config_setting_get_elem(probes, (unsigned)i);
        const tsr_probe_common *common = tsr_instance_common(run->probes[i]);
        TSR_TRY(check_label(common->label, place));
        sizes.projection = (size_t)common->projection;
        tsr_guarded before = tsr_instance_enter(run->probes[i], "check");
        tsr_status *status = ops->check ? ops->check(tsr_instance_self(run->probes[i]), &sizes) : NULL;
        tsr_guard_leave(before);
        if (status)
            return tsr_setting_context(place,
                                       tsr_context(status, "probe %s", tsr_probe_label(run->probes[i])));
        for (size_t j = 0; j < i; j++)
            if (strcmp(tsr_probe_label(run->probes[i]), tsr_probe_label(run->probes[j])) == 0)
                return tsr_setting_fail(
                    place, "two probes are called %s: expected a label = \"...\" of its own for one",
                    tsr_probe_label(run->probes[i]));
    }
    return NULL;
}

/* Fills a run from a config that has the point's values in it. */
static tsr_status *read_run(tsr_experiment *experiment, const tsr_config *config, tsr_run *run)
{
    const config_setting_t *root = config_root_setting(&config->tree);
    tsr_settings settings = { .registry = experiment->registry, .folder = config->folder };
    run->config = json_object();
    if (!run->config)
        return tsr_no_memory("a run");
    json_object_set_new(run->config, "seed", json_integer((json_int_t)run->seed));
    TSR_TRY(one_plugin(&settings, TSR_DATASET, root, "dataset", NULL, &run->dataset, run->config));
    TSR_TRY(one_plugin(&settings, TSR_MODEL, root, "model", NULL, &run->model, run->config));
    TSR_TRY(plugin_list(&settings, TSR_REGULARIZER, root, "regularizers", &run->regularizers,
                        &run->n_regularizers, run->config));
    TSR_TRY(read_training(&settings, root, run, run->config));
    TSR_TRY(read_codes(&settings, root, run, run->config));
    TSR_TRY(plugin_list(&settings, TSR_PROBE, root, "probes", &run->probes, &run->n_probes, run->config));
    config_setting_t *output;
    TSR_TRY(member_of(root, "output", GROUP, &output));
    json_t *object = json_object();
    json_object_set_new(run->config, "output", object);
    TSR_TRY(tsr_settings_read(&settings, output_params, output, "output", NULL, &run->output, object));
    const config_setting_t *model = config_setting_get_member(root, "model"),
                           *weights = config_setting_get_member(model, "weights");
    TSR_TRY(tsr_setting_context(weights ? weights : model, open_weights(experiment, run)));
    TSR_TRY(open_data(experiment, run, root));
    TSR_TRY(check_sizes(run, root));
    return tsr_identity_of(run->config, run->id);
}

/* The sweep: one entry per key, each with its values as written. */
typedef struct axis {
    const char *key;
    const config_setting_t *values;
} axis;

static const char *const unswept[] = { "name",  "replicates", "plugin_path", "allow_unsafe_plugins",
                                       "sweep", "executor",   "output",      "report",
                                       NULL };

static tsr_status *read_axis(const config_setting_t *entry, axis *out)
{
    if (!config_setting_is_group(entry))
        return tsr_setting_fail(entry, "sweep: expected { key = \"model.width\"; values = [ ... ]; }");
    for (int i = 0; i < config_setting_length(entry); i++) {
        const config_setting_t *member = config_setting_get_elem(entry, (unsigned)i);
        const char *name = config_setting_name(member);
        if (strcmp(name, "key") != 0 && strcmp(name, "values") != 0)
            return tsr_setting_fail(member, "unknown key '%s' in sweep, expected 'key' and 'values'", name);
    }
    const config_setting_t *key = config_setting_get_member(entry, "key");
    out->values = config_setting_get_member(entry, "values");
    if (!key || config_setting_type(key) != CONFIG_TYPE_STRING)
        return tsr_setting_fail(key ? key : entry, "sweep: expected key = \"...\", such as \"model.width\"");
    if (!out->values || config_setting_is_group(out->values) || !config_setting_is_aggregate(out->values) ||
        config_setting_length(out->values) == 0)
        return tsr_setting_fail(out->values ? out->values : entry,
                                "sweep: expected values = [ ... ] or ( ... ) with at least one value");
    out->key = config_setting_get_string(key);
    size_t first = strcspn(out->key, ".");
    for (const char *const *word = unswept; *word; word++)
        if (strlen(*word) == first && strncmp(out->key, *word, first) == 0)
            return tsr_setting_fail(key, "sweep: '%s' does not change what a run does, expected another key",
                                    out->key);
    return NULL;
}

static tsr_status *read_axes(const config_setting_t *root, int64_t replicates, axis **out, size_t *n,
                             size_t *points)
{
    config_setting_t *list;
    TSR_TRY(member_of(root, "sweep", LIST, &list));
    *n = list ? (size_t)config_setting_length(list) : 0;
    *points = 1;
    *out = tsr_alloc(*n, sizeof(**out));
    if (!*out)
        return tsr_no_memory("the sweep");
    for (size_t i = 0; i < *n; i++) {
        const config_setting_t *entry = config_setting_get_elem(list, (unsigned)i);
        TSR_TRY(read_axis(entry, &(*out)[i]));
        for (size_t j = 0; j < i; j++)
            if (strcmp((*out)[i].key, (*out)[j].key) == 0)
                return tsr_setting_fail(entry, "sweep: '%s' is swept twice, expected once", (*out)[i].key);
        *points *= (size_t)config_setting_length((*out)[i].values);
        if (*points > MOST_RUNS || *points * (size_t)replicates > MOST_RUNS)
            return tsr_setting_fail(list, "the experiment has more runs than expected at most, %d",
                                    MOST_RUNS);
    }
    return NULL;
}

/* Where a value stands, for messages about what it does: "FILE:LINE (sweep of KEY)". */
static char *origin_of(const tsr_config *config, const config_setting_t *value, const char *key)
{
    const char *hook = config_setting_get_hook(value), *file = config_setting_source_file(value);
    if (hook)
        return tsr_format("%s (sweep of %s)", hook, key);
    return tsr_format("%s:%u (sweep of %s)", file ? file : config->path,
                      (unsigned)config_setting_source_line(value), key);
}

/* The value that key i has at point `number` of the product, in which the last key changes fastest. */
static const config_setting_t *axis_value(const axis *axes, size_t n, size_t number, size_t i)
{
    for (size_t j = i + 1; j < n; j++)
        number /= (size_t)config_setting_length(axes[j].values);
    return config_setting_get_elem(axes[i].values,
                                   (unsigned)(number % (size_t)config_setting_length(axes[i].values)));
}

/* Point `number` put into `config`. */
static tsr_status *set_point(tsr_config *config, const axis *axes, size_t n, size_t number)
{
    for (size_t i = 0; i < n; i++) {
        const config_setting_t *value = axis_value(axes, n, number, i);
        char *origin = origin_of(config, value, axes[i].key);
        if (!origin)
            return tsr_no_memory("the sweep");
        tsr_status *status = tsr_config_set(config, axes[i].key, value, origin);
        free(origin);
        TSR_TRY(status);
    }
    return NULL;
}

/* The value that a dotted key has in a resolved config; a new reference, null where there is none. */
static json_t *value_at(const json_t *config, const char *key)
{
    const json_t *at = tsr_resolved_at(config, key);
    return at ? json_deep_copy(at) : json_null();
}

/* What tells the point from others: numbers as resolved, the rest as written, without the defaults that all
   points share. A new reference. */
static json_t *swept_values(const json_t *resolved, const axis *axes, size_t n, size_t number)
{
    json_t *swept = json_object();
    for (size_t i = 0; swept && i < n; i++) {
        const config_setting_t *value = axis_value(axes, n, number, i);
        bool number_like = config_setting_is_number(value);
        json_object_set_new(swept, axes[i].key,
                            number_like ? value_at(resolved, axes[i].key) : tsr_resolved_from_setting(value));
    }
    return swept;
}

/* Puts the point's values into the resolved sweep with their paths absolute, so that the sweep means the same
   wherever its config lies. */
static void resolve_sweep(const json_t *resolved, const axis *axes, size_t n, size_t number, json_t *sweep)
{
    for (size_t i = 0; i < n; i++) {
        const config_setting_t *value = axis_value(axes, n, number, i);
        json_t *written = tsr_resolved_from_setting(value), *at = value_at(resolved, axes[i].key);
        json_array_set_new(json_object_get(json_array_get(sweep, i), "values"),
                           (size_t)config_setting_index(value), tsr_resolved_paths(written, at));
        json_decref(written);
        json_decref(at);
    }
}

/* The runs of one point of the sweep: its replicates. */
static tsr_status *read_point(tsr_experiment *experiment, const tsr_config *config, size_t replicates,
                              const axis *axes, size_t number, json_t *sweep)
{
    general_settings general;
    tsr_settings settings = { .registry = experiment->registry, .folder = config->folder };
    json_t *ignored = json_object();
    tsr_status *status = tsr_settings_read(&settings, general_params, config_root_setting(&config->tree),
                                           "the experiment", general_others, &general, ignored);
    json_decref(ignored);
    TSR_TRY(status);
    uint64_t seed = (uint64_t)general.seed;
    tsr_settings_clear(general_params, &general);
    for (size_t replicate = 0; replicate < replicates; replicate++) {
        tsr_run *run =
            &experiment->runs[experiment->n_runs++]; /* counted even if it fails: it is to be freed */
        run->point = number;
        run->replicate = replicate;
        run->seed = seed + replicate;
        TSR_TRY(read_run(experiment, config, run));
        run->swept = swept_values(run->config, axes, experiment->n_swept, number);
        if (!run->swept)
            return tsr_no_memory("a run");
    }
    resolve_sweep(experiment->runs[experiment->n_runs - 1].config, axes, experiment->n_swept, number, sweep);
    return NULL;
}

static tsr_status *read_runs(tsr_experiment *experiment, const tsr_config *config, size_t replicates,
                             size_t n_overrides, const char *const *overrides, json_t *sweep)
{
    axis *axes = NULL;
    size_t n_axes = 0, points = 0;
    tsr_status *status =
        read_axes(config_root_setting(&config->tree), (int64_t)replicates, &axes, &n_axes, &points);
    if (!status) {
        experiment->runs = tsr_alloc(points * replicates, sizeof(tsr_run));
        experiment->swept = tsr_alloc(n_axes, sizeof(char *));
        if (!experiment->runs || !experiment->swept)
            status = tsr_no_memory("the runs");
    }
    for (size_t i = 0; !status && i < n_axes; i++) {
        experiment->swept[i] = strdup(axes[i].key);
        experiment->n_swept = i + 1;
        json_array_append_new(sweep, json_pack("{s:s, s:o}", "key", axes[i].key, "values",
                                               tsr_resolved_from_setting(axes[i].values)));
    }
    for (size_t point = 0; !status && point < points; point++) {
        tsr_config copy;
        status = tsr_config_again(config, n_overrides, overrides, &copy);
        if (status)
            break;
        status = set_point(&copy, axes, n_axes, point);
        if (!status)
            status = read_point(experiment, &copy, replicates, axes, point, sweep);
        tsr_config_clear(&copy);
    }
    free(axes);
    return status;
}

static tsr_status *same_run(const tsr_run *first, const tsr_run *second, const config_setting_t *sweep)
{
    tsr_text one = { 0 }, other = { 0 };
    tsr_resolved_write_value(first->swept, &one);
    tsr_resolved_write_value(second->swept, &other);
    tsr_status *status =
        tsr_setting_fail(sweep,
                         "two points of the sweep are the same run, %s with seed %llu and %s with seed %llu: "
                         "expected different values",
                         one.chars ? one.chars : "", (unsigned long long)first->seed,
                         other.chars ? other.chars : "", (unsigned long long)second->seed);
    free(one.chars);
    free(other.chars);
    return status;
}

/* Two runs with one config would be one run twice. */
static tsr_status *check_ids(const tsr_experiment *experiment, const tsr_config *config)
{
    json_t *seen = json_object(); /* the number of the run with an id */
    tsr_status *status = seen ? NULL : tsr_no_memory("the runs");
    for (size_t i = 0; !status && i < experiment->n_runs; i++) {
        const tsr_run *run = &experiment->runs[i];
        const json_t *first = json_object_get(seen, run->id);
        if (first)
            status = same_run(&experiment->runs[json_integer_value(first)], run,
                              config_lookup(&config->tree, "sweep"));
        else if (json_object_set_new(seen, run->id, json_integer((json_int_t)i)) != 0)
            status = tsr_no_memory("the runs");
    }
    json_decref(seen);
    return status;
}

static tsr_status *read_registry(tsr_experiment *experiment, const tsr_config *config, bool allow_unsafe,
                                 json_t *resolved)
{
    const config_setting_t *list = config_lookup(&config->tree, "plugin_path");
    int n = list ? config_setting_length(list) : 0;
    if (list && (config_setting_is_group(list) || !config_setting_is_aggregate(list)))
        return tsr_setting_fail(list, "plugin_path: expected a list of folders, [ \"FOLDER\" ]");
    tsr_settings settings = { .folder = config->folder };
    char **folders = tsr_alloc((size_t)n, sizeof(*folders));
    tsr_status *status = folders ? NULL : tsr_no_memory("plugin_path");
    for (int i = 0; !status && i < n; i++) {
        const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
        const char *folder = config_setting_get_string(element);
        if (!folder || !folder[0])
            status = tsr_setting_fail(element, "plugin_path: expected the name of a folder");
        else if (!(folders[i] = tsr_setting_file(&settings, element, folder)))
            status = tsr_no_memory("plugin_path");
        else
            json_array_append_new(resolved, json_string(folders[i]));
    }
    if (!status)
        status = tsr_registry_new((size_t)n, (const char *const *)folders, &experiment->registry);
    if (!status && allow_unsafe)
        tsr_registry_allow_unsafe(experiment->registry);
    for (int i = 0; folders && i < n; i++)
        free(folders[i]);
    free(folders);
    return status;
}

/* The config file's own name, without ".cfg". */
static char *default_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = strdup(slash ? slash + 1 : path);
    size_t length = name ? strlen(name) : 0;
    if (length > 4 && strcmp(name + length - 4, ".cfg") == 0)
        name[length - 4] = '\0';
    return name;
}

static tsr_status *check_name(const char *name, const config_setting_t *root)
{
    const config_setting_t *place = config_setting_get_member(root, "name");
    if (!tsr_line_valid(name) || strlen(name) > NAME_MAX)
        return tsr_setting_fail(place ? place : root,
                                "name: expected a name that a folder can have, one line of at most %d bytes",
                                NAME_MAX);
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return tsr_setting_fail(place ? place : root,
                                "name = \"%s\": expected a name that a folder can have, without '/'", name);
    return NULL;
}

/* Where the epochs are swept, the points may have different snapshots left: the config has those that are
   written, of which each point takes its own again. */
static void keep_snapshots(tsr_experiment *experiment, const tsr_config *config)
{
    const config_setting_t *written = config_lookup(&config->tree, "training.snapshots");
    json_t *training = json_copy(json_object_get(experiment->resolved, "training"));
    for (size_t i = 0; written && i < experiment->n_swept; i++)
        if (strcmp(experiment->swept[i], "training.epochs") == 0)
            json_object_set_new(training, "snapshots", tsr_resolved_from_setting(written));
    json_object_set_new(experiment->resolved, "training", training);
}

/* The experiment as a whole: what stands before the runs' own settings, then those of the first run. */
static tsr_status *resolve(tsr_experiment *experiment, const tsr_config *config, json_t *path, json_t *sweep,
                           json_t *executor, json_t *report)
{
    const json_t *run = experiment->runs[0].config;
    static const char *const shared[] = { "dataset", "model", "regularizers", "training", "codes",
                                          "probes",  NULL };
    if (json_array_size(path))
        json_object_set(experiment->resolved, "plugin_path", path);
    for (const char *const *key = shared; *key; key++)
        json_object_set(experiment->resolved, *key, json_object_get(run, *key));
    if (json_array_size(sweep))
        json_object_set(experiment->resolved, "sweep", sweep);
    json_object_set(experiment->resolved, "executor", executor);
    json_object_set(experiment->resolved, "output", json_object_get(run, "output"));
    json_object_set(experiment->resolved, "report", report);
    keep_snapshots(experiment, config);
    return tsr_weights_leave_out(experiment->resolved, experiment);
}

static tsr_status *read_experiment(tsr_experiment *experiment, const tsr_config *config, size_t n_overrides,
                                   const char *const *overrides)
{
    const config_setting_t *root = config_root_setting(&config->tree);
    json_t *path = json_array(), *sweep = json_array(), *executor = json_object(), *report = json_object();
    general_settings general;
    tsr_report_settings thresholds;
    tsr_settings settings = { .folder = config->folder };
    experiment->resolved = json_object();
    tsr_status *status = tsr_settings_read(&settings, general_params, root, "the experiment", general_others,
                                           &general, experiment->resolved);
    if (status)
        goto out;
    experiment->name = general.name[0] ? strdup(general.name) : default_name(config->path);
    size_t replicates = (size_t)general.replicates;
    bool allow_unsafe = general.allow_unsafe_plugins;
    tsr_settings_clear(general_params, &general);
    if (!experiment->name) {
        status = tsr_no_memory("a name");
        goto out;
    }
    json_object_set_new(experiment->resolved, "name", json_string(experiment->name));
    if ((status = check_name(experiment->name, root)) ||
        (status = read_registry(experiment, config, allow_unsafe, path)))
        goto out;
    settings.registry = experiment->registry;
    if ((status = one_plugin(&settings, TSR_EXECUTOR, root, "executor", TSR_DEFAULT_EXECUTOR,
                             &experiment->executor, executor)) ||
        (status = read_runs(experiment, config, replicates, n_overrides, overrides, sweep)) ||
        (status = check_ids(experiment, config)) ||
        (status = tsr_report_settings_read(root, &thresholds, report)))
        goto out;
    status = resolve(experiment, config, path, sweep, json_object_get(executor, "executor"), report);
    if (!status)
        status = tsr_identity_of_sweep(experiment->resolved, experiment->sweep_id);
out:
    json_decref(report);
    json_decref(path);
    json_decref(sweep);
    json_decref(executor);
    return status;
}

tsr_status *tsr_experiment_read(const char *path, size_t n_overrides, const char *const *overrides,
                                tsr_experiment **out)
{
    tsr_experiment *experiment = tsr_alloc(1, sizeof(*experiment));
    tsr_config config;
    TSR_TRY(experiment ? NULL : tsr_no_memory("an experiment"));
    tsr_status *status = tsr_config_read(path, n_overrides, overrides, &config);
    if (status) {
        free(experiment);
        return status;
    }
    experiment->path = strdup(path);
    status = experiment->path ? read_experiment(experiment, &config, n_overrides, overrides)
                              : tsr_no_memory("a path");
    tsr_config_clear(&config);
    if (status)
        tsr_experiment_free(experiment);
    else
        *out = experiment;
    return status;
}

void tsr_experiment_free(tsr_experiment *experiment)
{
    if (!experiment)
        return;
    for (size_t i = 0; i < experiment->n_data; i++)
        tsr_data_close(experiment->data[i]);
    free(experiment->data);
    for (size_t i = 0; i < experiment->n_weights; i++)
        tsr_safetensors_free(experiment->weights[i]);
    free(experiment->weights);
    for (size_t i = 0; i < experiment->n_runs; i++)
        run_clear(&experiment->runs[i]);
    free(experiment->runs);
    for (size_t i = 0; i < experiment->n_swept; i++)
        free(experiment->swept[i]);
    free(experiment->swept);
    tsr_instance_free(experiment->executor);
    tsr_registry_free(experiment->registry);
    json_decref(experiment->resolved);
    free(experiment->name);
    free(experiment->path);
    free(experiment);
}
