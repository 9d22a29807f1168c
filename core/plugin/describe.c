/* What is known of a plugin, as JSON: the descriptor and its declarations. */
#include "plugin/describe.h"

#include "plugin/announced.h"
#include "plugin/kinds.h"

static json_t *metrics_json(const tsr_probe_ops *ops)
{
    json_t *out = json_object();
    tsr_announced_json(ops->metrics, "", out);
    return out;
}

static json_t *plugin_json(const tsr_loaded *loaded)
{
    const tsr_plugin *plugin = &loaded->plugin;
    const tsr_kind_row *row = tsr_kind_get(plugin->kind);
    json_t *out = json_object();
    int failed = json_object_set_new(out, "kind", json_string(row->name));
    failed |= json_object_set_new(out, "name", json_string(plugin->name));
    failed |= json_object_set_new(out, "version", json_string(plugin->version));
    failed |= json_object_set_new(out, "summary", json_string(plugin->summary));
    failed |= json_object_set_new(out, "licence", json_string(plugin->licence));
    failed |= json_object_set_new(out, "file", json_string(loaded->file));
    failed |= json_object_set_new(out, "parameters", tsr_params_json(plugin->params));
    failed |= json_object_set_new(out, "common", tsr_params_json(row->common));
    if (plugin->kind == TSR_PROBE)
        failed |= json_object_set_new(out, "metrics", metrics_json(plugin->ops));
    if (failed) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *tsr_module_json(const tsr_module *module)
{
    json_t *out = json_array();
    for (size_t i = 0; i < module->n; i++) {
        if (json_array_append_new(out, plugin_json(&module->plugins[i])) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}
