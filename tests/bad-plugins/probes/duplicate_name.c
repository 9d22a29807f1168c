/* Two probes of one name. */
#include "../bad.h"

static const tsr_plugin one = { BAD_PROBE("duplicate_name") };
static const tsr_plugin two = { BAD_PROBE("duplicate_name") };
TSR_PLUGINS(&one, &two)
