/* Lacks the operation that every probe must have. */
#include "../bad.h"

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "a metric"),
    TSR_METRICS_END,
};
static const tsr_probe_ops ops = { .run = NULL, .metrics = metrics };
static const tsr_plugin plugin = {
    .kind = TSR_PROBE,
    .ops_size = sizeof(tsr_probe_ops),
    .announced_size = sizeof(tsr_metric_info),
    .ops = &ops,
    .name = "null_operation",
    .version = "1.0.0",
    .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
