/* Descriptions of plugins. Their texts were found to be UTF-8 and their numbers finite by the loader, so that
   what fails here fails for want of memory. */
#include "config/describe.h"

#include "base/text.h"
#include "plugin/announced.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Metrics. */

static const char *const roles[TSR_N_METRIC_ROLES] = { "other", "redundancy_ratio", "accuracy" };
static const char *const parts[TSR_N_METRIC_PARTS] = { "any", "train", "test" };

void tsr_announced_json(const tsr_metric_info *metrics, const char *prefix, json_t *object)
{
    for (; metrics && metrics->name; metrics++) {
        char *name = tsr_format("%s%s", prefix, metrics->name);
        if (name)
            json_object_set_new(object, name,
                                json_pack("{s:s, s:s, s:s}", "role", roles[metrics->role], "part",
                                          parts[metrics->part], "doc", metrics->doc));
        free(name);
    }
}

static int index_of(const json_t *word, const char *const *words, int n)
{
    for (int i = 0; json_is_string(word) && i < n; i++)
        if (strcmp(json_string_value(word), words[i]) == 0)
            return i;
    return 0;
}

void tsr_announced_read(const json_t *object, tsr_metric_info *out)
{
    out->role = (tsr_metric_role)index_of(json_object_get(object, "role"), roles, TSR_N_METRIC_ROLES);
    out->part = (tsr_metric_part)index_of(json_object_get(object, "part"), parts, TSR_N_METRIC_PARTS);
    out->doc = json_string_value(json_object_get(object, "doc"));
}

/* Parameters. */

static json_t *list_json(const tsr_param *param)
{
    json_t *list = json_array();
    for (size_t i = 0; i < param->list_default_length; i++) {
        json_t *value = param->type == TSR_TYPE_INT_LIST ? json_integer(param->int_list_default[i])
                                                         : json_real(param->real_list_default[i]);
        if (json_array_append_new(list, value) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *default_json(const tsr_param *param)
{
    switch (param->type) {
    case TSR_TYPE_INT:
        return json_integer(param->int_default);
    case TSR_TYPE_REAL:
        return json_real(param->real_default);
    case TSR_TYPE_BOOL:
        return json_boolean(param->bool_default);
    case TSR_TYPE_INT_LIST:
    case TSR_TYPE_REAL_LIST:
        return list_json(param);
    default:
        return param->string_default ? json_string(param->string_default) : json_null();
    }
}

static json_t *choices_json(const tsr_param *param)
{
    json_t *list = json_array();
    for (const char *const *word = param->choices; *word; word++) {
        if (json_array_append_new(list, json_string(*word)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The keys that only some types have; 0 or -1 as jansson's. */
static int add_limits(const tsr_param *param, json_t *out)
{
    int failed = 0;
    bool list = param->type == TSR_TYPE_INT_LIST || param->type == TSR_TYPE_REAL_LIST;
    if (param->type == TSR_TYPE_INT || param->type == TSR_TYPE_INT_LIST) {
        if (param->int_min != INT64_MIN)
            failed |= json_object_set_new(out, "min", json_integer(param->int_min));
        if (param->int_max != INT64_MAX)
            failed |= json_object_set_new(out, "max", json_integer(param->int_max));
    }
    if (param->type == TSR_TYPE_REAL || param->type == TSR_TYPE_REAL_LIST) {
        if (isfinite(param->real_min))
            failed |= json_object_set_new(out, "min", json_real(param->real_min));
        if (isfinite(param->real_max))
            failed |= json_object_set_new(out, "max", json_real(param->real_max));
    }
    if (list && param->list_min_length)
        failed |= json_object_set_new(out, "min_length", json_integer((json_int_t)param->list_min_length));
    if (list && param->list_max_length)
        failed |= json_object_set_new(out, "max_length", json_integer((json_int_t)param->list_max_length));
    if (param->type == TSR_TYPE_ENUM)
        failed |= json_object_set_new(out, "choices", choices_json(param));
    if (param->type == TSR_TYPE_PLUGIN)
        failed |= json_object_set_new(out, "nested", json_string(tsr_kind_get(param->nested)->name));
    return failed;
}

static json_t *param_json(const tsr_param *param)
{
    json_t *out = json_object();
    int failed = json_object_set_new(out, "key", json_string(param->key));
    failed |= json_object_set_new(out, "type", json_string(tsr_param_type_name(param->type)));
    if (!param->required)
        failed |= json_object_set_new(out, "default", default_json(param));
    failed |= json_object_set_new(out, "required", json_boolean(param->required));
    failed |= add_limits(param, out);
    if (param->unit)
        failed |= json_object_set_new(out, "unit", json_string(param->unit));
    failed |= json_object_set_new(out, "doc", json_string(param->doc));
    if (failed) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *tsr_params_json(const tsr_param *params)
{
    json_t *out = json_array();
    for (; params->type != TSR_TYPE_END; params++) {
        if (json_array_append_new(out, param_json(params)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* Plugins. */

static json_t *metrics_json(const tsr_probe_ops *ops)
{
    json_t *out = json_object();
    tsr_announced_json(ops->metrics, "", out);
    return out;
}

json_t *tsr_plugin_json(const tsr_loaded *loaded)
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

char *tsr_plugin_json_text(const tsr_loaded *loaded)
{
    json_t *json = tsr_plugin_json(loaded);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}
