/* Plugins from a config: a name leads to a plugin's declarations, these fill its structures from the group,
   and its init has the last word. */
#include "config/settings.h"

#include "base/memory.h"
#include "base/text.h"
#include "plugin/kinds.h"
#include "plugin/keys.h"

#include <stdlib.h>
#include <string.h>

/* Deeper than any model; a plugin whose default is itself ends here. */
enum { MAX_DEPTH = 16 };

static tsr_status *expected_group(const tsr_value *value, tsr_kind kind)
{
    char *expected =
        tsr_format("the name of %s or a group { plugin = \"NAME\"; ... }", tsr_kind_get(kind)->phrase);
    tsr_status *status = tsr_value_mismatch(value, expected ? expected : "a plugin");
    free(expected);
    return status;
}

/* "plugin", or the key by which groups of the kind may say it too. */
static tsr_status *naming_member(tsr_kind kind, const tsr_value *group, const tsr_value **out)
{
    const char *other = tsr_kind_get(kind)->name_key;
    const tsr_value *named = other ? tsr_value_member(group, other) : NULL;
    *out = tsr_value_member(group, "plugin");
    if (*out && named)
        return tsr_value_fail(
            named, "the plugin is named twice, by 'plugin' and by '%s': expected one of them", other);
    *out = *out ? *out : named;
    return NULL;
}

/* The value that says the name: the group itself in the short form; NULL: the default's. */
static tsr_status *naming_value(tsr_kind kind, const tsr_value *group, const tsr_value **out)
{
    *out = group;
    if (!group || group->type == TSR_VALUE_STRING)
        return NULL;
    if (group->type != TSR_VALUE_GROUP)
        return expected_group(group, kind);
    TSR_TRY(naming_member(kind, group, out));
    if (*out && (*out)->type != TSR_VALUE_STRING) {
        char *expected = tsr_format("the name of %s in quotes", tsr_kind_get(kind)->phrase);
        tsr_status *status = tsr_value_mismatch(*out, expected ? expected : "a name");
        free(expected);
        return status;
    }
    return NULL;
}

static tsr_status *plugin_name(const tsr_settings *settings, tsr_kind kind, const tsr_value *group,
                               const char *key, const char *default_name, char **out)
{
    const tsr_value *naming;
    TSR_TRY(naming_value(kind, group, &naming));
    const char *name = naming ? naming->string : default_name;
    if (!name) {
        char *dotted = group ? tsr_value_dotted(group) : strdup(key);
        tsr_status *status = tsr_value_fail(group, "%s names no %s: expected plugin = \"NAME\"",
                                            dotted ? dotted : key, tsr_kind_get(kind)->name);
        free(dotted);
        return status;
    }
    if (!tsr_is_utf8(name))
        return tsr_value_fail(naming, "the plugin's name is not valid UTF-8");
    *out = naming && strchr(name, '/') ? tsr_settings_file(settings, naming, name) : strdup(name);
    return *out ? NULL : tsr_no_memory("a plugin's name");
}

static tsr_status *find(const tsr_settings *settings, tsr_kind kind, const tsr_value *group, const char *name,
                        const tsr_loaded **out)
{
    if (!settings->registry)
        return tsr_value_fail(group, "no plugin can be named here");
    if (settings->depth > MAX_DEPTH)
        return tsr_value_fail(group, "%s %s: plugins are nested deeper than %d", tsr_kind_get(kind)->name,
                              name, MAX_DEPTH);
    const tsr_value *naming = NULL;
    TSR_TRY(naming_value(kind, group, &naming));
    return tsr_value_context(naming ? naming : group, tsr_registry_find(settings->registry, kind, name, out));
}

/* What an instance is filled with. */
typedef struct filling {
    const tsr_settings *settings;
    const char *name_key;   /* that names its plugin, beside "plugin"; or NULL */
    const tsr_value *group; /* NULL: all defaults */
    tsr_value *resolved;    /* NULL: not wanted */
} filling;

/* The names that the same group holds for somebody else: those of the plugin's name, and those of `keys`. */
static const char **names_beside(const tsr_key *keys, const char *name_key)
{
    size_t n = tsr_keys_count(keys);
    const char **names = calloc(n + 3, sizeof(*names));
    for (size_t i = 0; names && i < n; i++)
        names[i] = keys[i].name;
    if (names) {
        names[n] = "plugin";
        names[n + 1] = name_key;
    }
    return names;
}

static tsr_status *fill(void *context, const tsr_key *keys, const tsr_key *beside, const char *what,
                        void *target, bool *given)
{
    const filling *f = context;
    for (size_t i = 0; keys[i].type != TSR_TYPE_END; i++) {
        const tsr_value *member = tsr_value_member(f->group, keys[i].name);
        given[i] = member && member->type != TSR_VALUE_NULL;
    }
    const char **others = names_beside(beside, f->name_key);
    if (!others)
        return tsr_no_memory("a list of keys");
    tsr_status *status = tsr_settings_read(f->settings, keys, f->group, what, others, target, f->resolved);
    free(others);
    return status;
}

/* `place` is what failures name: the group, or the string that is but the plugin's name. */
static tsr_status *make(const filling *with, const tsr_loaded *loaded, const tsr_value *place,
                        tsr_instance **out)
{
    tsr_instance *instance = NULL;
    tsr_status *status = tsr_instance_new(loaded, fill, (void *)(uintptr_t)with, &instance);
    if (status)
        return with->group ? status : tsr_value_context(place, status);
    const tsr_settings *settings = with->settings;
    status = tsr_instance_start(instance, settings->expendable ? NULL : settings->registry);
    if (status) {
        tsr_instance_free(instance);
        return tsr_value_context(place, status);
    }
    *out = instance;
    return NULL;
}

/* The key that says the name: the one that the config has, which a sweep may go over, or else the kind's own.
 */
static const char *said_by(tsr_kind kind, const tsr_value *group)
{
    const char *other = tsr_kind_get(kind)->name_key;
    bool plain = tsr_value_is(group, TSR_VALUE_STRING) || tsr_value_member(group, "plugin");
    return other && !plain ? other : "plugin";
}

tsr_status *tsr_settings_plugin(const tsr_settings *settings, tsr_kind kind, const tsr_value *group,
                                const char *key, const char *default_name, tsr_instance **out,
                                tsr_value **resolved)
{
    *out = NULL;
    *resolved = NULL;
    char *name = NULL;
    TSR_TRY(plugin_name(settings, kind, group, key, default_name, &name));
    const tsr_loaded *loaded = NULL;
    tsr_status *status = find(settings, kind, group, name, &loaded);
    filling with = { .settings = settings,
                     .name_key = tsr_kind_get(kind)->name_key,
                     .group = tsr_value_is(group, TSR_VALUE_GROUP) ? group : NULL,
                     .resolved = status ? NULL : tsr_value_group() };
    if (!status)
        status = with.resolved ? tsr_value_put(with.resolved, said_by(kind, group), tsr_value_string(name))
                               : tsr_no_memory("a plugin");
    if (!status)
        status = make(&with, loaded, group, out);
    if (status)
        tsr_value_free(with.resolved);
    else
        *resolved = with.resolved;
    free(name);
    return status;
}

tsr_status *tsr_settings_default_plugin(const tsr_loaded *loaded, tsr_instance **out)
{
    *out = NULL;
    tsr_settings settings = { .folder = "/" };
    filling with = { .settings = &settings };
    return make(&with, loaded, NULL, out);
}
