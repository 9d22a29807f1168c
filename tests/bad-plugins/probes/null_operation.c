/* Lacks the operation that every probe must have. */
#include "../bad.h"

static const tsr_probe_ops ops = { .run = NULL };
static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = sizeof(tsr_probe_ops),
    .ops = &ops,
    .name = "null_operation",
    .version = "1.0.0",
    .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
