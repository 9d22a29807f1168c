/* More probes for finished runs. The study is read twice: as it is, for its runs and their records, and with
   the new probes alone, for those. */
#include "host/more_probes.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/environment.h"
#include "experiment/identity.h"
#include "experiment/record.h"
#include "experiment/run.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>
#include <unistd.h>

#define WORKING "probing.unfinished" /* folder in a run's */

typedef struct adding {
    tsr_experiment *study, *more;
    tsr_session *session;
} adding;

/* --- what is to do --- */

static json_t *last_snapshot(const json_t *record)
{
    const json_t *snapshots = json_object_get(record, "snapshots");
    return json_array_get(snapshots, json_array_size(snapshots) - 1);
}

static const json_t *last_metrics(const json_t *record)
{
    return json_object_get(last_snapshot(record), "metrics");
}

static const tsr_value *settings_of(const tsr_run *run, size_t probe)
{
    return tsr_value_element(tsr_value_member(run->config, "probes"), probe);
}

/* Whether the record has the probe, added by the same settings. */
static bool is_added(const json_t *record, const tsr_run *run, size_t probe)
{
    const json_t *before =
        json_object_get(json_object_get(record, TSR_ADDED_PROBES), tsr_probe_label(run->probes[probe]));
    json_t *now = tsr_value_to_json(settings_of(run, probe));
    bool same = before && now && json_equal(before, now);
    json_decref(now);
    return same;
}

static bool has_metrics_of(const json_t *record, const char *label)
{
    size_t length = strlen(label);
    const json_t *metrics = last_metrics(record);
    for (void *at = json_object_iter((json_t *)(uintptr_t)metrics); at;
         at = json_object_iter_next((json_t *)(uintptr_t)metrics, at)) {
        const char *name = json_object_iter_key(at);
        if (strncmp(name, label, length) == 0 && name[length] == '.')
            return true;
    }
    return false;
}

static bool is_to_do(const json_t *record, const tsr_run *run)
{
    for (size_t i = 0; i < run->n_probes; i++)
        if (!is_added(record, run, i))
            return true;
    return false;
}

static char *file_of(const adding *a, size_t i, const char *name)
{
    char *folder = tsr_store_run_folder(tsr_session_store(a->session), &a->study->runs[i]);
    char *path = folder ? tsr_path_join(folder, name) : NULL;
    free(folder);
    return path;
}

static bool has_file(const adding *a, size_t i, const char *name)
{
    return tsr_store_has_file(tsr_session_store(a->session), &a->study->runs[i], name);
}

/* --- refusals --- */

/* Whether the run's network is there; else its codes are, or nothing is. */
static bool has_network(const adding *a, size_t i)
{
    return has_file(a, i, "model.safetensors");
}

static tsr_status *check_probe(const adding *a, size_t i, size_t probe)
{
    const tsr_run *run = &a->more->runs[i];
    const json_t *record = tsr_session_record(a->session, i);
    const char *label = tsr_probe_label(run->probes[probe]);
    if (is_added(record, run, probe))
        return NULL;
    if (has_metrics_of(record, label))
        return tsr_fail(
            TSR_REFUSED,
            "run %s has metrics of a probe %s already: expected a label = \"...\" of its own for this "
            "one",
            a->study->runs[i].id, label);
    unsigned needs = tsr_probe_needs(run->probes[probe]);
    if (needs & TSR_PROBE_NETWORK && !has_network(a, i))
        return tsr_fail(
            TSR_REFUSED,
            "probe %s needs the network, and run %s has saved its codes alone: train it again with "
            "output.save_model = true",
            label, a->study->runs[i].id);
    if (needs & TSR_PROBE_PREVIOUS && json_array_size(json_object_get(record, "snapshots")) > 1)
        return tsr_fail(
            TSR_REFUSED,
            "probe %s compares with the snapshot before, whose network is not saved: it can only be "
            "done while a run trains",
            label);
    return NULL;
}

static tsr_status *check_run(const adding *a, size_t i)
{
    const json_t *record = tsr_session_record(a->session, i);
    const tsr_run *run = &a->more->runs[i];
    tsr_text changed = { 0 };
    if (!is_to_do(record, run))
        return NULL;
    if (!has_network(a, i) && has_file(a, i, "codes/train.npy") && !has_file(a, i, "codes/kept.npy"))
        return tsr_fail(
            TSR_REFUSED,
            "run %s has saved its codes without codes/kept.npy, the numbers of their columns, as versions "
            "before that file did: train it again with output.save_model = true",
            a->study->runs[i].id);
    if (!has_network(a, i) && !has_file(a, i, "codes/kept.npy"))
        return tsr_fail(TSR_REFUSED,
                        "run %s has saved neither its network nor its codes: train it again with "
                        "output.save_model = true",
                        a->study->runs[i].id);
    for (size_t probe = 0; probe < run->n_probes; probe++)
        TSR_TRY(check_probe(a, i, probe));
    tsr_status *status = tsr_identity_compare(&a->study->runs[i], record, &changed);
    if (!status && changed.chars)
        status = tsr_fail(TSR_REFUSED, "run %s: %s", a->study->runs[i].id, changed.chars);
    free(changed.chars);
    return status;
}

/* --- one run --- */

/* Whether a number that is measured again is what it was, but for another processor's rounding. */
static tsr_status *check_same(const json_t *before, const json_t *now, const char *name)
{
    double then = json_number_value(json_object_get(before, name)),
           again = json_number_value(json_object_get(now, name));
    if (!json_object_get(now, name)) /* codes do not tell it */
        return NULL;
    if (fabs(again - then) <= 1e-3 * fabs(then))
        return NULL;
    return tsr_fail(TSR_FAILED, "what is saved gives %s %.9g, and the run gave %.9g: it is not its own", name,
                    again, then);
}

/* The metrics that are new, into the record's last snapshot; the others must be what they were. */
static tsr_status *merge(json_t *record, const tsr_probed_again *probed)
{
    json_t *metrics = (json_t *)(uintptr_t)last_metrics(record);
    TSR_TRY(check_same(metrics, probed->metrics, "model.loss.train"));
    TSR_TRY(check_same(metrics, probed->metrics, "code.bits"));
    int wrong = json_object_update_missing(metrics, probed->metrics);
    wrong |= json_object_update_missing(json_object_get(record, "metrics"), probed->descriptions);
    json_t *curves = json_object_get(record, "curves");
    if (json_object_size(probed->curves))
        wrong |= curves ? json_object_update_missing(curves, probed->curves)
                        : json_object_set(record, "curves", probed->curves);
    json_t *undefined = json_object_get(last_snapshot(record), "undefined");
    if (probed->undefined)
        wrong |= undefined ? json_object_update_missing(undefined, probed->undefined)
                           : json_object_set(last_snapshot(record), "undefined", probed->undefined);
    json_t *seconds = json_object_get(json_object_get(record, "seconds"), "probes");
    if (seconds && probed->seconds)
        wrong |= json_object_update_missing(seconds, probed->seconds);
    return wrong ? tsr_no_memory("metrics") : NULL;
}

/* Notes the probes that did not fail; says which did. *all: none. */
static tsr_status *note_added(json_t *record, const tsr_run *run, const char *id, const json_t *failures,
                              bool *all)
{
    json_t *added = json_object_get(record, TSR_ADDED_PROBES);
    *all = true;
    if (!added) {
        added = json_object();
        if (json_object_set_new(record, TSR_ADDED_PROBES, added) != 0)
            return tsr_no_memory("metrics");
    }
    for (size_t i = 0; i < run->n_probes; i++) {
        const char *label = tsr_probe_label(run->probes[i]);
        const char *reason = json_string_value(json_object_get(failures, label));
        if (reason) {
            tsr_log_error("run %s: %s", id, reason);
            *all = false;
        } else if (json_object_set_new(added, label, tsr_value_to_json(settings_of(run, i))) != 0)
            return tsr_no_memory("metrics");
    }
    return NULL;
}

/* The plugins that took part, beside those of the run itself. */
static tsr_status *note_plugins(json_t *record, const tsr_experiment *more)
{
    json_t *used = tsr_plugins_used(more->registry),
           *plugins = json_object_get(json_object_get(record, "environment"), "plugins");
    if (!used)
        return tsr_no_memory("plugins");
    int wrong = 0;
    for (size_t i = 0; i < json_array_size(used); i++) {
        json_t *one = json_array_get(used, i);
        bool known = false;
        for (size_t j = 0; !known && j < json_array_size(plugins); j++)
            known = json_equal(json_array_get(plugins, j), one);
        if (!known && plugins)
            wrong |= json_array_append(plugins, one);
    }
    json_decref(used);
    return wrong ? tsr_no_memory("plugins") : NULL;
}

/* Moves what the probes wrote, WORKING/probes/LABEL, to probes/LABEL, and the rest away. */
static tsr_status *keep_files(const adding *a, size_t i, const char *working)
{
    const tsr_run *run = &a->more->runs[i];
    tsr_status *status = NULL;
    char *to = file_of(a, i, "probes");
    if (!to)
        return tsr_no_memory("a path");
    for (size_t probe = 0; probe < run->n_probes && !status; probe++) {
        const char *label = tsr_probe_label(run->probes[probe]);
        char *from = tsr_format("%s/probes/%s", working, label), *place = tsr_path_join(to, label);
        if (!from || !place)
            status = tsr_no_memory("a path");
        else if (access(from, F_OK) == 0) {
            status = tsr_make_folder(to);
            if (!status)
                status = tsr_remove_tree(place); /* of an attempt that did not end */
            if (!status && rename(from, place) != 0)
                status = tsr_fail(TSR_IO, "%s: cannot be made", place);
        }
        free(from);
        free(place);
    }
    free(to);
    return status;
}

/* From the run's network, or, where only these were saved, from its codes. */
static tsr_status *probe_saved(adding *a, size_t i, const char *working, tsr_probed_again *out)
{
    const json_t *record = tsr_session_record(a->session, i);
    size_t epoch = (size_t)json_integer_value(json_object_get(record, "epochs_done"));
    size_t before = a->study->runs[i].n_probes + json_object_size(json_object_get(record, TSR_ADDED_PROBES));
    bool network = has_network(a, i);
    char *path = file_of(a, i, network ? "model.safetensors" : "codes");
    tsr_safetensors *file = NULL;
    tsr_run run = a->more->runs[i]; /* a copy with other weights; what it points to stays the experiment's */
    tsr_status *status = !path ? tsr_no_memory("a path") : network ? tsr_safetensors_read(path, &file) : NULL;
    run.weights = file;
    if (!status)
        status = tsr_run_probe_again(&run, before, epoch, working, network ? NULL : path, out);
    tsr_safetensors_free(file);
    free(path);
    return status;
}

static tsr_status *probe_run(adding *a, size_t i, bool *all)
{
    json_t *record = tsr_session_record(a->session, i);
    const char *id = a->study->runs[i].id;
    tsr_probed_again probed = { 0 };
    char *working = file_of(a, i, WORKING);
    tsr_status *status = working ? probe_saved(a, i, working, &probed) : tsr_no_memory("a path");
    if (!status)
        status = merge(record, &probed);
    if (!status)
        status = note_added(record, &a->more->runs[i], id, probed.failed_probes, all);
    if (!status)
        status = note_plugins(record, a->more);
    if (!status)
        status = keep_files(a, i, working);
    if (!status)
        status = tsr_store_put(tsr_session_store(a->session), id, record);
    if (working)
        tsr_status_free(tsr_remove_tree(working));
    tsr_probed_again_clear(&probed);
    free(working);
    return tsr_context(status, "run %s", id);
}

/* --- all of them --- */

static bool is_interrupted(const tsr_session_observer *observer)
{
    return observer->interrupted && observer->interrupted(observer->context);
}

static tsr_status *check_all(const adding *a, size_t *unfinished)
{
    *unfinished = 0;
    if (a->more->n_runs != a->study->n_runs)
        return tsr_fail(TSR_REFUSED, "the settings make %zu runs of %zu: expected probes alone",
                        a->more->n_runs, a->study->n_runs);
    if (a->more->n_runs && a->more->runs[0].n_probes == 0)
        return tsr_fail(TSR_USAGE, "no probes are given: expected -s 'probes=(\"redundancy\", ...)'");
    for (size_t i = 0; i < a->study->n_runs; i++) {
        const json_t *record = tsr_session_record(a->session, i);
        if (record && tsr_record_is_done(record))
            TSR_TRY(check_run(a, i));
        else
            ++*unfinished;
    }
    if (*unfinished == a->study->n_runs)
        return tsr_fail(TSR_REFUSED, "no run is finished: expected some, which tessera run does");
    return NULL;
}

/* A run whose probing fails costs itself alone. */
static tsr_status *probe_all(adding *a, const tsr_session_observer *observer, size_t *failed)
{
    for (size_t i = 0; i < a->study->n_runs; i++) {
        const json_t *record = tsr_session_record(a->session, i);
        bool all = true;
        if (is_interrupted(observer))
            return tsr_fail(TSR_INTERRUPTED,
                            "interrupted; what is done is kept, the same command does the rest");
        if (!record || !tsr_record_is_done(record) || !is_to_do(record, &a->more->runs[i]))
            continue;
        tsr_status *failure = probe_run(a, i, &all);
        if (failure)
            tsr_log_error("%s", tsr_status_message(failure));
        *failed += failure || !all;
        tsr_status_free(failure);
        if (observer->tick)
            observer->tick(observer->context);
    }
    return NULL;
}

static tsr_status *add(adding *a, const tsr_session_observer *observer, size_t *failed)
{
    size_t unfinished, undone;
    TSR_TRY(check_all(a, &unfinished));
    if (observer->begin)
        observer->begin(observer->context, NULL);
    tsr_status *status = probe_all(a, observer, failed);
    if (observer->end)
        observer->end(observer->context);
    tsr_status *unwritten = tsr_session_conclude(a->session, observer, &undone);
    if (!status)
        status = unwritten;
    else
        tsr_status_free(unwritten);
    if (!status && unfinished)
        tsr_log_error("%zu of %zu runs are not finished and have none of the new metrics: 'tessera run' does "
                      "them first",
                      unfinished, a->study->n_runs);
    *failed += unfinished;
    return status;
}

static tsr_status *read_both(adding *a, const char *folder, size_t n, const char *const *settings)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(settings[i], "probes", 6) != 0 || !strchr("=. ", settings[i][6]))
            return tsr_fail(TSR_USAGE, "-s %s: expected probes=(...): the rest is the study's", settings[i]);
    char *config = tsr_path_join(folder, "config.cfg");
    tsr_status *status = config ? NULL : tsr_no_memory("a path");
    if (!status && access(config, F_OK) != 0)
        status = tsr_fail(TSR_REFUSED, "%s: no such file: expected a results folder", config);
    if (!status)
        status = tsr_experiment_read(config, 0, NULL, &a->study);
    if (!status)
        status = tsr_experiment_read(config, n, settings, &a->more);
    free(config);
    return status;
}

tsr_status *tsr_add_probes(const char *folder, const char *shown, size_t n, const char *const *settings,
                           const tsr_session_observer *observer, size_t *failed)
{
    const tsr_session_options options = {
        .folder = folder, .shown = shown, .shard = { 0, 1 }, .whole = true
    };
    adding a = { 0 };
    *failed = 0;
    tsr_status *status = read_both(&a, folder, n, settings);
    if (!status)
        status = tsr_session_open(a.study, &options, &a.session);
    if (!status)
        status = add(&a, observer, failed);
    tsr_session_close(a.session);
    tsr_experiment_free(a.more);
    tsr_experiment_free(a.study);
    return status;
}
