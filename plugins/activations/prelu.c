/* Parametric rectified linear unit (He, Zhang, Ren and Sun 2015): x where positive, elsewhere x times a slope
   that each channel learns. */
#include <string.h>
#include <tessera/activation.h>
#include <tessera/multiversion.h>

typedef struct prelu {
    double initial;
} prelu;

static const tsr_key keys[] = {
    TSR_KEY_REAL(prelu, initial, 0.25, -10.0, 10.0, "slope of negative inputs before training"),
    TSR_KEY_END,
};

/* One position per channel, a dense layer: slopes go along a row. */
TSR_MULTIVERSION(forward_rows, (const tsr_units *units, float *restrict y), (units, y))
{
    size_t n = units->channels;
    const float *restrict slope = units->learned;
    for (size_t s = 0; s < units->samples; s++) {
        const float *restrict x = units->x + s * n;
        float *restrict out = y + s * n;
#pragma omp simd
        for (size_t c = 0; c < n; c++)
            out[c] = x[c] * (x[c] > 0 ? 1 : slope[c]);
    }
}

/* dx may be dy. */
TSR_MULTIVERSION(backward_rows, (const tsr_units *units, const float *dy, float *dx, float *restrict d_slope),
                 (units, dy, dx, d_slope))
{
    size_t n = units->channels;
    const float *restrict slope = units->learned;
    for (size_t s = 0; s < units->samples; s++) {
        const float *x = units->x + s * n;
        const float *in = dy + s * n;
        float *out = dx + s * n;
#pragma omp simd
        for (size_t c = 0; c < n; c++) {
            float g = in[c];
            d_slope[c] += x[c] > 0 ? 0 : g * x[c];
            out[c] = g * (x[c] > 0 ? 1 : slope[c]);
        }
    }
}

/* More positions, an image: one slope for a plane. */
TSR_MULTIVERSION(forward_plane, (size_t n, float slope, const float *restrict x, float *restrict y),
                 (n, slope, x, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * (x[i] > 0 ? 1 : slope);
}

TSR_MULTIVERSION_OF(float, backward_plane,
                    (size_t n, float slope, const float *x, const float *dy, float *dx),
                    (n, slope, x, dy, dx))
{
    float d_slope = 0;
#pragma omp simd reduction(+ : d_slope)
    for (size_t i = 0; i < n; i++) {
        float g = dy[i];
        d_slope += x[i] > 0 ? 0 : g * x[i];
        dx[i] = g * (x[i] > 0 ? 1 : slope);
    }
    return d_slope;
}

static void forward(const void *self, const tsr_units *units, float *y)
{
    (void)self;
    size_t n = units->positions, planes = units->samples * units->channels;
    if (n == 1) {
        forward_rows(units, y);
        return;
    }
    for (size_t i = 0; i < planes; i++)
        forward_plane(n, units->learned[i % units->channels], units->x + i * n, y + i * n);
}

static void backward(const void *self, const tsr_units *units, const float *dy, float *dx, float *d_slope)
{
    (void)self;
    size_t n = units->positions, planes = units->samples * units->channels;
    memset(d_slope, 0, units->channels * sizeof(float));
    if (n == 1) {
        backward_rows(units, dy, dx, d_slope);
        return;
    }
    for (size_t i = 0; i < planes; i++) {
        size_t c = i % units->channels;
        d_slope[c] += backward_plane(n, units->learned[c], units->x + i * n, dy + i * n, dx + i * n);
    }
}

static double initial(const void *self)
{
    return ((const prelu *)self)->initial;
}

static void piece(const void *self, double learned, size_t number, double *slope, double *offset)
{
    (void)self;
    *slope = number ? 1 : learned;
    *offset = 0;
}

static const tsr_activation_ops ops = {
    .forward = forward,
    .backward = backward,
    .learned_name = "weight",
    .learned_initial = initial,
    .piece = piece,
};

static const tsr_plugin plugin = {
    TSR_ACTIVATION_PLUGIN(&ops),
    .name = "prelu",
    .version = "1.0.0",
    .summary = "x where positive, a learned slope times x elsewhere",
    .licence = "MIT",
    TSR_INSTANCE(prelu),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
