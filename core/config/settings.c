/* Reading groups by declarations: every key is known, every key is given or has its default. */
#include "config/field.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/keys.h"
#include "plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

char *tsr_settings_file(const tsr_settings *settings, const tsr_value *value, const char *path)
{
    const tsr_origin *origin = tsr_value_origin(value);
    return tsr_path_resolve(path, origin && origin->folder ? origin->folder : settings->folder);
}

/* Declared keys, then the others; NULL-terminated, NULL without memory. */
static const char **known_names(const tsr_key *keys, const char *const *others)
{
    size_t n = tsr_keys_count(keys), more = 0;
    while (others && others[more])
        more++;
    const char **names = calloc(n + more + 1, sizeof(*names));
    for (size_t i = 0; names && i < n + more; i++)
        names[i] = i < n ? keys[i].name : others[i - n];
    return names;
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
    tsr_status *said = tsr_value_fail(member, "'%s' is no key of %s and is not read", member->key, what);
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
static bool was_swapped(const tsr_value *group, const char *const *others)
{
    const tsr_value *name = tsr_value_member(group, "plugin");
    for (tsr_kind kind = TSR_NO_KIND + 1; !name && others && kind < TSR_N_KINDS; kind++) {
        const char *other = tsr_kind_get(kind)->name_key;
        name = other && is_among(other, others) ? tsr_value_member(group, other) : NULL;
    }
    return name && is_of_file(group) && !is_of_file(name);
}

static tsr_status *check_keys(const tsr_key *keys, const tsr_value *group, const char *what,
                              const char *const *others)
{
    const char **names = known_names(keys, others);
    if (!names)
        return tsr_no_memory("a list of keys");
    tsr_status *status = NULL;
    for (size_t i = 0; i < group->n && !status; i++) {
        const tsr_value *member = group->items[i];
        if (is_among(member->key, names))
            continue;
        if (was_swapped(group, others) && is_of_file(member))
            leave_out(member, what);
        else
            status = unknown_key(member, what, names);
    }
    free(names);
    return status;
}

/* With the -s that sets it, where the group has a place. */
static tsr_status *lacks_key(const tsr_key *key, const tsr_value *group, const char *what)
{
    char *place = group && group->parent ? tsr_value_dotted(group) : NULL;
    tsr_text expected = { 0 };
    tsr_key_expected(key, false, &expected);
    tsr_status *status =
        place ? tsr_value_fail(group, "%s lacks the key '%s', %s: expected %s, as by -s %s.%s=...", what,
                               key->name, key->doc, expected.chars ? expected.chars : "a value", place,
                               key->name)
              : tsr_value_fail(group, "%s lacks the key '%s', %s: expected %s", what, key->name, key->doc,
                               expected.chars ? expected.chars : "a value");
    free(expected.chars);
    free(place);
    return status;
}

static tsr_status *read_key(const tsr_settings *settings, const tsr_key *key, const tsr_value *group,
                            const char *what, void *target, tsr_value *resolved)
{
    const tsr_value *value = tsr_value_member(group, key->name);
    if (tsr_value_is(value, TSR_VALUE_NULL)) /* a missing member */
        value = NULL;
    if (!value && key->required)
        return lacks_key(key, group, what);
    tsr_value *said = NULL;
    tsr_status *status = tsr_field_read(settings, key, group, value, (char *)target + key->offset, &said);
    if (!status && resolved)
        return tsr_value_put(resolved, key->name, said);
    tsr_value_free(said);
    return status;
}

tsr_status *tsr_settings_read(const tsr_settings *settings, const tsr_key *keys, const tsr_value *group,
                              const char *what, const char *const *others, void *target, tsr_value *resolved)
{
    for (const tsr_key *key = keys; key->type != TSR_TYPE_END; key++)
        memset((char *)target + key->offset, 0, key->field_size);
    if (group && group->type != TSR_VALUE_GROUP)
        return tsr_value_mismatch(group, "a group { KEY = VALUE; ... }");
    tsr_status *status = group ? check_keys(keys, group, what, others) : NULL;
    for (const tsr_key *key = keys; key->type != TSR_TYPE_END && !status; key++)
        status = read_key(settings, key, group, what, target, resolved);
    if (status)
        tsr_fields_clear(keys, target);
    return status;
}
