/* Paths that differ are found by walking over both configs at once. */
#include "session/relocation.h"

#include "base/memory.h"
#include "config/json.h"
#include "experiment/identity.h"

#include <string.h>

static bool may_lie_elsewhere(const tsr_value *value, bool all)
{
    return tsr_value_is(value, TSR_VALUE_STRING) && value->string[0] == '/' &&
           (all || (value->key && strcmp(value->key, "plugin") == 0));
}

static bool is_branch(const tsr_value *value)
{
    return tsr_value_is(value, TSR_VALUE_LIST) || tsr_value_is(value, TSR_VALUE_GROUP);
}

static bool is_files(const char *key)
{
    return key && (strcmp(key, "dataset") == 0 || strcmp(key, "model") == 0);
}

/* False without memory. */
static bool find(const tsr_value *from, const tsr_value *to, bool all, json_t *paths)
{
    if (may_lie_elsewhere(from, all) && may_lie_elsewhere(to, all) && strcmp(from->string, to->string) != 0)
        return json_object_set_new(paths, from->string, json_string(to->string)) == 0;
    bool whole = true;
    for (size_t i = 0; is_branch(from) && is_branch(to) && i < from->n && whole; i++) {
        const tsr_value *item = from->items[i];
        const tsr_value *other = item->key ? tsr_value_member(to, item->key) : tsr_value_element(to, i);
        whole = !other || find(item, other, all || is_files(item->key), paths);
    }
    return whole;
}

tsr_status *tsr_relocation_find(const tsr_value *from, const tsr_value *to, tsr_relocation *out)
{
    out->paths = json_object();
    return out->paths && find(from, to, false, out->paths) ? NULL : tsr_no_memory("the paths of a config");
}

void tsr_relocation_clear(tsr_relocation *relocation)
{
    json_decref(relocation->paths);
    relocation->paths = NULL;
}

static tsr_status *replace(const tsr_relocation *relocation, tsr_value *value, bool all)
{
    const char *path = may_lie_elsewhere(value, all)
                           ? json_string_value(json_object_get(relocation->paths, value->string))
                           : NULL;
    if (path)
        return tsr_value_set_text(value, path);
    for (size_t i = 0; is_branch(value) && i < value->n; i++)
        TSR_TRY(replace(relocation, value->items[i], all || is_files(value->items[i]->key)));
    return NULL;
}

tsr_status *tsr_relocate(const tsr_relocation *relocation, json_t *record)
{
    const json_t *said = json_object_get(record, "config");
    if (json_object_size(relocation->paths) == 0 || !json_is_object(said))
        return NULL;
    char id[17];
    tsr_value *config = tsr_value_from_json(said);
    tsr_status *status = config ? replace(relocation, config, false) : tsr_no_memory("a record");
    if (!status)
        status = tsr_identity_of(config, id);
    if (!status && (json_object_set_new(record, "config", tsr_value_to_json(config)) != 0 ||
                    json_object_set_new(record, "run", json_string(id)) != 0))
        status = tsr_no_memory("a record");
    tsr_value_free(config);
    return status;
}
