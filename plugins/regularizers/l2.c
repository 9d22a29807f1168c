/* L2: weight times the sum of w^2 (no half before it, as in the paper's code). Its gradient is 2 weight w. */
#include <tessera/multiversion.h>
#include <tessera/regularizer.h>

typedef struct l2 {
    double weight;
} l2;

static const tsr_key keys[] = {
    TSR_KEY_REAL(l2, weight, 1e-6, 0.0, 1e6, "what the sum of w^2 is multiplied by"),
    TSR_KEY_END,
};

TSR_MULTIVERSION_OF(double, sum_squares, (size_t n, const float *restrict w), (n, w))
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)w[i] * (double)w[i];
    return sum;
}

/* The same, and the gradient in the same pass. */
TSR_MULTIVERSION_OF(double, sum_and_add,
                    (size_t n, float factor, const float *restrict w, float *restrict gradient),
                    (n, factor, w, gradient))
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        sum += (double)w[i] * (double)w[i];
        gradient[i] += factor * w[i];
    }
    return sum;
}

static double penalty(const void *self, const tsr_parameter *parameter, float *gradient)
{
    const l2 *config = self;
    double sum = gradient
                     ? sum_and_add(parameter->n, (float)(2 * config->weight), parameter->values, gradient)
                     : sum_squares(parameter->n, parameter->values);
    return config->weight * sum;
}

static const tsr_regularizer_ops ops = { .penalty = penalty, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_REGULARIZER_PLUGIN(&ops),
    .name = "l2",
    .version = "1.0.0",
    .summary = "weight times the sum of squares",
    .licence = "MIT",
    TSR_INSTANCE(l2),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
