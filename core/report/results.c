/* Gathering results. config.cfg has the sweep, each record the run's place in it. */
#include "report/results.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/json.h"
#include "config/read.h"
#include "experiment/folder.h"
#include "experiment/identity.h"
#include "experiment/record.h"
#include "experiment/place.h"
#include "experiment/skim.h"
#include "report/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The sweep. */

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

static tsr_status *read_keys(tsr_results *results)
{
    const tsr_value *sweep = tsr_value_member(results->config, "sweep");
    size_t n = tsr_value_length(sweep);
    results->expected = results->replicates;
    results->keys = tsr_alloc(n, sizeof(*results->keys));
    if (!results->keys)
        return tsr_no_memory("the sweep");
    for (size_t k = 0; k < n; k++) {
        tsr_swept_key *key = &results->keys[k];
        TSR_TRY(read_key(results, sweep->items[k], key));
        results->n_keys++;
        if (!tsr_checked_multiply(results->expected, key->n, &results->expected))
            return tsr_fail(TSR_REFUSED, "%s/config.cfg: sweep: too many values", results->folder);
    }
    return NULL;
}

static size_t replicates_of(const tsr_value *config)
{
    const tsr_value *replicates = tsr_value_member(config, "replicates");
    bool given = tsr_value_is(replicates, TSR_VALUE_INT) && replicates->integer > 0;
    return given ? (size_t)replicates->integer : 1;
}

static tsr_status *begin(tsr_results *results)
{
    if (!results->folder)
        return tsr_no_memory("the results");
    if (!(results->rows = tsr_rows_new()))
        return tsr_no_memory("the results");
    results->replicates = replicates_of(results->config);
    TSR_TRY(tsr_report_settings_read(results->config, &results->thresholds, NULL));
    TSR_TRY(tsr_identity_of_sweep(results->config, results->sweep));
    return read_keys(results);
}

tsr_status *tsr_results_begin(const char *folder, tsr_value *config, tsr_results **out)
{
    *out = NULL;
    tsr_results *results = config ? tsr_alloc(1, sizeof(*results)) : NULL;
    if (!results) {
        tsr_value_free(config);
        return tsr_no_memory("the results");
    }
    results->folder = strdup(folder);
    results->config = config;
    tsr_status *status = begin(results);
    if (status)
        tsr_results_free(results);
    else
        *out = results;
    return status;
}

/* The runs. */

static void result_clear(tsr_result *run)
{
    json_decref(run->record);
    tsr_value_free(run->swept);
    free(run->place);
    free(run->epochs);
    free(run->cells);
    free(run->forms);
    free(run->real);
    free(run->training);
    *run = (tsr_result){ 0 };
}

bool tsr_results_has_place(const tsr_results *results, const json_t *record)
{
    size_t point, replicate;
    return tsr_place_read(record, results->sweep, &point, &replicate) && replicate < results->replicates &&
           point < results->expected / results->replicates;
}

/* Finds the run's place, which its record carries; false where it is a run of another sweep. */
static bool find_place(const tsr_results *results, tsr_result *run)
{
    if (!tsr_results_has_place(results, run->record) || tsr_value_length(run->swept) != results->n_keys ||
        !tsr_place_read(run->record, results->sweep, &run->point, &run->replicate))
        return false;
    size_t rest = run->point;
    for (size_t k = results->n_keys; k-- > 0;) {
        run->place[k] = rest % results->keys[k].n;
        rest /= results->keys[k].n;
    }
    return true;
}

/* Whether there is memory for one run more. */
static bool grow(tsr_results *results)
{
    size_t n = results->n_runs;
    if ((n & (n - 1)) != 0) /* it is full at a power of two */
        return true;
    tsr_result *grown = realloc(results->runs, (n ? 2 * n : 1) * sizeof(*grown));
    results->runs = grown ? grown : results->runs;
    return grown;
}

tsr_status *tsr_results_add(tsr_results *results, json_t *record)
{
    const json_t *swept = json_object_get(record, "swept");
    tsr_result run = { .record = record,
                       .done = tsr_record_is_done(record),
                       .swept = swept ? tsr_value_from_json(swept) : tsr_value_group(),
                       .place = tsr_alloc(results->n_keys, sizeof(size_t)) };
    bool enough = run.place && run.swept && grow(results);
    if (enough && find_place(results, &run)) {
        tsr_status *status = tsr_rows_take(results, &run);
        results->runs[results->n_runs++] = run;
        return status;
    }
    result_clear(&run);
    results->foreign += enough;
    return enough ? NULL : tsr_no_memory("the results");
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

void tsr_results_sort(tsr_results *results)
{
    if (results->n_runs) /* else there is no array */
        qsort(results->runs, results->n_runs, sizeof(*results->runs), compare_runs);
}

const char *tsr_result_folder(const tsr_results *results, const tsr_result *run)
{
    return results->n_studies ? results->studies[run->place[0]]->folder : results->folder;
}

tsr_status *tsr_results_end(tsr_results *results)
{
    tsr_results_sort(results);
    drop_twins(results);
    if (results->n_runs == 0)
        return tsr_fail(TSR_REFUSED,
                        "%s: no run of its experiment has left a result: expected runs/<id>/run.json",
                        results->folder);
    take_resolved_values(results);
    return tsr_results_tabulate(results);
}

/* A folder. */

typedef struct reading {
    tsr_results *results;
    tsr_skim skim;
} reading;

static tsr_status *read_record(void *context, const char *id)
{
    reading *r = context;
    tsr_results *results = r->results;
    char *path = tsr_record_path(results->folder, id);
    if (!path)
        return tsr_no_memory("a path");
    json_t *record;
    tsr_status *status = tsr_record_skim(&r->skim, path, id, &record);
    free(path);
    if (status) {
        tsr_log_warning("%s; it is left out", tsr_status_message(status));
        tsr_status_free(status);
    }
    return record ? tsr_results_add(results, record) : NULL;
}

static tsr_status *read_config(const char *folder, size_t n_overrides, const char *const *overrides,
                               tsr_value **out)
{
    char *path = tsr_path_join(folder, "config.cfg");
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
        status = tsr_config_read(path, n_overrides, overrides, out);
    free(path);
    return status;
}

tsr_status *tsr_results_open(const char *folder, size_t n_overrides, const char *const *overrides,
                             tsr_results **out)
{
    tsr_value *config = NULL;
    *out = NULL;
    TSR_TRY(read_config(folder, n_overrides, overrides, &config));
    return tsr_results_begin(folder, config, out);
}

static reading reading_of(tsr_results *results)
{
    return (reading){
        .results = results,
        .skim = { .skipped = tsr_skim_for_tables, .take = tsr_rows_read_text, .context = results->rows }
    };
}

tsr_status *tsr_results_add_runs(tsr_results *results, size_t n, const char *const *ids)
{
    reading r = reading_of(results);
    tsr_status *status = NULL;
    for (size_t i = 0; i < n && !status; i++)
        status = read_record(&r, ids[i]);
    tsr_skim_clear(&r.skim);
    return status;
}

tsr_status *tsr_results_add_all(tsr_results *results)
{
    reading r = reading_of(results);
    tsr_status *status = tsr_folder_each_run(results->folder, read_record, &r);
    tsr_skim_clear(&r.skim);
    return status;
}

tsr_status *tsr_results_read(const char *folder, size_t n_overrides, const char *const *overrides,
                             tsr_results **out)
{
    tsr_results *results;
    TSR_TRY(tsr_results_open(folder, n_overrides, overrides, &results));
    tsr_status *status = tsr_results_add_all(results);
    if (!status)
        status = tsr_results_end(results);
    if (status)
        tsr_results_free(results);
    else
        *out = results;
    return status;
}

void tsr_results_free(tsr_results *results)
{
    if (!results)
        return;
    for (size_t i = 0; i < results->n_runs; i++)
        result_clear(&results->runs[i]);
    for (size_t i = 0; i < results->n_studies; i++)
        tsr_results_free(results->studies[i]);
    free(results->studies);
    for (size_t k = 0; k < results->n_keys; k++)
        free(results->keys[k].values);
    for (size_t m = 0; m < results->n_measures; m++)
        free(results->measures[m].name);
    free(results->runs);
    free(results->keys);
    free(results->measures);
    tsr_rows_free(results->rows);
    tsr_value_free(results->config);
    free(results->folder);
    free(results);
}
