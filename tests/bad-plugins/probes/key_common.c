/* A key that every probe has already. */
#include "../bad.h"

static const tsr_key keys[] = {
    { TSR_KEY_FIELD(TSR_TYPE_INT, bad, k), .name = "label", .doc = "neighbours", .int_max = 9 },
    TSR_KEY_END,
};

BAD_PARAMS("key_common")
