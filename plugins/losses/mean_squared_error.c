/* Mean squared error: the mean over an example's outputs of (output - target)^2. The target is the example
   itself, for an autoencoder, the dataset's values, for a regression, or 1 for the label's class and 0 for
   the others. */
#include <tessera/loss.h>

typedef struct mean_squared_error {
    int target;
} mean_squared_error;

enum { TARGET_VALUES, TARGET_INPUT, TARGET_LABEL };
static const char *const targets[] = { "values", "input", "label", NULL };

static const tsr_key keys[] = {
    TSR_KEY_ENUM(
        mean_squared_error, target, "values", targets,
        "what outputs are compared with; values: the dataset's; input: the example itself; label: 1 for "
        "its class, 0 for others"),
    TSR_KEY_END,
};

static tsr_target target(const void *self)
{
    static const tsr_target of[] = { [TARGET_VALUES] = TSR_TARGET_VALUES,
                                     [TARGET_INPUT] = TSR_TARGET_INPUT,
                                     [TARGET_LABEL] = TSR_TARGET_LABELS };
    return of[((const mean_squared_error *)self)->target];
}

/* Of one example whose target is `targets` or, where that is NULL, 1 at the label. */
static double example_loss(const tsr_loss_batch *batch, size_t i)
{
    size_t width = batch->width, label = batch->targets ? 0 : (size_t)batch->labels[i];
    const float *outputs = batch->outputs + i * width;
    const float *wanted = batch->targets ? batch->targets + i * width : NULL;
    float *gradient = batch->gradient ? batch->gradient + i * width : NULL;
    float factor = 2 * batch->scale / (float)width;
    double sum = 0;
    for (size_t j = 0; j < width; j++) {
        float error = outputs[j] - (wanted ? wanted[j] : (float)(j == label));
        sum += (double)error * (double)error;
        if (gradient)
            gradient[j] = factor * error;
    }
    return sum / (double)width;
}

static double evaluate(const void *self, const tsr_loss_batch *batch)
{
    (void)self;
    double loss = 0;
    for (size_t i = 0; i < batch->n; i++)
        loss += example_loss(batch, i);
    return loss;
}

static const tsr_loss_ops ops = { .evaluate = evaluate, .target = target };

static const tsr_plugin plugin = {
    TSR_LOSS_PLUGIN(&ops),
    .name = "mean_squared_error",
    .version = "1.0.0",
    .summary = "mean over the outputs of their squared distance to the input, or to the dataset's targets",
    .licence = "MIT",
    TSR_INSTANCE(mean_squared_error),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
