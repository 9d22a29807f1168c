/* From fields to values, by the declarations that lead from values to fields. */
#include "config/default.h"

#include "plugin/keys.h"

#include <string.h>

/* Puts it in, unless something failed before. */
static void append(tsr_value *list, tsr_value *element, tsr_status **status)
{
    if (*status)
        tsr_value_free(element);
    else
        *status = tsr_value_append(list, element);
}

/* The list, or NULL where something failed. */
static tsr_value *finish(tsr_value *list, tsr_status *status)
{
    if (!status)
        return list;
    tsr_status_free(status);
    tsr_value_free(list);
    return NULL;
}

static tsr_value *list_value(const tsr_key *key, const void *field)
{
    tsr_int_list ints;
    tsr_real_list reals;
    tsr_string_list strings;
    tsr_value *list = tsr_value_list();
    tsr_status *status = NULL;
    memcpy(&ints, field, sizeof(ints));
    memcpy(&reals, field, sizeof(reals));
    memcpy(&strings, field, sizeof(strings));
    for (size_t i = 0; list && i < ints.n; i++)
        append(list,
               key->type == TSR_TYPE_INT_LIST    ? tsr_value_int(ints.values[i])
               : key->type == TSR_TYPE_REAL_LIST ? tsr_value_real(reals.values[i])
                                                 : tsr_value_string(strings.values[i]),
               &status);
    return finish(list, status);
}

static tsr_value *groups_value(const tsr_key *key, size_t n, const void *groups)
{
    tsr_value *list = tsr_value_list();
    tsr_status *status = NULL;
    for (size_t i = 0; list && i < n; i++)
        append(list, tsr_default_group(key->group_keys, (const char *)groups + i * key->group_size), &status);
    return finish(list, status);
}

static tsr_value *field_value(const tsr_key *key, const void *field)
{
    bool truth;
    int index;
    const char *text;
    TSR_GROUP_LIST(char) groups;
    switch (key->type) {
    case TSR_TYPE_INT:
        return tsr_value_int(tsr_field_int(key, field));
    case TSR_TYPE_REAL:
        return tsr_value_real(tsr_field_real(key, field));
    case TSR_TYPE_BOOL:
        memcpy(&truth, field, sizeof(truth));
        return tsr_value_bool(truth);
    case TSR_TYPE_STRING:
    case TSR_TYPE_PATH:
        memcpy(&text, field, sizeof(text));
        return tsr_value_string(text);
    case TSR_TYPE_ENUM:
        memcpy(&index, field, sizeof(index));
        return tsr_value_string(key->choices[index]);
    case TSR_TYPE_INT_LIST:
    case TSR_TYPE_REAL_LIST:
    case TSR_TYPE_STRING_LIST:
        return list_value(key, field);
    case TSR_TYPE_GROUP_LIST:
        memcpy(&groups, field, sizeof(groups));
        return groups_value(key, groups.n, groups.values);
    default:
        return tsr_value_null();
    }
}

tsr_value *tsr_default_group(const tsr_key *keys, const void *fields)
{
    tsr_value *group = tsr_value_group();
    tsr_status *status = NULL;
    for (const tsr_key *key = keys; group && !status && key->type != TSR_TYPE_END; key++)
        status = tsr_value_put(group, key->name, field_value(key, (const char *)fields + key->offset));
    return finish(group, status);
}

tsr_value *tsr_default_groups(const tsr_key *key)
{
    return groups_value(key, key->list_default_length, key->group_list_default);
}
