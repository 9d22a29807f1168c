/* A field that is not of its type. */
#include "../bad.h"

static const tsr_key keys[] = {
    { .type = TSR_TYPE_BOOL, .offset = 0, .field_size = 8, .name = "k", .doc = "whether" },
    TSR_KEY_END,
};

BAD_PARAMS("field_size")
