/* A linear rise, step by step, and then another schedule (Goyal et al. 2017). That one's epochs count from
   the beginning, and while the rate rises it is multiplied by it too. */
#include <tessera/schedule.h>

typedef struct warm_up {
    int64_t epochs;
    double start;
    tsr_instance *then;
} warm_up;

static const tsr_key keys[] = {
    TSR_KEY_INT(warm_up, epochs, 5, 1, 1000000, "how long the rate rises", .unit = "epochs"),
    TSR_KEY_REAL(warm_up, start, 0.0, 0.0, 1.0, "the fraction that the rise starts from"),
    TSR_KEY_PLUGIN(warm_up, then, TSR_SCHEDULE, NULL, "the schedule that is warmed up; none: constant"),
    TSR_KEY_END,
};

/* The part of the rise that is done with this step. */
static double risen(const warm_up *config, const tsr_schedule_time *time)
{
    if (time->epoch > (size_t)config->epochs)
        return 1;
    double done = (double)(time->epoch - 1) + (double)time->step / (double)time->steps;
    return done / (double)config->epochs;
}

static double factor(const void *self, const tsr_schedule_time *time)
{
    const warm_up *config = self;
    double rise = config->start + (1 - config->start) * risen(config, time);
    if (!config->then)
        return rise;
    const tsr_schedule_ops *ops = tsr_instance_ops(config->then);
    return rise * ops->factor(tsr_instance_self(config->then), time);
}

static const tsr_schedule_ops ops = { .factor = factor };

static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops),
    .name = "warm_up",
    .version = "1.0.0",
    .summary = "rises linearly over the first epochs, then follows another schedule",
    .licence = "MIT",
    TSR_INSTANCE(warm_up),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
