/* Several studies as one table of results. */
#include "report/comparison.h"

#include "base/memory.h"
#include "config/compare.h"
#include "config/json.h"
#include "experiment/folder.h"
#include "experiment/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *tsr_comparison_label(const tsr_results *all, size_t study)
{
    return tsr_value_text(all->keys[0].values[study]);
}

bool tsr_is_comparison(const tsr_results *results)
{
    return results->n_studies > 0;
}

/* --- the sweep of all --- */

/* Its number among the study's keys; n_keys: not swept. */
static size_t find_key(const tsr_results *study, const char *name)
{
    size_t k = 0;
    while (k < study->n_keys && strcmp(study->keys[k].name, name) != 0)
        k++;
    return k;
}

/* Value i of those that the study has of a key: the only one where it does not sweep it. The caller's. */
static tsr_value *value_of(const tsr_results *study, const char *name, size_t i)
{
    size_t k = find_key(study, name);
    const tsr_value *value = k < study->n_keys ? study->keys[k].values[i] : tsr_value_at(study->config, name);
    return value && !tsr_value_is(value, TSR_VALUE_NULL) ? tsr_value_copy(value)
                                                         : tsr_value_string("not set");
}

static size_t n_values(const tsr_results *study, const char *name)
{
    size_t k = find_key(study, name);
    return k < study->n_keys ? study->keys[k].n : 1;
}

/* The place of a value, which is taken over, in a list; behind the others where it is new. */
static tsr_status *place_value(tsr_value *list, tsr_value *value, size_t *place)
{
    size_t n = tsr_value_length(list);
    for (*place = 0; value && *place < n; ++*place)
        if (tsr_values_equal(list->items[*place], value)) {
            tsr_value_free(value);
            return NULL;
        }
    return tsr_value_append(list, value);
}

static tsr_status *add_key(tsr_value *sweep, const char *name, tsr_value *values)
{
    tsr_value *entry = tsr_value_group();
    tsr_status *status =
        entry ? tsr_value_put(entry, "key", tsr_value_string(name)) : tsr_no_memory("the sweep");
    if (status)
        tsr_value_free(values);
    else
        status = tsr_value_put(entry, "values", values);
    if (!status)
        return tsr_value_append(sweep, entry);
    tsr_value_free(entry);
    return status;
}

static bool has_key(const tsr_value *sweep, const char *name)
{
    for (size_t i = 0; i < tsr_value_length(sweep); i++)
        if (strcmp(tsr_value_text(tsr_value_member(sweep->items[i], "key")), name) == 0)
            return true;
    return false;
}

static tsr_status *add_values(size_t n, tsr_results *const *studies, const char *name, tsr_value *sweep)
{
    tsr_value *values = tsr_value_list();
    tsr_status *status = values ? NULL : tsr_no_memory("the sweep");
    size_t place;
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; !status && i < n_values(studies[s], name); i++)
            status = place_value(values, value_of(studies[s], name, i), &place);
    if (!status)
        return add_key(sweep, name, values);
    tsr_value_free(values);
    return status;
}

static tsr_status *make_sweep(size_t n, tsr_results *const *studies, char *const *labels, tsr_value *sweep)
{
    tsr_value *names = tsr_value_list();
    tsr_status *status = names ? NULL : tsr_no_memory("the sweep");
    for (size_t s = 0; s < n && !status; s++)
        status = tsr_value_append(names, tsr_value_string(labels[s]));
    if (status) {
        tsr_value_free(names);
        return status;
    }
    TSR_TRY(add_key(sweep, TSR_STUDY_KEY, names));
    for (size_t s = 0; s < n; s++)
        for (size_t k = 0; k < studies[s]->n_keys; k++)
            if (!has_key(sweep, studies[s]->keys[k].name))
                TSR_TRY(add_values(n, studies, studies[s]->keys[k].name, sweep));
    return NULL;
}

/* The first study's config, with the sweep and the name of all. */
static tsr_status *make_config(size_t n, tsr_results *const *studies, char *const *labels, tsr_value *config)
{
    tsr_value *sweep = tsr_value_list();
    tsr_text name = { 0 };
    size_t replicates = 1;
    tsr_status *status = sweep ? make_sweep(n, studies, labels, sweep) : tsr_no_memory("the sweep");
    if (!status)
        status = tsr_value_put(config, "sweep", sweep);
    else
        tsr_value_free(sweep);
    for (size_t s = 0; s < n; s++) {
        tsr_text_add(&name, s ? (s + 1 < n ? ", %s" : " and %s") : "%s", labels[s]);
        replicates = studies[s]->replicates > replicates ? studies[s]->replicates : replicates;
    }
    if (!status)
        status = name.failed ? tsr_no_memory("the studies")
                             : tsr_value_put(config, "name", tsr_value_string(name.chars));
    if (!status)
        status = tsr_value_put(config, "replicates", tsr_value_int((int64_t)replicates));
    free(name.chars);
    return status;
}

/* --- the runs of all --- */

/* Where the values and metrics of one study stand among those of all. */
typedef struct mapping {
    size_t study;
    size_t **at;      /* of each key of all: by the study's place of a value */
    size_t *measures; /* of the study's metrics */
} mapping;

static tsr_status *map_keys(const tsr_results *all, const tsr_results *study, mapping *map)
{
    const tsr_value *sweep = tsr_value_member(all->config, "sweep");
    map->at = tsr_alloc(all->n_keys, sizeof(*map->at));
    for (size_t k = 1; map->at && k < all->n_keys; k++) {
        const tsr_value *values = tsr_value_member(sweep->items[k], "values");
        size_t n = n_values(study, all->keys[k].name);
        if (!(map->at[k] = tsr_alloc(n, sizeof(size_t))))
            return tsr_no_memory("the studies");
        for (size_t i = 0; i < n; i++) {
            tsr_value *value = value_of(study, all->keys[k].name, i);
            if (!value)
                return tsr_no_memory("the studies");
            while (map->at[k][i] < values->n && !tsr_values_equal(values->items[map->at[k][i]], value))
                map->at[k][i]++;
            tsr_value_free(value);
        }
    }
    return map->at ? NULL : tsr_no_memory("the studies");
}

static tsr_status *map_measures(tsr_results *all, const tsr_results *study, mapping *map)
{
    map->measures = tsr_alloc(study->n_measures, sizeof(size_t));
    tsr_measure *grown = reallocarray(all->measures, all->n_measures + study->n_measures + 1, sizeof(*grown));
    all->measures = grown ? grown : all->measures;
    if (!grown || !map->measures)
        return tsr_no_memory("the studies");
    for (size_t m = 0; m < study->n_measures; m++) {
        size_t *at = &map->measures[m];
        while (*at < all->n_measures && strcmp(all->measures[*at].name, study->measures[m].name) != 0)
            ++*at;
        if (*at < all->n_measures) {
            all->measures[*at].counts = all->measures[*at].counts && study->measures[m].counts;
            continue;
        }
        all->measures[*at] = study->measures[m];
        if (!(all->measures[*at].name = strdup(study->measures[m].name)))
            return tsr_no_memory("the studies");
        all->n_measures++;
    }
    return NULL;
}

/* Gives the run its place among all. */
static tsr_status *place_run(const tsr_results *all, const tsr_results *study, const mapping *map,
                             tsr_result *run)
{
    size_t *place = tsr_alloc(all->n_keys, sizeof(*place));
    if (!place)
        return tsr_no_memory("the studies");
    place[0] = run->point = map->study;
    for (size_t k = 1; k < all->n_keys; k++) {
        size_t own = find_key(study, all->keys[k].name);
        place[k] = map->at[k][own < study->n_keys ? run->place[own] : 0];
        run->point = run->point * all->keys[k].n + place[k];
    }
    free(run->place);
    run->place = place;
    return tsr_value_put(run->swept, TSR_STUDY_KEY, tsr_value_string(tsr_comparison_label(all, map->study)));
}

/* Gives the run's metrics the columns of all. */
static tsr_status *widen_run(const tsr_results *all, const tsr_results *study, const mapping *map,
                             tsr_result *run)
{
    size_t n;
    double *cells =
        tsr_checked_multiply(run->n_snapshots, all->n_measures, &n) ? tsr_alloc(n, sizeof(*cells)) : NULL;
    if (!cells)
        return tsr_no_memory("the studies");
    for (size_t i = 0; i < n; i++)
        cells[i] = NAN;
    for (size_t e = 0; e < run->n_snapshots; e++)
        for (size_t m = 0; m < study->n_measures; m++)
            cells[e * all->n_measures + map->measures[m]] = run->cells[e * study->n_measures + m];
    free(run->cells);
    run->cells = cells;
    return NULL;
}

/* The runs go from the study into all. */
static tsr_status *take_runs(tsr_results *all, tsr_results *study, const mapping *map)
{
    tsr_result *grown = reallocarray(all->runs, all->n_runs + study->n_runs + 1, sizeof(*grown));
    if (!grown)
        return tsr_no_memory("the studies");
    all->runs = grown;
    memcpy(grown + all->n_runs, study->runs, study->n_runs * sizeof(*grown));
    size_t first = all->n_runs;
    all->n_runs += study->n_runs;
    study->n_runs = 0;
    for (size_t i = first; i < all->n_runs; i++) {
        TSR_TRY(place_run(all, study, map, &all->runs[i]));
        TSR_TRY(widen_run(all, study, map, &all->runs[i]));
    }
    all->expected += study->expected;
    all->foreign += study->foreign;
    return NULL;
}

static tsr_status *fill(tsr_results *all, mapping *maps)
{
    all->expected = 0;
    for (size_t s = 0; s < all->n_studies; s++) {
        maps[s].study = s;
        TSR_TRY(map_keys(all, all->studies[s], &maps[s]));
        TSR_TRY(map_measures(all, all->studies[s], &maps[s]));
    }
    for (size_t s = 0; s < all->n_studies; s++)
        TSR_TRY(take_runs(all, all->studies[s], &maps[s]));
    tsr_results_sort(all);
    return NULL;
}

/* Takes the studies over where it succeeds. */
static tsr_status *join(size_t n, tsr_results **studies, char *const *labels, tsr_results **out)
{
    tsr_value *config = tsr_value_copy(studies[0]->config);
    tsr_status *status = config ? make_config(n, studies, labels, config) : tsr_no_memory("the studies");
    tsr_results *all = NULL;
    if (status) {
        tsr_value_free(config);
        return status;
    }
    TSR_TRY(tsr_results_begin(studies[0]->folder, config, &all));
    mapping *maps = tsr_alloc(n, sizeof(*maps));
    all->studies = studies;
    all->n_studies = n;
    status = maps ? fill(all, maps) : tsr_no_memory("the studies");
    for (size_t s = 0; maps && s < n; s++) {
        for (size_t k = 0; maps[s].at && k < all->n_keys; k++)
            free(maps[s].at[k]);
        free(maps[s].at);
        free(maps[s].measures);
    }
    free(maps);
    if (status) {
        all->studies = NULL; /* they stay the caller's */
        all->n_studies = 0;
        tsr_results_free(all);
        return status;
    }
    *out = all;
    return NULL;
}

/* --- reading --- */

static tsr_status *refuse_twins(size_t n, const char *const *folders)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            char *a = realpath(folders[i], NULL), *b = realpath(folders[j], NULL);
            bool same = a && b && strcmp(a, b) == 0;
            free(a);
            free(b);
            if (same)
                return tsr_fail(TSR_REFUSED, "%s and %s are one folder: expected different studies",
                                folders[j], folders[i]);
        }
    return NULL;
}

/* Which run has this value of a key; NULL: none. */
static tsr_result *run_with(const tsr_results *study, size_t key, size_t value)
{
    for (size_t i = 0; i < study->n_runs; i++)
        if (study->runs[i].place[key] == value)
            return &study->runs[i];
    return NULL;
}

/* The value with all that its run's config says of it: a plugin by its name alone, and the same with its
   settings written out, are then one. */
static tsr_status *take_whole_value(tsr_results *study, size_t k, size_t i)
{
    tsr_swept_key *key = &study->keys[k];
    tsr_result *run = run_with(study, k, i);
    const char *id = run ? json_string_value(json_object_get(run->record, "run")) : NULL;
    char *path = id ? tsr_record_path(study->folder, id) : NULL;
    json_t *record = NULL;
    if (!run)
        return NULL;
    tsr_status *status = path ? tsr_record_read(path, id, &record) : tsr_no_memory("a path");
    tsr_value *config = record ? tsr_value_from_json(json_object_get(record, "config")) : NULL;
    const tsr_value *value = tsr_value_at(config, key->name);
    if (!status && value) {
        status = tsr_value_put(run->swept, key->name, tsr_value_copy(value));
        key->values[i] = tsr_value_member(run->swept, key->name);
    }
    tsr_value_free(config);
    json_decref(record);
    free(path);
    return status;
}

/* Values that are no numbers may be plugins, which can be written in more than one way. */
static tsr_status *take_whole_values(tsr_results *study)
{
    for (size_t k = 0; k < study->n_keys; k++)
        for (size_t i = 0; i < study->keys[k].n; i++)
            if (!tsr_value_is_number(study->keys[k].values[i]) &&
                !tsr_value_is(study->keys[k].values[i], TSR_VALUE_BOOL))
                TSR_TRY(take_whole_value(study, k, i));
    return NULL;
}

tsr_status *tsr_comparison_read(size_t n, const char *const *folders, size_t n_overrides,
                                const char *const *overrides, tsr_results **out)
{
    *out = NULL;
    TSR_TRY(refuse_twins(n, folders));
    tsr_results **studies = tsr_alloc(n, sizeof(*studies));
    char **labels = tsr_comparison_labels(n, folders);
    tsr_status *status = studies && labels ? NULL : tsr_no_memory("the studies");
    for (size_t i = 0; i < n && !status; i++) {
        status = tsr_results_read(folders[i], n_overrides, overrides, &studies[i]);
        if (!status)
            status = take_whole_values(studies[i]);
    }
    if (!status)
        status = join(n, studies, labels, out);
    for (size_t i = 0; status && studies && i < n; i++)
        tsr_results_free(studies[i]);
    if (status)
        free(studies);
    for (size_t i = 0; labels && i < n; i++)
        free(labels[i]);
    free(labels);
    return status;
}

tsr_status *tsr_comparison_count_shared(const tsr_results *all, size_t study, size_t *shared)
{
    json_t *ids = json_object();
    int failed = !ids;
    *shared = 0;
    for (size_t i = 0; i < all->n_runs; i++)
        if (all->runs[i].place[0] == 0)
            failed |= json_object_set_new(ids, json_string_value(json_object_get(all->runs[i].record, "run")),
                                          json_true());
    for (size_t i = 0; i < all->n_runs; i++)
        if (all->runs[i].place[0] == study)
            *shared +=
                json_object_get(ids, json_string_value(json_object_get(all->runs[i].record, "run"))) != NULL;
    json_decref(ids);
    return failed ? tsr_no_memory("the studies") : NULL;
}
