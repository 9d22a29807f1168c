/* A key that means the plugin itself. */
#include "../bad.h"

static const tsr_param params[] = {
    { TSR_PARAM_FIELD(TSR_TYPE_INT, bad, k), .key = "plugin", .doc = "neighbours", .int_max = 9 },
    TSR_PARAM_END,
};

BAD_PARAMS("key_plugin")
