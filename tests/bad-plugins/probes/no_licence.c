/* A plugin without a licence. */
#include "../bad.h"

static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = sizeof(tsr_probe_ops),
    .ops = &bad_ops,
    .name = "no_licence",
    .version = "1.0.0",
    .summary = "a probe with a fault",
    .licence = NULL,
};
TSR_PLUGINS(&plugin)
