/* Turns images about their middle. */
#include <math.h>
#include <string.h>
#include <tessera/augmentation.h>

typedef struct rotate {
    double rotate;
} rotate;

static const tsr_key keys[] = {
    TSR_KEY_REAL(rotate, rotate, 0.0, 0.0, 180.0, "turn training images by up to so much, either way",
                 .unit = "degrees"),
    TSR_KEY_END,
};

/* Quarter turns are exact, which M_PI is not. */
static void turn(double degrees, float *cosine, float *sine)
{
    static const float sines[] = { 0, 1, 0, -1 };
    double quarters = degrees / 90;
    if (quarters == floor(quarters)) {
        int quarter = (int)(quarters - 4 * floor(quarters / 4));
        *sine = sines[quarter];
        *cosine = sines[(quarter + 1) % 4];
        return;
    }
    *sine = (float)sin(degrees * M_PI / 180);
    *cosine = (float)cos(degrees * M_PI / 180);
}

static void place(const void *self, tsr_rng *rng, tsr_shape shape, tsr_placement *placement)
{
    (void)shape;
    double most = ((const rotate *)self)->rotate;
    float before[2][2], cosine, sine;
    turn(most * (2 * tsr_rng_uniform(rng) - 1), &cosine, &sine);
    memcpy(before, placement->matrix, sizeof(before));
    for (int i = 0; i < 2; i++) {
        placement->matrix[i][0] = before[i][0] * cosine - before[i][1] * sine;
        placement->matrix[i][1] = before[i][0] * sine + before[i][1] * cosine;
    }
}

static bool is_idle(const void *self)
{
    return ((const rotate *)self)->rotate <= 0;
}

static const tsr_augmentation_ops ops = { .place = place, .is_idle = is_idle };

static const tsr_plugin plugin = {
    TSR_AUGMENTATION_PLUGIN(&ops),
    .name = "rotate",
    .version = "1.0.0",
    .summary = "turns images by a random angle",
    .licence = "MIT",
    TSR_INSTANCE(rotate),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
