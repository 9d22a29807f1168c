/* The machine as results record it, and the state of its processor that computing threads need. */
#include "base/machine.h"

#include "base/crash.h"

#include <ctype.h>
#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* KiB. The largest frame of the library, of tsr_codes_count_around, takes 301. */
enum { LEAST_STACK = 512 };

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

/* A size as OpenMP reads it: a number of KiB, or of what B, K, M or G behind it says. 0: none. */
static uint64_t stack_size(const char *text)
{
    static const char units[] = "BKMG";
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    bool is_number = end != text && errno == 0 && !strchr(text, '-');
    while (isspace((unsigned char)*end))
        end++;
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : &units[1];
    if (!is_number || !unit || (*end && end[1 + strspn(end + 1, " \t")]) || number > UINT64_MAX >> 30)
        return 0;
    return number << 10 * (unit - units);
}

tsr_status *tsr_check_thread_stacks(void)
{
    const char *name = getenv("OMP_STACKSIZE") ? "OMP_STACKSIZE" : "GOMP_STACKSIZE", *value = getenv(name);
    uint64_t size = value ? stack_size(value) : 0;
    if (size == 0 || size >= LEAST_STACK << 10) /* what is no size OpenMP says itself, and does without */
        return NULL;
    return tsr_fail(
        TSR_REFUSED,
        "%s=%s gives each thread a stack of %g KiB, expected at least %d: unset it, or set it to 4M", name,
        value, (double)size / 1024, LEAST_STACK);
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
    {
        flush_this_thread();
        tsr_crash_watch_thread();
    }
}
