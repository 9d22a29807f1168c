/* One key declared twice. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 1, 1, 9, "neighbours"),
    TSR_KEY_INT(bad, k, 1, 1, 9, "neighbours again"),
    TSR_KEY_END,
};

BAD_PARAMS("duplicate_key")
