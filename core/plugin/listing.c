/* Listing files of plugins; one that is broken costs its own line alone. */
#include "plugin/listing.h"

#include "base/memory.h"
#include "base/text.h"
#include "plugin/candidates.h"

#include <stdlib.h>
#include <string.h>

/* What the file gives under its name. */
static tsr_status *find_plugin(tsr_registered_files *files, tsr_kind kind, const tsr_candidate *candidate,
                               const tsr_plugin_info **out)
{
    tsr_registered_file *file;
    size_t at = 0;
    if (!tsr_name_valid(candidate->name))
        return tsr_fail(TSR_REFUSED,
                        "%s: it cannot be named in a config: expected lower case letters, digits and _",
                        candidate->file);
    TSR_TRY(tsr_file_register(files, candidate->file, &file));
    TSR_TRY(tsr_file_select(file, kind, candidate->name, &at));
    *out = &file->info.plugins[at];
    return NULL;
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

static tsr_status *fill(tsr_registered_files *files, const tsr_candidate *candidate,
                        const tsr_candidate *hiding, tsr_listed_plugin *out)
{
    const tsr_plugin_info *plugin = NULL;
    tsr_status *fault = find_plugin(files, out->kind, candidate, &plugin);
    tsr_status *status = copy_text(candidate->name, &out->name);
    if (!status)
        status = copy_text(candidate->file, &out->file);
    if (!status && plugin)
        status = copy_text(plugin->version, &out->version);
    if (!status && plugin)
        status = copy_text(plugin->summary, &out->summary);
    if (!status && fault)
        status = copy_text(tsr_status_message(fault), &out->error);
    if (!status && hiding)
        status = copy_text(hiding->file, &out->shadowed_by);
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
        tsr_listed_plugin *plugin = &listing->plugins[listing->n++];
        *plugin = (tsr_listed_plugin){ .kind = kind };
        TSR_TRY(fill(files, &list[i], i > first ? &list[first] : NULL, plugin));
    }
    return NULL;
}

tsr_status *tsr_listing_add(tsr_registered_files *files, tsr_kind kind, tsr_listing *listing)
{
    tsr_candidates candidates;
    TSR_TRY(tsr_candidates_find(files->path, kind, &candidates));
    size_t n = listing->n + candidates.n;
    tsr_listed_plugin *grown = realloc(listing->plugins, (n ? n : 1) * sizeof(*grown));
    if (grown)
        listing->plugins = grown;
    tsr_status *status =
        grown ? add_candidates(files, kind, &candidates, listing) : tsr_no_memory("a list of plugins");
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
