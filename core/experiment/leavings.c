/* What runs have left. Folders are opened one from the other, without following links, so that nothing that
   is put in their place meanwhile leads elsewhere. */
#include "experiment/leavings.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "experiment/folder.h"
#include "experiment/model_file.h"
#include "experiment/saved_codes.h"
#include "experiment/training_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DEPTH 16 /* of folders that a probe may make */

typedef struct walk {
    const char *id;
    tsr_left_visitor visit; /* NULL: links are refused, and nothing is visited */
    void *context;
} walk;

/* Whether a name is `known`, or that and ".XXXXXX", which is *unfinished then. */
static bool is_name(const char *name, const char *known, bool *unfinished)
{
    size_t length = strlen(known);
    if (strncmp(name, known, length) != 0)
        return false;
    *unfinished = name[length] == '.' && strlen(name) == length + 7;
    return name[length] == '\0' || *unfinished;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Whether the file is the known one, of that kind, or what its writing has left. */
static bool is_left(const char *name, const char *known, tsr_leaving of_known, tsr_leaving *kind)
{
    bool unfinished = false;
    if (!is_name(name, known, &unfinished))
        return false;
    *kind = unfinished ? TSR_LEFT_UNFINISHED : of_known;
    return true;
}

/* "epoch-N.safetensors". */
static bool is_network(const char *name, tsr_leaving *kind)
{
    static const char begin[] = "epoch-";
    size_t length = strlen(begin);
    size_t digits = strncmp(name, begin, length) == 0 ? strspn(name + length, "0123456789") : 0;
    return digits && is_left(name + length + digits, ".safetensors", TSR_LEFT_MODEL, kind);
}

/* What the file at this path of a run's folder is; false where it is none of ours. */
static bool find_kind(const char *path, tsr_leaving *kind)
{
    *kind = is_below(path, "probing.unfinished") ? TSR_LEFT_UNFINISHED : TSR_LEFT_OF_PROBES;
    if (*kind == TSR_LEFT_UNFINISHED || is_below(path, "probes"))
        return true;
    if (is_left(path, "run.json", TSR_LEFT_RECORD, kind) ||
        is_left(path, "model.safetensors", TSR_LEFT_MODEL, kind) ||
        is_left(path, TSR_STATE_FILE, TSR_LEFT_STATE, kind) ||
        is_left(path, TSR_CHECKPOINT_FILE, TSR_LEFT_UNFINISHED, kind))
        return true;
    if (is_below(path, TSR_SNAPSHOTS) && is_network(path + sizeof(TSR_SNAPSHOTS), kind))
        return true;
    for (const char *const *name = tsr_saved_codes_files; *name && is_below(path, TSR_SAVED_CODES); name++)
        if (is_left(path + sizeof(TSR_SAVED_CODES), *name, TSR_LEFT_CODES, kind))
            return true;
    return false;
}

/* Whether a folder at this path may hold something of ours. */
static bool is_our_folder(const char *path)
{
    static const char *const names[] = { TSR_SAVED_CODES, TSR_SNAPSHOTS, "probes", "probing.unfinished" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return is_below(path, "probes") || is_below(path, "probing.unfinished");
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int is_visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static tsr_status *refuse_link(const walk *w, const char *path)
{
    return tsr_fail(TSR_REFUSED, "runs/%s%s%s: is a link, which is not followed: expected files", w->id,
                    *path ? "/" : "", path);
}

static tsr_status *walk_folder(const walk *w, int folder, const char *path, int depth);

static tsr_status *walk_entry(const walk *w, int folder, const char *name, const char *path, int depth)
{
    tsr_left_file file = { .id = w->id, .path = path, .name = name, .folder = folder };
    if (fstatat(folder, name, &file.info, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL; /* it is gone already */
    if (S_ISLNK(file.info.st_mode) && !w->visit)
        return find_kind(path, &file.kind) || is_our_folder(path) ? refuse_link(w, path) : NULL;
    if (S_ISREG(file.info.st_mode))
        return w->visit && find_kind(path, &file.kind) ? w->visit(w->context, &file) : NULL;
    if (!S_ISDIR(file.info.st_mode) || depth == MAX_DEPTH || !is_our_folder(path))
        return NULL;
    int below = open_folder(folder, name);
    if (below < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
                   ? NULL
                   : tsr_fail(TSR_IO, "runs/%s/%s: cannot be read: %s", w->id, path, strerror(errno));
    tsr_status *status = walk_folder(w, below, path, depth + 1);
    close(below);
    return status;
}

static tsr_status *walk_folder(const walk *w, int folder, const char *path, int depth)
{
    struct dirent **entries = NULL;
    int n = scandirat(folder, ".", &entries, is_visible, alphasort);
    tsr_status *status =
        n < 0 ? tsr_fail(TSR_IO, "runs/%s/%s: cannot be read: %s", w->id, path, strerror(errno)) : NULL;
    for (int i = 0; i < n; i++) {
        char *below = status  ? NULL
                      : *path ? tsr_path_join(path, entries[i]->d_name)
                              : strdup(entries[i]->d_name);
        if (below)
            status = walk_entry(w, folder, entries[i]->d_name, below, depth);
        else if (!status)
            status = tsr_no_memory("a path");
        free(below);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static tsr_status *walk_run(const walk *w, int runs)
{
    struct stat info;
    if (!w->visit && fstatat(runs, w->id, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode))
        return refuse_link(w, "");
    int folder = open_folder(runs, w->id);
    if (folder < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
                   ? NULL
                   : tsr_fail(TSR_IO, "runs/%s: cannot be read: %s", w->id, strerror(errno));
    tsr_status *status = walk_folder(w, folder, "", 0);
    close(folder);
    return status;
}

static int open_runs(const char *folder)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), runs = at < 0 ? -1 : open_folder(at, "runs");
    if (at >= 0)
        close(at);
    return runs;
}

typedef struct all_runs {
    walk walk;
    int runs;
} all_runs;

static tsr_status *visit_run(void *context, const char *id)
{
    all_runs *all = context;
    all->walk.id = id;
    return tsr_is_run_id(id) ? walk_run(&all->walk, all->runs) : NULL;
}

tsr_status *tsr_each_left_file(const char *folder, tsr_left_visitor visit, void *context)
{
    all_runs all = { .walk = { .visit = visit, .context = context }, .runs = open_runs(folder) };
    if (all.runs < 0)
        return errno == ENOENT ? NULL
                               : tsr_fail(TSR_IO, "%s/runs: cannot be read: %s", folder, strerror(errno));
    tsr_status *status = tsr_context(tsr_folder_each_run(folder, visit_run, &all), "%s", folder);
    close(all.runs);
    return status;
}

tsr_status *tsr_refuse_left_links(const char *folder)
{
    return tsr_each_left_file(folder, NULL, NULL);
}
