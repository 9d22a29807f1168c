/* @NAME@: examples become brighter or darker. Write what yours does. */
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    double most;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, most, 0.2, 0.0, 1.0, "values are multiplied by up to 1 plus or minus this"),
    TSR_KEY_END,
};

/* The example `out` of the example `in`, every value of it; random numbers come from `rng` alone. From any
   threads at once. What moves pixels instead of changing them is a `place` (augmentation.h). */
static void change(const void *self, tsr_rng *rng, tsr_shape shape, const float *in, float *out)
{
    const settings *a = self;
    float factor = (float)(1 + a->most * (2 * tsr_rng_uniform(rng) - 1));
    size_t n = tsr_shape_size(shape);
    for (size_t i = 0; i < n; i++)
        out[i] = factor * in[i];
}

/* Whether these settings leave every example as it is. */
static bool is_idle(const void *self)
{
    return ((const settings *)self)->most <= 0;
}

static const tsr_augmentation_ops ops = { .change = change, .is_idle = is_idle };

static const tsr_plugin plugin = {
    TSR_AUGMENTATION_PLUGIN(&ops),
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "examples become brighter or darker",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
