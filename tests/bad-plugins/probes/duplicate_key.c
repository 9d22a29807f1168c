/* One key declared twice. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 1, 1, 9, "neighbours"),
    TSR_PARAM_INT(bad, k, 1, 1, 9, "neighbours again"),
    TSR_PARAM_END,
};

BAD_PARAMS("duplicate_key")
