/* A key that no config can write. */
#include "../bad.h"

static const tsr_key keys[] = {
    { TSR_KEY_FIELD(TSR_TYPE_INT, bad, k), .name = "K-9", .doc = "neighbours", .int_max = 9 },
    TSR_KEY_END,
};

BAD_PARAMS("bad_key")
