/* Plugins of every kind with a parameter `fault`: which of the kit's claims it breaks. Without one it is
 * sound. */
#ifndef TSR_TESTS_FAULTY_H
#define TSR_TESTS_FAULTY_H

#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tessera/tessera.h>

typedef struct faulty {
    int fault;
    void *memory;
} faulty;

/* The first words are every kind's: */
enum {
    NONE,
    LEAKS,
    SHARES,
    CRASHES,
    REFUSES,
    KEEPS,
    GIVES_NAN,
    HANGS,
    LOCALE,
    ROUNDING,
    SIGNALS,
    FOLDER,
    UMASK,
    TRAPS,
    STREAMS,
    ENDS,
    QUITS,
    BECOMES,
    OWN
};
#define FAULTS(...)                                                                                          \
    static const char *const faults[] = { "none",    "leaks",  "shares",  "crashes",   "refuses",            \
                                          "keeps",   "nan",    "hangs",   "locale",    "rounding",           \
                                          "signals", "folder", "umask",   "traps",     "streams",            \
                                          "ends",    "quits",  "becomes", __VA_ARGS__, NULL };               \
    static const tsr_key keys[] = { TSR_KEY_ENUM(faulty, fault, "none", faults, "what is wrong with it"),    \
                                    TSR_KEY_END }

static int uses;                                                   /* by all instances */
__attribute__((unused, visibility("hidden"))) void *volatile kept; /* what nobody frees */

static tsr_status *init(void *self)
{
    faulty *f = self;
    if (f->fault == REFUSES)
        return tsr_fail(TSR_REFUSED, "the moon is not full");
    f->memory = malloc(100);
    return f->memory ? NULL : tsr_fail(TSR_NO_MEMORY, "no memory");
}

static void fini(void *self)
{
    faulty *f = self;
    if (f->fault != LEAKS)
        free(f->memory);
}

/* What a plugin may not do to the process that it is in. */
static void harm(int fault)
{
    sigset_t all;
    switch (fault) {
    case CRASHES:
        abort();
    case KEEPS:
        kept = malloc(64); /* and nobody frees it */
        break;
    case HANGS:
        for (volatile int forever = 1; forever;)
            continue;
        break;
    case LOCALE:
        setlocale(LC_ALL, "C.UTF-8");
        break;
    case ROUNDING:
        fesetround(FE_UPWARD);
        break;
    case SIGNALS:
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        break;
    case FOLDER:
        if (chdir("/") != 0)
            abort();
        break;
    case UMASK:
        umask(0777);
        break;
    case TRAPS:
        feenableexcept(FE_DIVBYZERO);
        break;
    case STREAMS:
        dup2(open("/dev/zero", O_RDWR), STDOUT_FILENO);
        break;
    case ENDS:
        _exit(0);
    case QUITS:
        quick_exit(0);
    case BECOMES:
        execl("/bin/true", "true", (char *)NULL);
        abort();
    }
}

/* What every use begins with; 0, or with the fault `shares` how often any was used. */
static double begin(const faulty *f)
{
    harm(f->fault);
    return f->fault == SHARES ? uses++ : f->fault == GIVES_NAN ? NAN : 0;
}

#define FAULTY(plugin_of_kind)                                                                               \
    static const tsr_plugin plugin = { plugin_of_kind,     .name = "faulty",                                 \
                                       .version = "1.0.0", .summary = "breaks a claim",                      \
                                       .licence = "MIT",   TSR_INSTANCE(faulty),                             \
                                       .keys = keys,       .init = init,                                     \
                                       .fini = fini };                                                       \
    TSR_PLUGINS(&plugin)

#endif
