/* A choice of nothing. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_ENUM(bad, word, "c", NULL, "which"),
    TSR_KEY_END,
};

BAD_PARAMS("no_choices")
