/* It announces a metric by a name that none can have. */
#include "../bad.h"

static const tsr_metric_info metrics[] = {
    TSR_METRIC("Train!", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "a metric"),
    { 0 },
};

static const tsr_probe_ops ops = { .run = bad_run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "metric_name", .version = "1.0.0", .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
