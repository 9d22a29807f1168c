/* It announces a metric of a role that there is not. */
#include "../bad.h"

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", (tsr_metric_role)99, TSR_METRIC_OF_ANY, "a metric"),
    { 0 },
};

static const tsr_probe_ops ops = { .run = bad_run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "metric_role", .version = "1.0.0", .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
