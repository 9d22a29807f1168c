/* What makes a result this one and no other. */
#include "experiment/identity.h"

#include "base/memory.h"
#include "config/compare.h"
#include "config/json.h"
#include "config/print.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED "{\"seed\":" /* as the text begins that a run's id is the hash of */

/* Keys that are younger than the first results, each with the default that says what was done before it. */
typedef struct young_key {
    const char *path;
    double number;    /* its default, */
    const char *word; /* or this one; with neither it is an empty list */
} young_key;

static const young_key young_keys[] = {
    { "dataset.class_count", 0, NULL },      { "dataset.only_classes", NAN, NULL },
    { "training.samples_at", NAN, "first" }, { "training.label_noise_kind", NAN, "redraw" },
    { "training.instance_noise", 0, NULL },
};

/* The same of every probe, those that probes run too. */
static const young_key young_probe_key = { "unit_share", 1, NULL };

static bool has_default(const tsr_value *value, const young_key *key)
{
    const char *word = tsr_value_text(value);
    if (key->word)
        return word && strcmp(word, key->word) == 0;
    if (isnan(key->number))
        return tsr_value_is(value, TSR_VALUE_LIST) && tsr_value_length(value) == 0;
    return tsr_value_is_number(value) && tsr_value_number(value) == key->number;
}

static void forget_default(tsr_value *config, const tsr_value *other, const young_key *key)
{
    const tsr_value *value = tsr_value_at(config, key->path);
    if (value && has_default(value, key) && !tsr_value_at(other, key->path))
        tsr_value_remove_at(config, key->path);
}

static void forget_of_probes(tsr_value *value, const tsr_value *other)
{
    bool is_list = tsr_value_is(value, TSR_VALUE_LIST);
    if (!is_list && !tsr_value_is(value, TSR_VALUE_GROUP))
        return;
    if (!is_list)
        forget_default(value, other, &young_probe_key);
    for (size_t i = 0; i < value->n; i++)
        forget_of_probes(value->items[i], is_list ? tsr_value_element(other, i)
                                                  : tsr_value_member(other, value->items[i]->key));
}

void tsr_identity_forget_defaults(tsr_value *config, const tsr_value *other)
{
    for (size_t i = 0; i < sizeof(young_keys) / sizeof(*young_keys); i++)
        forget_default(config, other, &young_keys[i]);
    for (size_t i = 0; i < config->n; i++)
        if (strcmp(config->items[i]->key, "probes") == 0)
            forget_of_probes(config->items[i], tsr_value_member(other, "probes"));
}

static tsr_value *default_of(const young_key *key)
{
    return key->word            ? tsr_value_string(key->word)
           : isnan(key->number) ? tsr_value_list()
                                : tsr_value_int((int64_t)key->number);
}

tsr_value *tsr_identity_default(const char *dotted)
{
    const char *last = strrchr(dotted, '.');
    for (size_t i = 0; i < sizeof(young_keys) / sizeof(*young_keys); i++)
        if (strcmp(young_keys[i].path, dotted) == 0)
            return default_of(&young_keys[i]);
    bool of_probe = strncmp(dotted, "probes.", strlen("probes.")) == 0 && last &&
                    strcmp(last + 1, young_probe_key.path) == 0;
    return of_probe ? default_of(&young_probe_key) : NULL;
}

/* What may change between two calls that share a folder: it decides which runs are done and how, not what
   a run gives. */
static const char *const may_differ[] = { "name",        "executor", "replicates", "sweep",
                                          "plugin_path", "report",   "output",     "allow_unsafe_plugins",
                                          NULL };

/* What says how a run is done and not what it gives. */
static void remove_means(tsr_value *config)
{
    tsr_value_remove_at(config, "codes.memory");
    tsr_value_remove_at(config, "training.checkpoint_every");
}

tsr_status *tsr_identity_same_experiment(const tsr_value *there, const tsr_value *here, size_t n,
                                         const char *const *apart, bool paths, tsr_text *out)
{
    tsr_value *copies[2] = { tsr_value_copy(there), tsr_value_copy(here) };
    tsr_status *status = copies[0] && copies[1] ? NULL : tsr_no_memory("the config");
    for (size_t i = 0; i < 2 && !status; i++) {
        for (size_t k = 0; k < n; k++)
            tsr_value_remove_at(copies[i], apart[k]);
        remove_means(copies[i]);
        if (!paths)
            tsr_identity_shorten_paths(copies[i]);
    }
    if (!status) {
        tsr_identity_forget_defaults(copies[0], copies[1]);
        tsr_identity_forget_defaults(copies[1], copies[0]);
        if (tsr_values_differ(copies[0], copies[1], may_differ, out) && !out->chars)
            status = tsr_no_memory("what differs");
    }
    tsr_value_free(copies[0]);
    tsr_value_free(copies[1]);
    return status;
}

/* A copy of what decides the id; NULL without memory. */
static tsr_value *deciding_part(const tsr_value *config)
{
    tsr_value *deciding = tsr_value_copy(config);
    if (deciding) {
        tsr_value_remove_at(deciding, "output");
        remove_means(deciding);
        tsr_identity_forget_defaults(deciding, NULL);
    }
    return deciding;
}

tsr_status *tsr_identity_of(const tsr_value *config, char id[17])
{
    tsr_value *deciding = deciding_part(config);
    tsr_status *status = deciding ? tsr_value_hash(deciding, id) : tsr_no_memory("a run's id");
    tsr_value_free(deciding);
    return status;
}

tsr_status *tsr_identity_without_seed(const tsr_value *config, char **rest)
{
    tsr_value *deciding = deciding_part(config);
    char *text = deciding ? tsr_value_json_text(deciding, 0) : NULL;
    const char *behind = text ? strchr(text, ',') : NULL;
    *rest = behind && strncmp(text, SEED, strlen(SEED)) == 0 ? strdup(behind) : NULL;
    free(text);
    tsr_value_free(deciding);
    return *rest ? NULL : tsr_no_memory("a run's id");
}

tsr_status *tsr_identity_of_seed(const char *rest, uint64_t seed, char id[17])
{
    char *text = tsr_format(SEED "%lld%s", (long long)seed, rest);
    if (!text)
        return tsr_no_memory("a run's id");
    tsr_hash_text(text, id);
    free(text);
    return NULL;
}

static void shorten(tsr_value *value, bool all)
{
    bool is_list = tsr_value_is(value, TSR_VALUE_LIST);
    const char *slash =
        tsr_value_is(value, TSR_VALUE_STRING) && value->string[0] == '/' ? strrchr(value->string, '/') : NULL;
    if (slash && (all || (value->key && strcmp(value->key, "plugin") == 0)))
        memmove(value->string, slash + 1, strlen(slash));
    for (size_t i = 0; (is_list || tsr_value_is(value, TSR_VALUE_GROUP)) && i < value->n; i++)
        shorten(value->items[i], all);
}

void tsr_identity_shorten_paths(tsr_value *config)
{
    for (size_t i = 0; i < config->n; i++) {
        const char *key = config->items[i]->key;
        shorten(config->items[i], strcmp(key, "dataset") == 0 || strcmp(key, "model") == 0);
    }
}

const char *const tsr_identity_growing[] = { "probes", "training.snapshots", "training.epochs", NULL };

tsr_status *tsr_identity_of_training(const tsr_value *config, char id[17])
{
    tsr_value *training = tsr_value_copy(config);
    if (!training)
        return tsr_no_memory("a training's id");
    for (const char *const *key = tsr_identity_growing; *key; key++)
        tsr_value_remove_at(training, *key);
    tsr_identity_shorten_paths(training);
    tsr_status *status = tsr_identity_of(training, id);
    tsr_value_free(training);
    return status;
}

tsr_status *tsr_identity_of_sweep(const tsr_value *resolved, char id[17])
{
    const tsr_value *list = tsr_value_member(resolved, "sweep");
    tsr_value *sweep = tsr_value_group();
    tsr_status *status = sweep ? NULL : tsr_no_memory("the sweep's id");
    if (!status && tsr_value_length(list) > 0) /* else none, however it is written */
        status = tsr_value_put(sweep, "sweep", tsr_value_copy(list));
    if (!status)
        status = tsr_value_hash(sweep, id);
    tsr_value_free(sweep);
    return status;
}

tsr_status *tsr_identity_of_data(const tsr_run *run, char digits[17])
{
    uint64_t digest;
    TSR_TRY(tsr_data_digest(run->data, &digest));
    snprintf(digits, 17, "%016llx", (unsigned long long)digest);
    return NULL;
}

static tsr_status *compare_data(const tsr_run *run, const json_t *record, tsr_text *out)
{
    const char *before = json_string_value(json_object_get(json_object_get(record, "data"), "digest"));
    char now[17];
    if (!before)
        return NULL;
    TSR_TRY(tsr_identity_of_data(run, now));
    if (strcmp(before, now) == 0)
        return NULL;
    tsr_text dataset = { 0 };
    tsr_print_label(tsr_value_member(run->config, "dataset"), &dataset);
    tsr_text_add(out, "the data of dataset %s have changed: digest %.8s then and %.8s now",
                 dataset.chars ? dataset.chars : "", before, now);
    free(dataset.chars);
    return NULL;
}

/* The plugin's entry among those that the record names; NULL: none. */
static const json_t *recorded_plugin(const json_t *plugins, const tsr_plugin *plugin)
{
    const char *kind = tsr_kind_get(plugin->kind)->name;
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *one = json_array_get(plugins, i);
        const char *its_kind = json_string_value(json_object_get(one, "kind")),
                   *its_name = json_string_value(json_object_get(one, "name"));
        if (its_kind && its_name && strcmp(its_kind, kind) == 0 && strcmp(its_name, plugin->name) == 0)
            return one;
    }
    return NULL;
}

/* Of nested plugins with those that a record names. */
typedef struct comparison {
    const json_t *plugins;
    tsr_text *out;
    bool changed;
} comparison;

static tsr_status *compare_nested(void *context, const tsr_instance *instance);

static bool plugin_changed(const tsr_instance *instance, const json_t *plugins, tsr_text *out)
{
    const tsr_loaded *loaded = tsr_instance_loaded(instance);
    const tsr_plugin *plugin = &loaded->plugin;
    const json_t *recorded = recorded_plugin(plugins, plugin);
    const char *before = json_string_value(json_object_get(recorded, "sha256")),
               *version = json_string_value(json_object_get(recorded, "version"));
    if (before && loaded->sha256 && strcmp(before, loaded->sha256) != 0) {
        tsr_text_add(out, "%s %s has changed: %s, version %s then and %s now, SHA-256 %.8s then and %.8s now",
                     tsr_kind_get(plugin->kind)->name, plugin->name, loaded->file,
                     version ? version : "unknown", plugin->version, before, loaded->sha256);
        return true;
    }
    comparison nested = { plugins, out, false };
    tsr_status_free(
        tsr_fields_visit_nested(plugin->keys, tsr_instance_self(instance), compare_nested, &nested));
    return nested.changed;
}

static tsr_status *compare_nested(void *context, const tsr_instance *instance)
{
    comparison *c = context;
    c->changed = c->changed || plugin_changed(instance, c->plugins, c->out);
    return NULL;
}

static const json_t *plugins_of(const json_t *record)
{
    return json_object_get(json_object_get(record, "environment"), "plugins");
}

tsr_status *tsr_identity_compare_training(const tsr_run *run, const json_t *record, tsr_text *out)
{
    const tsr_training_plugins *with = &run->training_plugins;
    const tsr_instance *const single[] = { run->dataset, run->model, with->optimizer, with->loss,
                                           with->schedule };
    for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++)
        if (plugin_changed(single[i], plugins_of(record), out))
            return NULL;
    for (size_t i = 0; i < with->n_augmentations; i++)
        if (plugin_changed(with->augmentations[i], plugins_of(record), out))
            return NULL;
    for (size_t i = 0; i < run->n_regularizers; i++)
        if (plugin_changed(run->regularizers[i], plugins_of(record), out))
            return NULL;
    return compare_data(run, record, out);
}

bool tsr_identity_probe_changed(const tsr_run *run, size_t probe, const json_t *record, tsr_text *out)
{
    return plugin_changed(run->probes[probe], plugins_of(record), out);
}

tsr_status *tsr_identity_compare(const tsr_run *run, const json_t *record, tsr_text *out)
{
    for (size_t i = 0; i < run->n_probes; i++)
        if (tsr_identity_probe_changed(run, i, record, out))
            return NULL;
    return tsr_identity_compare_training(run, record, out);
}
