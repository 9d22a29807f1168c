/* Nodes whose inputs are constants are computed beforehand: shapes and axes, mostly. */
#include "translate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONSTANT ((size_t)1 << 28) /* elements that a node may make of few */

/* --- arrays in another shape --- */

/* A copy with the same elements in these dimensions. */
static void give_in_shape(onnx_translation *t, const onnx_constant *c, size_t rank, const size_t *dims)
{
    onnx_constant *out = onnx_constant_copy(c);
    if (out) {
        out->rank = rank;
        memcpy(out->dims, dims, rank * sizeof(*dims));
    }
    onnx_give_constant(t, 0, out);
}

static void fold_reshape(onnx_translation *t, const onnx_constant *c)
{
    int64_t wanted[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "shape", 1, wanted), dims[ONNX_MAX_RANK], known = 1,
           open = ONNX_MAX_RANK;
    for (size_t i = 0; i < n && !t->failed; i++) {
        int64_t dim = wanted[i] == 0 && i < c->rank ? (int64_t)c->dims[i] : wanted[i];
        if (dim == -1 && open == ONNX_MAX_RANK)
            open = i;
        else if (dim < 1 || __builtin_mul_overflow(known, (size_t)dim, &known))
            onnx_fail(t, "gives a constant %lld values in dimension %zu", (long long)dim, i);
        dims[i] = (size_t)dim;
    }
    if (t->failed)
        return;
    if (open < ONNX_MAX_RANK) {
        dims[open] = c->n / known;
        known *= dims[open];
    }
    if (known != c->n)
        onnx_fail(t, "makes %zu values of %zu", known, c->n);
    else
        give_in_shape(t, c, n, dims);
}

static void fold_unsqueeze(onnx_translation *t, const onnx_constant *c)
{
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "axes", 1, given), axes[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], from = 0;
    size_t rank = c->rank + n;
    if (rank > ONNX_MAX_RANK)
        onnx_fail(t, "gives a constant %zu dimensions, expected at most %d", rank, ONNX_MAX_RANK);
    if (t->failed || onnx_axes(t, n, given, rank, axes) != n || t->failed)
        return;
    for (size_t i = 0, next = 0; i < rank; i++) {
        bool comes = next < n && axes[next] == i;
        next += comes;
        dims[i] = comes ? 1 : c->dims[from++];
    }
    give_in_shape(t, c, rank, dims);
}

static void fold_squeeze(onnx_translation *t, const onnx_constant *c)
{
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "axes", 1, given), axes[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], rank = 0;
    if (t->failed || onnx_axes(t, n, given, c->rank, axes) != n || t->failed)
        return;
    for (size_t i = 0, next = 0; i < c->rank && !t->failed; i++) {
        bool goes = n ? next < n && axes[next] == i : c->dims[i] == 1;
        next += goes;
        if (goes && c->dims[i] != 1)
            onnx_fail(t, "takes away axis %zu of %zu values", i, c->dims[i]);
        else if (!goes)
            dims[rank++] = c->dims[i];
    }
    if (!t->failed)
        give_in_shape(t, c, rank, dims);
}

static void fold_transpose(onnx_translation *t, const onnx_constant *c)
{
    int64_t given[ONNX_MAX_RANK];
    size_t n = onnx_ints(t, "perm", given), order[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], strides[ONNX_MAX_RANK];
    bool seen[ONNX_MAX_RANK] = { false };
    if (!t->failed && n && n != c->rank)
        onnx_fail(t, "perm has %zu elements, expected %zu", n, c->rank);
    for (size_t i = 0; i < c->rank && !t->failed; i++) {
        int64_t from = n ? given[i] : (int64_t)(c->rank - 1 - i);
        if (from < 0 || from >= (int64_t)c->rank || seen[from]) {
            onnx_fail(t, "perm names %lld, expected each of %zu dimensions once", (long long)from, c->rank);
            return;
        }
        seen[from] = true;
        order[i] = (size_t)from;
        dims[i] = c->dims[from];
        strides[i] = 1;
        for (size_t k = order[i] + 1; k < c->rank; k++)
            strides[i] *= c->dims[k];
    }
    onnx_constant *out = t->failed ? NULL : onnx_constant_new(c->rank, dims, c->integers != NULL);
    for (size_t i = 0; out && i < c->n; i++) {
        size_t from = 0, left = i;
        for (size_t k = c->rank; k-- > 0; left /= dims[k])
            from += left % dims[k] * strides[k];
        if (c->integers)
            out->integers[i] = c->integers[from];
        else
            out->reals[i] = c->reals[from];
    }
    if (out)
        out->learned = c->learned;
    if (!t->failed)
        onnx_give_constant(t, 0, out);
}

/* --- numbers --- */

/* One operation on two numbers; false where there is no result. */
static bool compute(char op, double a, double b, double *out)
{
    *out = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : op == '^' ? pow(a, b) : a / b;
    return isfinite(*out);
}

static bool compute_integers(char op, int64_t a, int64_t b, int64_t *out)
{
    if (a == ONNX_BATCH || b == ONNX_BATCH || op == '^' || (op == '/' && (b == 0 || b == -1)))
        return false;
    if (op == '/')
        *out = a / b;
    return op == '/'   ? true
           : op == '+' ? !__builtin_add_overflow(a, b, out)
           : op == '-' ? !__builtin_sub_overflow(a, b, out)
                       : !__builtin_mul_overflow(a, b, out);
}

/* Of equal shapes, or with one number; false: another pair. */
static bool fold_pair(onnx_translation *t, char op)
{
    const onnx_constant *a = onnx_constant_input(t, 0), *b = onnx_constant_input(t, 1);
    if (t->failed || (a->n != b->n && a->n != 1 && b->n != 1) || !a->integers != !b->integers)
        return false;
    const onnx_constant *larger = b->n > a->n || (b->n == a->n && b->rank > a->rank) ? b : a;
    onnx_constant *out = onnx_constant_new(larger->rank, larger->dims, a->integers != NULL);
    for (size_t i = 0; out && i < out->n && !t->failed; i++) {
        size_t p = a->n == 1 ? 0 : i, q = b->n == 1 ? 0 : i;
        double result = 0;
        bool good = a->integers ? compute_integers(op, a->integers[p], b->integers[q], &out->integers[i])
                                : compute(op, (double)a->reals[p], (double)b->reals[q], &result);
        if (!a->integers)
            out->reals[i] = (float)result;
        if (!good)
            onnx_fail(
                t,
                "has no result for element %zu: it divides by 0, overflows, or computes with the size of "
                "the batch",
                i);
    }
    if (t->failed)
        onnx_constant_free(out);
    else
        onnx_give_constant(t, 0, out);
    return true;
}

static void fold_sqrt(onnx_translation *t, const onnx_constant *c)
{
    onnx_constant *out = c->reals ? onnx_constant_copy(c) : NULL;
    for (size_t i = 0; out && i < c->n; i++)
        out->reals[i] = sqrtf(c->reals[i]);
    onnx_give_constant(t, 0, out);
}

static void fold_cast(onnx_translation *t, const onnx_constant *c)
{
    int64_t to = onnx_int(t, "to", 0);
    bool real = to == 1 || to == 10 || to == 11 || to == 16;
    if (!t->failed && !real && to != 6 && to != 7 && to != 9)
        onnx_fail(t, "makes data type %lld of a constant, expected floats, integers or bools", (long long)to);
    onnx_constant *out = t->failed ? NULL : onnx_constant_new(c->rank, c->dims, !real);
    for (size_t i = 0; out && i < c->n; i++) {
        double x = c->reals ? (double)c->reals[i] : (double)c->integers[i];
        if (real)
            out->reals[i] = (float)x;
        else if (c->integers)
            out->integers[i] = to == 9 ? c->integers[i] != 0 : c->integers[i];
        else
            out->integers[i] = !(fabs(x) < 0x1p62) ? 0 : to == 9 ? x < 0 || x > 0 : (int64_t)x;
    }
    if (out)
        out->learned = c->learned && real;
    if (!t->failed)
        onnx_give_constant(t, 0, out);
}

/* --- parts and joins of lists --- */

static void fold_gather(onnx_translation *t, const onnx_constant *c)
{
    const onnx_constant *index = onnx_constant_input(t, 1);
    if (t->failed || onnx_int(t, "axis", 0) != 0 || c->rank != 1 || !index->integers || index->rank > 1) {
        onnx_fail(t, "takes parts of a constant of %zu dimensions, expected a list", c->rank);
        return;
    }
    onnx_constant *out = onnx_constant_new(index->rank, index->dims, c->integers != NULL);
    for (size_t i = 0; out && i < index->n && !t->failed; i++) {
        int64_t at = index->integers[i] + (index->integers[i] < 0 ? (int64_t)c->n : 0);
        if (at < 0 || at >= (int64_t)c->n)
            onnx_fail(t, "takes element %lld of %zu", (long long)index->integers[i], c->n);
        else if (c->integers)
            out->integers[i] = c->integers[at];
        else
            out->reals[i] = c->reals[at];
    }
    if (t->failed)
        onnx_constant_free(out);
    else
        onnx_give_constant(t, 0, out);
}

static void fold_concat(onnx_translation *t)
{
    size_t n = 0;
    bool integers = true;
    for (size_t k = 0; k < t->node->n_input && !t->failed; k++) {
        const onnx_constant *c = onnx_constant_input(t, k);
        if (c && (c->rank != 1 || (k && integers != (c->integers != NULL))))
            onnx_fail(t, "joins constants of %zu dimensions, expected lists of one type", c->rank);
        integers = c && c->integers;
        n += c ? c->n : 0; /* all of them are in memory */
    }
    onnx_constant *out = t->failed ? NULL : onnx_constant_new(1, &n, integers);
    for (size_t k = 0, at = 0; out && k < t->node->n_input; k++) {
        const onnx_constant *c = onnx_constant_input(t, k);
        if (integers)
            memcpy(out->integers + at, c->integers, c->n * sizeof(int64_t));
        else
            memcpy(out->reals + at, c->reals, c->n * sizeof(float));
        at += c->n;
    }
    if (!t->failed)
        onnx_give_constant(t, 0, out);
}

/* `count` places of an axis, `from` the first and `step` from one to the next; NULL: no memory. */
static onnx_constant *take_places(const onnx_constant *c, size_t axis, int64_t from, int64_t step,
                                  size_t count)
{
    size_t dims[ONNX_MAX_RANK], inner = 1, outer = 1;
    for (size_t i = 0; i < c->rank; i++) {
        dims[i] = i == axis ? count : c->dims[i];
        inner *= i > axis ? c->dims[i] : 1;
        outer *= i < axis ? c->dims[i] : 1;
    }
    onnx_constant *out = onnx_constant_new(c->rank, dims, c->integers != NULL);
    for (size_t o = 0; out && o < outer; o++)
        for (size_t i = 0; i < count; i++) {
            size_t to = (o * count + i) * inner,
                   at = (o * c->dims[axis] + (size_t)(from + (int64_t)i * step)) * inner;
            if (c->integers)
                memcpy(out->integers + to, c->integers + at, inner * sizeof(int64_t));
            else
                memcpy(out->reals + to, c->reals + at, inner * sizeof(float));
        }
    return out;
}

static int64_t within(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* The places from `first` to before `last`, both counted from the end where they are negative. */
static onnx_constant *slice_axis(onnx_translation *t, const onnx_constant *c, size_t axis, int64_t first,
                                 int64_t last, int64_t step)
{
    int64_t size = (int64_t)c->dims[axis];
    if (step == 0 || step > INT32_MAX || step < -INT32_MAX) {
        onnx_fail(t, "goes by steps of %lld", (long long)step);
        return NULL;
    }
    first = within(first < 0 && first >= -size ? first + size : first, step > 0 ? 0 : -1,
                   step > 0 ? size : size - 1);
    last = within(last < 0 && last >= -size ? last + size : last, step > 0 ? 0 : -1, size);
    int64_t left = step > 0 ? last - first : first - last, by = step > 0 ? step : -step;
    return take_places(c, axis, first, step, left > 0 ? (size_t)((left + by - 1) / by) : 0);
}

static void fold_slice(onnx_translation *t, const onnx_constant *c)
{
    int64_t first[ONNX_MAX_RANK], last[ONNX_MAX_RANK], axes[ONNX_MAX_RANK], steps[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "starts", 1, first), m = onnx_ints_or_input(t, "ends", 2, last),
           n_axes = onnx_ints_or_input(t, "axes", 3, axes),
           n_steps = onnx_ints_or_input(t, "steps", 4, steps);
    if (!t->failed && (n != m || (n_axes && n_axes != n) || (n_steps && n_steps != n)))
        onnx_fail(t, "has %zu starts, %zu ends, %zu axes and %zu steps", n, m, n_axes, n_steps);
    onnx_constant *out = t->failed ? NULL : onnx_constant_copy(c);
    for (size_t i = 0; out && i < n; i++) {
        size_t axis;
        onnx_constant *before = out;
        bool good = onnx_axis(t, n_axes ? axes[i] : (int64_t)i, c->rank, &axis);
        out = good ? slice_axis(t, before, axis, first[i], last[i], n_steps ? steps[i] : 1) : NULL;
        onnx_constant_free(before);
    }
    if (!t->failed)
        onnx_give_constant(t, 0, out);
}

/* --- from attributes --- */

static void fold_constant_of_shape(onnx_translation *t)
{
    int64_t wanted[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "shape", 0, wanted), dims[ONNX_MAX_RANK], size = 1;
    const Onnx__Attribute *a = onnx_attribute(t, "value");
    onnx_constant *value = NULL;
    if (a && a->t) {
        tsr_status *status = onnx_constant_read(t->file, a->t, &value);
        if (status)
            onnx_fail(t, "%s", tsr_status_message(status));
        tsr_status_free(status);
    }
    for (size_t i = 0; i < n && !t->failed; i++) {
        if (wanted[i] < 0 || __builtin_mul_overflow(size, (size_t)wanted[i], &size) || size > MAX_CONSTANT)
            onnx_fail(t, "makes a constant of %lld values in dimension %zu", (long long)wanted[i], i);
        dims[i] = (size_t)wanted[i];
    }
    if (!t->failed && value && value->n != 1)
        onnx_fail(t, "its value has %zu elements, expected 1", value->n);
    onnx_constant *out = t->failed ? NULL : onnx_constant_new(n, dims, value && value->integers);
    for (size_t i = 0; out && value && i < out->n; i++) {
        if (value->integers)
            out->integers[i] = value->integers[0];
        else
            out->reals[i] = value->reals[0];
    }
    if (!t->failed)
        onnx_give_constant(t, 0, out);
    onnx_constant_free(value);
}

static void fold_constant(onnx_translation *t)
{
    const Onnx__Attribute *a = t->node->n_attribute == 1 ? t->node->attribute[0] : NULL;
    const char *name = a ? onnx_text(a->name) : "";
    onnx_constant *out = NULL;
    size_t n = 1, none = 0;
    if (strcmp(name, "value") == 0 && a->t) {
        tsr_status *status = onnx_constant_read(t->file, a->t, &out);
        if (status)
            onnx_fail(t, "%s", tsr_status_message(status));
        tsr_status_free(status);
    } else if (strcmp(name, "value_int") == 0 && (out = onnx_constant_new(0, &n, true)))
        out->integers[0] = a->i;
    else if (strcmp(name, "value_float") == 0 && (out = onnx_constant_new(0, &n, false)))
        out->reals[0] = a->f;
    else if (strcmp(name, "value_ints") == 0 && (out = onnx_constant_new(1, a ? &a->n_ints : &none, true)) &&
             a->n_ints)
        memcpy(out->integers, a->ints, a->n_ints * sizeof(int64_t));
    else if (strcmp(name, "value_floats") == 0 &&
             (out = onnx_constant_new(1, a ? &a->n_floats : &none, false)) && a->n_floats)
        memcpy(out->reals, a->floats, a->n_floats * sizeof(float));
    else if (!out)
        onnx_fail(t, "expected one of value, value_int, value_ints, value_float and value_floats");
    if (!t->failed)
        onnx_give_constant(t, 0, out);
}

bool onnx_fold(onnx_translation *t)
{
    static const struct {
        const char *op;
        void (*fold)(onnx_translation *t, const onnx_constant *c);
    } folds[] = {
        { "Cast", fold_cast },           { "Gather", fold_gather },       { "Reshape", fold_reshape },
        { "Slice", fold_slice },         { "Sqrt", fold_sqrt },           { "Squeeze", fold_squeeze },
        { "Transpose", fold_transpose }, { "Unsqueeze", fold_unsqueeze },
    };
    static const char *const pairs[] = { "+Add", "-Sub", "*Mul", "/Div", "^Pow" };
    const char *op = onnx_text(t->node->op_type);
    for (size_t i = 0; i < sizeof(folds) / sizeof(*folds); i++)
        if (strcmp(op, folds[i].op) == 0) {
            const onnx_constant *c = onnx_constant_input(t, 0);
            if (c)
                folds[i].fold(t, c);
            return true;
        }
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
        if (strcmp(op, pairs[i] + 1) == 0)
            return fold_pair(t, pairs[i][0]);
    if (strcmp(op, "Constant") == 0)
        fold_constant(t);
    else if (strcmp(op, "ConstantOfShape") == 0)
        fold_constant_of_shape(t);
    else if (strcmp(op, "Concat") == 0)
        fold_concat(t);
    else if (strcmp(op, "Identity") == 0) {
        const onnx_constant *c = onnx_constant_input(t, 0);
        if (c)
            onnx_give_constant(t, 0, onnx_constant_copy(c));
    } else
        return false;
    return true;
}
