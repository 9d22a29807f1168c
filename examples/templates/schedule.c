/* @NAME@: the learning rate falls by the same factor in each epoch. Write what yours does. */
#include <math.h>
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    double factor;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, factor, 0.9, 0.0, 1.0, "what is left after an epoch"),
    TSR_KEY_END,
};

/* What the learning rate is multiplied by: finite, not negative, and of these numbers alone. Epochs and steps
   count from 1. */
static double factor(const void *self, const tsr_schedule_time *time)
{
    const settings *s = self;
    return pow(s->factor, (double)(time->epoch - 1));
}

static const tsr_schedule_ops ops = { .factor = factor };

static const tsr_plugin plugin = {
    TSR_SCHEDULE_PLUGIN(&ops),
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "multiplied by a factor after each epoch",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
