/* Two keys that fill one field. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 1, 1, 9, "neighbours"),
    { TSR_PARAM_FIELD(TSR_TYPE_INT, bad, k), .key = "n", .doc = "the same", .int_max = 9 },
    TSR_PARAM_END,
};

BAD_PARAMS("shared_field")
