/* A key without its meaning. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT(bad, k, 1, 1, 9, NULL),
    TSR_KEY_END,
};

BAD_PARAMS("no_doc")
