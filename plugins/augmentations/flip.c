/* Mirrors every other image left to right. */
#include <tessera/augmentation.h>

typedef struct flip {
    bool flip;
} flip;

static const tsr_key keys[] = {
    TSR_KEY_BOOL(flip, flip, false, "mirror every other training image left to right"),
    TSR_KEY_END,
};

static void place(const void *self, tsr_rng *rng, tsr_shape shape, tsr_placement *placement)
{
    (void)shape;
    bool chosen = tsr_rng_uniform(rng) < 0.5;
    placement->mirror ^= chosen && ((const flip *)self)->flip;
}

static bool is_idle(const void *self)
{
    return !((const flip *)self)->flip;
}

static const tsr_augmentation_ops ops = { .place = place, .is_idle = is_idle };

static const tsr_plugin plugin = {
    TSR_AUGMENTATION_PLUGIN(&ops),
    .name = "flip",
    .version = "1.0.0",
    .summary = "mirrors every other image left to right",
    .licence = "MIT",
    TSR_INSTANCE(flip),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
