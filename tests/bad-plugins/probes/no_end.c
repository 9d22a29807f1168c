/* Declarations without their end: what follows is no declaration. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 1, 1, 9, "neighbours"),
    { .type = (tsr_key_type)0x7f7f7f7f },
};

BAD_PARAMS("no_end")
