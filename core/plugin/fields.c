/* Walks over the fields of a structure by its declarations. */
#include "plugin/fields.h"

#include "plugin/instance.h"

#include <stdlib.h>
#include <string.h>

/* Any list: a length and a pointer. */
typedef struct list {
    size_t n;
    void *values;
} list;
_Static_assert(sizeof(list) == sizeof(tsr_int_list) && sizeof(list) == sizeof(tsr_instance_list),
               "one layout");

static list list_at(const void *field)
{
    list l;
    memcpy(&l, field, sizeof(l));
    return l;
}

static void *pointer_at(const void *field)
{
    void *pointer;
    memcpy(&pointer, field, sizeof(pointer));
    return pointer;
}

static void clear_list(const tsr_key *key, const void *field)
{
    list l = list_at(field);
    for (size_t i = 0; i < l.n && l.values; i++) {
        void **pointers = l.values;
        if (key->type == TSR_TYPE_STRING_LIST)
            free(pointers[i]);
        else if (key->type == TSR_TYPE_PLUGIN_LIST)
            tsr_instance_free(pointers[i]);
        else if (key->type == TSR_TYPE_GROUP_LIST)
            tsr_fields_clear(key->group_keys, (char *)l.values + i * key->group_size);
    }
    free(l.values);
}

void tsr_fields_clear(const tsr_key *keys, void *target)
{
    for (; keys->type != TSR_TYPE_END; keys++) {
        void *field = (char *)target + keys->offset;
        switch (keys->type) {
        case TSR_TYPE_STRING:
        case TSR_TYPE_PATH:
            free(pointer_at(field));
            break;
        case TSR_TYPE_PLUGIN:
            tsr_instance_free(pointer_at(field));
            break;
        case TSR_TYPE_INT_LIST:
        case TSR_TYPE_REAL_LIST:
        case TSR_TYPE_STRING_LIST:
        case TSR_TYPE_PLUGIN_LIST:
        case TSR_TYPE_GROUP_LIST:
            clear_list(keys, field);
            break;
        default:
            break;
        }
        memset(field, 0, keys->field_size);
    }
}

tsr_status *tsr_fields_visit_nested(const tsr_key *keys, const void *fields,
                                    tsr_status *(*visit)(void *context, const tsr_instance *nested),
                                    void *context)
{
    for (const tsr_key *key = keys; key->type != TSR_TYPE_END; key++) {
        const void *field = (const char *)fields + key->offset;
        bool listed = key->type == TSR_TYPE_PLUGIN_LIST || key->type == TSR_TYPE_GROUP_LIST;
        list l = listed ? list_at(field) : (list){ 0 };
        if (key->type == TSR_TYPE_PLUGIN && pointer_at(field))
            TSR_TRY(visit(context, pointer_at(field)));
        for (size_t i = 0; i < l.n; i++) {
            if (key->type == TSR_TYPE_PLUGIN_LIST)
                TSR_TRY(visit(context, ((tsr_instance **)l.values)[i]));
            else
                TSR_TRY(tsr_fields_visit_nested(key->group_keys, (const char *)l.values + i * key->group_size,
                                                visit, context));
        }
    }
    return NULL;
}
