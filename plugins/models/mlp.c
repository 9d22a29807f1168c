/* Multilayer perceptron: per hidden layer dense - batch norm - activation - dropout, then a dense layer to
   the logits. Without hidden layers it is multinomial logistic regression. */
#include <tessera/model.h>

#define MAX_LAYERS 1000
#define MAX_UNITS (1 << 20)

typedef struct mlp {
    int width, depth;
    tsr_int_list widths;
    bool batch_norm;
    double epsilon, momentum; /* batch norm's */
    double dropout;
    tsr_instance *activation;
} mlp;

static const tsr_key keys[] = {
    TSR_KEY_INT(mlp, width, 100, 1, MAX_UNITS, "units of each hidden layer", .unit = "units"),
    TSR_KEY_INT(mlp, depth, 1, 0, MAX_LAYERS, "hidden layers; 0: none, a linear model", .unit = "layers"),
    TSR_KEY_INT_LIST(mlp, widths, NULL, 0, 1, MAX_UNITS,
                     "units of each hidden layer in turn, instead of width and depth", .unit = "units",
                     .list_max_length = MAX_LAYERS),
    TSR_KEY_BOOL(mlp, batch_norm, true, "normalise before each activation"),
    TSR_KEY_REAL(mlp, epsilon, TSR_BATCH_NORM_EPSILON, 1e-30, 1e3,
                 "batch norm's, added to variances; with weights, by default what their file has",
                 .constant = "epsilon"),
    TSR_KEY_REAL(mlp, momentum, TSR_BATCH_NORM_MOMENTUM, 0.0, 1.0,
                 "what batch norm's running statistics keep at each step (PyTorch's is 1 - this); with "
                 "weights, by default what their file has",
                 .constant = "momentum"),
    TSR_KEY_REAL(mlp, dropout, 0.0, 0.0, 0.999, "fraction of hidden units left out of each training step"),
    TSR_KEY_PLUGIN(mlp, activation, TSR_ACTIVATION, "relu", "activation of the hidden units"),
    TSR_KEY_END,
};

static tsr_node *normalise(const mlp *m, tsr_graph *g, tsr_node *x)
{
    tsr_batch_norm_options options = { .epsilon = m->epsilon, .momentum = m->momentum };
    return tsr_batch_norm_with(g, x, &options);
}

static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int outputs)
{
    const mlp *m = self;
    int depth = m->widths.n ? (int)m->widths.n : m->depth;
    for (int i = 0; i < depth; i++) {
        int width = m->widths.n ? (int)m->widths.values[i] : m->width;
        x = tsr_named(g, tsr_dense(g, x, width), "hidden.%d", i);
        if (m->batch_norm)
            x = tsr_named(g, normalise(m, g, x), "norm.%d", i);
        x = tsr_named(g, tsr_activate(g, x), "activation.%d", i);
        if (m->dropout > 0)
            x = tsr_named(g, tsr_dropout(g, x, m->dropout), "dropout.%d", i);
    }
    return tsr_named(g, tsr_dense(g, x, outputs), "output");
}

static const tsr_model_ops ops = { .build = build };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "mlp",     .version = "1.0.0", .summary = "multilayer perceptron",
    .licence = "MIT",       TSR_INSTANCE(mlp), .keys = keys,
};
TSR_PLUGINS(&plugin)
