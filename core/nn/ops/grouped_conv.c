/* Convolutions in groups of channels, with dilation, and in one dimension: Y = X * W + b, W is (channels, in
   / groups, kernel_h, kernel_w), of conv1d (channels, in / groups, kernel), as PyTorch has them. Directly by
   rows: for each weight a row of the output takes its multiple of a row of the input, which serves depthwise
   convolutions, whose products are few. Each map, and each channel's weights, is a task of its own whose sums
   have one order, so threads change no bits. Small maps have kernels of their own (planes.h), those of
   depthwise convolutions too (depthwise.h). Without groups and dilation tsr_conv2d_with takes conv2d.c, which
   is faster there. */
#include "nn/graph.h"
#include "nn/kernels/channels.h"
#include "nn/kernels/planes.h"
#include "nn/kernels/conv_axes.h"
#include "nn/ops/depthwise.h"
#include "nn/ops/ops.h"

#include <limits.h>
#include <string.h>
#include <tessera/multiversion.h>

/* A sample as channels x height x width; a sequence is of height 1. */
static bool view(tsr_shape shape, bool one_dimensional, tsr_maps *out)
{
    if (!one_dimensional)
        return tsr_shape_maps(shape, out);
    *out = (tsr_maps){ shape.dims[0], 1, shape.dims[1] };
    return shape.n_dims == 2;
}

/* Pixels from which on a map by itself takes less time forwards than sixteen together (depthwise.h); the sums
 * are the same. */
enum { PLANE_IS_FASTER = 256 };

static grouped work_of(const tsr_grouped_conv_config *config, tsr_maps in)
{
    const tsr_conv2d_options *o = &config->options;
    size_t groups = (size_t)o->groups, dilation_h = (size_t)o->dilation_h, dilation_w = (size_t)o->dilation_w;
    grouped g = { in.c,
                  (size_t)o->channels,
                  in.c / groups,
                  (size_t)o->channels / groups,
                  { in.h, 0, (size_t)o->kernel_h, (size_t)o->stride_h, (size_t)o->padding_h, dilation_h },
                  { in.w, 0, (size_t)o->kernel_w, (size_t)o->stride_w, (size_t)o->padding_w, dilation_w } };
    axis *axes[] = { &g.h, &g.w };
    for (size_t i = 0; i < 2; i++)
        axes[i]->out = (axes[i]->in + 2 * axes[i]->padding - axes[i]->dilation * (axes[i]->kernel - 1) - 1) /
                           axes[i]->stride +
                       1;
    return g;
}

/* Numbers that int holds and whose products size_t holds: the rest is what memory can hold. */
static bool sound(tsr_setup *setup, const tsr_conv2d_options *o, tsr_maps in)
{
    const int positive[] = { o->channels, o->kernel_h, o->kernel_w,   o->stride_h,
                             o->stride_w, o->groups,   o->dilation_h, o->dilation_w };
    bool all = o->padding_h >= 0 && o->padding_w >= 0;
    for (size_t i = 0; i < sizeof(positive) / sizeof(*positive); i++)
        all = all && positive[i] >= 1;
    if (!all)
        tsr_setup_fail(
            setup, "channels, kernel, stride, groups and dilation are to be at least 1, padding at least 0");
    else if (in.c % (size_t)o->groups != 0 || o->channels % o->groups != 0)
        tsr_setup_fail(setup, "%d groups of %zu channels that become %d, expected a divisor of both",
                       o->groups, in.c, o->channels);
    else if ((size_t)o->dilation_h * ((size_t)o->kernel_h - 1) >= in.h + 2 * (size_t)o->padding_h ||
             (size_t)o->dilation_w * ((size_t)o->kernel_w - 1) >= in.w + 2 * (size_t)o->padding_w)
        tsr_setup_fail(
            setup,
            "the kernel, %d x %d with dilation %d x %d, is larger than its input, %zu x %zu, padded by "
            "%d x %d",
            o->kernel_h, o->kernel_w, o->dilation_h, o->dilation_w, in.h, in.w, o->padding_h, o->padding_w);
    else
        return true;
    return false;
}

static void setup(tsr_setup *setup)
{
    const tsr_grouped_conv_config *config = tsr_setup_config(setup);
    tsr_maps in;
    char text[TSR_SHAPE_TEXT];
    if (!view(tsr_setup_input(setup, 0), config->one_dimensional, &in)) {
        tsr_setup_fail(setup, "its input, '%s', is %s, expected %s", tsr_setup_input_name(setup, 0),
                       tsr_shape_format(tsr_setup_input(setup, 0), text, sizeof(text)),
                       config->one_dimensional ? "channels x steps" : "an image, channels x height x width");
        return;
    }
    if (!sound(setup, &config->options, in))
        return;
    grouped g = work_of(config, in);
    size_t area = g.h.kernel * g.w.kernel;
    tsr_parameter_spec weight = { .name = "weight",
                                  .role = TSR_ROLE_WEIGHT,
                                  .n_dims = 4,
                                  .dims = { g.channels_out, g.group_in, g.h.kernel, g.w.kernel },
                                  .init = TSR_INIT_GLOROT_UNIFORM,
                                  .fan_in = g.group_in * area,
                                  .fan_out = g.group_out * area };
    if (config->one_dimensional) {
        weight.n_dims = 3;
        weight.dims[2] = g.w.kernel;
        tsr_setup_output(setup, TSR_SHAPE(g.channels_out, g.w.out));
    } else
        tsr_setup_output(setup, TSR_SHAPE(g.channels_out, g.h.out, g.w.out));
    tsr_setup_parameter(setup, &weight);
    tsr_depthwise_setup(setup, &g);
    if (config->options.bias)
        tsr_setup_parameter(
            setup, &(tsr_parameter_spec){
                       .name = "bias", .role = TSR_ROLE_BIAS, .n_dims = 1, .dims = { g.channels_out } });
}

TSR_MULTIVERSION(add_row, (size_t n, float w, const float *restrict x, size_t step, float *restrict y),
                 (n, w, x, step, y))
{
    if (step == 1)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] += w * x[i];
    else
        for (size_t i = 0; i < n; i++)
            y[i] += w * x[i * step];
}

TSR_MULTIVERSION(spread_row, (size_t n, float w, const float *restrict dy, size_t step, float *restrict dx),
                 (n, w, dy, step, dx))
{
    if (step == 1)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            dx[i] += w * dy[i];
    else
        for (size_t i = 0; i < n; i++)
            dx[i * step] += w * dy[i];
}

TSR_MULTIVERSION_OF(float, dot_row, (size_t n, const float *x, size_t step, const float *dy),
                    (n, x, step, dy))
{
    float sum = 0;
    if (step == 1)
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++)
            sum += x[i] * dy[i];
    else
        for (size_t i = 0; i < n; i++)
            sum += x[i * step] * dy[i];
    return sum;
}

/* y of a map += its share of the map x under the kernel w. */
static void add_map(const grouped *g, const float *w, const float *x, float *y)
{
    for (size_t i = 0; i < g->h.kernel; i++) {
        reach rows = reach_of(&g->h, i);
        for (size_t j = 0; j < g->w.kernel; j++) {
            reach columns = reach_of(&g->w, j);
            const float *from = x + rows.from * g->w.in + columns.from;
            for (size_t row = rows.first; row < rows.end; row++, from += g->h.stride * g->w.in)
                add_row(columns.end - columns.first, w[i * g->w.kernel + j], from, g->w.stride,
                        y + row * g->w.out + columns.first);
        }
    }
}

static void spread_map(const grouped *g, const float *w, const float *dy, float *dx)
{
    for (size_t i = 0; i < g->h.kernel; i++) {
        reach rows = reach_of(&g->h, i);
        for (size_t j = 0; j < g->w.kernel; j++) {
            reach columns = reach_of(&g->w, j);
            float *to = dx + rows.from * g->w.in + columns.from;
            for (size_t row = rows.first; row < rows.end; row++, to += g->h.stride * g->w.in)
                spread_row(columns.end - columns.first, w[i * g->w.kernel + j],
                           dy + row * g->w.out + columns.first, g->w.stride, to);
        }
    }
}

static void add_weight_gradient(const grouped *g, const float *x, const float *dy, float *dw)
{
    for (size_t i = 0; i < g->h.kernel; i++) {
        reach rows = reach_of(&g->h, i);
        for (size_t j = 0; j < g->w.kernel; j++) {
            reach columns = reach_of(&g->w, j);
            const float *from = x + rows.from * g->w.in + columns.from;
            float sum = 0;
            for (size_t row = rows.first; row < rows.end; row++, from += g->h.stride * g->w.in)
                sum += dot_row(columns.end - columns.first, from, g->w.stride,
                               dy + row * g->w.out + columns.first);
            dw[i * g->w.kernel + j] += sum;
        }
    }
}

/* Maps that a stride of 1 goes over and that are small, as most are, have kernels of their own. */
static bool plane_of(const grouped *g, tsr_plane *out)
{
    return g->h.stride == 1 && g->w.stride == 1 &&
           tsr_plane_of((size_t[]){ g->h.in, g->w.in }, (size_t[]){ g->h.kernel, g->w.kernel },
                        (size_t[]){ g->h.dilation, g->w.dilation }, (size_t[]){ g->h.padding, g->w.padding },
                        out);
}

/* From dy to dx it is a convolution too, with the kernel backwards and what padding leaves of its reach. */
static bool gradient_plane_of(const grouped *g, tsr_plane *out)
{
    size_t h = g->h.dilation * (g->h.kernel - 1), w = g->w.dilation * (g->w.kernel - 1);
    return plane_of(g, out) &&
           tsr_plane_of((size_t[]){ g->h.out, g->w.out }, (size_t[]){ g->h.kernel, g->w.kernel },
                        (size_t[]){ g->h.dilation, g->w.dilation },
                        (size_t[]){ h - g->h.padding, w - g->w.padding }, out);
}

/* One map: y = start + the sum over n maps, from x on, under n kernels, `w_step` apart. */
static void sum_planes(const tsr_plane *plane, size_t n, const float *x, const float *w, size_t w_step,
                       bool flipped, float start, float *y)
{
    float padded[TSR_PLANE_FLOATS], sums[TSR_PLANE_FLOATS];
    memset(sums, 0, (plane->out_h * plane->pitch + 32) * sizeof(float));
    for (size_t c = 0; c < n; c++) {
        tsr_plane_pad(plane, x + c * plane->h * plane->w, padded);
        tsr_plane_add(plane, w + c * w_step, flipped, padded, sums);
    }
    tsr_plane_store(plane, sums, start, y);
}

static void add_plane_weight_gradient(const tsr_plane *plane, const float *x, const float *dy, float *dw)
{
    float padded[TSR_PLANE_FLOATS], sums[TSR_PLANE_FLOATS];
    tsr_plane_pad(plane, x, padded);
    tsr_plane_spread(plane, dy, sums);
    tsr_plane_add_weight_gradient(plane, padded, sums, dw);
}

static grouped work_of_pass(const tsr_pass *pass)
{
    const tsr_grouped_conv_config *config = pass->config;
    tsr_maps in;
    view(pass->shapes[0], config->one_dimensional, &in);
    return work_of(config, in);
}

static bool has_bias(const tsr_pass *pass)
{
    return ((const tsr_grouped_conv_config *)pass->config)->options.bias;
}

static void forward(const tsr_pass *pass)
{
    const grouped g = work_of_pass(pass);
    size_t in = g.h.in * g.w.in, out = g.h.out * g.w.out, area = g.h.kernel * g.w.kernel;
    size_t maps = pass->n * g.channels_out;
    const float *bias = has_bias(pass) ? pass->parameters[1] : NULL;
    tsr_plane plane;
    bool fast = plane_of(&g, &plane);
    if (!(fast && out > PLANE_IS_FASTER) && tsr_depthwise_forward(pass, &g, bias))
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * out))
    for (size_t map = 0; map < maps; map++) {
        size_t s = map / g.channels_out, k = map % g.channels_out, first = k / g.group_out * g.group_in;
        float *y = pass->output + map * out;
        if (fast) {
            sum_planes(&plane, g.group_in, pass->inputs[0] + (s * g.channels_in + first) * in,
                       pass->parameters[0] + k * g.group_in * area, area, false, bias ? bias[k] : 0, y);
            continue;
        }
        for (size_t i = 0; i < out; i++)
            y[i] = bias ? bias[k] : 0;
        for (size_t c = 0; c < g.group_in; c++)
            add_map(&g, pass->parameters[0] + (k * g.group_in + c) * area,
                    pass->inputs[0] + (s * g.channels_in + first + c) * in, y);
    }
}

static void weight_gradient(const tsr_pass *pass, const grouped *g)
{
    size_t in = g->h.in * g->w.in, out = g->h.out * g->w.out, area = g->h.kernel * g->w.kernel;
    tsr_plane plane;
    bool fast = plane_of(g, &plane);
    memset(pass->parameter_gradients[0], 0, g->channels_out * g->group_in * area * sizeof(float));
#pragma omp parallel for num_threads(tsr_threads())                                                          \
    schedule(static) if (tsr_worth_sharing(pass->n * g->channels_out * out))
    for (size_t k = 0; k < g->channels_out; k++)
        for (size_t s = 0; s < pass->n; s++)
            for (size_t c = 0; c < g->group_in; c++) {
                size_t map = s * g->channels_in + k / g->group_out * g->group_in + c;
                const float *x = pass->inputs[0] + map * in,
                            *dy = pass->output_gradient + (s * g->channels_out + k) * out;
                float *dw = pass->parameter_gradients[0] + (k * g->group_in + c) * area;
                if (fast)
                    add_plane_weight_gradient(&plane, x, dy, dw);
                else
                    add_weight_gradient(g, x, dy, dw);
            }
}

static void input_gradient(const tsr_pass *pass, const grouped *g)
{
    size_t in = g->h.in * g->w.in, out = g->h.out * g->w.out, area = g->h.kernel * g->w.kernel;
    size_t maps = pass->n * g->channels_in;
    tsr_plane plane;
    bool fast = gradient_plane_of(g, &plane);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t map = 0; map < maps; map++) {
        size_t s = map / g->channels_in, c = map % g->channels_in, first = c / g->group_in * g->group_out;
        float *dx = pass->input_gradients[0] + map * in;
        if (fast) {
            sum_planes(&plane, g->group_out, pass->output_gradient + (s * g->channels_out + first) * out,
                       pass->parameters[0] + (first * g->group_in + c % g->group_in) * area,
                       g->group_in * area, true, 0, dx);
            continue;
        }
        memset(dx, 0, in * sizeof(float));
        for (size_t k = first; k < first + g->group_out; k++)
            spread_map(g, pass->parameters[0] + (k * g->group_in + c % g->group_in) * area,
                       pass->output_gradient + (s * g->channels_out + k) * out, dx);
    }
}

static void backward(const tsr_pass *pass)
{
    const grouped g = work_of_pass(pass);
    if (has_bias(pass))
        tsr_channel_sums(pass->n, g.channels_out, g.h.out * g.w.out, pass->output_gradient,
                         pass->parameter_gradients[1]);
    if (tsr_depthwise_backward(pass, &g))
        return;
    weight_gradient(pass, &g);
    if (pass->input_gradients[0])
        input_gradient(pass, &g);
}

tsr_status *tsr_grouped_conv_line(const tsr_grouped_conv_config *config, const tsr_line_pass *pass)
{
    tsr_maps in;
    view(pass->shapes[0], config->one_dimensional, &in);
    grouped g = work_of(config, in);
    const float *bias = config->options.bias ? pass->parameters[1] : NULL;
    tsr_convolve_line(&g, pass->n, pass->parameters[0], bias,
                      (const double *[]){ pass->values[0], pass->slopes[0] },
                      (double *[]){ pass->value, pass->slope });
    return NULL;
}

static tsr_status *line(const tsr_line_pass *pass)
{
    return tsr_grouped_conv_line(pass->config, pass);
}

#define GROUPED_OP(called)                                                                                   \
    {                                                                                                        \
        .size = sizeof(tsr_op), .name = (called), .config_size = sizeof(tsr_grouped_conv_config),            \
        .flags = TSR_OP_READS_INPUTS | TSR_OP_AFFINE, .setup = setup, .forward = forward,                    \
        .backward = backward, .line = line                                                                   \
    }

const tsr_op tsr_op_grouped_conv2d = GROUPED_OP("conv2d");
const tsr_op tsr_op_conv1d = GROUPED_OP("conv1d");

tsr_node *tsr_conv1d_sized(tsr_graph *graph, tsr_node *x, const tsr_conv1d_options *options, size_t size)
{
    tsr_conv1d_options o = { 0 };
    if (!options)
        tsr_graph_fail(graph, "a convolution's options are NULL");
    else
        memcpy(&o, options, size < sizeof(o) ? size : sizeof(o));
    tsr_conv2d_options row = { .channels = o.channels,
                               .kernel_h = 1,
                               .kernel_w = o.kernel,
                               .stride_h = 1,
                               .stride_w = o.stride ? o.stride : 1,
                               .padding_w = o.padding,
                               .bias = o.bias,
                               .groups = o.groups ? o.groups : 1,
                               .dilation_h = 1,
                               .dilation_w = o.dilation ? o.dilation : 1 };
    tsr_grouped_conv_config config = { row, true };
    return tsr_apply(graph, &tsr_op_conv1d, &config, 1, &x);
}
