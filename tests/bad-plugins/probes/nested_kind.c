/* A nested plugin of no kind. */
#include "../bad.h"

static const tsr_key keys[] = {
    TSR_KEY_PLUGIN(bad, nested, (tsr_kind)99, NULL, "what"),
    TSR_KEY_END,
};

BAD_PARAMS("nested_kind")
