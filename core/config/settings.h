/* From values of a config to declared keys, and to plugins that have them. The only reader of values:
   ranges, types and defaults are treated the same wherever a config is read. Messages begin with the value's
   origin. */
#ifndef TSR_CONFIG_SETTINGS_H
#define TSR_CONFIG_SETTINGS_H

#include "config/value.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

/* What values are read with. */
typedef struct tsr_settings {
    tsr_registry *registry; /* for nested plugins; NULL: none may be met */
    const char *folder;     /* what relative paths start from that are defaults; absolute */
    int depth;              /* 0; counts nested plugins, so that one that nests itself ends */
    bool expendable;        /* this process may crash: no plugin's init is tried in another one first */
} tsr_settings;

/* A path that `value` gives (NULL: a default), made absolute. NULL without memory. free() it. */
char *tsr_settings_file(const tsr_settings *settings, const tsr_value *value, const char *path);

/* Fills `target` by the declarations from `group` (NULL: all defaults). Any key that is neither declared nor
   in `others` (NULL-terminated, may be NULL) is refused with the nearest known one; `what` names the group
   in messages ("probe NAME", "training"). Every key, defaults too, is put into the group `resolved`
   (NULL: not wanted) in the order of declaration (paths absolute; nested plugins as groups). What the target
   then points to is freed by tsr_fields_clear. On failure the target is cleared. */
TSR_MUST_CHECK tsr_status *tsr_settings_read(const tsr_settings *settings, const tsr_key *keys,
                                             const tsr_value *group, const char *what,
                                             const char *const *others, void *target, tsr_value *resolved);

/* The plugin that a group names with `plugin = "NAME"`, or by the kind's own key for it (kinds.h), configured
   and initialised: its own keys and the kind's common ones. `group` may be NULL where default_name is not:
   all defaults; it may also be a string, the plugin's name. The group *resolved, the caller's, starts with
   "plugin". `key` names the group in messages where there is none. */
TSR_MUST_CHECK tsr_status *tsr_settings_plugin(const tsr_settings *settings, tsr_kind kind,
                                               const tsr_value *group, const char *key,
                                               const char *default_name, tsr_instance **out,
                                               tsr_value **resolved);

/* The same of a plugin that is at hand, the host's own, with all defaults. */
TSR_MUST_CHECK tsr_status *tsr_settings_default_plugin(const tsr_loaded *loaded, tsr_instance **out);

#endif
