/* A results folder as the report reads it. config.cfg has the sweep, each run.json the run's place in it. */
#include "report/results.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "config/read.h"
#include "experiment/folder.h"
#include "experiment/identity.h"
#include "experiment/outcome.h"
#include "experiment/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Finds the run's place, which its record carries; false where it is a run of another sweep. */
static bool find_place(const tsr_results *results, const char *sweep, size_t replicates, tsr_result *run)
{
    if (!tsr_place_read(run->outcome, sweep, &run->point, &run->replicate) || run->replicate >= replicates ||
        run->point >= results->expected / replicates || tsr_value_length(run->swept) != results->n_keys)
        return false;
    size_t rest = run->point;
    for (size_t k = results->n_keys; k-- > 0;) {
        run->place[k] = rest % results->keys[k].n;
        rest /= results->keys[k].n;
    }
    return true;
}

static void result_clear(tsr_result *run)
{
    json_decref(run->outcome);
    tsr_value_free(run->swept);
    free(run->place);
    *run = (tsr_result){ 0 };
}

/* What the runs of a folder are read with. */
typedef struct reading {
    tsr_results *results;
    size_t replicates;
    char sweep[17];
} reading;

static tsr_status *add_run(const reading *r, json_t *outcome)
{
    tsr_results *results = r->results;
    const json_t *swept = json_object_get(outcome, "swept");
    tsr_result run = { .outcome = outcome,
                       .swept = swept ? tsr_value_from_json(swept) : tsr_value_group(),
                       .place = tsr_alloc(results->n_keys, sizeof(size_t)) };
    if (!run.place || !run.swept) {
        result_clear(&run);
        return tsr_no_memory("the results");
    }
    if (!find_place(results, r->sweep, r->replicates, &run)) {
        results->foreign++;
        result_clear(&run);
        return NULL;
    }
    size_t n = results->n_runs;
    if ((n & (n - 1)) == 0) { /* full: a power of two */
        tsr_result *grown = realloc(results->runs, (n ? 2 * n : 1) * sizeof(*grown));
        if (!grown) {
            result_clear(&run);
            return tsr_no_memory("the results");
        }
        results->runs = grown;
    }
    results->runs[results->n_runs++] = run;
    return NULL;
}

static tsr_status *read_run(void *context, const char *id)
{
    const reading *r = context;
    char *path = tsr_format("%s/runs/%s/run.json", r->results->folder, id);
    if (!path)
        return tsr_no_memory("a path");
    json_t *outcome;
    tsr_status *status = tsr_outcome_read(path, id, &outcome);
    free(path);
    if (status) {
        tsr_log_warning("%s; it is left out", tsr_status_message(status));
        tsr_status_free(status);
    }
    return outcome ? add_run(r, outcome) : NULL;
}

static int compare_runs(const void *a, const void *b)
{
    const tsr_result *left = a, *right = b;
    if (left->point != right->point)
        return left->point < right->point ? -1 : 1;
    return left->replicate < right->replicate ? -1 : left->replicate > right->replicate;
}

/* One place has one run. There are two where the command that would have released the place of the first was
   killed: which of them is the experiment's cannot be told from here, so neither is believed. */
static void drop_twins(tsr_results *results)
{
    size_t kept = 0;
    for (size_t first = 0, next; first < results->n_runs; first = next) {
        for (next = first + 1; next < results->n_runs; next++)
            if (compare_runs(&results->runs[first], &results->runs[next]) != 0)
                break;
        if (next == first + 1) {
            results->runs[kept++] = results->runs[first];
            continue;
        }
        tsr_log_warning("%zu runs have the place of point %zu, replicate %zu, in the sweep and are left out: "
                        "run the experiment again",
                        next - first, results->runs[first].point, results->runs[first].replicate);
        results->foreign += next - first;
        for (size_t i = first; i < next; i++)
            result_clear(&results->runs[i]);
    }
    results->n_runs = kept;
}

static tsr_status *read_runs(tsr_results *results, size_t replicates)
{
    reading r = { .results = results, .replicates = replicates };
    TSR_TRY(tsr_identity_of_sweep(results->config, r.sweep));
    TSR_TRY(tsr_folder_each_run(results->folder, read_run, &r));
    if (results->n_runs) /* else there is no array */
        qsort(results->runs, results->n_runs, sizeof(*results->runs), compare_runs);
    drop_twins(results);
    return results->n_runs
               ? NULL
               : tsr_fail(TSR_REFUSED,
                          "%s: no run of its experiment has left a result: expected runs/<id>/run.json",
                          results->folder);
}

static tsr_status *read_key(const tsr_results *results, const tsr_value *entry, tsr_swept_key *key)
{
    const tsr_value *values = tsr_value_member(entry, "values");
    key->name = tsr_value_text(tsr_value_member(entry, "key"));
    key->n = tsr_value_length(values);
    if (!key->name || key->n == 0 || values->type != TSR_VALUE_LIST)
        return tsr_fail(TSR_REFUSED,
                        "%s/config.cfg: sweep: expected entries { key = \"...\"; values = [ ... ]; }",
                        results->folder);
    key->values = tsr_alloc(key->n, sizeof(*key->values));
    if (!key->values)
        return tsr_no_memory("the sweep");
    for (size_t i = 0; i < key->n; i++)
        key->values[i] = values->items[i];
    return NULL;
}

static tsr_status *read_keys(tsr_results *results, size_t replicates)
{
    const tsr_value *sweep = tsr_value_member(results->config, "sweep");
    size_t n = tsr_value_length(sweep);
    results->expected = replicates;
    results->keys = tsr_alloc(n, sizeof(*results->keys));
    if (!results->keys)
        return tsr_no_memory("the sweep");
    for (size_t k = 0; k < n; k++) {
        tsr_swept_key *key = &results->keys[k];
        TSR_TRY(read_key(results, sweep->items[k], key));
        results->n_keys++;
        if (!tsr_multiply(results->expected, key->n, &results->expected))
            return tsr_fail(TSR_REFUSED, "%s/config.cfg: sweep: too many values", results->folder);
    }
    return NULL;
}

/* Written values give way to resolved ones. */
static void take_resolved_values(tsr_results *results)
{
    for (size_t i = results->n_runs; i-- > 0;) /* the first run of each value is the last to set it */
        for (size_t k = 0; k < results->n_keys; k++) {
            tsr_swept_key *key = &results->keys[k];
            const tsr_value *value = tsr_value_member(results->runs[i].swept, key->name);
            if (value && strcmp(key->name, "seed") != 0)
                key->values[results->runs[i].place[k]] = value;
        }
}

static tsr_status *read_config(tsr_results *results, size_t n_overrides, const char *const *overrides)
{
    char *path = tsr_path_join(results->folder, "config.cfg");
    tsr_status *status = NULL;
    struct stat info;
    if (!path)
        status = tsr_no_memory("a path");
    else if (stat(path, &info) != 0)
        status = tsr_fail(TSR_REFUSED,
                          "%s: %s: expected a results folder, with the config.cfg and the runs/<id>/run.json "
                          "that tessera run leaves",
                          path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = tsr_fail(TSR_REFUSED, "%s: expected a config file, not a %s", path,
                          S_ISDIR(info.st_mode) ? "folder" : "device");
    else
        status = tsr_config_read(path, n_overrides, overrides, &results->config);
    free(path);
    TSR_TRY(status);
    return tsr_report_settings_read(results->config, &results->thresholds, NULL);
}

static size_t replicates_of(const tsr_value *config)
{
    const tsr_value *replicates = tsr_value_member(config, "replicates");
    bool given = tsr_value_is(replicates, TSR_VALUE_INT) && replicates->integer > 0;
    return given ? (size_t)replicates->integer : 1;
}

tsr_status *tsr_results_read(const char *folder, size_t n_overrides, const char *const *overrides,
                             tsr_results **out)
{
    tsr_results *results = tsr_alloc(1, sizeof(*results));
    TSR_TRY(results ? NULL : tsr_no_memory("the results"));
    results->folder = strdup(folder);
    tsr_status *status =
        results->folder ? read_config(results, n_overrides, overrides) : tsr_no_memory("a path");
    size_t replicates = replicates_of(results->config);
    if (!status)
        status = read_keys(results, replicates);
    if (!status)
        status = read_runs(results, replicates);
    if (status) {
        tsr_results_free(results);
        return status;
    }
    take_resolved_values(results);
    *out = results;
    return NULL;
}

void tsr_results_free(tsr_results *results)
{
    if (!results)
        return;
    for (size_t i = 0; i < results->n_runs; i++)
        result_clear(&results->runs[i]);
    for (size_t k = 0; k < results->n_keys; k++)
        free(results->keys[k].values);
    free(results->runs);
    free(results->keys);
    tsr_value_free(results->config);
    free(results->folder);
    free(results);
}
