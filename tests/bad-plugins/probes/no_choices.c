/* A choice of nothing. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_ENUM(bad, word, "c", NULL, "which"),
    TSR_PARAM_END,
};

BAD_PARAMS("no_choices")
