/* Prints while it is loaded; no fault otherwise. */
#include "../bad.h"

#include <stdio.h>

__attribute__((constructor)) static void print(void)
{
    printf("NOISE\n");
    fflush(stdout);
}

static const tsr_plugin plugin = { BAD_PROBE("prints") };
TSR_PLUGINS(&plugin)
