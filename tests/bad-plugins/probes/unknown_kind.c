/* Of a kind that is none. */
#include "../bad.h"

static const tsr_plugin plugin = {
    .kind = (tsr_kind)99,
    .ops_size = sizeof(tsr_probe_ops),
    .ops = &bad_ops,
    .name = "unknown_kind",
    .version = "1.0.0",
    .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
