/* Convolution of feature maps: Y = X * W + b, W is (channels, in, kernel_h, kernel_w), as PyTorch's Conv2d.
 */
#include "nn/kernels/channels.h"
#include "nn/kernels/convolution.h"
#include "nn/ops/ops.h"

#include <limits.h>
#include <string.h>

#define MAX_FLOATS 0x1p40 /* of any array */

tsr_node *tsr_conv2d_sized(tsr_graph *graph, tsr_node *x, const tsr_conv2d_options *options, size_t size)
{
    tsr_grouped_conv_config config = { 0 };
    tsr_conv2d_options *o = &config.options;
    if (!options)
        tsr_graph_fail(graph, "a convolution's options are NULL");
    else
        memcpy(o, options, size < sizeof(*o) ? size : sizeof(*o));
    o->groups = o->groups ? o->groups : 1;
    o->dilation_h = o->dilation_h ? o->dilation_h : 1;
    o->dilation_w = o->dilation_w ? o->dilation_w : 1;
    if (o->groups != 1 || o->dilation_h != 1 || o->dilation_w != 1)
        return tsr_apply(graph, &tsr_op_grouped_conv2d, &config, 1, &x);
    return tsr_apply(graph, &tsr_op_conv2d, o, 1, &x);
}

tsr_node *tsr_conv2d(tsr_graph *graph, tsr_node *x, int channels, int kernel, int stride, int padding)
{
    return tsr_conv2d_with(graph, x,
                           &(tsr_conv2d_options){ .channels = channels,
                                                  .kernel_h = kernel,
                                                  .kernel_w = kernel,
                                                  .stride_h = stride,
                                                  .stride_w = stride,
                                                  .padding_h = padding,
                                                  .padding_w = padding });
}

static bool options_are_sound(tsr_setup *setup, const tsr_conv2d_options *o)
{
    if (o->channels < 1)
        tsr_setup_fail(setup, "channels is %d, expected at least 1", o->channels);
    else if (o->kernel_h < 1 || o->kernel_w < 1)
        tsr_setup_fail(setup, "the kernel is %d x %d, expected at least 1 x 1", o->kernel_h, o->kernel_w);
    else if (o->stride_h < 1 || o->stride_w < 1)
        tsr_setup_fail(setup, "the stride is %d x %d, expected at least 1 x 1", o->stride_h, o->stride_w);
    else if (o->padding_h < 0 || o->padding_w < 0)
        tsr_setup_fail(setup, "the padding is %d x %d, expected at least 0 x 0", o->padding_h, o->padding_w);
    else
        return true;
    return false;
}

/* Whether the kernel lies within the padded input; *out is the shape of what comes out. */
static bool kernel_fits(tsr_setup *setup, const tsr_conv2d_options *o, tsr_maps in, tsr_maps *out)
{
    size_t h, w, kernel_h = (size_t)o->kernel_h, kernel_w = (size_t)o->kernel_w;
    if (__builtin_add_overflow(in.h, 2 * (size_t)o->padding_h, &h) ||
        __builtin_add_overflow(in.w, 2 * (size_t)o->padding_w, &w)) {
        tsr_setup_fail(setup, "an input of %zu x %zu x %zu padded by %d x %d does not fit into memory", in.c,
                       in.h, in.w, o->padding_h, o->padding_w);
        return false;
    }
    if (kernel_h > h || kernel_w > w) {
        tsr_setup_fail(setup,
                       "the kernel, %zu x %zu, is larger than its padded input, %zu x %zu (%zu x %zu x %zu, "
                       "padded by %d x %d)",
                       kernel_h, kernel_w, h, w, in.c, in.h, in.w, o->padding_h, o->padding_w);
        return false;
    }
    *out = (tsr_maps){ (size_t)o->channels, (h - kernel_h) / (size_t)o->stride_h + 1,
                       (w - kernel_w) / (size_t)o->stride_w + 1 };
    return true;
}

/* Whether all the memory that the algorithms work in can be counted: what passes overflows nowhere below.
 */
static bool sizes_fit(tsr_setup *setup, const tsr_conv2d_options *o, tsr_maps in, tsr_maps out)
{
    double area = (double)o->kernel_h * o->kernel_w, c = (double)in.c + 16, k = (double)out.c + 16;
    double h = (double)in.h + 2.0 * o->padding_h + o->kernel_h + o->stride_h;
    double w = (double)in.w + 2.0 * o->padding_w + o->kernel_w + o->stride_w;
    if (area * (double)in.c <= INT_MAX && (double)out.h * (double)out.w <= INT_MAX &&
        c * h * w <= MAX_FLOATS && k * h * w <= MAX_FLOATS && c * k * area <= MAX_FLOATS &&
        c * area * (double)out.h * (double)out.w <= MAX_FLOATS)
        return true;
    tsr_setup_fail(
        setup, "%zu x %zu x %zu under a kernel of %d x %d, giving %zu x %zu x %zu, is too large to compute",
        in.c, in.h, in.w, o->kernel_h, o->kernel_w, out.c, out.h, out.w);
    return false;
}

static tsr_convolution convolution_of(const tsr_conv2d_options *o, size_t n, tsr_maps in, tsr_maps out)
{
    return (tsr_convolution){ n,
                              in,
                              out,
                              (size_t)o->kernel_h,
                              (size_t)o->kernel_w,
                              (size_t)o->stride_h,
                              (size_t)o->stride_w,
                              (size_t)o->padding_h,
                              (size_t)o->padding_w };
}

static void setup(tsr_setup *setup)
{
    const tsr_conv2d_options *o = tsr_setup_config(setup);
    tsr_maps in, out;
    if (!tsr_setup_maps(setup, &in) || !options_are_sound(setup, o) || !kernel_fits(setup, o, in, &out) ||
        !sizes_fit(setup, o, in, out))
        return;
    size_t area = (size_t)o->kernel_h * (size_t)o->kernel_w;
    tsr_convolution conv = convolution_of(o, 1, in, out);
    tsr_setup_output(setup, TSR_SHAPE(out.c, out.h, out.w));
    tsr_setup_parameter(
        setup, &(tsr_parameter_spec){ .name = "weight",
                                      .role = TSR_ROLE_WEIGHT,
                                      .n_dims = 4,
                                      .dims = { out.c, in.c, (size_t)o->kernel_h, (size_t)o->kernel_w },
                                      .init = TSR_INIT_GLOROT_UNIFORM,
                                      .fan_in = in.c * area,
                                      .fan_out = out.c * area });
    if (o->bias)
        tsr_setup_parameter(
            setup,
            &(tsr_parameter_spec){ .name = "bias", .role = TSR_ROLE_BIAS, .n_dims = 1, .dims = { out.c } });
    tsr_setup_scratch(setup, 0, tsr_convolutions_choose()->scratch(&conv));
}

static tsr_convolution convolution_of_pass(const tsr_pass *pass)
{
    tsr_maps in, out;
    tsr_shape_maps(pass->shapes[0], &in);
    tsr_shape_maps(pass->shape, &out);
    return convolution_of(pass->config, pass->n, in, out);
}

static bool has_bias(const tsr_pass *pass)
{
    return ((const tsr_conv2d_options *)pass->config)->bias;
}

static void forward(const tsr_pass *pass)
{
    tsr_convolution conv = convolution_of_pass(pass);
    tsr_convolutions_choose()->forward(&conv, pass->inputs[0], pass->parameters[0],
                                       has_bias(pass) ? pass->parameters[1] : NULL, pass->output,
                                       pass->scratch);
}

static void backward(const tsr_pass *pass)
{
    const tsr_convolutions *algorithms = tsr_convolutions_choose();
    tsr_convolution conv = convolution_of_pass(pass);
    algorithms->weight_gradient(&conv, pass->inputs[0], pass->output_gradient, pass->parameter_gradients[0],
                                pass->scratch);
    if (has_bias(pass))
        tsr_channel_sums(pass->n, conv.out.c, conv.out.h * conv.out.w, pass->output_gradient,
                         pass->parameter_gradients[1]);
    if (pass->input_gradients[0])
        algorithms->input_gradient(&conv, pass->output_gradient, pass->parameters[0],
                                   pass->input_gradients[0], pass->scratch);
}

static tsr_status *line(const tsr_line_pass *pass)
{
    tsr_grouped_conv_config config = { .options = *(const tsr_conv2d_options *)pass->config };
    config.options.groups = config.options.dilation_h = config.options.dilation_w = 1;
    return tsr_grouped_conv_line(&config, pass);
}

const tsr_op tsr_op_conv2d = {
    .size = sizeof(tsr_op),
    .name = "conv2d",
    .config_size = sizeof(tsr_conv2d_options),
    .flags = TSR_OP_READS_INPUTS | TSR_OP_AFFINE,
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .line = line,
};
