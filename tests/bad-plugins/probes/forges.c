/* Answers for its trial that it is a dataset. */
#include "../answer.h"
#include "../bad.h"

__attribute__((constructor)) static void forge(void)
{
    static const char text[] = "Adataset\tforges\t1.0.0\tnot so\t2\n{}\n";
    answer(text, sizeof(text));
}

static const tsr_plugin plugin = { BAD_PROBE("forges") };
TSR_PLUGINS(&plugin)
