/* A results folder as the report reads it. config.cfg has the sweep as it was written, a run.json its values
   as they were resolved ("NAME" became { plugin = "NAME"; }): a run's place in the sweep is found by asking
   which of the written values could have become the run's. */
#include "report/results.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/config.h"
#include "experiment/resolved.h"
#include "experiment/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool matches(const json_t *written, const json_t *resolved);

/* Relative paths and "~/" were made absolute. */
static bool text_matches(const char *written, const char *resolved)
{
    if (strcmp(written, resolved) == 0)
        return true;
    if (resolved[0] != '/')
        return false;
    written += strspn(written, "~./");
    size_t length = strlen(written), whole = strlen(resolved);
    return length > 0 && whole > length && resolved[whole - length - 1] == '/' &&
           strcmp(resolved + whole - length, written) == 0;
}

/* A group may leave out what has a default. */
static bool group_matches(const json_t *written, const json_t *resolved)
{
    json_t *members = json_incref((json_t *)(uintptr_t)written), *value; /* the macro wants it mutable */
    const char *key;
    bool same = true;
    json_object_foreach(members, key, value) same = same && matches(value, json_object_get(resolved, key));
    json_decref(members);
    return same;
}

static bool matches(const json_t *written, const json_t *resolved)
{
    if (json_is_number(written) && json_is_number(resolved))
        return json_number_value(written) == json_number_value(resolved);
    if (json_is_string(written) && json_is_object(resolved)) /* a plugin's name alone */
        return matches(written, json_object_get(resolved, "plugin"));
    if (json_is_string(written) && json_is_string(resolved))
        return text_matches(json_string_value(written), json_string_value(resolved));
    if (json_is_object(written) && json_is_object(resolved))
        return group_matches(written, resolved);
    if (json_is_array(written) && json_is_array(resolved)) {
        size_t n = json_array_size(written);
        bool same = n == json_array_size(resolved);
        for (size_t i = 0; same && i < n; i++)
            same = matches(json_array_get(written, i), json_array_get(resolved, i));
        return same;
    }
    return written && resolved && json_equal(written, resolved);
}

/* The value that the run has at a key. Replicates of one point have seeds of their own. */
static json_t *value_of(const json_t *outcome, const char *key, size_t replicate)
{
    json_t *value = json_object_get(json_object_get(outcome, "swept"), key);
    if (value && strcmp(key, "seed") == 0)
        return json_integer(json_integer_value(value) - (json_int_t)replicate);
    return json_incref(value);
}

/* Which of the key's values is the run's; their number where none is. One written as the run has it goes
   before one that could have become it: a plugin's bare name stands for any of its settings. */
static size_t find_value(const tsr_swept_key *key, const json_t *value, bool *same)
{
    for (size_t i = 0; value && i < key->n; i++)
        if (json_equal(key->values[i], value))
            return i;
    *same = false;
    size_t at = 0;
    while (at < key->n && !matches(key->values[at], value))
        at++;
    return at;
}

/* Finds the run's place in the sweep; false where it has none. */
static bool find_place(const tsr_results *results, size_t replicates, tsr_result *run)
{
    const json_t *outcome = run->outcome, *number = json_object_get(outcome, "replicate");
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        (size_t)json_integer_value(number) >= replicates ||
        json_object_size(json_object_get(outcome, "swept")) != results->n_keys)
        return false;
    run->replicate = (size_t)json_integer_value(number);
    run->as_written = true;
    for (size_t k = 0; k < results->n_keys; k++) {
        const tsr_swept_key *key = &results->keys[k];
        json_t *value = value_of(outcome, key->name, run->replicate);
        size_t at = find_value(key, value, &run->as_written);
        json_decref(value);
        if (at == key->n)
            return false;
        run->place[k] = at;
        run->point = run->point * key->n + at;
    }
    return true;
}

static void result_clear(tsr_result *run)
{
    json_decref(run->outcome);
    free(run->place);
    *run = (tsr_result){ 0 };
}

static tsr_status *add_run(tsr_results *results, size_t replicates, json_t *outcome, struct timespec written)
{
    tsr_result run = { .outcome = outcome,
                       .written = written,
                       .place = tsr_alloc(results->n_keys, sizeof(size_t)) };
    if (!run.place) {
        result_clear(&run);
        return tsr_no_memory("the results");
    }
    if (!find_place(results, replicates, &run)) {
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

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static tsr_status *read_run(tsr_results *results, size_t replicates, const char *runs, const char *id)
{
    char *path = tsr_format("%s/%s/run.json", runs, id);
    if (!path)
        return tsr_no_memory("a path");
    json_t *outcome = NULL;
    struct stat file;
    if (stat(path, &file) == 0)
        outcome = tsr_outcome_read(path, id, "it is left out");
    free(path);
    return outcome ? add_run(results, replicates, outcome, file.st_mtim) : NULL;
}

static int compare_times(struct timespec a, struct timespec b)
{
    if (a.tv_sec != b.tv_sec)
        return a.tv_sec < b.tv_sec ? -1 : 1;
    return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

static int compare_runs(const void *a, const void *b)
{
    const tsr_result *left = a, *right = b;
    if (left->point != right->point)
        return left->point < right->point ? -1 : 1;
    if (left->replicate != right->replicate)
        return left->replicate < right->replicate ? -1 : 1;
    if (left->as_written != right->as_written)
        return left->as_written ? -1 : 1;
    return compare_times(right->written, left->written);
}

/* One run has one place. There are several where a file that the config names has become another: the newest
   counts, and they are no replicates of each other. */
static void drop_twins(tsr_results *results)
{
    size_t kept = 0;
    for (size_t i = 0; i < results->n_runs; i++) {
        tsr_result *run = &results->runs[i], *last = kept ? &results->runs[kept - 1] : NULL;
        if (last && last->point == run->point && last->replicate == run->replicate) {
            results->foreign++;
            result_clear(run);
        } else {
            results->runs[kept++] = *run;
        }
    }
    results->n_runs = kept;
}

static tsr_status *read_runs(tsr_results *results, size_t replicates)
{
    char *path = tsr_path_join(results->folder, "runs");
    struct dirent **entries = NULL;
    int n = path ? scandir(path, &entries, is_visible, alphasort) : 0;
    tsr_status *status = path ? NULL : tsr_no_memory("a path");
    for (int i = 0; i < n; i++) {
        if (!status)
            status = read_run(results, replicates, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    free(path);
    if (!status && results->n_runs == 0)
        status = tsr_fail(TSR_REFUSED,
                          "%s: no run of its experiment has left a result: expected runs/<id>/run.json",
                          results->folder);
    if (!status) {
        qsort(results->runs, results->n_runs, sizeof(*results->runs), compare_runs);
        drop_twins(results);
    }
    return status;
}

static tsr_status *read_keys(tsr_results *results, size_t replicates)
{
    const json_t *sweep = json_object_get(results->config, "sweep");
    results->expected = replicates;
    results->keys = tsr_alloc(json_array_size(sweep), sizeof(*results->keys));
    if (!results->keys)
        return tsr_no_memory("the sweep");
    for (size_t k = 0; k < json_array_size(sweep); k++) {
        const json_t *entry = json_array_get(sweep, k), *values = json_object_get(entry, "values");
        tsr_swept_key *key = &results->keys[results->n_keys];
        key->name = json_string_value(json_object_get(entry, "key"));
        key->n = json_array_size(values);
        if (!key->name || key->n == 0 || !tsr_multiply(results->expected, key->n, &results->expected))
            return tsr_fail(TSR_REFUSED,
                            "%s/config.cfg: sweep: expected entries { key = \"...\"; values = [ ... ]; }",
                            results->folder);
        key->values = tsr_alloc(key->n, sizeof(*key->values));
        if (!key->values)
            return tsr_no_memory("the sweep");
        results->n_keys++;
        for (size_t i = 0; i < key->n; i++)
            key->values[i] = json_array_get(values, i);
    }
    return NULL;
}

/* Written values give way to resolved ones. */
static void take_resolved_values(tsr_results *results)
{
    for (size_t i = results->n_runs; i-- > 0;) /* the first run of each value is the last to set it */
        for (size_t k = 0; k < results->n_keys; k++) {
            tsr_swept_key *key = &results->keys[k];
            if (strcmp(key->name, "seed") != 0)
                key->values[results->runs[i].place[k]] =
                    json_object_get(json_object_get(results->runs[i].outcome, "swept"), key->name);
        }
}

static tsr_status *read_config(tsr_results *results, size_t n_overrides, const char *const *overrides)
{
    char *path = tsr_path_join(results->folder, "config.cfg");
    tsr_status *status = NULL;
    tsr_config config;
    if (!path)
        status = tsr_no_memory("a path");
    else if (access(path, F_OK) != 0)
        status = tsr_fail(TSR_REFUSED,
                          "%s: %s: expected a results folder, with the config.cfg and the runs/<id>/run.json "
                          "that tessera run leaves",
                          path, strerror(errno));
    else
        status = tsr_config_read(path, n_overrides, overrides, &config);
    free(path);
    TSR_TRY(status);
    const config_setting_t *root = config_root_setting(&config.tree);
    status = tsr_report_settings_read(root, &results->thresholds, NULL);
    results->config = tsr_resolved_from_setting(root);
    if (!status && !results->config)
        status = tsr_no_memory("the config");
    tsr_config_clear(&config);
    return status;
}

tsr_status *tsr_results_read(const char *folder, size_t n_overrides, const char *const *overrides,
                             tsr_results **out)
{
    tsr_results *results = tsr_alloc(1, sizeof(*results));
    TSR_TRY(results ? NULL : tsr_no_memory("the results"));
    results->folder = strdup(folder);
    tsr_status *status =
        results->folder ? read_config(results, n_overrides, overrides) : tsr_no_memory("a path");
    json_int_t replicates = json_integer_value(json_object_get(results->config, "replicates"));
    size_t most = replicates > 0 ? (size_t)replicates : 1;
    if (!status)
        status = read_keys(results, most);
    if (!status)
        status = read_runs(results, most);
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
    json_decref(results->config);
    free(results->folder);
    free(results);
}
