/* The learning rate as it is. */
#include <tessera/schedule.h>

static double factor(const void *self, const tsr_schedule_time *time)
{
    (void)self;
    (void)time;
    return 1;
}

static const tsr_schedule_ops ops = { .factor = factor };

static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops), .name = "constant",
    .version = "1.0.0",        .summary = "the learning rate stays as it is",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
