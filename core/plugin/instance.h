/* An instance of a plugin: its structure, filled by whoever knows the values, and started by its init. What
   calls a plugin goes through here; what reads a config is in config/settings.h. */
#ifndef TSR_PLUGIN_INSTANCE_H
#define TSR_PLUGIN_INSTANCE_H

#include "base/guard.h"
#include "plugin/fields.h"
#include "plugin/registry.h"

#include <tessera/host.h>

/* Fills `target`, which is zeroed, by the declarations `keys`, and sets given[i] where the value of keys[i]
   is no default. Called for the plugin's own structure and for that of its kind's common keys; `beside`
   are the declarations of the other one. `what` names the plugin in messages. What the target points to is
   freed by tsr_fields_clear. */
typedef tsr_status *tsr_instance_fill(void *context, const tsr_key *keys, const tsr_key *beside,
                                      const char *what, void *target, bool *given);

/* A filled instance, not started. */
TSR_MUST_CHECK tsr_status *tsr_instance_new(const tsr_loaded *loaded, tsr_instance_fill *fill, void *context,
                                            tsr_instance **out);

/* Calls init. With a registry, the init and fini of a plugin that is started for the first time are tried in
   a child process before, so that one that crashes is a failure like another. */
TSR_MUST_CHECK tsr_status *tsr_instance_start(tsr_instance *instance, tsr_registry *registry);

/* Refuses an instance that has written behind its own structure, as far as that can be seen. */
TSR_MUST_CHECK tsr_status *tsr_instance_check(const tsr_instance *instance);

/* A call of the plugin's own functions, for tsr_guard_note; and noted by tsr_guard_enter. See base/guard.h.
 */
tsr_call tsr_instance_call(const tsr_instance *instance, tsr_operation operation);
tsr_guarded tsr_instance_enter(const tsr_instance *instance, tsr_operation operation);

const tsr_loaded *tsr_instance_loaded(const tsr_instance *instance);
/* The kind's common keys (tsr_probe_common ...); NULL where it has none. */
const void *tsr_instance_common(const tsr_instance *instance);
/* The key that is declared to set a constant of operators, and whether the config gives it; NULL: there is
   none, and *given stays as it is. */
const char *tsr_instance_constant_key(const tsr_instance *instance, const char *constant, bool *given);
/* The first nested instance of a kind among its declared keys, in order; NULL: none. */
const tsr_instance *tsr_instance_nested(const tsr_instance *instance, tsr_kind kind);

#endif
