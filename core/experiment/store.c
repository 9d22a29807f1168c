/* The results folder. run.json is the truth about a run: results.csv is derived from them each time, and a
   run without a whole one has not happened. */
#include "experiment/store.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/csv.h"
#include "experiment/resolved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LARGEST_OUTCOME (256 << 20)

/* How often, and how long apart, a lock is asked for. The processes of a program that was killed hold its
   locks until they are gone too, which is soon. */
#define LOCK_TRIES 40
#define LOCK_NANOSECONDS 50000000

/* What may change between two calls that share a folder: it decides which runs are done and how, not what
   a run gives. */
static const char *const may_differ[] = { "name",        "executor", "replicates", "sweep",
                                          "plugin_path", "report",   NULL };

/* 0, or the error. */
static int try_lock(int fd, int operation)
{
    for (int left = LOCK_TRIES; flock(fd, operation | LOCK_NB) != 0; left--) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return errno;
        if (left == 0)
            return EWOULDBLOCK;
        nanosleep(&(struct timespec){ .tv_nsec = LOCK_NANOSECONDS }, NULL);
    }
    return 0;
}

static tsr_status *lock_file(const char *folder, const char *name, int operation, int *fd)
{
    char *path = tsr_path_join(folder, name);
    if (!path)
        return tsr_no_memory("a path");
    tsr_status *status = NULL;
    int error = 0;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        status = tsr_fail(TSR_REFUSED, "%s: cannot write the results folder: %s", folder, strerror(errno));
    else if ((error = try_lock(*fd, operation)) == EWOULDBLOCK)
        status = tsr_fail(TSR_REFUSED,
                          "%s: another tessera is working in this results folder: wait for it, or choose "
                          "another folder with -o",
                          folder);
    else if (error)
        status = tsr_fail(TSR_REFUSED, "%s: cannot lock: %s", path, strerror(error));
    free(path);
    return status;
}

/* A shard shares the folder with the other shards, and excludes itself and an undivided run. */
static tsr_status *lock_folder(tsr_store *store, tsr_shard shard)
{
    if (shard.of == 1)
        return lock_file(store->folder, ".lock", LOCK_EX, &store->lock);
    TSR_TRY(lock_file(store->folder, ".lock", LOCK_SH, &store->lock));
    char *name = tsr_format(".lock-%zu-of-%zu", shard.index + 1, shard.of);
    tsr_status *status =
        name ? lock_file(store->folder, name, LOCK_EX, &store->shard_lock) : tsr_no_memory("a path");
    free(name);
    return status;
}

/* A key that both sweep has its first point's value in either: it says nothing of the others. */
static void remove_swept(json_t *there, json_t *here)
{
    const json_t *sweeps[2] = { json_object_get(there, "sweep"), json_object_get(here, "sweep") };
    for (size_t i = 0; i < json_array_size(sweeps[0]); i++)
        for (size_t j = 0; j < json_array_size(sweeps[1]); j++) {
            const char *key = json_string_value(json_object_get(json_array_get(sweeps[0], i), "key"));
            const char *own = json_string_value(json_object_get(json_array_get(sweeps[1], j), "key"));
            if (!key || !own || strcmp(key, own) != 0)
                continue;
            tsr_resolved_remove(there, key);
            tsr_resolved_remove(here, key);
        }
}

static tsr_status *check_same(const char *path, const tsr_store *store, const tsr_experiment *experiment)
{
    if (access(path, F_OK) != 0)
        return NULL;
    json_t *there = NULL;
    tsr_status *status = tsr_resolved_read(path, &there);
    if (status) {
        tsr_log_warning("%s; it is written anew", tsr_status_message(status));
        tsr_status_free(status);
        return NULL;
    }
    tsr_text difference = { 0 };
    json_t *here = json_deep_copy(experiment->resolved);
    remove_swept(there, here);
    if (!here)
        status = tsr_no_memory("the config");
    else if (tsr_resolved_differs(there, here, may_differ, &difference))
        status = tsr_fail(TSR_REFUSED,
                          "%s: holds the results of another experiment (%s): expected the same one; choose "
                          "another folder with -o, or replace its results with --fresh",
                          store->folder, difference.chars ? difference.chars : "it differs");
    free(difference.chars);
    json_decref(here);
    json_decref(there);
    return status;
}

/* What stands in the folder beside the runs' own and the locks. */
static const char *const ours[] = { "runs", "summary.csv", "results.csv", "config.cfg", "report.html", NULL };

static tsr_status *empty(const tsr_store *store)
{
    for (const char *const *name = ours; *name; name++) {
        char *path = tsr_path_join(store->folder, *name);
        tsr_status *status = path ? tsr_remove_tree(path) : tsr_no_memory("a path");
        free(path);
        TSR_TRY(status);
    }
    return NULL;
}

/* Whether a file is what the writing of one of ours leaves where it is killed: its name and ".XXXXXX". */
static bool is_unfinished(const char *name)
{
    for (const char *const *known = ours; *known; known++) {
        size_t length = strlen(*known);
        if (strncmp(name, *known, length) == 0 && name[length] == '.' && strlen(name) == length + 7)
            return true;
    }
    return false;
}

static void remove_unfinished(const tsr_store *store)
{
    DIR *folder = opendir(store->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        if (is_unfinished(entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
}

static tsr_status *write_config(const char *path, const tsr_experiment *experiment)
{
    tsr_text text = { 0 };
    tsr_text_add(&text, "# The experiment as tessera %s resolved it: every key, defaults too.\n",
                 tsr_version());
    tsr_resolved_write(experiment->resolved, &text);
    tsr_status *status = text.failed ? tsr_no_memory(path) : tsr_write_file(path, text.chars, text.length);
    free(text.chars);
    return status;
}

static tsr_status *prepare(tsr_store *store, const tsr_experiment *experiment, tsr_shard shard, bool fresh)
{
    TSR_TRY(lock_folder(store, shard));
    if (fresh)
        TSR_TRY(empty(store));
    if (shard.of == 1) /* nobody else writes here */
        remove_unfinished(store);
    char *config = tsr_path_join(store->folder, "config.cfg"), *runs = tsr_path_join(store->folder, "runs");
    tsr_status *status = config && runs ? check_same(config, store, experiment) : tsr_no_memory("a path");
    if (!status)
        status = tsr_make_folder(runs);
    if (!status)
        status = write_config(config, experiment);
    free(config);
    free(runs);
    return status;
}

tsr_status *tsr_store_open(const char *folder, const tsr_experiment *experiment, tsr_shard shard, bool fresh,
                           tsr_store *out)
{
    tsr_status *status = tsr_store_join(folder, out);
    if (!status)
        status = tsr_make_folder(folder);
    if (!status)
        status = prepare(out, experiment, shard, fresh);
    if (status)
        tsr_store_close(out);
    return status;
}

tsr_status *tsr_store_join(const char *folder, tsr_store *out)
{
    *out = (tsr_store){ .folder = strdup(folder), .lock = -1, .shard_lock = -1, .table_lock = -1 };
    return out->folder ? NULL : tsr_no_memory("a path");
}

static void close_lock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void tsr_store_close(tsr_store *store)
{
    close_lock(&store->lock);
    close_lock(&store->shard_lock);
    close_lock(&store->table_lock);
    free(store->folder);
    store->folder = NULL;
}

tsr_status *tsr_store_begin_tables(tsr_store *store)
{
    tsr_status *status = lock_file(store->folder, ".lock-tables", LOCK_EX, &store->table_lock);
    if (status)
        close_lock(&store->table_lock);
    return status;
}

void tsr_store_end_tables(tsr_store *store)
{
    close_lock(&store->table_lock);
}

char *tsr_store_run_folder(const tsr_store *store, const tsr_run *run)
{
    return tsr_format("%s/runs/%s", store->folder, run->id);
}

static char *outcome_path(const tsr_store *store, const tsr_run *run)
{
    return tsr_format("%s/runs/%s/run.json", store->folder, run->id);
}

json_t *tsr_outcome_read(const char *path, const char *id, const char *consequence)
{
    json_error_t error;
    json_t *outcome = NULL;
    char *text;
    size_t length;
    tsr_status *status = tsr_read_given_file(path, "run's record", LARGEST_OUTCOME, &text, &length);
    if (status) {
        tsr_log_warning("%s; %s", tsr_status_message(status), consequence);
        tsr_status_free(status);
    } else if (!(outcome = json_loadb(text, length, 0, &error))) {
        tsr_log_warning("%s:%d: not a whole run.json: %s; %s", path, error.line, error.text, consequence);
    } else {
        const char *found = json_string_value(json_object_get(outcome, "run"));
        if (!found || strcmp(found, id) != 0 || !json_is_array(json_object_get(outcome, "snapshots")) ||
            !json_is_string(json_object_get(outcome, "status"))) {
            tsr_log_warning("%s: not the record of run %s; %s", path, id, consequence);
            json_decref(outcome);
            outcome = NULL;
        }
    }
    free(text);
    return outcome;
}

json_t *tsr_store_get(const tsr_store *store, const tsr_run *run)
{
    char *path = outcome_path(store, run);
    bool exists = path && access(path, F_OK) == 0;
    json_t *outcome = exists ? tsr_outcome_read(path, run->id, "this run is done again") : NULL;
    free(path);
    return outcome;
}

tsr_status *tsr_store_put(const tsr_store *store, const tsr_run *run, const json_t *outcome)
{
    char *folder = tsr_store_run_folder(store, run), *path = outcome_path(store, run);
    char *text = json_dumps(outcome, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    tsr_status *status = folder && path && text ? tsr_make_folder(folder) : tsr_no_memory("run.json");
    if (!status)
        status = tsr_write_file(path, text, strlen(text));
    free(text);
    free(path);
    free(folder);
    return status;
}

static bool has_status(const json_t *outcome, const char *word)
{
    const char *status = json_string_value(json_object_get(outcome, "status"));
    return status && strcmp(status, word) == 0;
}

bool tsr_outcome_is_done(const json_t *outcome)
{
    return has_status(outcome, "done");
}

bool tsr_outcome_is_final(const json_t *outcome)
{
    return has_status(outcome, "done") || has_status(outcome, "diverged");
}

json_t *tsr_store_outcomes(const tsr_store *store, const tsr_experiment *experiment)
{
    json_t *outcomes = json_array();
    for (size_t i = 0; i < experiment->n_runs; i++) {
        json_t *outcome = tsr_store_get(store, &experiment->runs[i]);
        json_array_append_new(outcomes, outcome ? outcome : json_null());
    }
    return outcomes;
}

json_t *tsr_outcomes_metrics(const json_t *outcomes)
{
    json_t *names = json_object(), *outcome, *snapshot, *value;
    size_t i, j;
    json_array_foreach(outcomes, i, outcome)
    {
        if (!tsr_outcome_is_done(outcome))
            continue;
        json_array_foreach(json_object_get(outcome, "snapshots"), j, snapshot)
        {
            const char *name;
            json_object_foreach(json_object_get(snapshot, "metrics"), name, value)
                json_object_set_new(names, name, json_true());
        }
    }
    return names;
}

/* The one key that every row tells anyway. */
static bool has_own_column(const char *swept)
{
    return strcmp(swept, "seed") == 0;
}

static void add_rows(tsr_text *csv, const tsr_experiment *experiment, const tsr_run *run,
                     const json_t *outcome, json_t *names)
{
    json_t *snapshot, *ignored;
    size_t i;
    json_array_foreach(json_object_get(outcome, "snapshots"), i, snapshot)
    {
        tsr_text_add(csv, "%s,%zu,%llu", run->id, run->replicate, (unsigned long long)run->seed);
        for (size_t j = 0; j < experiment->n_swept; j++) {
            if (has_own_column(experiment->swept[j]))
                continue;
            tsr_text_add(csv, ",");
            tsr_csv_add(csv, json_object_get(run->swept, experiment->swept[j]));
        }
        tsr_text_add(csv, ",");
        tsr_csv_add(csv, json_object_get(snapshot, "epoch"));
        const char *name;
        json_object_foreach(names, name, ignored)
        {
            tsr_text_add(csv, ",");
            tsr_csv_add(csv, json_object_get(json_object_get(snapshot, "metrics"), name));
        }
        tsr_text_add(csv, "\n");
    }
}

tsr_status *tsr_store_write_csv(const tsr_store *store, const tsr_experiment *experiment,
                                const json_t *outcomes)
{
    json_t *names = tsr_outcomes_metrics(outcomes), *ignored;
    char *path = tsr_path_join(store->folder, "results.csv");
    tsr_text csv = { 0 };
    tsr_text_add(&csv, "run,replicate,seed");
    for (size_t i = 0; i < experiment->n_swept; i++)
        if (!has_own_column(experiment->swept[i]))
            tsr_text_add(&csv, ",%s", experiment->swept[i]);
    tsr_text_add(&csv, ",epoch");
    const char *name;
    json_object_foreach(names, name, ignored) tsr_text_add(&csv, ",%s", name);
    tsr_text_add(&csv, "\n");
    for (size_t i = 0; i < experiment->n_runs; i++)
        if (tsr_outcome_is_done(json_array_get(outcomes, i)))
            add_rows(&csv, experiment, &experiment->runs[i], json_array_get(outcomes, i), names);
    tsr_status *status = csv.failed || !path || !names ? tsr_no_memory("results.csv")
                                                       : tsr_write_file(path, csv.chars, csv.length);
    free(csv.chars);
    free(path);
    json_decref(names);
    return status;
}
