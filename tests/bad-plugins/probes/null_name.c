/* A plugin whose name is NULL. */
#include "../bad.h"

static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = sizeof(tsr_probe_ops),
    .ops = &bad_ops,
    .name = NULL,
    .version = "1.0.0",
    .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
