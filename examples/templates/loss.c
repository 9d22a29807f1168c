/* @NAME@: the squared distance of outputs that are near their targets, the plain one of others (Huber 1964).
   Write what yours does. */
#include <math.h>
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    double near;
    int target;
} settings;

static const char *const targets[] = { "values", "input", NULL };

static const tsr_key keys[] = {
    TSR_KEY_REAL(settings, near, 1.0, 1e-6, 1e6, "what counts as near"),
    TSR_KEY_ENUM(settings, target, "values", targets,
                 "values: the dataset's targets; input: the example itself"),
    TSR_KEY_END,
};

/* What outputs are compared with. A loss that compares with class labels leaves this out. */
static tsr_target target(const void *self)
{
    return ((const settings *)self)->target ? TSR_TARGET_INPUT : TSR_TARGET_VALUES;
}

/* The sum over the examples; the gradient is that sum's, times `scale`. */
static double evaluate(const void *self, const tsr_loss_batch *batch)
{
    const double near = ((const settings *)self)->near;
    double loss = 0;
    for (size_t i = 0; i < batch->n * batch->width; i++) {
        double error = (double)batch->outputs[i] - (double)batch->targets[i], distance = fabs(error);
        bool is_near = distance <= near;
        loss += is_near ? 0.5 * error * error : near * (distance - 0.5 * near);
        if (batch->gradient)
            batch->gradient[i] = (float)((double)batch->scale * (is_near ? error : copysign(near, error)));
    }
    return loss;
}

static const tsr_loss_ops ops = { .evaluate = evaluate, .target = target };

static const tsr_plugin plugin = {
    TSR_LOSS_PLUGIN(&ops), .name = "@NAME@",
    .version = "0.1.0",    .summary = "squared near the target, plain far from it",
    .licence = "MIT",      TSR_INSTANCE(settings),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
