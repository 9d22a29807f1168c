/* Adam (Kingma and Ba 2015, algorithm 1; epsilon stands outside the corrected root, as there and in PyTorch).
   One pass over the parameters; both bias corrections are taken out of it. */
#include <math.h>
#include <tessera/hot.h>
#include <tessera/optimizer.h>

typedef struct adam {
    double learning_rate, beta1, beta2, epsilon;
} adam;

static const tsr_param params[] = {
    TSR_PARAM_REAL(adam, learning_rate, 0.001, 0.0, 1e6, "step size, before the schedule"),
    TSR_PARAM_REAL(adam, beta1, 0.9, 0.0, 0.9999999, "how much of the mean gradient is kept at each step"),
    TSR_PARAM_REAL(adam, beta2, 0.999, 0.0, 0.9999999, "how much of the mean squared gradient is kept"),
    TSR_PARAM_REAL(adam, epsilon, 1e-8, 1e-30, 1.0, "added to the root of the mean squared gradient"),
    TSR_PARAM_END,
};

static size_t slots(const void *self)
{
    (void)self;
    return 2;
}

/* What is the same for all parameters in one step. Means that decay turn subnormal in the end; the host
   flushes those to zero, and epsilon keeps the quotient defined. */
typedef struct factors {
    float keep1, take1, keep2, take2, rate, root, epsilon;
} factors;

TSR_HOT static void step(size_t n, factors f, const float *restrict gradients, float *restrict mean,
                         float *restrict square, float *restrict w)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = gradients[i];
        float m = f.keep1 * mean[i] + f.take1 * g;
        float v = f.keep2 * square[i] + f.take2 * (g * g);
        mean[i] = m;
        square[i] = v;
        w[i] -= f.rate * m / (sqrtf(v) * f.root + f.epsilon);
    }
}

static void update(const void *self, const tsr_update *u)
{
    const adam *config = self;
    double t = (double)u->step;
    factors f = {
        .keep1 = (float)config->beta1,
        .take1 = (float)(1 - config->beta1),
        .keep2 = (float)config->beta2,
        .take2 = (float)(1 - config->beta2),
        .rate = (float)(config->learning_rate * u->rate_factor / (1 - pow(config->beta1, t))),
        .root = (float)(1 / sqrt(1 - pow(config->beta2, t))),
        .epsilon = (float)config->epsilon,
    };
    step(u->n, f, u->gradients, u->slots[0], u->slots[1], u->values);
}

static const tsr_optimizer_ops ops = { .slots = slots, .update = update };

static const tsr_plugin plugin = {
    TSR_OPTIMIZER_PLUGIN(&ops),
    .name = "adam",
    .version = "1.0.0",
    .summary = "Adam: steps scaled by running means of the gradient and its square",
    .licence = "MIT",
    TSR_INSTANCE(adam),
    .params = params,
};
TSR_PLUGINS(&plugin)
