/* Activation: an activation plugin's function on every unit. Its inputs are what the neural code is taken
   from, so it never works in place. */
#include "nn/graph.h"
#include "nn/ops/ops.h"
#include "plugin/settings.h"

#include <math.h>

#define MOST_BREAKPOINTS 64

tsr_node *tsr_activate_with(tsr_graph *graph, tsr_node *x, const tsr_instance *activation)
{
    tsr_activation_config config = { 0 };
    if (!activation)
        tsr_graph_fail(graph, "an activation is NULL");
    else if (tsr_instance_loaded(activation)->plugin.kind != TSR_ACTIVATION)
        tsr_graph_fail(graph, "plugin %s cannot activate: it is no activation",
                       tsr_instance_name(activation));
    else
        config = (tsr_activation_config){ .ops = tsr_instance_ops(activation),
                                          .self = tsr_instance_self(activation),
                                          .name = tsr_instance_name(activation) };
    return tsr_apply(graph, &tsr_op_activation, &config, 1, &x);
}

tsr_node *tsr_activate(tsr_graph *graph, tsr_node *x)
{
    const tsr_instance *activation = graph ? tsr_instance_nested(graph->model, TSR_ACTIVATION) : NULL;
    if (!activation)
        tsr_graph_fail(graph,
                       "no activation is configured: the model declares no parameter of that kind, or it is "
                       "not given");
    return tsr_activate_with(graph, x, activation);
}

size_t tsr_activation_breakpoints(const tsr_activation_config *config, size_t room, float *at)
{
    if (config->ops->breakpoints)
        return config->ops->breakpoints(config->self, room, at);
    if (room)
        at[0] = 0;
    return 1;
}

static void check_breakpoints(tsr_setup *setup, const tsr_activation_config *config)
{
    float at[MOST_BREAKPOINTS];
    size_t n = tsr_activation_breakpoints(config, MOST_BREAKPOINTS, at);
    if (n < 1 || n > MOST_BREAKPOINTS) {
        tsr_setup_fail(setup, "activation %s has %zu breakpoints, expected 1 to %d", config->name, n,
                       MOST_BREAKPOINTS);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(at[i]) || (i && at[i] <= at[i - 1]))
            tsr_setup_fail(setup, "activation %s: breakpoint %zu is %g, expected finite and ascending ones",
                           config->name, i, (double)at[i]);
}

static void setup(tsr_setup *setup)
{
    const tsr_activation_config *config = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    tsr_setup_output(setup, shape);
    check_breakpoints(setup, config);
    if (!config->ops->learned_name)
        return;
    double initial = config->ops->learned_initial ? config->ops->learned_initial(config->self) : 0;
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = config->ops->learned_name,
                                                      .role = TSR_ROLE_SLOPE,
                                                      .n_dims = 1,
                                                      .dims = { shape.c },
                                                      .constant = (float)initial });
    tsr_setup_scratch(setup, tsr_shape_size(shape), 0);
}

static tsr_units units_of(const tsr_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    return (tsr_units){
        .samples = pass->n,
        .channels = pass->shape.c,
        .positions = pass->shape.h * pass->shape.w,
        .x = pass->inputs[0],
        .learned = config->ops->learned_name ? pass->parameters[0] : NULL,
    };
}

static void forward(const tsr_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    tsr_units units = units_of(pass);
    config->ops->forward(config->self, &units, pass->output);
}

/* An activation always writes dx; where nothing below wants it (it learns, right behind the input), into
   scratch. */
static void backward(const tsr_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    tsr_units units = units_of(pass);
    float *dx = pass->input_gradients[0] ? pass->input_gradients[0] : pass->scratch;
    config->ops->backward(config->self, &units, pass->output_gradient, dx,
                          config->ops->learned_name ? pass->parameter_gradients[0] : NULL);
}

const tsr_op tsr_op_activation = {
    .size = sizeof(tsr_op),
    .name = "activation",
    .config_size = sizeof(tsr_activation_config),
    .flags = TSR_OP_READS_INPUTS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
