/* Plugins of every kind with a parameter `fault`: which of the kit's claims it breaks. Without one it is
 * sound. */
#ifndef TSR_TESTS_FAULTY_H
#define TSR_TESTS_FAULTY_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/tessera.h>

typedef struct faulty {
    int fault;
    void *memory;
} faulty;

/* The first words are every kind's: */
enum { NONE, LEAKS, SHARES, CRASHES, REFUSES, OWN };
#define FAULTS(...)                                                                                          \
    static const char *const faults[] = {                                                                    \
        "none", "leaks", "shares", "crashes", "refuses", __VA_ARGS__, NULL                                   \
    };                                                                                                       \
    static const tsr_key keys[] = { TSR_KEY_ENUM(faulty, fault, "none", faults, "what is wrong with it"),    \
                                    TSR_KEY_END }

static int uses; /* by all instances */

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

/* What every use begins with; 0, or with the fault `shares` how often any was used. */
static int begin(const faulty *f)
{
    if (f->fault == CRASHES)
        abort();
    return f->fault == SHARES ? uses++ : 0;
}

#define FAULTY(plugin_of_kind)                                                                               \
    static const tsr_plugin plugin = { plugin_of_kind,     .name = "faulty",                                 \
                                       .version = "1.0.0", .summary = "breaks a claim",                      \
                                       .licence = "MIT",   TSR_INSTANCE(faulty),                             \
                                       .keys = keys,       .init = init,                                     \
                                       .fini = fini };                                                       \
    TSR_PLUGINS(&plugin)

#endif
