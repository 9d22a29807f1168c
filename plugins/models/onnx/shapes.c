/* What operators make of shapes, alike for nodes and for constants. */
#include "translate.h"

#include <limits.h>

onnx_dims onnx_dims_of(const onnx_value *value)
{
    onnx_dims dims = { 0 };
    if (value->node) {
        tsr_shape shape = tsr_node_shape(value->node);
        dims = (onnx_dims){ .n = value->rank + 1, .dim = { ONNX_BATCH } };
        for (size_t i = 0; i < value->rank; i++)
            dims.dim[i + 1] = (int64_t)shape.dims[i];
    } else {
        dims.n = value->constant->rank;
        for (size_t i = 0; i < dims.n; i++)
            dims.dim[i] = (int64_t)value->constant->dims[i];
    }
    return dims;
}

static bool has_batch(const onnx_dims *dims)
{
    return dims->n && dims->dim[0] == ONNX_BATCH;
}

/* Of the dimensions from `first` to before `last`, the batch left out; they are in memory. */
static int64_t size_of(const onnx_dims *dims, size_t first, size_t last)
{
    int64_t size = 1;
    for (size_t i = first; i < last; i++)
        size *= dims->dim[i] == ONNX_BATCH ? 1 : dims->dim[i];
    return size;
}

static bool add(onnx_translation *t, onnx_dims *dims, int64_t dim)
{
    if (dims->n == ONNX_MAX_RANK)
        onnx_fail(t, "gives more than %d dimensions", ONNX_MAX_RANK);
    else
        dims->dim[dims->n++] = dim;
    return !t->failed;
}

void onnx_give_shape(onnx_translation *t, const onnx_dims *dims)
{
    int64_t n = (int64_t)dims->n, first = onnx_int(t, "start", 0), last = onnx_int(t, "end", n);
    first = first < -n ? 0 : first < 0 ? first + n : first > n ? n : first;
    last = last < -n ? 0 : last < 0 ? last + n : last > n ? n : last;
    size_t count = last > first ? (size_t)(last - first) : 0;
    onnx_constant *shape = onnx_new(t, 1, &count, true);
    for (size_t i = 0; shape && i < count; i++)
        shape->integers[i] = dims->dim[(size_t)first + i];
    onnx_give_constant(t, 0, shape);
}

/* --- Reshape --- */

/* The shape that is asked for, with one -1 at most, and how large it is without that. */
static bool read_shape(onnx_translation *t, const onnx_dims *from, onnx_dims *to, int64_t *known)
{
    int64_t wanted[ONNX_MAX_RANK] = { 0 };
    size_t n = onnx_ints_or_input(t, "shape", 1, wanted), open = 0;
    bool copies = !onnx_int(t, "allowzero", 0);
    *known = 1;
    for (size_t i = 0; i < n && !t->failed; i++) {
        int64_t dim = wanted[i] == 0 && copies && i < from->n ? from->dim[i] : wanted[i];
        if (i == 0 && has_batch(from) && t->batch && dim == t->batch)
            dim = ONNX_BATCH;
        bool is_batch = dim == ONNX_BATCH && i == 0 && has_batch(from);
        open += dim == -1;
        if (!is_batch && (dim != -1 || open > 1) &&
            (dim < 1 || dim > INT_MAX || __builtin_mul_overflow(*known, dim, known)))
            onnx_fail(t, "the shape has %s in dimension %zu, expected a number of values",
                      dim == ONNX_BATCH ? "the batch"
                      : dim == -1       ? "-1 again"
                                        : "0, or too many values",
                      i);
        add(t, to, dim);
    }
    return !t->failed;
}

static void reshape(onnx_translation *t, const onnx_dims *from, onnx_dims *to)
{
    int64_t size = size_of(from, 0, from->n), known;
    bool is_open = false;
    if (!read_shape(t, from, to, &known))
        return;
    if (has_batch(from) && to->n && to->dim[0] == -1 && known == size)
        to->dim[0] = ONNX_BATCH;
    if (has_batch(from) && !has_batch(to)) {
        onnx_fail(t, "the shape begins with %lld, expected the batch: 0, -1 or its number",
                  to->n ? (long long)to->dim[0] : 0);
        return;
    }
    for (size_t i = 0; i < to->n; i++)
        if (to->dim[i] == -1) {
            is_open = true;
            to->dim[i] = size / known;
        }
    if (is_open ? size % known != 0 || size == 0 : size != known)
        onnx_fail(t, "makes %lld values of %lld", (long long)known, (long long)size);
}

/* --- Flatten, Squeeze, Unsqueeze --- */

static void flatten(onnx_translation *t, const onnx_dims *from, onnx_dims *to)
{
    int64_t axis = onnx_int(t, "axis", 1), n = (int64_t)from->n;
    if (!t->failed && (axis < -n || axis > n))
        onnx_fail(t, "axis %lld is none of %zu dimensions", (long long)axis, from->n);
    axis += axis < 0 ? n : 0;
    if (!t->failed && has_batch(from) && axis != 1)
        onnx_fail(t, "flattens from axis %lld on, expected 1: what is before is the batch", (long long)axis);
    if (t->failed)
        return;
    add(t, to, has_batch(from) ? ONNX_BATCH : size_of(from, 0, (size_t)axis));
    add(t, to, size_of(from, (size_t)axis, from->n));
}

static void squeeze(onnx_translation *t, const onnx_dims *from, onnx_dims *to)
{
    int64_t given[ONNX_MAX_RANK];
    size_t axes[ONNX_MAX_RANK], n = onnx_ints_or_input(t, "axes", 1, given);
    if (t->failed || onnx_axes(t, n, given, from->n, axes) != n || t->failed)
        return;
    if (!n && has_batch(from) && t->batch == 1)
        onnx_fail(t, "names no axes, so that the batch, which the file says is 1, would go too");
    for (size_t i = 0, next = 0; i < from->n && !t->failed; i++) {
        bool goes = n ? next < n && axes[next] == i : from->dim[i] == 1;
        next += goes;
        if (goes && from->dim[i] != 1)
            onnx_fail(t, "takes away axis %zu, expected one of a single value", i);
        else if (!goes)
            add(t, to, from->dim[i]);
    }
}

static void unsqueeze(onnx_translation *t, const onnx_dims *from, onnx_dims *to)
{
    int64_t given[ONNX_MAX_RANK];
    size_t axes[ONNX_MAX_RANK], n = onnx_ints_or_input(t, "axes", 1, given), rank = from->n + n, taken = 0;
    if (!t->failed && rank > ONNX_MAX_RANK)
        onnx_fail(t, "gives %zu dimensions, expected at most %d", rank, ONNX_MAX_RANK);
    if (t->failed || onnx_axes(t, n, given, rank, axes) != n || t->failed)
        return;
    for (size_t i = 0, next = 0; i < rank; i++) {
        bool comes = next < n && axes[next] == i;
        next += comes;
        add(t, to, comes ? 1 : from->dim[taken++]);
    }
    if (has_batch(from) && !has_batch(to))
        onnx_fail(t, "puts a dimension before the batch");
}

bool onnx_dims_changed(onnx_translation *t, const onnx_dims *from, onnx_dims *to)
{
    *to = (onnx_dims){ 0 };
    if (onnx_is(t->node, "Flatten"))
        flatten(t, from, to);
    else if (onnx_is(t->node, "Squeeze"))
        squeeze(t, from, to);
    else if (onnx_is(t->node, "Unsqueeze"))
        unsqueeze(t, from, to);
    else
        reshape(t, from, to);
    return !t->failed;
}

/* --- Slice --- */

static int64_t within(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* The places from `first` to before `last`, both counted from the end where they are negative. */
static onnx_part part_of(size_t axis, int64_t size, int64_t first, int64_t last, int64_t step)
{
    first = within(first < 0 && first >= -size ? first + size : first, step > 0 ? 0 : -1,
                   step > 0 ? size : size - 1);
    last = within(last < 0 && last >= -size ? last + size : last, step > 0 ? 0 : -1, size);
    int64_t left = step > 0 ? last - first : first - last, by = step > 0 ? step : -step;
    return (onnx_part){ axis, first, step, left > 0 ? (size_t)((left + by - 1) / by) : 0 };
}

static bool is_whole_batch(const onnx_translation *t, int64_t first, int64_t last, int64_t step)
{
    return first == 0 && step == 1 &&
           (last == ONNX_BATCH || last >= INT_MAX || (t->batch && last >= t->batch));
}

/* starts, ends, axes and steps, as attributes before operator set 10 and then as inputs. */
size_t onnx_parts(onnx_translation *t, const onnx_dims *from, onnx_part out[ONNX_MAX_RANK])
{
    int64_t first[ONNX_MAX_RANK], last[ONNX_MAX_RANK], axes[ONNX_MAX_RANK], steps[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "starts", 1, first), m = onnx_ints_or_input(t, "ends", 2, last),
           n_axes = onnx_ints_or_input(t, "axes", 3, axes), parts = 0,
           n_steps = onnx_ints_or_input(t, "steps", 4, steps);
    bool seen[ONNX_MAX_RANK] = { false };
    if (!t->failed && (n != m || (n_axes && n_axes != n) || (n_steps && n_steps != n)))
        onnx_fail(t, "has %zu starts, %zu ends, %zu axes and %zu steps", n, m, n_axes, n_steps);
    for (size_t i = 0; i < n && !t->failed; i++) {
        int64_t step = n_steps ? steps[i] : 1;
        size_t axis;
        if (!onnx_axis(t, n_axes ? axes[i] : (int64_t)i, from->n, &axis))
            return 0;
        if (seen[axis])
            onnx_fail(t, "axis %zu is named twice", axis);
        else if (step == 0 || step > INT_MAX || step < -INT_MAX)
            onnx_fail(t, "goes by steps of %lld", (long long)step);
        else if (from->dim[axis] != ONNX_BATCH && (first[i] == ONNX_BATCH || last[i] == ONNX_BATCH))
            onnx_fail(t, "takes axis %zu %s the number of samples, which is not known here", axis,
                      first[i] == ONNX_BATCH ? "from" : "to");
        else if (from->dim[axis] != ONNX_BATCH)
            out[parts++] = part_of(axis, from->dim[axis], first[i], last[i], step);
        else if (!is_whole_batch(t, first[i], last[i], step))
            onnx_fail(t, "takes a part of the batch, expected neighbours of one sample");
        seen[axis] = true;
    }
    return t->failed ? 0 : parts;
}

/* --- Transpose --- */

bool onnx_order(onnx_translation *t, size_t rank, size_t order[ONNX_MAX_RANK])
{
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints(t, "perm", given);
    bool seen[ONNX_MAX_RANK] = { false };
    if (!t->failed && n && n != rank)
        onnx_fail(t, "perm has %zu elements, expected %zu", n, rank);
    for (size_t i = 0; i < rank && !t->failed; i++) {
        int64_t from = n ? given[i] : (int64_t)(rank - 1 - i);
        if (from < 0 || from >= (int64_t)rank || seen[from]) {
            onnx_fail(t, "perm names %lld, expected each of %zu dimensions once", (long long)from, rank);
            return false;
        }
        seen[from] = true;
        order[i] = (size_t)from;
    }
    return !t->failed;
}
