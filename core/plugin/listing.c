/* Listing files of plugins; one that is broken costs its own line alone. */
#include "plugin/listing.h"

#include "base/memory.h"
#include "base/text.h"
#include "plugin/candidates.h"

#include <stdlib.h>
#include <string.h>

static tsr_status *register_file(tsr_registered_files *files, const tsr_candidate *candidate,
                                 tsr_registered_file **out)
{
    if (!tsr_name_valid(candidate->name))
        return tsr_fail(TSR_REFUSED,
                        "%s: it cannot be named in a config: expected lower case letters, digits and _",
                        candidate->file);
    return tsr_file_register(files, candidate->file, out);
}

/* A copy; where a path in it is not UTF-8, one such file should not cost the list. */
static tsr_status *copy_text(const char *text, char **out)
{
    *out = strdup(text);
    if (!*out)
        return tsr_no_memory("a list of plugins");
    bool shown = tsr_is_utf8(text);
    for (char *c = *out; *c && !shown; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    return NULL;
}

/* A new line of the listing; NULL without memory. */
static tsr_listed_plugin *add_line(tsr_listing *listing, tsr_kind kind)
{
    tsr_listed_plugin *grown = realloc(listing->plugins, (listing->n + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    listing->plugins = grown;
    grown[listing->n] = (tsr_listed_plugin){ .kind = kind };
    return &grown[listing->n++];
}

/* A file and the one of the same name that hides it, if any. */
typedef struct place {
    tsr_kind kind;
    const tsr_candidate *candidate, *hiding;
} place;

/* `plugin` NULL: the file cannot be used, for the reason `fault`. */
static tsr_status *add(const place *at, const char *word, const tsr_plugin_info *plugin,
                       const tsr_status *fault, tsr_listing *listing)
{
    tsr_listed_plugin *line = add_line(listing, at->kind);
    if (!line)
        return tsr_no_memory("a list of plugins");
    TSR_TRY(copy_text(word, &line->name));
    TSR_TRY(copy_text(at->candidate->file, &line->file));
    if (plugin)
        TSR_TRY(copy_text(plugin->version, &line->version));
    if (plugin)
        TSR_TRY(copy_text(plugin->summary, &line->summary));
    if (fault)
        TSR_TRY(copy_text(tsr_status_message(fault), &line->error));
    return at->hiding ? copy_text(at->hiding->file, &line->shadowed_by) : NULL;
}

/* The plugins of the kind but the one `named` as the file, which has its line. */
static tsr_status *add_others(const place *at, const tsr_registered_file *file, const size_t *named,
                              tsr_listing *listing)
{
    for (size_t i = 0; i < file->info.n; i++) {
        const tsr_plugin_info *plugin = &file->info.plugins[i];
        if (plugin->kind != at->kind || (named && i == *named))
            continue;
        char *word = tsr_format("%s.so:%s", at->candidate->name, plugin->name);
        tsr_status *status = word ? add(at, word, plugin, NULL, listing) : tsr_no_memory("a list of plugins");
        free(word);
        TSR_TRY(status);
    }
    return NULL;
}

static tsr_status *add_file(tsr_registered_files *files, const place *at, tsr_listing *listing)
{
    tsr_registered_file *file = NULL;
    size_t named = 0, before = listing->n;
    tsr_status *fault = register_file(files, at->candidate, &file), *status = NULL;
    if (!fault)
        fault = tsr_file_select(file, at->candidate->file, at->kind, NULL, &named);
    if (!fault)
        status = add(at, at->candidate->name, &file->info.plugins[named], NULL, listing);
    if (!status && file)
        status = add_others(at, file, fault ? NULL : &named, listing);
    if (tsr_status_error(fault) == TSR_NO_MEMORY ||
        tsr_status_error(fault) == TSR_IO) { /* nothing of the file's */
        tsr_status_free(status);
        return fault;
    }
    if (!status && listing->n == before) /* without any of the kind there is a reason */
        status = add(at, at->candidate->name, NULL, fault, listing);
    tsr_status_free(fault);
    return status;
}

static tsr_status *add_candidates(tsr_registered_files *files, tsr_kind kind,
                                  const tsr_candidates *candidates, tsr_listing *listing)
{
    size_t first = 0; /* of those with one name */
    for (size_t i = 0; i < candidates->n; i++) {
        const tsr_candidate *list = candidates->list;
        if (strcmp(list[first].name, list[i].name) != 0)
            first = i;
        place at = { kind, &list[i], i > first ? &list[first] : NULL };
        TSR_TRY(add_file(files, &at, listing));
    }
    return NULL;
}

tsr_status *tsr_listing_add(tsr_registered_files *files, tsr_kind kind, tsr_listing *listing)
{
    tsr_candidates candidates;
    TSR_TRY(tsr_candidates_find(files->path, kind, &candidates));
    tsr_status *status = add_candidates(files, kind, &candidates, listing);
    tsr_candidates_clear(&candidates);
    return status;
}

void tsr_listing_clear(tsr_listing *listing)
{
    for (size_t i = 0; i < listing->n; i++) {
        tsr_listed_plugin *plugin = &listing->plugins[i];
        free(plugin->name);
        free(plugin->file);
        free(plugin->version);
        free(plugin->summary);
        free(plugin->error);
        free(plugin->shadowed_by);
    }
    free(listing->plugins);
    *listing = (tsr_listing){ 0 };
}
