/* Plugins that hand the host every structure whose size goes with it, and read those that the host fills: a
   model of all operators with options and an operator of its own, and a probe that runs another one. */
#include "edge.h"

#include <tessera/tessera.h>

/* --- the operator "affine": each channel times its gain and a constant, plus what has been counted --- */

enum { N_KERNEL = 3 };

static void setup(tsr_setup *setup)
{
    static const float breakpoints[2] = { -0.5F, 0.5F };
    tsr_shape shape = tsr_setup_input(setup, 0);
    size_t n = tsr_shape_channels(shape);
    tsr_setup_output(setup, shape);
    tsr_setup_parameter(setup,
                        AT_EDGE(tsr_parameter_spec, .name = "gain", .role = TSR_ROLE_SCALE, .n_dims = 1,
                                .dims = { n }, .init = TSR_INIT_FAN_UNIFORM, .fan_in = 2, .fan_out = 2));
    tsr_setup_constant(setup, AT_EDGE(tsr_constant_spec, .name = "factor", .value = 2, .minimum = 1,
                                      .maximum = 3, .pytorch = 2));
    tsr_setup_code(setup, 2, breakpoints);
}

static float factor(const tsr_pass *pass, size_t c)
{
    return (float)pass->constants[0] * pass->parameters[0][c];
}

static void forward(const tsr_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape), positions = tsr_shape_positions(pass->shape);
    for (size_t i = 0; i < pass->n * channels; i++)
        for (size_t j = i * positions; j < (i + 1) * positions; j++)
            pass->output[j] = factor(pass, i % channels) * pass->inputs[0][j];
}

static void backward(const tsr_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape), positions = tsr_shape_positions(pass->shape);
    const float *dy = pass->output_gradient, *x = pass->inputs[0];
    for (size_t c = 0; c < channels; c++)
        pass->parameter_gradients[0][c] = 0;
    for (size_t i = 0; i < pass->n * channels; i++)
        for (size_t j = i * positions; j < (i + 1) * positions; j++) {
            pass->parameter_gradients[0][i % channels] += (float)pass->constants[0] * dy[j] * x[j];
            if (pass->input_gradients[0])
                pass->input_gradients[0][j] = factor(pass, i % channels) * dy[j];
        }
}

static tsr_status *line(const tsr_line_pass *pass)
{
    size_t channels = tsr_shape_channels(pass->shape), positions = tsr_shape_positions(pass->shape);
    for (size_t i = 0; i < pass->n * channels; i++)
        for (size_t j = i * positions; j < (i + 1) * positions; j++) {
            double by = pass->constants[0] * (double)pass->parameters[0][i % channels];
            pass->value[j] = by * pass->values[0][j];
            pass->slope[j] = by * pass->slopes[0][j];
            for (int b = 0; b < 2; b++)
                tsr_line_meet(pass->t[i / channels], pass->values[0][j], pass->slopes[0][j], b - 0.5,
                              &pass->next[i / channels]);
        }
    return NULL;
}

static const tsr_op affine = TSR_OP(.name = "affine", .flags = TSR_OP_READS_INPUTS, .setup = setup,
                                    .forward = forward, .backward = backward, .line = line);

/* --- the model --- */

typedef struct model {
    tsr_instance *activation;
} model;

static const tsr_key model_keys[] = {
    TSR_KEY_PLUGIN(model, activation, TSR_ACTIVATION, "relu", "activation"),
    TSR_KEY_END,
};

/* 1 x 8 x 8 in. */
static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int classes)
{
    const tsr_pool_options *window =
        AT_EDGE(tsr_pool_options, .size_h = 2, .size_w = 2, .stride_h = 2, .stride_w = 2);
    (void)self;
    x = tsr_conv2d_with(g, x,
                        AT_EDGE(tsr_conv2d_options, .channels = 4, .kernel_h = N_KERNEL, .kernel_w = N_KERNEL,
                                .stride_h = 1, .stride_w = 1, .padding_h = 1, .padding_w = 1, .bias = true));
    x = tsr_batch_norm_with(g, x, AT_EDGE(tsr_batch_norm_options, .epsilon = 1e-5, .momentum = 0.9));
    x = tsr_activate(g, tsr_apply(g, at_edge(&affine, sizeof(affine)), NULL, 1, &x));
    tsr_node *winners = tsr_max_pool_winners(g, x, window);
    tsr_node *halves[] = { tsr_max_pool_with(g, x, window), tsr_average_pool_with(g, x, window) };
    x = tsr_concat(g, 0, 2, halves);
    tsr_tap(g, winners, "winners", 1, &(float){ 0.5F });
    x = tsr_reshape(g, x, TSR_SHAPE(8, 16));
    x = tsr_conv1d_with(g, x,
                        AT_EDGE(tsr_conv1d_options, .channels = 8, .kernel = N_KERNEL, .padding = 2,
                                .groups = 8, .dilation = 2));
    x = tsr_linear_with(g, x, AT_EDGE(tsr_linear_options, .width = 4, .bias = true));
    return tsr_dense(g, x, classes);
}

static const tsr_model_ops model_ops = { .build = build };

static const tsr_plugin model_plugin = {
    TSR_MODEL_PLUGIN(&model_ops),
    .name = "every_size",
    .version = "1.0.0",
    .summary = "all operators with options",
    .licence = "MIT",
    TSR_INSTANCE(model),
    .keys = model_keys,
};

/* --- the probe --- */

typedef struct probe {
    tsr_instance *inner;
} probe;

static const tsr_key probe_keys[] = {
    TSR_KEY_PLUGIN(probe, inner, TSR_PROBE, "redundancy", "what is run on the same codes"),
    TSR_KEY_END,
};

static tsr_status *run(const void *self, const tsr_probing *probing)
{
    const probe *p = self;
    for (size_t i = 0; i < tsr_network_n_layers(probing->network); i++) {
        tsr_layer_info *info = AT_EDGE(tsr_layer_info, .name = NULL);
        tsr_network_layer_sized(probing->network, i, info, sizeof(*info));
        double told = (double)(info->units + 1000 * info->channels + 1000000 * info->n_breakpoints);
        TSR_TRY(tsr_metric_f(probing, told + (double)info->first / 65536, "layer%zu", i));
    }
    return tsr_run_probe(at_edge(probing, sizeof(*probing)), p->inner, "inner");
}

static const tsr_metric_info metrics[] = {
    TSR_METRIC("layer#", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "what is told of a layer"),
    TSR_METRICS_END,
};

static const tsr_probe_ops probe_ops = { .run = run, .metrics = metrics, .needs = TSR_PROBE_NETWORK };

static const tsr_plugin probe_plugin = {
    TSR_PROBE_PLUGIN(&probe_ops),
    .name = "tells_sizes",
    .version = "1.0.0",
    .summary = "what is told of layers",
    .licence = "MIT",
    TSR_INSTANCE(probe),
    .keys = probe_keys,
};
TSR_PLUGINS(&model_plugin, &probe_plugin)
