/* The core's own operators. Each file beside this one holds an operator, the builder call that makes a node
   of it, and nothing else; the engine treats them as it treats a plugin's. */
#ifndef TSR_NN_OPS_OPS_H
#define TSR_NN_OPS_OPS_H

#include "base/shape.h"

#include <tessera/activation.h>
#include <tessera/op.h>

extern const tsr_op tsr_op_activation, tsr_op_add, tsr_op_add_repeated, tsr_op_average_pool,
    tsr_op_batch_norm, tsr_op_concat, tsr_op_conv1d, tsr_op_conv2d, tsr_op_dense, tsr_op_dropout,
    tsr_op_embedding, tsr_op_exp, tsr_op_flatten, tsr_op_global_average_pool, tsr_op_group_norm,
    tsr_op_grouped_conv2d, tsr_op_layer_norm, tsr_op_linear, tsr_op_matmul, tsr_op_max_pool,
    tsr_op_max_pool_winners, tsr_op_mean, tsr_op_multiply, tsr_op_permute, tsr_op_reshape, tsr_op_scale,
    tsr_op_sigmoid, tsr_op_slice, tsr_op_softmax, tsr_op_subtract, tsr_op_tanh;

/* tsr_add of different shapes. */
tsr_node *tsr_add_repeated(tsr_graph *graph, tsr_node *a, tsr_node *b);

/* Input 0 as the maps of an image; where it is none, the node is refused, and false returned. */
bool tsr_setup_maps(tsr_setup *setup, tsr_maps *out);

/* The activation operator's configuration: what a code tap has to know of the plugin behind it. */
typedef struct tsr_activation_config {
    const tsr_activation_ops *ops;
    const void *self;
    const char *name; /* of the plugin */
} tsr_activation_config;

/* Where the pieces of an activation meet: at most `capacity` written to `at`, the number of all returned. */
size_t tsr_activation_breakpoints(const tsr_activation_config *config, size_t capacity, float *at);

/* A convolution's in groups, with dilation or in one dimension, where the options of height say nothing. */
typedef struct tsr_grouped_conv_config {
    tsr_conv2d_options options; /* groups and dilation are what they stand for */
    bool one_dimensional;
} tsr_grouped_conv_config;

/* The course of pools along lines. */
tsr_status *tsr_max_pool_line(const tsr_line_pass *pass);
tsr_status *tsr_max_pool_winners_line(const tsr_line_pass *pass);
tsr_status *tsr_average_pool_line(const tsr_line_pass *pass);
tsr_status *tsr_global_average_pool_line(const tsr_line_pass *pass);

/* The course of any convolution along lines. */
tsr_status *tsr_grouped_conv_line(const tsr_grouped_conv_config *config, const tsr_line_pass *pass);

/* Batch norm's. On feature maps it can do in the same pass what follows it: where `activation` is not NULL, a
   second input is added, if there is one, and the sum activated; a node made by tsr_graph_fuse. */
typedef struct tsr_batch_norm_config {
    tsr_batch_norm_options options; /* as built: what holds are the constants */
    const tsr_activation_config *activation;
} tsr_batch_norm_config;

/* Its constants, in the order of its setup. */
enum { TSR_NORM_EPSILON, TSR_NORM_MOMENTUM };

#endif
