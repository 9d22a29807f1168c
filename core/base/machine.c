/* The machine as results record it, and the state of its processor that computing threads need. */
#include "base/machine.h"

#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
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

const char *tsr_cpu_name(void)
{
    static char name[128] = "";
    if (name[0])
        return name;
    FILE *stream = fopen("/proc/cpuinfo", "re");
    char line[512];
    while (stream && !name[0] && fgets(line, sizeof(line), stream)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon && colon[1] == ' ') {
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(name, sizeof(name), "%.127s", colon + 2);
        }
    }
    if (stream)
        fclose(stream);
    if (!name[0])
        snprintf(name, sizeof(name), "unknown");
    return name;
}

const char *tsr_cpu_features(void)
{
    static char features[128];
    features[0] = '\0';
#if defined(__x86_64__)
    __builtin_cpu_init();
#define ADD(feature)                                                                                         \
    if (__builtin_cpu_supports(feature))                                                                     \
    strcat(strcat(features, features[0] ? " " : ""), feature)
    ADD("popcnt");
    ADD("avx2");
    ADD("fma");
    ADD("bmi2");
    ADD("avx512f");
    ADD("avx512bw");
    ADD("avx512vpopcntdq");
#undef ADD
#endif
    return features;
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
