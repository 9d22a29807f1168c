/* A default that no config could give. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_REAL(bad, radius, INFINITY, 0.0, INFINITY, "how far"),
    TSR_KEY_END,
};

BAD_PARAMS("infinite_default")
