/* Doing runs again. */
#include "session/verify.h"

#include "base/copy.h"
#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/process.h"
#include "base/text.h"
#include "experiment/attempt.h"
#include "experiment/folder.h"
#include "experiment/identity.h"
#include "experiment/model_file.h"
#include "experiment/place.h"
#include "experiment/record.h"
#include "experiment/record_compare.h"
#include "experiment/saved_codes.h"
#include "experiment/store.h"
#include "experiment/training_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MILLISECONDS 100 /* between looks at whether to stop */

typedef struct verifying {
    tsr_experiment *experiment;
    tsr_store here, again; /* the folder, and where the runs are done again */
    const tsr_verify_observer *observer;
    tsr_verified *out;
    json_t *ids; /* of the experiment's runs, as keys */
} verifying;

/* --- files --- */

/* Goes to where a file's arrays begin: behind the header of a model's, which also says who wrote it. */
static tsr_status *skip_header(FILE *file)
{
    uint8_t bytes[8];
    uint64_t length = 0;
    if (fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
        return NULL; /* it is at its end, and none */
    for (size_t i = 0; i < sizeof(bytes); i++)
        length |= (uint64_t)bytes[i] << 8 * i;
    return length <= INT64_MAX && fseeko(file, (off_t)length, SEEK_CUR) == 0
               ? NULL
               : tsr_fail(TSR_IO, "its header has no length");
}

static bool is_safetensors(const char *name)
{
    size_t length = strlen(name), ending = strlen(".safetensors");
    return length > ending && strcmp(name + length - ending, ".safetensors") == 0;
}

/* Whether what both folders have under this name of the run's differs. */
static tsr_status *file_differs(const verifying *v, const char *id, const char *name, bool *differs)
{
    const char *const folders[2] = { v->here.folder, v->again.folder };
    FILE *files[2] = { NULL, NULL };
    tsr_status *status = NULL;
    for (size_t i = 0; i < 2 && !status; i++) {
        char *path = tsr_format("%s/runs/%s/%s", folders[i], id, name);
        status = path ? tsr_open_plain(AT_FDCWD, path, &files[i]) : tsr_no_memory("a path");
        if (!status && is_safetensors(name))
            status = tsr_context(skip_header(files[i]), "%s", path);
        free(path);
    }
    if (!status)
        status = tsr_streams_differ(files[0], files[1], differs);
    for (size_t i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
    return status;
}

static tsr_status *compare_file(const verifying *v, const tsr_run *run, const char *name, tsr_text *out)
{
    bool differs = false;
    if (!out->length && tsr_store_has_file(&v->here, run, name))
        TSR_TRY(file_differs(v, run->id, name, &differs));
    if (differs)
        tsr_text_add(out, "%s holds other arrays", name);
    return NULL;
}

/* The networks of its snapshots. */
static tsr_status *snapshots_differ(const verifying *v, const tsr_run *run, const json_t *record,
                                    tsr_text *out)
{
    const json_t *snapshots = json_object_get(record, "snapshots");
    for (size_t i = 0; i < json_array_size(snapshots); i++) {
        json_int_t epoch = json_integer_value(json_object_get(json_array_get(snapshots, i), "epoch"));
        char name[64];
        snprintf(name, sizeof(name), TSR_SNAPSHOT_FILE, (size_t)epoch);
        TSR_TRY(compare_file(v, run, name, out));
    }
    return NULL;
}

/* The files that the run has left and was done again with. */
static tsr_status *files_differ(const verifying *v, const tsr_run *run, const json_t *record, tsr_text *out)
{
    TSR_TRY(snapshots_differ(v, run, record, out));
    TSR_TRY(compare_file(v, run, "model.safetensors", out));
    TSR_TRY(compare_file(v, run, TSR_STATE_FILE, out));
    for (const char *const *name = tsr_saved_codes_files; *name; name++) {
        char *path = tsr_path_join(TSR_SAVED_CODES, *name);
        tsr_status *status = path ? compare_file(v, run, path, out) : tsr_no_memory("a path");
        free(path);
        TSR_TRY(status);
    }
    return NULL;
}

/* --- one run --- */

/* What may explain a difference. */
static tsr_status *explain(const tsr_run *run, const json_t *record, const json_t *again, tsr_text *out)
{
    static const char *const keys[] = { "version", "revision", "compiler",     "flags",
                                        "cpu",     "kernels",  "cpu_features", NULL };
    const json_t *then = json_object_get(record, "environment"), *now = json_object_get(again, "environment");
    tsr_text changed = { 0 };
    TSR_TRY(tsr_identity_compare(run, record, &changed));
    if (changed.chars)
        tsr_text_add(out, " (%s)", changed.chars);
    for (const char *const *key = keys; *key && !changed.chars; key++) {
        const char *before = json_string_value(json_object_get(then, *key)),
                   *after = json_string_value(json_object_get(now, *key));
        if (before && after && strcmp(before, after) != 0) {
            tsr_text_add(out, " (%s was %s and is %s)", *key, before, after);
            break;
        }
    }
    free(changed.chars);
    return NULL;
}

static tsr_status *compare(const verifying *v, const tsr_run *run, const json_t *record, const json_t *again,
                           tsr_text *out)
{
    const char *error = json_string_value(json_object_get(again, "error"));
    if (!tsr_record_is_done(again)) {
        tsr_text_add(out, "it was done and now is not: %s", error ? error : "no reason was given");
        return NULL;
    }
    if (!tsr_records_differ(record, again, out))
        TSR_TRY(files_differ(v, run, record, out));
    return out->length ? explain(run, record, again, out) : NULL;
}

typedef struct doing {
    const verifying *v;
    const tsr_run *run;
    tsr_run_progress *progress;
} doing;

/* The work of a process of its own, which can be ended where the user wants to stop. */
static int do_run(void *context)
{
    const doing *d = context;
    tsr_status *status =
        tsr_run_attempt(d->v->experiment, &d->v->again, d->run, NULL, tsr_cores(), d->progress);
    if (status)
        tsr_log_error("%s", tsr_status_message(status));
    bool done = !status;
    tsr_status_free(status);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_interrupted(const verifying *v)
{
    return v->observer->interrupted(v->observer->context);
}

/* Does the run into the folder `again`. *stopped: not to its end, since the user wants to stop. */
static tsr_status *do_again(const verifying *v, const tsr_run *run, bool *stopped)
{
    tsr_progress progress;
    pid_t pid;
    TSR_TRY(tsr_progress_new(1, &progress));
    doing d = { v, run, &progress.runs[0] };
    tsr_status *status = NULL;
    *stopped = false;
    if (tsr_process_is_single()) {
        do_run(&d);
    } else if (!(status = tsr_process_start(TSR_OUTPUT_ERRORS, do_run, &d, &pid))) {
        while (!*stopped && !tsr_process_wait(pid, tsr_process_clock() + LOOK_MILLISECONDS))
            *stopped = is_interrupted(v);
        tsr_process_end(pid);
    }
    tsr_progress_clear(&progress);
    return status;
}

static tsr_status *verify_run(verifying *v, const tsr_run *run, const json_t *record, bool *stopped)
{
    tsr_text difference = { 0 };
    json_t *again = NULL;
    tsr_run same = *run; /* a copy with other output; what it points to stays the experiment's */
    same.output.save_model = tsr_store_has_file(&v->here, run, "model.safetensors");
    same.output.save_snapshots = tsr_store_has_file(&v->here, run, TSR_SNAPSHOTS);
    same.output.save_state = tsr_store_has_file(&v->here, run, TSR_STATE_FILE);
    same.output.save_codes = tsr_store_has_file(&v->here, run, "codes/train.npy");
    tsr_status *status = do_again(v, &same, stopped);
    if (!status && !*stopped)
        status = tsr_store_get(&v->again, run, &again);
    if (!status && !again && !*stopped)
        status = tsr_fail(TSR_FAILED, "run %s has left no record", run->id);
    if (again)
        status = compare(v, run, record, again, &difference);
    if (again && !status) {
        v->out->compared++;
        v->out->differ += difference.length > 0;
        v->observer->compared(v->observer->context, run->id, difference.chars);
    }
    char *folder = tsr_store_run_folder(&v->again, run);
    if (folder) /* one at a time on the disk */
        tsr_status_free(tsr_remove_tree(folder));
    free(folder);
    free(difference.chars);
    json_decref(again);
    return status;
}

/* --- all of them --- */

/* A record that says nothing of its run is a failure of the folder's, and none of what reads it. */
static tsr_status *note_damaged(verifying *v, const char *id, tsr_status *status)
{
    if (tsr_status_error(status) != TSR_REFUSED)
        return status;
    v->out->damaged++;
    v->observer->damaged(v->observer->context, id, tsr_status_message(status));
    tsr_status_free(status);
    return NULL;
}

/* The run's record; NULL where there is none that counts. */
static tsr_status *read_record(verifying *v, const char *id, json_t **out)
{
    char *path = tsr_record_path(v->here.folder, id);
    tsr_status *status = path ? tsr_record_read(path, id, out) : tsr_no_memory("a path");
    if (!status && *out && (status = tsr_context(tsr_record_check(*out, id), "%s", path))) {
        json_decref(*out);
        *out = NULL;
    }
    free(path);
    return note_damaged(v, id, status);
}

/* Which of the runs are done. */
static tsr_status *find_done(verifying *v, size_t *done)
{
    for (size_t i = 0; i < v->experiment->n_runs; i++) {
        json_t *record = NULL;
        TSR_TRY(read_record(v, v->experiment->runs[i].id, &record));
        if (tsr_record_is_done(record))
            done[v->out->done++] = i;
        json_decref(record);
    }
    return NULL;
}

static tsr_status *visit_record(void *context, const char *id)
{
    verifying *v = context;
    json_t *record = NULL;
    size_t point, replicate;
    if (json_object_get(v->ids, id) || !tsr_is_run_id(id))
        return NULL;
    char *path = tsr_record_path(v->here.folder, id);
    tsr_status *status = path ? tsr_record_read(path, id, &record) : tsr_no_memory("a path");
    if (!status && tsr_place_read(record, v->experiment->sweep_id, &point, &replicate))
        status =
            tsr_fail(TSR_REFUSED,
                     "%s: has a place in the sweep, and its config gives another run now: a file that it "
                     "names may have changed",
                     path);
    json_decref(record);
    free(path);
    return note_damaged(v, id, status);
}

/* Records of the sweep that are of none of its runs, and such as cannot be read. */
static tsr_status *find_strangers(verifying *v)
{
    bool whole = (v->ids = json_object()) != NULL;
    for (size_t i = 0; whole && i < v->experiment->n_runs; i++)
        whole = json_object_set_new(v->ids, v->experiment->runs[i].id, json_true()) == 0;
    return whole ? tsr_folder_each_run(v->here.folder, visit_record, v) : tsr_no_memory("the runs");
}

static tsr_status *verify_sample(verifying *v, const size_t *done, size_t sample)
{
    size_t n = sample && sample < v->out->done ? sample : v->out->done;
    uint64_t digest;
    for (size_t i = 0; i < n; i++) /* taken here, so that not each run's process takes it */
        TSR_TRY(tsr_data_digest(v->experiment->runs[done[i]].data, &digest));
    for (size_t i = 0; i < n; i++) {
        const tsr_run *run = &v->experiment->runs[done[n > 1 ? i * (v->out->done - 1) / (n - 1) : 0]];
        json_t *record = NULL;
        bool stopped = is_interrupted(v);
        tsr_status *status = stopped ? NULL : tsr_store_get(&v->here, run, &record);
        if (!status && !stopped && !record)
            status = tsr_fail(TSR_IO, "the record of run %s has gone meanwhile", run->id);
        if (!status && !stopped)
            status = verify_run(v, run, record, &stopped);
        json_decref(record);
        TSR_TRY(status);
        if (stopped)
            return tsr_fail(TSR_INTERRUPTED, "interrupted; %zu of %zu runs were done again", i, n);
    }
    return NULL;
}

static tsr_status *verify(verifying *v, size_t sample)
{
    size_t *done = tsr_alloc(v->experiment->n_runs, sizeof(*done));
    tsr_status *status = done ? find_done(v, done) : tsr_no_memory("the runs");
    v->out->runs = v->experiment->n_runs;
    if (!status)
        status = find_strangers(v);
    if (!status && v->out->done == 0 && v->out->damaged == 0)
        status = tsr_fail(TSR_REFUSED, "no run is done: expected some, which tessera run does");
    if (!status)
        status = verify_sample(v, done, sample);
    free(done);
    return status;
}

tsr_status *tsr_verify(const char *folder, const char *shown, size_t sample,
                       const tsr_verify_observer *observer, tsr_verified *out)
{
    verifying v = { .observer = observer,
                    .out = out,
                    .here = { .lock = -1, .shard_lock = -1, .table_lock = -1 },
                    .again = { .lock = -1, .shard_lock = -1, .table_lock = -1 } };
    char *config = tsr_path_join(folder, "config.cfg"), *temporary = NULL;
    *out = (tsr_verified){ 0 };
    tsr_output_divert(); /* what plugins print */
    tsr_status *status = config ? NULL : tsr_no_memory("a path");
    if (!status)
        status = tsr_experiment_read(config, 0, NULL, &v.experiment);
    tsr_output_restore();
    if (!status)
        status = tsr_make_temporary("verify", &temporary);
    if (!status)
        status = tsr_store_join(folder, shown, &v.here);
    if (!status)
        status = tsr_store_join(temporary, temporary, &v.again);
    if (!status)
        status = tsr_context(verify(&v, sample), "%s", shown);
    json_decref(v.ids);
    tsr_store_close(&v.here);
    tsr_store_close(&v.again);
    if (temporary)
        tsr_status_free(tsr_remove_tree(temporary));
    tsr_output_divert();
    tsr_experiment_free(v.experiment);
    tsr_output_restore();
    free(temporary);
    free(config);
    return status;
}
