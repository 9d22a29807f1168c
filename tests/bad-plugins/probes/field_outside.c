/* A field behind the end of the instance. */
#include "../bad.h"

static const tsr_param params[] = {
    { .type = TSR_TYPE_INT,
      .offset = sizeof(bad),
      .field_size = 4,
      .key = "k",
      .doc = "neighbours",
      .int_max = 9 },
    TSR_PARAM_END,
};

BAD_PARAMS("field_outside")
