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

/* In the order of the constants of schema.h. */
static const char *const samples_at[] = { "first", "spread", NULL };
static const char *const label_noise_kinds[] = { "redraw", "permute", NULL };

static const tsr_key training_keys[] = {
    TSR_KEY_INT(tsr_training_settings, epochs, 200, 0, MAX_EPOCHS, "passes over the training examples",
                .unit = "epochs"),
    TSR_KEY_INT(tsr_training_settings, batch, 64, 1, 1 << 20, "examples per step", .unit = "examples"),
    TSR_KEY_REAL(tsr_training_settings, holdout, 0.0, 0.0, 0.999,
                 "fraction of the training part, from its end, that does not train"),
    TSR_KEY_INT(tsr_training_settings, samples, 0, 0, INT64_MAX, "so many training examples train; 0: all",
                .unit = "examples"),
    TSR_KEY_ENUM(tsr_training_settings, samples_at, "first", samples_at,
                 "which train with samples: the first, or as many spread evenly over all"),
    TSR_KEY_BOOL(tsr_training_settings, constant_steps, true,
                 "with samples: repeat them, so that an epoch keeps its number of steps"),
    TSR_KEY_REAL(tsr_training_settings, label_noise, 0.0, 0.0, 1.0,
                 "fraction of the training labels that are made wrong"),
    TSR_KEY_ENUM(tsr_training_settings, label_noise_kind, "redraw", label_noise_kinds,
                 "redraw: they are drawn anew, uniformly over the classes; permute: they change places, and "
                 "every class keeps its number of examples"),
    TSR_KEY_REAL(tsr_training_settings, input_noise, 0.0, 0.0, 1e6,
                 "standard deviation of Gaussian noise on the training inputs, fixed per example"),
    TSR_KEY_REAL(tsr_training_settings, instance_noise, 0.0, 0.0, 1.0,
                 "fraction of the training inputs replaced by uniform ones in [0,1), labels kept"),
    TSR_KEY_BOOL(tsr_training_settings, subtract_mean, false,
                 "subtract the mean input of the training examples from every input; with model.weights, the "
                 "mean that their file has, whatever this says"),
    TSR_KEY_INT(tsr_training_settings, early_stop, 0, 0, MAX_EPOCHS,
                "stop when the training loss has not improved for so long; 0: never", .unit = "epochs"),
    TSR_KEY_REAL(
        tsr_training_settings, checkpoint_every, 10.0, 0.0, 1e6,
        "keep where the training stands, for the case that it is killed, at the end of an epoch when "
        "so much time has gone by; 0: never",
        .unit = "minutes"),
    TSR_KEY_INT_LIST(tsr_training_settings, snapshots, NULL, 0, 0, MAX_EPOCHS,
                     "probe after these epochs too (0: untrained); the last is always probed",
                     .unit = "epochs"),
    TSR_KEY_END
};
static const char *const training_others[] = { "optimizer", "loss", "schedule", "augment", NULL };

/* What a group `augment` may name. */
static const char *const augmentations[] = { TSR_DEFAULT_AUGMENTATIONS };

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
    TSR_KEY_BOOL(tsr_output_settings, save_state, false,
                 "write state.safetensors, from which training can go on for more epochs"),
    TSR_KEY_BOOL(tsr_output_settings, save_snapshots, false,
                 "write the network of each snapshot, for which other probes can be done later"),
    TSR_KEY_END
};

static const tsr_key report_keys[] = {
    TSR_KEY_REAL(tsr_report_settings, under_expressive, 0.5, 0.0, 1.0,
                 "phase chart: a redundancy above this is under-expressive"),
    TSR_KEY_REAL(tsr_report_settings, sufficiently_expressive, 0.01, 0.0, 1.0,
                 "phase chart: redundancies below this, and accuracies near the best, are sufficient"),
    TSR_KEY_REAL(tsr_report_settings, accuracy_within, 0.05, 0.0, 1.0,
                 "phase chart: how near the best of the chart an accuracy must be to be sufficient"),
    TSR_KEY_INT(tsr_report_settings, live, 30, 0, 86400,
                "while runs are done, make the page anew after so many seconds; 0: only at the end"),
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

static tsr_status *read_plugin(const tsr_settings *settings, tsr_kind kind, const tsr_value *group,
                               const char *key, const char *default_name, tsr_instance **out,
                               tsr_value *resolved)
{
    tsr_value *said;
    TSR_TRY(tsr_settings_plugin(settings, kind, tsr_value_member(group, key), key, default_name, out, &said));
    return tsr_value_put(resolved, key, said);
}

/* `value` names the augmentation; what it says goes to *said, the caller's. */
static tsr_status *add_augmentation(const tsr_settings *settings, const tsr_value *value, const char *key,
                                    tsr_training_plugins *plugins, tsr_value **said)
{
    size_t n = plugins->n_augmentations;
    *said = NULL;
    tsr_instance **grown = reallocarray(plugins->augmentations, n + 1, sizeof(*grown));
    if (!grown)
        return tsr_no_memory(key);
    plugins->augmentations = grown;
    TSR_TRY(tsr_settings_plugin(settings, TSR_AUGMENTATION, value, key, NULL, &grown[n], said));
    plugins->n_augmentations = n + 1;
    return NULL;
}

/* The short form, { rotate = 15.0; flip = true; }: each member is the key, of the augmentation of its name,
   that is called so too. */
enum { SHORT = sizeof(augmentations) / sizeof(*augmentations) };
typedef struct short_form {
    tsr_key keys[SHORT + 1];
    char fields[SHORT][sizeof(double)]; /* what the keys fill */
} short_form;

static tsr_status *add_short_key(const tsr_settings *settings, const tsr_value *group, size_t i,
                                 short_form *form)
{
    const tsr_loaded *loaded;
    const char *name = augmentations[i];
    TSR_TRY(tsr_value_context(group, tsr_registry_find(settings->registry, TSR_AUGMENTATION, name, &loaded)));
    const tsr_key *key = loaded->plugin.keys;
    while (key->type != TSR_TYPE_END && strcmp(key->name, name) != 0)
        key++;
    if (key->type == TSR_TYPE_END || key->type > TSR_TYPE_BOOL || key->field_size > sizeof(form->fields[i]))
        return tsr_value_fail(group,
                              "training.augment: %s has no number or truth value '%s', which a group sets",
                              loaded->file, name);
    form->keys[i] = *key;
    form->keys[i].offset = (uint32_t)(offsetof(short_form, fields) + i * sizeof(form->fields[i]));
    return NULL;
}

/* The group that a list would have for a member: { plugin = "NAME"; NAME = VALUE; }. */
static tsr_status *add_short(const tsr_settings *settings, const char *name, const tsr_value *value,
                             tsr_training_plugins *plugins)
{
    tsr_value *group = tsr_value_group(), *said = NULL;
    tsr_status *status = group ? tsr_value_put(group, "plugin", tsr_value_string(name)) : tsr_no_memory(name);
    if (!status)
        status = tsr_value_put(group, name, tsr_value_copy(value));
    if (!status)
        status = add_augmentation(settings, group, name, plugins, &said);
    tsr_value_free(group);
    tsr_value_free(said);
    return status;
}

/* All are made, since all draw. */
static tsr_status *read_augment_group(const tsr_settings *settings, const tsr_value *group,
                                      tsr_training_plugins *plugins, tsr_value *resolved)
{
    short_form form = { .keys = { [SHORT] = TSR_KEY_END } };
    tsr_value *said = tsr_value_group();
    TSR_TRY(tsr_value_put(resolved, "augment", said));
    for (size_t i = 0; i < SHORT; i++)
        TSR_TRY(add_short_key(settings, group, i, &form));
    TSR_TRY(tsr_settings_read(settings, form.keys, group, "training.augment", NULL, &form, said));
    for (size_t i = 0; i < SHORT; i++)
        TSR_TRY(add_short(settings, augmentations[i], tsr_value_member(said, augmentations[i]), plugins));
    return NULL;
}

static tsr_status *read_augment_list(const tsr_settings *settings, const tsr_value *list,
                                     tsr_training_plugins *plugins, tsr_value *resolved)
{
    tsr_value *said = tsr_value_list();
    TSR_TRY(tsr_value_put(resolved, "augment", said));
    for (size_t i = 0; i < tsr_value_length(list); i++) {
        tsr_value *one;
        TSR_TRY(add_augmentation(settings, list->items[i], "augment", plugins, &one));
        TSR_TRY(tsr_value_append(said, one));
    }
    return NULL;
}

static tsr_status *read_augment(const tsr_settings *settings, const tsr_value *training,
                                tsr_training_plugins *plugins, tsr_value *resolved)
{
    const tsr_value *value = tsr_value_member(training, "augment");
    if (tsr_value_is(value, TSR_VALUE_GROUP))
        return read_augment_group(settings, value, plugins, resolved);
    if (value && value->type != TSR_VALUE_LIST)
        return tsr_value_mismatch(value, "a list of augmentations, augment = ( { plugin = \"NAME\"; ... } ), "
                                         "or a group { NAME = VALUE; ... }");
    return read_augment_list(settings, value, plugins, resolved);
}

tsr_status *tsr_training_settings_read(const tsr_settings *settings, const tsr_value *root,
                                       tsr_training_settings *out, tsr_training_plugins *plugins,
                                       tsr_value *resolved)
{
    tsr_value *said;
    TSR_TRY(read_group(settings, root, "training", "training", training_keys, training_others, out, resolved,
                       &said));
    const tsr_value *group = tsr_value_member(root, "training");
    TSR_TRY(read_plugin(settings, TSR_OPTIMIZER, group, "optimizer", TSR_DEFAULT_OPTIMIZER,
                        &plugins->optimizer, said));
    TSR_TRY(read_plugin(settings, TSR_LOSS, group, "loss", TSR_DEFAULT_LOSS, &plugins->loss, said));
    TSR_TRY(read_plugin(settings, TSR_SCHEDULE, group, "schedule", TSR_DEFAULT_SCHEDULE, &plugins->schedule,
                        said));
    TSR_TRY(read_augment(settings, group, plugins, said));
    return check_snapshots(group, out, said);
}

void tsr_training_plugins_clear(tsr_training_plugins *plugins)
{
    tsr_instance_free(plugins->optimizer);
    tsr_instance_free(plugins->loss);
    tsr_instance_free(plugins->schedule);
    for (size_t i = 0; i < plugins->n_augmentations; i++)
        tsr_instance_free(plugins->augmentations[i]);
    free(plugins->augmentations);
    *plugins = (tsr_training_plugins){ 0 };
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
