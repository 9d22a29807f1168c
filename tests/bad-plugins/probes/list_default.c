/* An element of a default outside its range. */
#include "../bad.h"

static const int64_t layers[] = { 1, 5 };
static const tsr_key keys[] = {
    TSR_KEY_INT_LIST(bad, list, layers, 2, 0, 4, "layers"),
    TSR_KEY_END,
};

BAD_PARAMS("list_default")
