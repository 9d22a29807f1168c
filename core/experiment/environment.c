/* What a run ran on and with, as run.json records it. */
#include "experiment/environment.h"

#include "base/build.h"
#include "base/cpu.h"
#include "base/machine.h"
#include "plugin/kinds.h"

#include <cblas.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <tessera/codes.h>

json_t *tsr_plugins_used(const tsr_registry *registry)
{
    json_t *out = json_array();
    for (size_t i = 0; i < tsr_registry_n_used(registry); i++) {
        const tsr_loaded *used = tsr_registry_used(registry, i);
        const tsr_plugin *plugin = &used->plugin;
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", tsr_kind_get(plugin->kind)->name,
                                "name", plugin->name, "version", plugin->version, "summary", plugin->summary,
                                "file", used->file, "sha256", used->sha256);
        if (json_array_append_new(out, one) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *tsr_environment(const tsr_registry *registry)
{
    const char *requested = getenv("OPENBLAS_CORETYPE");
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s, s:s?, s:i}, s:s, s:o}",
                     "version", tsr_version(), "revision", tsr_build_revision(), "compiler",
                     tsr_build_compiler(), "flags", tsr_build_flags(), "cpu", tsr_cpu_name(), "cpu_features",
                     tsr_cpu_features(), "kernels", tsr_kernels_name(), "cores", tsr_cores(), "threads",
                     tsr_threads(), "blas", "config", openblas_get_config(), "core", openblas_get_corename(),
                     "core_requested", requested, "threads", openblas_get_num_threads(), "hamming_kernel",
                     tsr_hamming_kernel(), "plugins", tsr_plugins_used(registry));
}

size_t tsr_peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}
