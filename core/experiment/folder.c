/* Whose a results folder is. A run's folder is called by its id, 16 hexadecimal digits. */
#include "experiment/folder.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_LENGTH 16

const char *const tsr_folder_files[] = { "summary.csv", "results.csv", "report.html", "config.cfg", NULL };

static bool exists(const char *folder, const char *name)
{
    char *path = tsr_path_join(folder, name);
    struct stat info;
    bool found = path && lstat(path, &info) == 0;
    free(path);
    return found;
}

/* Whether a file begins as Tessera's config.cfg does. What is no file is not opened: it might hang; and
   Tessera leaves no link, which would speak for another folder. */
static bool has_mark(const char *path)
{
    static const char mark[] = TSR_FOLDER_MARK;
    char head[sizeof(mark)] = "";
    struct stat info;
    FILE *file = lstat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    bool whole = fread(head, 1, sizeof(mark) - 1, file) == sizeof(mark) - 1;
    fclose(file);
    return whole && strcmp(head, mark) == 0;
}

bool tsr_folder_is_ours(const char *folder)
{
    char *config = tsr_path_join(folder, "config.cfg");
    bool ours = config && has_mark(config);
    free(config);
    return ours;
}

tsr_status *tsr_folder_check(const char *folder, const char *shown)
{
    if (tsr_folder_is_ours(folder))
        return NULL;
    const char *found = exists(folder, "runs") ? "runs" : NULL;
    for (const char *const *name = tsr_folder_files; *name && !found; name++)
        found = exists(folder, *name) ? *name : NULL;
    if (!found)
        return NULL;
    return tsr_fail(TSR_REFUSED,
                    "%s: holds '%s' and is not a results folder of tessera (no config.cfg that tessera has "
                    "written): expected an empty or a new folder; choose another with -o",
                    shown, found);
}

tsr_status *tsr_folder_check_config(const char *folder, const char *shown, const char *config)
{
    char *path = tsr_path_join(folder, "config.cfg");
    struct stat there, given;
    bool same = path && stat(path, &there) == 0 && stat(config, &given) == 0 &&
                there.st_dev == given.st_dev && there.st_ino == given.st_ino;
    tsr_status *status = path ? NULL : tsr_no_memory("a path");
    if (same && !has_mark(path))
        status = tsr_fail(TSR_REFUSED,
                          "%s: its config.cfg is the config that is to be run, which the results would "
                          "replace: choose another folder with -o",
                          shown);
    free(path);
    return status;
}

bool tsr_is_run_id(const char *name)
{
    return strlen(name) == ID_LENGTH && strspn(name, "0123456789abcdef") == ID_LENGTH;
}

static int is_visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* The entries of the folder's runs/, sorted; -1 and an error where there are some but cannot be read. */
static tsr_status *list_runs(const char *path, struct dirent ***out, int *n)
{
    *n = scandir(path, out, is_visible, alphasort);
    if (*n >= 0)
        return NULL;
    *n = 0;
    *out = NULL;
    return errno == ENOENT ? NULL : tsr_fail(TSR_IO, "%s: cannot be read: %s", path, strerror(errno));
}

static void free_entries(struct dirent **entries, int n)
{
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
}

tsr_status *tsr_folder_each_run(const char *folder, tsr_status *(*visit)(void *context, const char *id),
                                void *context)
{
    char *path = tsr_path_join(folder, "runs");
    struct dirent **entries = NULL;
    int n = 0;
    tsr_status *status = path ? list_runs(path, &entries, &n) : tsr_no_memory("a path");
    for (int i = 0; i < n && !status; i++)
        if (entries[i]->d_name[0] != '.')
            status = visit(context, entries[i]->d_name);
    free_entries(entries, n);
    free(path);
    return status;
}

/* A link called as a run is somebody else's: what it leads to is not followed. */
static bool is_run_folder(const char *path, const char *name)
{
    struct stat info;
    return tsr_is_run_id(name) && lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static tsr_status *empty_runs(const char *runs)
{
    struct dirent **entries = NULL;
    int n = 0;
    tsr_status *status = list_runs(runs, &entries, &n);
    for (int i = 0; i < n && !status; i++) {
        char *path = tsr_path_join(runs, entries[i]->d_name);
        if (!path)
            status = tsr_no_memory("a path");
        else if (is_run_folder(path, entries[i]->d_name))
            status = tsr_remove_tree(path);
        else
            tsr_log_warning("%s: is not a run of tessera and stays", path);
        free(path);
    }
    free_entries(entries, n);
    return status;
}

tsr_status *tsr_folder_empty(const char *folder, const char *shown)
{
    TSR_TRY(tsr_folder_check(folder, shown));
    char *runs = tsr_path_join(folder, "runs");
    struct stat info;
    tsr_status *status = runs ? NULL : tsr_no_memory("a path");
    if (!status && lstat(runs, &info) == 0 && S_ISLNK(info.st_mode))
        status = tsr_fail(TSR_REFUSED,
                          "%s/runs: is a link, and nothing is removed through it: remove what it leads to "
                          "first",
                          shown);
    if (!status)
        status = empty_runs(runs);
    if (!status)
        rmdir(runs); /* where nothing stays in it */
    free(runs);
    tsr_folder_remove_unfinished(folder);
    for (const char *const *name = tsr_folder_files; *name && !status; name++) {
        char *path = tsr_path_join(folder, *name);
        status = path ? NULL : tsr_no_memory("a path");
        if (!status && unlink(path) != 0 && errno != ENOENT)
            status = tsr_fail(TSR_IO, "%s: cannot remove: %s", path, strerror(errno));
        free(path);
    }
    return status;
}

bool tsr_folder_is_progress(const char *name)
{
    size_t length = strlen(TSR_FOLDER_PROGRESS);
    if (strncmp(name, TSR_FOLDER_PROGRESS, length) != 0)
        return false;
    unsigned shard, of;
    int end = 0;
    const char *rest = name + length;
    if (sscanf(rest, "-%5u-of-%5u%n", &shard, &of, &end) == 2)
        rest += end;
    return *rest == '\0' || (*rest == '.' && strlen(rest) == 7);
}

bool tsr_folder_is_unfinished(const char *name)
{
    for (const char *const *known = tsr_folder_files; *known; known++) {
        size_t length = strlen(*known);
        if (strncmp(name, *known, length) == 0 && name[length] == '.' && strlen(name) == length + 7)
            return true;
    }
    return tsr_folder_is_progress(name);
}

void tsr_folder_remove_unfinished(const char *folder)
{
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; open_folder && (entry = readdir(open_folder)) != NULL;)
        if (tsr_folder_is_unfinished(entry->d_name))
            unlinkat(dirfd(open_folder), entry->d_name, 0);
    if (open_folder)
        closedir(open_folder);
}
