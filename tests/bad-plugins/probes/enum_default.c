/* A default that is none of the choices. */
#include "../bad.h"

static const char *const words[] = { "a", "b", NULL };
static const tsr_key keys[] = {
    TSR_KEY_ENUM(bad, word, "c", words, "which"),
    TSR_KEY_END,
};

BAD_PARAMS("enum_default")
