/* Entering and leaving the way in which runs compute. OpenMP's threads may be the program's too. */
#include "host/numerics.h"

#include "base/machine.h"

#include <cblas.h>
#include <omp.h>
#include <tessera/base.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define SUBNORMALS (_MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON)
#endif

static void restore_this_thread(unsigned mode)
{
#if defined(__x86_64__)
    _mm_setcsr((_mm_getcsr() & ~(unsigned)SUBNORMALS) | mode);
#else
    (void)mode;
#endif
}

tsr_numerics tsr_numerics_enter(void)
{
    tsr_numerics before = { .blas_threads = openblas_get_num_threads(),
                            .omp_threads = omp_get_max_threads() };
#if defined(__x86_64__)
    before.mode = _mm_getcsr() & SUBNORMALS;
#endif
    omp_set_num_threads(tsr_threads());
    tsr_flush_subnormals();
    openblas_set_num_threads(1);
    return before;
}

void tsr_numerics_leave(tsr_numerics before)
{
#pragma omp parallel
    restore_this_thread(before.mode);
    omp_set_num_threads(before.omp_threads);
    if (before.blas_threads > 1)
        openblas_set_num_threads(before.blas_threads);
}
