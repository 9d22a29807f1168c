/* Merging: all records are looked at first, and each run gets a place and the study that it is copied from.
 */
#include "session/merge.h"

#include "base/copy.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/folder.h"
#include "experiment/leavings.h"
#include "experiment/place.h"
#include "experiment/record.h"
#include "experiment/record_compare.h"
#include "experiment/store.h"
#include "plugin/kinds.h"
#include "session/relocation.h"
#include "session/tables.h"
#include "session/union.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct merging {
    const tsr_merge_options *options;
    const char *folder; /* the new one */
    size_t n;
    const char *const *shown;
    tsr_store *stores;
    tsr_results **results;
    tsr_union all;
    tsr_store to;
    tsr_relocation *relocations; /* of each study's paths to those of the first */
    json_t *ids;                 /* by the part and what it calls the run: the run's id in the new folder */
    json_t *plan;    /* by run: { part, own, point, replicate, shared }; own: what that part calls it */
    json_t *places;  /* by "point:replicate": the run's id */
    json_t *data;    /* by dataset, as text: { digest, part }, of its data and where that was first met */
    json_t *plugins; /* the same by "KIND NAME" */
    bool changed;    /* whether the studies have different ones */
    size_t part;     /* that is being looked at */
    tsr_merged *out;
} merging;

/* Of the run that a study calls `own`; its "run" is the id that it has in the new one. */
static tsr_status *read_record(const merging *m, size_t part, const char *own, json_t **out)
{
    char *path = tsr_record_path(m->stores[part].folder, own);
    *out = NULL;
    tsr_status *status = path ? tsr_record_read(path, own, out) : tsr_no_memory("a path");
    free(path);
    if (!status && *out)
        status = tsr_relocate(&m->relocations[part], *out);
    return status;
}

static const char *id_of(const json_t *record)
{
    return json_string_value(json_object_get(record, "run"));
}

/* The name of a study's run among all. */
static void name_run(size_t part, const char *own, char out[48])
{
    snprintf(out, 48, "%zu:%s", part, own);
}

/* --- what contradicts --- */

/* One run has one outcome: what it gave does not depend on who did it. */
static tsr_status *compare_twins(const merging *m, const char *id, const json_t *before, size_t other,
                                 const json_t *record)
{
    tsr_text difference = { 0 };
    tsr_status *status = NULL;
    if (tsr_records_differ(before, record, &difference))
        status =
            tsr_fail(TSR_REFUSED,
                     "run %s has other results in %s than in %s (%s): 'tessera verify' tells which of them "
                     "it gives",
                     id, m->shown[m->part], m->shown[other], difference.chars ? difference.chars : "");
    free(difference.chars);
    return status;
}

/* Notes what a thing was, by a name for it; gives what it was in another study, NULL where it was the same or
   is new. */
static tsr_status *note_digest(const merging *m, json_t *digests, const char *name, const char *digest,
                               const json_t **before)
{
    const json_t *known = json_object_get(digests, name);
    *before = NULL;
    if (!known)
        return json_object_set_new(digests, name,
                                   json_pack("{s:s, s:I}", "digest", digest, "part", (json_int_t)m->part))
                   ? tsr_no_memory("the runs")
                   : NULL;
    if (strcmp(json_string_value(json_object_get(known, "digest")), digest) != 0)
        *before = known;
    return NULL;
}

static tsr_status *check_data(const merging *m, const char *id, const json_t *record)
{
    const json_t *dataset = json_object_get(json_object_get(record, "config"), "dataset"), *before = NULL;
    const char *digest = json_string_value(json_object_get(json_object_get(record, "data"), "digest"));
    char *text = dataset && digest ? tsr_json_dump(dataset, JSON_SORT_KEYS) : NULL;
    tsr_status *status = text                ? note_digest(m, m->data, text, digest, &before)
                         : dataset && digest ? tsr_no_memory("the runs")
                                             : NULL;
    if (!status && before)
        status =
            tsr_fail(TSR_REFUSED,
                     "run %s of %s was done with other data under the same name: digest %.8s, that of "
                     "other runs is %.8s",
                     id, m->shown[m->part], digest, json_string_value(json_object_get(before, "digest")));
    free(text);
    return status;
}

static tsr_status *check_plugin(merging *m, const char *id, const json_t *plugin)
{
    const char *kind = json_string_value(json_object_get(plugin, "kind")),
               *name = json_string_value(json_object_get(plugin, "name")),
               *digest = json_string_value(json_object_get(plugin, "sha256"));
    const json_t *before = NULL;
    if (!kind || !name || !digest)
        return NULL;
    char *word = tsr_format("%s %s", kind, name);
    tsr_status *status = word ? note_digest(m, m->plugins, word, digest, &before) : tsr_no_memory("the runs");
    size_t other = (size_t)json_integer_value(json_object_get(before, "part"));
    if (!status && before && other != m->part && !m->options->keep_changed)
        status =
            tsr_fail(TSR_REFUSED,
                     "run %s of %s was done with another %s than runs of %s: SHA-256 %.8s, and %.8s there; "
                     "do them again with 'tessera run DIR --redo-changed', or keep them as they are with "
                     "--keep",
                     id, m->shown[m->part], word, m->shown[other], digest,
                     json_string_value(json_object_get(before, "digest")));
    m->changed = m->changed || (before && other != m->part);
    free(word);
    return status;
}

/* What was decided within one study, by run's --keep, stays decided. An executor changes no result. */
static tsr_status *check_plugins(merging *m, const char *id, const json_t *record)
{
    const json_t *plugins = json_object_get(json_object_get(record, "environment"), "plugins");
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *plugin = json_array_get(plugins, i);
        const char *kind = json_string_value(json_object_get(plugin, "kind"));
        if (kind && strcmp(kind, tsr_kind_get(TSR_EXECUTOR)->name) != 0)
            TSR_TRY(check_plugin(m, id, plugin));
    }
    return NULL;
}

/* Two runs cannot have one place. */
static tsr_status *check_place(const merging *m, const char *id, size_t point, size_t replicate)
{
    char place[64];
    snprintf(place, sizeof(place), "%zu:%zu", point, replicate);
    const char *other = json_string_value(json_object_get(m->places, place));
    if (other && strcmp(other, id) != 0)
        return tsr_fail(
            TSR_REFUSED,
            "run %s of %s and run %s have one place in the sweep and are not the same: a file that "
            "the config names may have changed between them",
            id, m->shown[m->part], other);
    const json_t *planned = json_object_get(m->plan, id);
    if (planned && ((size_t)json_integer_value(json_object_get(planned, "point")) != point ||
                    (size_t)json_integer_value(json_object_get(planned, "replicate")) != replicate))
        return tsr_fail(
            TSR_REFUSED,
            "run %s of %s has another place in another study: a swept value is written in two ways", id,
            m->shown[m->part]);
    return json_object_set_new(m->places, place, json_string(id)) ? tsr_no_memory("the runs") : NULL;
}

/* --- the plan --- */

/* Whether the record tells of more than the one that is planned: it is final, or more probes were added to
 * it. */
static bool is_fuller(const json_t *record, const json_t *before)
{
    bool final = tsr_record_is_final(record);
    return final != tsr_record_is_final(before)
               ? final
               : json_object_size(json_object_get(record, TSR_ADDED_PROBES)) >
                     json_object_size(json_object_get(before, TSR_ADDED_PROBES));
}

/* Another study has the run too. *fuller: this one's record is to be taken. */
static tsr_status *plan_twin(const merging *m, const char *id, json_t *planned, const json_t *record,
                             bool *fuller)
{
    size_t other = (size_t)json_integer_value(json_object_get(planned, "part"));
    json_t *before = NULL;
    TSR_TRY(read_record(m, other, json_string_value(json_object_get(planned, "own")), &before));
    tsr_status *status = tsr_record_is_final(before) && tsr_record_is_final(record)
                             ? compare_twins(m, id, before, other, record)
                             : NULL;
    *fuller = is_fuller(record, before);
    json_decref(before);
    if (!json_is_true(json_object_get(planned, "shared"))) {
        m->out->shared++;
        json_object_set_new(planned, "shared", json_true());
    }
    return status;
}

static tsr_status *plan_run(merging *m, const char *own, const json_t *record)
{
    const tsr_results *results = m->results[m->part];
    const char *id = id_of(record);
    char name[48];
    size_t point, replicate;
    bool fuller = true;
    if (!tsr_results_has_place(results, record) ||
        !tsr_place_read(record, results->sweep, &point, &replicate)) {
        m->out->foreign++;
        return NULL;
    }
    tsr_union_place(&m->all, m->part, &point, &replicate);
    json_t *planned = json_object_get(m->plan, id);
    TSR_TRY(check_place(m, id, point, replicate));
    TSR_TRY(check_data(m, id, record));
    TSR_TRY(check_plugins(m, id, record));
    if (planned)
        TSR_TRY(plan_twin(m, id, planned, record, &fuller));
    if (!fuller)
        return NULL;
    json_t *entry =
        json_pack("{s:I, s:s, s:I, s:I, s:b}", "part", (json_int_t)m->part, "own", own, "point",
                  (json_int_t)point, "replicate", (json_int_t)replicate, "shared", planned != NULL);
    name_run(m->part, own, name);
    int failed = json_object_set_new(m->ids, name, json_string(id));
    failed |= json_object_set_new(m->plan, id, entry);
    return failed ? tsr_no_memory("the runs") : NULL;
}

static tsr_status *visit_record(void *context, const char *id)
{
    merging *m = context;
    json_t *record = NULL;
    if (!tsr_is_run_id(id))
        return NULL;
    TSR_TRY(tsr_context(read_record(m, m->part, id, &record), "expected whole records"));
    tsr_status *status = record ? plan_run(m, id, record) : NULL;
    json_decref(record);
    return status;
}

static tsr_status *plan(merging *m)
{
    for (m->part = 0; m->part < m->n; m->part++)
        TSR_TRY(tsr_folder_each_run(m->stores[m->part].folder, visit_record, m));
    m->out->runs = json_object_size(m->plan);
    size_t all;
    if (!tsr_checked_multiply(m->all.points, m->all.replicates, &all))
        return tsr_fail(TSR_REFUSED, "the sweep of all studies has too many runs");
    m->out->missing = all > m->out->runs ? all - m->out->runs : 0;
    return NULL;
}

/* --- copying --- */

/* A number stands in a record as the run has it, anything else as the sweep is written. */
static json_t *swept_value(const tsr_union_key *key, size_t place, const json_t *before,
                           const tsr_value *config)
{
    const tsr_value *written = tsr_value_element(key->written, place);
    json_t *value = json_object_get(before, key->name);
    if (!tsr_value_is_number(written))
        return tsr_value_to_json(written);
    return value ? json_incref(value) : tsr_value_to_json(tsr_value_at(config, key->name));
}

static json_t *swept_of(const merging *m, const json_t *record, size_t point)
{
    json_t *swept = json_object();
    tsr_value *config = tsr_value_from_json(json_object_get(record, "config"));
    bool whole = swept && config;
    for (size_t k = 0; k < m->all.n_keys && whole; k++)
        whole = json_object_set_new(swept, m->all.keys[k].name,
                                    swept_value(&m->all.keys[k], tsr_union_digit(&m->all, point, k),
                                                json_object_get(record, "swept"), config)) == 0;
    tsr_value_free(config);
    if (whole)
        return swept;
    json_decref(swept);
    return NULL;
}

static tsr_status *copy_record(const merging *m, const char *id, const json_t *planned)
{
    json_t *record;
    TSR_TRY(read_record(m, m->part, json_string_value(json_object_get(planned, "own")), &record));
    if (!record)
        return tsr_fail(TSR_IO, "%s: the record of run %s has gone meanwhile", m->shown[m->part], id);
    int failed = json_object_set_new(
        record, "place",
        json_pack("{s:s, s:O}", "sweep", m->all.sweep, "point", json_object_get(planned, "point")));
    failed |= json_object_set(record, "replicate", json_object_get(planned, "replicate"));
    failed |= json_object_set_new(
        record, "swept", swept_of(m, record, (size_t)json_integer_value(json_object_get(planned, "point"))));
    tsr_status *status = failed ? tsr_no_memory("a record") : tsr_store_put(&m->to, id, record);
    json_decref(record);
    return status;
}

static tsr_status *copy_file(const merging *m, const char *id, const tsr_left_file *file)
{
    char *to = tsr_format("%s/runs/%s/%s", m->to.folder, id, file->path),
         *folder = to ? tsr_path_folder(to) : NULL;
    tsr_status *status = folder ? tsr_make_folder(folder) : tsr_no_memory("a path");
    if (!status)
        status = tsr_copy_plain(file->folder, file->name, to);
    free(folder);
    free(to);
    return tsr_context(status, "%s/runs/%s", m->shown[m->part], file->id);
}

/* The record comes last of what a run has left: by it the run has happened. */
static tsr_status *visit_file(void *context, const tsr_left_file *file)
{
    const merging *m = context;
    char name[48];
    name_run(m->part, file->id, name);
    const char *id = json_string_value(json_object_get(m->ids, name));
    const json_t *planned = id ? json_object_get(m->plan, id) : NULL;
    bool ours = planned && (size_t)json_integer_value(json_object_get(planned, "part")) == m->part;
    if (!ours || file->kind == TSR_LEFT_UNFINISHED || file->kind == TSR_LEFT_RECORD)
        return NULL;
    return copy_file(m, id, file);
}

static tsr_status *copy_all(merging *m)
{
    TSR_TRY(tsr_store_put_config(&m->to, m->all.config));
    for (m->part = 0; m->part < m->n; m->part++) {
        const char *id;
        json_t *planned;
        TSR_TRY(tsr_each_left_file(m->stores[m->part].folder, visit_file, m));
        json_object_foreach(m->plan, id, planned)
        {
            if ((size_t)json_integer_value(json_object_get(planned, "part")) == m->part)
                TSR_TRY(copy_record(m, id, planned));
        }
    }
    return tsr_tables_renew(m->to.folder);
}

/* --- all of it --- */

static tsr_status *open_all(merging *m, char *const *folders)
{
    for (size_t i = 0; i < m->n; i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(folders[i], folders[j]) == 0)
                return tsr_fail(TSR_REFUSED, "%s is given twice", m->shown[i]);
        if (strcmp(folders[i], m->folder) == 0)
            return tsr_fail(TSR_REFUSED, "%s is one of the studies: expected a new or an empty folder",
                            m->shown[i]);
        TSR_TRY(tsr_store_open_left(folders[i], m->shown[i], m->options->unlocked, &m->stores[i]));
        TSR_TRY(tsr_refuse_left_links(folders[i]));
        TSR_TRY(tsr_results_read(folders[i], 0, NULL, &m->results[i]));
    }
    return NULL;
}

/* What was written goes away where not all of it could be. */
static tsr_status *write_all(merging *m, const char *shown)
{
    bool made;
    TSR_TRY(tsr_store_open_empty(m->folder, shown, m->options->unlocked, &m->to, &made));
    tsr_status *status = copy_all(m);
    if (status)
        tsr_store_undo(&m->to, made);
    else
        tsr_store_close(&m->to);
    return status;
}

static tsr_status *merge(merging *m, char *const *folders, const char *shown)
{
    if (!m->stores || !m->results || !m->plan || !m->places || !m->data || !m->plugins || !m->ids ||
        !m->relocations)
        return tsr_no_memory("the studies");
    TSR_TRY(tsr_store_check_empty(m->folder, shown)); /* before any work */
    TSR_TRY(open_all(m, folders));
    TSR_TRY(tsr_union_make(m->n, m->results, m->shown, &m->all));
    for (size_t i = 0; i < m->n; i++)
        TSR_TRY(tsr_relocation_find(m->results[i]->config, m->results[0]->config, &m->relocations[i]));
    TSR_TRY(plan(m));
    if (m->changed)
        tsr_log_warning("the studies were made with other plugins than each other and are kept as they are");
    return write_all(m, shown);
}

tsr_status *tsr_merge(const tsr_merge_options *options, size_t n, char *const *folders,
                      const char *const *shown, const char *folder, const char *folder_shown, tsr_merged *out)
{
    merging m = { .options = options,
                  .folder = folder,
                  .n = n,
                  .shown = shown,
                  .stores = tsr_alloc(n, sizeof(*m.stores)),
                  .results = tsr_alloc(n, sizeof(*m.results)),
                  .relocations = tsr_alloc(n, sizeof(*m.relocations)),
                  .ids = json_object(),
                  .plan = json_object(),
                  .places = json_object(),
                  .data = json_object(),
                  .plugins = json_object(),
                  .out = out };
    *out = (tsr_merged){ 0 };
    for (size_t i = 0; m.stores && i < n; i++)
        m.stores[i].lock = m.stores[i].shard_lock = m.stores[i].table_lock = -1;
    tsr_status *status = merge(&m, folders, folder_shown);
    tsr_union_clear(&m.all);
    for (size_t i = 0; i < n; i++) {
        if (m.relocations)
            tsr_relocation_clear(&m.relocations[i]);
        if (m.results)
            tsr_results_free(m.results[i]);
        if (m.stores)
            tsr_store_close(&m.stores[i]);
    }
    json_decref(m.ids);
    json_decref(m.plan);
    json_decref(m.places);
    json_decref(m.data);
    json_decref(m.plugins);
    free(m.relocations);
    free(m.stores);
    free(m.results);
    return status;
}
