/* A field that is not of its type. */
#include "../bad.h"

static const tsr_param params[] = {
    { .type = TSR_TYPE_BOOL, .offset = 0, .field_size = 8, .key = "k", .doc = "whether" },
    TSR_PARAM_END,
};

BAD_PARAMS("field_size")
