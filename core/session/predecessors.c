/* Finding finished runs that runs which are to be done can be taken over from: by their training's id. */
#include "session/parts.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/folder.h"
#include "experiment/identity.h"
#include "experiment/predecessor.h"
#include "experiment/record.h"
#include "experiment/spec.h"

#include <stdlib.h>
#include <string.h>

/* Finished runs that are looked at for one that is to be done. A sweep over probes has thousands with one
   training, any of which would do. */
#define MAX_WEIGHED 32

typedef struct finding {
    const tsr_session *session;
    const tsr_session_options *options;
    tsr_mark *marks;
    json_t *numbers;     /* of the experiment's runs, by id */
    json_t *by_training; /* lists of the ids of finished runs */
    size_t taken, going_on, completed;
    /* Runs that are trained again: they are finished but lack something, or the config was changed and
       finished ones do not serve for them. Points that are new in a sweep are none. */
    size_t lacking;
    tsr_text lacks; /* what the first of these is about */
} finding;

/* --- the folder's runs --- */

static tsr_status *training_of(const tsr_run *run, char training[17])
{
    tsr_value *config = tsr_run_config(run);
    tsr_status *status =
        config ? tsr_identity_of_training(config, training) : tsr_no_memory("a training's id");
    tsr_value_free(config);
    return status;
}

static tsr_status *add_run(finding *f, const char *id, const char *training)
{
    json_t *ids = json_object_get(f->by_training, training);
    if (!ids && (!(ids = json_array()) || json_object_set_new(f->by_training, training, ids) != 0))
        return tsr_no_memory("the runs");
    return json_array_append_new(ids, json_string(id)) ? tsr_no_memory("the runs") : NULL;
}

/* A run that is none of the experiment's, or is to be done; a record that says nothing is warned of
 * elsewhere. */
static tsr_status *read_run(finding *f, const char *id)
{
    char *path = tsr_record_path(f->session->store.folder, id);
    json_t *record = NULL;
    tsr_status *status = path ? tsr_record_read(path, id, &record) : tsr_no_memory("a path");
    free(path);
    if (tsr_status_error(status) == TSR_REFUSED || tsr_status_error(status) == TSR_IO) {
        tsr_status_free(status);
        return NULL;
    }
    const json_t *said = json_object_get(record, "config");
    bool done = !status && tsr_record_is_done(record) && json_is_object(said);
    tsr_value *config = done ? tsr_value_from_json(said) : NULL;
    char training[17];
    if (done)
        status = config ? tsr_identity_of_training(config, training) : tsr_no_memory("the runs");
    if (done && !status)
        status = add_run(f, id, training);
    tsr_value_free(config);
    json_decref(record);
    return status;
}

static tsr_status *visit(void *context, const char *id)
{
    finding *f = context;
    const json_t *number = json_object_get(f->numbers, id);
    json_int_t i = json_integer_value(number);
    if (!tsr_is_run_id(id))
        return NULL;
    if (!number || !f->session->records[i])
        return read_run(f, id);
    char training[17];
    if (!tsr_record_is_done(f->session->records[i]))
        return NULL;
    TSR_TRY(training_of(&f->session->experiment->runs[i], training));
    return add_run(f, id, training);
}

static tsr_status *read_folder(finding *f)
{
    const tsr_experiment *experiment = f->session->experiment;
    for (size_t i = 0; i < experiment->n_runs; i++)
        if (json_object_set_new(f->numbers, experiment->runs[i].id, json_integer((json_int_t)i)) != 0)
            return tsr_no_memory("the runs");
    return tsr_folder_each_run(f->session->store.folder, visit, f);
}

/* --- one run --- */

/* Of two predecessors the one that costs less: that of which files are made, then one that has all, then the
   one with the most epochs. */
static size_t rank(const tsr_predecessor *p)
{
    return strcmp(p->id, p->run->id) == 0 ? SIZE_MAX : !p->goes_on ? SIZE_MAX - 1 : p->done;
}

typedef struct choice {
    char id[17];
    size_t rank;
    bool goes_on;
    bool is_again;  /* the run itself is finished, and lacks something */
    tsr_text lacks; /* of the first that cannot be taken */
} choice;

static tsr_status *weigh(const finding *f, const tsr_run *run, const char *id, choice *best)
{
    tsr_predecessor p;
    tsr_text lacks = { 0 };
    tsr_status *status = tsr_predecessor_read(&f->session->store, run, id, &p);
    if (tsr_status_error(status) == TSR_REFUSED) { /* a record that fits no more */
        tsr_status_free(status);
        tsr_predecessor_clear(&p);
        return NULL;
    }
    if (!status && p.record)
        status = tsr_predecessor_check(&p, &lacks);
    if (!status && p.record && !lacks.length && (!best->id[0] || rank(&p) > best->rank)) {
        memcpy(best->id, p.id, sizeof(best->id));
        best->rank = rank(&p);
        best->goes_on = p.goes_on;
    }
    best->is_again = best->is_again || (lacks.length && strcmp(id, run->id) == 0);
    if (lacks.length && (!best->lacks.length || strcmp(id, run->id) == 0)) {
        free(best->lacks.chars); /* the run's own matters most */
        best->lacks = (tsr_text){ 0 };
        tsr_text_add(&best->lacks, "run %s %s", id, lacks.chars);
    }
    free(lacks.chars);
    tsr_predecessor_clear(&p);
    return status;
}

static void note(finding *f, size_t i, const choice *best)
{
    const tsr_run *run = &f->session->experiment->runs[i];
    bool own = strcmp(best->id, run->id) == 0;
    if (best->id[0]) {
        memcpy(f->marks[i].predecessor, best->id, sizeof(f->marks[i].predecessor));
        f->completed += own;
        f->going_on += best->goes_on;
        f->taken += !own && !best->goes_on;
    } else if (best->lacks.length && (f->session->store.grown || best->is_again) && f->lacking++ == 0) {
        tsr_text_add(&f->lacks, "%s", best->lacks.chars);
    }
}

/* Whether nothing better can be found. */
static bool is_whole(const choice *best)
{
    return best->id[0] && !best->goes_on;
}

static tsr_status *find_for(finding *f, size_t i)
{
    const tsr_run *run = &f->session->experiment->runs[i];
    char training[17];
    choice best = { 0 };
    TSR_TRY(training_of(run, training));
    const json_t *ids = json_object_get(f->by_training, training);
    tsr_status *status = weigh(f, run, run->id, &best);
    size_t weighed = 0;
    for (size_t k = 0; k < json_array_size(ids) && weighed < MAX_WEIGHED && !is_whole(&best) && !status;
         k++) {
        const char *id = json_string_value(json_array_get(ids, k));
        if (strcmp(id, run->id) == 0)
            continue;
        status = weigh(f, run, id, &best);
        weighed++;
    }
    if (!status)
        note(f, i, &best);
    free(best.lacks.chars);
    return status;
}

/* --- all of them --- */

static tsr_status *decide(const finding *f)
{
    const tsr_store *store = &f->session->store;
    const char *lacks = f->lacks.chars ? f->lacks.chars : "";
    if (f->lacking && store->grown && !f->options->retrain)
        return tsr_fail(
            TSR_REFUSED,
            "%s: %zu run%s must be trained again for what is asked for now (%s): %s; allow that with "
            "--retrain, or choose another folder with -o",
            store->shown, f->lacking, f->lacking == 1 ? "" : "s", store->grown, lacks);
    if (f->lacking)
        tsr_log_info("%zu finished run%s trained again: %s", f->lacking, f->lacking == 1 ? " is" : "s are",
                     lacks);
    if (f->taken)
        tsr_log_info("%zu run%s taken over from finished ones without training", f->taken,
                     f->taken == 1 ? " is" : "s are");
    if (f->going_on)
        tsr_log_info("%zu run%s on from where the training of finished ones stood", f->going_on,
                     f->going_on == 1 ? " goes" : "s go");
    if (f->completed)
        tsr_log_info("files of %zu finished run%s are made without training", f->completed,
                     f->completed == 1 ? "" : "s");
    return NULL;
}

static tsr_status *find_all(finding *f)
{
    size_t n = f->session->experiment->n_runs, pending = 0;
    if (!f->numbers || !f->by_training)
        return tsr_no_memory("the runs");
    for (size_t i = 0; i < n; i++)
        pending += f->marks[i].pending;
    if (!pending || f->options->fresh)
        return NULL;
    TSR_TRY(read_folder(f));
    for (size_t i = 0; i < n; i++)
        if (f->marks[i].pending)
            TSR_TRY(find_for(f, i));
    return decide(f);
}

tsr_status *tsr_session_find_predecessors(const tsr_session *session, const tsr_session_options *options,
                                          tsr_mark *marks)
{
    finding f = { .session = session,
                  .options = options,
                  .marks = marks,
                  .numbers = json_object(),
                  .by_training = json_object() };
    tsr_status *status = find_all(&f);
    json_decref(f.numbers);
    json_decref(f.by_training);
    free(f.lacks.chars);
    return status;
}
