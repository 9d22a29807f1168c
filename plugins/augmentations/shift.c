/* Moves images up or down and to the left or right. */
#include <tessera/augmentation.h>

typedef struct shift {
    double shift;
} shift;

static const tsr_key keys[] = {
    TSR_KEY_REAL(shift, shift, 0.0, 0.0, 1.0,
                 "shift training images by up to this fraction of their sides, either way"),
    TSR_KEY_END,
};

/* Images are c x h x w; a shape of two dimensions is h x w. */
static void place(const void *self, tsr_rng *rng, tsr_shape shape, tsr_placement *placement)
{
    double most = ((const shift *)self)->shift;
    double down = most * (2 * tsr_rng_uniform(rng) - 1), right = most * (2 * tsr_rng_uniform(rng) - 1);
    placement->down += (float)(down * (double)shape.dims[shape.n_dims - 2]);
    placement->right += (float)(right * (double)shape.dims[shape.n_dims - 1]);
}

static bool is_idle(const void *self)
{
    return ((const shift *)self)->shift <= 0;
}

static const tsr_augmentation_ops ops = { .place = place, .is_idle = is_idle };

static const tsr_plugin plugin = {
    TSR_AUGMENTATION_PLUGIN(&ops),
    .name = "shift",
    .version = "1.0.0",
    .summary = "moves images by a random fraction of their sides",
    .licence = "MIT",
    TSR_INSTANCE(shift),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
