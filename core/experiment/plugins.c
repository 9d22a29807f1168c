/* The plugins of a config: where they are looked for, and lists of them. */
#include "experiment/plugins.h"

#include "base/memory.h"
#include "experiment/schema.h"

#include <stdio.h>
#include <stdlib.h>

tsr_status *tsr_plugin_path_read(const tsr_value *root, tsr_value **out)
{
    const tsr_value *list = tsr_value_member(root, "plugin_path");
    if (list && list->type != TSR_VALUE_LIST)
        return tsr_value_fail(list, "plugin_path: expected a list of folders, [ \"FOLDER\" ]");
    tsr_settings settings = { .folder = tsr_value_origin(root)->folder };
    tsr_value *path = tsr_value_list();
    tsr_status *status = path ? NULL : tsr_no_memory("plugin_path");
    for (size_t i = 0; i < tsr_value_length(list) && !status; i++) {
        const char *folder = tsr_value_text(list->items[i]);
        char *absolute = folder && folder[0] ? tsr_settings_file(&settings, list->items[i], folder) : NULL;
        if (!folder || !folder[0])
            status = tsr_value_fail(list->items[i], "plugin_path: expected the name of a folder");
        else /* no memory is a failure of the putting */
            status = tsr_value_append(path, absolute ? tsr_value_string(absolute) : NULL);
        free(absolute);
    }
    if (status)
        tsr_value_free(path);
    else
        *out = path;
    return status;
}

tsr_status *tsr_plugin_path_open(const tsr_value *path, bool allow_unsafe, tsr_registry **out)
{
    const char **folders = tsr_alloc(path->n, sizeof(*folders));
    if (!folders)
        return tsr_no_memory("plugin_path");
    for (size_t i = 0; i < path->n; i++)
        folders[i] = path->items[i]->string;
    tsr_status *status = tsr_registry_new(path->n, folders, out);
    if (!status && allow_unsafe)
        tsr_registry_allow_unsafe(*out);
    free(folders);
    return status;
}

tsr_status *tsr_plugins_read(const tsr_settings *settings, tsr_kind kind, const tsr_value *root,
                             const char *key, tsr_instance ***out, size_t *n, tsr_value *resolved)
{
    const tsr_value *list;
    TSR_TRY(tsr_config_list(root, key, &list));
    size_t length = tsr_value_length(list);
    tsr_value *said = tsr_value_list();
    TSR_TRY(tsr_value_put(resolved, key, said));
    *out = tsr_alloc(length, sizeof(**out));
    if (!*out)
        return tsr_no_memory(key);
    for (size_t i = 0; i < length; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.%zu", key, i);
        tsr_value *one;
        TSR_TRY(tsr_settings_plugin(settings, kind, list->items[i], name, NULL, &(*out)[i], &one));
        *n = i + 1;
        TSR_TRY(tsr_value_append(said, one));
    }
    return NULL;
}
