/* Reading settings by declarations. libconfig's look-ups convert silently and lose what does not fit; values
   are therefore read by the type that they have, as 64-bit integers or doubles, and checked before they are
   narrowed. (A literal that overflows, 3000000000 without an L, is changed by libconfig 1.5's parser
   before anyone can see it.) */
#include "plugin/settings.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "plugin/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Places. */

/* The command line's text for a setting that it made, or that lies in one it made. */
static const char *hook_of(const config_setting_t *setting)
{
    for (; setting; setting = config_setting_parent(setting)) {
        const char *hook = config_setting_get_hook(setting);
        if (hook)
            return hook;
    }
    return NULL;
}

/* The root has no place of its own, but what stands in it has. */
static const char *file_of(const config_setting_t *setting)
{
    const char *file = config_setting_source_file(setting);
    if (!file && config_setting_is_root(setting) && config_setting_length(setting) > 0)
        file = config_setting_source_file(config_setting_get_elem(setting, 0));
    return file ? file : "config";
}

tsr_status *tsr_setting_context(const config_setting_t *setting, tsr_status *status)
{
    if (!setting || !status)
        return status;
    const char *hook = hook_of(setting);
    if (hook)
        return tsr_context(status, "%s", hook);
    unsigned line = config_setting_source_line(setting);
    if (line == 0)
        return tsr_context(status, "%s", file_of(setting));
    return tsr_context(status, "%s:%u", file_of(setting), line);
}

tsr_status *tsr_setting_fail(const config_setting_t *setting, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tsr_status *status = tsr_fail_v(TSR_REFUSED, format, args);
    va_end(args);
    return tsr_setting_context(setting, status);
}

static void add_path(const config_setting_t *setting, tsr_text *path)
{
    const config_setting_t *parent = config_setting_parent(setting);
    if (!parent)
        return;
    add_path(parent, path);
    const char *name = config_setting_name(setting);
    if (name)
        tsr_text_add(path, "%s%s", path->length ? "." : "", name);
    else
        tsr_text_add(path, "%s%d", path->length ? "." : "", config_setting_index(setting));
}

char *tsr_setting_path(const config_setting_t *setting)
{
    tsr_text path = { 0 };
    add_path(setting, &path);
    return path.chars ? path.chars : strdup("config");
}

char *tsr_setting_file(const tsr_settings *settings, const config_setting_t *setting, const char *path)
{
    const char *origin = setting ? hook_of(setting) : NULL;
    if (!origin || strncmp(origin, "-s ", 3) != 0) /* a swept value stands in the file too */
        return tsr_path_resolve(path, settings->folder);
    char *here = getcwd(NULL, 0);
    char *file = here ? tsr_path_resolve(path, here) : NULL;
    free(here);
    return file;
}

/* What a config says, for messages. */
static void add_value(const config_setting_t *setting, tsr_text *out)
{
    char real[32];
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
        tsr_text_add(out, "%d", config_setting_get_int(setting));
        return;
    case CONFIG_TYPE_INT64:
        tsr_text_add(out, "%lld", config_setting_get_int64(setting));
        return;
    case CONFIG_TYPE_FLOAT:
        tsr_format_real(config_setting_get_float(setting), real, sizeof(real));
        tsr_text_add(out, "%s", real);
        return;
    case CONFIG_TYPE_BOOL:
        tsr_text_add(out, "%s", config_setting_get_bool(setting) ? "true" : "false");
        return;
    case CONFIG_TYPE_STRING:
        tsr_text_add(out, "\"%s\"", config_setting_get_string(setting));
        return;
    case CONFIG_TYPE_GROUP:
        tsr_text_add(out, "{ ... }");
        return;
    default:
        tsr_text_add(out, config_setting_length(setting) ? "[ ... ]" : "[ ]");
        return;
    }
}

tsr_status *tsr_setting_mismatch(const config_setting_t *setting, const char *expected)
{
    char *path = tsr_setting_path(setting);
    tsr_text value = { 0 };
    add_value(setting, &value);
    tsr_status *status = path && value.chars
                             ? tsr_setting_fail(setting, "%s = %s: expected %s", path, value.chars, expected)
                             : tsr_no_memory("a message");
    free(value.chars);
    free(path);
    return status;
}

/* Values. */

typedef struct reader {
    const tsr_settings *settings;
    const config_setting_t *group; /* NULL: all defaults */
    const tsr_param *param;
    const config_setting_t *setting; /* the parameter's; NULL: its default */
    void *field;
    json_t **resolved;
} reader;

static tsr_status *mismatch(const tsr_param *param, const config_setting_t *setting, bool element)
{
    tsr_text expected = { 0 };
    tsr_param_expected(param, element, &expected);
    const char *nearest = NULL;
    if (param->type == TSR_TYPE_ENUM && config_setting_type(setting) == CONFIG_TYPE_STRING)
        nearest = tsr_nearest_word(config_setting_get_string(setting), param->choices);
    if (nearest)
        tsr_text_add(&expected, "; did you mean \"%s\"?", nearest);
    tsr_status *status = tsr_setting_mismatch(setting, expected.chars ? expected.chars : "another");
    free(expected.chars);
    return status;
}

static bool get_int(const tsr_param *param, const config_setting_t *setting, int64_t *out)
{
    int type = config_setting_type(setting);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return false;
    *out = type == CONFIG_TYPE_INT ? config_setting_get_int(setting) : config_setting_get_int64(setting);
    return tsr_param_takes_int(param, *out);
}

static bool get_real(const tsr_param *param, const config_setting_t *setting, double *out)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
        *out = config_setting_get_int(setting);
        break;
    case CONFIG_TYPE_INT64:
        *out = (double)config_setting_get_int64(setting);
        break;
    case CONFIG_TYPE_FLOAT:
        *out = config_setting_get_float(setting);
        break;
    default:
        return false;
    }
    return tsr_param_takes_real(param, *out);
}

static tsr_status *read_int(reader *r)
{
    int64_t value = r->param->int_default;
    if (r->setting && !get_int(r->param, r->setting, &value))
        return mismatch(r->param, r->setting, false);
    uint32_t narrow = (uint32_t)value; /* two's complement: right for int32_t too */
    if (r->param->field_size == sizeof(narrow))
        memcpy(r->field, &narrow, sizeof(narrow));
    else
        memcpy(r->field, &value, sizeof(value));
    *r->resolved = json_integer(value);
    return NULL;
}

static tsr_status *read_real(reader *r)
{
    double value = r->param->real_default;
    if (r->setting && !get_real(r->param, r->setting, &value))
        return mismatch(r->param, r->setting, false);
    value += 0.0; /* -0.0 is 0.0 */
    float narrow = (float)value;
    if (r->param->field_size == sizeof(narrow))
        memcpy(r->field, &narrow, sizeof(narrow));
    else
        memcpy(r->field, &value, sizeof(value));
    *r->resolved = json_real(value);
    return NULL;
}

static tsr_status *read_bool(reader *r)
{
    bool value = r->param->bool_default;
    if (r->setting) {
        if (config_setting_type(r->setting) != CONFIG_TYPE_BOOL)
            return mismatch(r->param, r->setting, false);
        value = config_setting_get_bool(r->setting);
    }
    memcpy(r->field, &value, sizeof(value));
    *r->resolved = json_boolean(value);
    return NULL;
}

static tsr_status *read_string(reader *r)
{
    const char *value = r->param->string_default;
    if (r->setting) {
        if (config_setting_type(r->setting) != CONFIG_TYPE_STRING)
            return mismatch(r->param, r->setting, false);
        value = config_setting_get_string(r->setting);
    }
    if (!value) {
        *r->resolved = json_null();
        return NULL;
    }
    bool is_path = r->param->type == TSR_TYPE_PATH && *value; /* an empty path is none */
    char *copy = is_path ? tsr_setting_file(r->settings, r->setting, value) : strdup(value);
    if (!copy)
        return tsr_no_memory("a string");
    memcpy(r->field, &copy, sizeof(copy));
    *r->resolved = json_string(copy);
    if (!*r->resolved)
        return tsr_setting_fail(r->setting ? r->setting : r->group, "'%s' is not valid UTF-8", r->param->key);
    return NULL;
}

static tsr_status *read_enum(reader *r)
{
    const char *word = r->param->string_default;
    if (r->setting) {
        word = config_setting_type(r->setting) == CONFIG_TYPE_STRING ? config_setting_get_string(r->setting)
                                                                     : "";
        if (tsr_param_choice(r->param, word) < 0)
            return mismatch(r->param, r->setting, false);
    }
    int index = tsr_param_choice(r->param, word);
    memcpy(r->field, &index, sizeof(index));
    *r->resolved = json_string(word);
    return NULL;
}

/* How many elements a list is to have; refuses what is no list or too short or long. An empty pair of
   parentheses is a list like another. */
static tsr_status *list_length(const reader *r, size_t *n)
{
    *n = r->param->list_default_length;
    if (!r->setting)
        return NULL;
    if (!config_setting_is_array(r->setting) && !config_setting_is_list(r->setting))
        return mismatch(r->param, r->setting, false);
    *n = (size_t)config_setting_length(r->setting);
    if (*n < r->param->list_min_length || (r->param->list_max_length && *n > r->param->list_max_length))
        return mismatch(r->param, r->setting, false);
    return NULL;
}

static tsr_status *read_int_list(reader *r)
{
    tsr_int_list list;
    TSR_TRY(list_length(r, &list.n));
    int64_t *values = tsr_alloc(list.n, sizeof(*values));
    if (!values)
        return tsr_no_memory("a list");
    list.values = values;
    memcpy(r->field, &list, sizeof(list)); /* from here on tsr_settings_clear frees it */
    *r->resolved = json_array();
    for (size_t i = 0; i < list.n; i++) {
        const config_setting_t *element =
            r->setting ? config_setting_get_elem(r->setting, (unsigned)i) : NULL;
        if (!element)
            values[i] = r->param->int_list_default[i];
        else if (!get_int(r->param, element, &values[i]))
            return mismatch(r->param, element, true);
        if (json_array_append_new(*r->resolved, json_integer(values[i])) != 0)
            return tsr_no_memory("a resolved setting");
    }
    return NULL;
}

static tsr_status *read_real_list(reader *r)
{
    tsr_real_list list;
    TSR_TRY(list_length(r, &list.n));
    double *values = tsr_alloc(list.n, sizeof(*values));
    if (!values)
        return tsr_no_memory("a list");
    list.values = values;
    memcpy(r->field, &list, sizeof(list));
    *r->resolved = json_array();
    for (size_t i = 0; i < list.n; i++) {
        const config_setting_t *element =
            r->setting ? config_setting_get_elem(r->setting, (unsigned)i) : NULL;
        if (!element)
            values[i] = r->param->real_list_default[i];
        else if (!get_real(r->param, element, &values[i]))
            return mismatch(r->param, element, true);
        values[i] += 0.0; /* -0.0 is 0.0 */
        if (json_array_append_new(*r->resolved, json_real(values[i])) != 0)
            return tsr_no_memory("a resolved setting");
    }
    return NULL;
}

static tsr_status *read_plugin(reader *r)
{
    if (!r->setting && !r->param->string_default) {
        *r->resolved = json_null();
        return NULL;
    }
    tsr_settings deeper = *r->settings;
    deeper.depth++;
    tsr_instance *nested = NULL;
    tsr_status *status = tsr_instance_new(&deeper, r->param->nested, r->setting, r->param->key,
                                          r->param->string_default, &nested, r->resolved);
    memcpy(r->field, &nested, sizeof(nested));
    return r->setting ? status : tsr_setting_context(r->group, status);
}

static tsr_status *read_value(reader *r)
{
    switch (r->param->type) {
    case TSR_TYPE_INT:
        return read_int(r);
    case TSR_TYPE_REAL:
        return read_real(r);
    case TSR_TYPE_BOOL:
        return read_bool(r);
    case TSR_TYPE_STRING:
    case TSR_TYPE_PATH:
        return read_string(r);
    case TSR_TYPE_ENUM:
        return read_enum(r);
    case TSR_TYPE_INT_LIST:
        return read_int_list(r);
    case TSR_TYPE_REAL_LIST:
        return read_real_list(r);
    case TSR_TYPE_PLUGIN:
        return read_plugin(r);
    case TSR_TYPE_END:
        break;
    }
    return NULL;
}

/* Groups. */

/* Declared keys, then the others; NULL-terminated, NULL without memory. */
static const char **known_keys(const tsr_param *params, const char *const *others)
{
    size_t n = tsr_params_count(params), more = 0;
    while (others && others[more])
        more++;
    const char **keys = calloc(n + more + 1, sizeof(*keys));
    for (size_t i = 0; keys && i < n + more; i++)
        keys[i] = i < n ? params[i].key : others[i - n];
    return keys;
}

static bool among(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(word, *words) == 0)
            return true;
    }
    return false;
}

static tsr_status *unknown_key(const config_setting_t *setting, const char *what, const char *const *keys)
{
    const char *name = config_setting_name(setting);
    const char *nearest = tsr_nearest_word(name, keys);
    if (nearest)
        return tsr_setting_fail(setting, "unknown key '%s' in %s; did you mean '%s'?", name, what, nearest);
    tsr_text known = { 0 };
    for (size_t i = 0; keys[i]; i++)
        tsr_text_add(&known, "%s%s", i ? ", " : "", keys[i]);
    tsr_status *status = tsr_setting_fail(setting, "unknown key '%s' in %s; known keys: %s", name, what,
                                          known.chars ? known.chars : "none");
    free(known.chars);
    return status;
}

/* Once: an experiment reads its config once per run. */
static void leave_out(const config_setting_t *setting, const char *what)
{
    tsr_status *said = tsr_setting_fail(setting, "'%s' is no parameter of %s and is not read",
                                        config_setting_name(setting), what);
    tsr_log_warning_once("%s", tsr_status_message(said));
    tsr_status_free(said);
}

/* Whether the command line or a sweep put another plugin into this group: keys of the one that stood there
   before are then left over. */
static bool was_swapped(const config_setting_t *group)
{
    const config_setting_t *name = config_setting_get_member(group, "plugin");
    return name && config_setting_get_hook(name) && !config_setting_get_hook(group);
}

static tsr_status *check_keys(const tsr_param *params, const config_setting_t *group, const char *what,
                              const char *const *others)
{
    const char **keys = known_keys(params, others);
    if (!keys)
        return tsr_no_memory("a list of keys");
    tsr_status *status = NULL;
    for (int i = 0; i < config_setting_length(group) && !status; i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        if (among(config_setting_name(setting), keys))
            continue;
        if (was_swapped(group) && !config_setting_get_hook(setting))
            leave_out(setting, what);
        else
            status = unknown_key(setting, what, keys);
    }
    free(keys);
    return status;
}

static tsr_status *read_param(reader *r, const char *what, json_t *resolved)
{
    if (!r->setting && r->param->required)
        return tsr_setting_fail(r->group, "%s lacks the key '%s': %s", what, r->param->key, r->param->doc);
    json_t *value = NULL;
    r->resolved = &value;
    tsr_status *status = read_value(r);
    if (!status && !value)
        status = tsr_no_memory("a resolved setting");
    if (!status && resolved && json_object_set(resolved, r->param->key, value) != 0)
        status = tsr_no_memory("a resolved setting");
    json_decref(value);
    return status;
}

tsr_status *tsr_settings_read(const tsr_settings *settings, const tsr_param *params,
                              const config_setting_t *group, const char *what, const char *const *others,
                              void *target, json_t *resolved)
{
    for (const tsr_param *param = params; param->type != TSR_TYPE_END; param++)
        memset((char *)target + param->offset, 0, param->field_size);
    if (group && !config_setting_is_group(group))
        return tsr_setting_mismatch(group, "a group { KEY = VALUE; ... }");
    tsr_status *status = group ? check_keys(params, group, what, others) : NULL;
    for (const tsr_param *param = params; param->type != TSR_TYPE_END && !status; param++) {
        reader r = { .settings = settings,
                     .group = group,
                     .param = param,
                     .setting = group ? config_setting_get_member(group, param->key) : NULL,
                     .field = (char *)target + param->offset };
        status = read_param(&r, what, resolved);
    }
    if (status)
        tsr_settings_clear(params, target);
    return status;
}

void tsr_settings_clear(const tsr_param *params, void *target)
{
    for (; params->type != TSR_TYPE_END; params++) {
        void *field = (char *)target + params->offset, *pointer;
        tsr_int_list ints;
        tsr_real_list reals;
        switch (params->type) {
        case TSR_TYPE_STRING:
        case TSR_TYPE_PATH:
            memcpy(&pointer, field, sizeof(pointer));
            free(pointer);
            break;
        case TSR_TYPE_INT_LIST:
            memcpy(&ints, field, sizeof(ints));
            free((void *)(uintptr_t)ints.values);
            break;
        case TSR_TYPE_REAL_LIST:
            memcpy(&reals, field, sizeof(reals));
            free((void *)(uintptr_t)reals.values);
            break;
        case TSR_TYPE_PLUGIN:
            memcpy(&pointer, field, sizeof(pointer));
            tsr_instance_free(pointer);
            break;
        default:
            break;
        }
        memset(field, 0, params->field_size);
    }
}
