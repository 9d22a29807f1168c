/* Never ends being loaded, nor does the child that it starts and that keeps its pipes open. */
#include "../bad.h"

#include <unistd.h>

__attribute__((constructor)) static void hang(void)
{
    if (fork() >= 0) {
        for (;;)
            pause();
    }
}

static const tsr_plugin plugin = { BAD_PROBE("hangs") };
TSR_PLUGINS(&plugin)
