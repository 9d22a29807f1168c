/* Two keys that fill one field. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 1, 1, 9, "neighbours"),
    { TSR_KEY_FIELD(TSR_TYPE_INT, bad, k), .name = "n", .doc = "the same", .int_max = 9 },
    TSR_KEY_END,
};

BAD_PARAMS("shared_field")
