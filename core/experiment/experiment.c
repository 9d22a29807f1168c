/* From a config to runs. The config is read once: each point of the sweep is a copy of its tree with the
   point's values put in (experiment/sweep.h). */
#include "experiment/experiment.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/print.h"
#include "config/read.h"
#include "experiment/identity.h"
#include "experiment/plugins.h"
#include "experiment/record_config.h"
#include "experiment/spec.h"
#include "experiment/sweep.h"
#include "experiment/weights.h"
#include "plugin/kinds.h"
#include "plugin/keys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/executor.h>
#include <tessera/probe.h>

const char *tsr_probe_label(const tsr_instance *probe)
{
    const tsr_probe_common *common = tsr_instance_common(probe);
    return common->label[0] ? common->label : tsr_instance_name(probe);
}

/* Counted even if it fails: it is to be freed. */
static tsr_run *add_run(tsr_experiment *experiment, size_t point, size_t replicate, uint64_t seed)
{
    tsr_run *run = &experiment->runs[experiment->n_runs++];
    run->point = point;
    run->replicate = replicate;
    run->seed = seed;
    return run;
}

static tsr_status *repeat(tsr_experiment *experiment, const tsr_run *first, size_t replicates)
{
    char *rest = NULL;
    if (replicates == 1)
        return NULL;
    tsr_status *status = tsr_identity_without_seed(first->config, &rest);
    for (size_t i = 1; i < replicates && !status; i++)
        status = tsr_run_repeat(first, rest, add_run(experiment, first->point, i, first->seed + i));
    free(rest);
    return status;
}

/* The runs of one point of the sweep: its replicates. */
static tsr_status *read_point(tsr_experiment *experiment, const tsr_value *root, size_t replicates,
                              const tsr_sweep *sweep, size_t point, tsr_value *resolved_sweep)
{
    const tsr_origin *origin = tsr_value_origin(root);
    tsr_settings settings = { .registry = experiment->registry, .folder = origin->folder };
    tsr_general_settings general;
    TSR_TRY(tsr_general_settings_read(&settings, root, &general, NULL));
    uint64_t seed = (uint64_t)general.seed;
    tsr_general_settings_clear(&general);
    tsr_run *first = add_run(experiment, point, 0, seed);
    TSR_TRY(tsr_run_read(experiment, root, first));
    TSR_TRY(tsr_sweep_values(sweep, first->config, point, &first->swept));
    TSR_TRY(repeat(experiment, first, replicates));
    return tsr_sweep_resolve_paths(sweep, first->config, point, resolved_sweep);
}

static tsr_status *name_axes(tsr_experiment *experiment, const tsr_sweep *sweep)
{
    experiment->swept = tsr_alloc(sweep->n_axes, sizeof(char *));
    if (!experiment->swept)
        return tsr_no_memory("the sweep");
    for (size_t i = 0; i < sweep->n_axes; i++) {
        if (!(experiment->swept[i] = strdup(sweep->axes[i].key)))
            return tsr_no_memory("the sweep");
        experiment->n_swept = i + 1;
    }
    return NULL;
}

static tsr_status *read_points(tsr_experiment *experiment, const tsr_value *root, size_t replicates,
                               const tsr_sweep *sweep, tsr_value *resolved_sweep)
{
    TSR_TRY(name_axes(experiment, sweep));
    experiment->runs = tsr_alloc(sweep->n_points * replicates, sizeof(tsr_run));
    if (!experiment->runs)
        return tsr_no_memory("the runs");
    tsr_value *unswept = tsr_value_copy(root); /* a point needs no list of all points' values */
    tsr_status *status = unswept ? NULL : tsr_no_memory("the sweep");
    if (unswept)
        tsr_value_remove(unswept, "sweep");
    for (size_t point = 0; point < sweep->n_points && !status; point++) {
        tsr_value *at_point = NULL;
        status = tsr_sweep_point(sweep, unswept, point, &at_point);
        if (!status)
            status = read_point(experiment, at_point, replicates, sweep, point, resolved_sweep);
        tsr_value_free(at_point);
    }
    tsr_value_free(unswept);
    return status;
}

/* *resolved_sweep is the caller's. */
static tsr_status *read_runs(tsr_experiment *experiment, const tsr_value *root, size_t replicates,
                             tsr_value **resolved_sweep)
{
    tsr_sweep sweep;
    tsr_status *status = tsr_sweep_read(root, replicates, &sweep);
    if (!status)
        status = tsr_sweep_resolved(&sweep, resolved_sweep);
    if (!status)
        status = read_points(experiment, root, replicates, &sweep, *resolved_sweep);
    tsr_sweep_clear(&sweep);
    return status;
}

static tsr_status *same_run(const tsr_run *first, const tsr_run *second, const tsr_value *sweep)
{
    tsr_text one = { 0 }, other = { 0 };
    tsr_print_value(first->swept, &one);
    tsr_print_value(second->swept, &other);
    tsr_status *status =
        tsr_value_fail(sweep,
                       "two points of the sweep are the same run, %s with seed %llu and %s with seed %llu: "
                       "expected different values",
                       one.chars ? one.chars : "", (unsigned long long)first->seed,
                       other.chars ? other.chars : "", (unsigned long long)second->seed);
    free(one.chars);
    free(other.chars);
    return status;
}

static int compare_ids(const void *a, const void *b)
{
    const tsr_run *const *left = a, *const *right = b;
    int order = strcmp((*left)->id, (*right)->id);
    return order ? order : (*left > *right) - (*left < *right);
}

/* Two runs with one config would be one run twice. */
static tsr_status *check_ids(const tsr_experiment *experiment, const tsr_value *root)
{
    size_t n = experiment->n_runs;
    const tsr_run **sorted = tsr_alloc(n, sizeof(*sorted)), *second = NULL;
    if (!sorted)
        return tsr_no_memory("the runs");
    for (size_t i = 0; i < n; i++)
        sorted[i] = &experiment->runs[i];
    qsort(sorted, n, sizeof(*sorted), compare_ids);
    const tsr_run *first = NULL;
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0 && (!second || sorted[i] < second)) {
            first = sorted[i - 1];
            second = sorted[i];
        }
    free(sorted);
    return second ? same_run(first, second, tsr_value_member(root, "sweep")) : NULL;
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

static tsr_status *check_name(const char *name, const tsr_value *root)
{
    const tsr_value *place = tsr_value_member(root, "name");
    if (!tsr_line_valid(name) || strlen(name) > NAME_MAX)
        return tsr_value_fail(place ? place : root,
                              "name: expected a name that a folder can have, one line of at most %d bytes",
                              NAME_MAX);
    if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return tsr_value_fail(place ? place : root,
                              "name = \"%s\": expected a name that a folder can have, without '/'", name);
    return NULL;
}

/* Where the epochs are swept, the points may have different snapshots left: the config has those that are
   written, of which each point takes its own again. */
static tsr_status *keep_snapshots(tsr_experiment *experiment, const tsr_value *root)
{
    const tsr_value *written = tsr_value_at(root, "training.snapshots");
    for (size_t i = 0; written && i < experiment->n_swept; i++)
        if (strcmp(experiment->swept[i], "training.epochs") == 0)
            TSR_TRY(tsr_value_set(experiment->resolved, "training.snapshots", tsr_value_copy(written)));
    return NULL;
}

/* Takes members over from `parts`, and then from the first run's config, in the order that config.cfg has. */
static tsr_status *resolve(tsr_experiment *experiment, const tsr_value *root, const tsr_value *parts)
{
    static const char *const keys[] = { "plugin_path", "dataset", "model",  "regularizers",
                                        "training",    "codes",   "probes", "sweep",
                                        "executor",    "output",  "report", NULL };
    for (const char *const *key = keys; *key; key++) {
        const tsr_value *part = tsr_value_member(parts, *key);
        if (part && part->type == TSR_VALUE_LIST && part->n == 0) /* no plugin path, no sweep */
            continue;
        const tsr_value *member = part ? part : tsr_value_member(experiment->runs[0].config, *key);
        TSR_TRY(tsr_value_put(experiment->resolved, *key, tsr_value_copy(member)));
    }
    TSR_TRY(keep_snapshots(experiment, root));
    tsr_weights_leave_out(experiment->resolved, experiment);
    return NULL;
}

/* What the experiment has beside its runs' own settings; `parts` gets what it resolves to. */
static tsr_status *read_parts(tsr_experiment *experiment, const tsr_value *root,
                              const tsr_general_settings *general, tsr_value *parts)
{
    tsr_value *path = NULL, *executor = NULL, *sweep = NULL;
    tsr_report_settings thresholds;
    tsr_settings settings = { .folder = tsr_value_origin(root)->folder };
    TSR_TRY(tsr_plugin_path_read(root, &path));
    TSR_TRY(tsr_value_put(parts, "plugin_path", path));
    TSR_TRY(tsr_plugin_path_open(path, general->allow_unsafe_plugins, &experiment->registry));
    settings.registry = experiment->registry;
    TSR_TRY(tsr_settings_plugin(&settings, TSR_EXECUTOR, tsr_value_member(root, "executor"), "executor",
                                TSR_DEFAULT_EXECUTOR, &experiment->executor, &executor));
    TSR_TRY(tsr_value_put(parts, "executor", executor));
    tsr_status *status = read_runs(experiment, root, (size_t)general->replicates, &sweep);
    if (status) {
        tsr_value_free(sweep);
        return status;
    }
    TSR_TRY(tsr_value_put(parts, "sweep", sweep));
    TSR_TRY(check_ids(experiment, root));
    return tsr_report_settings_read(root, &thresholds, parts);
}

static tsr_status *read_named(tsr_experiment *experiment, const tsr_value *root,
                              const tsr_general_settings *general)
{
    experiment->name = general->name[0] ? strdup(general->name) : default_name(experiment->path);
    tsr_value *parts = experiment->name ? tsr_value_group() : NULL;
    if (!parts)
        return tsr_no_memory("an experiment");
    tsr_status *status = tsr_value_put(experiment->resolved, "name", tsr_value_string(experiment->name));
    if (!status)
        status = check_name(experiment->name, root);
    if (!status)
        status = read_parts(experiment, root, general, parts);
    if (!status)
        status = resolve(experiment, root, parts);
    if (!status)
        status = tsr_identity_of_sweep(experiment->resolved, experiment->sweep_id);
    tsr_value_free(parts);
    return status;
}

static tsr_status *read_experiment(tsr_experiment *experiment, const tsr_value *root)
{
    tsr_settings settings = { .folder = tsr_value_origin(root)->folder };
    tsr_general_settings general;
    experiment->resolved = tsr_value_group();
    if (!experiment->resolved)
        return tsr_no_memory("an experiment");
    TSR_TRY(tsr_general_settings_read(&settings, root, &general, experiment->resolved));
    tsr_status *status = read_named(experiment, root, &general);
    tsr_general_settings_clear(&general);
    return status;
}

tsr_status *tsr_experiment_read(const char *path, size_t n_overrides, const char *const *overrides,
                                tsr_experiment **out)
{
    tsr_value *root;
    json_t *record = NULL;
    TSR_TRY(tsr_is_record(path) ? tsr_record_config(path, n_overrides, overrides, &root, &record)
                                : tsr_config_read(path, n_overrides, overrides, &root));
    tsr_experiment *experiment = tsr_alloc(1, sizeof(*experiment));
    tsr_status *status = experiment && (experiment->path = strdup(path)) ? read_experiment(experiment, root)
                                                                         : tsr_no_memory("an experiment");
    tsr_value_free(root);
    if (!status && record && experiment->n_runs == 1)
        status = tsr_record_tell_other_run(path, record, &experiment->runs[0]);
    json_decref(record);
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
        tsr_run_clear(&experiment->runs[i]);
    free(experiment->runs);
    for (size_t i = 0; i < experiment->n_swept; i++)
        free(experiment->swept[i]);
    free(experiment->swept);
    tsr_instance_free(experiment->executor);
    tsr_registry_free(experiment->registry);
    tsr_value_free(experiment->resolved);
    free(experiment->name);
    free(experiment->path);
    free(experiment);
}
