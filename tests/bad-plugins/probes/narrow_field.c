/* A range that its field does not hold. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 1, -1, INT64_C(3000000000), "neighbours"),
    TSR_PARAM_END,
};

BAD_PARAMS("narrow_field")
