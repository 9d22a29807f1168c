/* From 1 down along half a cosine (Loshchilov and Hutter 2017, without restarts), epoch by epoch. */
#include <math.h>
#include <tessera/schedule.h>

typedef struct cosine {
    double minimum;
} cosine;

static const tsr_key keys[] = {
    TSR_KEY_REAL(cosine, minimum, 0.0, 0.0, 1.0, "the fraction that would be left after the last epoch"),
    TSR_KEY_END,
};

static double factor(const void *self, const tsr_schedule_time *time)
{
    double minimum = ((const cosine *)self)->minimum, done = (double)(time->epoch - 1);
    return minimum + (1 - minimum) * 0.5 * (1 + cos(M_PI * done / (double)time->epochs));
}

static const tsr_schedule_ops ops = { .factor = factor };

static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops),
    .name = "cosine",
    .version = "1.0.0",
    .summary = "down along half a cosine over all epochs",
    .licence = "MIT",
    TSR_INSTANCE(cosine),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
