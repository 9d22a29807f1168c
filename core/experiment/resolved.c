/* Resolved configs: writing, comparing and naming them. */
#include "experiment/resolved.h"

#include "base/memory.h"
#include "experiment/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define INDENT 4

static void write_string(const char *chars, tsr_text *out)
{
    tsr_text_add(out, "\"");
    for (; *chars; chars++) {
        unsigned char c = (unsigned char)*chars;
        if (c == '"' || c == '\\')
            tsr_text_add(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            tsr_text_add(out, "\\x%02x", c);
        else
            tsr_text_add(out, "%c", c);
    }
    tsr_text_add(out, "\"");
}

static bool is_long(const json_t *value)
{
    json_int_t number = json_integer_value(value); /* 0 for what is none */
    return number > INT32_MAX || number < INT32_MIN;
}

static void write_scalar(const json_t *value, tsr_text *out)
{
    if (json_is_string(value)) {
        write_string(json_string_value(value), out);
    } else if (json_is_integer(value)) {
        tsr_text_add(out, "%" JSON_INTEGER_FORMAT "%s", json_integer_value(value), is_long(value) ? "L" : "");
    } else if (json_is_real(value)) {
        char digits[32];
        tsr_format_real(json_real_value(value), digits, sizeof(digits));
        tsr_text_add(out, "%s", digits);
    } else {
        tsr_text_add(out, json_is_true(value) ? "true" : "false");
    }
}

/* Whether libconfig takes the elements between [ and ]: scalars of one of its types. */
static bool is_uniform(const json_t *array)
{
    const json_t *first = json_array_get(array, 0);
    bool uniform = !json_is_object(first) && !json_is_array(first);
    for (size_t i = 1; uniform && i < json_array_size(array); i++) {
        const json_t *other = json_array_get(array, i);
        bool both = json_is_boolean(first) && json_is_boolean(other);
        uniform = (both || json_typeof(first) == json_typeof(other)) && is_long(first) == is_long(other);
    }
    return uniform;
}

/* Members one per line at `indent`, or all on one line where it is negative. */
static void write_members(const json_t *object, int indent, tsr_text *out);

static void write_value(const json_t *value, int indent, tsr_text *out)
{
    int inner = indent < 0 ? indent : indent + INDENT;
    if (json_is_object(value)) {
        tsr_text_add(out, indent < 0 ? "{ " : "{\n");
        write_members(value, inner, out);
        if (indent >= 0)
            tsr_text_add(out, "%*s", indent, "");
        tsr_text_add(out, "}");
    } else if (json_is_array(value)) {
        bool groups = !is_uniform(value);
        tsr_text_add(out, groups ? "( " : "[ ");
        for (size_t i = 0; i < json_array_size(value); i++) {
            tsr_text_add(out, i ? ", " : "");
            write_value(json_array_get(value, i), indent, out);
        }
        tsr_text_add(out, groups ? " )" : " ]");
    } else {
        write_scalar(value, out);
    }
}

static void write_members(const json_t *object, int indent, tsr_text *out)
{
    const char *key;
    json_t *value;
    json_t *members = json_incref((json_t *)(uintptr_t)object); /* the iteration macro wants it mutable */
    json_object_foreach(members, key, value)
    {
        if (json_is_null(value)) /* nothing was given and there is no default */
            continue;
        if (indent > 0)
            tsr_text_add(out, "%*s", indent, "");
        tsr_text_add(out, "%s = ", key);
        write_value(value, indent, out);
        tsr_text_add(out, indent < 0 ? "; " : ";\n");
    }
    json_decref(members);
}

void tsr_resolved_write(const json_t *object, tsr_text *out)
{
    write_members(object, 0, out);
}

void tsr_resolved_write_value(const json_t *value, tsr_text *out)
{
    write_value(value, -1, out);
}

/* A group: its plugin's name, then its other members. */
static void write_group_label(const json_t *group, tsr_text *out)
{
    const char *plugin = json_string_value(json_object_get(group, "plugin")), *key;
    json_t *value, *members = json_incref((json_t *)(uintptr_t)group);
    size_t n = 0;
    tsr_text_add(out, "%s", plugin ? plugin : "");
    json_object_foreach(members, key, value)
    {
        if (json_is_null(value) || (plugin && strcmp(key, "plugin") == 0))
            continue;
        tsr_text_add(out, "%s%s=", n++ ? " " : "(", key);
        tsr_resolved_write_label(value, out);
    }
    tsr_text_add(out, "%s", n ? ")" : "");
    json_decref(members);
}

void tsr_resolved_write_label(const json_t *value, tsr_text *out)
{
    if (json_is_string(value))
        tsr_text_add(out, "%s", json_string_value(value));
    else if (json_is_object(value))
        write_group_label(value, out);
    else if (!json_is_array(value))
        write_scalar(value, out);
    else if (json_array_size(value) == 0)
        tsr_text_add(out, "none");
    for (size_t i = 0; i < json_array_size(value); i++) {
        bool groups = json_is_object(json_array_get(value, 0));
        tsr_text_add(out, "%s", !i ? "" : groups ? " + " : " ");
        tsr_resolved_write_label(json_array_get(value, i), out);
    }
}

json_t *tsr_resolved_from_setting(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
        return json_integer(config_setting_get_int(setting));
    case CONFIG_TYPE_INT64:
        return json_integer(config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT:
        return json_real(config_setting_get_float(setting));
    case CONFIG_TYPE_BOOL:
        return json_boolean(config_setting_get_bool(setting));
    case CONFIG_TYPE_STRING:
        return json_string(config_setting_get_string(setting));
    default:
        break;
    }
    json_t *value = config_setting_is_group(setting) ? json_object() : json_array();
    for (int i = 0; value && i < config_setting_length(setting); i++) {
        const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        json_t *member = tsr_resolved_from_setting(element);
        if (config_setting_is_group(setting))
            json_object_set_new(value, config_setting_name(element), member);
        else
            json_array_append_new(value, member);
    }
    return value;
}

tsr_status *tsr_resolved_read(const char *path, json_t **out)
{
    tsr_config config;
    TSR_TRY(tsr_config_read(path, 0, NULL, &config));
    *out = tsr_resolved_from_setting(config_root_setting(&config.tree));
    tsr_config_clear(&config);
    return *out ? NULL : tsr_no_memory(path);
}

json_t *tsr_resolved_at(const json_t *object, const char *key)
{
    char *path = strdup(key), *rest = path;
    const json_t *at = path ? object : NULL;
    for (char *word; at && (word = strsep(&rest, ".")) != NULL;)
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word + (*word == '[')))
                               : json_object_get(at, word);
    free(path);
    return (json_t *)(uintptr_t)at;
}

void tsr_resolved_remove(json_t *object, const char *key)
{
    const char *last = strrchr(key, '.');
    char *above = last ? strndup(key, (size_t)(last - key)) : NULL;
    if (!last)
        json_object_del(object, key);
    else if (above)
        json_object_del(tsr_resolved_at(object, above), last + 1);
    free(above);
}

static json_t *group_paths(const json_t *written, const json_t *resolved)
{
    json_t *out = json_object(), *value, *members = json_incref((json_t *)(uintptr_t)written);
    const char *key;
    json_object_foreach(members, key, value)
        json_object_set_new(out, key, tsr_resolved_paths(value, json_object_get(resolved, key)));
    json_decref(members);
    return out;
}

json_t *tsr_resolved_paths(const json_t *written, const json_t *resolved)
{
    if (json_is_string(written) && json_is_object(resolved)) /* a plugin's name alone */
        return tsr_resolved_paths(written, json_object_get(resolved, "plugin"));
    if (json_is_string(written) && json_is_string(resolved)) /* but for a path, the same */
        return json_incref((json_t *)(uintptr_t)resolved);
    if (json_is_object(written) && json_is_object(resolved))
        return group_paths(written, resolved);
    if (!json_is_array(written) || json_array_size(written) != json_array_size(resolved))
        return json_incref((json_t *)(uintptr_t)written);
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(written); i++)
        json_array_append_new(out,
                              tsr_resolved_paths(json_array_get(written, i), json_array_get(resolved, i)));
    return out;
}

static void write_side(const json_t *value, const char *side, tsr_text *out)
{
    if (!value || json_is_null(value)) {
        tsr_text_add(out, "missing %s", side);
        return;
    }
    tsr_resolved_write_value(value, out);
    tsr_text_add(out, " %s", side);
}

static bool differ_at(const json_t *there, const json_t *here, const char *path, tsr_text *out);

static bool differ_below(const json_t *there, const json_t *here, const char *key, const char *path,
                         tsr_text *out)
{
    char *below = tsr_format("%s%s%s", path, path[0] ? "." : "", key);
    bool differs = below && differ_at(there, here, below, out);
    free(below);
    return differs;
}

static bool differ_in_object(const json_t *there, const json_t *here, const char *const *ignored,
                             const char *path, tsr_text *out)
{
    const json_t *sides[2] = { here, there };
    for (int side = 0; side < 2; side++) {
        const char *key;
        json_t *value, *members = json_incref((json_t *)(uintptr_t)sides[side]);
        bool differs = false;
        json_object_foreach(members, key, value)
        {
            bool skip = false;
            for (const char *const *word = ignored; word && *word; word++)
                skip = skip || strcmp(*word, key) == 0;
            if (!differs && !skip)
                differs =
                    differ_below(json_object_get(there, key), json_object_get(here, key), key, path, out);
        }
        json_decref(members);
        if (differs)
            return true;
    }
    return false;
}

static bool is_missing(const json_t *value)
{
    return !value || json_is_null(value);
}

static bool same_scalar(const json_t *there, const json_t *here)
{
    if (is_missing(there) || is_missing(here))
        return is_missing(there) && is_missing(here);
    if (json_is_number(there) && json_is_number(here))
        return json_number_value(there) == json_number_value(here);
    return json_equal(there, here);
}

static bool differ_at(const json_t *there, const json_t *here, const char *path, tsr_text *out)
{
    if (json_is_object(there) && json_is_object(here))
        return differ_in_object(there, here, NULL, path, out);
    if (json_is_array(there) && json_is_array(here) && json_array_size(there) == json_array_size(here)) {
        for (size_t i = 0; i < json_array_size(there); i++) {
            char index[24];
            snprintf(index, sizeof(index), "%zu", i);
            if (differ_below(json_array_get(there, i), json_array_get(here, i), index, path, out))
                return true;
        }
        return false;
    }
    if (same_scalar(there, here))
        return false;
    tsr_text_add(out, "%s is ", path);
    write_side(there, "there", out);
    tsr_text_add(out, " and ");
    write_side(here, "here", out);
    return true;
}

bool tsr_resolved_differs(const json_t *there, const json_t *here, const char *const *ignored, tsr_text *out)
{
    return differ_in_object(there, here, ignored, "", out);
}

void tsr_resolved_id(const json_t *object, char id[17])
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    XXH64_hash_t hash = text ? XXH3_64bits(text, strlen(text)) : 0;
    free(text);
    snprintf(id, 17, "%016llx", (unsigned long long)hash);
}
