/* The one place that asks the processor what it has. */
#include "base/cpu.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "TESSERA_KERNELS"

static const struct level {
    const char *name;
    unsigned needs, allows;
} levels[] = {
    [TSR_KERNELS_PORTABLE] = { "portable", 0, 0 },
    [TSR_KERNELS_AVX2] = { "avx2", TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2, TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2 },
    [TSR_KERNELS_AVX512] = { "avx512", TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2 | TSR_NEEDS_AVX512,
                             TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2 | TSR_NEEDS_AVX512 | TSR_NEEDS_VPOPCNT },
};
enum { N_LEVELS = sizeof(levels) / sizeof(*levels) };

int tsr_kernel_level = TSR_KERNELS_PORTABLE;
static unsigned has;

static unsigned find_features(void)
{
    unsigned found = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("popcnt"))
        found |= TSR_NEEDS_POPCNT;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2"))
        found |= TSR_NEEDS_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found |= TSR_NEEDS_AVX512;
    if (__builtin_cpu_supports("avx512vpopcntdq"))
        found |= TSR_NEEDS_VPOPCNT;
#endif
    return found;
}

/* The level that the word names; N_LEVELS for none. */
static int level_named(const char *word)
{
    int i = 0;
    while (i < N_LEVELS && strcmp(levels[i].name, word) != 0)
        i++;
    return i;
}

/* Before main and before any plugin is loaded. A wrong word counts as none here: who starts asks
   tsr_kernels_check. */
__attribute__((constructor)) static void choose_level(void)
{
    has = find_features();
    const char *word = getenv(VARIABLE);
    int wanted = word && *word ? level_named(word) : N_LEVELS;
    for (int i = 0; i < N_LEVELS; i++)
        if (tsr_cpu_has(levels[i].needs) && (wanted == N_LEVELS || i <= wanted))
            tsr_kernel_level = i;
}

bool tsr_cpu_has(unsigned needs)
{
    return (has & needs) == needs;
}

bool tsr_cpu_uses(unsigned needs)
{
    return (has & levels[tsr_kernel_level].allows & needs) == needs;
}

const char *tsr_kernels_name(void)
{
    return levels[tsr_kernel_level].name;
}

tsr_status *tsr_kernels_check(void)
{
    const char *word = getenv(VARIABLE);
    if (!word || !*word)
        return NULL;
    int wanted = level_named(word);
    if (wanted == N_LEVELS)
        return tsr_fail(TSR_USAGE, VARIABLE "=%s: expected portable, avx2 or avx512", word);
    if (wanted != tsr_kernel_level)
        return tsr_fail(TSR_USAGE, VARIABLE "=%s: this processor does not have it: expected at most %s", word,
                        tsr_kernels_name());
    return NULL;
}

const char *tsr_cpu_name(void)
{
    static char name[128] = "";
    if (name[0])
        return name;
    char text[4096]; /* the first processor's lines */
    int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (length < 0)
        tsr_log_warning_once("/proc/cpuinfo: the processor's name cannot be read: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *line = strstr(text, "\nmodel name"), *colon = line ? strchr(line, ':') : NULL;
    if (colon && colon[1] == ' ')
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    if (!name[0])
        snprintf(name, sizeof(name), "unknown");
    return name;
}

const char *tsr_cpu_features(void)
{
    static char features[128];
    features[0] = '\0';
#if defined(__x86_64__)
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
