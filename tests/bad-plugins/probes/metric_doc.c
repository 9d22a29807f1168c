/* It announces a metric without its meaning. */
#include "../bad.h"

static const tsr_metric_info metrics[] = {
    TSR_METRIC("train", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, NULL),
    { 0 },
};

static const tsr_probe_ops ops = { .run = bad_run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "metric_doc", .version = "1.0.0", .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
