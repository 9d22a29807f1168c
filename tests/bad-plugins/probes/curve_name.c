/* It announces a curve under a name with a mark that stands for a number, which curves do not have. */
#include "../bad.h"

static const tsr_curve_info curves[] = {
    TSR_CURVE("layer#.line", TSR_CURVE_LINE, TSR_METRIC_OF_ANY, "a line", "across", "up"),
    TSR_CURVES_END,
};

static const tsr_probe_ops ops = { .run = bad_run, TSR_CURVES(curves) };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops), .name = "curve_name", .version = "1.0.0", .summary = "a probe with a fault",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
