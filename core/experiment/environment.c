/* What a run ran on and with, as run.json records it. */
#include "experiment/environment.h"

#include "base/machine.h"

#include <cblas.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <tessera/codes.h>

json_t *tsr_environment(const tsr_registry *registry)
{
    const char *requested = getenv("OPENBLAS_CORETYPE");
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s, s:s?, s:i}, s:s, s:o}", "version", tsr_version(),
                     "cpu", tsr_cpu_name(), "cpu_features", tsr_cpu_features(), "cores", tsr_cores(),
                     "threads", tsr_threads(), "blas", "config", openblas_get_config(), "core",
                     openblas_get_corename(), "core_requested", requested, "threads",
                     openblas_get_num_threads(), "hamming_kernel", tsr_hamming_kernel(), "plugins",
                     tsr_registry_used(registry));
}

size_t tsr_peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}
