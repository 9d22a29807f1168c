/* Networks as expressions. A model's build function nests these calls; shapes, parameters, gradients and
   memory are the host's. The first error sticks to the graph, every later call on it does nothing and
   returns a node that can be passed on, and the host reports it once, so a builder checks nothing.
   Nodes belong to the graph. */
#ifndef TESSERA_GRAPH_H
#define TESSERA_GRAPH_H

#include <tessera/key.h>
#include <tessera/status.h>

TSR_BEGIN_DECLS

/* Of a unit of the neural code, at most. */
#define TSR_MAX_BREAKPOINTS 64

typedef struct tsr_graph tsr_graph;
typedef struct tsr_node tsr_node;
typedef struct tsr_op tsr_op;

/* x W^T + b: x is flattened, W is (width, inputs), Glorot uniform; b is zero. [in-operation] */
TSR_API tsr_node *tsr_dense(tsr_graph *graph, tsr_node *x, int width);

/* Structures of options grow at their end. What a plugin was built with is told by its size: functions called
   _sized take it, and the ones beside them, which the compiler puts into the plugin, fill it in. Fields that
   are 0, or that the plugin's structure does not have yet, stand for what is said of them. */

/* A convolution of feature maps. The weight is (channels, in / groups, kernel_h, kernel_w), as PyTorch's
   Conv2d has it, Glorot uniform with fans of in / groups, and of channels / groups, times the kernel's area;
   the bias is zero. Padding is with zeros, on both sides. A kernel larger than the padded input is refused.
 */
typedef struct tsr_conv2d_options {
    int channels;
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int padding_h, padding_w;
    bool bias;
    int groups;                 /* 0: 1; a divisor of both channels. As many as channels: depthwise */
    int dilation_h, dilation_w; /* 0: 1; steps between what neighbours in the kernel read */
} tsr_conv2d_options;

/* Adds a node that does it, as all that follow do. [in-operation] */
TSR_API tsr_node *tsr_conv2d_sized(tsr_graph *graph, tsr_node *x, const tsr_conv2d_options *options,
                                   size_t size);
static inline tsr_node *tsr_conv2d_with(tsr_graph *graph, tsr_node *x, const tsr_conv2d_options *options)
{
    return tsr_conv2d_sized(graph, x, options, sizeof(*options));
}

/* The same with a square kernel and without bias: batch norm, which follows, has one. [in-operation] */
TSR_API tsr_node *tsr_conv2d(tsr_graph *graph, tsr_node *x, int channels, int kernel, int stride,
                             int padding);

/* A convolution of a sequence, channels x steps. The weight is (channels, in / groups, kernel), as PyTorch's
   Conv1d has it, with the initial values of a conv2d. */
typedef struct tsr_conv1d_options {
    int channels, kernel;
    int stride; /* 0: 1 */
    int padding;
    bool bias;
    int groups, dilation; /* 0: 1 */
} tsr_conv1d_options;

/* Refused as the former is. [in-operation] */
TSR_API tsr_node *tsr_conv1d_sized(tsr_graph *graph, tsr_node *x, const tsr_conv1d_options *options,
                                   size_t size);
static inline tsr_node *tsr_conv1d_with(tsr_graph *graph, tsr_node *x, const tsr_conv1d_options *options)
{
    return tsr_conv1d_sized(graph, x, options, sizeof(*options));
}

/* Batch normalisation per channel (Ioffe and Szegedy 2015) with learned scale and shift:
   y = scale (x - mean) / sqrt(variance + epsilon) + shift. */
typedef struct tsr_batch_norm_options {
    double epsilon; /* 1e-30 to 1000; PyTorch's default is 1e-5, Keras's 1e-3 */
    /* 0 to 1: what the running statistics keep of themselves at each step, as in Keras,
           running = momentum * running + (1 - momentum) * batch,
       whose default is 0.99. PyTorch's momentum is what they take of the batch, 1 - this: its default of 0.1
       is 0.9 here, and 0.99 here is its 0.01.
       After n steps momentum^n of what they began with, mean 0 and variance 1, is left: with 0.99 a tenth
       after 229 steps. Short trainings do better with less: five epochs of configs/digits.cfg, 225 steps, end
       with 91.6 % of the test right with 0.99 and 92.9 % with 0.9 (means of 5 replicates). */
    double momentum;
} tsr_batch_norm_options;

/* As Keras and the paper have it. */
#define TSR_BATCH_NORM_EPSILON 1e-3
#define TSR_BATCH_NORM_MOMENTUM 0.99

/* Both numbers are constants of the operator, "epsilon" and "momentum" (op.h): a model file has its own,
   which stand in for those given here unless the config gives them (model.h). [in-operation] */
TSR_API tsr_node *tsr_batch_norm_sized(tsr_graph *graph, tsr_node *x, const tsr_batch_norm_options *options,
                                       size_t size);
static inline tsr_node *tsr_batch_norm_with(tsr_graph *graph, tsr_node *x,
                                            const tsr_batch_norm_options *options)
{
    return tsr_batch_norm_sized(graph, x, options, sizeof(*options));
}
/* The same with the two numbers above. [in-operation] */
TSR_API tsr_node *tsr_batch_norm(tsr_graph *graph, tsr_node *x);

/* The model's configured activation: the first parameter of kind activation that the model declares.
   Its units are bits of the neural code, unless it has no breakpoints. _with takes another one.
   [in-operation] */
TSR_API tsr_node *tsr_activate(tsr_graph *graph, tsr_node *x);
TSR_API tsr_node *tsr_activate_with(tsr_graph *graph, tsr_node *x, const tsr_instance *activation);

/* While training, each value is zero with probability `rate`, else divided by 1 - rate. [in-operation] */
TSR_API tsr_node *tsr_dropout(tsr_graph *graph, tsr_node *x, double rate);

/* The largest, or the mean, value of each window, every stride_h rows and stride_w columns. The last rows and
   columns that fill no window are left out. An image smaller than a window, when padded, is refused. */
typedef struct tsr_pool_options {
    int size_h, size_w; /* of a window, 1 to 4096 */
    int stride_h, stride_w;
    int padding_h, padding_w; /* on both sides; at most half of the window's size */
    /* Padding never is the largest value. In a mean it counts as zeros, as PyTorch's count_include_pad has
       it, or else, where this is true, only what lies inside is averaged. */
    bool padding_ignored;
} tsr_pool_options;

/* The largest value. [in-operation] */
TSR_API tsr_node *tsr_max_pool_sized(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options,
                                     size_t size);
static inline tsr_node *tsr_max_pool_with(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options)
{
    return tsr_max_pool_sized(graph, x, options, sizeof(*options));
}

/* The mean value. [in-operation] */
TSR_API tsr_node *tsr_average_pool_sized(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options,
                                         size_t size);
static inline tsr_node *tsr_average_pool_with(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options)
{
    return tsr_average_pool_sized(graph, x, options, sizeof(*options));
}

/* Which place of each window holds the largest value, to be tapped at 0.5: of c x h x w and windows of p
   places it is (c * p) x rows x columns, and channel c * p + i is 1 where place i of the window, counted row
   by row, holds the value that tsr_max_pool gives, the first of equal ones, and else 0. No gradient goes to
   x. [in-operation] */
TSR_API tsr_node *tsr_max_pool_winners_sized(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options,
                                             size_t size);
static inline tsr_node *tsr_max_pool_winners(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options)
{
    return tsr_max_pool_winners_sized(graph, x, options, sizeof(*options));
}

/* The largest and the mean of square windows, without padding. [in-operation] */
TSR_API tsr_node *tsr_max_pool(tsr_graph *graph, tsr_node *x, int size, int stride);
TSR_API tsr_node *tsr_average_pool(tsr_graph *graph, tsr_node *x, int size, int stride);

/* The mean of each channel: c x h x w, or any shape whose first dimension is c, becomes a vector of c.
   [in-operation] */
TSR_API tsr_node *tsr_global_average_pool(tsr_graph *graph, tsr_node *x);

/* A vector of all elements. [in-operation] */
TSR_API tsr_node *tsr_flatten(tsr_graph *graph, tsr_node *x);

/* x W^T + b along the last dimension, at each place of the others: W is (width, features), as PyTorch's
   Linear has it, Glorot uniform; b is zero. Steps x features become steps x width. [in-operation] */
TSR_API tsr_node *tsr_linear(tsr_graph *graph, tsr_node *x, int width);

typedef struct tsr_linear_options {
    int width;
    bool bias; /* false: there is none, and no parameter for it */
} tsr_linear_options;

/* The same with or without the bias. [in-operation] */
TSR_API tsr_node *tsr_linear_sized(tsr_graph *graph, tsr_node *x, const tsr_linear_options *options,
                                   size_t size);
static inline tsr_node *tsr_linear_with(tsr_graph *graph, tsr_node *x, const tsr_linear_options *options)
{
    return tsr_linear_sized(graph, x, options, sizeof(*options));
}

/* a + b, a - b and the product of their elements. Both have one shape, but that a dimension of one may be 1:
   it is then repeated along the other's. 64 x 1 x 1 scales 64 x 32 x 32 by channel. [in-operation] */
TSR_API tsr_node *tsr_add(tsr_graph *graph, tsr_node *a, tsr_node *b);
TSR_API tsr_node *tsr_subtract(tsr_graph *graph, tsr_node *a, tsr_node *b);
TSR_API tsr_node *tsr_multiply(tsr_graph *graph, tsr_node *a, tsr_node *b);

/* The matrix product of the last two dimensions, for each place of those before, which both have alike: of m
   x k and k x n it is m x n. A flag takes its matrix transposed: k x m, or n x k. [in-operation] */
TSR_API tsr_node *tsr_matmul(tsr_graph *graph, tsr_node *a, bool transpose_a, tsr_node *b, bool transpose_b);

/* 1 / (1 + e^-x), tanh x and e^x of each element. They are smooth and give no bits of the code: for those,
   take an activation. [in-operation] */
TSR_API tsr_node *tsr_sigmoid(tsr_graph *graph, tsr_node *x);
TSR_API tsr_node *tsr_tanh(tsr_graph *graph, tsr_node *x);
TSR_API tsr_node *tsr_exp(tsr_graph *graph, tsr_node *x);

/* factor x of each element. [in-operation] */
TSR_API tsr_node *tsr_scale(tsr_graph *graph, tsr_node *x, double factor);

/* e^x divided by its sum along dimension `dim`, counted from 0. [in-operation] */
TSR_API tsr_node *tsr_softmax(tsr_graph *graph, tsr_node *x, size_t dim);

/* Layer norm over the last n_dims dimensions, with a learned scale and shift for each of their elements, and
   group norm of channels (the first dimension) in `groups`, a divisor of them, with one for each channel.
   PyTorch's epsilon is 1e-5, Keras's 1e-3; it is a constant "epsilon" as batch norm's. [in-operation] */
TSR_API tsr_node *tsr_layer_norm(tsr_graph *graph, tsr_node *x, size_t n_dims, double epsilon);
TSR_API tsr_node *tsr_group_norm(tsr_graph *graph, tsr_node *x, size_t groups, double epsilon);

/* The mean over n dimensions, which go; the others stay in their order. Over all of them it is one value.
   [in-operation] */
TSR_API tsr_node *tsr_mean(tsr_graph *graph, tsr_node *x, size_t n, const size_t *dims);

/* Row x of a learned (count, width) table for each x of the input: steps become steps x width. An x is
   rounded to the nearest of 0 .. count - 1; one that is no number is 0. The table is drawn with mean 0 and
   deviation 1, and no gradient goes to x. [in-operation] */
TSR_API tsr_node *tsr_embedding(tsr_graph *graph, tsr_node *x, int count, int width);

/* The same elements in another shape of as many. [in-operation] */
TSR_API tsr_node *tsr_reshape(tsr_graph *graph, tsr_node *x, tsr_shape shape);

/* Dimensions in another order: dimension i of the result is order[i] of x, which has n; and two exchanged.
   [in-operation] */
TSR_API tsr_node *tsr_permute(tsr_graph *graph, tsr_node *x, size_t n, const size_t *order);
TSR_API tsr_node *tsr_transpose(tsr_graph *graph, tsr_node *x, size_t a, size_t b);

/* n nodes joined along dimension `dim`, in which alone they may differ. [in-operation] */
TSR_API tsr_node *tsr_concat(tsr_graph *graph, size_t dim, size_t n, tsr_node *const *inputs);

/* The n places from `first` on of dimension `dim`. [in-operation] */
TSR_API tsr_node *tsr_slice(tsr_graph *graph, tsr_node *x, size_t dim, size_t first, size_t n);

/* Adds to the training loss: x, one value for a sample, times `weight`, its mean over the batch. So a model
   penalises activations, or gives an output beside its last one a loss of its own; a mean of values from
   somewhere in the network is tsr_mean over all their dimensions. The term is part of the loss that training
   shows and stops by, and not of model.loss.*, which are of the configured loss alone. The graph's nodes
   must lead to its output or to a term. [in-operation] */
TSR_API void tsr_add_loss_term(tsr_graph *graph, tsr_node *x, double weight);

/* An operator of the plugin's own (op.h). `config`, op->config_size bytes, is copied. [in-operation] */
TSR_API tsr_node *tsr_apply(tsr_graph *graph, const tsr_op *op, const void *config, size_t n_inputs,
                            tsr_node *const *inputs);

/* A layer applied again, to another input: a node of the same operator and configuration that has no
   parameters, running statistics and constants of its own but uses those of `layer`. They are saved once, by
   its name, an optimizer sees them once, and their gradient is the sum over all uses. Each use of a batch
   norm moves the running statistics, in the order in which the nodes were made; an activation is a layer of
   the neural code at each use. Refused where this input needs parameters of another shape. [in-operation] */
TSR_API tsr_node *tsr_again(tsr_graph *graph, tsr_node *layer, tsr_node *x);
/* The same for operators of several inputs: as many as `layer` has. [in-operation] */
TSR_API tsr_node *tsr_apply_again(tsr_graph *graph, tsr_node *layer, size_t n_inputs,
                                  tsr_node *const *inputs);

/* Names the node, printf style, and returns it. Its parameters are saved as "<name>.weight" and so on;
   without a name it is "<operator><number>". Names are unique in a graph. [in-operation] */
TSR_API tsr_node *tsr_named(tsr_graph *graph, tsr_node *x, const char *format, ...) TSR_PRINTF(3, 4);

/* Lets a parameter of the node ("weight"), or what it keeps beside ("running_mean"), begin with these n
   values, in the order of its shape (op.h), in place of those that are drawn; they are copied, finite and as
   many as it has. A file of model.weights goes before them. Where several are given, the last ones hold.
   Returns x. A layer that is applied again has none of its own: give them to its first use. [in-operation] */
TSR_API tsr_node *tsr_initial(tsr_graph *graph, tsr_node *x, const char *parameter, size_t n,
                              const float *values);

/* Makes the values of a node a layer of the neural code, called `name` ("<scope>.<name>" in a scope; names of
   layers are unique): each value gives a bit per breakpoint, value > breakpoint, all values for the first
   breakpoint, then all for the second. Activations give their bits without it. n is 1 to TSR_MAX_BREAKPOINTS,
   and the breakpoints, which are copied, finite and ascending; one that is learned is the 0 of a difference.
   Returns x, which is left as it is. Layers are in the order in which taps and activations were made. What
   only taps look at, and the logits do not depend on, is not computed while training and has no parameters.
   [in-operation] */
TSR_API tsr_node *tsr_tap(tsr_graph *graph, tsr_node *x, const char *name, size_t n,
                          const float *breakpoints);

/* Until the matching tsr_scope_end, names that are given and those that nodes have without begin with the
   scope's, printf style, and a dot. Scopes nest: in tsr_scope(g, "stage.%d", 0) and tsr_scope(g, "shortcut"),
   tsr_named(g, x, "conv") is "stage.0.shortcut.conv". A node is to be named in the scope that it was made in:
   a name given after its end has no such beginning. A graph whose scopes are not ended is refused.
   [in-operation] */
TSR_API void tsr_scope(tsr_graph *graph, const char *format, ...) TSR_PRINTF(2, 3);
TSR_API void tsr_scope_end(tsr_graph *graph);

/* The node's name; lives as long as the graph, or until it is named anew. [in-operation] */
TSR_API const char *tsr_node_name(const tsr_node *x);

/* The shape of one sample at this node; 1 on a failed graph. [in-operation] */
TSR_API tsr_shape tsr_node_shape(const tsr_node *x);

/* Says, printf style, which of the model's keys the nodes made from here on are of, such as "layers.3": the
   message of a failure names it, and the line of the config where it stands. "" ends that. [in-operation] */
TSR_API void tsr_graph_at(tsr_graph *graph, const char *format, ...) TSR_PRINTF(2, 3);

/* A builder's own error, printf style; sticks as any other. [in-operation] */
TSR_API void tsr_graph_fail(tsr_graph *graph, const char *format, ...) TSR_PRINTF(2, 3);

TSR_END_DECLS
#endif
