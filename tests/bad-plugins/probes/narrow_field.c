/* A range that its field does not hold. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 1, -1, INT64_C(3000000000), "neighbours"),
    TSR_KEY_END,
};

BAD_PARAMS("narrow_field")
