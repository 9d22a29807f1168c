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
        tsr_status *status = tsr_fail(TSR_IO, "%s: cannot be registered: %s", path, strerror(errno));
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
        TSR_TRY(tsr_trust(path, tsr_plugin_path_root(files->path, path)));
    if (*out)
        return NULL;
    tsr_file_info info;
    TSR_TRY(tsr_trial_load(path, TRIAL_MILLISECONDS, files->describe, &info));
    return add_file(files, path, &info, out);
}

/* "model a, probe b" */
static char *list_plugins(const tsr_file_info *info)
{
    tsr_text text = { 0 };
    for (size_t i = 0; i < info->n; i++)
        tsr_text_add(&text, "%s%s %s", i ? ", " : "", tsr_kind_get(info->plugins[i].kind)->name,
                     info->plugins[i].name);
    return text.chars;
}

static tsr_status *refuse_selection(const tsr_registered_file *file, const tsr_kind_row *row, size_t matches,
                                    const char *name)
{
    char *plugins = list_plugins(&file->info);
    tsr_status *status =
        matches == 0
            ? tsr_fail(TSR_REFUSED, "%s: is not %s: it holds %s; name a file that holds %s", file->path,
                       row->phrase, plugins ? plugins : "others", row->phrase)
            : tsr_fail(TSR_REFUSED,
                       "%s: holds several %s (%s) and none called '%s'; name or link the file as one of them",
                       file->path, row->folder, plugins ? plugins : "", name);
    free(plugins);
    return status;
}

tsr_status *tsr_file_select(const tsr_registered_file *file, tsr_kind kind, const char *name, size_t *out)
{
    size_t matches = 0;
    for (size_t i = 0; i < file->info.n; i++) {
        const tsr_plugin_info *plugin = &file->info.plugins[i];
        if (plugin->kind != kind)
            continue;
        if (strcmp(plugin->name, name) == 0) {
            *out = i;
            return NULL;
        }
        if (matches++ == 0)
            *out = i;
    }
    return matches == 1 ? NULL : refuse_selection(file, tsr_kind_get(kind), matches, name);
}
