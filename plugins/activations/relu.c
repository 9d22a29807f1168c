/* Rectified linear unit (Nair and Hinton 2010): max(x, 0). NaN passes through, so that training which went
   wrong shows in the loss. */
#include <tessera/activation.h>
#include <tessera/multiversion.h>

TSR_MULTIVERSION(rectify, (size_t n, const float *restrict x, float *restrict y), (n, x, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

/* dx may be dy. */
TSR_MULTIVERSION(gate, (size_t n, const float *x, const float *dy, float *dx), (n, x, dy, dx))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0 ? dy[i] : 0;
}

static void forward(const void *self, const tsr_units *units, float *y)
{
    (void)self;
    rectify(units->samples * units->channels * units->positions, units->x, y);
}

static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_learned)
{
    (void)self;
    (void)d_learned;
    gate(units->samples * units->channels * units->positions, units->x, dy, dx);
}

static void piece(const void *self, double learned, size_t number, double *slope, double *offset)
{
    (void)self, (void)learned;
    *slope = number ? 1 : 0;
    *offset = 0;
}

static const tsr_activation_ops ops = { .forward = forward, .backward = backward, .piece = piece };

static const tsr_plugin plugin = {
    TSR_ACTIVATION_PLUGIN(&ops),
    .name = "relu",
    .version = "1.0.0",
    .summary = "rectified linear unit, max(x, 0)",
    .licence = "MIT",
};
TSR_PLUGINS(&plugin)
