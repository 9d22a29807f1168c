/* Stochastic gradient descent with momentum v = momentum v + g and step w -= rate v; Nesterov's form steps by
   g + momentum v (Sutskever, Martens, Dahl and Hinton 2013, as PyTorch writes it). */
#include <tessera/multiversion.h>
#include <tessera/optimizer.h>

typedef struct sgd {
    double learning_rate, momentum;
    bool nesterov;
} sgd;

static const tsr_key keys[] = {
    TSR_KEY_REAL(sgd, learning_rate, 0.01, 0.0, 1e6, "step size, before the schedule"),
    TSR_KEY_REAL(sgd, momentum, 0.0, 0.0, 1.0, "how much of the last step's velocity is kept"),
    TSR_KEY_BOOL(sgd, nesterov, false, "look ahead along the velocity; needs momentum"),
    TSR_KEY_END,
};

static tsr_status *init(void *self)
{
    const sgd *config = self;
    if (config->nesterov && config->momentum <= 0)
        return tsr_fail(TSR_REFUSED, "nesterov = true needs a momentum greater than 0");
    return NULL;
}

static size_t slots(const void *self)
{
    return ((const sgd *)self)->momentum > 0 ? 1 : 0;
}

TSR_MULTIVERSION(step, (size_t n, float rate, const float *restrict g, float *restrict w), (n, rate, g, w))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        w[i] -= rate * g[i];
}

TSR_MULTIVERSION(step_heavy,
                 (size_t n, float rate, float momentum, const float *restrict g, float *restrict v,
                  float *restrict w),
                 (n, rate, momentum, g, v, w))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + g[i];
        w[i] -= rate * v[i];
    }
}

TSR_MULTIVERSION(step_nesterov,
                 (size_t n, float rate, float momentum, const float *restrict g, float *restrict v,
                  float *restrict w),
                 (n, rate, momentum, g, v, w))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + g[i];
        w[i] -= rate * (g[i] + momentum * v[i]);
    }
}

static void update(const void *self, const tsr_update *u)
{
    const sgd *config = self;
    float rate = (float)(config->learning_rate * u->rate_factor), momentum = (float)config->momentum;
    if (momentum <= 0)
        step(u->n, rate, u->gradients, u->values);
    else if (config->nesterov)
        step_nesterov(u->n, rate, momentum, u->gradients, u->slots[0], u->values);
    else
        step_heavy(u->n, rate, momentum, u->gradients, u->slots[0], u->values);
}

static const tsr_optimizer_ops ops = { .slots = slots, .update = update, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_OPTIMIZER_PLUGIN(&ops),
    .name = "sgd",
    .version = "1.0.0",
    .summary = "stochastic gradient descent, with momentum and Nesterov's form of it",
    .licence = "MIT",
    TSR_INSTANCE(sgd),
    .keys = keys,
    .init = init,
};
TSR_PLUGINS(&plugin)
