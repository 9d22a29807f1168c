/* Trying a plugin file in a child process, so that one that crashes, hangs or ends the process while it is
   loaded is an error like another. */
#ifndef TSR_PLUGIN_TRIAL_H
#define TSR_PLUGIN_TRIAL_H

#include <jansson.h>
#include <tessera/status.h>

/* Loads `file` in a child for at most `limit` milliseconds; what it holds is described in *out as
   tsr_module_json does. One thread. */
TSR_MUST_CHECK tsr_status *tsr_trial(const char *file, int limit, json_t **out);

#endif
