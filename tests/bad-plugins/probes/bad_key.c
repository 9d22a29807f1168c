/* A key that no config can write. */
#include "../bad.h"

static const tsr_param params[] = {
    { TSR_PARAM_FIELD(TSR_TYPE_INT, bad, k), .key = "K-9", .doc = "neighbours", .int_max = 9 },
    TSR_PARAM_END,
};

BAD_PARAMS("bad_key")
