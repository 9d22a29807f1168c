/* A plugin without a summary. */
#include "../bad.h"

static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = sizeof(tsr_probe_ops),
    .ops = &bad_ops,
    .name = "no_summary",
    .version = "1.0.0",
    .summary = "",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
