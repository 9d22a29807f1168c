/* VGG for small images (Simonyan and Zisserman 2015, configurations D and E): five stages of 3 x 3
   convolutions with 64, 128, 256, 512 and 512 channels, each ending in a max pool that halves the image, then
   two dense layers of 512, or another width, with dropout, and one to the logits. Each convolution and hidden
   dense layer is followed by batch norm and activation; convolutions have a bias only where there is no batch
   norm. */
#include <tessera/model.h>

typedef struct vgg {
    int depth, hidden_width;
    double width_multiplier;
    bool batch_norm;
    double epsilon, momentum; /* batch norm's */
    double dropout;
    tsr_instance *activation;
} vgg;

static const tsr_key keys[] = {
    TSR_KEY_INT(vgg, depth, 16, 16, 19, "layers with weights: 16 or 19", .unit = "layers"),
    TSR_KEY_REAL(vgg, width_multiplier, 1.0, 0.001, 64.0,
                 "multiplies the channels and units of every hidden layer, rounded, at least 1 each"),
    TSR_KEY_INT(vgg, hidden_width, 512, 1, 65536,
                "units of each of the two hidden dense layers, before they are multiplied", .unit = "units"),
    TSR_KEY_BOOL(vgg, batch_norm, true, "normalise before each activation"),
    TSR_KEY_REAL(vgg, epsilon, TSR_BATCH_NORM_EPSILON, 1e-30, 1e3,
                 "batch norm's, added to variances; with weights, by default what their file has",
                 .constant = "epsilon"),
    TSR_KEY_REAL(vgg, momentum, TSR_BATCH_NORM_MOMENTUM, 0.0, 1.0,
                 "what batch norm's running statistics keep at each step (PyTorch's is 1 - this); with "
                 "weights, by default what their file has",
                 .constant = "momentum"),
    TSR_KEY_REAL(vgg, dropout, 0.5, 0.0, 0.999,
                 "fraction of the hidden dense layers' units left out of each training step"),
    TSR_KEY_PLUGIN(vgg, activation, TSR_ACTIVATION, "relu", "activation of the hidden units"),
    TSR_KEY_END,
};

#define STAGES 5
#define DENSE_LAYERS 2

static const int channels[STAGES] = { 64, 128, 256, 512, 512 };

static int scaled(const vgg *m, int units)
{
    int n = (int)(m->width_multiplier * units + 0.5);
    return n > 1 ? n : 1;
}

static tsr_node *normalise(const vgg *m, tsr_graph *g, tsr_node *x)
{
    tsr_batch_norm_options options = { .epsilon = m->epsilon, .momentum = m->momentum };
    return tsr_batch_norm_with(g, x, &options);
}

static tsr_node *convolve(const vgg *m, tsr_graph *g, tsr_node *x, int stage, int number)
{
    tsr_conv2d_options options = { .channels = scaled(m, channels[stage]),
                                   .kernel_h = 3,
                                   .kernel_w = 3,
                                   .stride_h = 1,
                                   .stride_w = 1,
                                   .padding_h = 1,
                                   .padding_w = 1,
                                   .bias = !m->batch_norm };
    x = tsr_named(g, tsr_conv2d_with(g, x, &options), "stage.%d.conv%d", stage, number);
    if (m->batch_norm)
        x = tsr_named(g, normalise(m, g, x), "stage.%d.norm%d", stage, number);
    return tsr_named(g, tsr_activate(g, x), "stage.%d.activation%d", stage, number);
}

static tsr_node *hidden(const vgg *m, tsr_graph *g, tsr_node *x, int number)
{
    x = tsr_named(g, tsr_dense(g, x, scaled(m, m->hidden_width)), "hidden.%d", number);
    if (m->batch_norm)
        x = tsr_named(g, normalise(m, g, x), "norm.%d", number);
    x = tsr_named(g, tsr_activate(g, x), "activation.%d", number);
    if (m->dropout > 0)
        x = tsr_named(g, tsr_dropout(g, x, m->dropout), "dropout.%d", number);
    return x;
}

static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int outputs)
{
    const vgg *m = self;
    if (m->depth != 16 && m->depth != 19) {
        tsr_graph_fail(g, "depth is %d, expected 16 or 19", m->depth);
        return x;
    }
    for (int stage = 0; stage < STAGES; stage++) {
        int convolutions = stage < 2 ? 2 : m->depth == 16 ? 3 : 4;
        for (int i = 1; i <= convolutions; i++)
            x = convolve(m, g, x, stage, i);
        x = tsr_named(g, tsr_max_pool(g, x, 2, 2), "stage.%d.pool", stage);
    }
    for (int i = 0; i < DENSE_LAYERS; i++)
        x = hidden(m, g, x, i);
    return tsr_named(g, tsr_dense(g, x, outputs), "output");
}

static const tsr_model_ops ops = { .build = build };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "vgg",     .version = "1.0.0", .summary = "VGG for small images",
    .licence = "MIT",       TSR_INSTANCE(vgg), .keys = keys,
};
TSR_PLUGINS(&plugin)
