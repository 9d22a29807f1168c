/* Activation: an activation plugin's function on every unit. Its inputs are what the neural code is taken
   from, so it never works in place. Feature maps go to the plugin sample by sample, so that threads can share
   a batch; what a slope learns from each sample is summed in the order of samples. Vectors go whole. */
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/kernels/channels.h"
#include "nn/ops/ops.h"

#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <tessera/multiversion.h>

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
    tsr_node *node = tsr_apply(graph, &tsr_op_activation, &config, 1, &x);
    if (node->graph && activation)
        node->call = tsr_instance_call(activation, TSR_CALL_FORWARD);
    return node;
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

size_t tsr_activation_breakpoints(const tsr_activation_config *config, size_t capacity, float *at)
{
    if (config->ops->breakpoints)
        return config->ops->breakpoints(config->self, capacity, at);
    if (capacity)
        at[0] = 0;
    return 1;
}

static bool moves_breakpoints(const tsr_activation_config *config)
{
    return config->ops->learned_breakpoints && config->ops->learned_name;
}

/* A layer of the code, unless the activation gives no bits. */
static void setup_code(tsr_setup *setup, const tsr_activation_config *config)
{
    float at[TSR_MAX_BREAKPOINTS];
    size_t n = tsr_activation_breakpoints(config, TSR_MAX_BREAKPOINTS, at);
    if (!moves_breakpoints(config))
        setup->node->op.breakpoints = NULL; /* of this node's own operator */
    if (n > TSR_MAX_BREAKPOINTS) {
        tsr_setup_fail(setup, "activation %s has %zu breakpoints, expected at most %d", config->name, n,
                       TSR_MAX_BREAKPOINTS);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(at[i]) || (i && at[i] <= at[i - 1])) {
            tsr_setup_fail(setup, "activation %s: breakpoint %zu is %g, expected finite and ascending ones",
                           config->name, i, (double)at[i]);
            return;
        }
    if (n)
        tsr_setup_code(setup, n, at);
}

static void setup(tsr_setup *setup)
{
    const tsr_activation_config *config = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    tsr_setup_output(setup, shape);
    setup_code(setup, config);
    if (!config->ops->learned_name)
        return;
    double initial = config->ops->learned_initial ? config->ops->learned_initial(config->self) : 0;
    tsr_setup_parameter(setup, &(tsr_parameter_spec){ .name = config->ops->learned_name,
                                                      .role = TSR_ROLE_SLOPE,
                                                      .n_dims = 1,
                                                      .dims = { tsr_shape_channels(shape) },
                                                      .constant = (float)initial });
    /* dx, and where samples go one by one the slopes' gradients of each. */
    tsr_setup_scratch(
        setup, tsr_shape_size(shape) + (tsr_shape_positions(shape) > 1 ? tsr_shape_channels(shape) : 0), 0);
}

static tsr_units units_of(const tsr_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    return (tsr_units){
        .samples = pass->n,
        .channels = tsr_shape_channels(pass->shape),
        .positions = tsr_shape_positions(pass->shape),
        .x = pass->inputs[0],
        .learned = config->ops->learned_name ? pass->parameters[0] : NULL,
    };
}

static tsr_units sample_of(const tsr_units *all, size_t sample, size_t size)
{
    tsr_units one = *all;
    one.samples = 1;
    one.x += sample * size;
    return one;
}

static void forward(const tsr_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    tsr_units units = units_of(pass);
    size_t size = tsr_shape_size(pass->shape), n = pass->n;
    if (units.positions == 1) {
        config->ops->forward(config->self, &units, pass->output);
        return;
    }
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++) {
        tsr_units one = sample_of(&units, s, size);
        config->ops->forward(config->self, &one, pass->output + s * size);
    }
}

static void backward_maps(const tsr_pass *pass, const tsr_units *units, float *dx, float *slopes)
{
    const tsr_activation_config *config = pass->config;
    size_t size = tsr_shape_size(pass->shape), n = pass->n, channels = units->channels;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++) {
        tsr_units one = sample_of(units, s, size);
        config->ops->backward(config->self, &one, pass->output_gradient + s * size, dx + s * size,
                              one.learned ? slopes + s * channels : NULL);
    }
    if (units->learned)
        tsr_channel_sums(n, channels, 1, slopes, pass->parameter_gradients[0]);
}

/* An activation always writes dx; where nothing below wants it (it learns, right behind the input), into
   scratch. */
static void backward(const tsr_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    tsr_units units = units_of(pass);
    float *dx = pass->input_gradients[0] ? pass->input_gradients[0] : pass->scratch;
    if (units.positions > 1)
        backward_maps(pass, &units, dx,
                      units.learned ? pass->scratch + pass->n * tsr_shape_size(pass->shape) : NULL);
    else
        config->ops->backward(config->self, &units, pass->output_gradient, dx,
                              units.learned ? pass->parameter_gradients[0] : NULL);
}

static void breakpoints(const tsr_pass *pass, float *at)
{
    const tsr_activation_config *config = pass->config;
    config->ops->learned_breakpoints(config->self, tsr_shape_channels(pass->shape), pass->parameters[0], at);
}

/* The breakpoints of every channel, n x channels, as they are where the lines are; NULL: no memory. */
static float *breakpoints_of_line(const tsr_line_pass *pass, size_t *n)
{
    const tsr_activation_config *config = pass->config;
    size_t channels = tsr_shape_channels(pass->shape);
    float fixed[TSR_MAX_BREAKPOINTS];
    *n = tsr_activation_breakpoints(config, TSR_MAX_BREAKPOINTS, fixed);
    float *at = tsr_alloc(*n * channels, sizeof(float));
    if (at && moves_breakpoints(config))
        config->ops->learned_breakpoints(config->self, channels, pass->parameters[0], at);
    else
        for (size_t i = 0; at && i < *n * channels; i++)
            at[i] = fixed[i / channels];
    return at;
}

/* A unit's piece, its value and slope there, and where it meets the breakpoints beside it. */
static void line_of_unit(const tsr_line_pass *pass, size_t i, size_t n, const float *at, size_t step,
                         double learned, double t, double *next)
{
    const tsr_activation_config *config = pass->config;
    double x = pass->values[0][i], dx = pass->slopes[0][i], slope, offset;
    size_t piece = 0;
    for (size_t b = 0; b < n; b++) {
        piece += tsr_line_above(t, x, dx, (double)at[b * step]);
        tsr_line_meet(t, x, dx, (double)at[b * step], next);
    }
    config->ops->piece(config->self, learned, piece, &slope, &offset);
    pass->value[i] = slope * x + offset;
    pass->slope[i] = slope * dx;
}

/* The same of n units at once that have one breakpoint, and a piece on either side of it whose slope and
   offset are the same for all; where the first of them meets it, if that is before `next`. */
typedef struct two_pieces {
    double breakpoint, slopes[2], offsets[2];
} two_pieces;

#define LANES 8
TSR_MULTIVERSION_OF(double, line_of_units,
                    (const two_pieces *p, double t, double next, size_t n, const double *x, const double *dx,
                     double *restrict y, double *restrict dy),
                    (p, t, next, n, x, dx, y, dy))
{
    const double breakpoint = p->breakpoint, tie = tsr_line_tie(t), least = t + tie;
    const double below = p->slopes[0], above = p->slopes[1], low = p->offsets[0], high = p->offsets[1];
    double first[LANES];
    for (size_t j = 0; j < LANES; j++)
        first[j] = next;
    for (size_t i = 0; i < n; i += LANES) {
        size_t lanes = n - i < LANES ? n - i : LANES;
#pragma omp simd
        for (size_t j = 0; j < lanes; j++) {
            double v = x[i + j] - breakpoint, s = dx[i + j], near = tie * fabs(s);
            int is_above = (v > near) | ((v >= -near) & (s > 0));
            double at = t + (breakpoint - x[i + j]) / s; /* NaN or infinite where it stays */
            first[j] = ((at > least) & (at < first[j])) ? at : first[j];
            double slope = is_above ? above : below, offset = is_above ? high : low;
            y[i + j] = slope * x[i + j] + offset;
            dy[i + j] = slope * s;
        }
    }
    for (size_t j = 0; j < LANES; j++)
        next = first[j] < next ? first[j] : next;
    return next;
}

static tsr_status *line(const tsr_line_pass *pass)
{
    const tsr_activation_config *config = pass->config;
    size_t channels = tsr_shape_channels(pass->shape), positions = tsr_shape_positions(pass->shape), n;
    if (!config->ops->piece)
        return tsr_fail(TSR_REFUSED, "activation %s does not say what its straight pieces are", config->name);
    float *at = breakpoints_of_line(pass, &n);
    if (!at)
        return tsr_no_memory("the breakpoints");
    if (n == 1 && !config->ops->learned_name) {
        two_pieces p = { .breakpoint = (double)at[0] };
        for (size_t piece = 0; piece < 2; piece++)
            config->ops->piece(config->self, 0, piece, &p.slopes[piece], &p.offsets[piece]);
        for (size_t s = 0, size = channels * positions; s < pass->n; s++)
            pass->next[s] =
                line_of_units(&p, pass->t[s], pass->next[s], size, pass->values[0] + s * size,
                              pass->slopes[0] + s * size, pass->value + s * size, pass->slope + s * size);
        free(at);
        return NULL;
    }
    for (size_t i = 0; i < pass->n * channels; i++) {
        size_t c = i % channels;
        double learned = config->ops->learned_name ? (double)pass->parameters[0][c] : 0;
        for (size_t p = i * positions; p < (i + 1) * positions; p++)
            line_of_unit(pass, p, n, at + c, channels, learned, pass->t[i / channels],
                         &pass->next[i / channels]);
    }
    free(at);
    return NULL;
}

const tsr_op tsr_op_activation = {
    .size = sizeof(tsr_op),
    .name = "activation",
    .config_size = sizeof(tsr_activation_config),
    .flags = TSR_OP_READS_INPUTS,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .breakpoints = breakpoints,
    .line = line,
};
