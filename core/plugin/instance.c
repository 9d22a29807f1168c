/* Configured plugins: a plugin's name leads to its declarations, these fill its structure from the config,
   and its init has the last word. */
#include "plugin/settings.h"

#include "base/isolate.h"
#include "base/log.h"
#include "base/memory.h"
#include "plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

/* Deeper than any model; a plugin whose default is itself ends here. */
enum { DEEPEST = 16 };

/* Behind each instance's structure stand so many bytes that nobody may write. */
enum { FENCE = 64, FENCE_BYTE = 0xa5 };
enum { ALIGNMENT = 64 }; /* of an instance: enough for any vector in it */

enum { TRIAL_MILLISECONDS = 60000 };

struct tsr_instance {
    const tsr_loaded *loaded;
    void *self;
    void *common; /* NULL: the kind has none */
    bool *given;  /* per declared parameter: the config has its key */
    bool initialised;
};

/* The name. */

static tsr_status *expected_group(const config_setting_t *setting, tsr_kind kind)
{
    char *expected =
        tsr_format("the name of %s or a group { plugin = \"NAME\"; ... }", tsr_kind_get(kind)->phrase);
    tsr_status *status = tsr_setting_mismatch(setting, expected ? expected : "a plugin");
    free(expected);
    return status;
}

/* The setting that says the name: the group itself in the short form; NULL: the default's. */
static tsr_status *naming_setting(tsr_kind kind, const config_setting_t *group, const config_setting_t **out)
{
    *out = group;
    if (!group || config_setting_type(group) == CONFIG_TYPE_STRING)
        return NULL;
    if (!config_setting_is_group(group))
        return expected_group(group, kind);
    *out = config_setting_get_member(group, "plugin");
    if (*out && config_setting_type(*out) != CONFIG_TYPE_STRING) {
        char *expected = tsr_format("the name of %s in quotes", tsr_kind_get(kind)->phrase);
        tsr_status *status = tsr_setting_mismatch(*out, expected ? expected : "a name");
        free(expected);
        return status;
    }
    return NULL;
}

static tsr_status *plugin_name(const tsr_settings *settings, tsr_kind kind, const config_setting_t *group,
                               const char *key, const char *default_name, char **out)
{
    const config_setting_t *setting;
    TSR_TRY(naming_setting(kind, group, &setting));
    const char *name = setting ? config_setting_get_string(setting) : default_name;
    if (!name) {
        char *path = group ? tsr_setting_path(group) : strdup(key);
        tsr_status *status = tsr_setting_fail(group, "%s names no %s: expected plugin = \"NAME\"",
                                              path ? path : key, tsr_kind_get(kind)->name);
        free(path);
        return status;
    }
    *out = setting && strchr(name, '/') ? tsr_setting_file(settings, setting, name) : strdup(name);
    return *out ? NULL : tsr_no_memory("a plugin's name");
}

/* The fence. */

/* Where the address sanitizer is, in the program or in a plugin, it sees more than a fence does. */
extern void __asan_poison_memory_region(const volatile void *, size_t) __attribute__((weak));

static size_t fence(void)
{
    return __asan_poison_memory_region ? 0 : FENCE;
}

/* Zeroed, with a fence behind it; the end is exact, for the sanitizer. NULL without memory. */
static void *fenced_alloc(size_t size)
{
    size_t whole;
    void *self;
    if (__builtin_add_overflow(size, fence(), &whole) ||
        posix_memalign(&self, ALIGNMENT, whole ? whole : 1) != 0)
        return NULL;
    memset(self, 0, size);
    memset((char *)self + size, FENCE_BYTE, fence());
    return self;
}

static const char *file_of(const tsr_instance *instance)
{
    return instance->loaded->file ? instance->loaded->file : "built in";
}

static tsr_status *check_fence(const tsr_instance *instance)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    const unsigned char *behind = (const unsigned char *)instance->self + plugin->instance_size;
    for (size_t i = 0; i < fence(); i++) {
        if (behind[i] != FENCE_BYTE)
            return tsr_fail(
                TSR_REFUSED,
                "%s: %s %s: wrote behind its instance of %zu bytes; is TSR_INSTANCE given the type "
                "that is used, and every index in it checked?",
                file_of(instance), tsr_kind_get(plugin->kind)->name, plugin->name, plugin->instance_size);
    }
    return NULL;
}

tsr_status *tsr_instance_check(const tsr_instance *instance)
{
    TSR_TRY(check_fence(instance));
    for (const tsr_param *param = instance->loaded->plugin.params; param->type != TSR_TYPE_END; param++) {
        const tsr_instance *nested = NULL;
        if (param->type == TSR_TYPE_PLUGIN)
            memcpy(&nested, (const char *)instance->self + param->offset, sizeof(nested));
        if (nested)
            TSR_TRY(tsr_instance_check(nested));
    }
    return NULL;
}

/* The instance. */

/* The keys that the same group holds for somebody else: "plugin", and those of `params`. */
static const char **keys_beside(const tsr_param *params)
{
    size_t n = tsr_params_count(params);
    const char **keys = calloc(n + 2, sizeof(*keys));
    for (size_t i = 0; keys && i < n; i++)
        keys[i] = params[i].key;
    if (keys)
        keys[n] = "plugin";
    return keys;
}

static tsr_status *read_part(const tsr_settings *settings, const tsr_param *params, const tsr_param *beside,
                             const config_setting_t *group, const char *what, void *target, json_t *resolved)
{
    const char **others = keys_beside(beside);
    if (!others)
        return tsr_no_memory("a list of keys");
    tsr_status *status = tsr_settings_read(settings, params, group, what, others, target, resolved);
    free(others);
    return status;
}

static tsr_status *note_given(tsr_instance *instance, const config_setting_t *group, const char *what)
{
    const tsr_param *params = instance->loaded->plugin.params;
    size_t n = tsr_params_count(params);
    instance->given = tsr_alloc(n, sizeof(*instance->given));
    if (!instance->given)
        return tsr_no_memory(what);
    for (size_t i = 0; i < n && group && config_setting_is_group(group); i++)
        instance->given[i] = config_setting_get_member(group, params[i].key) != NULL;
    return NULL;
}

static tsr_status *fill(const tsr_settings *settings, tsr_instance *instance, const config_setting_t *group,
                        const char *what, json_t *resolved)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    const tsr_kind_row *row = tsr_kind_get(plugin->kind);
    instance->self = fenced_alloc(plugin->instance_size);
    if (!instance->self)
        return tsr_no_memory(what);
    TSR_TRY(note_given(instance, group, what));
    TSR_TRY(read_part(settings, plugin->params, row->common, group, what, instance->self, resolved));
    if (row->common_size == 0)
        return NULL;
    instance->common = tsr_alloc(1, row->common_size);
    if (!instance->common)
        return tsr_no_memory(what);
    return read_part(settings, row->common, plugin->params, group, what, instance->common, resolved);
}

tsr_guarded tsr_instance_enter(const tsr_instance *instance, const char *operation)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    return tsr_guard_enter((tsr_guarded){ .file = instance->loaded->file,
                                          .kind = tsr_kind_get(plugin->kind)->name,
                                          .name = plugin->name,
                                          .operation = operation });
}

static tsr_status *call_init(tsr_instance *instance)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    if (plugin->init) {
        tsr_guarded before = tsr_instance_enter(instance, "init");
        tsr_status *status = plugin->init(instance->self);
        tsr_guard_leave(before);
        TSR_TRY(tsr_context(status, "%s %s (%s)", tsr_kind_get(plugin->kind)->name, plugin->name,
                            file_of(instance)));
    }
    TSR_TRY(check_fence(instance));
    instance->initialised = true;
    return NULL;
}

static void call_fini(tsr_instance *instance)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    if (!instance->initialised || !plugin->fini)
        return;
    tsr_guarded before = tsr_instance_enter(instance, "fini");
    plugin->fini(instance->self);
    tsr_guard_leave(before);
    instance->initialised = false;
}

/* Trying: what init or fini would do to this process is seen in a child's copy of the instance first. */

static tsr_status *try_init(void *context, char **text)
{
    (void)text;
    return call_init(context);
}

static tsr_status *try_fini(void *context, char **text)
{
    (void)text;
    tsr_instance *instance = context;
    TSR_TRY(call_init(instance));
    call_fini(instance);
    TSR_TRY(check_fence(instance));
    free(instance->self); /* where the heap is damaged, this finds it */
    return NULL;
}

static tsr_status *try_stage(tsr_instance *instance, tsr_isolated *stage, const char *during)
{
    const tsr_loaded *loaded = instance->loaded;
    char *what =
        tsr_format("%s: %s %s", loaded->file, tsr_kind_get(loaded->plugin.kind)->name, loaded->plugin.name);
    if (!what)
        return tsr_no_memory("a plugin's name");
    tsr_isolate_words words = { what, during, "try it with 'tessera test', or run it under a debugger" };
    char *text;
    tsr_status *status = tsr_isolate(&words, TRIAL_MILLISECONDS, false, stage, instance, &text);
    free(text);
    free(what);
    return status;
}

/* Once per plugin, at its first instance: a plugin that is sound there is taken to be sound. */
static tsr_status *try_first(const tsr_settings *settings, tsr_instance *instance)
{
    const tsr_loaded *loaded = instance->loaded;
    if (!settings->registry || settings->expendable || loaded->tried)
        return NULL;
    if (loaded->plugin.init)
        TSR_TRY(try_stage(instance, try_init, "in init"));
    if (loaded->plugin.fini)
        TSR_TRY(try_stage(instance, try_fini, "in fini"));
    tsr_registry_note_tried(settings->registry, loaded);
    return NULL;
}

/* `group` is the place that failures name, and what is read unless it is but the plugin's name. */
static tsr_status *make(const tsr_settings *settings, const tsr_loaded *loaded, const config_setting_t *group,
                        tsr_instance **out, json_t *resolved)
{
    tsr_instance *instance = tsr_alloc(1, sizeof(*instance));
    char *what = tsr_format("%s %s", tsr_kind_get(loaded->plugin.kind)->name, loaded->plugin.name);
    if (!instance || !what) {
        free(instance);
        free(what);
        return tsr_no_memory("a plugin");
    }
    instance->loaded = loaded;
    bool named_only = group && !config_setting_is_group(group);
    tsr_status *status = fill(settings, instance, named_only ? NULL : group, what, resolved);
    if (named_only)
        status = tsr_setting_context(group, status);
    if (!status)
        status = tsr_setting_context(group, try_first(settings, instance));
    if (!status)
        status = tsr_setting_context(group, call_init(instance));
    free(what);
    if (status)
        tsr_instance_free(instance);
    else
        *out = instance;
    return status;
}

static tsr_status *find(const tsr_settings *settings, tsr_kind kind, const config_setting_t *group,
                        const char *name, const tsr_loaded **out)
{
    if (!settings->registry)
        return tsr_setting_fail(group, "no plugin can be named here");
    if (settings->depth > DEEPEST)
        return tsr_setting_fail(group, "%s %s: plugins are nested deeper than %d", tsr_kind_get(kind)->name,
                                name, DEEPEST);
    const config_setting_t *setting = group;
    tsr_status *status = naming_setting(kind, group, &setting);
    if (!status)
        status = tsr_setting_context(setting ? setting : group,
                                     tsr_registry_find(settings->registry, kind, name, out));
    return status;
}

tsr_status *tsr_instance_new(const tsr_settings *settings, tsr_kind kind, const config_setting_t *group,
                             const char *key, const char *default_name, tsr_instance **out, json_t **resolved)
{
    *out = NULL;
    *resolved = NULL;
    char *name = NULL;
    TSR_TRY(plugin_name(settings, kind, group, key, default_name, &name));
    const tsr_loaded *loaded = NULL;
    tsr_status *status = find(settings, kind, group, name, &loaded);
    if (!status) {
        *resolved = json_object();
        if (json_object_set_new(*resolved, "plugin", json_string(name)) != 0)
            status = tsr_setting_fail(group, "the plugin's name is not valid UTF-8");
    }
    if (!status)
        status = make(settings, loaded, group, out, *resolved);
    if (status) {
        json_decref(*resolved);
        *resolved = NULL;
    }
    free(name);
    return status;
}

tsr_status *tsr_instance_of(const tsr_loaded *loaded, tsr_instance **out)
{
    *out = NULL;
    tsr_settings settings = { .folder = "/" };
    return make(&settings, loaded, NULL, out, NULL);
}

void tsr_instance_free(tsr_instance *instance)
{
    if (!instance)
        return;
    const tsr_plugin *plugin = &instance->loaded->plugin;
    tsr_status *status = instance->initialised ? check_fence(instance) : NULL;
    if (status) /* nobody is left to hand it to */
        tsr_log_error("%s", tsr_status_message(status));
    tsr_status_free(status);
    call_fini(instance);
    if (instance->self)
        tsr_settings_clear(plugin->params, instance->self);
    if (instance->common)
        tsr_settings_clear(tsr_kind_get(plugin->kind)->common, instance->common);
    free(instance->self);
    free(instance->common);
    free(instance->given);
    free(instance);
}

const tsr_loaded *tsr_instance_loaded(const tsr_instance *instance)
{
    return instance->loaded;
}

const char *tsr_instance_name(const tsr_instance *instance)
{
    return instance->loaded->plugin.name;
}

void *tsr_instance_self(const tsr_instance *instance)
{
    return instance->self;
}

const void *tsr_instance_ops(const tsr_instance *instance)
{
    return instance->loaded->plugin.ops;
}

const void *tsr_instance_common(const tsr_instance *instance)
{
    return instance->common;
}

const char *tsr_instance_constant_key(const tsr_instance *instance, const char *constant, bool *given)
{
    const tsr_param *params = instance->loaded->plugin.params;
    for (size_t i = 0; params[i].type != TSR_TYPE_END; i++)
        if (params[i].constant && strcmp(params[i].constant, constant) == 0) {
            *given = instance->given && instance->given[i];
            return params[i].key;
        }
    return NULL;
}

const tsr_instance *tsr_instance_nested(const tsr_instance *instance, tsr_kind kind)
{
    const tsr_param *param = instance->loaded->plugin.params;
    for (; param->type != TSR_TYPE_END; param++) {
        if (param->type == TSR_TYPE_PLUGIN && param->nested == kind) {
            const tsr_instance *nested;
            memcpy(&nested, (const char *)instance->self + param->offset, sizeof(nested));
            return nested;
        }
    }
    return NULL;
}
