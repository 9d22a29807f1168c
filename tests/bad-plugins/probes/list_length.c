/* A default shorter than its least length. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_INT_LIST(bad, list, NULL, 0, 0, 4, "layers", .list_min_length = 1),
    TSR_PARAM_END,
};

BAD_PARAMS("list_length")
