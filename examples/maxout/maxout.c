/* maxout: hidden layers whose units are the largest of several linear functions (Goodfellow et al. 2013), by
   an operator of the plugin's own. The code's bits come from an activation behind each layer. */
#include <tessera/tessera.h>

typedef struct settings {
    int width, pieces;
    tsr_instance *activation;
} settings;

static const tsr_key keys[] = {
    TSR_KEY_INT(settings, width, 64, 1, 1 << 16, "units of the hidden layer", .unit = "units"),
    TSR_KEY_INT(settings, pieces, 3, 2, 64, "linear functions of a unit"),
    TSR_KEY_PLUGIN(settings, activation, TSR_ACTIVATION, "leaky_relu", "activation of the hidden units"),
    TSR_KEY_END,
};

/* The operator: of every `pieces` values that follow one another, the largest. */
static void setup(tsr_setup *setup)
{
    const int *pieces = tsr_setup_config(setup);
    size_t n = tsr_shape_size(tsr_setup_input(setup, 0));
    if (n % (size_t)*pieces)
        tsr_setup_fail(setup, "%zu values cannot be dealt to units of %d", n, *pieces);
    tsr_setup_output(setup, TSR_SHAPE(n / (size_t)*pieces));
}

static size_t largest(const float *x, size_t pieces)
{
    size_t best = 0;
    for (size_t p = 1; p < pieces; p++)
        best = x[p] > x[best] || x[p] != x[p] ? p : best; /* a NaN wins: divergence stays visible */
    return best;
}

static void forward(const tsr_pass *pass)
{
    size_t pieces = (size_t) * (const int *)pass->config;
    for (size_t i = 0; i < pass->n * tsr_shape_channels(pass->shape); i++) {
        const float *x = pass->inputs[0] + i * pieces;
        pass->output[i] = x[largest(x, pieces)];
    }
}

static void backward(const tsr_pass *pass)
{
    size_t pieces = (size_t) * (const int *)pass->config;
    for (size_t i = 0; pass->input_gradients[0] && i < pass->n * tsr_shape_channels(pass->shape); i++) {
        size_t best = largest(pass->inputs[0] + i * pieces, pieces);
        for (size_t p = 0; p < pieces; p++)
            pass->input_gradients[0][i * pieces + p] = p == best ? pass->output_gradient[i] : 0;
    }
}

static const tsr_op maxout = {
    .size = sizeof(tsr_op),
    .name = "maxout",
    .config_size = sizeof(int),
    .flags = TSR_OP_READS_INPUTS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};

static tsr_node *build(const void *self, tsr_graph *graph, tsr_node *x, int classes)
{
    const settings *m = self;
    x = tsr_named(graph, tsr_dense(graph, x, m->width * m->pieces), "hidden");
    x = tsr_batch_norm(graph, tsr_apply(graph, &maxout, &m->pieces, 1, &x));
    x = tsr_named(graph, tsr_activate(graph, x), "activation");
    return tsr_named(graph, tsr_dense(graph, x, classes), "output");
}

static const tsr_model_ops ops = { .build = build };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "maxout",       .version = "1.0.0", .summary = "a maxout network",
    .licence = "MIT",       TSR_INSTANCE(settings), .keys = keys,
};
TSR_PLUGINS(&plugin)
