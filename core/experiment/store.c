/* The results folder. run.json is the truth about a run: results.csv is derived from them each time, and a
   run without a whole one has not happened. */
#include "experiment/store.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/compare.h"
#include "config/json.h"
#include "config/print.h"
#include "config/read.h"
#include "experiment/folder.h"
#include "experiment/identity.h"
#include "experiment/record.h"
#include "experiment/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* How often, and how long apart, a lock is asked for. The processes of a program that was killed hold its
   locks until they are gone too, which is soon. */
#define LOCK_TRIES 40
#define LOCK_NANOSECONDS 50000000

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

static tsr_status *lock_file(const tsr_store *store, const char *name, int operation, int *fd)
{
    const char *folder = store->shown;
    char *path = tsr_path_join(store->folder, name);
    if (!path)
        return tsr_no_memory("a path");
    tsr_status *status = NULL;
    int error = 0;
    if (store->unlocked) {
        free(path);
        return NULL;
    }
    *fd = tsr_open_lock(path, &error);
    if (*fd < 0)
        status = tsr_fail(TSR_REFUSED, "%s: cannot write the results folder: %s: %s", folder, name,
                          error == ELOOP ? "a link is there, expected a file" : strerror(error));
    else if ((error = try_lock(*fd, operation)) == EWOULDBLOCK)
        status = tsr_fail(TSR_REFUSED, "%s: another tessera is working in this results folder: wait for it%s",
                          folder, store->left ? "" : ", or choose another folder with -o");
    else if (error)
        status = tsr_fail(
            TSR_REFUSED,
            "%s: cannot lock: %s: its file system may have no locks; where no other tessera works in "
            "this folder, --no-lock does without",
            path, strerror(error));
    free(path);
    return status;
}

/* A shard shares the folder with the other shards, and excludes itself and an undivided run. */
static tsr_status *lock_folder(tsr_store *store, tsr_shard shard)
{
    if (shard.of == 1)
        return lock_file(store, ".lock", LOCK_EX, &store->lock);
    TSR_TRY(lock_file(store, ".lock", LOCK_SH, &store->lock));
    char *name = tsr_format(".lock-%zu-of-%zu", shard.index + 1, shard.of);
    tsr_status *status = name ? lock_file(store, name, LOCK_EX, &store->shard_lock) : tsr_no_memory("a path");
    free(name);
    return status;
}

/* Whether the config there is the one here but for the executor, which is each command's own. */
static bool is_config_of(const char *path, const tsr_experiment *experiment)
{
    static const char *const ignored[] = { "executor", NULL };
    tsr_value *there = NULL;
    tsr_text difference = { 0 };
    tsr_status *status = access(path, F_OK) == 0 ? tsr_config_read(path, 0, NULL, &there) : NULL;
    bool same = there && !tsr_values_differ(there, experiment->resolved, ignored, &difference);
    tsr_status_free(status);
    tsr_value_free(there);
    free(difference.chars);
    return same;
}

/* A key that is swept here has as many values as the sweep says, and may have had one before: the study
   grows, and so it does by keys that leave the training what it was. */
static tsr_status *compare(tsr_store *store, const tsr_value *there, const tsr_experiment *experiment)
{
    size_t n = 0, n_swept = experiment->n_swept;
    while (tsr_identity_growing[n])
        n++;
    const char **apart = tsr_alloc(n_swept + n, sizeof(*apart));
    tsr_text difference = { 0 };
    if (!apart)
        return tsr_no_memory("the config");
    for (size_t i = 0; i < n_swept + n; i++)
        apart[i] = i < n_swept ? experiment->swept[i] : tsr_identity_growing[i - n_swept];
    tsr_status *status =
        tsr_identity_same_experiment(there, experiment->resolved, n_swept + n, apart, false, &difference);
    if (!status && difference.chars)
        status = tsr_fail(TSR_REFUSED,
                          "%s: holds the results of another experiment (%s): expected the same one; choose "
                          "another folder with -o, or replace its results with --fresh",
                          store->shown, difference.chars);
    if (!status)
        status = tsr_identity_same_experiment(there, experiment->resolved, n_swept, apart, true, &difference);
    if (!status) {
        store->grown = difference.chars;
        difference.chars = NULL;
    }
    free(difference.chars);
    free(apart);
    return status;
}

static tsr_status *check_same(const char *path, tsr_store *store, const tsr_experiment *experiment)
{
    if (access(path, F_OK) != 0)
        return NULL;
    tsr_value *there = NULL;
    tsr_status *status = tsr_config_read(path, 0, NULL, &there);
    if (status) {
        tsr_log_warning("%s; it is written anew", tsr_status_message(status));
        tsr_status_free(status);
        return NULL;
    }
    status = compare(store, there, experiment);
    tsr_value_free(there);
    return status;
}

tsr_status *tsr_store_renew_config(tsr_store *store, const tsr_value *resolved)
{
    if (store->stale)
        TSR_TRY(tsr_store_put_config(store, resolved));
    store->stale = false;
    return NULL;
}

tsr_status *tsr_store_put_config(const tsr_store *store, const tsr_value *resolved)
{
    tsr_text text = { 0 };
    char *path = tsr_path_join(store->folder, "config.cfg");
    tsr_text_add(&text, TSR_FOLDER_MARK "%s resolved it: every key, defaults too.\n", tsr_version());
    tsr_print_config(resolved, &text);
    tsr_status *status =
        text.failed || !path ? tsr_no_memory("config.cfg") : tsr_write_file(path, text.chars, text.length);
    free(text.chars);
    free(path);
    return status;
}

static tsr_status *prepare(tsr_store *store, const tsr_experiment *experiment,
                           const tsr_store_options *options)
{
    TSR_TRY(lock_folder(store, options->shard));
    TSR_TRY(options->fresh ? tsr_folder_empty(store->folder, store->shown)
                           : tsr_folder_check(store->folder, store->shown));
    if (options->shard.of == 1) /* nobody else writes here */
        tsr_folder_remove_unfinished(store->folder);
    char *config = tsr_path_join(store->folder, "config.cfg"), *runs = tsr_path_join(store->folder, "runs");
    tsr_status *status = config && runs ? check_same(config, store, experiment) : tsr_no_memory("a path");
    /* First: by it the folder is known to be ours. A shard leaves that of the command that started it. */
    bool there = !status && access(config, F_OK) == 0;
    if (!status && (options->shard.of == 1 || !is_config_of(config, experiment))) {
        store->stale = there;
        status = there ? NULL : tsr_store_put_config(store, experiment->resolved);
    }
    if (!status)
        status = tsr_make_folder(runs);
    free(config);
    free(runs);
    return status;
}

tsr_status *tsr_store_open(const char *folder, const char *shown, const tsr_experiment *experiment,
                           const tsr_store_options *options, tsr_store *out)
{
    tsr_status *status = tsr_store_join(folder, shown, out);
    out->unlocked = options->unlocked;
    if (!status)
        status = tsr_folder_check_config(folder, shown, experiment->path);
    if (!status) /* before a lock is left in it */
        status = tsr_folder_check(folder, shown);
    if (!status)
        status = tsr_make_folder(folder);
    if (!status)
        status = prepare(out, experiment, options);
    if (status)
        tsr_store_close(out);
    return status;
}

tsr_status *tsr_store_open_left(const char *folder, const char *shown, bool unlocked, tsr_store *out)
{
    TSR_TRY(tsr_store_join(folder, shown, out));
    out->unlocked = unlocked;
    out->left = true;
    tsr_status *status =
        tsr_folder_is_ours(folder)
            ? NULL
            : tsr_fail(TSR_REFUSED,
                       "%s: expected a results folder, with the config.cfg that tessera run has written",
                       shown);
    if (!status)
        status = lock_folder(out, (tsr_shard){ 0, 1 });
    if (status)
        tsr_store_close(out);
    return status;
}

static bool is_lock(const char *name)
{
    return strncmp(name, ".lock", strlen(".lock")) == 0;
}

tsr_status *tsr_store_check_empty(const char *folder, const char *shown)
{
    if (tsr_folder_is_ours(folder))
        return tsr_fail(TSR_REFUSED, "%s: holds results already: expected a new or an empty folder", shown);
    DIR *entries = opendir(folder);
    tsr_status *status = NULL;
    for (struct dirent *entry; entries && !status && (entry = readdir(entries)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && !is_lock(entry->d_name))
            status = tsr_fail(TSR_REFUSED, "%s: holds '%s': expected a new or an empty folder", shown,
                              entry->d_name);
    if (entries)
        closedir(entries);
    return status;
}

tsr_status *tsr_store_open_empty(const char *folder, const char *shown, bool unlocked, tsr_store *out,
                                 bool *made)
{
    TSR_TRY(tsr_store_join(folder, shown, out));
    out->unlocked = unlocked;
    *made = access(folder, F_OK) != 0;
    tsr_status *status = tsr_store_check_empty(folder, shown);
    if (!status)
        status = tsr_make_folder(folder);
    if (!status)
        status = lock_folder(out, (tsr_shard){ 0, 1 });
    if (!status) /* who held it before may have written */
        status = tsr_store_check_empty(folder, shown);
    if (status)
        tsr_store_close(out);
    return status;
}

void tsr_store_undo(tsr_store *store, bool made)
{
    tsr_status_free(tsr_folder_empty(store->folder, store->shown));
    DIR *entries = opendir(store->folder);
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;)
        if (is_lock(entry->d_name))
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
    if (made)
        rmdir(store->folder);
    tsr_store_close(store);
}

tsr_status *tsr_store_join(const char *folder, const char *shown, tsr_store *out)
{
    *out = (tsr_store){
        .folder = strdup(folder), .shown = strdup(shown), .lock = -1, .shard_lock = -1, .table_lock = -1
    };
    if (out->folder && out->shown)
        return NULL;
    tsr_store_close(out);
    return tsr_no_memory("a path");
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
    free(store->shown);
    free(store->grown);
    store->folder = store->shown = store->grown = NULL;
}

tsr_status *tsr_store_share(tsr_store *store)
{
    close_lock(&store->shard_lock);
    int error = store->lock >= 0 ? try_lock(store->lock, LOCK_SH) : 0;
    return error ? tsr_fail(TSR_IO, "%s: cannot share the lock of the results folder: %s", store->shown,
                            strerror(error))
                 : NULL;
}

tsr_status *tsr_store_begin_tables(tsr_store *store)
{
    tsr_status *status = lock_file(store, ".lock-tables", LOCK_EX, &store->table_lock);
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

static tsr_status *check(const json_t *record, const char *id, const tsr_skim *skim)
{
    return skim && skim->has_config ? tsr_record_check_snapshots(record) : tsr_record_check(record, id);
}

tsr_status *tsr_store_get(const tsr_store *store, const tsr_run *run, json_t **out)
{
    return tsr_store_skim(store, run, NULL, out);
}

tsr_status *tsr_store_skim(const tsr_store *store, const tsr_run *run, tsr_skim *skim, json_t **out)
{
    *out = NULL;
    char *path = tsr_record_path(store->folder, run->id);
    tsr_status *status = !path  ? tsr_no_memory("a path")
                         : skim ? tsr_record_skim(skim, path, run->id, out)
                                : tsr_record_read(path, run->id, out);
    if (!status && *out && (status = tsr_context(check(*out, run->id, skim), "%s", path))) {
        json_decref(*out);
        *out = NULL;
    }
    free(path);
    if (tsr_status_error(status) != TSR_REFUSED)
        return status;
    tsr_log_warning("%s; this run is done again", tsr_status_message(status));
    tsr_status_free(status);
    return NULL;
}

bool tsr_store_has_file(const tsr_store *store, const tsr_run *run, const char *name)
{
    char *path = tsr_format("%s/runs/%s/%s", store->folder, run->id, name);
    bool found = path && access(path, F_OK) == 0;
    free(path);
    return found;
}

tsr_status *tsr_store_put(const tsr_store *store, const char *id, const json_t *record)
{
    char *folder = tsr_format("%s/runs/%s", store->folder, id), *path = tsr_record_path(store->folder, id);
    char *text = tsr_json_dump(record, TSR_RECORD_LAYOUT);
    tsr_status *status = folder && path && text ? tsr_make_folder(folder) : tsr_no_memory("run.json");
    if (!status)
        status = tsr_write_file(path, text, strlen(text));
    free(text);
    free(path);
    free(folder);
    return status;
}
