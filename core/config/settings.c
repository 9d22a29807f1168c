/* Reading groups by declarations: every key is known, every parameter is given or has its default. */
#include "config/field.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

char *tsr_settings_file(const tsr_settings *settings, const tsr_value *value, const char *path)
{
    const tsr_origin *origin = tsr_value_origin(value);
    return tsr_path_resolve(path, origin && origin->folder ? origin->folder : settings->folder);
}

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

static bool is_among(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words;
}

static tsr_status *unknown_key(const tsr_value *member, const char *what, const char *const *keys)
{
    const char *nearest = tsr_nearest_word(member->key, keys);
    if (nearest)
        return tsr_value_fail(member, "unknown key '%s' in %s; did you mean '%s'?", member->key, what,
                              nearest);
    tsr_text known = { 0 };
    for (size_t i = 0; keys[i]; i++)
        tsr_text_add(&known, "%s%s", i ? ", " : "", keys[i]);
    tsr_status *status = tsr_value_fail(member, "unknown key '%s' in %s; known keys: %s", member->key, what,
                                        known.chars ? known.chars : "none");
    free(known.chars);
    return status;
}

/* Once: an experiment reads its config once per run. */
static void leave_out(const tsr_value *member, const char *what)
{
    tsr_status *said =
        tsr_value_fail(member, "'%s' is no parameter of %s and is not read", member->key, what);
    tsr_log_warning_once("%s", tsr_status_message(said));
    tsr_status_free(said);
}

static bool is_of_file(const tsr_value *value)
{
    const tsr_origin *origin = tsr_value_origin(value);
    return origin && origin->kind == TSR_ORIGIN_FILE;
}

/* Whether the command line or a sweep put another plugin into this group of a file: keys of the one that
   stood there before are then left over. */
static bool was_swapped(const tsr_value *group)
{
    const tsr_value *name = tsr_value_member(group, "plugin");
    return name && is_of_file(group) && !is_of_file(name);
}

static tsr_status *check_keys(const tsr_param *params, const tsr_value *group, const char *what,
                              const char *const *others)
{
    const char **keys = known_keys(params, others);
    if (!keys)
        return tsr_no_memory("a list of keys");
    tsr_status *status = NULL;
    for (size_t i = 0; i < group->n && !status; i++) {
        const tsr_value *member = group->items[i];
        if (is_among(member->key, keys))
            continue;
        if (was_swapped(group) && is_of_file(member))
            leave_out(member, what);
        else
            status = unknown_key(member, what, keys);
    }
    free(keys);
    return status;
}

static tsr_status *read_param(const tsr_settings *settings, const tsr_param *param, const tsr_value *group,
                              const char *what, void *target, tsr_value *resolved)
{
    const tsr_value *value = tsr_value_member(group, param->key);
    if (tsr_value_is(value, TSR_VALUE_NULL)) /* a missing member */
        value = NULL;
    if (!value && param->required)
        return tsr_value_fail(group, "%s lacks the key '%s': %s", what, param->key, param->doc);
    tsr_value *said = NULL;
    tsr_status *status = tsr_field_read(settings, param, group, value, (char *)target + param->offset, &said);
    if (!status && resolved)
        return tsr_value_put(resolved, param->key, said);
    tsr_value_free(said);
    return status;
}

tsr_status *tsr_settings_read(const tsr_settings *settings, const tsr_param *params, const tsr_value *group,
                              const char *what, const char *const *others, void *target, tsr_value *resolved)
{
    for (const tsr_param *param = params; param->type != TSR_TYPE_END; param++)
        memset((char *)target + param->offset, 0, param->field_size);
    if (group && group->type != TSR_VALUE_GROUP)
        return tsr_value_mismatch(group, "a group { KEY = VALUE; ... }");
    tsr_status *status = group ? check_keys(params, group, what, others) : NULL;
    for (const tsr_param *param = params; param->type != TSR_TYPE_END && !status; param++)
        status = read_param(settings, param, group, what, target, resolved);
    if (status)
        tsr_fields_clear(params, target);
    return status;
}
