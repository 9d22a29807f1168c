/* A plugin without a version. */
#include "../bad.h"

static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = sizeof(tsr_probe_ops),
    .ops = &bad_ops,
    .name = "no_version",
    .version = NULL,
    .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
