/* Declares an instance smaller than the one that its init fills. */
#include "../bad.h"

typedef struct larger {
    bad base;
    int behind[4];
} larger;

static tsr_status *init(void *self)
{
    volatile larger *all = self;
    for (int i = 0; i < 4; i++)
        all->behind[i] = i;
    return NULL;
}

static const tsr_plugin plugin = { BAD_PROBE("overruns"), .init = init };
TSR_PLUGINS(&plugin)
