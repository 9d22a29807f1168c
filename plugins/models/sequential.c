/* A network that the config spells out: a list of layers, each an operator of the SDK, applied to the one
   before or to others by their names. */
#include <stdlib.h>
#include <string.h>
#include <tessera/model.h>

#define MANY (1 << 20)
#define SIDE 65536
#define MAX_LAYERS 4096

typedef enum op {
    DENSE,
    LINEAR,
    CONV2D,
    CONV1D,
    BATCH_NORM,
    LAYER_NORM,
    GROUP_NORM,
    ACTIVATION,
    DROPOUT,
    MAX_POOL,
    AVERAGE_POOL,
    GLOBAL_AVERAGE_POOL,
    FLATTEN,
    RESHAPE,
    PERMUTE,
    TRANSPOSE,
    SLICE,
    CONCAT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    MATMUL,
    SCALE,
    SIGMOID,
    TANH,
    EXP,
    SOFTMAX,
    MEAN,
    EMBEDDING,
    GO_ON,
    TAP,
} op;

static const char *const ops_by_name[] = { "dense",      "linear",     "conv2d",       "conv1d",
                                           "batch_norm", "layer_norm", "group_norm",   "activation",
                                           "dropout",    "max_pool",   "average_pool", "global_average_pool",
                                           "flatten",    "reshape",    "permute",      "transpose",
                                           "slice",      "concat",     "add",          "subtract",
                                           "multiply",   "matmul",     "scale",        "sigmoid",
                                           "tanh",       "exp",        "softmax",      "mean",
                                           "embedding",  "go_on",      "tap",          NULL };

typedef struct layer {
    int op;
    const char *name;
    tsr_string_list from;
    int width, channels, groups, count;
    tsr_int_list kernel, stride, padding, dilation, size, dims, shape;
    bool bias, padding_ignored, transpose_a, transpose_b;
    int first;
    double rate, factor, epsilon, momentum;
    tsr_real_list breakpoints;
    tsr_instance *activation;
} layer;

typedef struct sequential {
    TSR_GROUP_LIST(layer) layers;
    tsr_instance *activation;
} sequential;

static const int64_t one[] = { 1 }, none[] = { 0 };
static const double zero[] = { 0 };

static const tsr_key layer_keys[] = {
    TSR_KEY_ENUM(layer, op, "dense", ops_by_name, "the operator", .required = true),
    TSR_KEY_STRING(layer, name, "", "what it is called; empty: by its operator and a number"),
    TSR_KEY_STRING_LIST(
        layer, from, NULL, 0,
        "layers by name, or input, that it is applied to instead of the one before; those that add, "
        "subtract, multiply, matmul and concat take beside it"),
    TSR_KEY_INT(layer, width, 0, 0, MANY, "dense, linear, embedding: outputs; 0: the network's",
                .unit = "units"),
    TSR_KEY_INT(layer, channels, 0, 0, MANY, "conv2d, conv1d: outputs"),
    TSR_KEY_INT(layer, groups, 1, 1, MANY, "conv2d, conv1d, group_norm: groups of channels"),
    TSR_KEY_INT(layer, count, 1, 1, MANY,
                "slice: places that are taken; embedding: rows; layer_norm: last dimensions"),
    TSR_KEY_INT_LIST(layer, kernel, one, 1, 1, SIDE, "conv2d, conv1d: one size, or height and width",
                     .list_min_length = 1, .list_max_length = 2),
    TSR_KEY_INT_LIST(layer, stride, one, 1, 1, SIDE,
                     "convolutions and pools: one step, or of rows and columns", .list_min_length = 1,
                     .list_max_length = 2),
    TSR_KEY_INT_LIST(layer, padding, none, 1, 0, SIDE,
                     "convolutions and pools: one for all sides, or of rows and columns",
                     .list_min_length = 1, .list_max_length = 2),
    TSR_KEY_INT_LIST(layer, dilation, one, 1, 1, SIDE,
                     "convolutions: one step in the kernel, or of rows and columns", .list_min_length = 1,
                     .list_max_length = 2),
    TSR_KEY_INT_LIST(layer, size, one, 1, 1, SIDE, "pools: one side of a window, or height and width",
                     .list_min_length = 1, .list_max_length = 2),
    TSR_KEY_INT_LIST(
        layer, dims, none, 1, 0, TSR_MAX_DIMS - 1,
        "permute: all dimensions in their new order; transpose: two; mean: some; slice, concat, softmax: one",
        .list_min_length = 1, .list_max_length = TSR_MAX_DIMS),
    TSR_KEY_INT_LIST(layer, shape, one, 1, 1, MANY, "reshape: the new one", .list_min_length = 1,
                     .list_max_length = TSR_MAX_DIMS),
    TSR_KEY_BOOL(layer, bias, true, "conv2d, conv1d, linear: a bias for each output"),
    TSR_KEY_BOOL(layer, padding_ignored, false, "average_pool: only what lies inside is averaged"),
    TSR_KEY_BOOL(layer, transpose_a, false, "matmul: of the layer before"),
    TSR_KEY_BOOL(layer, transpose_b, false, "matmul: of the other one"),
    TSR_KEY_INT(layer, first, 0, 0, MANY, "slice: the first place that is taken"),
    TSR_KEY_REAL(layer, rate, 0.5, 0.0, 0.999, "dropout: the fraction left out"),
    TSR_KEY_REAL(layer, factor, 1.0, -1e6, 1e6, "scale: the factor"),
    TSR_KEY_REAL(layer, epsilon, TSR_BATCH_NORM_EPSILON, 1e-30, 1e3, "norms: what is added to variances"),
    TSR_KEY_REAL(layer, momentum, TSR_BATCH_NORM_MOMENTUM, 0.0, 1.0,
                 "batch_norm: what running statistics keep at each step"),
    TSR_KEY_REAL_LIST(layer, breakpoints, zero, 1, -1e30, 1e30,
                      "tap: what values are held against for bits of the code", .list_min_length = 1,
                      .list_max_length = TSR_MAX_BREAKPOINTS),
    TSR_KEY_PLUGIN(layer, activation, TSR_ACTIVATION, NULL, "activation: another one than the model's"),
    TSR_KEY_END,
};

static const tsr_key keys[] = {
    TSR_KEY_GROUP_LIST(sequential, layers, layer, layer_keys, NULL, 0, "from the input on", .required = true,
                       .list_min_length = 1, .list_max_length = MAX_LAYERS),
    TSR_KEY_PLUGIN(sequential, activation, TSR_ACTIVATION, "relu", "activation where a layer names no other"),
    TSR_KEY_END,
};

/* Layers that were made, by the names that they were given. */
typedef struct building {
    const sequential *model;
    tsr_graph *graph;
    tsr_node *input;
    tsr_node **nodes; /* of each layer so far */
    int outputs;
} building;

static int of_rows(tsr_int_list list)
{
    return (int)list.values[0];
}

static int of_columns(tsr_int_list list)
{
    return (int)list.values[list.n - 1];
}

/* The layer of that name before number `before`; NULL where there is none, which the graph then says. */
static tsr_node *named(const building *b, size_t before, const char *name)
{
    if (strcmp(name, "input") == 0)
        return b->input;
    for (size_t i = before; i-- > 0;)
        if (strcmp(b->model->layers.values[i].name, name) == 0)
            return b->nodes[i];
    tsr_graph_fail(b->graph, "no layer before it is called '%s', and the input is 'input'", name);
    return b->input;
}

static bool joins(const layer *l)
{
    return l->op == CONCAT || l->op == ADD || l->op == SUBTRACT || l->op == MULTIPLY || l->op == MATMUL;
}

static tsr_node *pool(const building *b, const layer *l, tsr_node *x)
{
    const tsr_pool_options options = { of_rows(l->size),      of_columns(l->size), of_rows(l->stride),
                                       of_columns(l->stride), of_rows(l->padding), of_columns(l->padding),
                                       l->padding_ignored };
    return l->op == MAX_POOL ? tsr_max_pool_with(b->graph, x, &options)
                             : tsr_average_pool_with(b->graph, x, &options);
}

static tsr_node *convolve(const building *b, const layer *l, tsr_node *x)
{
    const tsr_conv2d_options maps = { l->channels,
                                      of_rows(l->kernel),
                                      of_columns(l->kernel),
                                      of_rows(l->stride),
                                      of_columns(l->stride),
                                      of_rows(l->padding),
                                      of_columns(l->padding),
                                      l->bias,
                                      l->groups,
                                      of_rows(l->dilation),
                                      of_columns(l->dilation) };
    const tsr_conv1d_options steps = {
        l->channels, of_rows(l->kernel), of_rows(l->stride),  of_rows(l->padding),
        l->bias,     l->groups,          of_rows(l->dilation)
    };
    return l->op == CONV2D ? tsr_conv2d_with(b->graph, x, &maps) : tsr_conv1d_with(b->graph, x, &steps);
}

static tsr_node *normalise(const building *b, const layer *l, tsr_node *x)
{
    const tsr_batch_norm_options options = { .epsilon = l->epsilon, .momentum = l->momentum };
    if (l->op == LAYER_NORM)
        return tsr_layer_norm(b->graph, x, (size_t)l->count, l->epsilon);
    if (l->op == GROUP_NORM)
        return tsr_group_norm(b->graph, x, (size_t)l->groups, l->epsilon);
    return tsr_batch_norm_with(b->graph, x, &options);
}

static tsr_node *arrange(const building *b, const layer *l, tsr_node *x)
{
    size_t dims[TSR_MAX_DIMS];
    tsr_shape shape = { .n_dims = l->shape.n };
    for (size_t i = 0; i < l->dims.n; i++)
        dims[i] = (size_t)l->dims.values[i];
    for (size_t i = 0; i < l->shape.n; i++)
        shape.dims[i] = (size_t)l->shape.values[i];
    switch (l->op) {
    case RESHAPE:
        return tsr_reshape(b->graph, x, shape);
    case PERMUTE:
        return tsr_permute(b->graph, x, l->dims.n, dims);
    case TRANSPOSE:
        if (l->dims.n != 2)
            tsr_graph_fail(b->graph, "dims has %zu elements, expected the two that are exchanged", l->dims.n);
        return tsr_transpose(b->graph, x, dims[0], dims[l->dims.n - 1]);
    case SLICE:
        return tsr_slice(b->graph, x, dims[0], (size_t)l->first, (size_t)l->count);
    case MEAN:
        return tsr_mean(b->graph, x, l->dims.n, dims);
    default:
        return tsr_softmax(b->graph, x, dims[0]);
    }
}

static tsr_node *join(const building *b, size_t i, const layer *l, tsr_node *x)
{
    tsr_graph *g = b->graph;
    tsr_node **inputs = calloc(l->from.n + 1, sizeof(*inputs)), *y = x;
    if (!inputs || l->from.n == 0 || (l->from.n > 1 && l->op != CONCAT)) {
        tsr_graph_fail(g, inputs ? "from names %zu layers, expected %s" : "%zu layers: not enough memory%s",
                       l->from.n, inputs ? l->op == CONCAT ? "at least 1" : "1" : "");
        free(inputs);
        return x;
    }
    inputs[0] = x;
    for (size_t k = 0; k < l->from.n; k++)
        inputs[k + 1] = named(b, i, l->from.values[k]);
    if (l->op == CONCAT)
        y = tsr_concat(g, (size_t)l->dims.values[0], l->from.n + 1, inputs);
    else if (l->op == ADD)
        y = tsr_add(g, x, inputs[1]);
    else if (l->op == SUBTRACT)
        y = tsr_subtract(g, x, inputs[1]);
    else if (l->op == MULTIPLY)
        y = tsr_multiply(g, x, inputs[1]);
    else
        y = tsr_matmul(g, x, l->transpose_a, inputs[1], l->transpose_b);
    free(inputs);
    return y;
}

static tsr_node *tap(const building *b, const layer *l, tsr_node *x)
{
    float at[TSR_MAX_BREAKPOINTS];
    for (size_t i = 0; i < l->breakpoints.n; i++)
        at[i] = (float)l->breakpoints.values[i];
    return tsr_tap(b->graph, x, l->name, l->breakpoints.n, at);
}

static tsr_node *apply(const building *b, size_t i, const layer *l, tsr_node *x)
{
    tsr_graph *g = b->graph;
    int width = l->width ? l->width : b->outputs;
    switch (l->op) {
    case DENSE:
        return tsr_dense(g, x, width);
    case LINEAR:
        return tsr_linear_with(g, x, &(tsr_linear_options){ .width = width, .bias = l->bias });
    case EMBEDDING:
        return tsr_embedding(g, x, l->count, width);
    case CONV2D:
    case CONV1D:
        return convolve(b, l, x);
    case BATCH_NORM:
    case LAYER_NORM:
    case GROUP_NORM:
        return normalise(b, l, x);
    case ACTIVATION:
        return tsr_activate_with(g, x, l->activation ? l->activation : b->model->activation);
    case DROPOUT:
        return tsr_dropout(g, x, l->rate);
    case MAX_POOL:
    case AVERAGE_POOL:
        return pool(b, l, x);
    case GLOBAL_AVERAGE_POOL:
        return tsr_global_average_pool(g, x);
    case FLATTEN:
        return tsr_flatten(g, x);
    case SCALE:
        return tsr_scale(g, x, l->factor);
    case SIGMOID:
        return tsr_sigmoid(g, x);
    case TANH:
        return tsr_tanh(g, x);
    case EXP:
        return tsr_exp(g, x);
    case GO_ON:
        return x;
    case TAP:
        return tap(b, l, x);
    default:
        return joins(l) ? join(b, i, l, x) : arrange(b, l, x);
    }
}

/* --- keys that an operator does not take --- */

enum {
    WIDTH = 1 << 0,
    CHANNELS = 1 << 1,
    GROUPS = 1 << 2,
    COUNT = 1 << 3,
    KERNEL = 1 << 4,
    STRIDE = 1 << 5,
    PADDING = 1 << 6,
    DILATION = 1 << 7,
    SIZE = 1 << 8,
    DIMS = 1 << 9,
    SHAPE = 1 << 10,
    BIAS = 1 << 11,
    IGNORED = 1 << 12,
    TRANSPOSED_A = 1 << 13,
    TRANSPOSED_B = 1 << 14,
    FIRST = 1 << 15,
    RATE = 1 << 16,
    FACTOR = 1 << 17,
    EPSILON = 1 << 18,
    MOMENTUM = 1 << 19,
    BREAKPOINTS = 1 << 20,
    OTHER_ACTIVATION = 1 << 21,
    CONVOLUTION = CHANNELS | GROUPS | KERNEL | STRIDE | PADDING | DILATION | BIAS,
};

static const char *const option_names[] = {
    "width", "channels", "groups",  "count",    "kernel",          "stride",      "padding",     "dilation",
    "size",  "dims",     "shape",   "bias",     "padding_ignored", "transpose_a", "transpose_b", "first",
    "rate",  "factor",   "epsilon", "momentum", "breakpoints",     "activation"
};

static const unsigned taken[] = {
    [DENSE] = WIDTH,
    [LINEAR] = WIDTH | BIAS,
    [EMBEDDING] = WIDTH | COUNT,
    [CONV2D] = CONVOLUTION,
    [CONV1D] = CONVOLUTION,
    [BATCH_NORM] = EPSILON | MOMENTUM,
    [LAYER_NORM] = EPSILON | COUNT,
    [GROUP_NORM] = EPSILON | GROUPS,
    [ACTIVATION] = OTHER_ACTIVATION,
    [DROPOUT] = RATE,
    [MAX_POOL] = SIZE | STRIDE | PADDING,
    [AVERAGE_POOL] = SIZE | STRIDE | PADDING | IGNORED,
    [RESHAPE] = SHAPE,
    [PERMUTE] = DIMS,
    [TRANSPOSE] = DIMS,
    [SLICE] = DIMS | FIRST | COUNT,
    [CONCAT] = DIMS,
    [MATMUL] = TRANSPOSED_A | TRANSPOSED_B,
    [SCALE] = FACTOR,
    [SOFTMAX] = DIMS,
    [MEAN] = DIMS,
    [TAP] = BREAKPOINTS,
};

static bool is_list_of(tsr_int_list list, int64_t value)
{
    return list.n == 1 && list.values[0] == value;
}

static unsigned where(bool holds, unsigned option)
{
    return holds ? option : 0;
}

/* The options that are not what they are by default. */
static unsigned given(const layer *l)
{
    return where(l->width != 0, WIDTH) | where(l->channels != 0, CHANNELS) | where(l->groups != 1, GROUPS) |
           where(l->count != 1, COUNT) | where(!is_list_of(l->kernel, 1), KERNEL) |
           where(!is_list_of(l->stride, 1), STRIDE) | where(!is_list_of(l->padding, 0), PADDING) |
           where(!is_list_of(l->dilation, 1), DILATION) | where(!is_list_of(l->size, 1), SIZE) |
           where(!is_list_of(l->dims, 0), DIMS) | where(!is_list_of(l->shape, 1), SHAPE) |
           where(!l->bias, BIAS) | where(l->padding_ignored, IGNORED) | where(l->transpose_a, TRANSPOSED_A) |
           where(l->transpose_b, TRANSPOSED_B) | where(l->first != 0, FIRST) |
           where(l->rate < 0.5 || l->rate > 0.5, RATE) | where(l->factor < 1 || l->factor > 1, FACTOR) |
           where(l->epsilon < TSR_BATCH_NORM_EPSILON || l->epsilon > TSR_BATCH_NORM_EPSILON, EPSILON) |
           where(l->momentum < TSR_BATCH_NORM_MOMENTUM || l->momentum > TSR_BATCH_NORM_MOMENTUM, MOMENTUM) |
           where(l->breakpoints.n != 1 || l->breakpoints.values[0] < 0 || l->breakpoints.values[0] > 0,
                 BREAKPOINTS) |
           where(l->activation != NULL, OTHER_ACTIVATION);
}

static void check_options(tsr_graph *g, const layer *l)
{
    unsigned beyond = given(l) & ~taken[l->op];
    if (beyond)
        tsr_graph_fail(g, "%s takes no %s", ops_by_name[l->op], option_names[__builtin_ctz(beyond)]);
    else if (l->op == TAP && !*l->name)
        tsr_graph_fail(g, "tap has no name, expected the one that its bits are to have");
    else if ((l->op == CONV2D || l->op == CONV1D) && !l->channels)
        tsr_graph_fail(g, "%s has no channels, expected at least 1", ops_by_name[l->op]);
}

static tsr_node *make_layer(const building *b, size_t i, tsr_node *x)
{
    const layer *l = &b->model->layers.values[i];
    tsr_graph_at(b->graph, "layers.%zu", i);
    check_options(b->graph, l);
    if (l->from.n > 1 && !joins(l))
        tsr_graph_fail(b->graph, "from names %zu layers, and %s is applied to one", l->from.n,
                       ops_by_name[l->op]);
    if (l->from.n == 1 && !joins(l))
        x = named(b, i, l->from.values[0]);
    tsr_node *y = apply(b, i, l, x);
    bool makes_node = l->op != GO_ON && l->op != TAP;
    return makes_node && *l->name ? tsr_named(b->graph, y, "%s", l->name) : y;
}

static tsr_node *build(const void *self, tsr_graph *g, tsr_node *x, int outputs)
{
    const sequential *m = self;
    building b = { m, g, x, calloc(m->layers.n, sizeof(tsr_node *)), outputs };
    if (!b.nodes) {
        tsr_graph_fail(g, "not enough memory for %zu layers", m->layers.n);
        return x;
    }
    for (size_t i = 0; i < m->layers.n; i++)
        x = b.nodes[i] = make_layer(&b, i, x);
    tsr_graph_at(g, "%s", "");
    free(b.nodes);
    return x;
}

static const tsr_model_ops ops = { .build = build };

static const tsr_plugin plugin = {
    TSR_MODEL_PLUGIN(&ops), .name = "sequential",
    .version = "1.0.0",     .summary = "the network that the config spells out, layer by layer",
    .licence = "MIT",       TSR_INSTANCE(sequential),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
