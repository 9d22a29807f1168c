/* Declarations without their end: what follows is no declaration. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 1, 1, 9, "neighbours"),
    { .type = (tsr_param_type)0x7f7f7f7f },
};

BAD_PARAMS("no_end")
