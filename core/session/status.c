/* How a study is. The sweep of config.cfg says how many runs there are, the records which of them have ended,
   and the processes that do runs tell in the folder which those are. */
#include "session/status.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/json.h"
#include "experiment/folder.h"
#include "experiment/record.h"
#include "experiment/skim.h"
#include "experiment/training_state.h"
#include "report/results.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define MAX_TOLD (1 << 20) /* bytes of what a process tells */
#define SECONDS_SILENT 120 /* after which a process of another machine has ended */

typedef struct reading {
    tsr_study_status *out;
    tsr_results *results; /* the sweep, to find places in it */
    tsr_skim skim;
    json_t *running; /* by id, what is told of the run */
    double seconds;  /* of done runs */
} reading;

/* What processes tell. */

static bool is_alive(const json_t *told)
{
    struct utsname machine;
    const char *host = json_string_value(json_object_get(told, "host"));
    json_int_t process = json_integer_value(json_object_get(told, "process")),
               at = json_integer_value(json_object_get(told, "time"));
    if (process <= 0 || process > INT32_MAX || !host || uname(&machine) != 0)
        return false;
    if (strcmp(host, machine.nodename) == 0)
        return kill((pid_t)process, 0) == 0 || errno == EPERM;
    return llabs((long long)time(NULL) - (long long)at) < SECONDS_SILENT;
}

static void take_told(reading *r, const json_t *told)
{
    const json_t *running = json_object_get(told, "running"), *left = json_object_get(told, "seconds_left");
    r->out->processes++;
    if (json_is_number(left)) /* the last of several */
        r->out->seconds_left = fmax(r->out->seconds_left, json_number_value(left));
    for (size_t i = 0; i < json_array_size(running); i++) {
        json_t *run = json_array_get(running, i);
        const char *id = json_string_value(json_object_get(run, "run"));
        if (id && tsr_is_run_id(id))
            json_object_set(r->running, id, run);
    }
}

static tsr_status *read_told(reading *r, const char *folder)
{
    DIR *open_folder = opendir(folder);
    if (!open_folder)
        return tsr_fail(TSR_REFUSED, "%s: cannot be read: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(open_folder)) != NULL;) {
        if (!tsr_folder_is_progress(entry->d_name))
            continue;
        char *path = tsr_path_join(folder, entry->d_name), *text = NULL;
        size_t length;
        tsr_status *status = path ? tsr_read_given_file(path, "progress", MAX_TOLD, &text, &length) : NULL;
        tsr_status_free(status); /* it may be gone already */
        json_t *told = text ? tsr_json_load(text, length, 0, NULL) : NULL;
        if (told && is_alive(told))
            take_told(r, told);
        json_decref(told);
        free(text);
        free(path);
    }
    closedir(open_folder);
    return NULL;
}

/* Runs. */

/* Makes room at a power of two. */
static tsr_study_run *list(tsr_study_status *out, const char *id)
{
    size_t n = out->n_listed;
    if ((n & (n - 1)) == 0) {
        tsr_study_run *grown = realloc(out->listed, (n ? 2 * n : 1) * sizeof(*grown));
        if (!grown)
            return NULL;
        out->listed = grown;
    }
    tsr_study_run *run = &out->listed[out->n_listed++];
    *run = (tsr_study_run){ 0 };
    memcpy(run->id, id, sizeof(run->id));
    return run;
}

static tsr_status *count_ended(reading *r, const char *id, const json_t *record)
{
    if (tsr_record_is_done(record)) {
        r->out->done++;
        r->seconds += json_number_value(json_object_get(json_object_get(record, "seconds"), "total"));
        return NULL;
    }
    const char *error = json_string_value(json_object_get(record, "error"));
    tsr_study_run *run = list(r->out, id);
    if (!run || (error && !(run->reason = strdup(error))))
        return tsr_no_memory("a study's status");
    if (tsr_record_is_final(record))
        r->out->diverged++;
    else
        r->out->failed++;
    return NULL;
}

/* A run without an outcome that nobody does now. */
static tsr_status *list_checkpoint(reading *r, const char *id)
{
    char *path = tsr_format("%s/runs/%s/" TSR_CHECKPOINT_FILE, r->out->folder, id);
    if (!path)
        return tsr_no_memory("a path");
    size_t epoch = tsr_training_state_epochs(path);
    free(path);
    tsr_study_run *run = epoch ? list(r->out, id) : NULL;
    if (run)
        run->checkpoint = epoch;
    return run || !epoch ? NULL : tsr_no_memory("a study's status");
}

static tsr_status *visit_record(void *context, const char *id)
{
    reading *r = context;
    if (!tsr_is_run_id(id))
        return NULL;
    char *path = tsr_record_path(r->out->folder, id);
    json_t *record = NULL;
    if (!path)
        return tsr_no_memory("a path");
    tsr_status *status = tsr_record_skim(&r->skim, path, id, &record);
    free(path);
    if (status) {
        tsr_log_warning("%s; it counts as missing", tsr_status_message(status));
        tsr_status_free(status);
        return NULL;
    }
    if (record && !tsr_results_has_place(r->results, record))
        r->out->foreign++;
    else if (record && !json_object_get(r->running, id)) /* else it is done again */
        status = count_ended(r, id, record);
    else if (!record && !json_object_get(r->running, id))
        status = list_checkpoint(r, id);
    json_decref(record);
    return status;
}

static tsr_status *count_running(reading *r)
{
    const char *id;
    json_t *told;
    json_object_foreach(r->running, id, told)
    {
        tsr_study_run *run = list(r->out, id);
        if (!run)
            return tsr_no_memory("a study's status");
        run->running = true;
        run->epoch = (size_t)json_integer_value(json_object_get(told, "epoch"));
        run->epochs = (size_t)json_integer_value(json_object_get(told, "epochs"));
        r->out->running++;
    }
    return NULL;
}

/* Files. */

static tsr_status *add_size(void *context, const tsr_left_file *file)
{
    size_t names =
        file->info.st_nlink ? (size_t)file->info.st_nlink : 1; /* runs that were taken over share files */
    ((tsr_study_status *)context)->bytes[file->kind] += (size_t)file->info.st_blocks * 512 / names;
    return NULL;
}

static void add_tables(tsr_study_status *out)
{
    for (const char *const *name = tsr_folder_files; *name; name++) {
        char *path = tsr_path_join(out->folder, *name);
        struct stat info;
        if (path && lstat(path, &info) == 0 && S_ISREG(info.st_mode))
            out->tables += (size_t)info.st_blocks * 512;
        free(path);
    }
}

/* The whole. */

static int compare_runs(const void *a, const void *b)
{
    const tsr_study_run *left = a, *right = b;
    if (left->running != right->running)
        return left->running ? -1 : 1;
    return strcmp(left->id, right->id);
}

static void conclude(reading *r)
{
    tsr_study_status *out = r->out;
    size_t known = out->done + out->failed + out->diverged + out->running;
    out->runs = r->results->expected;
    out->missing = out->runs > known ? out->runs - known : 0;
    /* Failed runs are done again. */
    size_t left = out->missing + out->failed + out->running;
    if (out->processes == 0)
        out->seconds_left = left == 0 ? 0 : out->done ? r->seconds / (double)out->done * (double)left : NAN;
    else if (!(out->seconds_left > 0))
        out->seconds_left = NAN;
    if (out->n_listed)
        qsort(out->listed, out->n_listed, sizeof(*out->listed), compare_runs);
}

static tsr_status *read_all(reading *r)
{
    tsr_study_status *out = r->out;
    const char *name = tsr_value_text(tsr_value_member(r->results->config, "name"));
    out->name = strdup(name ? name : "");
    r->running = json_object();
    if (!out->name || !r->running)
        return tsr_no_memory("a study's status");
    TSR_TRY(read_told(r, out->folder)); /* first: a run that ends now is counted once, as running */
    TSR_TRY(tsr_folder_each_run(out->folder, visit_record, r));
    TSR_TRY(count_running(r));
    TSR_TRY(tsr_each_left_file(out->folder, add_size, out));
    add_tables(out);
    conclude(r);
    return NULL;
}

tsr_status *tsr_study_status_read(const char *folder, tsr_study_status *out)
{
    *out = (tsr_study_status){ .folder = strdup(folder) };
    reading r = { .out = out, .skim = { .skipped = tsr_skim_for_counts } };
    tsr_status *status =
        out->folder ? tsr_results_open(folder, 0, NULL, &r.results) : tsr_no_memory("a path");
    if (!status)
        status = read_all(&r);
    json_decref(r.running);
    tsr_skim_clear(&r.skim);
    tsr_results_free(r.results);
    if (status)
        tsr_study_status_clear(out);
    return status;
}

void tsr_study_status_clear(tsr_study_status *status)
{
    for (size_t i = 0; i < status->n_listed; i++)
        free(status->listed[i].reason);
    free(status->listed);
    free(status->folder);
    free(status->name);
    *status = (tsr_study_status){ 0 };
}

size_t tsr_study_status_bytes(const tsr_study_status *status)
{
    size_t all = status->tables;
    for (size_t i = 0; i < TSR_N_LEAVINGS; i++)
        all += status->bytes[i];
    return all;
}
