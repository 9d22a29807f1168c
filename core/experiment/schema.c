/* The declared keys of an experiment, and the readers of its groups. */
#include "experiment/schema.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_EPOCHS 1000000

static const tsr_key general_keys[] = {
    TSR_KEY_STRING(tsr_general_settings, name, "", "names the results folder; empty: the config file's name"),
    TSR_KEY_INT(tsr_general_settings, seed, 1, 0, INT64_MAX - TSR_MAX_RUNS,
                "of all randomness; replicate r has seed + r"),
    TSR_KEY_INT(tsr_general_settings, replicates, 1, 1, TSR_MAX_RUNS,
                "runs per point, with seeds seed, seed + 1 ..."),
    TSR_KEY_BOOL(tsr_general_settings, allow_unsafe_plugins, false,
                 "load plugins too that others than the user and root may write"),
    TSR_KEY_END
};
static const char *const general_others[] = { "plugin_path", "dataset", "model",  "regularizers",
                                              "training",    "codes",   "probes", "sweep",
                                              "executor",    "output",  "report", NULL };

static const tsr_key training_keys[] = {
    TSR_KEY_INT(tsr_training_settings, epochs, 200, 0, MAX_EPOCHS, "passes over the training examples",
                .unit = "epochs"),
    TSR_KEY_INT(tsr_training_settings, batch, 64, 1, 1 << 20, "examples per step", .unit = "examples"),
    TSR_KEY_REAL(tsr_training_settings, holdout, 0.0, 0.0, 0.999,
                 "fraction of the training part, from its end, that does not train"),
    TSR_KEY_INT(tsr_training_settings, samples, 0, 0, INT64_MAX,
                "the first so many training examples train; 0: all", .unit = "examples"),
    TSR_KEY_BOOL(tsr_training_settings, constant_steps, true,
                 "with samples: repeat them, so that an epoch keeps its number of steps"),
    TSR_KEY_REAL(tsr_training_settings, label_noise, 0.0, 0.0, 1.0,
                 "fraction of the training labels drawn anew, uniformly over the classes"),
    TSR_KEY_REAL(tsr_training_settings, input_noise, 0.0, 0.0, 1e6,
                 "standard deviation of Gaussian noise on the training inputs, fixed per example"),
    TSR_KEY_BOOL(tsr_training_settings, subtract_mean, false,
                 "subtract the mean input of the training examples from every input; with model.weights, the "
                 "mean that their file has, whatever this says"),
    TSR_KEY_INT(tsr_training_settings, early_stop, 0, 0, MAX_EPOCHS,
                "stop when the training loss has not improved for so long; 0: never", .unit = "epochs"),
    TSR_KEY_INT_LIST(tsr_training_settings, snapshots, NULL, 0, 0, MAX_EPOCHS,
                     "probe after these epochs too (0: untrained); the last is always probed",
                     .unit = "epochs"),
    TSR_KEY_END
};
static const char *const training_others[] = { "optimizer", "schedule", "augment", NULL };

static const tsr_key augment_keys[] = {
    TSR_KEY_REAL(tsr_augment_options, rotate, 0.0, 0.0, 180.0,
                 "turn training images by up to so much, either way", .unit = "degrees"),
    TSR_KEY_REAL(tsr_augment_options, shift, 0.0, 0.0, 1.0,
                 "shift training images by up to this fraction of their sides, either way"),
    TSR_KEY_BOOL(tsr_augment_options, flip, false, "mirror every other training image left to right"),
    TSR_KEY_END
};

static const char *const schedules[] = { "constant", "step", "cosine", NULL };
static const tsr_key schedule_keys[] = {
    TSR_KEY_ENUM(tsr_schedule, kind, "constant", schedules, "how the learning rate changes with the epoch"),
    TSR_KEY_INT(tsr_schedule, every, 20, 1, MAX_EPOCHS, "step: multiply after each so many",
                .unit = "epochs"),
    TSR_KEY_REAL(tsr_schedule, factor, 0.1, 0.0, 1.0, "step: multiply by this"),
    TSR_KEY_REAL(tsr_schedule, minimum, 0.0, 0.0, 1.0, "cosine: the fraction that the last epoch has"),
    TSR_KEY_END
};

static const char *const pools[] = { "none", "channel", NULL };
static const tsr_key codes_keys[] = {
    TSR_KEY_ENUM(
        tsr_codes_settings, pool, "none", pools,
        "none: a bit per unit; channel: a bit per channel, of its pre-activations' sum over positions"),
    TSR_KEY_REAL(tsr_codes_settings, memory, 2.0, 0.0, 1e6,
                 "codes beyond so much are kept in a file in the results folder", .unit = "GB"),
    TSR_KEY_END
};
static const char *const codes_others[] = { "layers", NULL };

static const tsr_key output_keys[] = {
    TSR_KEY_BOOL(tsr_output_settings, save_model, false, "write model.safetensors"),
    TSR_KEY_BOOL(tsr_output_settings, save_codes, false, "write codes/*.npy of the last snapshot"),
    TSR_KEY_END
};

static const tsr_key report_keys[] = {
    TSR_KEY_REAL(tsr_report_settings, under_expressive, 0.5, 0.0, 1.0,
                 "phase chart: a redundancy above this is under-expressive"),
    TSR_KEY_REAL(tsr_report_settings, sufficiently_expressive, 0.01, 0.0, 1.0,
                 "phase chart: redundancies below this, and accuracies near the best, are sufficient"),
    TSR_KEY_REAL(tsr_report_settings, accuracy_within, 0.05, 0.0, 1.0,
                 "phase chart: how near the best of the chart an accuracy must be to be sufficient"),
    TSR_KEY_END
};

tsr_status *tsr_config_group(const tsr_value *group, const char *key, const tsr_value **out)
{
    *out = tsr_value_member(group, key);
    if (*out && (*out)->type != TSR_VALUE_GROUP)
        return tsr_value_fail(*out, "%s: expected a group, %s = { ... };", key, key);
    return NULL;
}

tsr_status *tsr_config_list(const tsr_value *group, const char *key, const tsr_value **out)
{
    *out = tsr_value_member(group, key);
    if (*out && (*out)->type != TSR_VALUE_LIST)
        return tsr_value_fail(*out, "%s: expected a list of groups, %s = ( { ... }, { ... } );", key, key);
    return NULL;
}

/* Reads the member `key` of `parent` into `out`, and puts what it says into `resolved` as a group, which
 *inner (NULL: not wanted) then is. `what` names the group in messages. */
static tsr_status *read_group(const tsr_settings *settings, const tsr_value *parent, const char *key,
                              const char *what, const tsr_key *keys, const char *const *others, void *out,
                              tsr_value *resolved, tsr_value **inner)
{
    const tsr_value *group;
    TSR_TRY(tsr_config_group(parent, key, &group));
    tsr_value *said = resolved ? tsr_value_group() : NULL;
    if (resolved)
        TSR_TRY(tsr_value_put(resolved, key, said));
    if (inner)
        *inner = said;
    return tsr_settings_read(settings, keys, group, what, others, out, said);
}

tsr_status *tsr_general_settings_read(const tsr_settings *settings, const tsr_value *root,
                                      tsr_general_settings *out, tsr_value *resolved)
{
    return tsr_settings_read(settings, general_keys, root, "the experiment", general_others, out, resolved);
}

void tsr_general_settings_clear(tsr_general_settings *settings)
{
    tsr_fields_clear(general_keys, settings);
}

tsr_status *tsr_output_settings_read(const tsr_settings *settings, const tsr_value *root,
                                     tsr_output_settings *out, tsr_value *resolved)
{
    return read_group(settings, root, "output", "output", output_keys, NULL, out, resolved, NULL);
}

tsr_status *tsr_report_settings_read(const tsr_value *root, tsr_report_settings *out, tsr_value *resolved)
{
    TSR_TRY(
        read_group(&(tsr_settings){ 0 }, root, "report", "report", report_keys, NULL, out, resolved, NULL));
    if (out->sufficiently_expressive > out->under_expressive)
        return tsr_value_fail(tsr_value_member(root, "report"),
                              "report.sufficiently_expressive = %g: expected at most "
                              "report.under_expressive = %g",
                              out->sufficiently_expressive, out->under_expressive);
    return NULL;
}

/* Whether the command line or a sweep sets a key of the group. */
static bool is_overridden(const tsr_value *group, const char *key)
{
    const tsr_origin *origin = tsr_value_origin(tsr_value_member(group, key));
    return origin && origin->kind != TSR_ORIGIN_FILE;
}

static tsr_status *late_snapshot(const tsr_value *group, int64_t epoch, int64_t epochs)
{
    return tsr_value_fail(tsr_value_member(group, "snapshots"),
                          "training.snapshots: epoch %lld is after the last one: expected at most "
                          "training.epochs = %lld",
                          (long long)epoch, (long long)epochs);
}

/* Snapshots after the last epoch are a mistake where both are written together. Where the command line or a
   sweep shortens the training that a file has, those that are left are taken. */
static tsr_status *check_snapshots(const tsr_value *group, tsr_training_settings *training,
                                   tsr_value *resolved)
{
    tsr_int_list *snapshots = &training->snapshots;
    int64_t *values = (int64_t *)(uintptr_t)snapshots->values;
    bool shortened = is_overridden(group, "epochs") && !is_overridden(group, "snapshots");
    tsr_value *kept = tsr_value_list();
    TSR_TRY(tsr_value_put(resolved, "snapshots", kept));
    size_t n = 0;
    for (size_t i = 0; i < snapshots->n; i++) {
        if (values[i] <= training->epochs) {
            values[n++] = values[i];
            TSR_TRY(tsr_value_append(kept, tsr_value_int(values[i])));
        } else if (!shortened) {
            return late_snapshot(group, values[i], training->epochs);
        }
    }
    if (n < snapshots->n)
        tsr_log_info_once(
            "training.snapshots: those after the last epoch, training.epochs = %lld, are left out",
            (long long)training->epochs);
    snapshots->n = n;
    return NULL;
}

static tsr_status *read_optimizer(const tsr_settings *settings, const tsr_value *group, tsr_instance **out,
                                  tsr_value *resolved)
{
    tsr_value *said;
    TSR_TRY(tsr_settings_plugin(settings, TSR_OPTIMIZER, tsr_value_member(group, "optimizer"), "optimizer",
                                TSR_DEFAULT_OPTIMIZER, out, &said));
    return tsr_value_put(resolved, "optimizer", said);
}

tsr_status *tsr_training_settings_read(const tsr_settings *settings, const tsr_value *root,
                                       tsr_training_settings *out, tsr_instance **optimizer,
                                       tsr_value *resolved)
{
    tsr_value *said;
    TSR_TRY(read_group(settings, root, "training", "training", training_keys, training_others, out, resolved,
                       &said));
    const tsr_value *group = tsr_value_member(root, "training");
    TSR_TRY(read_optimizer(settings, group, optimizer, said));
    TSR_TRY(read_group(settings, group, "schedule", "training.schedule", schedule_keys, NULL, &out->schedule,
                       said, NULL));
    TSR_TRY(read_group(settings, group, "augment", "training.augment", augment_keys, NULL, &out->augment,
                       said, NULL));
    return check_snapshots(group, out, said);
}

void tsr_training_settings_clear(tsr_training_settings *settings)
{
    tsr_fields_clear(training_keys, settings);
}

static tsr_status *read_layers(const tsr_value *list, tsr_codes_settings *codes, tsr_value *resolved)
{
    if (!list)
        return NULL;
    if (list->type != TSR_VALUE_LIST)
        return tsr_value_fail(list, "codes.layers: expected a list of layers' names, [ \"activation.0\" ]");
    codes->layers = tsr_alloc(list->n, sizeof(*codes->layers));
    if (!codes->layers)
        return tsr_no_memory("codes.layers");
    for (size_t i = 0; i < list->n; i++) {
        const char *name = tsr_value_text(list->items[i]);
        if (!name)
            return tsr_value_fail(list->items[i],
                                  "codes.layers.%zu: expected a layer's name, \"activation.0\"", i);
        if (!(codes->layers[i] = strdup(name)))
            return tsr_no_memory("codes.layers");
        codes->n_layers = i + 1;
        TSR_TRY(tsr_value_append(resolved, tsr_value_string(name)));
    }
    return NULL;
}

tsr_status *tsr_codes_settings_read(const tsr_settings *settings, const tsr_value *root,
                                    tsr_codes_settings *out, tsr_value *resolved)
{
    const tsr_value *group;
    TSR_TRY(tsr_config_group(root, "codes", &group));
    tsr_value *said = tsr_value_group(), *layers = tsr_value_list();
    tsr_status *status = tsr_value_put(resolved, "codes", said);
    if (status) {
        tsr_value_free(layers);
        return status;
    }
    TSR_TRY(tsr_value_put(said, "layers", layers));
    TSR_TRY(tsr_settings_read(settings, codes_keys, group, "codes", codes_others, out, said));
    return read_layers(tsr_value_member(group, "layers"), out, layers);
}

void tsr_codes_settings_clear(tsr_codes_settings *settings)
{
    for (size_t i = 0; i < settings->n_layers; i++)
        free(settings->layers[i]);
    free(settings->layers);
    settings->layers = NULL;
    settings->n_layers = 0;
}
