/* A nested plugin of no kind. */
#include "../bad.h"

static const tsr_param params[] = {
    TSR_PARAM_PLUGIN(bad, nested, (tsr_kind)99, NULL, "what"),
    TSR_PARAM_END,
};

BAD_PARAMS("nested_kind")
