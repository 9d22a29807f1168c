/* A run's place in the sweep: { sweep, point }, the id of the sweep that it is a point of and the point's
   number, the last key changing fastest; beside it in the record stand the replicate and the swept values. */
#include "experiment/place.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/compare.h"
#include "config/json.h"
#include "experiment/folder.h"
#include "experiment/record.h"

#include <stdlib.h>
#include <string.h>

tsr_status *tsr_place_put(const tsr_experiment *experiment, const tsr_run *run, json_t *record)
{
    int failed = json_object_set_new(
        record, "place",
        json_pack("{s:s, s:I}", "sweep", experiment->sweep_id, "point", (json_int_t)run->point));
    failed |= json_object_set_new(record, "replicate", json_integer((json_int_t)run->replicate));
    failed |= json_object_set_new(record, "swept", tsr_value_to_json(run->swept));
    return failed ? tsr_no_memory("a run's place") : NULL;
}

bool tsr_place_read(const json_t *record, const char *sweep, size_t *point, size_t *replicate)
{
    const json_t *place = json_object_get(record, "place"), *number = json_object_get(record, "replicate");
    const char *of = json_string_value(json_object_get(place, "sweep"));
    const json_t *at = json_object_get(place, "point");
    if (!of || strcmp(of, sweep) != 0 || !json_is_integer(at) || !json_is_integer(number) ||
        json_integer_value(at) < 0 || json_integer_value(number) < 0)
        return false;
    *point = (size_t)json_integer_value(at);
    *replicate = (size_t)json_integer_value(number);
    return true;
}

/* Whether the record has the values that the run has. */
static bool has_values(const json_t *record, const tsr_run *run)
{
    const json_t *recorded = json_object_get(record, "swept");
    tsr_value *values = recorded ? tsr_value_from_json(recorded) : NULL;
    bool same = values && tsr_values_equal(values, run->swept);
    tsr_value_free(values);
    return same;
}

tsr_status *tsr_place_update(const tsr_store *store, const tsr_experiment *experiment, const tsr_run *run,
                             json_t *record)
{
    size_t point, replicate;
    if (tsr_place_read(record, experiment->sweep_id, &point, &replicate) && point == run->point &&
        replicate == run->replicate && has_values(record, run))
        return NULL;
    json_t *whole;
    TSR_TRY(tsr_place_put(experiment, run, record));
    TSR_TRY(tsr_store_get(store, run, &whole));
    tsr_status *status = whole ? tsr_place_put(experiment, run, whole) : NULL;
    if (!status && whole)
        status = tsr_store_put(store, run->id, whole);
    json_decref(whole);
    return status;
}

/* The ids of an experiment's runs, and where their records lie. */
typedef struct releasing {
    const tsr_store *store;
    const tsr_experiment *experiment;
    json_t *ids; /* as keys */
    size_t foreign;
} releasing;

static tsr_status *release(void *context, const char *id)
{
    releasing *r = context;
    if (json_object_get(r->ids, id))
        return NULL;
    char *path = tsr_record_path(r->store->folder, id);
    json_t *record = NULL;
    tsr_status *status = path ? tsr_record_read(path, id, &record) : tsr_no_memory("a path");
    size_t point, replicate;
    r->foreign += record != NULL;
    if (!status && record && tsr_place_read(record, r->experiment->sweep_id, &point, &replicate)) {
        json_object_set_new(record, "place", json_null());
        status = tsr_store_put(r->store, id, record);
    } else if (status) { /* it is no run of this experiment: its record can wait */
        tsr_log_warning("%s; it is left out", tsr_status_message(status));
        tsr_status_free(status);
        status = NULL;
    }
    json_decref(record);
    free(path);
    return status;
}

tsr_status *tsr_place_release(const tsr_store *store, const tsr_experiment *experiment, size_t *foreign)
{
    releasing r = { .store = store, .experiment = experiment, .ids = json_object() };
    bool whole = r.ids != NULL;
    for (size_t i = 0; i < experiment->n_runs; i++)
        whole = whole && json_object_set_new(r.ids, experiment->runs[i].id, json_true()) == 0;
    tsr_status *status =
        whole ? tsr_folder_each_run(store->folder, release, &r) : tsr_no_memory("the runs' ids");
    json_decref(r.ids);
    *foreign = r.foreign;
    return status;
}
