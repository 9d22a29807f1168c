/* What the libraries below read from the environment, before they are loaded. */
#include "cli/libraries.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/process.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sets a variable of the environment; whether it was another before. */
static bool change(const char *name, const char *value)
{
    const char *before = getenv(name);
    if (before && strcmp(before, value) == 0)
        return false;
    return setenv(name, value, 1) == 0;
}

/* What OpenBLAS is to take for the processor; NULL: what it finds. 0.3.21 takes AVX2 kernels on processors
   newer than itself, at half the speed, so where there is AVX-512 it is told. Where kernels are forced, BLAS
   is too: "Prescott" is what every x86-64 can do. */
static const char *blas_core(void)
{
#if defined(__x86_64__)
    const char *forced = getenv("TESSERA_KERNELS");
    if (tsr_cpu_uses(TSR_NEEDS_AVX512))
        return "SkylakeX";
    if (forced && *forced)
        return tsr_cpu_uses(TSR_NEEDS_AVX2) ? "Haswell" : "Prescott";
#endif
    return NULL;
}

/* What the dynamic linker is to leave out of the processor's features when it chooses libm's functions; NULL:
   nothing. With FMA, exp, log, pow, sin and cos round otherwise in some last bits. */
static const char *libm_features(void)
{
#if defined(__x86_64__)
    const char *forced = getenv("TESSERA_KERNELS");
    if (forced && *forced && tsr_kernel_level == TSR_KERNELS_PORTABLE)
        return "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2";
#endif
    return NULL;
}

static void use_one_blas_thread(void)
{
    void (*set)(int) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    memcpy(&set, &found, sizeof(set));
    if (set)
        set(1);
}

/* OpenBLAS, OpenMP and libm read their settings when they are loaded, before main, so the program starts
   itself again with them. One BLAS thread: its sums depend on their number. OpenMP's threads wait about 100
   microseconds for more work, the gaps within a training step, and then sleep: several runs share the cores.
   What BLAS was told is in each run.json. */
void tsr_cli_prepare_libraries(char **argv)
{
    bool changed = change("OPENBLAS_NUM_THREADS", "1");
    if (!getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT")) {
        changed |= change("OMP_WAIT_POLICY", "passive");
        changed |= change("GOMP_SPINCOUNT", "10000");
    }
    const char *core = blas_core();
    if (core && !getenv("OPENBLAS_CORETYPE"))
        changed |= change("OPENBLAS_CORETYPE", core);
    const char *features = libm_features();
    if (features && !getenv("GLIBC_TUNABLES"))
        changed |= change("GLIBC_TUNABLES", features);
    if (tsr_process_is_single()) { /* valgrind, for one, would lose the program */
        use_one_blas_thread();
        return;
    }
    char *program = changed ? tsr_program_path() : NULL;
    if (program)
        execv(program, argv);
    free(program); /* go on, slower */
}
