/* The registry: a name leads to a candidate on the path, the candidate to a file that is described by a child
   process once, and that is loaded here only when an experiment wants a plugin of it. */
#include "plugin/registry.h"

#include "base/memory.h"
#include "plugin/candidates.h"
#include "plugin/kinds.h"

#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

struct tsr_registry {
    tsr_plugin_path path;
    tsr_registered_files files;
    size_t n_used;
    tsr_loaded **used;
};

tsr_status *tsr_registry_new(size_t n, const char *const *folders, tsr_registry **out)
{
    *out = NULL;
    tsr_registry *registry = calloc(1, sizeof(*registry));
    if (!registry)
        return tsr_no_memory("the plugin registry");
    registry->files.path = &registry->path;
    tsr_status *status = tsr_plugin_path_make(n, folders, &registry->path);
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
    tsr_registered_files_clear(&registry->files);
    tsr_plugin_path_clear(&registry->path);
    free(registry->used);
    free(registry);
}

void tsr_registry_allow_unsafe(tsr_registry *registry)
{
    registry->files.allow_unsafe = true;
}

void tsr_registry_describe_with(tsr_registry *registry, tsr_describe_plugin *describe)
{
    registry->files.describe = describe;
}

size_t tsr_registry_n_folders(const tsr_registry *registry)
{
    return registry->path.n;
}

const char *tsr_registry_folder(const tsr_registry *registry, size_t i)
{
    return registry->path.folders[i];
}

/* Names. */

/* The file that a split word leads to, and which of its plugins it means. */
static tsr_status *look_up_word(tsr_registry *registry, tsr_kind kind, const tsr_plugin_word *word,
                                tsr_registered_file **file, size_t *at)
{
    char *path = NULL;
    TSR_TRY(tsr_candidate_locate(&registry->path, kind, word, &path));
    tsr_status *status = tsr_file_register(&registry->files, path, file);
    if (!status)
        status = tsr_file_select(*file, path, kind, word->name, at);
    free(path);
    if (strchr(word->file, '/')) /* the loader's message begins with the file */
        return tsr_context(status, "%s", tsr_kind_get(kind)->name);
    return tsr_context(status, "%s %s", tsr_kind_get(kind)->name, word->name ? word->name : word->file);
}

static tsr_status *look_up(tsr_registry *registry, tsr_kind kind, const char *word,
                           tsr_registered_file **file, size_t *at)
{
    tsr_plugin_word split;
    TSR_TRY(tsr_plugin_word_split(word, &split));
    tsr_status *status = look_up_word(registry, kind, &split, file, at);
    tsr_plugin_word_clear(&split);
    return status;
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
    tsr_registered_file *file;
    size_t at = 0;
    TSR_TRY(look_up(registry, kind, name, &file, &at));
    if (!file->module)
        TSR_TRY(tsr_module_load(file->path, &file->module));
    if (at >= file->module->n || file->module->plugins[at].plugin.kind != kind)
        return tsr_fail(TSR_REFUSED, "%s: changed while it was being loaded; try again", file->path);
    TSR_TRY(note_used(registry, &file->module->plugins[at]));
    *out = &file->module->plugins[at];
    return NULL;
}

tsr_status *tsr_registry_locate(const tsr_registry *registry, tsr_kind kind, const tsr_plugin_word *word,
                                char **out)
{
    *out = NULL;
    return tsr_candidate_locate(&registry->path, kind, word, out);
}

void tsr_registry_note_tried(tsr_registry *registry, const tsr_loaded *loaded)
{
    for (size_t i = 0; i < registry->n_used; i++) {
        if (registry->used[i] == loaded)
            registry->used[i]->tried = true;
    }
}

size_t tsr_registry_n_used(const tsr_registry *registry)
{
    return registry->n_used;
}

const tsr_loaded *tsr_registry_used(const tsr_registry *registry, size_t i)
{
    return registry->used[i];
}

/* Descriptions and lists. */

tsr_status *tsr_registry_describe(tsr_registry *registry, tsr_kind kind, const char *name,
                                  const tsr_plugin_info **out)
{
    *out = NULL;
    tsr_registered_file *file;
    size_t at = 0;
    TSR_TRY(look_up(registry, kind, name, &file, &at));
    *out = &file->info.plugins[at];
    return NULL;
}

tsr_status *tsr_registry_describe_file(tsr_registry *registry, const char *path, const tsr_file_info **out)
{
    *out = NULL;
    tsr_registered_file *file;
    TSR_TRY(tsr_file_register(&registry->files, path, &file));
    *out = &file->info;
    return NULL;
}

tsr_status *tsr_registry_list(tsr_registry *registry, tsr_kind kind, tsr_listing *out)
{
    *out = (tsr_listing){ 0 };
    tsr_status *status = NULL;
    for (int i = TSR_NO_KIND + 1; i < TSR_N_KINDS && !status; i++) {
        if (kind == TSR_NO_KIND || kind == (tsr_kind)i)
            status = tsr_listing_add(&registry->files, (tsr_kind)i, out);
    }
    if (status)
        tsr_listing_clear(out);
    return status;
}
