/* From settings of a config to declared parameters. The only reader of values: ranges, types and defaults
   are treated the same wherever a config is read. Messages begin with FILE:LINE, or with "-s KEY=VALUE" for
   a setting of the command line. */
#ifndef TSR_PLUGIN_SETTINGS_H
#define TSR_PLUGIN_SETTINGS_H

#include "plugin/instance.h"
#include "plugin/registry.h"

#include <jansson.h>
#include <libconfig.h>

/* Where settings come from. A setting made by the command line carries a hook: the text to show for it, a
   string that the config owns; its relative paths belong to the working folder. */
typedef struct tsr_settings {
    tsr_registry *registry; /* for nested plugins; NULL: none may be met */
    const char *folder;     /* of the config file: what relative paths start from; absolute */
    int depth;              /* 0; counts nested plugins, so that one that nests itself ends */
    bool expendable;        /* this process may crash: no plugin's init is tried in another one first */
} tsr_settings;

/* A failure at a setting: "FILE:LINE: message"; without a setting the message alone. */
TSR_MUST_CHECK tsr_status *tsr_setting_fail(const config_setting_t *setting, const char *format, ...)
    TSR_PRINTF(2, 3);
/* Puts the setting's place before a failure; NULL stays NULL. */
TSR_MUST_CHECK tsr_status *tsr_setting_context(const config_setting_t *setting, tsr_status *status);

/* The setting's place in its config as "probes.1.k"; "config" for the root. free() it. */
char *tsr_setting_path(const config_setting_t *setting);

/* A path that a setting gives (NULL: a default), made absolute. NULL without memory. free() it. */
char *tsr_setting_file(const tsr_settings *settings, const config_setting_t *setting, const char *path);

/* "FILE:LINE: model.width = "ten": expected EXPECTED". */
TSR_MUST_CHECK tsr_status *tsr_setting_mismatch(const config_setting_t *setting, const char *expected);

/* Fills `target` by the declarations from `group` (NULL: all defaults). Any key that is neither declared nor
   in `others` (NULL-terminated, may be NULL) is refused with the nearest known one; `what` names the group
   in messages ("probe NAME", "training"). Every parameter, defaults too, is added to the object `resolved`
   (NULL: not wanted) in the order of declaration (paths absolute; nested plugins as objects). What the target
   then points to is freed by tsr_settings_clear. On failure the target is cleared. */
TSR_MUST_CHECK tsr_status *tsr_settings_read(const tsr_settings *settings, const tsr_param *params,
                                             const config_setting_t *group, const char *what,
                                             const char *const *others, void *target, json_t *resolved);
void tsr_settings_clear(const tsr_param *params, void *target);

/* The plugin that a group names with `plugin = "NAME"`, configured and initialised: its own parameters and
   the kind's common ones. `group` may be NULL where default_name is not: all defaults; it may also be a
   string, the plugin's name. The resolved object starts with "plugin". `key` names the group in messages
   where there is none. */
TSR_MUST_CHECK tsr_status *tsr_instance_new(const tsr_settings *settings, tsr_kind kind,
                                            const config_setting_t *group, const char *key,
                                            const char *default_name, tsr_instance **out, json_t **resolved);

#endif
