/* A default that is none of the choices. */
#include "../bad.h"

static const char *const words[] = { "a", "b", NULL };
static const tsr_param params[] = {
    TSR_PARAM_ENUM(bad, word, "c", words, "which"),
    TSR_PARAM_END,
};

BAD_PARAMS("enum_default")
