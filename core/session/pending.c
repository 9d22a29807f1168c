/* Which runs are left to do: those without a record that counts. */
#include "session/parts.h"

#include "base/log.h"
#include "base/text.h"
#include "experiment/identity.h"
#include "experiment/model_file.h"
#include "experiment/record.h"
#include "experiment/place.h"
#include "experiment/training_state.h"

#include <stdlib.h>
#include <unistd.h>

/* Runs that were finished with other data or plugins than there are now. */
typedef struct changes {
    size_t n;
    tsr_text first; /* what changed for the first of them, and its id */
} changes;

/* The network of its last snapshot; those of the ones before go with it. */
static bool has_snapshots(const tsr_session *s, const tsr_run *run, const json_t *record)
{
    char *folder = tsr_store_run_folder(&s->store, run);
    size_t epoch = (size_t)json_integer_value(json_object_get(record, "epochs_done"));
    char *path = folder ? tsr_snapshot_path(folder, epoch) : NULL;
    bool found = path && access(path, F_OK) == 0;
    free(path);
    free(folder);
    return found;
}

/* Whether a finished run lacks a file that is asked for now: it has not left what is wanted. */
static bool lacks_file(const tsr_session *s, const tsr_run *run, const json_t *record)
{
    const tsr_output_settings *output = &run->output;
    return (output->save_model && !tsr_store_has_file(&s->store, run, "model.safetensors")) ||
           (output->save_codes && !tsr_store_has_file(&s->store, run, "codes/train.npy")) ||
           (output->save_state && !tsr_store_has_file(&s->store, run, TSR_STATE_FILE)) ||
           (output->save_snapshots && !has_snapshots(s, run, record));
}

/* Whether a finished run counts as it is; what speaks against it is noted. */
static tsr_status *judge(const tsr_session *s, const tsr_run *run, const json_t *record,
                         const tsr_session_options *options, changes *changed, bool *counts)
{
    tsr_text difference = { 0 };
    *counts = !tsr_record_is_done(record) || !lacks_file(s, run, record);
    tsr_status *status = *counts ? tsr_identity_compare(run, record, &difference) : NULL;
    if (!status && difference.chars) {
        *counts = !options->redo_changed;
        if (changed->n++ == 0)
            tsr_text_add(&changed->first, "run %s: %s", run->id, difference.chars);
    }
    free(difference.chars);
    return status;
}

/* Marks the runs of this shard that are to be done, and keeps the records of the others. */
static tsr_status *mark_pending(tsr_session *s, const tsr_session_options *options, changes *changed,
                                tsr_mark *marks)
{
    const tsr_experiment *experiment = s->experiment;
    for (size_t i = s->shard.index; i < experiment->n_runs; i += s->shard.of) {
        const tsr_run *run = &experiment->runs[i];
        json_t *record;
        bool counts = false;
        TSR_TRY(tsr_session_read_record(s, run, &record));
        tsr_status *status =
            tsr_record_is_final(record) ? judge(s, run, record, options, changed, &counts) : NULL;
        marks[i].pending = !counts;
        if (counts && !status)
            s->records[i] = record;
        else
            json_decref(record);
        TSR_TRY(status);
    }
    return NULL;
}

/* The records that are kept get their place in the sweep. */
static tsr_status *place_all(tsr_session *s)
{
    const tsr_experiment *experiment = s->experiment;
    for (size_t i = 0; i < experiment->n_runs; i++)
        if (s->records[i]) {
            TSR_TRY(tsr_place_update(&s->store, experiment, &experiment->runs[i], s->records[i]));
            tsr_session_settle(s, i);
        }
    return tsr_place_release(&s->store, experiment, &s->foreign);
}

/* Results of two versions of a thing in one table are the user's decision. */
static tsr_status *decide_changed(const tsr_session *s, const tsr_session_options *options,
                                  const changes *changed)
{
    if (changed->n == 0)
        return NULL;
    const char *what = changed->first.chars ? changed->first.chars : "";
    if (options->redo_changed) {
        tsr_log_info("%zu finished run%s done again: %s", changed->n, changed->n == 1 ? " is" : "s are",
                     what);
        return NULL;
    }
    if (options->keep_changed) {
        tsr_log_warning("%zu finished run%s made with other data or plugins than there are now and kept: %s",
                        changed->n, changed->n == 1 ? " was" : "s were", what);
        return NULL;
    }
    return tsr_fail(
        TSR_REFUSED,
        "%s: %zu finished run%s made with other data or plugins than there are now: %s; do them again "
        "with --redo-changed, keep them as they are with --keep, or choose another folder with -o",
        s->store.shown, changed->n, changed->n == 1 ? " was" : "s were", what);
}

tsr_status *tsr_session_find_pending(tsr_session *s, const tsr_session_options *options, tsr_mark *marks)
{
    changes changed = { 0 };
    tsr_status *status = mark_pending(s, options, &changed, marks);
    if (!status)
        status = decide_changed(s, options, &changed);
    if (!status)
        status = tsr_session_find_predecessors(s, options, marks);
    if (!status) /* nothing is refused from here on */
        status = tsr_store_renew_config(&s->store, s->experiment->resolved);
    if (!status)
        status = place_all(s);
    free(changed.first.chars);
    return status;
}
