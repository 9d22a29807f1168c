/* The registry. A file is known by device and inode, so that two paths to it are one plugin. It is described
   once, by a child process, and loaded here only when an experiment wants a plugin of it. */
#include "plugin/registry.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"
#include "plugin/trial.h"
#include "plugin/trust.h"

#include <dirent.h>
#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIAL_MILLISECONDS = 5000 };

typedef struct known_file {
    dev_t device;
    ino_t inode;
    char *path;         /* by which it was found first */
    json_t *described;  /* its plugins */
    tsr_module *module; /* NULL until one of them is wanted */
} known_file;

struct tsr_registry {
    size_t n_folders;
    char **folders;
    size_t n_files;
    known_file *files;
    size_t n_used;
    tsr_loaded **used;
    bool allow_unsafe;
};

/* The path. */

/* Takes over `folder`. A folder that is on the path already is not searched twice. */
static tsr_status *add_folder(tsr_registry *registry, char *folder)
{
    if (!folder)
        return tsr_no_memory("the plugin path");
    for (size_t i = 0; i < registry->n_folders; i++) {
        if (strcmp(registry->folders[i], folder) == 0) {
            free(folder);
            return NULL;
        }
    }
    char **grown = realloc(registry->folders, (registry->n_folders + 1) * sizeof(*grown));
    if (!grown) {
        free(folder);
        return tsr_no_memory("the plugin path");
    }
    registry->folders = grown;
    registry->folders[registry->n_folders++] = folder;
    return NULL;
}

static tsr_status *add_given(tsr_registry *registry, const char *folder)
{
    char *path;
    TSR_TRY(tsr_path_absolute(folder, &path));
    return add_folder(registry, path);
}

/* Colon-separated; components that are empty or relative would search the working folder. */
static tsr_status *add_environment(tsr_registry *registry)
{
    const char *path = secure_getenv("TESSERA_PLUGIN_PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        if (path[0] == '/')
            TSR_TRY(add_folder(registry, strndup(path, length)));
        path += length + (path[length] == ':');
    }
    return NULL;
}

static tsr_status *add_home(tsr_registry *registry)
{
    const char *home = secure_getenv("HOME");
    return home && home[0] == '/' ? add_folder(registry, tsr_path_join(home, ".local/lib/tessera")) : NULL;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Libtool leaves the program of a build tree in X/.libs; its plugins are then in X/plugins. */
static char *build_folder(void)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
        return NULL;
    program[length] = '\0';
    char *name = strrchr(program, '/');
    if (!name || name - program < 6 || strncmp(name - 6, "/.libs", 6) != 0)
        return NULL;
    name[-6] = '\0';
    char *folder = tsr_path_join(program, "plugins");
    if (folder && is_folder(folder))
        return folder;
    free(folder);
    return NULL;
}

static tsr_status *add_installed(tsr_registry *registry)
{
    char *folder = build_folder();
    return add_folder(registry, folder ? folder : strdup(TSR_PLUGIN_FOLDER));
}

tsr_status *tsr_registry_new(size_t n, const char *const *folders, tsr_registry **out)
{
    *out = NULL;
    tsr_registry *registry = calloc(1, sizeof(*registry));
    if (!registry)
        return tsr_no_memory("the plugin registry");
    tsr_status *status = NULL;
    for (size_t i = 0; i < n && !status; i++)
        status = add_given(registry, folders[i]);
    if (!status)
        status = add_environment(registry);
    if (!status)
        status = add_home(registry);
    if (!status)
        status = add_installed(registry);
    if (status)
        tsr_registry_free(registry);
    else
        *out = registry;
    return status;
}

void tsr_registry_free(tsr_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->n_files; i++) {
        free(registry->files[i].path);
        json_decref(registry->files[i].described);
        tsr_module_free(registry->files[i].module);
    }
    for (size_t i = 0; i < registry->n_folders; i++)
        free(registry->folders[i]);
    free(registry->files);
    free(registry->folders);
    free(registry->used);
    free(registry);
}

void tsr_registry_allow_unsafe(tsr_registry *registry)
{
    registry->allow_unsafe = true;
}

size_t tsr_registry_n_folders(const tsr_registry *registry)
{
    return registry->n_folders;
}

const char *tsr_registry_folder(const tsr_registry *registry, size_t i)
{
    return registry->folders[i];
}

/* Looking through folders. */

typedef struct candidate {
    char *name, *path;
    size_t place; /* of its folder on the path, then of what is found there */
} candidate;

typedef struct candidates {
    size_t n;
    candidate *list;
    bool failed;
} candidates;

static void candidates_clear(candidates *found)
{
    for (size_t i = 0; i < found->n; i++) {
        free(found->list[i].name);
        free(found->list[i].path);
    }
    free(found->list);
    *found = (candidates){ 0 };
}

static void add_candidate(candidates *found, const char *folder, const char *file, size_t place)
{
    candidate *grown = realloc(found->list, (found->n + 1) * sizeof(*grown));
    if (!grown) {
        found->failed = true;
        return;
    }
    found->list = grown;
    candidate *new = &found->list[found->n];
    *new = (candidate){ strndup(file, strlen(file) - 3), tsr_path_join(folder, file), place };
    if (new->name &&new->path) {
        found->n++;
        return;
    }
    free(new->name);
    free(new->path);
    found->failed = true;
}

static void scan_folder(candidates *found, const char *folder, size_t place)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0)
            add_candidate(found, folder, entry->d_name, place);
    }
    if (entries)
        closedir(entries);
}

static int by_name_and_place(const void *a, const void *b)
{
    const candidate *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : left->place < right->place ? -1 : left->place > right->place;
}

/* D/KINDs/NAME.so, or D/KINDs/.libs/NAME.so as libtool leaves it. */
static tsr_status *scan(const tsr_registry *registry, tsr_kind kind, candidates *found)
{
    *found = (candidates){ 0 };
    for (size_t i = 0; i < registry->n_folders; i++) {
        char *folder = tsr_path_join(registry->folders[i], tsr_kind_get(kind)->folder);
        char *libtool = folder ? tsr_path_join(folder, ".libs") : NULL;
        if (folder && libtool) {
            scan_folder(found, folder, 2 * i);
            scan_folder(found, libtool, 2 * i + 1);
        } else {
            found->failed = true;
        }
        free(folder);
        free(libtool);
    }
    if (found->failed) {
        candidates_clear(found);
        return tsr_no_memory("a list of plugins");
    }
    if (found->n > 1)
        qsort(found->list, found->n, sizeof(*found->list), by_name_and_place);
    return NULL;
}

/* Files. */

static known_file *find_known(const tsr_registry *registry, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return NULL;
    for (size_t i = 0; i < registry->n_files; i++) {
        known_file *file = &registry->files[i];
        if (file->device == info.st_dev && file->inode == info.st_ino)
            return file;
    }
    return NULL;
}

/* The folder of the path that a file was found in; NULL: it was named. */
static const char *root_of(const tsr_registry *registry, const char *path)
{
    for (size_t i = 0; i < registry->n_folders; i++) {
        size_t length = strlen(registry->folders[i]);
        if (strncmp(path, registry->folders[i], length) == 0 && path[length] == '/')
            return registry->folders[i];
    }
    return NULL;
}

/* What the file holds, tried in a child process unless it is known. The answer lives until the next call. */
static tsr_status *know(tsr_registry *registry, const char *path, known_file **out)
{
    *out = find_known(registry, path);
    if (*out && strcmp((*out)->path, path) == 0)
        return NULL;
    if (!registry->allow_unsafe)
        TSR_TRY(tsr_trust(path, root_of(registry, path)));
    if (*out)
        return NULL;
    json_t *described;
    TSR_TRY(tsr_trial(path, TRIAL_MILLISECONDS, &described));
    struct stat info;
    known_file *grown = realloc(registry->files, (registry->n_files + 1) * sizeof(*grown));
    if (grown)
        registry->files = grown;
    char *copy = strdup(path);
    if (!grown || !copy || stat(path, &info) != 0) {
        free(copy);
        json_decref(described);
        return tsr_fail(TSR_IO, "%s: cannot be kept in mind: %s", path, strerror(errno));
    }
    *out = &registry->files[registry->n_files++];
    **out = (known_file){ info.st_dev, info.st_ino, copy, described, NULL };
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "model a, probe b" */
static char *contents(const json_t *described)
{
    tsr_text text = { 0 };
    for (size_t i = 0; i < json_array_size(described); i++) {
        const json_t *plugin = json_array_get(described, i);
        tsr_text_add(&text, "%s%s %s", i ? ", " : "", text_of(plugin, "kind"), text_of(plugin, "name"));
    }
    return text.chars;
}

static tsr_status *refuse_pick(const known_file *file, const tsr_kind_row *row, size_t matches,
                               const char *wanted)
{
    char *holds = contents(file->described);
    tsr_status *status =
        matches == 0
            ? tsr_fail(TSR_REFUSED, "%s: is not %s: it holds %s; name a file that holds %s", file->path,
                       row->phrase, holds ? holds : "others", row->phrase)
            : tsr_fail(TSR_REFUSED,
                       "%s: holds several %s (%s) and none called '%s'; name or link the file as one of them",
                       file->path, row->folder, holds ? holds : "", wanted);
    free(holds);
    return status;
}

/* Which plugin of a file is meant: the one called as the file is, else the only one of the kind. A file may
   be renamed and still works. */
static tsr_status *pick(const known_file *file, tsr_kind kind, const char *wanted, size_t *out)
{
    const tsr_kind_row *row = tsr_kind_get(kind);
    size_t matches = 0;
    for (size_t i = 0; i < json_array_size(file->described); i++) {
        const json_t *plugin = json_array_get(file->described, i);
        if (strcmp(text_of(plugin, "kind"), row->name) != 0)
            continue;
        if (strcmp(text_of(plugin, "name"), wanted) == 0) {
            *out = i;
            return NULL;
        }
        if (matches++ == 0)
            *out = i;
    }
    return matches == 1 ? NULL : refuse_pick(file, row, matches, wanted);
}

/* Names. */

static tsr_status *not_found(const tsr_registry *registry, tsr_kind kind, const char *name)
{
    candidates found;
    TSR_TRY(scan(registry, kind, &found));
    const char **names = calloc(found.n + 1, sizeof(*names));
    for (size_t i = 0; names && i < found.n; i++)
        names[i] = found.list[i].name;
    const char *nearest = names ? tsr_nearest_word(name, names) : NULL;
    tsr_text text = { 0 };
    tsr_text_add(&text, "no %s is called '%s'; ", tsr_kind_get(kind)->name, name);
    if (nearest)
        tsr_text_add(&text, "did you mean '%s'? ", nearest);
    for (size_t i = 0; i < registry->n_folders; i++) {
        const char *folder = registry->folders[i];
        tsr_text_add(&text, "%s%s%s", i ? ", " : "searched: ", folder,
                     is_folder(folder) ? "" : " (no such folder)");
    }
    tsr_status *status = text.failed ? tsr_no_memory("a message") : tsr_fail(TSR_REFUSED, "%s", text.chars);
    free(text.chars);
    free(names);
    candidates_clear(&found);
    return status;
}

static bool exists(const char *path)
{
    struct stat info;
    return path && lstat(path, &info) == 0;
}

/* The first file on the path, which hides those behind it even where it turns out to be broken. */
static tsr_status *locate_name(const tsr_registry *registry, tsr_kind kind, const char *name, char **out)
{
    const char *folder = tsr_kind_get(kind)->folder;
    if (!tsr_name_valid(name))
        return tsr_fail(TSR_REFUSED,
                        "'%s' is no name of %s: expected lower case letters, digits and _, or a "
                        "path with a '/' in it",
                        name, tsr_kind_get(kind)->phrase);
    for (size_t i = 0; i < registry->n_folders; i++) {
        char *plain = tsr_format("%s/%s/%s.so", registry->folders[i], folder, name);
        if (exists(plain)) {
            *out = plain;
            return NULL;
        }
        free(plain);
        char *libtool = tsr_format("%s/%s/.libs/%s.so", registry->folders[i], folder, name);
        if (exists(libtool)) {
            *out = libtool;
            return NULL;
        }
        free(libtool);
    }
    return not_found(registry, kind, name);
}

/* A file's name without its folder and ".so". */
static char *stem(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".so") == 0)
        length -= 3;
    return strndup(name, length);
}

static tsr_status *locate(const tsr_registry *registry, tsr_kind kind, const char *name, char **out)
{
    if (!strchr(name, '/'))
        return locate_name(registry, kind, name, out);
    return tsr_path_absolute(name, out);
}

/* The file that a name leads to, and which of its plugins it means. */
static tsr_status *look_up(tsr_registry *registry, tsr_kind kind, const char *name, known_file **file,
                           size_t *at)
{
    char *path = NULL;
    TSR_TRY(locate(registry, kind, name, &path));
    tsr_status *status = know(registry, path, file);
    char *wanted = stem(path);
    if (!status)
        status = wanted ? pick(*file, kind, wanted, at) : tsr_no_memory("a name");
    free(wanted);
    free(path);
    if (strchr(name, '/')) /* the loader's message begins with the file */
        return tsr_context(status, "%s", tsr_kind_get(kind)->name);
    return tsr_context(status, "%s %s", tsr_kind_get(kind)->name, name);
}

/* Use. */

static tsr_status *note_used(tsr_registry *registry, tsr_loaded *loaded)
{
    for (size_t i = 0; i < registry->n_used; i++) {
        if (registry->used[i] == loaded)
            return NULL;
    }
    if (!loaded->sha256)
        loaded->sha256 = SHA256File(loaded->file, NULL);
    if (!loaded->sha256)
        return tsr_fail(TSR_REFUSED, "%s: cannot be read again: %s", loaded->file, strerror(errno));
    tsr_loaded **grown = realloc(registry->used, (registry->n_used + 1) * sizeof(*grown));
    if (!grown)
        return tsr_no_memory("the plugin registry");
    registry->used = grown;
    registry->used[registry->n_used++] = loaded;
    return NULL;
}

tsr_status *tsr_registry_find(tsr_registry *registry, tsr_kind kind, const char *name, const tsr_loaded **out)
{
    *out = NULL;
    known_file *file;
    size_t at = 0;
    TSR_TRY(look_up(registry, kind, name, &file, &at));
    if (!file->module)
        TSR_TRY(tsr_module_load(file->path, &file->module));
    if (at >= file->module->n)
        return tsr_fail(TSR_REFUSED, "%s: changed while it was being loaded; try again", file->path);
    TSR_TRY(note_used(registry, &file->module->plugins[at]));
    *out = &file->module->plugins[at];
    return NULL;
}

void tsr_registry_note_tried(tsr_registry *registry, const tsr_loaded *loaded)
{
    for (size_t i = 0; i < registry->n_used; i++) {
        if (registry->used[i] == loaded)
            registry->used[i]->tried = true;
    }
}

tsr_status *tsr_registry_describe(tsr_registry *registry, tsr_kind kind, const char *name, json_t **out)
{
    *out = NULL;
    known_file *file;
    size_t at = 0;
    TSR_TRY(look_up(registry, kind, name, &file, &at));
    *out = json_incref(json_array_get(file->described, at));
    return NULL;
}

tsr_status *tsr_registry_describe_file(tsr_registry *registry, const char *path, json_t **out)
{
    *out = NULL;
    known_file *file;
    TSR_TRY(know(registry, path, &file));
    *out = json_incref(file->described);
    return NULL;
}

json_t *tsr_registry_used(const tsr_registry *registry)
{
    json_t *out = json_array();
    for (size_t i = 0; i < registry->n_used; i++) {
        const tsr_plugin *plugin = &registry->used[i]->plugin;
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", tsr_kind_get(plugin->kind)->name,
                                "name", plugin->name, "version", plugin->version, "summary", plugin->summary,
                                "file", registry->used[i]->file, "sha256", registry->used[i]->sha256);
        if (json_array_append_new(out, one) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* Lists. */

/* What one file gives under its name: its version and summary, or why it cannot be used. */
static tsr_status *add_contents(tsr_registry *registry, tsr_kind kind, const candidate *found, json_t *line)
{
    known_file *file;
    size_t at = 0;
    if (!tsr_name_valid(found->name))
        return tsr_fail(TSR_REFUSED, "%s: no config can name it: expected lower case letters, digits and _",
                        found->path);
    TSR_TRY(know(registry, found->path, &file));
    TSR_TRY(pick(file, kind, found->name, &at));
    const json_t *plugin = json_array_get(file->described, at);
    json_object_set(line, "version", json_object_get(plugin, "version"));
    json_object_set(line, "summary", json_object_get(plugin, "summary"));
    return NULL;
}

/* A path may hold bytes that are no UTF-8; one such file should not cost the list. */
static json_t *readable(const char *text)
{
    json_t *out = json_string(text);
    char *copy = out ? NULL : strdup(text);
    for (char *c = copy; c && *c; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    if (copy)
        out = json_string(copy);
    free(copy);
    return out;
}

/* NULL without memory. */
static json_t *line_of(tsr_registry *registry, tsr_kind kind, const candidate *found, const candidate *hiding)
{
    json_t *line = json_object();
    int failed = json_object_set_new(line, "kind", json_string(tsr_kind_get(kind)->name));
    failed |= json_object_set_new(line, "name", readable(found->name));
    tsr_status *status = add_contents(registry, kind, found, line);
    failed |= json_object_set_new(line, "file", readable(found->path));
    if (status)
        failed |= json_object_set_new(line, "error", readable(tsr_status_message(status)));
    if (hiding)
        failed |= json_object_set_new(line, "shadowed_by", readable(hiding->path));
    tsr_status_free(status);
    if (failed) {
        json_decref(line);
        return NULL;
    }
    return line;
}

static tsr_status *list_kind(tsr_registry *registry, tsr_kind kind, json_t *out)
{
    candidates found;
    TSR_TRY(scan(registry, kind, &found));
    size_t first = 0; /* of those with one name */
    tsr_status *status = NULL;
    for (size_t i = 0; i < found.n && !status; i++) {
        if (strcmp(found.list[first].name, found.list[i].name) != 0)
            first = i;
        const candidate *hiding = i > first ? &found.list[first] : NULL;
        if (json_array_append_new(out, line_of(registry, kind, &found.list[i], hiding)) != 0)
            status = tsr_no_memory("a list of plugins");
    }
    candidates_clear(&found);
    return status;
}

tsr_status *tsr_registry_list(tsr_registry *registry, tsr_kind kind, json_t **out)
{
    *out = json_array();
    tsr_status *status = NULL;
    for (int i = TSR_NO_KIND + 1; i < TSR_N_KINDS && !status; i++) {
        if (kind == TSR_NO_KIND || kind == (tsr_kind)i)
            status = list_kind(registry, (tsr_kind)i, *out);
    }
    if (status) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}
