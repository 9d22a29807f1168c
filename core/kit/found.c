/* Which plugins a word on the command line means. */
#include "kit/found.h"

#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

void tsr_kit_found_clear(tsr_kit_found *m)
{
    tsr_registry_free(m->registry);
    free(m->file);
    free(m->name);
}

/* KIND/NAME, and not a path to a file. */
static tsr_kind kind_in(const char *plugin)
{
    const char *slash = strchr(plugin, '/');
    if (!slash || strchr(slash + 1, '/') || strstr(plugin, ".so"))
        return TSR_NO_KIND;
    char *first = strndup(plugin, (size_t)(slash - plugin));
    tsr_kind kind = first ? tsr_kind_named(first) : TSR_NO_KIND;
    free(first);
    return kind;
}

static tsr_status *find_file(const char *plugin, tsr_kit_found *m)
{
    tsr_plugin_word word;
    TSR_TRY(tsr_plugin_word_split(plugin, &word));
    m->name = word.name;
    word.name = NULL;
    m->file = strchr(word.file, '/') ? strdup(word.file) : tsr_format("./%s", word.file);
    tsr_plugin_word_clear(&word);
    return m->file ? NULL : tsr_no_memory("a path");
}

tsr_status *tsr_kit_find(const char *plugin, tsr_kit_found *m)
{
    *m = (tsr_kit_found){ .kind = kind_in(plugin) };
    TSR_TRY(tsr_registry_new(0, NULL, &m->registry));
    tsr_status *status = NULL;
    if (m->kind == TSR_NO_KIND) {
        status = find_file(plugin, m);
    } else {
        m->name = strdup(strchr(plugin, '/') + 1);
        status =
            m->name ? tsr_registry_locate(m->registry, m->kind, &(tsr_plugin_word){ m->name, NULL }, &m->file)
                    : tsr_no_memory("a name");
    }
    if (status)
        tsr_kit_found_clear(m);
    return status;
}

bool tsr_kit_is_meant(const tsr_kit_found *m, const tsr_plugin_info *plugin)
{
    return (!m->name || strcmp(m->name, plugin->name) == 0) &&
           (m->kind == TSR_NO_KIND || m->kind == plugin->kind);
}

/* A file may hold plugins of one name and several kinds: all of them are meant. */
tsr_status *tsr_kit_check_found(const tsr_kit_found *m, const tsr_file_info *info)
{
    tsr_text names = { 0 };
    for (size_t i = 0; i < info->n; i++) {
        if (tsr_kit_is_meant(m, &info->plugins[i])) {
            free(names.chars);
            return NULL;
        }
        tsr_text_add(&names, "%s%s", i ? ", " : "", info->plugins[i].name);
    }
    tsr_status *status = tsr_fail(TSR_REFUSED, "%s: holds no plugin '%s'; it holds: %s", m->file, m->name,
                                  names.chars ? names.chars : "");
    free(names.chars);
    return status;
}
