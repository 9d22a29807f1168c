/* Conv, Gemm and MatMul: linear maps with weights of the file. */
#include "windows.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

tsr_node *onnx_initial(onnx_translation *t, tsr_node *x, const char *parameter, size_t n,
                       const onnx_constant *constant)
{
    if (!constant || t->failed)
        return x;
    if (!constant->reals || constant->n != n) {
        onnx_fail(t, "has %zu %s for its %s, expected %zu floats", constant->n,
                  constant->reals ? "floats" : "integers", parameter, n);
        return x;
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(constant->reals[i])) {
            onnx_fail(t, "value %zu of its %s is %g, expected finite ones", i, parameter,
                      (double)constant->reals[i]);
            return x;
        }
    return tsr_initial(t->graph, x, parameter, n, constant->reals);
}

/* --- matrix products --- */

/* W transposed or not, times `factor`, as rows of outputs; to be freed. */
static onnx_constant *weights(onnx_translation *t, const onnx_constant *w, bool rows_are_outputs,
                              double factor)
{
    size_t outputs = w->dims[rows_are_outputs ? 0 : 1], inputs = w->dims[rows_are_outputs ? 1 : 0];
    onnx_constant *out = onnx_new(t, 2, (const size_t[]){ outputs, inputs }, false);
    for (size_t o = 0; out && o < outputs; o++)
        for (size_t i = 0; i < inputs; i++)
            out->reals[o * inputs + i] =
                (float)(factor * (double)w->reals[rows_are_outputs ? o * inputs + i : i * outputs + o]);
    return out;
}

static bool is_matrix(onnx_translation *t, const onnx_constant *w, size_t features, bool rows_are_outputs)
{
    if (!w || t->failed)
        return false;
    if (!w->reals || w->rank != 2 || w->dims[0] < 1 || w->dims[1] < 1 || w->dims[0] > INT_MAX ||
        w->dims[1] > INT_MAX)
        onnx_fail(t, "its weight has %zu dimensions, expected a matrix of floats", w->rank);
    else if (w->dims[rows_are_outputs ? 1 : 0] != features)
        onnx_fail(t, "its weight takes %zu features, and there are %zu", w->dims[rows_are_outputs ? 1 : 0],
                  features);
    return !t->failed;
}

/* factor x W^T + beta bias along the last dimension; the bias may be NULL, or one number for all. */
static tsr_node *linear(onnx_translation *t, tsr_node *x, const onnx_constant *w, bool rows_are_outputs,
                        double factor, const onnx_constant *bias, double beta)
{
    const onnx_layer layer = { "linear", { w, bias }, { rows_are_outputs, factor, beta }, NULL };
    tsr_node *earlier = onnx_layer_find(t, &layer);
    if (earlier)
        return tsr_again(t->graph, earlier, x);
    size_t width = w->dims[rows_are_outputs ? 0 : 1];
    onnx_constant *own = weights(t, w, rows_are_outputs, factor),
                  *shift = bias ? onnx_new(t, 1, &width, false) : NULL;
    for (size_t i = 0; shift && i < width; i++)
        shift->reals[i] = (float)(beta * (double)bias->reals[bias->n == 1 ? 0 : i]);
    x = tsr_linear_with(t->graph, x, &(tsr_linear_options){ .width = (int)width, .bias = bias != NULL });
    x = onnx_initial(t, x, "weight", width * w->dims[rows_are_outputs ? 1 : 0], own);
    x = onnx_initial(t, x, "bias", width, shift);
    onnx_constant_free(own);
    onnx_constant_free(shift);
    return onnx_layer_keep(t, &layer, x);
}

static void make_gemm(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    const onnx_constant *w = onnx_constant_input(t, 1),
                        *c = onnx_has_input(t, 2) ? onnx_constant_input(t, 2) : NULL;
    bool outputs_first = onnx_int(t, "transB", 0) != 0;
    double alpha = onnx_real(t, "alpha", 1), beta = onnx_real(t, "beta", 1);
    if (!t->failed && onnx_int(t, "transA", 0) != 0)
        onnx_fail(t, "takes its input transposed, expected a sample in each row");
    if (!t->failed && x->rank != 1)
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected 1", x->rank);
    if (t->failed || !is_matrix(t, w, tsr_node_shape(x->node).dims[0], outputs_first))
        return;
    size_t width = w->dims[outputs_first ? 0 : 1];
    if (c && (!c->reals || c->rank > 2 || !(c->n == 1 || (c->n == width && c->dims[c->rank - 1] == width))))
        onnx_fail(t, "its bias has %zu elements, expected %zu floats or one", c->n, width);
    if (!t->failed)
        onnx_give(t, 0, linear(t, x->node, w, outputs_first, alpha, c, beta), 1);
}

/* Of two nodes of the graph; the one's dimensions before the last two must be the other's. */
static void make_product_of_nodes(onnx_translation *t, const onnx_value *a, const onnx_value *b)
{
    if (a->rank < 2 || a->rank != b->rank)
        onnx_fail(t,
                  "multiplies arrays of %zu and %zu dimensions beside the batch, expected 2 or more of both",
                  a->rank, b->rank);
    else
        onnx_give(t, 0, tsr_matmul(t->graph, a->node, false, b->node, false), a->rank);
}

/* The bias that an Add behind it is becomes part of it. */
static void make_matmul(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0), *b = onnx_input(t, 1);
    if (t->failed)
        return;
    if (b->node) {
        make_product_of_nodes(t, x, b);
        return;
    }
    tsr_shape shape = tsr_node_shape(x->node);
    const onnx_constant *w = b->constant;
    if (x->rank < 1)
        onnx_fail(t, "its input has no dimension beside the batch");
    if (t->failed || !is_matrix(t, w, shape.dims[shape.n_dims - 1], false))
        return;
    const Onnx__Node *add = NULL;
    const onnx_value *product = onnx_value_find(t, t->node->output[0]);
    const onnx_constant *bias = onnx_joined(t, product, x->rank, "Add", w->dims[1], &add);
    tsr_node *y = linear(t, x->node, w, false, 1, bias, 1);
    onnx_give(t, 0, y, x->rank);
    if (bias)
        onnx_give_for(t, add, y, x->rank);
}

/* --- convolutions --- */

/* Weights of (channels, in / groups, kernel...): what they say of the convolution. */
static bool read_weight(onnx_translation *t, const onnx_constant *w, size_t n_dims, size_t channels,
                        int64_t groups)
{
    if (!w->reals || w->rank != n_dims + 2 || w->n == 0)
        onnx_fail(t, "its weight has %zu dimensions, expected %zu of floats", w->rank, n_dims + 2);
    else if (groups < 1 || groups > INT_MAX || w->dims[0] > INT_MAX || w->dims[0] % (size_t)groups ||
             w->dims[1] * (size_t)groups != channels)
        onnx_fail(t, "its weight is for %zu of %zu channels in %lld groups, expected all of them", w->dims[1],
                  channels, (long long)groups);
    int64_t kernel[ONNX_MAX_RANK];
    size_t n = onnx_ints(t, "kernel_shape", kernel);
    for (size_t i = 0; i < n_dims && !t->failed; i++)
        if ((n && n != n_dims) || (n && kernel[i] != (int64_t)w->dims[i + 2]) || w->dims[i + 2] > INT_MAX)
            onnx_fail(t, "kernel_shape is not that of its weight");
    return !t->failed;
}

static tsr_node *new_convolution(onnx_translation *t, tsr_node *x, const onnx_window *window, int channels,
                                 bool has_bias, int groups)
{
    if (window->n == 1)
        return tsr_conv1d_with(t->graph, x,
                               &(tsr_conv1d_options){ .channels = channels,
                                                      .kernel = window->size[0],
                                                      .stride = window->stride[0],
                                                      .padding = window->padding[0],
                                                      .bias = has_bias,
                                                      .groups = groups,
                                                      .dilation = window->dilation[0] });
    return tsr_conv2d_with(t->graph, x,
                           &(tsr_conv2d_options){ .channels = channels,
                                                  .kernel_h = window->size[0],
                                                  .kernel_w = window->size[1],
                                                  .stride_h = window->stride[0],
                                                  .stride_w = window->stride[1],
                                                  .padding_h = window->padding[0],
                                                  .padding_w = window->padding[1],
                                                  .bias = has_bias,
                                                  .groups = groups,
                                                  .dilation_h = window->dilation[0],
                                                  .dilation_w = window->dilation[1] });
}

static tsr_node *convolution(onnx_translation *t, tsr_node *x, const onnx_window *window,
                             const onnx_constant *w, const onnx_constant *bias, int groups)
{
    const onnx_layer layer = { "conv",
                               { w, bias },
                               { groups, window->stride[0], window->stride[1], window->padding[0],
                                 window->padding[1], window->dilation[0], window->dilation[1] },
                               NULL };
    tsr_node *earlier = onnx_layer_find(t, &layer);
    if (earlier)
        return tsr_again(t->graph, earlier, x);
    x = new_convolution(t, x, window, (int)w->dims[0], bias != NULL, groups);
    x = onnx_initial(t, x, "weight", w->n, w);
    x = onnx_initial(t, x, "bias", w->dims[0], bias);
    return onnx_layer_keep(t, &layer, x);
}

static void make_conv(onnx_translation *t)
{
    const onnx_value *in = onnx_node_input(t, 0);
    const onnx_constant *w = onnx_constant_input(t, 1),
                        *bias = onnx_has_input(t, 2) ? onnx_constant_input(t, 2) : NULL;
    if (t->failed)
        return;
    size_t n = in->rank - 1;
    int64_t groups = onnx_int(t, "group", 1);
    tsr_shape shape = tsr_node_shape(in->node);
    if (in->rank != 2 && in->rank != 3)
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected channels and 1 or 2 more",
                  in->rank);
    if (t->failed || !read_weight(t, w, n, shape.dims[0], groups))
        return;
    onnx_window window;
    if (!onnx_window_read(t, n, shape.dims + 1, w->dims + 2, &window))
        return;
    tsr_node *x = onnx_window_pad(t, in->node, &window, 0);
    x = convolution(t, x, &window, w, bias, (int)groups);
    if (!t->failed)
        onnx_give(t, 0, x, in->rank);
}

const onnx_operator onnx_maps[] = {
    { "Conv", make_conv, " auto_pad dilations group kernel_shape pads strides ", 2, 3 },
    { "Gemm", make_gemm, " alpha beta transA transB ", 2, 3 },
    { "MatMul", make_matmul, " ", 2, 2 },
    { 0 },
};
