/* Declarations of keys. What a declaration may say is checked once, when its plugin is loaded, so that
   the reader of configs can rely on it. */
#include "plugin/keys.h"

#include "plugin/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [TSR_TYPE_INT] = "int",
    [TSR_TYPE_REAL] = "real",
    [TSR_TYPE_BOOL] = "bool",
    [TSR_TYPE_STRING] = "string",
    [TSR_TYPE_PATH] = "path",
    [TSR_TYPE_ENUM] = "enum",
    [TSR_TYPE_INT_LIST] = "int_list",
    [TSR_TYPE_REAL_LIST] = "real_list",
    [TSR_TYPE_PLUGIN] = "plugin",
    [TSR_TYPE_STRING_LIST] = "string_list",
    [TSR_TYPE_PLUGIN_LIST] = "plugin_list",
    [TSR_TYPE_GROUP_LIST] = "group_list",
};

const char *tsr_key_type_name(tsr_key_type type)
{
    return type_names[type];
}

bool tsr_name_valid(const char *name)
{
    if (!name || name[0] < 'a' || name[0] > 'z')
        return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

bool tsr_line_valid(const char *line)
{
    if (!line || !*line)
        return false;
    for (const char *c = line; *c; c++) {
        if ((unsigned char)*c < ' ')
            return false;
    }
    return tsr_is_utf8(line);
}

const char *tsr_line_shown(const char *line)
{
    if (!line || !*line)
        return "";
    return tsr_line_valid(line) ? line : "(not text)";
}

size_t tsr_keys_count(const tsr_key *keys)
{
    size_t n = 0;
    while (keys[n].type != TSR_TYPE_END)
        n++;
    return n;
}

const tsr_key *tsr_keys_find(const tsr_key *keys, const char *key)
{
    for (; keys->type != TSR_TYPE_END; keys++) {
        if (strcmp(keys->name, key) == 0)
            return keys;
    }
    return NULL;
}

/* Checking. */

static tsr_status *check_keys(const tsr_key *keys, size_t size);

static size_t field_size_of(tsr_key_type type)
{
    switch (type) {
    case TSR_TYPE_BOOL:
        return sizeof(bool);
    case TSR_TYPE_ENUM:
        return sizeof(int);
    case TSR_TYPE_INT_LIST:
    case TSR_TYPE_REAL_LIST:
    case TSR_TYPE_STRING_LIST:
    case TSR_TYPE_PLUGIN_LIST:
    case TSR_TYPE_GROUP_LIST:
        return sizeof(tsr_int_list); /* all are a length and a pointer */
    default:
        return sizeof(void *);
    }
}

static tsr_status *check_field(const tsr_key *key, size_t instance_size)
{
    size_t size = key->field_size;
    if ((uint64_t)key->offset + size > instance_size)
        return tsr_fail(TSR_REFUSED,
                        "its field (bytes %u to %zu) lies outside the instance of %zu bytes; give "
                        "TSR_INSTANCE the type that the keys are declared of",
                        key->offset, key->offset + size, instance_size);
    if (key->type == TSR_TYPE_INT || key->type == TSR_TYPE_REAL) {
        if (size != 4 && size != 8)
            return tsr_fail(TSR_REFUSED,
                            "its field has %zu bytes, expected 4 or 8; declare the field as the type's "
                            "comment in key.h says",
                            size);
        return NULL;
    }
    if (size != field_size_of(key->type))
        return tsr_fail(TSR_REFUSED,
                        "its field has %zu bytes, expected the %zu of type %s; declare the field as the "
                        "type's comment in key.h says",
                        size, field_size_of(key->type), type_names[key->type]);
    return NULL;
}

static tsr_status *check_int_range(const tsr_key *key)
{
    if (key->int_min > key->int_max)
        return tsr_fail(TSR_REFUSED, "its least value %lld is greater than its greatest, %lld; exchange them",
                        (long long)key->int_min, (long long)key->int_max);
    if (!tsr_field_holds_int(key, key->int_min) || !tsr_field_holds_int(key, key->int_max))
        return tsr_fail(TSR_REFUSED,
                        "its field of %u bytes does not hold the range from %lld to %lld; make the field "
                        "wider or the range narrower",
                        key->field_size, (long long)key->int_min, (long long)key->int_max);
    return NULL;
}

static tsr_status *check_real_range(const tsr_key *key)
{
    if (isnan(key->real_min) || isnan(key->real_max))
        return tsr_fail(TSR_REFUSED, "a bound of its range is not a number; give one, or INFINITY for none");
    if (key->real_min > key->real_max)
        return tsr_fail(TSR_REFUSED, "its least value %g is greater than its greatest, %g; exchange them",
                        key->real_min, key->real_max);
    return NULL;
}

static tsr_status *default_outside(const tsr_key *key, const char *value)
{
    tsr_text expected = { 0 };
    tsr_key_expected(key, tsr_key_is_list(key), &expected);
    tsr_status *status = tsr_fail(TSR_REFUSED, "its default %s is outside its range: expected %s", value,
                                  expected.chars ? expected.chars : "another");
    free(expected.chars);
    return status;
}

static tsr_status *check_int(const tsr_key *key, size_t n, const int64_t *defaults)
{
    TSR_TRY(check_int_range(key));
    for (size_t i = 0; i < n && !key->required; i++) {
        char value[32];
        snprintf(value, sizeof(value), "%lld", (long long)defaults[i]);
        if (!tsr_key_takes_int(key, defaults[i]))
            return default_outside(key, value);
    }
    return NULL;
}

static tsr_status *check_real(const tsr_key *key, size_t n, const double *defaults)
{
    TSR_TRY(check_real_range(key));
    for (size_t i = 0; i < n && !key->required; i++) {
        char value[32];
        tsr_format_real(defaults[i], value, sizeof(value));
        if (!tsr_key_takes_real(key, defaults[i]))
            return default_outside(key, value);
    }
    return NULL;
}

static tsr_status *check_string(const tsr_key *key)
{
    if (key->string_default && *key->string_default && !tsr_line_valid(key->string_default))
        return tsr_fail(TSR_REFUSED, "its default is not one line of UTF-8; give one");
    return NULL;
}

static tsr_status *check_choices(const tsr_key *key)
{
    if (!key->choices || !key->choices[0])
        return tsr_fail(TSR_REFUSED, "it has no choices; give at least one, and NULL behind the last");
    for (int i = 0; key->choices[i]; i++) {
        if (!tsr_line_valid(key->choices[i]))
            return tsr_fail(TSR_REFUSED, "its choice %d is not a word; is the NULL behind the last missing?",
                            i);
        if (tsr_key_choice(key, key->choices[i]) != i)
            return tsr_fail(TSR_REFUSED, "its choice '%s' stands twice; expected once", key->choices[i]);
    }
    if (!key->required && (!key->string_default || tsr_key_choice(key, key->string_default) < 0))
        return tsr_fail(TSR_REFUSED, "its default '%s' is none of its choices; expected one of them",
                        tsr_line_shown(key->string_default));
    return NULL;
}

static tsr_status *check_nested(const tsr_key *key, size_t n, const char *const *names)
{
    if (!tsr_kind_get(key->nested))
        return tsr_fail(TSR_REFUSED, "the kind of plugin it takes, %d, is none; use one of tsr_kind",
                        (int)key->nested);
    for (size_t i = 0; i < n; i++)
        if (!tsr_name_valid(names[i]))
            return tsr_fail(
                TSR_REFUSED,
                "its default '%s' is not a plugin's name: expected lower case letters, digits and _",
                tsr_line_shown(names[i]));
    return NULL;
}

static bool is_line(const char *text)
{
    return !*text || tsr_line_valid(text);
}

static tsr_status *check_strings(size_t n, const char *const *strings)
{
    for (size_t i = 0; i < n; i++)
        if (!strings[i] || !is_line(strings[i]))
            return tsr_fail(TSR_REFUSED, "element %zu of its default is not one line of UTF-8; give one", i);
    return NULL;
}

/* What a group of the default has in the field of a key. */
static tsr_status *check_default_field(const tsr_key *key, const void *field)
{
    char value[32];
    int index = 0;
    const char *text = NULL;
    switch (key->type) {
    case TSR_TYPE_INT:
        snprintf(value, sizeof(value), "%lld", (long long)tsr_field_int(key, field));
        return tsr_key_takes_int(key, tsr_field_int(key, field)) ? NULL : default_outside(key, value);
    case TSR_TYPE_REAL:
        tsr_format_real(tsr_field_real(key, field), value, sizeof(value));
        return tsr_key_takes_real(key, tsr_field_real(key, field)) ? NULL : default_outside(key, value);
    case TSR_TYPE_ENUM:
        memcpy(&index, field, sizeof(index));
        snprintf(value, sizeof(value), "%d", index);
        for (int i = 0; key->choices[i]; i++)
            if (i == index)
                return NULL;
        return default_outside(key, value);
    case TSR_TYPE_STRING:
    case TSR_TYPE_PATH:
        memcpy(&text, field, sizeof(text));
        return !text || is_line(text)
                   ? NULL
                   : tsr_fail(TSR_REFUSED, "its default is not one line of UTF-8; give one");
    default:
        return NULL;
    }
}

static tsr_status *check_groups(const tsr_key *key, size_t n)
{
    if (!key->group_keys)
        return tsr_fail(TSR_REFUSED, "its groups have no keys; give a list of them, ended by TSR_KEY_END");
    TSR_TRY(check_keys(key->group_keys, key->group_size));
    for (size_t i = 0; i < n; i++) {
        const char *group = (const char *)key->group_list_default + i * key->group_size;
        for (const tsr_key *k = key->group_keys; k->type != TSR_TYPE_END; k++)
            TSR_TRY(tsr_context(check_default_field(k, group + k->offset),
                                "group %zu of its default: key '%s'", i, k->name));
    }
    return NULL;
}

static const void *list_default(const tsr_key *key)
{
    switch (key->type) {
    case TSR_TYPE_INT_LIST:
        return key->int_list_default;
    case TSR_TYPE_REAL_LIST:
        return key->real_list_default;
    case TSR_TYPE_GROUP_LIST:
        return key->group_list_default;
    default:
        return key->string_list_default;
    }
}

static tsr_status *check_list(const tsr_key *key)
{
    size_t n = key->list_default_length;
    size_t most = key->list_max_length ? key->list_max_length : SIZE_MAX;
    if (key->list_min_length > most)
        return tsr_fail(TSR_REFUSED, "its least length %zu is greater than its greatest, %zu; exchange them",
                        key->list_min_length, most);
    if (!key->required && (n < key->list_min_length || n > most))
        return tsr_fail(TSR_REFUSED,
                        "its default has %zu elements, outside its range of lengths; change one of both", n);
    if (n > 0 && !list_default(key))
        return tsr_fail(TSR_REFUSED, "its default of %zu elements is missing; give an array of as many", n);
    switch (key->type) {
    case TSR_TYPE_INT_LIST:
        return check_int(key, n, key->int_list_default);
    case TSR_TYPE_REAL_LIST:
        return check_real(key, n, key->real_list_default);
    case TSR_TYPE_PLUGIN_LIST:
        return check_nested(key, n, key->string_list_default);
    case TSR_TYPE_GROUP_LIST:
        return check_groups(key, n);
    default:
        return check_strings(n, key->string_list_default);
    }
}

static tsr_status *check_value(const tsr_key *key)
{
    switch (key->type) {
    case TSR_TYPE_INT:
        return check_int(key, 1, &key->int_default);
    case TSR_TYPE_REAL:
        return check_real(key, 1, &key->real_default);
    case TSR_TYPE_STRING:
    case TSR_TYPE_PATH:
        return check_string(key);
    case TSR_TYPE_ENUM:
        return check_choices(key);
    case TSR_TYPE_PLUGIN:
        return check_nested(key, key->string_default ? 1 : 0, &key->string_default);
    default:
        return check_list(key);
    }
}

static tsr_status *check_one(const tsr_key *key, size_t instance_size)
{
    if (!tsr_line_valid(key->doc))
        return tsr_fail(TSR_REFUSED, "its doc is missing or not one line; give one");
    if (key->unit && !tsr_line_valid(key->unit))
        return tsr_fail(TSR_REFUSED, "its unit is empty or not one line; give one or NULL");
    if (key->constant && (key->type != TSR_TYPE_REAL || !tsr_name_valid(key->constant)))
        return tsr_fail(TSR_REFUSED,
                        "it sets the constant '%s', expected a real number that sets one called "
                        "by lower case letters, digits and _",
                        tsr_line_shown(key->constant));
    TSR_TRY(check_field(key, instance_size));
    return check_value(key);
}

/* The key against those before it: no two alike, no two that share bytes of the instance. */
static tsr_status *check_apart(const tsr_key *keys, size_t i)
{
    const tsr_key *key = &keys[i];
    for (const tsr_key *other = keys; other < key; other++) {
        if (strcmp(other->name, key->name) == 0)
            return tsr_fail(TSR_REFUSED, "it is declared twice; remove or rename one");
        if ((uint64_t)key->offset < (uint64_t)other->offset + other->field_size &&
            (uint64_t)other->offset < (uint64_t)key->offset + key->field_size)
            return tsr_fail(TSR_REFUSED, "its field is also that of '%s'; give each a field of its own",
                            other->name);
    }
    return NULL;
}

/* As a plugin's name, but upper case too: a field may call a quantity C. */
static bool is_key(const char *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return key && key[0] && !strchr("0123456789_", key[0]) && key[strspn(key, allowed)] == '\0';
}

static tsr_status *check_key(const tsr_key *keys, size_t i, size_t instance_size)
{
    const tsr_key *key = &keys[i];
    if ((unsigned)key->type > TSR_TYPE_GROUP_LIST)
        return tsr_fail(TSR_REFUSED, "key %zu has the unknown type %d; is TSR_KEY_END missing?", i,
                        (int)key->type);
    if (!is_key(key->name))
        return tsr_fail(TSR_REFUSED, "key %zu: its name '%s' is not valid: expected letters, digits and _", i,
                        tsr_line_shown(key->name));
    if (strcmp(key->name, "plugin") == 0)
        return tsr_fail(TSR_REFUSED, "key 'plugin': this key names the plugin itself; call it otherwise");
    tsr_status *status = check_one(key, instance_size);
    if (!status)
        status = check_apart(keys, i);
    return tsr_context(status, "key '%s'", key->name);
}

static tsr_status *check_keys(const tsr_key *keys, size_t size)
{
    for (size_t i = 0; keys[i].type != TSR_TYPE_END; i++)
        TSR_TRY(check_key(keys, i, size));
    return NULL;
}

tsr_status *tsr_keys_check(const tsr_key *keys, size_t instance_size, const char *where)
{
    return tsr_context(check_keys(keys, instance_size), "%s", where);
}
