/* Operators that move values, and change none. */
#include "translate.h"

#include <string.h>

tsr_node *onnx_reshape(onnx_translation *t, tsr_node *x, size_t rank, const size_t *dims)
{
    tsr_shape shape = { .n_dims = rank ? rank : 1, .dims = { 1 } };
    if (rank > TSR_MAX_DIMS) {
        onnx_fail(t, "gives %zu dimensions beside the batch, expected at most %d", rank, TSR_MAX_DIMS);
        return x;
    }
    for (size_t i = 0; i < rank; i++)
        shape.dims[i] = dims[i];
    return tsr_shape_equal(shape, tsr_node_shape(x)) ? x : tsr_reshape(t->graph, x, shape);
}

static void make_identity(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (x)
        onnx_give(t, 0, x->node, x->rank);
}

static void make_cast(onnx_translation *t)
{
    int64_t to = onnx_int(t, "to", 0);
    if (!t->failed && !onnx_type_is_real(to))
        onnx_fail(t, "makes data type %lld of what depends on the input, expected floats", (long long)to);
    make_identity(t);
}

static void make_dropout(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    double rate = onnx_real(t, "ratio", 0.5);
    if (t->node->n_output > 1 && *t->node->output[1] && onnx_value_find(t, t->node->output[1])->needed)
        onnx_fail(t, "is to tell what it left out, which is not known here");
    else if (onnx_has_input(t, 1) && !onnx_scalar(onnx_constant_input(t, 1), &rate))
        onnx_fail(t, "its ratio is no number");
    else if (!t->failed && !(rate >= 0 && rate < 1))
        onnx_fail(t, "its ratio is %g, expected at least 0 and less than 1", rate);
    if (!t->failed)
        onnx_give(t, 0, rate > 0 ? tsr_dropout(t->graph, x->node, rate) : x->node, x->rank);
}

/* Flatten, Reshape, Squeeze and Unsqueeze. */
static void make_reshaped(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    size_t dims[ONNX_MAX_RANK];
    onnx_dims to;
    if (!x)
        return;
    onnx_dims from = onnx_dims_of(x);
    if (!onnx_dims_changed(t, &from, &to))
        return;
    for (size_t i = 1; i < to.n; i++)
        dims[i - 1] = (size_t)to.dim[i];
    tsr_node *y = onnx_reshape(t, x->node, to.n - 1, dims);
    if (!t->failed)
        onnx_give(t, 0, y, to.n - 1);
}

static void make_transpose(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    size_t order[ONNX_MAX_RANK];
    if (!x || !onnx_order(t, x->rank + 1, order))
        return;
    if (order[0] != 0)
        onnx_fail(t, "perm begins with %zu, expected 0: the batch stays where it is", order[0]);
    for (size_t i = 0; i < x->rank && !t->failed; i++)
        order[i] = order[i + 1] - 1;
    if (!t->failed)
        onnx_give(t, 0, x->rank ? tsr_permute(t->graph, x->node, x->rank, order) : x->node, x->rank);
}

static void make_concat(onnx_translation *t)
{
    tsr_node *inputs[1024];
    size_t n = t->node->n_input, axis = 0, rank = 0;
    if (n > sizeof(inputs) / sizeof(*inputs))
        onnx_fail(t, "joins %zu arrays, expected at most %zu", n, sizeof(inputs) / sizeof(*inputs));
    if (!t->failed && !onnx_attribute(t, "axis"))
        onnx_fail(t, "has no axis");
    for (size_t i = 0; i < n && !t->failed; i++) {
        const onnx_value *x = onnx_input(t, i);
        if (!x)
            break;
        if (i == 0)
            rank = x->node ? x->rank : x->constant->rank - (x->constant->rank > 0);
        if (x->constant && (t->batch != 1 || x->constant->rank != rank + 1))
            onnx_fail(t, "joins a constant of %zu dimensions with the batch", x->constant->rank);
        inputs[i] = x->node ? x->node : onnx_array(t, x->constant, rank, false);
        if (x->node && x->rank != rank)
            onnx_fail(t, "joins arrays of %zu and %zu dimensions beside the batch", rank, x->rank);
    }
    if (t->failed || !onnx_axis(t, onnx_int(t, "axis", 0), rank + 1, &axis))
        return;
    if (axis == 0)
        onnx_fail(t, "joins along axis 0, the batch");
    else
        onnx_give(t, 0, n > 1 ? tsr_concat(t->graph, axis - 1, n, inputs) : inputs[0], rank);
}

static void make_slice(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    onnx_part parts[ONNX_MAX_RANK];
    if (!x)
        return;
    onnx_dims from = onnx_dims_of(x);
    size_t n = onnx_parts(t, &from, parts);
    tsr_node *y = x->node;
    for (size_t i = 0; i < n && !t->failed; i++) {
        const onnx_part *part = &parts[i];
        if (part->count == 0)
            onnx_fail(t, "takes nothing of axis %zu, which has %lld values", part->axis,
                      (long long)from.dim[part->axis]);
        else if (part->step != 1 && part->count > 1)
            onnx_fail(t, "takes some by steps, expected neighbours of one sample");
        else if ((int64_t)part->count < from.dim[part->axis])
            y = tsr_slice(t->graph, y, part->axis - 1, (size_t)part->first, part->count);
    }
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

/* How long part i of `side` is, where `left` are left. */
static size_t length_of_part(size_t n, const int64_t *parts, size_t i, size_t side, size_t outputs,
                             size_t left)
{
    size_t each = (side + outputs - 1) / outputs;
    if (n)
        return parts[i] > 0 ? (size_t)parts[i] : 0;
    return left < each ? left : each;
}

/* Parts that are given, or as many alike as there are outputs; from operator set 18 on the last may have
   fewer. */
static void make_split(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t parts[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "split", 1, parts), outputs = t->node->n_output, axis = 0, first = 0;
    int64_t number = onnx_int(t, "num_outputs", (int64_t)outputs);
    if (t->failed || !onnx_axis(t, onnx_int(t, "axis", 0), x->rank + 1, &axis))
        return;
    if (axis == 0 || outputs < 1 || (n && n != outputs) || number != (int64_t)outputs) {
        onnx_fail(t, "makes %zu parts of axis %zu for %zu outputs, expected as many, and not of the batch",
                  n ? n : (size_t)number, axis, outputs);
        return;
    }
    size_t side = tsr_node_shape(x->node).dims[axis - 1];
    if (!n && side % outputs && t->file->opset < 18)
        onnx_fail(t, "makes %zu parts of %zu values, expected parts alike", outputs, side);
    for (size_t i = 0; i < outputs && !t->failed; i++) {
        size_t left = side - first, length = length_of_part(n, parts, i, side, outputs, left);
        if (length == 0 || length > left || (i + 1 == outputs && length < left))
            onnx_fail(t, "its part %zu has %zu of %zu values that are left", i, length, left);
        const onnx_value *part = t->failed ? NULL : onnx_value_find(t, t->node->output[i]);
        if (part && part->needed)
            onnx_give(t, i, tsr_slice(t->graph, x->node, axis - 1, first, length), x->rank);
        first += length;
    }
}

/* One place of a dimension, which goes. */
static void make_gather(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    const onnx_constant *index = onnx_constant_input(t, 1);
    size_t axis = 0, dims[ONNX_MAX_RANK], rank = 0;
    if (t->failed || !onnx_axis(t, onnx_int(t, "axis", 0), x->rank + 1, &axis))
        return;
    tsr_shape shape = tsr_node_shape(x->node);
    if (axis == 0 || !index->integers || index->n != 1 || index->rank != 0) {
        onnx_fail(t, "takes %zu places of axis %zu, expected one number of a place within a sample", index->n,
                  axis);
        return;
    }
    int64_t side = (int64_t)shape.dims[axis - 1], at = index->integers[0];
    at += at < 0 ? side : 0;
    if (at < 0 || at >= side) {
        onnx_fail(t, "takes place %lld of %lld", (long long)index->integers[0], (long long)side);
        return;
    }
    for (size_t i = 0; i < x->rank; i++)
        if (i != axis - 1)
            dims[rank++] = shape.dims[i];
    tsr_node *one = tsr_slice(t->graph, x->node, axis - 1, (size_t)at, 1);
    one = onnx_reshape(t, one, rank, dims);
    if (!t->failed)
        onnx_give(t, 0, one, rank);
}

/* What onnx_fold makes, and nothing else. */
static void make_constant(onnx_translation *t)
{
    onnx_fail(t, "is of what is not known here: expected a tensor, numbers, or a shape");
}

static void make_shape(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    if (!x)
        return;
    onnx_dims dims = onnx_dims_of(x);
    onnx_give_shape(t, &dims);
}

const onnx_operator onnx_arrangements[] = {
    { "Cast", make_cast, " to saturate ", 1, 1 },
    { "Concat", make_concat, " axis ", 1, 0 },
    { "Constant", make_constant, " value value_float value_floats value_int value_ints ", 0, 0 },
    { "ConstantOfShape", make_constant, " value ", 1, 1 },
    { "Dropout", make_dropout, " ratio seed ", 1, 3 },
    { "Flatten", make_reshaped, " axis ", 1, 1 },
    { "Gather", make_gather, " axis ", 2, 2 },
    { "Identity", make_identity, " ", 1, 1 },
    { "Reshape", make_reshaped, " allowzero shape ", 1, 2 },
    { "Shape", make_shape, " end start ", 1, 1 },
    { "Slice", make_slice, " axes ends starts ", 1, 5 },
    { "Split", make_split, " axis num_outputs split ", 1, 2 },
    { "Squeeze", make_reshaped, " axes ", 1, 2 },
    { "Transpose", make_transpose, " perm ", 1, 1 },
    { "Unsqueeze", make_reshaped, " axes ", 1, 2 },
    { 0 },
};
