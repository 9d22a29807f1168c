/* Leaky rectified linear unit (Maas, Hannun and Ng 2013): x where positive, a fixed slope times x elsewhere.
 */
#include <tessera/activation.h>
#include <tessera/multiversion.h>

typedef struct leaky_relu {
    float slope;
} leaky_relu;

static const tsr_key keys[] = {
    TSR_KEY_REAL(leaky_relu, slope, 0.01, 0.0, 1.0, "what negative inputs are multiplied by"),
    TSR_KEY_END,
};

TSR_MULTIVERSION(leak, (size_t n, float slope, const float *restrict x, float *restrict y), (n, slope, x, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * (x[i] > 0 ? 1 : slope);
}

/* dx may be dy. */
TSR_MULTIVERSION(gate, (size_t n, float slope, const float *x, const float *dy, float *dx),
                 (n, slope, x, dy, dx))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (x[i] > 0 ? 1 : slope);
}

static void forward(const void *self, const tsr_units *units, float *y)
{
    const leaky_relu *config = self;
    leak(units->samples * units->channels * units->positions, config->slope, units->x, y);
}

static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned)
{
    const leaky_relu *config = self;
    (void)d_learned;
    gate(units->samples * units->channels * units->positions, config->slope, units->x, dy, dx);
}

static void piece(const void *self, double learned, size_t number, double *slope, double *offset)
{
    (void)learned;
    *slope = number ? 1 : (double)((const leaky_relu *)self)->slope;
    *offset = 0;
}

static const tsr_activation_ops ops = { .forward = forward, .backward = backward, .piece = piece };

static const tsr_plugin plugin = {
    TSR_ACTIVATION_PLUGIN(&ops),
    .name = "leaky_relu",
    .version = "1.0.0",
    .summary = "x where positive, slope times x elsewhere",
    .licence = "MIT",
    TSR_INSTANCE(leaky_relu),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
