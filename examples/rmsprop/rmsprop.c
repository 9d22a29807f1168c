/* rmsprop: steps divided by a running root mean square of the gradient (Tieleman and Hinton 2012), as
   PyTorch's RMSprop without momentum. */
#include <math.h>
#include <tessera/tessera.h>

typedef struct settings {
    double learning_rate, decay, epsilon;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, learning_rate, 0.003, 0.0, 1e3, "step of a parameter whose gradient is steady"),
    TSR_KEY_REAL(settings, decay, 0.99, 0.0, 0.999999, "what the running mean keeps of itself at each step"),
    TSR_KEY_REAL(settings, epsilon, 1e-8, 1e-12, 1.0, "is added to the root"),
    TSR_KEY_END,
};

static size_t slots(const void *self)
{
    (void)self;
    return 1;
}

static void update(const void *self, const tsr_update *update)
{
    const settings *o = self;
    const float rate = (float)(o->learning_rate * update->rate_factor), decay = (float)o->decay;
    const float epsilon = (float)o->epsilon;
    float *squares = update->slots[0];
    for (size_t i = 0; i < update->n; i++) {
        float gradient = update->gradients[i];
        squares[i] = decay * squares[i] + (1 - decay) * gradient * gradient;
        update->values[i] -= rate * gradient / (sqrtf(squares[i]) + epsilon);
    }
}

static const tsr_optimizer_ops ops = { .slots = slots, .update = update, .elementwise = true };

static const tsr_plugin plugin = {
    TSR_OPTIMIZER_PLUGIN(&ops), .name = "rmsprop",      .version = "1.0.0", .summary = "RMSProp",
    .licence = "MIT",           TSR_INSTANCE(settings), .keys = keys,
};
TSR_PLUGINS(&plugin)
