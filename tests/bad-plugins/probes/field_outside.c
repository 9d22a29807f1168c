/* A field behind the end of the instance. */
#include "../bad.h"

static const tsr_key keys[] = {
    { .type = TSR_TYPE_INT,
      .offset = sizeof(bad),
      .field_size = 4,
      .name = "k",
      .doc = "neighbours",
      .int_max = 9 },
    TSR_KEY_END,
};

BAD_PARAMS("field_outside")
