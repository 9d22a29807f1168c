/* @NAME@: the sum of sqrt(1 + x^2) - 1, a square near 0 and a straight line far from it. Write what yours
 * does. */
#include <math.h>
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    double weight;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, weight, 1e-4, 0.0, 1e6, "factor of the penalty"),
    TSR_KEY_END,
};

/* Returns the penalty and adds its gradient. Which parameters come here is the config's question (`on`). */
static double penalty(const void *self, const tsr_parameter *parameter, float *gradient)
{
    const settings *r = self;
    double sum = 0;
    for (size_t i = 0; i < parameter->n; i++) {
        double x = (double)parameter->values[i], root = sqrt(1 + x * x);
        sum += root - 1;
        if (gradient)
            gradient[i] += (float)(r->weight * x / root);
    }
    return r->weight * sum;
}

/* Elementwise: the host may call it for parts of a parameter, from several threads. */
static const tsr_regularizer_ops ops = { .penalty = penalty, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_REGULARIZER_PLUGIN(&ops),
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "a pseudo-Huber penalty",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
