/* The plugins that a config names in lists, and the folders that it has for them. */
#ifndef TSR_EXPERIMENT_PLUGINS_H
#define TSR_EXPERIMENT_PLUGINS_H

#include "config/settings.h"

/* The folders of `plugin_path`, a member of the config's root, as a list of absolute ones. *out is the
 * caller's.
 */
TSR_MUST_CHECK tsr_status *tsr_plugin_path_read(const tsr_value *root, tsr_value **out);

/* A registry that looks there first; the caller frees. */
TSR_MUST_CHECK tsr_status *tsr_plugin_path_open(const tsr_value *path, bool allow_unsafe, tsr_registry **out);

/* The plugins of the root's list `key`, which may be missing; what they resolve to is put into the group
   `resolved` as a list. *out and the *n instances in it are the caller's, also after a failure. */
TSR_MUST_CHECK tsr_status *tsr_plugins_read(const tsr_settings *settings, tsr_kind kind,
                                            const tsr_value *root, const char *key, tsr_instance ***out,
                                            size_t *n, tsr_value *resolved);

#endif
