/* Looking for the files of plugins: all of a kind, or the one that a name means. */
#include "plugin/candidates.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"
#include "plugin/keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of a kind. */

void tsr_candidates_clear(tsr_candidates *candidates)
{
    for (size_t i = 0; i < candidates->n; i++) {
        free(candidates->list[i].name);
        free(candidates->list[i].file);
    }
    free(candidates->list);
    *candidates = (tsr_candidates){ 0 };
}

static tsr_status *add_candidate(tsr_candidates *candidates, const char *folder, const char *name,
                                 size_t place)
{
    tsr_candidate *grown = realloc(candidates->list, (candidates->n + 1) * sizeof(*grown));
    if (!grown)
        return tsr_no_memory("a list of plugins");
    candidates->list = grown;
    tsr_candidate *new = &candidates->list[candidates->n++];
    *new = (tsr_candidate){ strndup(name, strlen(name) - 3), tsr_path_join(folder, name), place };
    return new->name &&new->file ? NULL : tsr_no_memory("a list of plugins");
}

static tsr_status *scan_folder(tsr_candidates *candidates, const char *folder, size_t place)
{
    DIR *entries = opendir(folder);
    tsr_status *status = NULL;
    if (!entries && tsr_error_of(errno) != TSR_REFUSED) /* one that is not there holds none */
        return tsr_fail(tsr_error_of(errno), "%s: cannot be searched for plugins: %s", folder,
                        strerror(errno));
    for (struct dirent *entry; entries && !status && (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0)
            status = add_candidate(candidates, folder, entry->d_name, place);
    }
    if (entries)
        closedir(entries);
    return status;
}

/* Folder i of the path. */
static tsr_status *scan(const tsr_plugin_path *path, size_t i, tsr_kind kind, tsr_candidates *candidates)
{
    char *folder = tsr_path_join(path->folders[i], tsr_kind_get(kind)->folder);
    char *libtool = folder ? tsr_path_join(folder, ".libs") : NULL;
    tsr_status *status = folder && libtool ? NULL : tsr_no_memory("a list of plugins");
    if (!status)
        status = scan_folder(candidates, folder, 2 * i);
    if (!status)
        status = scan_folder(candidates, libtool, 2 * i + 1);
    free(folder);
    free(libtool);
    return status;
}

static int by_name_and_place(const void *a, const void *b)
{
    const tsr_candidate *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : left->place < right->place ? -1 : left->place > right->place;
}

tsr_status *tsr_candidates_find(const tsr_plugin_path *path, tsr_kind kind, tsr_candidates *out)
{
    *out = (tsr_candidates){ 0 };
    for (size_t i = 0; i < path->n; i++) {
        tsr_status *status = scan(path, i, kind, out);
        if (status) {
            tsr_candidates_clear(out);
            return status;
        }
    }
    if (out->n > 1)
        qsort(out->list, out->n, sizeof(*out->list), by_name_and_place);
    return NULL;
}

/* Words. */

tsr_status *tsr_plugin_word_split(const char *word, tsr_plugin_word *out)
{
    const char *colon = strrchr(word, ':');
    bool has_name = colon && colon - word >= 3 && strncmp(colon - 3, ".so", 3) == 0 && !strchr(colon, '/');
    *out = (tsr_plugin_word){ has_name ? strndup(word, (size_t)(colon - word)) : strdup(word),
                              has_name ? strdup(colon + 1) : NULL };
    if (out->file && (out->name || !has_name))
        return NULL;
    tsr_plugin_word_clear(out);
    return tsr_no_memory("a plugin's name");
}

void tsr_plugin_word_clear(tsr_plugin_word *word)
{
    free(word->file);
    free(word->name);
    *word = (tsr_plugin_word){ 0 };
}

/* One by its name. */

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static tsr_status *not_found(const tsr_plugin_path *path, tsr_kind kind, const char *name)
{
    tsr_candidates candidates;
    TSR_TRY(tsr_candidates_find(path, kind, &candidates));
    const char **names = calloc(candidates.n + 1, sizeof(*names));
    for (size_t i = 0; names && i < candidates.n; i++)
        names[i] = candidates.list[i].name;
    const char *nearest = names ? tsr_nearest_word(name, names) : NULL;
    tsr_text text = { 0 };
    tsr_text_add(&text, "no %s is called '%s'; ", tsr_kind_get(kind)->name, name);
    if (nearest)
        tsr_text_add(&text, "did you mean '%s'? ", nearest);
    for (size_t i = 0; i < path->n; i++)
        tsr_text_add(&text, "%s%s%s", i ? ", " : "searched: ", path->folders[i],
                     is_folder(path->folders[i]) ? "" : " (no such folder)");
    tsr_status *status = text.failed ? tsr_no_memory("a message") : tsr_fail(TSR_REFUSED, "%s", text.chars);
    free(text.chars);
    free(names);
    tsr_candidates_clear(&candidates);
    return status;
}

static bool exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static tsr_status *locate_name(const tsr_plugin_path *path, tsr_kind kind, const char *name, char **out)
{
    const tsr_kind_row *row = tsr_kind_get(kind);
    if (!tsr_name_valid(name))
        return tsr_fail(TSR_REFUSED,
                        "'%s' is not a valid %s name: expected lower case letters, digits and _, or a path "
                        "with a '/' in it",
                        name, row->name);
    for (size_t i = 0; i < path->n; i++) {
        char *plain = tsr_format("%s/%s/%s.so", path->folders[i], row->folder, name);
        char *libtool = tsr_format("%s/%s/.libs/%s.so", path->folders[i], row->folder, name);
        if (!plain || !libtool) {
            free(plain);
            free(libtool);
            return tsr_no_memory("a path");
        }
        *out = exists(plain) ? plain : exists(libtool) ? libtool : NULL;
        if (*out != plain)
            free(plain);
        if (*out != libtool)
            free(libtool);
        if (*out)
            return NULL;
    }
    return not_found(path, kind, name);
}

tsr_status *tsr_candidate_locate(const tsr_plugin_path *path, tsr_kind kind, const tsr_plugin_word *word,
                                 char **out)
{
    if (strchr(word->file, '/'))
        return tsr_path_absolute(word->file, out);
    if (!word->name)
        return locate_name(path, kind, word->file, out);
    char *name = strndup(word->file, strlen(word->file) - strlen(".so"));
    tsr_status *status = name ? locate_name(path, kind, name, out) : tsr_no_memory("a name");
    free(name);
    return status;
}
