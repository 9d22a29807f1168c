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
    if (!status && access(from, F_OK) == 0 && access(to, F_OK) != 0)
        status = is_folder ? link_folder(AT_FDCWD, from, to) : link_file(AT_FDCWD, from, to);
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

static tsr_status *read_model(tsr_run_work *w)
{
    char *path = tsr_path_join(w->predecessor->folder, "model.safetensors");
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

/* The network after the predecessor's last epoch. */
static tsr_status *read_network(tsr_run_work *w, tsr_read_state *state)
{
    bool model = tsr_predecessor_has_file(w->predecessor, "model.safetensors");
    return model && !w->predecessor->goes_on ? read_model(w) : read_state(w, state);
}

static bool has_network(const tsr_run_work *w)
{
    return tsr_predecessor_has_file(w->predecessor, "model.safetensors") ||
           tsr_predecessor_has_file(w->predecessor, TSR_STATE_FILE);
}

/* --- all of it --- */

/* Whether the model's file is there already: that of another run has its config in it. */
static bool has_own_model(const tsr_run_work *w)
{
    return strcmp(w->predecessor->id, w->run->id) == 0 &&
           tsr_predecessor_has_file(w->predecessor, "model.safetensors");
}

/* *saved: the folder of codes that stand for the network. */
static tsr_status *prepare(tsr_run_work *w, tsr_read_state *state, char **saved)
{
    const tsr_output_settings *output = &w->run->output;
    const tsr_predecessor *p = w->predecessor;
    bool codes = output->save_codes && !p->goes_on && !tsr_predecessor_has_file(p, "codes/kept.npy");
    bool model = output->save_model && !p->goes_on && !has_own_model(w);
    if (!p->goes_on && !codes && !model && !tsr_predecessor_is_probed(p))
        return NULL;
    if (has_network(w))
        return read_network(w, state);
    *saved = tsr_path_join(p->folder, TSR_SAVED_CODES);
    w->saved_codes = *saved;
    return *saved ? NULL : tsr_no_memory("a path");
}

static tsr_status *write_model(tsr_run_work *w)
{
    char *path = tsr_path_join(w->folder, "model.safetensors");
    tsr_status *status =
        path ? tsr_model_file_write(path, w->network, w->run->config) : tsr_no_memory("a path");
    free(path);
    return status;
}

/* What the run is to leave, by links where the predecessor has left it. */
static tsr_status *leave_files(tsr_run_work *w)
{
    const tsr_output_settings *output = &w->run->output;
    const tsr_predecessor *p = w->predecessor;
    if (output->save_model && !has_own_model(w))
        TSR_TRY(write_model(w));
    if (output->save_state)
        TSR_TRY(link_left(w, TSR_STATE_FILE, false));
    if (output->save_codes)
        return tsr_predecessor_has_file(p, "codes/kept.npy") ? link_left(w, TSR_SAVED_CODES, true)
                                                             : tsr_run_save_codes_again(w);
    return NULL;
}

static double last_of(const tsr_run_work *w, const char *key)
{
    const json_t *last = json_array_get(w->epochs, json_array_size(w->epochs) - 1),
                 *value = json_object_get(last, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static tsr_status *take_all(tsr_run_work *w, tsr_read_state *state, tsr_trained *trained, char **saved)
{
    const tsr_predecessor *p = w->predecessor;
    TSR_TRY(take_epochs(w));
    TSR_TRY(prepare(w, state, saved));
    for (size_t i = 0; i < p->n_due; i++) {
        bool probed = p->due[i] == p->done && tsr_predecessor_is_probed(p);
        TSR_TRY(link_of_probes(w, p->due[i]));
        TSR_TRY(probed ? tsr_run_take_snapshot(w, p->due[i], false) : take_snapshot(w, p->due[i]));
    }
    bool stopped = json_is_true(json_object_get(p->record, "early_stopped"));
    *trained = (tsr_trained){ .epochs = p->last,
                              .early_stopped = stopped && p->last == p->done,
                              .loss = last_of(w, "loss"),
                              .accuracy = last_of(w, "accuracy") };
    return p->goes_on ? NULL : leave_files(w);
}

tsr_status *tsr_run_take_over(tsr_run_work *w, tsr_read_state *state, tsr_trained *trained)
{
    char *saved = NULL;
    *state = (tsr_read_state){ 0 };
    tsr_status *status = take_all(w, state, trained, &saved);
    w->saved_codes = NULL;
    free(saved);
    return tsr_context(status, "taking over run %s", w->predecessor->id);
}

tsr_status *tsr_run_complete(tsr_run_work *w)
{
    tsr_read_state state = { 0 };
    char *saved = NULL;
    tsr_status *status = prepare(w, &state, &saved);
    if (!status)
        status = leave_files(w);
    w->saved_codes = NULL;
    tsr_read_state_clear(&state);
    free(saved);
    return status;
}
