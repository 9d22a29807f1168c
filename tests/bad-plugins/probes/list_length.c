/* A default shorter than its least length. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_INT_LIST(bad, list, NULL, 0, 0, 4, "layers", .list_min_length = 1),
    TSR_KEY_END,
};

BAD_PARAMS("list_length")
