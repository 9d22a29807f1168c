/* Doing runs again. */
#include "session/verify.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/output.h"
#include "base/text.h"
#include "experiment/attempt.h"
#include "experiment/identity.h"
#include "experiment/record.h"
#include "experiment/store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 40) /* bytes */

typedef struct verifying {
    tsr_experiment *experiment;
    tsr_store here, again; /* the folder, and where the runs are done again */
    const tsr_verify_observer *observer;
    tsr_verified *out;
} verifying;

/* --- numbers --- */

static char *number_text(const json_t *value)
{
    return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) : strdup("missing");
}

static void tell(const json_t *then, const json_t *now, const char *what, size_t epoch, tsr_text *out)
{
    char *before = number_text(then), *after = number_text(now);
    tsr_text_add(out, "%s after epoch %zu was %s and is %s", what, epoch, before ? before : "?",
                 after ? after : "?");
    free(before);
    free(after);
}

/* Whether a probe that was added to the finished run has given the metric. */
static bool is_added(const json_t *record, const char *metric)
{
    const char *label;
    json_t *ignored, *added = json_object_get(record, "added_probes");
    json_object_foreach(added, label, ignored)
    {
        size_t length = strlen(label);
        if (strncmp(metric, label, length) == 0 && metric[length] == '.')
            return true;
    }
    return false;
}

/* The first metric of a snapshot that differs; false where none does. */
static bool metrics_differ(const json_t *record, const json_t *then, const json_t *now, size_t epoch,
                           tsr_text *out)
{
    json_t *before = json_object_get(then, "metrics"), *after = json_object_get(now, "metrics"), *value;
    const char *name;
    json_object_foreach(before, name, value)
    {
        const json_t *other = json_object_get(after, name);
        if ((other && json_equal(value, other)) || (!other && is_added(record, name)))
            continue;
        tell(value, other, name, epoch, out);
        return true;
    }
    json_object_foreach(after, name, value)
    {
        if (json_object_get(before, name))
            continue;
        tell(NULL, value, name, epoch, out);
        return true;
    }
    return false;
}

static bool snapshots_differ(const json_t *record, const json_t *again, tsr_text *out)
{
    const json_t *before = json_object_get(record, "snapshots"), *after = json_object_get(again, "snapshots");
    if (json_array_size(before) != json_array_size(after)) {
        tsr_text_add(out, "it had %zu snapshots and has %zu", json_array_size(before),
                     json_array_size(after));
        return true;
    }
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *then = json_array_get(before, i), *now = json_array_get(after, i);
        json_int_t epoch = json_integer_value(json_object_get(then, "epoch"));
        if (epoch != json_integer_value(json_object_get(now, "epoch"))) {
            tsr_text_add(out, "its snapshots are of other epochs");
            return true;
        }
        if (metrics_differ(record, then, now, (size_t)epoch, out))
            return true;
    }
    return false;
}

/* The curve of the training, but for the time that it took. */
static bool training_differs(const json_t *record, const json_t *again, tsr_text *out)
{
    static const char *const names[] = { "loss", "accuracy", NULL };
    const json_t *before = json_object_get(record, "epochs"), *after = json_object_get(again, "epochs");
    if (json_array_size(before) != json_array_size(after)) {
        tsr_text_add(out, "it trained for %zu epochs and trains for %zu", json_array_size(before),
                     json_array_size(after));
        return true;
    }
    for (size_t i = 0; i < json_array_size(before); i++)
        for (const char *const *name = names; *name; name++) {
            const json_t *then = json_object_get(json_array_get(before, i), *name),
                         *now = json_object_get(json_array_get(after, i), *name);
            if (then == now || json_equal(then, now))
                continue;
            char *what = tsr_format("the training's %s", *name);
            tell(then, now, what ? what : *name, i + 1, out);
            free(what);
            return true;
        }
    return false;
}

/* --- files --- */

/* Where a file's arrays begin: behind the header of a model's, which also says who wrote it. */
static size_t begin_of_arrays(const char *name, const char *bytes, size_t length)
{
    uint64_t header;
    if (strcmp(name, "model.safetensors") != 0 || length < sizeof(header))
        return 0;
    memcpy(&header, bytes, sizeof(header));
    return header <= length - sizeof(header) ? sizeof(header) + (size_t)header : 0;
}

static tsr_status *file_differs(const verifying *v, const char *id, const char *name, bool *differs)
{
    char *paths[2] = { tsr_format("%s/runs/%s/%s", v->here.folder, id, name),
                       tsr_format("%s/runs/%s/%s", v->again.folder, id, name) },
         *bytes[2] = { NULL, NULL };
    size_t lengths[2];
    tsr_status *status = paths[0] && paths[1] ? NULL : tsr_no_memory("a path");
    for (size_t i = 0; i < 2 && !status; i++)
        status = tsr_read_file(paths[i], MAX_FILE, &bytes[i], &lengths[i]);
    if (!status) {
        size_t from[2] = { begin_of_arrays(name, bytes[0], lengths[0]),
                           begin_of_arrays(name, bytes[1], lengths[1]) };
        *differs = lengths[0] - from[0] != lengths[1] - from[1] ||
                   memcmp(bytes[0] + from[0], bytes[1] + from[1], lengths[0] - from[0]) != 0;
    }
    for (size_t i = 0; i < 2; i++) {
        free(paths[i]);
        free(bytes[i]);
    }
    return status;
}

/* The files that the run has left and was done again with. */
static tsr_status *files_differ(const verifying *v, const tsr_run *run, tsr_text *out)
{
    static const char *const names[] = { "model.safetensors",     "codes/train.npy",
                                         "codes/test.npy",        "codes/train_labels.npy",
                                         "codes/test_labels.npy", "codes/kept.npy",
                                         "codes/constant.npy",    NULL };
    for (const char *const *name = names; *name && !out->length; name++) {
        bool differs = false;
        if (tsr_store_has_file(&v->here, run, *name))
            TSR_TRY(file_differs(v, run->id, *name, &differs));
        if (differs)
            tsr_text_add(out, "%s holds other arrays", *name);
    }
    return NULL;
}

/* --- one run --- */

/* What may explain a difference. */
static tsr_status *explain(const tsr_run *run, const json_t *record, const json_t *again, tsr_text *out)
{
    static const char *const keys[] = { "version", "cpu", "kernels", "cpu_features", NULL };
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
    if (!training_differs(record, again, out) && !snapshots_differ(record, again, out))
        TSR_TRY(files_differ(v, run, out));
    return out->length ? explain(run, record, again, out) : NULL;
}

static tsr_status *verify_run(verifying *v, const tsr_run *run, const json_t *record)
{
    tsr_progress progress;
    tsr_text difference = { 0 };
    json_t *again = NULL;
    tsr_run same = *run; /* a copy with other output; what it points to stays the experiment's */
    same.output.save_model = tsr_store_has_file(&v->here, run, "model.safetensors");
    same.output.save_codes = tsr_store_has_file(&v->here, run, "codes/train.npy");
    TSR_TRY(tsr_progress_new(1, &progress));
    tsr_status *status = tsr_run_attempt(v->experiment, &v->again, &same, tsr_threads(), &progress.runs[0]);
    if (!status)
        status = tsr_store_get(&v->again, run, &again);
    if (!status && !again)
        status = tsr_fail(TSR_FAILED, "run %s has left no record", run->id);
    if (!status)
        status = compare(v, run, record, again, &difference);
    if (!status) {
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
    tsr_progress_clear(&progress);
    return status;
}

/* --- all of them --- */

/* Which of the runs are done. */
static tsr_status *find_done(verifying *v, size_t *done)
{
    for (size_t i = 0; i < v->experiment->n_runs; i++) {
        json_t *record;
        TSR_TRY(tsr_store_get(&v->here, &v->experiment->runs[i], &record));
        if (tsr_record_is_done(record))
            done[v->out->done++] = i;
        json_decref(record);
    }
    return NULL;
}

static tsr_status *verify_sample(verifying *v, const size_t *done, size_t sample)
{
    size_t n = sample && sample < v->out->done ? sample : v->out->done;
    for (size_t i = 0; i < n; i++) {
        const tsr_run *run = &v->experiment->runs[done[n > 1 ? i * (v->out->done - 1) / (n - 1) : 0]];
        json_t *record;
        if (v->observer->interrupted(v->observer->context))
            return tsr_fail(TSR_INTERRUPTED, "interrupted; %zu of %zu runs were done again", i, n);
        TSR_TRY(tsr_store_get(&v->here, run, &record));
        tsr_status *status = verify_run(v, run, record);
        json_decref(record);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *verify(verifying *v, size_t sample)
{
    size_t *done = tsr_alloc(v->experiment->n_runs, sizeof(*done));
    tsr_status *status = done ? find_done(v, done) : tsr_no_memory("the runs");
    v->out->runs = v->experiment->n_runs;
    if (!status && v->out->done == 0)
        status = tsr_fail(TSR_REFUSED, "no run is done: expected some, which tessera run does");
    if (!status)
        status = verify_sample(v, done, sample);
    free(done);
    return status;
}

static tsr_status *make_folder(char **out)
{
    const char *temporary = getenv("TMPDIR");
    *out = tsr_format("%s/tessera-verify-XXXXXX", temporary && *temporary == '/' ? temporary : "/tmp");
    if (!*out)
        return tsr_no_memory("a path");
    if (mkdtemp(*out))
        return NULL;
    tsr_status *status = tsr_fail(TSR_IO, "%s: cannot be made: %s", *out, strerror(errno));
    free(*out);
    *out = NULL;
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
        status = make_folder(&temporary);
    if (!status)
        status = tsr_store_join(folder, shown, &v.here);
    if (!status)
        status = tsr_store_join(temporary, temporary, &v.again);
    if (!status)
        status = tsr_context(verify(&v, sample), "%s", shown);
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
