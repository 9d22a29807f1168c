/* Steps down, all of one length. */
#include <math.h>
#include <tessera/schedule.h>

typedef struct steps {
    int64_t every;
    double factor;
} steps;

static const tsr_key keys[] = {
    TSR_KEY_INT(steps, every, 20, 1, 1000000, "multiply after each so many", .unit = "epochs"),
    TSR_KEY_REAL(steps, factor, 0.1, 0.0, 1.0, "multiply by this"),
    TSR_KEY_END,
};

static double factor(const void *self, const tsr_schedule_time *time)
{
    const steps *config = self;
    return pow(config->factor, floor((double)(time->epoch - 1) / (double)config->every));
}

static const tsr_schedule_ops ops = { .factor = factor };

static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops),
    .name = "step",
    .version = "1.0.0",
    .summary = "multiplied by a factor after every so many epochs",
    .licence = "MIT",
    TSR_INSTANCE(steps),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
