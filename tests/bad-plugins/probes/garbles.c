/* Answers for its trial, and not to the end. */
#include "../answer.h"
#include "../bad.h"

__attribute__((constructor)) static void garble(void)
{
    static const char text[] = "Aprobe\tgarbles\t1.0";
    answer(text, sizeof(text));
}

static const tsr_plugin plugin = { BAD_PROBE("garbles") };
TSR_PLUGINS(&plugin)
