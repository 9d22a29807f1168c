/* Nodes whose inputs are constants are computed beforehand: shapes and axes, mostly. */
#include "translate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- arrays in another shape --- */

static void fold_reshaped(onnx_translation *t, const onnx_constant *c)
{
    onnx_dims from = onnx_dims_of(onnx_input(t, 0)), to;
    onnx_constant *out = onnx_dims_changed(t, &from, &to) ? onnx_copy(t, c) : NULL;
    if (out)
        out->rank = to.n;
    for (size_t i = 0; out && i < to.n; i++)
        out->dims[i] = (size_t)to.dim[i];
    onnx_derive(out, c, ONNX_SAME_ORDER);
    onnx_give_constant(t, 0, out);
}

/* Exporters write it where two arrays began with equal values: no two layers are one for that. */
static void fold_identity(onnx_translation *t, const onnx_constant *c)
{
    onnx_constant *out = onnx_copy(t, c);
    onnx_derive(out, c, 0);
    onnx_give_constant(t, 0, out);
}

/* A number for each order of dimensions, none of them ONNX_SAME_ORDER. */
static uint32_t number_of_order(size_t rank, const size_t *order)
{
    uint32_t number = 2;
    for (size_t i = 0; i < rank; i++)
        number = number * ONNX_MAX_RANK + (uint32_t)order[i];
    return number;
}

static void fold_transpose(onnx_translation *t, const onnx_constant *c)
{
    size_t order[ONNX_MAX_RANK], dims[ONNX_MAX_RANK], strides[ONNX_MAX_RANK];
    if (!onnx_order(t, c->rank, order))
        return;
    for (size_t i = 0; i < c->rank; i++) {
        dims[i] = c->dims[order[i]];
        strides[i] = 1;
        for (size_t k = order[i] + 1; k < c->rank; k++)
            strides[i] *= c->dims[k];
    }
    onnx_constant *out = onnx_new(t, c->rank, dims, c->integers != NULL);
    for (size_t i = 0; out && i < c->n; i++) {
        size_t from = 0, left = i;
        for (size_t k = c->rank; k-- > 0; left /= dims[k])
            from += left % dims[k] * strides[k];
        onnx_constant_take(out, i, c, from, 1);
    }
    onnx_derive(out, c, number_of_order(c->rank, order));
    onnx_give_constant(t, 0, out);
}

/* --- numbers --- */

static void give_or_free(onnx_translation *t, onnx_constant *out)
{
    if (t->failed)
        onnx_constant_free(out);
    else
        onnx_give_constant(t, 0, out);
}

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

/* Two arrays of which dimensions of 1 are repeated, counted from the last, as NumPy has it. */
typedef struct broadcast {
    size_t rank, dims[ONNX_MAX_RANK];
    size_t strides[2][ONNX_MAX_RANK]; /* in each; 0: repeated */
} broadcast;

static bool read_broadcast(onnx_translation *t, const onnx_constant *const of[2], broadcast *out)
{
    *out = (broadcast){ .rank = of[0]->rank > of[1]->rank ? of[0]->rank : of[1]->rank };
    size_t stride[2] = { 1, 1 };
    for (size_t i = out->rank; i-- > 0;) {
        size_t dim[2] = { 1, 1 };
        for (size_t k = 0; k < 2; k++) {
            size_t lacking = out->rank - of[k]->rank;
            dim[k] = i < lacking ? 1 : of[k]->dims[i - lacking];
            out->strides[k][i] = dim[k] == 1 ? 0 : stride[k];
            stride[k] *= dim[k];
        }
        if (dim[0] != dim[1] && dim[0] != 1 && dim[1] != 1)
            onnx_fail(t, "joins %zu values with %zu in dimension %zu, expected as many, or 1", dim[0], dim[1],
                      i);
        out->dims[i] = dim[0] == 1 ? dim[1] : dim[0];
    }
    return !t->failed;
}

static void places(const broadcast *b, size_t i, size_t at[2])
{
    at[0] = at[1] = 0;
    for (size_t k = b->rank; k-- > 0; i /= b->dims[k]) {
        at[0] += i % b->dims[k] * b->strides[0][k];
        at[1] += i % b->dims[k] * b->strides[1][k];
    }
}

static void fold_pair(onnx_translation *t, char op)
{
    const onnx_constant *a = onnx_constant_input(t, 0), *b = onnx_constant_input(t, 1);
    broadcast shape;
    if (!t->failed && !a->integers != !b->integers)
        onnx_fail(t, "joins integers with floats");
    if (t->failed || !read_broadcast(t, (const onnx_constant *const[]){ a, b }, &shape))
        return;
    onnx_constant *out = onnx_new(t, shape.rank, shape.dims, a->integers != NULL);
    for (size_t i = 0; out && i < out->n && !t->failed; i++) {
        size_t at[2];
        double result = 0;
        places(&shape, i, at);
        bool good = a->integers
                        ? compute_integers(op, a->integers[at[0]], b->integers[at[1]], &out->integers[i])
                        : compute(op, (double)a->reals[at[0]], (double)b->reals[at[1]], &result);
        if (!a->integers)
            out->reals[i] = (float)result;
        if (!good)
            onnx_fail(
                t,
                "has no result for element %zu: it divides by 0, overflows, or computes with the size of "
                "the batch",
                i);
    }
    give_or_free(t, out);
}

static void fold_sqrt(onnx_translation *t, const onnx_constant *c)
{
    if (!c->reals) {
        onnx_fail(t, "takes roots of integers, expected floats");
        return;
    }
    onnx_constant *out = onnx_copy(t, c);
    for (size_t i = 0; out && i < c->n && !t->failed; i++) {
        out->reals[i] = sqrtf(c->reals[i]);
        if (!isfinite(out->reals[i]))
            onnx_fail(t, "takes the root of %g", (double)c->reals[i]);
    }
    give_or_free(t, out);
}

/* An element of integers; false: it has none in that type. */
static bool cast_integer(int64_t type, const onnx_constant *c, size_t i, int64_t *out)
{
    double x = c->reals ? (double)c->reals[i] : 0;
    if (c->reals && !(fabs(x) < 0x1p62))
        return false;
    *out = c->reals ? (int64_t)x : c->integers[i];
    if (type == ONNX_BOOL)
        *out = c->reals ? x < 0 || x > 0 : *out != 0;
    return type != ONNX_INT32 || *out == ONNX_BATCH || (*out >= INT32_MIN && *out <= INT32_MAX);
}

static void fold_cast(onnx_translation *t, const onnx_constant *c)
{
    int64_t to = onnx_int(t, "to", 0);
    bool real = onnx_type_is_real(to);
    if (!t->failed && !real && to != ONNX_INT32 && to != ONNX_INT64 && to != ONNX_BOOL)
        onnx_fail(t, "makes data type %lld of a constant, expected floats, integers or bools", (long long)to);
    onnx_constant *out = onnx_new(t, c->rank, c->dims, !real);
    for (size_t i = 0; out && i < c->n && !t->failed; i++) {
        if (c->integers && c->integers[i] == ONNX_BATCH && (real || to == ONNX_BOOL))
            onnx_fail(t, "computes with the size of the batch");
        else if (real)
            out->reals[i] = c->reals ? c->reals[i] : (float)c->integers[i];
        else if (!cast_integer(to, c, i, &out->integers[i]))
            onnx_fail(t, "element %zu, %g, does not fit data type %lld", i,
                      c->reals ? (double)c->reals[i] : (double)c->integers[i], (long long)to);
    }
    if (c->reals && real)
        onnx_derive(out, c, ONNX_SAME_ORDER);
    give_or_free(t, out);
}

/* --- parts and joins of lists --- */

/* Of a list, -1 is its axis too. */
static bool is_along_list(onnx_translation *t, int64_t otherwise)
{
    int64_t axis = onnx_int(t, "axis", otherwise);
    if (!t->failed && axis != 0 && axis != -1)
        onnx_fail(t, "axis %lld is none of a list", (long long)axis);
    return !t->failed;
}

static void fold_gather(onnx_translation *t, const onnx_constant *c)
{
    const onnx_constant *index = onnx_constant_input(t, 1);
    if (!t->failed && (c->rank != 1 || !index->integers || index->rank > 1))
        onnx_fail(t, "takes parts of a constant of %zu dimensions, expected a list", c->rank);
    if (t->failed || !is_along_list(t, 0))
        return;
    onnx_constant *out = onnx_new(t, index->rank, index->dims, c->integers != NULL);
    for (size_t i = 0; out && i < index->n && !t->failed; i++) {
        int64_t at = index->integers[i] + (index->integers[i] < 0 ? (int64_t)c->n : 0);
        if (at < 0 || at >= (int64_t)c->n)
            onnx_fail(t, "takes element %lld of %zu", (long long)index->integers[i], c->n);
        else
            onnx_constant_take(out, i, c, (size_t)at, 1);
    }
    give_or_free(t, out);
}

static void fold_concat(onnx_translation *t)
{
    size_t n = 0;
    bool integers = true;
    if (!onnx_attribute(t, "axis"))
        onnx_fail(t, "has no axis");
    if (t->failed || !is_along_list(t, 0))
        return;
    for (size_t k = 0; k < t->node->n_input; k++) {
        const onnx_constant *c = onnx_constant_input(t, k);
        if (!c)
            return;
        if (c->rank != 1 || (k && integers != (c->integers != NULL)))
            onnx_fail(t, "joins constants of %zu dimensions, expected lists of one type", c->rank);
        else if (__builtin_add_overflow(n, c->n, &n))
            onnx_fail(t, "joins more values than fit in memory");
        integers = c->integers != NULL;
    }
    onnx_constant *out = onnx_new(t, 1, &n, integers);
    for (size_t k = 0, at = 0; out && k < t->node->n_input; k++) {
        const onnx_constant *c = onnx_constant_input(t, k);
        onnx_constant_take(out, at, c, 0, c->n);
        at += c->n;
    }
    onnx_give_constant(t, 0, out);
}

/* The places of one axis in a new array. */
static onnx_constant *take_places(onnx_translation *t, const onnx_constant *c, const onnx_part *part)
{
    size_t dims[ONNX_MAX_RANK], inner = 1, outer = 1;
    for (size_t i = 0; i < c->rank; i++) {
        dims[i] = i == part->axis ? part->count : c->dims[i];
        inner *= i > part->axis ? c->dims[i] : 1;
        outer *= i < part->axis ? c->dims[i] : 1;
    }
    onnx_constant *out = onnx_new(t, c->rank, dims, c->integers != NULL);
    if (!out || !out->n)
        return out;
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < part->count; i++) {
            size_t to = (o * part->count + i) * inner,
                   at = (o * c->dims[part->axis] + (size_t)(part->first + (int64_t)i * part->step)) * inner;
            onnx_constant_take(out, to, c, at, inner);
        }
    return out;
}

static void fold_slice(onnx_translation *t, const onnx_constant *c)
{
    onnx_part parts[ONNX_MAX_RANK];
    onnx_dims from = onnx_dims_of(onnx_input(t, 0));
    size_t n = onnx_parts(t, &from, parts);
    onnx_constant *out = n ? take_places(t, c, &parts[0]) : onnx_copy(t, c);
    for (size_t i = 1; out && i < n; i++) {
        onnx_constant *before = out;
        out = take_places(t, before, &parts[i]);
        onnx_constant_free(before);
    }
    if (out)
        out->learned = false;
    onnx_give_constant(t, 0, out);
}

static void fold_shape(onnx_translation *t, const onnx_constant *c)
{
    (void)c;
    onnx_dims dims = onnx_dims_of(onnx_input(t, 0));
    onnx_give_shape(t, &dims);
}

/* --- from attributes --- */

static void fold_constant_of_shape(onnx_translation *t)
{
    int64_t wanted[ONNX_MAX_RANK];
    size_t n = onnx_ints_or_input(t, "shape", 0, wanted), dims[ONNX_MAX_RANK];
    const Onnx__Attribute *a = onnx_attribute(t, "value");
    onnx_constant *value = NULL;
    if (a && a->t && onnx_failed(t, onnx_constant_read(t->file, a->t, &value)))
        return;
    for (size_t i = 0; i < n && !t->failed; i++) {
        if (wanted[i] == ONNX_BATCH)
            onnx_fail(t, "makes an array of the batch, expected one that is the same for every sample");
        else if (wanted[i] < 0 || wanted[i] > INT32_MAX)
            onnx_fail(t, "makes a constant of %lld values in dimension %zu", (long long)wanted[i], i);
        dims[i] = (size_t)wanted[i];
    }
    if (!t->failed && value && value->n != 1)
        onnx_fail(t, "its value has %zu elements, expected 1", value->n);
    onnx_constant *out = onnx_new(t, n, dims, value && value->integers);
    for (size_t i = 0; out && value && i < out->n; i++)
        onnx_constant_take(out, i, value, 0, 1);
    onnx_give_constant(t, 0, out);
    onnx_constant_free(value);
}

/* What a Constant node holds, if that is at most `max` elements; NULL: something else. */
static tsr_status *read_constant(onnx_file *file, const Onnx__Node *node, size_t max, onnx_constant **out)
{
    const Onnx__Attribute *a = node->n_attribute == 1 ? node->attribute[0] : NULL;
    const char *name = a ? onnx_text(a->name) : "";
    const size_t one = 1;
    *out = NULL;
    if (strcmp(name, "value") == 0 && a->t && onnx_constant_fits(a->t, max))
        return onnx_constant_read(file, a->t, out);
    if (strcmp(name, "value_int") == 0) {
        TSR_TRY(onnx_constant_new(file, 0, &one, true, out));
        (*out)->integers[0] = a->i;
    } else if (strcmp(name, "value_float") == 0) {
        TSR_TRY(onnx_constant_new(file, 0, &one, false, out));
        (*out)->reals[0] = a->f;
    } else if (strcmp(name, "value_ints") == 0 && a->n_ints <= max) {
        TSR_TRY(onnx_constant_new(file, 1, &a->n_ints, true, out));
        if (a->n_ints)
            memcpy((*out)->integers, a->ints, a->n_ints * sizeof(int64_t));
    } else if (strcmp(name, "value_floats") == 0 && a->n_floats <= max) {
        TSR_TRY(onnx_constant_new(file, 1, &a->n_floats, false, out));
        if (a->n_floats)
            memcpy((*out)->reals, a->floats, a->n_floats * sizeof(float));
    }
    return NULL;
}

static void fold_constant(onnx_translation *t)
{
    const Onnx__Attribute *a = t->node->n_attribute == 1 ? t->node->attribute[0] : NULL;
    onnx_constant *out = NULL;
    /* A tensor that is no good one is read, for the message. */
    if (a && strcmp(onnx_text(a->name), "value") == 0 && a->t)
        onnx_failed(t, onnx_constant_read(t->file, a->t, &out));
    else if (!onnx_failed(t, read_constant(t->file, t->node, SIZE_MAX, &out)) && !out)
        onnx_fail(t, "expected one of value, value_int, value_ints, value_float and value_floats");
    onnx_give_constant(t, 0, out);
}

onnx_constant *onnx_small_constant(const onnx_translation *t, const char *name)
{
    const onnx_value *value = onnx_value_find(t, name);
    onnx_constant *out = NULL;
    tsr_status *status = NULL;
    if (value && value->tensor && onnx_constant_fits(value->tensor, ONNX_MAX_RANK))
        status = onnx_constant_read(t->file, value->tensor, &out);
    else if (value && value->maker && onnx_is(value->maker, "Constant"))
        status = read_constant(t->file, value->maker, ONNX_MAX_RANK, &out);
    tsr_status_free(status);
    return out;
}

bool onnx_fold(onnx_translation *t)
{
    static const struct {
        const char *op;
        void (*fold)(onnx_translation *t, const onnx_constant *c);
    } folds[] = {
        { "Cast", fold_cast },           { "Flatten", fold_reshaped },   { "Gather", fold_gather },
        { "Identity", fold_identity },   { "Reshape", fold_reshaped },   { "Shape", fold_shape },
        { "Slice", fold_slice },         { "Sqrt", fold_sqrt },          { "Squeeze", fold_reshaped },
        { "Transpose", fold_transpose }, { "Unsqueeze", fold_reshaped },
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
        if (strcmp(op, pairs[i] + 1) == 0) {
            fold_pair(t, pairs[i][0]);
            return true;
        }
    if (strcmp(op, "Constant") == 0)
        fold_constant(t);
    else if (strcmp(op, "ConstantOfShape") == 0)
        fold_constant_of_shape(t);
    else if (strcmp(op, "Concat") == 0)
        fold_concat(t);
    else
        return false;
    return true;
}
