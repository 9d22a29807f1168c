/* Values to and from JSON, and JSON to and from text. jansson's allocator is the one that it had, with a
   count of what it could not give. */
#include "config/json.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_malloc_t allocate;
static pthread_once_t counted = PTHREAD_ONCE_INIT;
static _Thread_local size_t failures;

static void *allocate_and_count(size_t size)
{
    void *memory = allocate(size);
    failures += !memory;
    return memory;
}

static void count_failures(void)
{
    json_free_t release;
    json_get_alloc_funcs(&allocate, &release);
    json_set_alloc_funcs(allocate_and_count, release);
}

size_t tsr_json_failures(void)
{
    pthread_once(&counted, count_failures);
    return failures;
}

char *tsr_json_dump(const json_t *json, size_t flags)
{
    size_t before = tsr_json_failures();
    char *text = json_dumps(json, flags);
    if (before == tsr_json_failures())
        return text;
    free(text);
    return NULL;
}

json_t *tsr_json_load(const char *text, size_t length, size_t flags, json_error_t *error)
{
    size_t before = tsr_json_failures();
    json_t *json = json_loadb(text, length, flags, error);
    if (before == tsr_json_failures())
        return json;
    json_decref(json);
    if (error) {
        snprintf(error->text, sizeof(error->text), "not enough memory");
        error->text[sizeof(error->text) - 1] = json_error_out_of_memory; /* where json_error_code looks */
    }
    return NULL;
}

bool tsr_json_had_no_memory(const json_error_t *error)
{
    return json_error_code(error) == json_error_out_of_memory;
}

/* Adds what is below a list or a group; whether all of it could be. */
static bool add_items(const tsr_value *value, json_t *json)
{
    for (size_t i = 0; i < value->n; i++) {
        const tsr_value *item = value->items[i];
        json_t *below = tsr_value_to_json(item); /* taken over, NULL is refused */
        if ((item->key ? json_object_set_new(json, item->key, below) : json_array_append_new(json, below)) !=
            0)
            return false;
    }
    return true;
}

json_t *tsr_value_to_json(const tsr_value *value)
{
    switch (value->type) {
    case TSR_VALUE_NULL:
        return json_null();
    case TSR_VALUE_BOOL:
        return json_boolean(value->boolean);
    case TSR_VALUE_INT:
        return json_integer(value->integer);
    case TSR_VALUE_REAL:
        return json_real(value->real);
    case TSR_VALUE_STRING:
        return json_string(value->string);
    case TSR_VALUE_LIST:
    case TSR_VALUE_GROUP:
        break;
    }
    json_t *json = value->type == TSR_VALUE_GROUP ? json_object() : json_array();
    if (json && add_items(value, json))
        return json;
    json_decref(json);
    return NULL;
}

/* Without memory the status says so; the caller needs to know no more. */
static bool ended_well(tsr_status *status)
{
    tsr_status_free(status);
    return status == NULL;
}

static bool take_members(const json_t *object, tsr_value *group)
{
    const char *key;
    json_t *member, *members = json_incref((json_t *)(uintptr_t)object); /* the macro wants it mutable */
    bool whole = true;
    json_object_foreach(members, key, member) whole =
        whole && ended_well(tsr_value_put(group, key, tsr_value_from_json(member)));
    json_decref(members);
    return whole;
}

static bool take_elements(const json_t *array, tsr_value *list)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!ended_well(tsr_value_append(list, tsr_value_from_json(json_array_get(array, i)))))
            return false;
    return true;
}

tsr_value *tsr_value_from_json(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return tsr_value_bool(json_is_true(json));
    case JSON_INTEGER:
        return tsr_value_int(json_integer_value(json));
    case JSON_REAL:
        return tsr_value_real(json_real_value(json));
    case JSON_STRING:
        return tsr_value_string(json_string_value(json));
    case JSON_NULL:
        return tsr_value_null();
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    tsr_value *value = json_is_object(json) ? tsr_value_group() : tsr_value_list();
    if (value && (json_is_object(json) ? take_members(json, value) : take_elements(json, value)))
        return value;
    tsr_value_free(value);
    return NULL;
}

char *tsr_value_json_text(const tsr_value *value, int indent)
{
    json_t *json = tsr_value_to_json(value);
    size_t layout = indent ? JSON_INDENT((size_t)indent) : JSON_COMPACT;
    char *text = json ? tsr_json_dump(json, layout | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY) : NULL;
    json_decref(json);
    return text;
}
