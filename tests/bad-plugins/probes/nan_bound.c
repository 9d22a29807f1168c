/* A bound that is not a number. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_REAL(bad, radius, 0.0, NAN, 1.0, "how far"),
    TSR_KEY_END,
};

BAD_PARAMS("nan_bound")
