/* Operators that move values, and change none. */
#include "translate.h"

#include <limits.h>
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

static void give_reshaped(onnx_translation *t, const onnx_value *x, size_t rank, const size_t *dims)
{
    tsr_node *y = onnx_reshape(t, x->node, rank, dims);
    if (!t->failed)
        onnx_give(t, 0, y, rank);
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
    if (!t->failed && to != 1 && to != 10 && to != 11 && to != 16)
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

static void make_flatten(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    size_t axis = 0;
    int64_t given = onnx_int(t, "axis", 1);
    if (t->failed || (given != (int64_t)x->rank + 1 && !onnx_axis(t, given, x->rank + 1, &axis)))
        return;
    size_t size = tsr_shape_size(tsr_node_shape(x->node));
    if (axis != 1)
        onnx_fail(t, "flattens from axis %lld on, expected 1: what is before is the batch", (long long)given);
    else
        give_reshaped(t, x, 1, &size);
}

/* Whether the first number of a shape is the batch: the number of the file, 0 (as it is), or -1 where the
   others take all of a sample's values. */
static bool is_batch(const onnx_translation *t, int64_t dim, bool others_are_whole)
{
    return dim == ONNX_BATCH || dim == 0 || (dim > 0 && dim == t->batch) || (dim == -1 && others_are_whole);
}

static void make_reshape(onnx_translation *t)
{
    int64_t wanted[ONNX_MAX_RANK] = { 0 };
    const onnx_value *x = onnx_node_input(t, 0);
    size_t n = onnx_ints_or_input(t, "shape", 1, wanted), dims[ONNX_MAX_RANK], known = 1, open = 0;
    if (!t->failed && onnx_int(t, "allowzero", 0))
        onnx_fail(t, "allowzero is set, expected dimensions that are not 0");
    if (t->failed)
        return;
    tsr_shape shape = tsr_node_shape(x->node);
    size_t size = tsr_shape_size(shape);
    for (size_t i = 1; i < n && !t->failed; i++) {
        if (wanted[i] == 0)
            wanted[i] = i <= x->rank ? (int64_t)shape.dims[i - 1] : 0;
        if (wanted[i] == -1 && !open)
            open = i;
        else if (wanted[i] < 1 || wanted[i] > INT_MAX ||
                 __builtin_mul_overflow(known, (size_t)wanted[i], &known))
            onnx_fail(t, "the shape has %s%lld in dimension %zu, expected a number of values",
                      wanted[i] == ONNX_BATCH ? "the batch, " : "", (long long)wanted[i], i);
    }
    if (t->failed)
        return;
    if (n < 1 || !is_batch(t, wanted[0], !open && known == size)) {
        onnx_fail(t, "the shape begins with %lld, expected the batch: 0, -1 or its number",
                  n ? (long long)wanted[0] : 0);
        return;
    }
    if (size % known || (!open && known != size)) {
        onnx_fail(t, "makes %zu values of a sample's %zu", known, size);
        return;
    }
    for (size_t i = 1; i < n; i++)
        dims[i - 1] = i == open ? size / known : (size_t)wanted[i];
    give_reshaped(t, x, n - 1, dims);
}

static void make_transpose(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints(t, "perm", given), order[TSR_MAX_DIMS];
    if (t->failed)
        return;
    if (n != x->rank + 1 || given[0] != 0) {
        onnx_fail(
            t, "perm has %zu elements and begins with %lld, expected %zu and 0: the batch stays where it is",
            n, n ? (long long)given[0] : 0, x->rank + 1);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        if (given[i] < 1 || given[i] > (int64_t)x->rank)
            onnx_fail(t, "perm has %lld, expected 1 to %zu", (long long)given[i], x->rank);
        order[i - 1] = t->failed ? 0 : (size_t)given[i] - 1;
    }
    if (!t->failed)
        onnx_give(t, 0, x->rank ? tsr_permute(t->graph, x->node, x->rank, order) : x->node, x->rank);
}

static void make_squeeze(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "axes", 1, given), axes[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], rank = 0;
    if (t->failed || onnx_axes(t, n, given, x->rank + 1, axes) != n || t->failed)
        return;
    tsr_shape shape = tsr_node_shape(x->node);
    for (size_t axis = 0, next = 0; axis <= x->rank && !t->failed; axis++) {
        bool goes = n ? next < n && axes[next] == axis : axis && shape.dims[axis - 1] == 1;
        next += goes;
        if (goes && (axis == 0 || shape.dims[axis - 1] != 1))
            onnx_fail(t, "takes away axis %zu, expected one of a single value", axis);
        else if (!goes && axis)
            dims[rank++] = shape.dims[axis - 1];
    }
    if (!t->failed)
        give_reshaped(t, x, rank, dims);
}

static void make_unsqueeze(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "axes", 1, given), axes[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], from = 0;
    if (t->failed)
        return;
    size_t rank = x->rank + n;
    if (rank > TSR_MAX_DIMS)
        onnx_fail(t, "gives %zu dimensions beside the batch, expected at most %d", rank, TSR_MAX_DIMS);
    if (t->failed || onnx_axes(t, n, given, rank + 1, axes) != n || t->failed)
        return;
    tsr_shape shape = tsr_node_shape(x->node);
    for (size_t axis = 1, next = 0; axis <= rank; axis++) {
        bool comes = next < n && axes[next] == axis;
        next += comes;
        dims[axis - 1] = comes ? 1 : shape.dims[from++];
    }
    if (n && axes[0] == 0)
        onnx_fail(t, "puts a dimension before the batch");
    else
        give_reshaped(t, x, rank, dims);
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

/* starts, ends, axes and steps, as attributes before operator set 10 and then as inputs. */
static void make_slice(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t starts[ONNX_MAX_RANK], ends[ONNX_MAX_RANK], axes[ONNX_MAX_RANK], steps[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "starts", 1, starts), m = onnx_ints_or_input(t, "ends", 2, ends),
           n_axes = onnx_ints_or_input(t, "axes", 3, axes),
           n_steps = onnx_ints_or_input(t, "steps", 4, steps);
    if (!t->failed && (n != m || (n_axes && n_axes != n) || (n_steps && n_steps != n)))
        onnx_fail(t, "has %zu starts, %zu ends, %zu axes and %zu steps", n, m, n_axes, n_steps);
    if (t->failed)
        return;
    tsr_node *y = x->node;
    for (size_t i = 0; i < n; i++) {
        size_t axis;
        if (!onnx_axis(t, n_axes ? axes[i] : (int64_t)i, x->rank + 1, &axis))
            return;
        if (axis == 0 || (n_steps && steps[i] != 1)) {
            onnx_fail(t, "takes %s, expected neighbours of one sample",
                      axis ? "some by steps" : "from the batch");
            return;
        }
        int64_t side = (int64_t)tsr_node_shape(y).dims[axis - 1],
                from = starts[i] < -side ? 0
                       : starts[i] < 0   ? starts[i] + side
                                         : starts[i],
                to = ends[i] < -side  ? 0
                     : ends[i] < 0    ? ends[i] + side
                     : ends[i] > side ? side
                                      : ends[i];
        if (from >= to) {
            onnx_fail(t, "takes nothing of axis %zu, which has %lld values", axis, (long long)side);
            return;
        }
        if (from > 0 || to < side)
            y = tsr_slice(t->graph, y, axis - 1, (size_t)from, (size_t)(to - from));
    }
    onnx_give(t, 0, y, x->rank);
}

static void make_split(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    int64_t parts[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "split", 1, parts), outputs = t->node->n_output, axis = 0, first = 0;
    if (t->failed || !onnx_axis(t, onnx_int(t, "axis", 0), x->rank + 1, &axis))
        return;
    if (axis == 0 || (n && n != outputs)) {
        onnx_fail(t, "makes %zu parts of axis %zu for %zu outputs, expected as many, and not of the batch", n,
                  axis, outputs);
        return;
    }
    size_t side = tsr_node_shape(x->node).dims[axis - 1], each = (side + outputs - 1) / outputs;
    for (size_t i = 0; i < outputs && !t->failed; i++) {
        size_t left = side - first;
        size_t length = n && parts[i] > 0 ? (size_t)parts[i] : n ? 0 : left < each ? left : each;
        if (length == 0 || length > left)
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
    int64_t n = (int64_t)x->rank + 1, first = onnx_int(t, "start", 0), last = onnx_int(t, "end", n);
    first = first < -n ? 0 : first < 0 ? first + n : first > n ? n : first;
    last = last < -n ? 0 : last < 0 ? last + n : last > n ? n : last;
    size_t count = last > first ? (size_t)(last - first) : 0;
    onnx_constant *shape = onnx_constant_new(1, &count, true);
    tsr_shape dims = tsr_node_shape(x->node);
    for (size_t i = 0; shape && i < count; i++) {
        size_t axis = (size_t)first + i;
        shape->integers[i] = axis ? (int64_t)dims.dims[axis - 1] : ONNX_BATCH;
    }
    onnx_give_constant(t, 0, shape);
}

const onnx_operator onnx_arrangements[] = {
    { "Cast", make_cast, " to saturate ", 1, 1 },
    { "Concat", make_concat, " axis ", 1, 0 },
    { "Constant", make_constant, " value value_float value_floats value_int value_ints ", 0, 0 },
    { "ConstantOfShape", make_constant, " value ", 1, 1 },
    { "Dropout", make_dropout, " ratio seed ", 1, 3 },
    { "Flatten", make_flatten, " axis ", 1, 1 },
    { "Gather", make_gather, " axis ", 2, 2 },
    { "Identity", make_identity, " ", 1, 1 },
    { "Reshape", make_reshape, " allowzero shape ", 1, 2 },
    { "Shape", make_shape, " end start ", 1, 1 },
    { "Slice", make_slice, " axes ends starts ", 1, 5 },
    { "Split", make_split, " axis num_outputs split ", 1, 2 },
    { "Squeeze", make_squeeze, " axes ", 1, 2 },
    { "Transpose", make_transpose, " perm ", 1, 1 },
    { "Unsqueeze", make_unsqueeze, " axes ", 1, 2 },
    { 0 },
};
