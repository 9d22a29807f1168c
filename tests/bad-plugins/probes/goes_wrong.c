/* Goes wrong in the operation that its key names. */
#include "../bad.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct goes_wrong {
    int how;
    const char *in;
    int words[2];
} goes_wrong;

enum { CRASHES, EXITS, LEAVES, OVERRUNS, PRINTS, FAILS };
static const char *const hows[] = { "crashes", "exits", "leaves", "overruns", "prints", "fails", NULL };

static const tsr_key keys[] = {
    TSR_KEY_ENUM(goes_wrong, how, "crashes", hows, "what it does"),
    TSR_KEY_STRING(goes_wrong, in, "nothing", "where: init, check, run or fini"),
    TSR_KEY_END,
};

static tsr_status *go(const goes_wrong *g, const char *here)
{
    if (strcmp(g->in, here) != 0)
        return NULL;
    if (g->how == CRASHES) {
        raise(SIGSEGV); /* the signal itself, which no sanitizer turns into something else */
        abort();
    }
    if (g->how == EXITS)
        exit(0);
    if (g->how == LEAVES)
        _exit(7);
    if (g->how == OVERRUNS) {
        volatile int past = 2; /* compilers would warn of a constant */
        ((volatile int *)(uintptr_t)g->words)[past] = 1;
    }
    if (g->how == PRINTS)
        printf("NOISE in %s\n", here); /* and leaves it in the buffer */
    return g->how == FAILS ? tsr_fail(TSR_REFUSED, "it does not want to") : NULL;
}

static tsr_status *init(void *self)
{
    return go(self, "init");
}

static void fini(void *self)
{
    tsr_status_free(go(self, "fini"));
}

static tsr_status *check(const void *self, const tsr_probe_sizes *sizes)
{
    (void)sizes;
    return go(self, "check");
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    (void)probing;
    return go(self, "run");
}

static const tsr_probe_ops ops = { .check = check, .run = run };
static const tsr_plugin plugin = { TSR_PROBE_PLUGIN(&ops),
                                   .name = "goes_wrong",
                                   .version = "1.0.0",
                                   .summary = "goes wrong where it is told to",
                                   .licence = "MIT",
                                   TSR_INSTANCE(goes_wrong),
                                   .keys = keys,
                                   .init = init,
                                   .fini = fini };
TSR_PLUGINS(&plugin)
