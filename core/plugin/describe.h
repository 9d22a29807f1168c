/* What is known of a plugin, as JSON: for `tessera describe`, and for the child process that tries a file. */
#ifndef TSR_PLUGIN_DESCRIBE_H
#define TSR_PLUGIN_DESCRIBE_H

#include "plugin/loader.h"

#include <jansson.h>

/* An array of objects kind, name, version, summary, licence, file, parameters, common, and
   for a probe the metrics that it announces. NULL without memory. */
json_t *tsr_module_json(const tsr_module *module);

#endif
