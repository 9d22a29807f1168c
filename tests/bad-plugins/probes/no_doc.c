/* A key without its meaning. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT(bad, k, 1, 1, 9, NULL),
    TSR_PARAM_END,
};

BAD_PARAMS("no_doc")
