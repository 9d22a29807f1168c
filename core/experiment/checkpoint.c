/* Checkpoints. What a checkpoint has beside the training's state is JSON, "run" in its metadata: what it was
   made with, which must be the same where it is taken, and what the record will say of the epochs before. */
#include "experiment/checkpoint.h"

#include "base/build.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/changes.h"
#include "experiment/environment.h"
#include "experiment/identity.h"
#include "experiment/model_file.h"

#include <cblas.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MINUTE 60 /* seconds */

static char *path_in(const char *folder)
{
    return tsr_path_join(folder, TSR_CHECKPOINT_FILE);
}

/* --- what it is made with --- */

/* What must be the same, as texts, beside plugins and data. NULL without memory. */
static json_t *made_with(const tsr_run *run)
{
    char build[17];
    snprintf(build, sizeof(build), "%016llx", (unsigned long long)tsr_build_digest());
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "run", run->id, "version",
                     tsr_version(), "revision", tsr_build_revision(), "compiler", tsr_build_compiler(),
                     "flags", tsr_build_flags(), "build", build, "kernels", tsr_kernels_name(), "blas",
                     openblas_get_config(), "blas_core", openblas_get_corename());
}

/* Adds what is not the same to `out`. */
static tsr_status *compare_made(const tsr_run *run, const json_t *told, tsr_text *out)
{
    json_t *here = made_with(run), *there = json_object_get(told, "made_with");
    const char *key;
    json_t *value;
    if (!here)
        return tsr_no_memory("a checkpoint");
    json_object_foreach(here, key, value)
    {
        const char *then = json_string_value(json_object_get(there, key)), *now = json_string_value(value);
        if (!out->length && (!then || strcmp(then, now) != 0))
            tsr_text_add(out, "its %s is '%s', expected '%s'", key, then ? then : "", now);
    }
    json_decref(here);
    return out->length ? NULL : tsr_identity_compare(run, told, out);
}

/* --- the folder --- */

static bool has_snapshot(const json_t *snapshots, size_t epoch)
{
    for (size_t i = 0; i < json_array_size(snapshots); i++)
        if (json_integer_value(json_object_get(json_array_get(snapshots, i), "epoch")) == (json_int_t)epoch)
            return true;
    return false;
}

/* Whether a name is "epoch-N" and `end`, of a snapshot that is known; NULL: of any. */
static bool is_of_snapshot(const char *name, const char *end, const json_t *snapshots)
{
    size_t epoch;
    char expected[64];
    if (sscanf(name, "epoch-%zu", &epoch) != 1)
        return false;
    snprintf(expected, sizeof(expected), "epoch-%zu%s", epoch, end);
    return strcmp(name, expected) == 0 && (!snapshots || has_snapshot(snapshots, epoch));
}

typedef struct keeping {
    const json_t *snapshots; /* that are kept; NULL: all of them */
    const char *end;         /* of the names of what they have */
} keeping;

static bool is_known_top(const keeping *k, const char *name)
{
    (void)k;
    return strcmp(name, TSR_CHECKPOINT_FILE) == 0 || strcmp(name, TSR_SNAPSHOTS) == 0 ||
           strcmp(name, "probes") == 0;
}

static bool is_known_epoch(const keeping *k, const char *name)
{
    return is_of_snapshot(name, k->end, k->snapshots);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes what is in a folder, if there is one, and is not to stay. */
static tsr_status *clear(const char *folder, bool (*stays)(const keeping *, const char *), const keeping *k)
{
    DIR *entries = opendir(folder);
    tsr_status *status = NULL;
    if (!entries && errno != ENOENT)
        return tsr_fail(TSR_IO, "%s: cannot be read: %s", folder, strerror(errno));
    for (struct dirent *entry; entries && !status && (entry = readdir(entries)) != NULL;) {
        if (is_dots(entry->d_name) || stays(k, entry->d_name))
            continue;
        char *path = tsr_path_join(folder, entry->d_name);
        status = path ? tsr_remove_tree(path) : tsr_no_memory("a path");
        free(path);
    }
    if (entries)
        closedir(entries);
    return status;
}

static tsr_status *clear_below(const char *folder, const char *name, const keeping *k)
{
    char *path = tsr_path_join(folder, name);
    tsr_status *status = path ? clear(path, is_known_epoch, k) : tsr_no_memory("a path");
    if (path)
        tsr_remove_empty_folders(path);
    free(path);
    return status;
}

/* Leaves what belongs to the snapshots. */
static tsr_status *clear_folder(const tsr_run *run, const char *folder, const json_t *snapshots)
{
    TSR_TRY(clear(folder, is_known_top, NULL));
    TSR_TRY(clear_below(folder, TSR_SNAPSHOTS, &(keeping){ snapshots, ".safetensors" }));
    for (size_t i = 0; i < run->n_probes; i++) {
        char *name = tsr_format("probes/%s", tsr_probe_label(run->probes[i]));
        tsr_status *status =
            name ? clear_below(folder, name, &(keeping){ snapshots, "" }) : tsr_no_memory("a path");
        free(name);
        TSR_TRY(status);
    }
    return NULL;
}

/* A network that somebody has removed since. */
static bool lacks_network(const tsr_run *run, const char *folder, const json_t *snapshots, size_t *epoch)
{
    bool lacks = false;
    for (size_t i = 0; run->output.save_snapshots && !lacks && i < json_array_size(snapshots); i++) {
        *epoch = (size_t)json_integer_value(json_object_get(json_array_get(snapshots, i), "epoch"));
        char *path = tsr_snapshot_path(folder, *epoch);
        lacks = !path || access(path, F_OK) != 0;
        free(path);
    }
    return lacks;
}

void tsr_checkpoint_remove(const char *folder)
{
    char *path = path_in(folder);
    if (path)
        unlink(path);
    free(path);
}

tsr_status *tsr_checkpoint_leave(const char *folder)
{
    char *path = path_in(folder);
    if (!path)
        return tsr_no_memory("a path");
    tsr_status *status =
        access(path, F_OK) == 0 ? clear(folder, is_known_top, NULL) : tsr_remove_tree(folder);
    free(path);
    return status;
}

/* --- finding one --- */

static json_t *read_told(const tsr_safetensors *file)
{
    const char *text = tsr_safetensors_metadata(file, "run");
    return text ? tsr_json_load(text, strlen(text), 0, NULL) : NULL;
}

/* Why it cannot be gone on from is TSR_REFUSED. */
static tsr_status *check(const tsr_run_work *w, const char *folder, const tsr_safetensors *file,
                         const json_t *told)
{
    const tsr_run *run = w->run;
    const json_t *snapshots = json_object_get(told, "snapshots");
    size_t epoch = 0;
    tsr_text difference = { 0 };
    tsr_status *status = compare_made(run, told, &difference);
    if (!status && difference.length)
        status = tsr_fail(TSR_REFUSED, "%s: was made with something else: %s", tsr_safetensors_path(file),
                          difference.chars);
    else if (!status && !(json_is_array(snapshots) && json_is_array(json_object_get(told, "epochs"))))
        status = tsr_fail(TSR_REFUSED, "%s: lacks epochs or snapshots", tsr_safetensors_path(file));
    else if (!status && lacks_network(run, folder, snapshots, &epoch))
        status = tsr_fail(TSR_REFUSED, "%s: the network of epoch %zu is not in %s any more",
                          tsr_safetensors_path(file), epoch, folder);
    free(difference.chars);
    return status;
}

/* By it the run is further than what it takes over is. */
static bool is_further(const tsr_run_work *w, const json_t *told)
{
    const tsr_predecessor *p = w->predecessor;
    return !p || (p->goes_on && json_array_size(json_object_get(told, "epochs")) > p->last);
}

static tsr_status *open_checkpoint(tsr_run_work *w, const char *folder, const char *path)
{
    tsr_safetensors *file = NULL;
    json_t *told = NULL;
    tsr_status *status = tsr_safetensors_read(path, &file);
    if (!status)
        status = tsr_training_state_check(file);
    if (!status && !(told = read_told(file)))
        status = tsr_fail(TSR_REFUSED, "%s: expected what the run was as JSON in its metadata", path);
    if (!status)
        status = check(w, folder, file, told);
    if (!status && is_further(w, told)) {
        w->checkpoint = file;
        w->checkpoint_told = told;
        return clear_folder(w->run, folder, json_object_get(told, "snapshots"));
    }
    tsr_safetensors_free(file);
    json_decref(told);
    return status;
}

/* What is wrong with a checkpoint is no failure of the run. */
static tsr_status *start_anew(tsr_status *refusal)
{
    if (!refusal || tsr_status_error(refusal) == TSR_NO_MEMORY)
        return refusal;
    tsr_log_warning("%s; the training starts anew", tsr_status_message(refusal));
    tsr_status_free(refusal);
    return NULL;
}

tsr_status *tsr_checkpoint_find(tsr_run_work *w, const char *folder)
{
    char *path = folder ? path_in(folder) : NULL;
    if (!path)
        return tsr_no_memory("a path");
    tsr_status *status = access(path, F_OK) == 0 ? start_anew(open_checkpoint(w, folder, path)) : NULL;
    free(path);
    return status;
}

/* --- the network of the last snapshot --- */

/* Copies the network's arrays out of, or into, the buffer that has them one behind the other. */
static tsr_status *copy_network(tsr_run_work *w, bool back)
{
    size_t n, at = 0;
    tsr_array_to_store *arrays;
    TSR_TRY(tsr_model_file_arrays(w->network, &n, &arrays));
    for (size_t i = 0; i < n; i++) {
        memcpy(back ? arrays[i].values : w->before + at, back ? w->before + at : arrays[i].values,
               arrays[i].n * sizeof(float));
        at += arrays[i].n;
    }
    free(arrays);
    return NULL;
}

static tsr_status *make_before(tsr_run_work *w)
{
    size_t n, all = 0;
    tsr_array_to_store *arrays;
    TSR_TRY(tsr_model_file_arrays(w->network, &n, &arrays));
    for (size_t i = 0; i < n; i++)
        all += arrays[i].n; /* they are in memory, each beside the others */
    free(arrays);
    w->before = tsr_alloc(all, sizeof(*w->before));
    return w->before ? NULL : tsr_no_memory("a copy of the network");
}

static bool compares(const tsr_run_work *w)
{
    return w->needs & TSR_PROBE_PREVIOUS;
}

tsr_status *tsr_checkpoint_remember(tsr_run_work *w)
{
    if (!compares(w) || w->saved_codes || w->run->training.checkpoint_every <= 0)
        return NULL;
    if (!w->before)
        TSR_TRY(make_before(w));
    return copy_network(w, false);
}

/* --- going on from one --- */

/* Puts the codes of the last snapshot where the next one's probes look for them. */
static tsr_status *recall_codes(tsr_run_work *w, tsr_read_state *state)
{
    TSR_TRY(copy_network(w, true));
    TSR_TRY(tsr_run_recall_codes(w, w->last_probed));
    tsr_read_state_clear(state);
    return tsr_training_state_take(w->checkpoint, w->network, w->before, state);
}

static tsr_status *take_network(tsr_run_work *w, tsr_read_state *state)
{
    const json_t *told = w->checkpoint_told;
    const json_t *last = json_array_get(json_object_get(told, "snapshots"),
                                        json_array_size(json_object_get(told, "snapshots")) - 1);
    bool has_before = json_is_true(json_object_get(told, "before"));
    if (compares(w) && has_before != (last != NULL))
        return tsr_fail(TSR_REFUSED, "%s: expected the network of the last snapshot",
                        tsr_safetensors_path(w->checkpoint));
    if (has_before)
        TSR_TRY(make_before(w));
    TSR_TRY(tsr_training_state_take(w->checkpoint, w->network, w->before, state));
    if (state->state.epochs != json_array_size(json_object_get(told, "epochs")))
        return tsr_fail(TSR_REFUSED, "%s: stands after epoch %zu, expected %zu",
                        tsr_safetensors_path(w->checkpoint), state->state.epochs,
                        json_array_size(json_object_get(told, "epochs")));
    w->probed = last != NULL;
    w->last_probed = (size_t)json_integer_value(json_object_get(last, "epoch"));
    return has_before ? recall_codes(w, state) : NULL;
}

static double seconds_of(const json_t *told, const char *key)
{
    return json_number_value(json_object_get(json_object_get(told, "seconds"), key));
}

/* What the record is made of. Both clocks are put back by what they had measured. */
static tsr_status *take_told(tsr_run_work *w)
{
    const json_t *told = w->checkpoint_told, *warnings = json_object_get(told, "warnings");
    bool whole = json_array_extend(w->epochs, json_object_get(told, "epochs")) == 0 &&
                 json_array_extend(w->snapshots, json_object_get(told, "snapshots")) == 0 &&
                 json_object_update(w->probe_seconds, json_object_get(told, "probes")) == 0 &&
                 json_object_update(w->failed_probes, json_object_get(told, "failed_probes")) == 0 &&
                 json_object_update(w->ended_probes, json_object_get(told, "ended_probes")) == 0;
    for (size_t i = 0; i < json_array_size(warnings) && whole; i++)
        whole = json_array_append(tsr_changes_warnings(), json_array_get(warnings, i)) == 0;
    json_t *taken_over = json_object_get(told, "taken_over");
    w->taken_over = json_is_object(taken_over) ? json_incref(taken_over) : NULL;
    w->codes_seconds = seconds_of(told, "codes");
    w->began -= seconds_of(told, "total");
    w->prepared = tsr_seconds() - seconds_of(told, "since_prepared");
    return whole ? NULL : tsr_no_memory("a checkpoint");
}

static tsr_status *take(tsr_run_work *w, tsr_read_state *state)
{
    TSR_TRY(take_network(w, state));
    TSR_TRY(take_told(w));
    atomic_store(&w->progress->epoch, state->state.epochs);
    atomic_store(&w->progress->loss, state->state.loss);
    tsr_log_info("run %s goes on from its checkpoint, after epoch %zu of %zu", w->run->id,
                 state->state.epochs, (size_t)w->run->training.epochs);
    return NULL;
}

tsr_status *tsr_checkpoint_take(tsr_run_work *w, tsr_read_state *state, bool *taken)
{
    *state = (tsr_read_state){ 0 };
    *taken = w->checkpoint != NULL;
    tsr_status *status = *taken ? take(w, state) : NULL;
    tsr_safetensors_free(w->checkpoint);
    json_decref(w->checkpoint_told);
    w->checkpoint = NULL;
    w->checkpoint_told = NULL;
    return tsr_context(status, "going on from a checkpoint");
}

/* --- keeping one --- */

static json_t *describe(const tsr_run_work *w)
{
    double now = tsr_seconds();
    return json_pack("{s:o, s:{s:s}, s:{s:o}, s:O, s:O, s:O, s:O, s:O, s:O, s:O?, s:b, s:{s:f, s:f, s:f}}",
                     "made_with", made_with(w->run), "data", "digest", w->data_digest, "environment",
                     "plugins", tsr_plugins_used(w->registry), "epochs", w->epochs, "snapshots", w->snapshots,
                     "probes", w->probe_seconds, "failed_probes", w->failed_probes, "ended_probes",
                     w->ended_probes, "warnings", tsr_changes_warnings(), "taken_over", w->taken_over,
                     "before", w->before != NULL, "seconds", "codes", w->codes_seconds, "total",
                     now - w->began, "since_prepared", now - w->prepared);
}

static tsr_status *write_checkpoint(tsr_run_work *w, const tsr_training_state *state)
{
    size_t before = tsr_json_failures();
    json_t *told = describe(w);
    char *text = told ? tsr_json_dump(told, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    char *path = path_in(w->folder);
    bool whole = text && path && before == tsr_json_failures();
    tsr_status *status = whole ? tsr_training_state_write(path, w->network, state, text, w->before)
                               : tsr_no_memory("a checkpoint");
    json_decref(told);
    free(text);
    free(path);
    return status;
}

static bool is_due(const tsr_run_work *w, const tsr_training_state *state)
{
    double every = w->run->training.checkpoint_every * MINUTE;
    return every > 0 && state->epochs > 0 && tsr_seconds() - w->kept_at >= every;
}

tsr_status *tsr_checkpoint_keep(tsr_run_work *w, const tsr_training_state *state)
{
    bool comparable = !compares(w) || !w->probed || w->before;
    if (!is_due(w, state) || !comparable || tsr_changes_doubtful())
        return NULL;
    TSR_TRY(tsr_run_check_instances(w->run));
    tsr_status *status =
        tsr_context(write_checkpoint(w, state), "the checkpoint after epoch %zu", state->epochs);
    if (status)
        tsr_log_warning("%s; the training goes on", tsr_status_message(status));
    tsr_status_free(status);
    w->kept_at = tsr_seconds();
    return NULL;
}
