/* Reading one declared key: a value is read by the type that it has, as a 64-bit integer or a double,
   and checked before it is narrowed to the field. */
#include "config/field.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/default.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const tsr_settings *settings;
    const tsr_key *key;
    const tsr_value *group, *value; /* value NULL: the default */
    void *field;
    tsr_value **resolved;
} reader;

static tsr_status *mismatch(const tsr_key *key, const tsr_value *value, bool element)
{
    tsr_text expected = { 0 };
    tsr_key_expected(key, element, &expected);
    const char *word = key->type == TSR_TYPE_ENUM ? tsr_value_text(value) : NULL;
    const char *nearest = word ? tsr_nearest_word(word, key->choices) : NULL;
    if (nearest)
        tsr_text_add(&expected, "; did you mean \"%s\"?", nearest);
    tsr_status *status = tsr_value_mismatch(value, expected.chars ? expected.chars : "another");
    free(expected.chars);
    return status;
}

static bool get_int(const tsr_key *key, const tsr_value *value, int64_t *out)
{
    if (value->type != TSR_VALUE_INT)
        return false;
    *out = value->integer;
    return tsr_key_takes_int(key, *out);
}

static bool get_real(const tsr_key *key, const tsr_value *value, double *out)
{
    *out = tsr_value_number(value);
    return tsr_value_is_number(value) && tsr_key_takes_real(key, *out);
}

static tsr_status *read_int(reader *r)
{
    int64_t value = r->key->int_default;
    if (r->value && !get_int(r->key, r->value, &value))
        return mismatch(r->key, r->value, false);
    uint32_t narrow = (uint32_t)value; /* two's complement: right for int32_t too */
    if (r->key->field_size == sizeof(narrow))
        memcpy(r->field, &narrow, sizeof(narrow));
    else
        memcpy(r->field, &value, sizeof(value));
    *r->resolved = tsr_value_int(value);
    return NULL;
}

static tsr_status *read_real(reader *r)
{
    double value = r->key->real_default;
    if (r->value && !get_real(r->key, r->value, &value))
        return mismatch(r->key, r->value, false);
    value += 0.0; /* -0.0 is 0.0 */
    float narrow = (float)value;
    if (r->key->field_size == sizeof(narrow))
        memcpy(r->field, &narrow, sizeof(narrow));
    else
        memcpy(r->field, &value, sizeof(value));
    *r->resolved = tsr_value_real(value);
    return NULL;
}

static tsr_status *read_bool(reader *r)
{
    bool value = r->value ? r->value->boolean : r->key->bool_default;
    if (r->value && r->value->type != TSR_VALUE_BOOL)
        return mismatch(r->key, r->value, false);
    memcpy(r->field, &value, sizeof(value));
    *r->resolved = tsr_value_bool(value);
    return NULL;
}

static tsr_status *read_string(reader *r)
{
    const char *value = r->value ? tsr_value_text(r->value) : r->key->string_default;
    if (r->value && !value)
        return mismatch(r->key, r->value, false);
    if (!value) {
        *r->resolved = tsr_value_null();
        return NULL;
    }
    if (!tsr_is_utf8(value))
        return tsr_value_fail(r->value ? r->value : r->group, "'%s' is not valid UTF-8", r->key->name);
    bool is_path = r->key->type == TSR_TYPE_PATH && *value; /* an empty path is none */
    char *copy = is_path ? tsr_settings_file(r->settings, r->value, value) : strdup(value);
    if (!copy)
        return tsr_no_memory("a string");
    memcpy(r->field, &copy, sizeof(copy));
    *r->resolved = tsr_value_string(copy);
    return NULL;
}

static tsr_status *read_enum(reader *r)
{
    const char *word = r->value ? tsr_value_text(r->value) : r->key->string_default;
    int index = word ? tsr_key_choice(r->key, word) : -1;
    if (r->value && index < 0)
        return mismatch(r->key, r->value, false);
    memcpy(r->field, &index, sizeof(index));
    *r->resolved = tsr_value_string(word);
    return NULL;
}

/* Whether a number or text stands for the list of it alone. */
static bool stands_alone(const reader *r)
{
    tsr_key_type type = r->key->type;
    if (r->value->type == TSR_VALUE_STRING)
        return type == TSR_TYPE_STRING_LIST;
    bool number = r->value->type == TSR_VALUE_INT || r->value->type == TSR_VALUE_REAL;
    return number && (type == TSR_TYPE_INT_LIST || type == TSR_TYPE_REAL_LIST);
}

/* Element i of the list that was given; NULL: none was. */
static const tsr_value *element_of(const reader *r, size_t i)
{
    return r->value && r->value->type != TSR_VALUE_LIST ? r->value : tsr_value_element(r->value, i);
}

/* How many elements a list is to have; refuses what is no list or too short or long. */
static tsr_status *list_length(const reader *r, size_t *n)
{
    *n = r->key->list_default_length;
    if (!r->value)
        return NULL;
    if (r->value->type != TSR_VALUE_LIST && !stands_alone(r))
        return mismatch(r->key, r->value, false);
    *n = r->value->type == TSR_VALUE_LIST ? r->value->n : 1;
    if (*n < r->key->list_min_length || (r->key->list_max_length && *n > r->key->list_max_length))
        return mismatch(r->key, r->value, false);
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
    memcpy(r->field, &list, sizeof(list)); /* from here on tsr_fields_clear frees it */
    *r->resolved = tsr_value_list();
    for (size_t i = 0; *r->resolved && i < list.n; i++) {
        const tsr_value *element = element_of(r, i);
        if (!element)
            values[i] = r->key->int_list_default[i];
        else if (!get_int(r->key, element, &values[i]))
            return mismatch(r->key, element, true);
        TSR_TRY(tsr_value_append(*r->resolved, tsr_value_int(values[i])));
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
    *r->resolved = tsr_value_list();
    for (size_t i = 0; *r->resolved && i < list.n; i++) {
        const tsr_value *element = element_of(r, i);
        if (!element)
            values[i] = r->key->real_list_default[i];
        else if (!get_real(r->key, element, &values[i]))
            return mismatch(r->key, element, true);
        values[i] += 0.0; /* -0.0 is 0.0 */
        TSR_TRY(tsr_value_append(*r->resolved, tsr_value_real(values[i])));
    }
    return NULL;
}

static tsr_status *read_string_list(reader *r)
{
    tsr_string_list list;
    TSR_TRY(list_length(r, &list.n));
    const char **values = tsr_alloc(list.n, sizeof(*values));
    if (!values)
        return tsr_no_memory("a list");
    list.values = values;
    memcpy(r->field, &list, sizeof(list));
    *r->resolved = tsr_value_list();
    for (size_t i = 0; *r->resolved && i < list.n; i++) {
        const tsr_value *element = element_of(r, i);
        const char *text = element ? tsr_value_text(element) : r->key->string_list_default[i];
        if (!text)
            return mismatch(r->key, element, true);
        if (!tsr_is_utf8(text))
            return tsr_value_fail(element, "element %zu of '%s' is not valid UTF-8", i, r->key->name);
        values[i] = strdup(text);
        TSR_TRY(tsr_value_append(*r->resolved, values[i] ? tsr_value_string(text) : NULL));
    }
    return NULL;
}

/* One below the present plugin. */
static tsr_settings deeper(const reader *r)
{
    tsr_settings settings = *r->settings;
    settings.depth++;
    return settings;
}

static tsr_status *read_plugin_list(reader *r)
{
    tsr_instance_list list;
    TSR_TRY(list_length(r, &list.n));
    tsr_instance **values = tsr_alloc(list.n, sizeof(*values));
    if (!values)
        return tsr_no_memory("a list");
    list.values = values;
    memcpy(r->field, &list, sizeof(list));
    *r->resolved = tsr_value_list();
    tsr_settings settings = deeper(r);
    for (size_t i = 0; *r->resolved && i < list.n; i++) {
        const tsr_value *element = tsr_value_element(r->value, i);
        const char *name = element ? NULL : r->key->string_list_default[i];
        tsr_value *said = NULL;
        tsr_status *status =
            tsr_settings_plugin(&settings, r->key->nested, element, r->key->name, name, &values[i], &said);
        TSR_TRY(element ? status : tsr_value_context(r->group, status));
        TSR_TRY(tsr_value_append(*r->resolved, said));
    }
    return NULL;
}

/* The group at `target` from `group`, or from the default. */
static tsr_status *read_group(const reader *r, size_t i, const char *what, void *target, tsr_value *said)
{
    const tsr_key *key = r->key;
    const tsr_value *given = tsr_value_element(r->value, i);
    if (given)
        return tsr_settings_read(r->settings, key->group_keys, given, what, NULL, target, said);
    tsr_value *group =
        tsr_default_group(key->group_keys, (const char *)key->group_list_default + i * key->group_size);
    tsr_status *status =
        group ? tsr_settings_read(r->settings, key->group_keys, group, what, NULL, target, said)
              : tsr_no_memory("a default");
    tsr_value_free(group);
    return tsr_value_context(r->group, status);
}

static tsr_status *read_group_list(reader *r)
{
    struct {
        size_t n;
        char *values;
    } list;
    TSR_TRY(list_length(r, &list.n));
    list.values = tsr_alloc(list.n, r->key->group_size);
    char *what = tsr_format("a group of '%s'", r->key->name);
    *r->resolved = tsr_value_list();
    tsr_status *status = list.values && what && *r->resolved ? NULL : tsr_no_memory("a list");
    if (list.values)
        memcpy(r->field, &list, sizeof(list));
    for (size_t i = 0; i < list.n && !status; i++) {
        tsr_value *said = tsr_value_group();
        status = said ? read_group(r, i, what, list.values + i * r->key->group_size, said)
                      : tsr_no_memory("a list");
        if (status)
            tsr_value_free(said);
        else
            status = tsr_value_append(*r->resolved, said);
    }
    free(what);
    return status;
}

static tsr_status *read_plugin(reader *r)
{
    if (!r->value && !r->key->string_default) {
        *r->resolved = tsr_value_null();
        return NULL;
    }
    tsr_settings settings = deeper(r);
    tsr_instance *nested = NULL;
    tsr_status *status = tsr_settings_plugin(&settings, r->key->nested, r->value, r->key->name,
                                             r->key->string_default, &nested, r->resolved);
    memcpy(r->field, &nested, sizeof(nested));
    return r->value ? status : tsr_value_context(r->group, status);
}

static tsr_status *read_by_type(reader *r)
{
    switch (r->key->type) {
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
    case TSR_TYPE_STRING_LIST:
        return read_string_list(r);
    case TSR_TYPE_PLUGIN_LIST:
        return read_plugin_list(r);
    case TSR_TYPE_GROUP_LIST:
        return read_group_list(r);
    case TSR_TYPE_END:
        break;
    }
    return NULL;
}

tsr_status *tsr_field_read(const tsr_settings *settings, const tsr_key *key, const tsr_value *group,
                           const tsr_value *value, void *field, tsr_value **resolved)
{
    reader r = { settings, key, group, value, field, resolved };
    *resolved = NULL;
    TSR_TRY(read_by_type(&r));
    return *resolved ? NULL : tsr_no_memory("a setting");
}
