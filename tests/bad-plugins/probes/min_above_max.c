/* A range without values. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 5, 9, 1, "neighbours"),
    TSR_KEY_END,
};

BAD_PARAMS("min_above_max")
