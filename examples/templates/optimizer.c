/* @NAME@: gradient descent with momentum 0.9. Write what yours does. */
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    double learning_rate;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, learning_rate, 0.05, 0.0, 1e3, "step along the velocity"),
    TSR_KEY_END,
};

/* Floats of state per parameter. All state is there: one instance serves many networks. */
static size_t slots(const void *self)
{
    (void)self;
    return 1;
}

static void update(const void *self, const tsr_update *update)
{
    const settings *o = self;
    const float rate = (float)(o->learning_rate * update->rate_factor); /* the schedule's factor */
    float *velocity = update->slots[0];
    for (size_t i = 0; i < update->n; i++) {
        velocity[i] = 0.9f * velocity[i] + update->gradients[i];
        update->values[i] -= rate * velocity[i];
    }
}

/* Elementwise: the host may call it for parts of the parameters, from several threads. */
static const tsr_optimizer_ops ops = { .slots = slots, .update = update, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_OPTIMIZER_PLUGIN(&ops),
    .name = "@NAME@",
    .version = "0.1.0",
    .summary = "descent with momentum",
    .licence = "MIT",
    TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
