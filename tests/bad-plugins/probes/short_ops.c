/* Its operations are shorter than ABI 1.0's. */
#include "../bad.h"

static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = offsetof(tsr_probe_ops, run),
    .ops = &bad_ops,
    .name = "short_ops",
    .version = "1.0.0",
    .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
