/* Instances: a fenced structure, filled from outside, then the plugin's init, which is tried in a child
   process first. */
#include "plugin/instance.h"

#include "base/isolate.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "plugin/fields.h"
#include "plugin/kinds.h"
#include "plugin/keys.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/probe.h>

/* Behind each instance's structure stand so many bytes that nobody may write. */
enum { FENCE = 64, FENCE_BYTE = 0xa5 };
enum { ALIGNMENT = 64 }; /* of an instance: enough for any vector in it */

enum { TRIAL_MILLISECONDS = 60000 };

struct tsr_instance {
    const tsr_loaded *loaded;
    void *self;
    void *common; /* NULL: the kind has none */
    bool *given;  /* of each declared key: its value is no default */
    bool initialised;
    unsigned number; /* of the plugin, by which its calls are noted */
};

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

static tsr_status *check_nested(void *context, const tsr_instance *nested)
{
    (void)context;
    return tsr_instance_check(nested);
}

tsr_status *tsr_instance_check(const tsr_instance *instance)
{
    TSR_TRY(check_fence(instance));
    return tsr_fields_visit_nested(instance->loaded->plugin.keys, instance->self, check_nested, NULL);
}

static tsr_status *add_needs(void *context, const tsr_instance *nested)
{
    *(unsigned *)context |= nested->loaded->plugin.kind == TSR_PROBE ? tsr_probe_needs(nested) : 0;
    return NULL;
}

unsigned tsr_probe_needs(const tsr_instance *probe)
{
    unsigned needs = ((const tsr_probe_ops *)tsr_instance_ops(probe))->needs;
    tsr_status_free(tsr_fields_visit_nested(probe->loaded->plugin.keys, probe->self, add_needs, &needs));
    return needs;
}

/* The instance. */

static tsr_status *fill_common(tsr_instance *instance, tsr_instance_fill *fill, void *context,
                               const char *what)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    const tsr_kind_row *row = tsr_kind_get(plugin->kind);
    if (row->common_size == 0)
        return NULL;
    bool *ignored = tsr_alloc(tsr_keys_count(row->common), sizeof(*ignored));
    instance->common = tsr_alloc(1, row->common_size);
    tsr_status *status = ignored && instance->common
                             ? fill(context, row->common, plugin->keys, what, instance->common, ignored)
                             : tsr_no_memory(what);
    free(ignored);
    return status;
}

static tsr_status *fill_both(tsr_instance *instance, tsr_instance_fill *fill, void *context, const char *what)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    const tsr_kind_row *row = tsr_kind_get(plugin->kind);
    instance->self = fenced_alloc(plugin->instance_size);
    instance->given = tsr_alloc(tsr_keys_count(plugin->keys), sizeof(*instance->given));
    if (!instance->self || !instance->given)
        return tsr_no_memory(what);
    TSR_TRY(fill(context, plugin->keys, row->common, what, instance->self, instance->given));
    return fill_common(instance, fill, context, what);
}

tsr_call tsr_instance_call(const tsr_instance *instance, tsr_operation operation)
{
    return tsr_call_of(instance->number, operation);
}

tsr_guarded tsr_instance_enter(const tsr_instance *instance, tsr_operation operation)
{
    return tsr_guard_enter(tsr_instance_call(instance, operation));
}

static tsr_status *call_init(tsr_instance *instance)
{
    const tsr_plugin *plugin = &instance->loaded->plugin;
    if (plugin->init) {
        tsr_guarded before = tsr_instance_enter(instance, TSR_CALL_INIT);
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
    tsr_guarded before = tsr_instance_enter(instance, TSR_CALL_FINI);
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
    tsr_isolate_words words = { what, during, "try it with 'tessera test', or run it under a debugger",
                                NULL };
    char *text;
    tsr_status *status = tsr_isolate(&words, TRIAL_MILLISECONDS, false, stage, instance, &text);
    free(text);
    free(what);
    return status;
}

/* Once per plugin, at its first instance: a plugin that is sound there is taken to be sound. */
static tsr_status *try_first(tsr_instance *instance, tsr_registry *registry)
{
    const tsr_loaded *loaded = instance->loaded;
    if (loaded->tried || tsr_process_is_single()) /* the latter sees it happen when init is called */
        return NULL;
    if (loaded->plugin.init)
        TSR_TRY(try_stage(instance, try_init, "in init"));
    if (loaded->plugin.fini)
        TSR_TRY(try_stage(instance, try_fini, "in fini"));
    tsr_registry_note_tried(registry, loaded);
    return NULL;
}

tsr_status *tsr_instance_new(const tsr_loaded *loaded, tsr_instance_fill *fill, void *context,
                             tsr_instance **out)
{
    *out = NULL;
    tsr_instance *instance = tsr_alloc(1, sizeof(*instance));
    char *what = tsr_format("%s %s", tsr_kind_get(loaded->plugin.kind)->name, loaded->plugin.name);
    tsr_status *status = instance && what ? NULL : tsr_no_memory("a plugin");
    if (!status) {
        instance->loaded = loaded;
        instance->number =
            tsr_guard_plugin(loaded->file, tsr_kind_get(loaded->plugin.kind)->name, loaded->plugin.name);
        status = fill_both(instance, fill, context, what);
    }
    free(what);
    if (!status)
        *out = instance;
    else if (instance && instance->loaded)
        tsr_instance_free(instance);
    else
        free(instance);
    return status;
}

tsr_status *tsr_instance_start(tsr_instance *instance, tsr_registry *registry)
{
    if (registry)
        TSR_TRY(try_first(instance, registry));
    return call_init(instance);
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
        tsr_fields_clear(plugin->keys, instance->self);
    if (instance->common)
        tsr_fields_clear(tsr_kind_get(plugin->kind)->common, instance->common);
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
    const tsr_key *keys = instance->loaded->plugin.keys;
    for (size_t i = 0; keys[i].type != TSR_TYPE_END; i++)
        if (keys[i].constant && strcmp(keys[i].constant, constant) == 0) {
            *given = instance->given[i];
            return keys[i].name;
        }
    return NULL;
}

const tsr_instance *tsr_instance_nested(const tsr_instance *instance, tsr_kind kind)
{
    const tsr_key *key = instance->loaded->plugin.keys;
    for (; key->type != TSR_TYPE_END; key++) {
        if (key->type == TSR_TYPE_PLUGIN && key->nested == kind) {
            const tsr_instance *nested;
            memcpy(&nested, (const char *)instance->self + key->offset, sizeof(nested));
            return nested;
        }
    }
    return NULL;
}
