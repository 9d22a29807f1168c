/* Crashes while it is loaded. */
#include "../bad.h"

#include <signal.h>
#include <unistd.h>

/* By the signal itself, which no sanitizer turns into something else. */
__attribute__((constructor)) static void crash(void)
{
    signal(SIGSEGV, SIG_DFL);
    kill(getpid(), SIGSEGV);
}

static const tsr_plugin plugin = { BAD_PROBE("crashes") };
TSR_PLUGINS(&plugin)
