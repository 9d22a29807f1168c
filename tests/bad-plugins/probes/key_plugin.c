/* A key that means the plugin itself. */
#include "../bad.h"

static const tsr_key keys[] = {
    { TSR_KEY_FIELD(TSR_TYPE_INT, bad, k), .name = "plugin", .doc = "neighbours", .int_max = 9 },
    TSR_KEY_END,
};

BAD_PARAMS("key_plugin")
