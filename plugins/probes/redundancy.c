/* Redundancy ratio (arXiv 2101.05490): n examples whose codes take m distinct values have (n - m) / n of them
   too much; 0 is perfect determinism. Training and test codes apart. */
#include <tessera/probe.h>

#include <math.h>

static tsr_status *measure(const tsr_probing *probing, const char *name, const tsr_codes *codes)
{
    size_t distinct;
    TSR_TRY(tsr_distinct(codes, &distinct, NULL));
    double ratio = codes->n ? (double)(codes->n - distinct) / (double)codes->n : NAN;
    return tsr_metric(probing, name, ratio);
}

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    (void)self;
    TSR_TRY(measure(probing, "train", probing->train));
    return measure(probing, "test", probing->test);
}

#define RATIO "fraction of examples whose code another one has already"

static const tsr_metric_info metrics[] = {
    { "train", TSR_METRIC_REDUNDANCY, TSR_METRIC_OF_TRAIN, RATIO },
    { "test", TSR_METRIC_REDUNDANCY, TSR_METRIC_OF_TEST, RATIO },
    { 0 },
};

static const tsr_probe_ops ops = { .run = run, .metrics = metrics };

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "redundancy",
    .version = "1.0.0",
    .summary = "fraction of examples whose code another one has already: 1 - distinct codes / examples",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
