/* Residual networks for small images (He, Zhang, Ren and Sun 2015): a 3 x 3 convolution, stages of basic
   blocks that halve the image and double the channels from one stage to the next, the mean of each map, a
   dense layer. Depth 18 has four stages of two blocks with 64 to 512 channels; 20, 32 and 56 are
   section 4.2's, three stages of 3, 5 and 9 blocks with 16, 32 and 64. Where a block changes the shape, its
   shortcut is a 1 x 1 convolution with batch norm: option B of section 3.3. Section 4.2's own networks pad
   with zeros there (option A) and have 2,752 parameters fewer. Every convolution is followed by batch norm,
   hence has no bias. */
#include <tessera/model.h>

typedef struct resnet {
    int depth;
    double width_multiplier;
    double epsilon, momentum; /* batch norm's */
    tsr_instance *activation;
} resnet;

static const tsr_key keys[] = {
    TSR_KEY_INT(resnet, depth, 20, 18, 56, "layers with weights: 18, 20, 32 or 56", .unit = "layers"),
    TSR_KEY_REAL(resnet, width_multiplier, 1.0, 0.001, 64.0,
                 "multiplies the channels of every stage, rounded, at least 1 each"),
    TSR_KEY_REAL(resnet, epsilon, TSR_BATCH_NORM_EPSILON, 1e-30, 1e3,
                 "batch norm's, added to variances; with weights, by default what their file has",
                 .constant = "epsilon"),
    TSR_KEY_REAL(resnet, momentum, TSR_BATCH_NORM_MOMENTUM, 0.0, 1.0,
                 "what batch norm's running statistics keep at each step (PyTorch's is 1 - this); with "
                 "weights, by default what their file has",
                 .constant = "momentum"),
    TSR_KEY_PLUGIN(resnet, activation, TSR_ACTIVATION, "relu", "activation of the hidden units"),
    TSR_KEY_END,
};

typedef struct plan {
    int depth, stages, blocks, channels; /* of the first stage */
} plan;

static const plan plans[] = { { 18, 4, 2, 64 }, { 20, 3, 3, 16 }, { 32, 3, 5, 16 }, { 56, 3, 9, 16 } };

static const plan *plan_of(int depth)
{
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
        if (plans[i].depth == depth)
            return &plans[i];
    return NULL;
}

static int scaled(const resnet *m, int channels)
{
    int n = (int)(m->width_multiplier * channels + 0.5);
    return n > 1 ? n : 1;
}

/* Convolution and batch norm; their names end with `suffix`, "" or a number. */
static tsr_node *convolve(const resnet *m, tsr_graph *g, tsr_node *x, int channels, int kernel, int stride,
                          const char *suffix)
{
    x = tsr_named(g, tsr_conv2d(g, x, channels, kernel, stride, kernel / 2), "conv%s", suffix);
    tsr_batch_norm_options options = { .epsilon = m->epsilon, .momentum = m->momentum };
    return tsr_named(g, tsr_batch_norm_with(g, x, &options), "norm%s", suffix);
}

static tsr_node *block(const resnet *m, tsr_graph *g, tsr_node *x, int channels, int stride)
{
    tsr_node *shortcut = x;
    if (stride != 1 || tsr_shape_channels(tsr_node_shape(x)) != (size_t)channels) {
        tsr_scope(g, "shortcut");
        shortcut = convolve(m, g, x, channels, 1, stride, "");
        tsr_scope_end(g);
    }
    x = convolve(m, g, x, channels, 3, stride, "1");
    x = tsr_named(g, tsr_activate(g, x), "activation1");
    x = convolve(m, g, x, channels, 3, 1, "2");
    x = tsr_named(g, tsr_add(g, x, shortcut), "add");
    return tsr_named(g, tsr_activate(g, x), "activation2");
}

static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int outputs)
{
    const resnet *m = self;
    const plan *p = plan_of(m->depth);
    if (!p) {
        tsr_graph_fail(g, "depth is %d, expected 18, 20, 32 or 56", m->depth);
        return x;
    }
    tsr_scope(g, "stem");
    x = convolve(m, g, x, scaled(m, p->channels), 3, 1, "");
    x = tsr_named(g, tsr_activate(g, x), "activation");
    tsr_scope_end(g);
    for (int stage = 0; stage < p->stages; stage++)
        for (int i = 0; i < p->blocks; i++) {
            tsr_scope(g, "stage.%d.block.%d", stage, i);
            x = block(m, g, x, scaled(m, p->channels << stage), stage && !i ? 2 : 1);
            tsr_scope_end(g);
        }
    x = tsr_named(g, tsr_global_average_pool(g, x), "pool");
    return tsr_named(g, tsr_dense(g, x, outputs), "output");
}

static const tsr_model_ops ops = { .build = build };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "resnet",
    .version = "1.0.0",     .summary = "residual network for small images",
    .licence = "MIT",       TSR_INSTANCE(resnet),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
