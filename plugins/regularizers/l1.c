/* L1: weight times the sum of |w|. Its gradient is the weight times the sign, and 0 at 0. */
#include <tessera/multiversion.h>
#include <tessera/regularizer.h>

typedef struct l1 {
    double weight;
} l1;

static const tsr_key keys[] = {
    TSR_KEY_REAL(l1, weight, 1e-6, 0.0, 1e6, "what the sum of |w| is multiplied by"),
    TSR_KEY_END,
};

TSR_MULTIVERSION_OF(double, sum, (size_t n, const float *restrict w), (n, w))
{
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += w[i] < 0 ? -w[i] : w[i];
    return total;
}

TSR_MULTIVERSION(add_gradient, (size_t n, float weight, const float *restrict w, float *restrict gradient),
                 (n, weight, w, gradient))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        gradient[i] += w[i] > 0 ? weight : w[i] < 0 ? -weight : 0;
}

static double penalty(const void *self, const tsr_parameter *parameter, float *gradient)
{
    const l1 *config = self;
    if (gradient)
        add_gradient(parameter->n, (float)config->weight, parameter->values, gradient);
    return config->weight * sum(parameter->n, parameter->values);
}

static const tsr_regularizer_ops ops = { .penalty = penalty, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_REGULARIZER_PLUGIN(&ops),
    .name = "l1",
    .version = "1.0.0",
    .summary = "weight times the sum of absolute values",
    .licence = "MIT",
    TSR_INSTANCE(l1),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
