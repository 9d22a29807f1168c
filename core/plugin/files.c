/* Registered files: taken in after a look at who may write them and a trial, and selected from by name. */
#include "plugin/files.h"

#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"
#include "plugin/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TRIAL_MILLISECONDS = 5000 };

static void file_free(tsr_registered_file *file)
{
    if (!file)
        return;
    free(file->path);
    tsr_file_info_clear(&file->info);
    tsr_module_free(file->module);
    free(file);
}

void tsr_registered_files_clear(tsr_registered_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        file_free(files->list[i]);
    free(files->list);
    *files = (tsr_registered_files){ 0 };
}

static tsr_registered_file *find_registered(const tsr_registered_files *files, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return NULL;
    for (size_t i = 0; i < files->n; i++) {
        tsr_registered_file *file = files->list[i];
        if (file->device == info.st_dev && file->inode == info.st_ino)
            return file;
    }
    return NULL;
}

/* Takes over `info`, also where this fails. */
static tsr_status *add_file(tsr_registered_files *files, const char *path, tsr_file_info *info,
                            tsr_registered_file **out)
{
    struct stat stated;
    tsr_registered_file **grown = realloc(files->list, (files->n + 1) * sizeof(*grown));
    if (grown)
        files->list = grown;
    tsr_registered_file *file = calloc(1, sizeof(*file));
    char *copy = strdup(path);
    if (!grown || !file || !copy || stat(path, &stated) != 0) {
        tsr_status *status = !grown || !file || !copy
                                 ? tsr_no_memory(path)
                                 : tsr_fail(TSR_IO, "%s: cannot be registered: %s", path, strerror(errno));
        free(file);
        free(copy);
        tsr_file_info_clear(info);
        return status;
    }
    *file = (tsr_registered_file){ stated.st_dev, stated.st_ino, copy, *info, NULL };
    files->list[files->n++] = *out = file;
    return NULL;
}

tsr_status *tsr_file_register(tsr_registered_files *files, const char *path, tsr_registered_file **out)
{
    *out = find_registered(files, path);
    if (*out && strcmp((*out)->path, path) == 0)
        return NULL;
    if (!files->allow_unsafe)
        TSR_TRY(tsr_trust(path));
    if (*out)
        return NULL;
    tsr_file_info info;
    TSR_TRY(tsr_trial_load(path, TRIAL_MILLISECONDS, files->describe, &info));
    return add_file(files, path, &info, out);
}

/* "model a, probe b"; of one kind, "a, b". */
static char *list_plugins(const tsr_file_info *info, tsr_kind kind)
{
    tsr_text text = { 0 };
    for (size_t i = 0; i < info->n; i++) {
        const tsr_plugin_info *plugin = &info->plugins[i];
        if (kind != TSR_NO_KIND && plugin->kind != kind)
            continue;
        tsr_text_add(&text, "%s", text.length ? ", " : "");
        if (kind == TSR_NO_KIND)
            tsr_text_add(&text, "%s ", tsr_kind_get(plugin->kind)->name);
        tsr_text_add(&text, "%s", plugin->name);
    }
    return text.chars;
}

static tsr_status *refuse_kind(const tsr_registered_file *file, const char *path, const tsr_kind_row *row)
{
    char *plugins = list_plugins(&file->info, TSR_NO_KIND);
    tsr_status *status = tsr_fail(TSR_REFUSED, "%s: is not %s: it holds %s; name a file that holds %s", path,
                                  row->phrase, plugins ? plugins : "others", row->phrase);
    free(plugins);
    return status;
}

/* `first` is one of them. */
static tsr_status *refuse_name(const tsr_registered_file *file, const char *path, const tsr_kind_row *row,
                               const tsr_plugin_info *first, const char *name)
{
    char *plugins = list_plugins(&file->info, first->kind);
    const char *all = plugins ? plugins : first->name;
    tsr_status *status = name ? tsr_fail(TSR_REFUSED, "%s: holds no %s called '%s'; its %s: %s", path,
                                         row->name, name, row->folder, all)
                              : tsr_fail(TSR_REFUSED, "%s: holds several %s (%s); name one, as in \"%s:%s\"",
                                         path, row->folder, all, path, first->name);
    free(plugins);
    return status;
}

/* Whether the file at `path` is called as the plugin. */
static bool is_file_of(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    size_t length = strlen(name);
    return strncmp(file, name, length) == 0 && (!file[length] || strcmp(file + length, ".so") == 0);
}

tsr_status *tsr_file_select(const tsr_registered_file *file, const char *path, tsr_kind kind,
                            const char *name, size_t *out)
{
    size_t matches = 0;
    for (size_t i = 0; i < file->info.n; i++) {
        const tsr_plugin_info *plugin = &file->info.plugins[i];
        if (plugin->kind != kind)
            continue;
        if (name ? strcmp(plugin->name, name) == 0 : is_file_of(path, plugin->name)) {
            *out = i;
            return NULL;
        }
        if (matches++ == 0)
            *out = i;
    }
    if (matches == 0)
        return refuse_kind(file, path, tsr_kind_get(kind));
    if (matches == 1 && !name)
        return NULL;
    return refuse_name(file, path, tsr_kind_get(kind), &file->info.plugins[*out], name);
}
