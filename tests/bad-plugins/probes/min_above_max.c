/* A range without values. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 5, 9, 1, "neighbours"),
    TSR_PARAM_END,
};

BAD_PARAMS("min_above_max")
