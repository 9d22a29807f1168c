/* Answers for its trial without an end. */
#include "../answer.h"
#include "../bad.h"

#include <string.h>

__attribute__((constructor)) static void flood(void)
{
    static char text[1 << 16];
    memset(text, 'A', sizeof(text));
    for (int i = 0; i < 1 << 10; i++)
        answer(text, sizeof(text));
}

static const tsr_plugin plugin = { BAD_PROBE("floods") };
TSR_PLUGINS(&plugin)
