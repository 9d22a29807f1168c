/* Ends the process while it is loaded, but not in the one that tries it, which leads a group of its own. */
#include "../bad.h"

#include <unistd.h>

__attribute__((constructor)) static void leave(void)
{
    if (getpgrp() != getpid())
        _exit(0);
}

static const tsr_plugin plugin = { BAD_PROBE("ends_later") };
TSR_PLUGINS(&plugin)
