/* A default that no config could give. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_REAL(bad, radius, INFINITY, 0.0, INFINITY, "how far"),
    TSR_PARAM_END,
};

BAD_PARAMS("infinite_default")
