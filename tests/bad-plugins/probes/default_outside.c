/* A default outside its own range. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 0, 1, 9, "neighbours"),
    TSR_KEY_END,
};

BAD_PARAMS("default_outside")
