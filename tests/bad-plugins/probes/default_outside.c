/* A default outside its own range. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 0, 1, 9, "neighbours"),
    TSR_PARAM_END,
};

BAD_PARAMS("default_outside")
