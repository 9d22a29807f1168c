/* The record of one run. It is believed only as a whole: a file that was cut, edited or belongs to another
   run is no record, and says of what it lacks which. */
#include "experiment/record.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_RECORD (256 << 20) /* bytes */

char *tsr_record_path(const char *folder, const char *id)
{
    return tsr_format("%s/runs/%s/run.json", folder, id);
}

/* What every snapshot has, by whether there are classes, and so accuracies. */
static const char *const own_metrics[2][5] = {
    { "model.loss.train", "model.loss.test", "code.bits", NULL },
    { "model.loss.train", "model.accuracy.train", "model.accuracy.test", "code.bits", NULL },
};

static bool has_status(const json_t *record, const char *word)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    return status && strcmp(status, word) == 0;
}

bool tsr_record_is_probed(const json_t *record)
{
    return tsr_record_is_done(record) || json_object_size(json_object_get(record, "failed_probes")) > 0;
}

bool tsr_record_is_done(const json_t *record)
{
    return has_status(record, "done");
}

bool tsr_record_is_final(const json_t *record)
{
    return has_status(record, "done") || has_status(record, "diverged");
}

/* JSON has no NaN: a metric that is undefined is null. */
static tsr_status *check_numbers(const json_t *metrics, size_t number)
{
    const char *name, *wrong = NULL;
    json_t *value, *members = json_incref((json_t *)(uintptr_t)metrics); /* the macro wants it mutable */
    json_object_foreach(members, name, value) if (!json_is_number(value) && !json_is_null(value)) wrong =
        name;
    tsr_status *status =
        wrong ? tsr_fail(TSR_REFUSED, "snapshots.%zu: the metric %s is not a number", number, wrong) : NULL;
    json_decref(members);
    return status;
}

/* What can be told from the record alone. */
static tsr_status *check_shape(const json_t *record, const char *id)
{
    static const char *const words[] = { "done", "diverged", "failed", NULL };
    const char *run = json_string_value(json_object_get(record, "run"));
    const json_t *snapshots = json_object_get(record, "snapshots");
    bool known = false;
    for (const char *const *word = words; *word; word++)
        known = known || has_status(record, *word);
    if (!run || strcmp(run, id) != 0 || !known || !json_is_array(snapshots))
        return tsr_fail(TSR_REFUSED, "not the record of run %s", id);
    for (size_t i = 0; i < json_array_size(snapshots); i++) {
        const json_t *snapshot = json_array_get(snapshots, i),
                     *metrics = json_object_get(snapshot, "metrics");
        if (!json_is_integer(json_object_get(snapshot, "epoch")) || !json_is_object(metrics))
            return tsr_fail(TSR_REFUSED, "snapshots.%zu: expected an epoch and metrics", i);
        TSR_TRY(check_numbers(metrics, i));
    }
    return NULL;
}

static tsr_status *identity_of_record(const json_t *config, char id[17])
{
    tsr_value *value = tsr_value_from_json(config);
    tsr_status *status = value ? tsr_identity_of(value, id) : tsr_no_memory("a run's config");
    tsr_value_free(value);
    return status;
}

tsr_status *tsr_record_check(const json_t *record, const char *id)
{
    const json_t *config = json_object_get(record, "config");
    char own[17];
    if (!json_is_object(config))
        return tsr_fail(TSR_REFUSED, "not the record of run %s: it has no config", id);
    TSR_TRY(identity_of_record(config, own));
    if (strcmp(own, id) != 0)
        return tsr_fail(TSR_REFUSED, "not the record of run %s: its config is that of run %s", id, own);
    return tsr_record_check_snapshots(record);
}

tsr_status *tsr_record_check_snapshots(const json_t *record)
{
    const json_t *snapshots = json_object_get(record, "snapshots");
    if (tsr_record_is_done(record) && json_array_size(snapshots) == 0)
        return tsr_fail(TSR_REFUSED, "a finished run without snapshots");
    for (size_t i = 0; i < json_array_size(snapshots); i++) {
        const json_t *metrics = json_object_get(json_array_get(snapshots, i), "metrics");
        for (const char *const *name = own_metrics[!json_object_get(metrics, "model.loss.test")]; *name;
             name++)
            if (!json_object_get(metrics, *name))
                return tsr_fail(TSR_REFUSED, "snapshots.%zu: the metric %s is missing", i, *name);
    }
    return NULL;
}

static json_t *parse_whole(void *context, const char *text, size_t length, json_error_t *error)
{
    (void)context;
    return tsr_json_load(text, length, 0, error);
}

tsr_status *tsr_record_read(const char *path, const char *id, json_t **out)
{
    return tsr_record_read_by(parse_whole, NULL, path, id, out);
}

tsr_status *tsr_record_read_by(tsr_record_parser parse, void *context, const char *path, const char *id,
                               json_t **out)
{
    *out = NULL;
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT
                   ? NULL
                   : tsr_fail(TSR_IO, "%s: cannot read the run's record: %s", path, strerror(errno));
    char *text;
    size_t length;
    tsr_status *status = tsr_read_given_file(path, "run's record", MAX_RECORD, &text, &length);
    if (status && S_ISREG(info.st_mode) && info.st_size <= MAX_RECORD) {
        tsr_status *unreadable = tsr_fail(TSR_IO, "%s", tsr_status_message(status));
        tsr_status_free(status);
        return unreadable;
    }
    TSR_TRY(status);
    json_error_t error;
    json_t *record = parse(context, text, length, &error);
    free(text);
    if (!record)
        return tsr_json_had_no_memory(&error)
                   ? tsr_no_memory(path)
                   : tsr_fail(TSR_REFUSED, "%s:%d: not a whole run.json: %s", path, error.line, error.text);
    status = tsr_context(check_shape(record, id), "%s", path);
    if (status)
        json_decref(record);
    else
        *out = record;
    return status;
}
