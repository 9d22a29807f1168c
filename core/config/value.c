/* A tree of values: making, copying and freeing it, members and elements. Dotted keys are in dotted.c. */
#include "config/value.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static tsr_value *make(tsr_value_type type)
{
    tsr_value *value = calloc(1, sizeof(*value));
    if (value)
        value->type = type;
    return value;
}

tsr_value *tsr_value_null(void)
{
    return make(TSR_VALUE_NULL);
}

tsr_value *tsr_value_bool(bool boolean)
{
    tsr_value *value = make(TSR_VALUE_BOOL);
    if (value)
        value->boolean = boolean;
    return value;
}

tsr_value *tsr_value_int(int64_t integer)
{
    tsr_value *value = make(TSR_VALUE_INT);
    if (value)
        value->integer = integer;
    return value;
}

tsr_value *tsr_value_real(double real)
{
    tsr_value *value = make(TSR_VALUE_REAL);
    if (value)
        value->real = real;
    return value;
}

tsr_value *tsr_value_string(const char *string)
{
    tsr_value *value = make(string ? TSR_VALUE_STRING : TSR_VALUE_NULL);
    if (value && string && !(value->string = strdup(string))) {
        free(value);
        return NULL;
    }
    return value;
}

tsr_value *tsr_value_list(void)
{
    return make(TSR_VALUE_LIST);
}

tsr_value *tsr_value_group(void)
{
    return make(TSR_VALUE_GROUP);
}

static bool has_items(const tsr_value *value)
{
    return value->type == TSR_VALUE_LIST || value->type == TSR_VALUE_GROUP;
}

void tsr_value_free(tsr_value *root)
{
    if (!root)
        return;
    if (has_items(root)) {
        for (size_t i = 0; i < root->n; i++)
            tsr_value_free(root->items[i]);
        free(root->items);
    } else if (root->type == TSR_VALUE_STRING) {
        free(root->string);
    }
    free(root->key);
    tsr_origin_release(root->origin);
    free(root);
}

static bool grow(tsr_value *value)
{
    if (value->n < value->capacity)
        return true;
    size_t capacity = value->capacity ? 2 * value->capacity : 4, size;
    tsr_value **items =
        tsr_checked_multiply(capacity, sizeof(*items), &size) ? realloc(value->items, size) : NULL;
    if (!items)
        return false;
    value->items = items;
    value->capacity = capacity;
    return true;
}

/* Puts `item` behind the others; whether there was memory. It is not freed where there was none. */
static bool add(tsr_value *value, tsr_value *item)
{
    if (!grow(value))
        return false;
    item->parent = value;
    value->items[value->n++] = item;
    return true;
}

/* Copies what is below `value` into `copy`. */
static bool copy_items(const tsr_value *value, tsr_value *copy)
{
    for (size_t i = 0; i < value->n; i++) {
        tsr_value *item = tsr_value_copy(value->items[i]);
        if (!item)
            return false;
        if (!add(copy, item)) {
            tsr_value_free(item);
            return false;
        }
        const char *key = value->items[i]->key;
        if (key && !(item->key = strdup(key)))
            return false;
    }
    return true;
}

/* Of the value without what is below it. */
static tsr_value *copy_scalar(const tsr_value *value)
{
    switch (value->type) {
    case TSR_VALUE_BOOL:
        return tsr_value_bool(value->boolean);
    case TSR_VALUE_INT:
        return tsr_value_int(value->integer);
    case TSR_VALUE_REAL:
        return tsr_value_real(value->real);
    case TSR_VALUE_STRING:
        return tsr_value_string(value->string);
    default:
        return make(value->type);
    }
}

tsr_value *tsr_value_copy(const tsr_value *value)
{
    tsr_value *copy = value ? copy_scalar(value) : NULL;
    if (!copy)
        return NULL;
    copy->origin = tsr_origin_share(value->origin);
    if (has_items(value) && !copy_items(value, copy)) {
        tsr_value_free(copy);
        return NULL;
    }
    return copy;
}

void tsr_value_set_origin(tsr_value *value, tsr_origin *origin)
{
    tsr_origin_release(value->origin);
    value->origin = tsr_origin_share(origin);
}

void tsr_value_give_origin(tsr_value *value, tsr_origin *origin)
{
    tsr_value_set_origin(value, origin);
    for (size_t i = 0; has_items(value) && i < value->n; i++)
        tsr_value_give_origin(value->items[i], origin);
}

tsr_status *tsr_value_set_text(tsr_value *value, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return tsr_no_memory("a string");
    free(value->string);
    value->string = copy;
    return NULL;
}

const tsr_origin *tsr_value_origin(const tsr_value *value)
{
    while (value && !value->origin)
        value = value->parent;
    return value ? value->origin : NULL;
}

bool tsr_value_is(const tsr_value *value, tsr_value_type type)
{
    return value && value->type == type;
}

const char *tsr_value_text(const tsr_value *value)
{
    return tsr_value_is(value, TSR_VALUE_STRING) ? value->string : NULL;
}

bool tsr_value_is_number(const tsr_value *value)
{
    return tsr_value_is(value, TSR_VALUE_INT) || tsr_value_is(value, TSR_VALUE_REAL);
}

double tsr_value_number(const tsr_value *value)
{
    if (tsr_value_is(value, TSR_VALUE_INT))
        return (double)value->integer;
    return tsr_value_is(value, TSR_VALUE_REAL) ? value->real : 0;
}

size_t tsr_value_length(const tsr_value *value)
{
    return value && has_items(value) ? value->n : 0;
}

/* The member's place among the group's; n where there is none. */
static size_t find(const tsr_value *group, const char *key)
{
    size_t i = 0;
    while (i < group->n && strcmp(group->items[i]->key, key) != 0)
        i++;
    return i;
}

const tsr_value *tsr_value_member(const tsr_value *group, const char *key)
{
    if (!tsr_value_is(group, TSR_VALUE_GROUP))
        return NULL;
    size_t i = find(group, key);
    return i < group->n ? group->items[i] : NULL;
}

tsr_value *tsr_value_own(tsr_value *group, const char *key)
{
    return (tsr_value *)(uintptr_t)tsr_value_member(group, key);
}

const tsr_value *tsr_value_element(const tsr_value *list, size_t index)
{
    return tsr_value_is(list, TSR_VALUE_LIST) && index < list->n ? list->items[index] : NULL;
}

tsr_status *tsr_value_put(tsr_value *group, const char *key, tsr_value *member)
{
    char *own = strdup(key);
    size_t i = find(group, key);
    if (!own || !member || (i == group->n && !add(group, member))) {
        free(own);
        tsr_value_free(member);
        return tsr_no_memory(key);
    }
    if (group->items[i] != member) {
        tsr_value_free(group->items[i]);
        group->items[i] = member;
        member->parent = group;
    }
    free(member->key);
    member->key = own;
    return NULL;
}

tsr_status *tsr_value_append(tsr_value *list, tsr_value *element)
{
    if (element && add(list, element))
        return NULL;
    tsr_value_free(element);
    return tsr_no_memory("a list");
}

void tsr_value_remove(tsr_value *group, const char *key)
{
    size_t i = find(group, key);
    if (i == group->n)
        return;
    tsr_value_free(group->items[i]);
    group->n--;
    memmove(&group->items[i], &group->items[i + 1], (group->n - i) * sizeof(*group->items));
}
