/* An instance of a plugin: its structure, filled, and started by its init. What calls a plugin goes through
   here; what reads a config is in settings.h. */
#ifndef TSR_PLUGIN_INSTANCE_H
#define TSR_PLUGIN_INSTANCE_H

#include "base/guard.h"
#include "plugin/loader.h"

/* An instance of a plugin that is at hand, the host's own, with all defaults. */
TSR_MUST_CHECK tsr_status *tsr_instance_of(const tsr_loaded *loaded, tsr_instance **out);
/* Runs fini; NULL is allowed. */
void tsr_instance_free(tsr_instance *instance);

/* Refuses an instance that has written behind its own structure, as far as that can be seen. */
TSR_MUST_CHECK tsr_status *tsr_instance_check(const tsr_instance *instance);

/* Around a call of the plugin's own functions in the process that leads, see base/guard.h. */
tsr_guarded tsr_instance_enter(const tsr_instance *instance, const char *operation);

const tsr_loaded *tsr_instance_loaded(const tsr_instance *instance);
/* The kind's common parameters (tsr_probe_common ...); NULL where it has none. */
const void *tsr_instance_common(const tsr_instance *instance);
/* The key that is declared to set a constant of operators, and whether the config gives it; NULL: there is
   none, and *given stays as it is. */
const char *tsr_instance_constant_key(const tsr_instance *instance, const char *constant, bool *given);
/* The first nested instance of a kind among its declared parameters, in order; NULL: none. */
const tsr_instance *tsr_instance_nested(const tsr_instance *instance, tsr_kind kind);

#endif
