/* Pools and padding. */
#include "windows.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* --- windows --- */

/* `n` integers of an attribute, from `low` to INT_MAX, or `otherwise` for each. */
static bool read_list(onnx_translation *t, const char *name, size_t n, int64_t low, int64_t otherwise,
                      int64_t *out)
{
    int64_t values[ONNX_MAX_RANK];
    size_t have = onnx_ints(t, name, values);
    if (!t->failed && have && have != n)
        onnx_fail(t, "%s has %zu elements, expected %zu", name, have, n);
    for (size_t i = 0; i < n && !t->failed; i++) {
        out[i] = have ? values[i] : otherwise;
        if (out[i] < low || out[i] > INT_MAX)
            onnx_fail(t, "%s is %lld, expected %lld to %d", name, (long long)out[i], (long long)low, INT_MAX);
    }
    return !t->failed;
}

/* What a window reaches over, with its dilation. */
static int64_t reach(const onnx_window *w, size_t i)
{
    return (int64_t)(w->size[i] - 1) * w->dilation[i] + 1;
}

/* SAME: as many windows as strides fit in, what is lacking before, or behind where `upper`. */
static void pad_to_same(onnx_window *w, const size_t *sides, bool upper, int64_t *pads)
{
    for (size_t i = 0; i < w->n; i++) {
        int64_t side = (int64_t)sides[i], windows = (side + w->stride[i] - 1) / w->stride[i],
                lacking = (windows - 1) * w->stride[i] + reach(w, i) - side;
        lacking = lacking < 0 ? 0 : lacking;
        pads[i] = upper ? lacking / 2 : lacking - lacking / 2;
        pads[w->n + i] = lacking - pads[i];
    }
}

/* ceil_mode: a last window that begins inside, or in the padding before, is filled up. */
static void pad_to_ceil(onnx_window *w, const size_t *sides, int64_t *pads)
{
    for (size_t i = 0; i < w->n; i++) {
        int64_t side = (int64_t)sides[i], over = side + pads[i] + pads[w->n + i] - reach(w, i),
                left = over >= 0 ? over % w->stride[i] : 0;
        if (left && over - left + w->stride[i] < side + pads[i])
            pads[w->n + i] += w->stride[i] - left;
    }
}

bool onnx_window_read(onnx_translation *t, size_t n, const size_t *sides, const size_t *sizes,
                      onnx_window *out)
{
    int64_t strides[2], dilations[2], pads[4];
    char padding[32];
    *out = (onnx_window){ .n = n };
    if (!read_list(t, "strides", n, 1, 1, strides) || !read_list(t, "dilations", n, 1, 1, dilations) ||
        !read_list(t, "pads", 2 * n, 0, 0, pads))
        return false;
    for (size_t i = 0; i < n; i++) {
        out->size[i] = (int)sizes[i];
        out->stride[i] = (int)strides[i];
        out->dilation[i] = (int)dilations[i];
    }
    onnx_string(t, "auto_pad", padding);
    if (strcmp(padding, "SAME_UPPER") == 0 || strcmp(padding, "SAME_LOWER") == 0)
        pad_to_same(out, sides, strcmp(padding, "SAME_UPPER") == 0, pads);
    else if (strcmp(padding, "VALID") == 0)
        memset(pads, 0, sizeof(pads));
    else if (*padding && strcmp(padding, "NOTSET") != 0)
        onnx_fail(t, "auto_pad is '%s', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER",
                  onnx_shown(padding).chars);
    if (onnx_attribute(t, "ceil_mode") && onnx_int(t, "ceil_mode", 0))
        pad_to_ceil(out, sides, pads);
    for (size_t i = 0; i < n && !t->failed; i++) {
        bool alike = pads[i] == pads[n + i] && pads[i] <= INT_MAX;
        out->padding[i] = alike ? (int)pads[i] : 0;
        out->before[i] = alike ? 0 : (size_t)pads[i];
        out->after[i] = alike ? 0 : (size_t)pads[n + i];
    }
    return !t->failed;
}

static bool is_apart(const onnx_window *w)
{
    bool apart = false;
    for (size_t i = 0; i < w->n; i++)
        apart = apart || w->before[i] || w->after[i];
    return apart;
}

tsr_node *onnx_window_pad(onnx_translation *t, tsr_node *x, const onnx_window *window, float value)
{
    size_t before[TSR_MAX_DIMS] = { 0 }, after[TSR_MAX_DIMS] = { 0 };
    size_t first = tsr_node_shape(x).n_dims - window->n;
    for (size_t i = 0; i < window->n && first + i < TSR_MAX_DIMS; i++) {
        before[first + i] = window->before[i];
        after[first + i] = window->after[i];
    }
    return t->failed || !is_apart(window) ? x : onnx_pad(t->graph, x, before, after, value);
}

/* --- pools --- */

/* A sequence as maps of one row. */
static tsr_node *as_maps(onnx_translation *t, tsr_node *x, size_t rank)
{
    tsr_shape shape = tsr_node_shape(x);
    return rank == 3 ? x : tsr_reshape(t->graph, x, TSR_SHAPE(shape.dims[0], 1, shape.dims[1]));
}

static tsr_node *as_before(onnx_translation *t, tsr_node *x, size_t rank)
{
    tsr_shape shape = tsr_node_shape(x);
    return rank == 3 ? x : tsr_reshape(t->graph, x, TSR_SHAPE(shape.dims[0], shape.dims[shape.n_dims - 1]));
}

static tsr_pool_options options_of(const onnx_window *w)
{
    size_t last = w->n - 1;
    return (tsr_pool_options){ .size_h = w->n == 2 ? w->size[0] : 1,
                               .size_w = w->size[last],
                               .stride_h = w->n == 2 ? w->stride[0] : 1,
                               .stride_w = w->stride[last],
                               .padding_h = w->n == 2 ? w->padding[0] : 0,
                               .padding_w = w->padding[last] };
}

/* The window of a pool, of an input that has one. */
static const onnx_value *read_pool(onnx_translation *t, onnx_window *window)
{
    const onnx_value *in = onnx_node_input(t, 0);
    if (t->failed)
        return NULL;
    if (in->rank != 2 && in->rank != 3) {
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected channels and 1 or 2 more",
                  in->rank);
        return NULL;
    }
    size_t n = in->rank - 1, sizes[2];
    int64_t kernel[2];
    if (!onnx_attribute(t, "kernel_shape"))
        onnx_fail(t, "has no kernel_shape");
    if (t->failed || !read_list(t, "kernel_shape", n, 1, 1, kernel))
        return NULL;
    for (size_t i = 0; i < n; i++)
        sizes[i] = (size_t)kernel[i];
    tsr_shape shape = tsr_node_shape(in->node);
    if (!onnx_window_read(t, n, shape.dims + 1, sizes, window))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (window->dilation[i] != 1)
            onnx_fail(t, "its window has the dilation %d, expected 1", window->dilation[i]);
    return t->failed ? NULL : in;
}

static void make_max_pool(onnx_translation *t)
{
    onnx_window window;
    if (t->node->n_output > 1 && *t->node->output[1])
        onnx_fail(t, "is to tell which values were the largest, which is not known here");
    const onnx_value *in = read_pool(t, &window);
    if (!in)
        return;
    tsr_pool_options options = options_of(&window);
    tsr_node *x = onnx_window_pad(t, as_maps(t, in->node, in->rank), &window, -FLT_MAX);
    onnx_give(t, 0, as_before(t, tsr_max_pool_with(t->graph, x, &options), in->rank), in->rank);
}

static void make_average_pool(onnx_translation *t)
{
    onnx_window window;
    const onnx_value *in = read_pool(t, &window);
    bool counted = onnx_int(t, "count_include_pad", 0) != 0;
    if (!in || t->failed)
        return;
    tsr_pool_options options = options_of(&window);
    options.padding_ignored = !counted;
    if (is_apart(&window) && (!counted || (onnx_attribute(t, "ceil_mode") && onnx_int(t, "ceil_mode", 0)))) {
        onnx_fail(t,
                  "averages windows that lie partly outside, with padding that is not alike on both sides: "
                  "expected pads alike, or count_include_pad without ceil_mode");
        return;
    }
    tsr_node *x = onnx_window_pad(t, as_maps(t, in->node, in->rank), &window, 0);
    onnx_give(t, 0, as_before(t, tsr_average_pool_with(t->graph, x, &options), in->rank), in->rank);
}

/* A value for each channel, in dimensions of 1. */
static void give_channels(onnx_translation *t, tsr_node *x, size_t rank)
{
    tsr_shape shape = { .n_dims = rank, .dims = { tsr_node_shape(x).dims[0] } };
    for (size_t i = 1; i < rank; i++)
        shape.dims[i] = 1;
    onnx_give(t, 0, rank > 1 ? tsr_reshape(t->graph, x, shape) : x, rank);
}

static void make_global_average_pool(onnx_translation *t)
{
    const onnx_value *in = onnx_node_input(t, 0);
    if (!t->failed && in->rank < 2)
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected 2 or more", in->rank);
    if (!t->failed)
        give_channels(t, tsr_global_average_pool(t->graph, in->node), in->rank);
}

static void make_global_max_pool(onnx_translation *t)
{
    const onnx_value *in = onnx_node_input(t, 0);
    if (t->failed)
        return;
    if (in->rank != 2 && in->rank != 3) {
        onnx_fail(t, "its input has %zu dimensions beside the batch, expected 2 or 3", in->rank);
        return;
    }
    tsr_node *x = as_maps(t, in->node, in->rank);
    tsr_shape shape = tsr_node_shape(x);
    const tsr_pool_options options = {
        .size_h = (int)shape.dims[1], .size_w = (int)shape.dims[2], .stride_h = 1, .stride_w = 1
    };
    give_channels(t, tsr_flatten(t->graph, tsr_max_pool_with(t->graph, x, &options)), in->rank);
}

/* --- Pad --- */

static void make_pad(onnx_translation *t)
{
    char mode[32];
    int64_t pads[2 * ONNX_MAX_RANK];
    size_t before[TSR_MAX_DIMS] = { 0 }, after[TSR_MAX_DIMS] = { 0 }, n = 0;
    double value = onnx_real(t, "value", 0);
    const onnx_value *in = onnx_node_input(t, 0);
    const Onnx__Attribute *listed = onnx_attribute(t, "pads");
    const onnx_constant *given = !listed && onnx_has_input(t, 1) ? onnx_constant_input(t, 1) : NULL;
    if (t->failed)
        return;
    onnx_string(t, "mode", mode);
    if (*mode && strcmp(mode, "constant") != 0)
        onnx_fail(t, "its mode is '%s', expected constant", onnx_shown(mode).chars);
    else if (onnx_has_input(t, 3))
        onnx_fail(t, "names axes, expected the padding of all dimensions");
    else if (onnx_has_input(t, 2) && !onnx_scalar(onnx_constant_input(t, 2), &value))
        onnx_fail(t, "its value is no number");
    else if (!isfinite((float)value))
        onnx_fail(t, "its value is %g, expected a finite number", value);
    size_t expected = 2 * (in->rank + 1);
    if (listed)
        n = listed->n_ints;
    else if (given && given->integers)
        n = given->n;
    if (!t->failed && n != expected)
        onnx_fail(t, "pads has %zu elements, expected %zu integers", n, expected);
    for (size_t i = 0; i < expected && !t->failed; i++) {
        pads[i] = listed ? listed->ints[i] : given->integers[i];
        if (pads[i] < 0 || pads[i] > INT_MAX || (i % (in->rank + 1) == 0 && pads[i]))
            onnx_fail(t, "pads has %lld, expected 0 to %d, and 0 for the batch", (long long)pads[i], INT_MAX);
    }
    for (size_t i = 0; i < in->rank && !t->failed; i++) {
        before[i] = (size_t)pads[i + 1];
        after[i] = (size_t)pads[in->rank + i + 2];
    }
    if (!t->failed)
        onnx_give(t, 0, onnx_pad(t->graph, in->node, before, after, (float)value), in->rank);
}

const onnx_operator onnx_windows[] = {
    { "AveragePool", make_average_pool,
      " auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides ", 1, 1 },
    { "GlobalAveragePool", make_global_average_pool, " ", 1, 1 },
    { "GlobalMaxPool", make_global_max_pool, " ", 1, 1 },
    { "MaxPool", make_max_pool, " auto_pad ceil_mode dilations kernel_shape pads storage_order strides ", 1,
      1 },
    { "Pad", make_pad, " mode pads value ", 1, 4 },
    { 0 },
};
