/* A bound that is not a number. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_REAL(bad, radius, 0.0, NAN, 1.0, "how far"),
    TSR_PARAM_END,
};

BAD_PARAMS("nan_bound")
