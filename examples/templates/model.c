/* @NAME@: two hidden layers, the second half as wide as the first. Write what yours does. */
#include <tessera/tessera.h>

/* The host allocates one of these for each use in a config and fills it by the declarations. */
typedef struct settings {
    int width;
    double epsilon;
    tsr_instance *activation; /* what tsr_activate applies */
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, width, 64, 2, 1 << 16, "units of the first hidden layer", .unit = "units"),
    TSR_KEY_REAL(settings, epsilon, TSR_BATCH_NORM_EPSILON, 1e-30, 1e3, "batch norm's, added to variances",
                 .constant = "epsilon"), /* a constant of operators: saved with the model */
    TSR_KEY_PLUGIN(settings, activation, TSR_ACTIVATION, "relu", "activation of the hidden units"),
    TSR_KEY_END,
};

/* From the input to the logits. Errors stick to the graph, so nothing is checked here; shapes, gradients,
   memory and the code's bits are the host's. Names are those that saved parameters have. */
static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *x, int outputs)
{
    const settings *m = self;
    tsr_batch_norm_options norm = { .epsilon = m->epsilon, .momentum = TSR_BATCH_NORM_MOMENTUM };
    for (int i = 0; i < 2; i++) {
        x = tsr_named(graph, tsr_dense(graph, x, m->width >> i), "hidden.%d", i);
        x = tsr_named(graph, tsr_batch_norm_with(graph, x, &norm), "norm.%d", i);
        x = tsr_named(graph, tsr_activate(graph, x), "activation.%d", i);
    }
    return tsr_named(graph, tsr_dense(graph, x, outputs), "output");
}

static const tsr_model_ops ops = { .build = build };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "@NAME@",       .version = "0.1.0", .summary = "a tapering perceptron",
    .licence = "MIT",       TSR_INSTANCE(settings), .keys = keys,
};
TSR_PLUGINS(&plugin)
