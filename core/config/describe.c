/* Descriptions of plugins. Their texts were found to be UTF-8 and their numbers finite by the loader, so that
   what fails here fails for want of memory. */
#include "config/describe.h"

#include "base/text.h"
#include "config/default.h"
#include "config/json.h"
#include "plugin/announced.h"
#include "plugin/keys.h"
#include "plugin/kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Metrics. */

static const char *const roles[TSR_N_METRIC_ROLES] = { "other", "redundancy_ratio", "accuracy" };
static const char *const parts[TSR_N_METRIC_PARTS] = { "any", "train", "test" };
static const char *const betters[TSR_N_METRIC_BETTER] = { "", "larger", "smaller" };

/* Sets what is said of a range; not 0 without memory. */
static int add_range(json_t *out, const char *low_key, double low, const char *high_key, double high)
{
    int failed = 0;
    if (low < high && isfinite(low))
        failed |= json_object_set_new(out, low_key, json_real(low));
    if (low < high && isfinite(high))
        failed |= json_object_set_new(out, high_key, json_real(high));
    return failed;
}

/* One metric; NULL without memory. */
static json_t *metric_json(const tsr_metric_info *metric)
{
    json_t *out = json_pack("{s:s, s:s, s:s}", "role", roles[metric->role], "part", parts[metric->part],
                            "doc", metric->doc);
    int failed = !out;
    if (metric->unit)
        failed |= json_object_set_new(out, "unit", json_string(metric->unit));
    failed |= add_range(out, "minimum", metric->minimum, "maximum", metric->maximum);
    if (metric->better)
        failed |= json_object_set_new(out, "better", json_string(betters[metric->better]));
    if (!failed)
        return out;
    json_decref(out);
    return NULL;
}

bool tsr_announced_json(const tsr_metric_info *metrics, const char *prefix, json_t *object)
{
    size_t before = tsr_json_failures();
    bool whole = true;
    for (; whole && metrics && metrics->name; metrics++) {
        char *name = tsr_format("%s%s", prefix, metrics->name);
        whole = name && json_object_set_new(object, name, metric_json(metrics)) == 0;
        free(name);
    }
    return whole && before == tsr_json_failures();
}

static const char *const shapes[TSR_N_CURVE_SHAPES] = { "line", "histogram" };

/* One curve; NULL without memory. */
static json_t *curve_json(const tsr_curve_info *curve)
{
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s}", "shape", shapes[curve->shape], "part",
                            parts[curve->part], "doc", curve->doc, "x", curve->x, "y", curve->y);
    int failed = !out;
    if (curve->x_unit)
        failed |= json_object_set_new(out, "x_unit", json_string(curve->x_unit));
    if (curve->y_unit)
        failed |= json_object_set_new(out, "y_unit", json_string(curve->y_unit));
    failed |= add_range(out, "x_minimum", curve->x_minimum, "x_maximum", curve->x_maximum);
    failed |= add_range(out, "y_minimum", curve->y_minimum, "y_maximum", curve->y_maximum);
    if (curve->x_logarithmic)
        failed |= json_object_set_new(out, "x_logarithmic", json_true());
    if (curve->better)
        failed |= json_object_set_new(out, "better", json_string(betters[curve->better]));
    if (!failed)
        return out;
    json_decref(out);
    return NULL;
}

bool tsr_announced_curves_json(const tsr_curve_info *curves, const char *prefix, json_t *object)
{
    size_t before = tsr_json_failures();
    bool whole = true;
    for (; whole && curves && curves->name; curves++) {
        char *name = tsr_format("%s%s", prefix, curves->name);
        whole = name && json_object_set_new(object, name, curve_json(curves)) == 0;
        free(name);
    }
    return whole && before == tsr_json_failures();
}

static int index_of(const json_t *word, const char *const *words, int n)
{
    for (int i = 0; json_is_string(word) && i < n; i++)
        if (strcmp(json_string_value(word), words[i]) == 0)
            return i;
    return 0;
}

const json_t *tsr_announced_of(const json_t *object, const char *name)
{
    const json_t *found = json_object_get(object, name), *value;
    const char *announced;
    json_t *members = json_incref((json_t *)(uintptr_t)object); /* the macro wants it mutable */
    json_object_foreach(members, announced, value) if (!found && strchr(announced, '#') &&
                                                       tsr_metric_is_announced(announced, name)) found =
        value;
    json_decref(members);
    return found;
}

static double number_of(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

/* An end that is not said is open where the other one is. */
static void read_range(const json_t *object, const char *low_key, double *low, const char *high_key,
                       double *high)
{
    bool said = json_object_get(object, low_key) || json_object_get(object, high_key);
    *low = said ? number_of(object, low_key, -INFINITY) : 0;
    *high = said ? number_of(object, high_key, INFINITY) : 0;
}

bool tsr_announced_read_curve(const json_t *object, tsr_curve_info *out)
{
    const char *shape = json_string_value(json_object_get(object, "shape"));
    *out = (tsr_curve_info){
        .shape = (tsr_curve_shape)index_of(json_object_get(object, "shape"), shapes, TSR_N_CURVE_SHAPES),
        .part = (tsr_metric_part)index_of(json_object_get(object, "part"), parts, TSR_N_METRIC_PARTS),
        .doc = json_string_value(json_object_get(object, "doc")),
        .x = json_string_value(json_object_get(object, "x")),
        .y = json_string_value(json_object_get(object, "y")),
        .x_unit = json_string_value(json_object_get(object, "x_unit")),
        .y_unit = json_string_value(json_object_get(object, "y_unit")),
        .x_logarithmic = json_is_true(json_object_get(object, "x_logarithmic")),
        .better = (tsr_metric_better)index_of(json_object_get(object, "better"), betters, TSR_N_METRIC_BETTER)
    };
    read_range(object, "x_minimum", &out->x_minimum, "x_maximum", &out->x_maximum);
    read_range(object, "y_minimum", &out->y_minimum, "y_maximum", &out->y_maximum);
    return shape && strcmp(shape, shapes[out->shape]) == 0 && out->doc && out->x && out->y;
}

void tsr_announced_read(const json_t *object, tsr_metric_info *out)
{
    out->unit = json_string_value(json_object_get(object, "unit"));
    read_range(object, "minimum", &out->minimum, "maximum", &out->maximum);
    out->better =
        (tsr_metric_better)index_of(json_object_get(object, "better"), betters, TSR_N_METRIC_BETTER);
    out->role = (tsr_metric_role)index_of(json_object_get(object, "role"), roles, TSR_N_METRIC_ROLES);
    out->part = (tsr_metric_part)index_of(json_object_get(object, "part"), parts, TSR_N_METRIC_PARTS);
    out->doc = json_string_value(json_object_get(object, "doc"));
}

/* Keys. */

static json_t *groups_json(const tsr_key *key)
{
    tsr_value *value = tsr_default_groups(key);
    json_t *list = tsr_value_to_json(value);
    tsr_value_free(value);
    return list;
}

static json_t *list_json(const tsr_key *key)
{
    if (key->type == TSR_TYPE_GROUP_LIST)
        return groups_json(key);
    json_t *list = json_array();
    for (size_t i = 0; i < key->list_default_length; i++) {
        json_t *value = key->type == TSR_TYPE_INT_LIST    ? json_integer(key->int_list_default[i])
                        : key->type == TSR_TYPE_REAL_LIST ? json_real(key->real_list_default[i])
                                                          : json_string(key->string_list_default[i]);
        if (json_array_append_new(list, value) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *default_json(const tsr_key *key)
{
    switch (key->type) {
    case TSR_TYPE_INT:
        return json_integer(key->int_default);
    case TSR_TYPE_REAL:
        return json_real(key->real_default);
    case TSR_TYPE_BOOL:
        return json_boolean(key->bool_default);
    default:
        if (tsr_key_is_list(key))
            return list_json(key);
        return key->string_default ? json_string(key->string_default) : json_null();
    }
}

static json_t *choices_json(const tsr_key *key)
{
    json_t *list = json_array();
    for (const char *const *word = key->choices; *word; word++) {
        if (json_array_append_new(list, json_string(*word)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The keys that only some types have; 0 or -1 as jansson's. */
static int add_limits(const tsr_key *key, json_t *out)
{
    int failed = 0;
    bool list = tsr_key_is_list(key);
    if (key->type == TSR_TYPE_INT || key->type == TSR_TYPE_INT_LIST) {
        if (key->int_min != INT64_MIN)
            failed |= json_object_set_new(out, "min", json_integer(key->int_min));
        if (key->int_max != INT64_MAX)
            failed |= json_object_set_new(out, "max", json_integer(key->int_max));
    }
    if (key->type == TSR_TYPE_REAL || key->type == TSR_TYPE_REAL_LIST) {
        if (isfinite(key->real_min))
            failed |= json_object_set_new(out, "min", json_real(key->real_min));
        if (isfinite(key->real_max))
            failed |= json_object_set_new(out, "max", json_real(key->real_max));
    }
    if (list && key->list_min_length)
        failed |= json_object_set_new(out, "min_length", json_integer((json_int_t)key->list_min_length));
    if (list && key->list_max_length)
        failed |= json_object_set_new(out, "max_length", json_integer((json_int_t)key->list_max_length));
    if (key->type == TSR_TYPE_ENUM)
        failed |= json_object_set_new(out, "choices", choices_json(key));
    if (key->type == TSR_TYPE_GROUP_LIST)
        failed |= json_object_set_new(out, "keys", tsr_keys_json(key->group_keys));
    if (key->type == TSR_TYPE_PLUGIN || key->type == TSR_TYPE_PLUGIN_LIST)
        failed |= json_object_set_new(out, "nested", json_string(tsr_kind_get(key->nested)->name));
    return failed;
}

static json_t *key_json(const tsr_key *key)
{
    json_t *out = json_object();
    int failed = json_object_set_new(out, "key", json_string(key->name));
    failed |= json_object_set_new(out, "type", json_string(tsr_key_type_name(key->type)));
    if (!key->required)
        failed |= json_object_set_new(out, "default", default_json(key));
    failed |= json_object_set_new(out, "required", json_boolean(key->required));
    failed |= add_limits(key, out);
    if (key->unit)
        failed |= json_object_set_new(out, "unit", json_string(key->unit));
    failed |= json_object_set_new(out, "doc", json_string(key->doc));
    if (failed) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *tsr_keys_json(const tsr_key *keys)
{
    json_t *out = json_array();
    for (; keys->type != TSR_TYPE_END; keys++) {
        if (json_array_append_new(out, key_json(keys)) != 0) {
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
    if (out && tsr_announced_json(ops->metrics, "", out))
        return out;
    json_decref(out);
    return NULL;
}

static json_t *curves_json(const tsr_probe_ops *ops)
{
    json_t *out = json_object();
    if (out && tsr_announced_curves_json(ops->curves, "", out))
        return out;
    json_decref(out);
    return NULL;
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
    failed |= json_object_set_new(out, "keys", tsr_keys_json(plugin->keys));
    failed |= json_object_set_new(out, "common", tsr_keys_json(row->common));
    if (plugin->kind == TSR_PROBE)
        failed |= json_object_set_new(out, "metrics", metrics_json(plugin->ops));
    if (plugin->kind == TSR_PROBE && ((const tsr_probe_ops *)plugin->ops)->curves)
        failed |= json_object_set_new(out, "curves", curves_json(plugin->ops));
    if (failed) {
        json_decref(out);
        return NULL;
    }
    return out;
}

char *tsr_plugin_json_text(const tsr_loaded *loaded)
{
    size_t before = tsr_json_failures();
    json_t *json = tsr_plugin_json(loaded);
    char *text = json ? tsr_json_dump(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (before == tsr_json_failures())
        return text;
    free(text);
    return NULL;
}
