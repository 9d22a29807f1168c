/* Normalisations and means. */
#include "translate.h"

#include <string.h>

/* --- batch, instance and layer norm --- */

static void make_batch_norm(onnx_translation *t)
{
    static const char *const arrays[] = { "weight", "bias", "running_mean", "running_var" };
    const onnx_value *x = onnx_node_input(t, 0);
    const tsr_batch_norm_options options = { .epsilon = onnx_real(t, "epsilon", 1e-5),
                                             .momentum = onnx_real(t, "momentum", 0.9) };
    if (!t->failed && x->rank < 1)
        onnx_fail(t, "its input has no channels");
    if (!t->failed && onnx_int(t, "spatial", 1) != 1)
        onnx_fail(t, "spatial is 0, expected statistics of channels");
    if (t->failed)
        return;
    size_t channels = tsr_shape_channels(tsr_node_shape(x->node));
    tsr_node *y = tsr_batch_norm_with(t->graph, x->node, &options);
    for (size_t i = 0; i < 4 && !t->failed; i++)
        y = onnx_initial(t, y, arrays[i], channels, onnx_constant_input(t, i + 1));
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

static void make_instance_norm(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    double epsilon = onnx_real(t, "epsilon", 1e-5);
    if (!t->failed && x->rank < 2)
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected 2 or more", x->rank);
    if (t->failed)
        return;
    size_t channels = tsr_shape_channels(tsr_node_shape(x->node));
    tsr_node *y = tsr_group_norm(t->graph, x->node, channels, epsilon);
    y = onnx_initial(t, y, "weight", channels, onnx_constant_input(t, 1));
    y = onnx_initial(t, y, "bias", channels, onnx_constant_input(t, 2));
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

/* Values of the last n dimensions. */
static size_t size_of_last(tsr_shape shape, size_t n)
{
    size_t size = 1;
    for (size_t i = shape.n_dims - n; i < shape.n_dims; i++)
        size *= shape.dims[i];
    return size;
}

static void make_layer_norm(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    double epsilon = onnx_real(t, "epsilon", 1e-5);
    size_t axis;
    if (t->failed || !onnx_axis(t, onnx_int(t, "axis", -1), x->rank + 1, &axis))
        return;
    for (size_t i = 1; i < t->node->n_output; i++) {
        const onnx_value *more = onnx_value_find(t, t->node->output[i]);
        if (more && more->needed)
            onnx_fail(t, "is to give its statistics, which is not known here");
    }
    if (!t->failed && axis == 0)
        onnx_fail(t, "is over the batch");
    if (t->failed)
        return;
    size_t n = x->rank + 1 - axis, size = size_of_last(tsr_node_shape(x->node), n);
    tsr_node *y = tsr_layer_norm(t->graph, x->node, n, epsilon);
    y = onnx_initial(t, y, "weight", size, onnx_constant_input(t, 1));
    if (onnx_has_input(t, 2))
        y = onnx_initial(t, y, "bias", size, onnx_constant_input(t, 2));
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

/* --- written out --- */

static const Onnx__Node *maker_of(const onnx_translation *t, const char *name, const char *op)
{
    const onnx_value *value = onnx_value_find(t, name);
    const Onnx__Node *maker = value ? value->maker : NULL;
    return maker && strcmp(onnx_text(maker->op_type), op) == 0 && maker->n_input ? maker : NULL;
}

/* Whether the node is name^2, or name * name. */
static bool is_square_of(const onnx_translation *t, const char *square, const char *name)
{
    const Onnx__Node *pow = maker_of(t, square, "Pow"), *mul = maker_of(t, square, "Mul");
    if (pow && pow->n_input == 2)
        return strcmp(pow->input[0], name) == 0;
    return mul && mul->n_input == 2 && strcmp(mul->input[0], name) == 0 && strcmp(mul->input[1], name) == 0;
}

bool onnx_is_written_norm(const onnx_translation *t, const Onnx__Node *node, onnx_written_norm *out)
{
    if (strcmp(onnx_text(node->op_type), "Div") != 0 || node->n_input != 2)
        return false;
    const Onnx__Node *difference = maker_of(t, node->input[0], "Sub"),
                     *root = maker_of(t, node->input[1], "Sqrt"),
                     *sum = root ? maker_of(t, root->input[0], "Add") : NULL;
    if (!difference || difference->n_input != 2 || !sum || sum->n_input != 2)
        return false;
    const Onnx__Node *mean = maker_of(t, difference->input[1], "ReduceMean"), *variance = NULL;
    size_t k = 0;
    for (; k < 2 && !variance; k++)
        variance = maker_of(t, sum->input[k], "ReduceMean");
    if (!mean || !variance || strcmp(mean->input[0], difference->input[0]) != 0 ||
        !is_square_of(t, variance->input[0], node->input[0]))
        return false;
    *out = (onnx_written_norm){ difference->input[0], sum->input[2 - k], mean };
    return true;
}

/* How many last dimensions a ReduceMean is over; 0 and failed where it is over others. */
static size_t n_last_axes(onnx_translation *t, const Onnx__Node *mean, size_t rank)
{
    const Onnx__Node *present = t->node;
    int64_t given[ONNX_MAX_RANK];
    size_t axes[ONNX_MAX_RANK];
    t->node = mean;
    size_t n = onnx_ints_or_input(t, "axes", 1, given);
    n = t->failed ? 0 : onnx_axes(t, n, given, rank + 1, axes);
    t->node = present;
    if (!t->failed && (n == 0 || n > rank || axes[0] != rank + 1 - n))
        onnx_fail(t, "is a layer norm over other dimensions than the last");
    return t->failed ? 0 : n;
}

/* A Mul and an Add behind it are its scale and shift, where they are constants of the right shape. */
void onnx_make_written_norm(onnx_translation *t, const onnx_written_norm *norm)
{
    const onnx_value *x = onnx_value_find(t, norm->x), *eps = onnx_value_find(t, norm->epsilon);
    double epsilon = 0;
    if (!x || !x->node)
        onnx_fail(t, "is a layer norm of what does not depend on the network's input");
    /* An initializer is read where an operator takes it, which this one is not by the file. */
    onnx_constant *own = NULL;
    if (!t->failed && eps && !eps->constant && eps->tensor)
        tsr_status_free(onnx_constant_read(t->file, eps->tensor, &own));
    if (!t->failed && !onnx_scalar(eps && eps->constant ? eps->constant : own, &epsilon))
        onnx_fail(t, "is a layer norm whose epsilon is no number");
    onnx_constant_free(own);
    size_t n = t->failed ? 0 : n_last_axes(t, norm->mean, x->rank);
    if (t->failed)
        return;
    size_t size = size_of_last(tsr_node_shape(x->node), n);
    tsr_node *y = tsr_layer_norm(t->graph, x->node, n, epsilon);
    const Onnx__Node *mul = NULL, *add = NULL;
    const onnx_value *out = onnx_value_find(t, t->node->output[0]);
    const onnx_constant *scale = n == 1 ? onnx_joined(t, out, "Mul", size, &mul) : NULL;
    const onnx_constant *shift =
        scale ? onnx_joined(t, onnx_value_find(t, mul->output[0]), "Add", size, &add) : NULL;
    y = onnx_initial(t, y, "weight", size, scale);
    y = onnx_initial(t, y, "bias", size, shift);
    onnx_give(t, 0, y, x->rank);
    if (scale)
        onnx_give_for(t, mul, y, x->rank);
    if (shift)
        onnx_give_for(t, add, y, x->rank);
}

/* --- means --- */

static void make_mean(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t given[ONNX_MAX_RANK];
    size_t axes[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], kept = 0;
    size_t n = onnx_ints_or_input(t, "axes", 1, given);
    bool keep = onnx_int(t, "keepdims", 1) != 0;
    if (t->failed)
        return;
    if (n == 0)
        onnx_fail(t, "names no axes, and is over the batch with all others");
    if (t->failed || onnx_axes(t, n, given, x->rank + 1, axes) != n || t->failed)
        return;
    if (axes[0] == 0) {
        onnx_fail(t, "is over the batch");
        return;
    }
    tsr_shape shape = tsr_node_shape(x->node);
    for (size_t i = 0, next = 0; i < x->rank; i++) {
        bool goes = next < n && axes[next] == i + 1;
        next += goes;
        if (keep || !goes)
            dims[kept++] = goes ? 1 : shape.dims[i];
    }
    for (size_t i = 0; i < n; i++)
        axes[i]--;
    tsr_node *y = tsr_mean(t->graph, x->node, n, axes);
    y = onnx_reshape(t, y, kept, dims);
    if (!t->failed)
        onnx_give(t, 0, y, kept);
}

const onnx_operator onnx_norms[] = {
    { "BatchNormalization", make_batch_norm, " epsilon momentum spatial training_mode ", 5, 5 },
    { "InstanceNormalization", make_instance_norm, " epsilon ", 3, 3 },
    { "LayerNormalization", make_layer_norm, " axis epsilon stash_type ", 2, 3 },
    { "ReduceMean", make_mean, " axes keepdims noop_with_empty_axes ", 1, 2 },
    { 0 },
};
