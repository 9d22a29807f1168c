/* Taking over what a predecessor has. Files are linked, so that they take no room twice, or copied where they
 * cannot be.
 */
#include "experiment/take_over.h"

#include "base/copy.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/model_file.h"
#include "experiment/predecessor.h"
#include "experiment/record_make.h"
#include "experiment/saved_codes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- metrics --- */

static bool is_of(const char *metric, const char *label)
{
    size_t length = strlen(label);
    return strncmp(metric, label, length) == 0 && metric[length] == '.';
}

tsr_status *tsr_take_own_metrics(const json_t *snapshot, json_t *metrics)
{
    json_t *before = json_object_get(snapshot, "metrics"), *again = json_copy(metrics), *value;
    const char *name;
    tsr_status *status = again ? NULL : tsr_no_memory("metrics");
    json_object_clear(metrics);
    json_object_foreach(before, name, value)
    {
        const json_t *now = json_object_get(again, name);
        if (status || !tsr_record_is_own_metric(name))
            continue;
        double then = json_number_value(value), measured = json_number_value(now);
        if (json_is_number(now) && !(fabs(measured - then) <= 1e-3 * fabs(then)))
            status =
                tsr_fail(TSR_FAILED, "what is saved gives %s %.9g, and the run gave %.9g: it is not its own",
                         name, measured, then);
        else if (json_object_set(metrics, name, value) != 0)
            status = tsr_no_memory("metrics");
    }
    json_decref(again);
    return status;
}

static bool take(json_t *from, const char *label, json_t *to)
{
    const char *name;
    json_t *value;
    bool whole = true;
    json_object_foreach(from, name, value) if (is_of(name, label)) whole =
        json_object_set(to, name, value) == 0 && whole;
    return whole;
}

tsr_status *tsr_take_probe_metrics(const json_t *snapshot, const char *label, json_t *metrics,
                                   json_t *undefined)
{
    bool whole = take(json_object_get(snapshot, "metrics"), label, metrics) &&
                 take(json_object_get(snapshot, "undefined"), label, undefined);
    return whole ? NULL : tsr_no_memory("metrics");
}

/* A snapshot of which the predecessor has all. */
static tsr_status *take_snapshot(tsr_run_work *w, size_t epoch)
{
    const json_t *snapshot = tsr_predecessor_snapshot(w->predecessor, epoch);
    json_t *metrics = json_object(), *undefined = json_object();
    tsr_status *status =
        metrics && undefined ? tsr_take_own_metrics(snapshot, metrics) : tsr_no_memory("metrics");
    for (size_t i = 0; i < w->run->n_probes && !status; i++)
        status = tsr_take_probe_metrics(snapshot, tsr_probe_label(w->run->probes[i]), metrics, undefined);
    if (!status)
        status = tsr_run_add_snapshot(w, epoch, metrics, undefined);
    json_decref(metrics);
    json_decref(undefined);
    return status;
}

static tsr_status *take_epochs(tsr_run_work *w)
{
    const json_t *epochs = json_object_get(w->predecessor->record, "epochs");
    for (size_t i = 0; i < json_array_size(epochs) && i < w->predecessor->last; i++)
        if (json_array_append(w->epochs, json_array_get(epochs, i)) != 0)
            return tsr_no_memory("epochs");
    return NULL;
}

/* --- files --- */

static tsr_status *link_file(int folder, const char *name, const char *to)
{
    if (linkat(folder, name, AT_FDCWD, to, 0) == 0 || errno == EEXIST)
        return NULL;
    return tsr_copy_plain(folder, name, to);
}

/* Links the files of a folder, and of those in it. */
static tsr_status *link_folder(int at, const char *name, const char *to)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (!entries) {
        if (fd >= 0)
            close(fd);
        return errno == ENOENT ? NULL : tsr_fail(TSR_IO, "%s: cannot be read: %s", name, strerror(errno));
    }
    tsr_status *status = tsr_make_folder(to);
    for (struct dirent *entry; !status && (entry = readdir(entries)) != NULL;) {
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        char *path = tsr_path_join(to, entry->d_name);
        if (!path)
            status = tsr_no_memory("a path");
        else if (S_ISDIR(info.st_mode))
            status = link_folder(fd, entry->d_name, path);
        else if (S_ISREG(info.st_mode))
            status = link_file(fd, entry->d_name, path);
        free(path);
    }
    closedir(entries);
    return status;
}

/* What is under this name in the predecessor's folder; what is not there is none. */
static tsr_status *link_left(const tsr_run_work *w, const char *name, bool is_folder)
{
    char *from = tsr_path_join(w->predecessor->folder, name), *to = tsr_path_join(w->folder, name);
    tsr_status *status = from && to ? NULL : tsr_no_memory("a path");
    char *folder = status ? NULL : tsr_path_folder(to);
    if (!status && !folder)
        status = tsr_no_memory("a path");
    if (folder && access(from, F_OK) == 0 && access(to, F_OK) != 0 && !(status = tsr_make_folder(folder)))
        status = is_folder ? link_folder(AT_FDCWD, from, to) : link_file(AT_FDCWD, from, to);
    free(folder);
    free(from);
    free(to);
    return status;
}

/* What the probes have written whose metrics are taken over. */
static tsr_status *link_of_probes(const tsr_run_work *w, size_t epoch)
{
    for (size_t i = 0; i < w->run->n_probes; i++) {
        if (!tsr_predecessor_has(w->predecessor, i, epoch))
            continue;
        char *name = tsr_format("probes/%s/epoch-%zu", tsr_probe_label(w->run->probes[i]), epoch);
        tsr_status *status = name ? link_left(w, name, true) : tsr_no_memory("a path");
        free(name);
        TSR_TRY(status);
    }
    return NULL;
}

/* --- the network --- */

static tsr_status *read_file(tsr_run_work *w, char *path)
{
    tsr_safetensors *file = NULL;
    tsr_status *status = path ? tsr_safetensors_read(path, &file) : tsr_no_memory("a path");
    if (!status)
        status = tsr_model_file_load(file, w->network);
    tsr_safetensors_free(file);
    free(path);
    return status;
}

static tsr_status *read_state(tsr_run_work *w, tsr_read_state *state)
{
    char *path = tsr_path_join(w->predecessor->folder, TSR_STATE_FILE);
    tsr_status *status = path ? tsr_training_state_read(path, w->network, state) : tsr_no_memory("a path");
    if (!status && state->state.epochs != w->predecessor->done)
        status = tsr_fail(TSR_REFUSED, "%s: stands after epoch %zu, expected %zu", path, state->state.epochs,
                          w->predecessor->done);
    free(path);
    return status;
}

/* What is taken over, and where the network stands meanwhile. */
typedef struct taking {
    tsr_run_work *work;
    tsr_read_state *state;
    bool stands;
    size_t epoch; /* that it stands after */
    char *saved;  /* folder of codes that stand for the network */
} taking;

static tsr_status *read_network(taking *t, size_t epoch)
{
    const tsr_predecessor *p = t->work->predecessor;
    if (epoch == p->done && p->goes_on)
        return read_state(t->work, t->state);
    if (epoch == p->done && tsr_predecessor_has_file(p, "model.safetensors"))
        return read_file(t->work, tsr_path_join(p->folder, "model.safetensors"));
    if (epoch == p->done && tsr_predecessor_has_file(p, TSR_STATE_FILE))
        return read_state(t->work, t->state);
    return read_file(t->work, tsr_snapshot_path(p->folder, epoch));
}

/* Makes the network that of an epoch, or has its codes stand for it. */
static tsr_status *stand_at(taking *t, size_t epoch)
{
    const tsr_predecessor *p = t->work->predecessor;
    if (t->stands && t->epoch == epoch)
        return NULL;
    t->stands = true;
    t->epoch = epoch;
    if (tsr_predecessor_has_network(p, epoch))
        return read_network(t, epoch);
    t->saved = tsr_path_join(p->folder, TSR_SAVED_CODES);
    t->work->saved_codes = t->saved;
    return t->saved ? NULL : tsr_no_memory("a path");
}

/* --- all of it --- */

/* Whether the model's file is there already: that of another run has its config in it. */
static bool has_own_model(const tsr_run_work *w)
{
    return strcmp(w->predecessor->id, w->run->id) == 0 &&
           tsr_predecessor_has_file(w->predecessor, "model.safetensors");
}

static tsr_status *write_model(tsr_run_work *w)
{
    return tsr_run_write_model(w, tsr_path_join(w->folder, "model.safetensors"));
}

/* What the run is to leave of its end, by links where the predecessor has left it. */
static tsr_status *leave_files(taking *t)
{
    tsr_run_work *w = t->work;
    const tsr_output_settings *output = &w->run->output;
    const tsr_predecessor *p = w->predecessor;
    bool model = output->save_model && !has_own_model(w);
    bool codes = output->save_codes && !(p->last == p->done && tsr_predecessor_has_file(p, "codes/kept.npy"));
    if (model || codes)
        TSR_TRY(stand_at(t, p->last));
    if (model)
        TSR_TRY(write_model(w));
    if (output->save_state)
        TSR_TRY(link_left(w, TSR_STATE_FILE, false));
    if (output->save_codes)
        return codes ? tsr_run_save_codes_again(w) : link_left(w, TSR_SAVED_CODES, true);
    return NULL;
}

static double last_of(const tsr_run_work *w, const char *key)
{
    const json_t *last = json_array_get(w->epochs, json_array_size(w->epochs) - 1),
                 *value = json_object_get(last, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static tsr_status *take_due(taking *t, size_t place)
{
    tsr_run_work *w = t->work;
    size_t epoch = w->predecessor->due[place];
    TSR_TRY(link_of_probes(w, epoch));
    if (tsr_predecessor_is_probed(w->predecessor, place)) {
        TSR_TRY(stand_at(t, epoch));
        return tsr_run_take_snapshot(w, epoch, false);
    }
    if (w->run->output.save_snapshots) {
        char name[64];
        snprintf(name, sizeof(name), TSR_SNAPSHOT_FILE, epoch);
        TSR_TRY(link_left(w, name, false));
    }
    return take_snapshot(w, epoch);
}

static tsr_status *take_all(taking *t, tsr_trained *trained)
{
    tsr_run_work *w = t->work;
    const tsr_predecessor *p = w->predecessor;
    TSR_TRY(take_epochs(w));
    for (size_t i = 0; i < p->n_due; i++)
        TSR_TRY(take_due(t, i));
    bool stopped = json_is_true(json_object_get(p->record, "early_stopped"));
    *trained = (tsr_trained){ .epochs = p->last,
                              .early_stopped = stopped && p->last == p->done,
                              .loss = last_of(w, "loss"),
                              .accuracy = last_of(w, "accuracy") };
    return p->goes_on ? stand_at(t, p->done) : leave_files(t);
}

tsr_status *tsr_run_take_over(tsr_run_work *w, tsr_read_state *state, tsr_trained *trained)
{
    taking t = { .work = w, .state = state };
    *state = (tsr_read_state){ 0 };
    tsr_status *status = take_all(&t, trained);
    w->saved_codes = NULL;
    free(t.saved);
    return tsr_context(status, "taking over run %s", w->predecessor->id);
}

/* The networks that are not there, of those that were kept elsewhere. */
static tsr_status *complete_snapshots(taking *t)
{
    const tsr_predecessor *p = t->work->predecessor;
    for (size_t i = 0; t->work->run->output.save_snapshots && i < p->n_due; i++) {
        if (!tsr_predecessor_is_probed(p, i))
            continue;
        TSR_TRY(stand_at(t, p->due[i]));
        TSR_TRY(tsr_run_save_network(t->work, p->due[i]));
    }
    return NULL;
}

tsr_status *tsr_run_complete(tsr_run_work *w)
{
    tsr_read_state state = { 0 };
    taking t = { .work = w, .state = &state };
    tsr_status *status = complete_snapshots(&t);
    if (!status)
        status = leave_files(&t);
    w->saved_codes = NULL;
    tsr_read_state_clear(&state);
    free(t.saved);
    return status;
}
