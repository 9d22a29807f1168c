/* @NAME@: a leaky rectifier. Write what yours does; `tessera describe ./@NAME@.so` shows the descriptor
 * below. */
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    double slope;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, slope, 0.1, 0.0, 1.0, "slope below 0"),
    TSR_KEY_END,
};

/* All units of a batch: samples x channels x positions. */
static void forward(const void *self, const tsr_units *units, float *y)
{
    const settings *a = self;
    const float slope = (float)a->slope;
    for (size_t i = 0; i < units->samples * units->channels * units->positions; i++)
        y[i] = units->x[i] > 0 ? units->x[i] : slope * units->x[i];
}

/* dx may be dy itself: read dy[i] before dx[i] is written. Nothing is learned here, so d_learned is NULL. */
static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned)
{
    const settings *a = self;
    const float slope = (float)a->slope;
    (void)d_learned;
    for (size_t i = 0; i < units->samples * units->channels * units->positions; i++)
        dx[i] = units->x[i] > 0 ? dy[i] : slope * dy[i];
}

/* One bit of code per unit, x > 0. A function with more pieces gives `breakpoints` too. */
static const tsr_activation_ops ops = { .forward = forward, .backward = backward };

static const tsr_plugin plugin = {
    TSR_ACTIVATION_PLUGIN(&ops),
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "a leaky rectifier",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
