/* Normalisations and means. */
#include "translate.h"

#include <math.h>
#include <string.h>

/* --- batch, instance and layer norm --- */

/* Statistics are those of some training. */
static bool is_variance(onnx_translation *t, const onnx_constant *c)
{
    for (size_t i = 0; c && c->reals && i < c->n && !t->failed; i++)
        if (c->reals[i] < 0)
            onnx_fail(t, "its variance %zu is %g, expected at least 0", i, (double)c->reals[i]);
    return !t->failed;
}

static void make_batch_norm(onnx_translation *t)
{
    static const char *const names[] = { "weight", "bias", "running_mean", "running_var" };
    const onnx_value *x = onnx_node_input(t, 0);
    const tsr_batch_norm_options options = { .epsilon = onnx_real(t, "epsilon", 1e-5),
                                             .momentum = onnx_real(t, "momentum", 0.9) };
    onnx_layer layer = { .op = "batch_norm", .numbers = { options.epsilon, options.momentum } };
    if (!t->failed && x->rank < 1)
        onnx_fail(t, "its input has no channels");
    if (!t->failed && onnx_int(t, "spatial", 1) != 1)
        onnx_fail(t, "spatial is 0, expected statistics of channels");
    for (size_t i = 0; i < 4 && !t->failed; i++)
        layer.arrays[i] = onnx_constant_input(t, i + 1);
    if (t->failed || !is_variance(t, layer.arrays[3]))
        return;
    size_t channels = tsr_shape_channels(tsr_node_shape(x->node));
    tsr_node *earlier = onnx_layer_find(t, &layer),
             *y = earlier ? tsr_again(t->graph, earlier, x->node)
                          : tsr_batch_norm_with(t->graph, x->node, &options);
    for (size_t i = 0; i < 4 && !earlier; i++)
        y = onnx_initial(t, y, names[i], channels, layer.arrays[i]);
    if (!earlier)
        onnx_layer_keep(t, &layer, y);
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

/* A norm with a scale and a shift, which may be NULL: group norm of as many groups, or where they are 0 layer
   norm over the last n dimensions. */
static tsr_node *norm_with(onnx_translation *t, tsr_node *x, size_t groups, size_t n, double epsilon,
                           size_t size, const onnx_constant *scale, const onnx_constant *shift)
{
    const onnx_layer layer = { groups ? "group_norm" : "layer_norm",
                               { scale, shift },
                               { (double)groups, (double)n, epsilon, (double)size },
                               NULL };
    tsr_node *earlier = scale ? onnx_layer_find(t, &layer) : NULL;
    if (earlier)
        return tsr_again(t->graph, earlier, x);
    tsr_node *y =
        groups ? tsr_group_norm(t->graph, x, groups, epsilon) : tsr_layer_norm(t->graph, x, n, epsilon);
    y = onnx_initial(t, y, "weight", size, scale);
    y = onnx_initial(t, y, "bias", size, shift);
    return scale ? onnx_layer_keep(t, &layer, y) : y;
}

static void make_instance_norm(onnx_translation *t)
{
    const onnx_value *x = onnx_node_input(t, 0);
    const onnx_constant *scale = onnx_constant_input(t, 1), *shift = onnx_constant_input(t, 2);
    double epsilon = onnx_real(t, "epsilon", 1e-5);
    if (!t->failed && x->rank < 2)
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected 2 or more", x->rank);
    if (t->failed)
        return;
    size_t channels = tsr_shape_channels(tsr_node_shape(x->node));
    tsr_node *y = norm_with(t, x->node, channels, 0, epsilon, channels, scale, shift);
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

/* An array of a norm over the last n dimensions: of that shape, but for 1s before it. */
static const onnx_constant *array_of_last(onnx_translation *t, size_t i, tsr_shape shape, size_t n)
{
    const onnx_constant *c = onnx_has_input(t, i) ? onnx_constant_input(t, i) : NULL;
    for (size_t k = 0; c && k < c->rank; k++) {
        size_t from_end = c->rank - k, expected = from_end > n ? 1 : shape.dims[shape.n_dims - from_end];
        if (c->dims[k] != expected)
            onnx_fail(t, "input %zu has %zu values in dimension %zu, expected %zu", i, c->dims[k], k,
                      expected);
    }
    return t->failed ? NULL : c;
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
    tsr_shape shape = tsr_node_shape(x->node);
    size_t n = x->rank + 1 - axis;
    const onnx_constant *scale = array_of_last(t, 1, shape, n), *shift = array_of_last(t, 2, shape, n);
    tsr_node *y = norm_with(t, x->node, 0, n, epsilon, size_of_last(shape, n), scale, shift);
    if (!t->failed)
        onnx_give(t, 0, y, x->rank);
}

/* --- written out --- */

/* The node that makes a value, if it is this operator of ONNX, with as many inputs and without attributes. */
static const Onnx__Node *maker_of(const onnx_translation *t, const char *name, const char *op,
                                  size_t n_inputs)
{
    const onnx_value *value = onnx_value_find(t, name);
    const Onnx__Node *maker = value ? value->maker : NULL;
    return maker && onnx_is(maker, op) && maker->n_input == n_inputs && !maker->n_attribute ? maker : NULL;
}

/* One number that is known before any node is made. */
static bool number_of(const onnx_translation *t, const char *name, double *out)
{
    onnx_constant *c = onnx_small_constant(t, name);
    bool good = onnx_scalar(c, out) && isfinite(*out);
    onnx_constant_free(c);
    return good;
}

/* Whether the value is name^2, or name * name. */
static bool is_square_of(const onnx_translation *t, const char *square, const char *name)
{
    const Onnx__Node *pow = maker_of(t, square, "Pow", 2), *mul = maker_of(t, square, "Mul", 2);
    double exponent;
    if (pow)
        return strcmp(pow->input[0], name) == 0 && number_of(t, pow->input[1], &exponent) && exponent >= 2 &&
               exponent <= 2;
    return mul && strcmp(mul->input[0], name) == 0 && strcmp(mul->input[1], name) == 0;
}

/* The axes of a ReduceMean that makes the value and keeps its dimensions, from where its operator set has
   them; 0: it is none. */
static size_t axes_of_mean(const onnx_translation *t, const char *name, const char **x,
                           int64_t axes[ONNX_MAX_RANK])
{
    const onnx_value *value = onnx_value_find(t, name);
    const Onnx__Node *mean = value ? value->maker : NULL;
    const Onnx__Attribute *list = NULL;
    if (!mean || !onnx_is(mean, "ReduceMean") || mean->n_input < 1 || mean->n_input > 2)
        return 0;
    for (size_t i = 0; i < mean->n_attribute; i++) {
        const Onnx__Attribute *a = mean->attribute[i];
        if (strcmp(onnx_text(a->name), "axes") == 0 && !list && mean->n_input == 1)
            list = a;
        else if (strcmp(onnx_text(a->name), "noop_with_empty_axes") != 0 &&
                 (strcmp(onnx_text(a->name), "keepdims") != 0 || a->i != 1))
            return 0;
    }
    onnx_constant *given = mean->n_input == 2 ? onnx_small_constant(t, mean->input[1]) : NULL;
    const int64_t *from = list ? list->ints : given ? given->integers : NULL;
    size_t n = list ? list->n_ints : given ? given->n : 0;
    *x = mean->input[0];
    n = from && n <= ONNX_MAX_RANK ? n : 0;
    if (n)
        memcpy(axes, from, n * sizeof(*axes));
    onnx_constant_free(given);
    return n;
}

bool onnx_is_written_norm(const onnx_translation *t, const Onnx__Node *node, onnx_written_norm *out)
{
    if (!onnx_is(node, "Div") || node->n_input != 2 || node->n_attribute)
        return false;
    const char *of_mean, *square = NULL;
    int64_t axes[ONNX_MAX_RANK];
    const Onnx__Node *difference = maker_of(t, node->input[0], "Sub", 2),
                     *root = maker_of(t, node->input[1], "Sqrt", 1),
                     *sum = root ? maker_of(t, root->input[0], "Add", 2) : NULL;
    if (!difference || !sum)
        return false;
    *out = (onnx_written_norm){ .x = difference->input[0] };
    out->n_axes = axes_of_mean(t, difference->input[1], &of_mean, out->axes);
    if (!out->n_axes || strcmp(of_mean, out->x) != 0)
        return false;
    size_t k = 0, n = axes_of_mean(t, sum->input[0], &square, axes);
    if (!n)
        n = axes_of_mean(t, sum->input[++k], &square, axes);
    return n == out->n_axes && memcmp(axes, out->axes, n * sizeof(*axes)) == 0 &&
           is_square_of(t, square, node->input[0]) && number_of(t, sum->input[1 - k], &out->epsilon);
}

/* A Mul and an Add behind it are its scale and shift, where they are constants of the right shape. */
void onnx_make_written_norm(onnx_translation *t, const onnx_written_norm *norm)
{
    const onnx_value *x = onnx_value_find(t, norm->x);
    size_t axes[ONNX_MAX_RANK];
    if (!x || !x->node) {
        onnx_fail(t, "is a layer norm of what does not depend on the network's input");
        return;
    }
    size_t n = onnx_axes(t, norm->n_axes, norm->axes, x->rank + 1, axes);
    if (!t->failed && (n == 0 || n > x->rank || axes[0] != x->rank + 1 - n))
        onnx_fail(t, "is a layer norm over other dimensions than the last");
    if (t->failed)
        return;
    const Onnx__Node *mul = NULL, *add = NULL;
    size_t size = size_of_last(tsr_node_shape(x->node), n);
    const onnx_value *out = onnx_value_find(t, t->node->output[0]);
    const onnx_constant *scale = n == 1 ? onnx_joined(t, out, x->rank, "Mul", size, &mul) : NULL;
    const onnx_constant *shift =
        scale ? onnx_joined(t, onnx_value_find(t, mul->output[0]), x->rank, "Add", size, &add) : NULL;
    tsr_node *y = norm_with(t, x->node, 0, n, norm->epsilon, size, scale, shift);
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
    if (n == 0 && onnx_int(t, "noop_with_empty_axes", 0)) {
        onnx_give(t, 0, x->node, x->rank);
        return;
    }
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
