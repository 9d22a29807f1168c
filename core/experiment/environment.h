/* What a run ran on and with, as run.json records it. */
#ifndef TSR_EXPERIMENT_ENVIRONMENT_H
#define TSR_EXPERIMENT_ENVIRONMENT_H

#include "plugin/registry.h"

#include <jansson.h>

/* The plugins that find gave, as objects kind, name, version, summary, file, sha256. NULL without memory. */
json_t *tsr_plugins_used(const tsr_registry *registry);

/* version, cpu, cpu_features, kernels, cores, blas { config, core, core_requested, threads }, hamming_kernel,
   threads, plugins. A new reference. Call it in the process that did the run. */
json_t *tsr_environment(const tsr_registry *registry);

/* The largest resident size that this process has had, in bytes. */
size_t tsr_peak_memory(void);

#endif
