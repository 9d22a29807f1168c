/* Ends the process while it is loaded. */
#include "../bad.h"

#include <unistd.h>

__attribute__((constructor)) static void leave(void)
{
    _exit(7);
}

static const tsr_plugin plugin = { BAD_PROBE("exits") };
TSR_PLUGINS(&plugin)
