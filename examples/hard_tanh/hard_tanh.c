/* hard_tanh: x within -limit .. limit, else the nearer limit. Its three pieces give two bits of code per
   unit: above -limit, and above limit. */
#include <tessera/tessera.h>

typedef struct settings {
    double limit;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, limit, 1.0, 1e-3, 1e3, "largest value"),
    TSR_KEY_END,
};

static size_t count(const tsr_units *units)
{
    return units->samples * units->channels * units->positions;
}

/* A NaN fails both comparisons and stays. */
static void forward(const void *self, const tsr_units *units, float *y)
{
    const float limit = (float)((const settings *)self)->limit;
    for (size_t i = 0; i < count(units); i++) {
        float x = units->x[i];
        y[i] = x > limit ? limit : x < -limit ? -limit : x;
    }
}

static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned)
{
    const float limit = (float)((const settings *)self)->limit;
    (void)d_learned;
    for (size_t i = 0; i < count(units); i++)
        dx[i] = units->x[i] > limit || units->x[i] < -limit ? 0 : dy[i];
}

static size_t breakpoints(const void *self, size_t capacity, float *at)
{
    const float limit = (float)((const settings *)self)->limit;
    if (capacity > 0)
        at[0] = -limit;
    if (capacity > 1)
        at[1] = limit;
    return 2;
}

static const tsr_activation_ops ops = { .forward = forward,
                                        .backward = backward,
                                        .breakpoints = breakpoints };

static const tsr_plugin plugin = {
    TSR_ACTIVATION_PLUGIN(&ops),
    .name = "hard_tanh",
    .version = "1.0.0",
    .summary = "identity between two limits, two bits per unit",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
