/* The machine as results record it, and the state of its processor that computing threads need. */
#include "base/machine.h"

#include <omp.h>
#include <sched.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static int threads = 1;

const char *tsr_version(void)
{
    return PACKAGE_VERSION;
}

int tsr_threads(void)
{
    return threads;
}

void tsr_set_threads(int value)
{
    threads = value < 1 ? 1 : value;
    omp_set_num_threads(threads);
}

int tsr_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (int)online;
}

static void flush_this_thread(void)
{
#if defined(__x86_64__)
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
#endif
}

void tsr_flush_subnormals(void)
{
    flush_this_thread();
#pragma omp parallel
    flush_this_thread();
}
