/* Answers for its trial with a status that there is none of. */
#include "../answer.h"
#include "../bad.h"

__attribute__((constructor)) static void misanswer(void)
{
    static const char text[] = "Zthis is no status";
    answer(text, sizeof(text));
}

static const tsr_plugin plugin = { BAD_PROBE("misanswers") };
TSR_PLUGINS(&plugin)
