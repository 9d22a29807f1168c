/* Operators that only move elements: reshape, permute, concat, slice. */
#include "nn/graph.h"
#include "nn/ops/copy.h"
#include "nn/ops/ops.h"

#include <string.h>

static void fail_with_shape(tsr_setup *setup, size_t input, const char *expected)
{
    char text[TSR_SHAPE_TEXT];
    tsr_setup_fail(setup, "'%s' is %s, expected %s", setup->node->inputs[input]->name,
                   tsr_shape_format(tsr_setup_input(setup, input), text, sizeof(text)), expected);
}

/* --- reshape --- */

tsr_node *tsr_reshape(tsr_graph *graph, tsr_node *x, tsr_shape shape)
{
    return tsr_apply(graph, &tsr_op_reshape, &shape, 1, &x);
}

static void setup_reshape(tsr_setup *setup)
{
    tsr_shape in = tsr_setup_input(setup, 0), out = *(const tsr_shape *)tsr_setup_config(setup);
    size_t size;
    char from[TSR_SHAPE_TEXT], to[TSR_SHAPE_TEXT];
    if (!tsr_shape_check(out, &size) || size != tsr_shape_size(in))
        tsr_setup_fail(setup, "'%s' is %s, which cannot become %s: expected as many elements, %zu",
                       setup->node->inputs[0]->name, tsr_shape_format(in, from, sizeof(from)),
                       tsr_shape_format(out, to, sizeof(to)), tsr_shape_size(in));
    else
        tsr_setup_output(setup, out);
}

static void forward_reshape(const tsr_pass *pass)
{
    tsr_copy(pass->n, tsr_shape_size(pass->shape), pass->inputs[0], pass->output);
}

static void backward_reshape(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        tsr_copy(pass->n, tsr_shape_size(pass->shape), pass->output_gradient, pass->input_gradients[0]);
}

const tsr_op tsr_op_reshape = { .size = sizeof(tsr_op),
                                .name = "reshape",
                                .config_size = sizeof(tsr_shape),
                                .flags = TSR_OP_MOVES,
                                .setup = setup_reshape,
                                .forward = forward_reshape,
                                .backward = backward_reshape };

/* --- permute --- */

typedef struct permute_config {
    size_t n, order[TSR_MAX_DIMS];
} permute_config;

tsr_node *tsr_permute(tsr_graph *graph, tsr_node *x, size_t n, const size_t *order)
{
    permute_config config = { .n = n };
    for (size_t i = 0; i < n && i < TSR_MAX_DIMS; i++)
        config.order[i] = order[i];
    return tsr_apply(graph, &tsr_op_permute, &config, 1, &x);
}

tsr_node *tsr_transpose(tsr_graph *graph, tsr_node *x, size_t a, size_t b)
{
    tsr_shape shape = tsr_node_shape(x);
    permute_config config = { .n = shape.n_dims };
    if (a >= shape.n_dims || b >= shape.n_dims)
        tsr_graph_fail(graph, "transpose: dimensions %zu and %zu of '%s', which has %zu", a, b,
                       tsr_node_name(x), shape.n_dims);
    for (size_t i = 0; i < TSR_MAX_DIMS; i++)
        config.order[i] = i == a ? b : i == b ? a : i;
    return tsr_apply(graph, &tsr_op_permute, &config, 1, &x);
}

static void setup_permute(tsr_setup *setup)
{
    const permute_config *config = tsr_setup_config(setup);
    tsr_shape in = tsr_setup_input(setup, 0), out = in;
    bool seen[TSR_MAX_DIMS] = { false }, sound = config->n == in.n_dims;
    for (size_t i = 0; sound && i < in.n_dims; i++) {
        sound = config->order[i] < in.n_dims && !seen[config->order[i]];
        if (!sound)
            break;
        seen[config->order[i]] = true;
        out.dims[i] = in.dims[config->order[i]];
    }
    if (sound)
        tsr_setup_output(setup, out);
    else
        fail_with_shape(setup, 0, "an order that names each of its dimensions once");
}

/* Copies a sample between `dense`, whose elements follow one another in the shape's order, and `spread`,
   where the steps along each dimension are `strides`. */
static void move(tsr_shape shape, const size_t *strides, bool gather, const float *from, float *to)
{
    size_t index[TSR_MAX_DIMS] = { 0 }, last = shape.n_dims - 1, length = shape.dims[last];
    size_t step = strides[last], rows = tsr_shape_size(shape) / length, at = 0;
    for (size_t row = 0; row < rows; row++) {
        const float *source = from + (gather ? at : row * length);
        float *target = to + (gather ? row * length : at);
        for (size_t i = 0; i < length; i++)
            target[gather ? i : i * step] = source[gather ? i * step : i];
        for (size_t i = last; i-- > 0;) {
            at += strides[i];
            if (++index[i] < shape.dims[i])
                break;
            at -= shape.dims[i] * strides[i];
            index[i] = 0;
        }
    }
}

static void permute(const tsr_pass *pass, bool gather, const float *from, float *to)
{
    const permute_config *config = pass->config;
    size_t size = tsr_shape_size(pass->shape), n = pass->n, steps[TSR_MAX_DIMS], strides[TSR_MAX_DIMS];
    for (size_t i = config->n, step = 1; i-- > 0; step *= pass->shapes[0].dims[i])
        steps[i] = step;
    for (size_t i = 0; i < config->n; i++)
        strides[i] = steps[config->order[i]];
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++)
        move(pass->shape, strides, gather, from + s * size, to + s * size);
}

static void forward_permute(const tsr_pass *pass)
{
    permute(pass, true, pass->inputs[0], pass->output);
}

static void backward_permute(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        permute(pass, false, pass->output_gradient, pass->input_gradients[0]);
}

const tsr_op tsr_op_permute = { .size = sizeof(tsr_op),
                                .name = "permute",
                                .config_size = sizeof(permute_config),
                                .flags = TSR_OP_MOVES,
                                .setup = setup_permute,
                                .forward = forward_permute,
                                .backward = backward_permute };

/* --- concat and slice: blocks along a dimension --- */

/* A shape around a dimension: `outer` blocks of `length` x `inner` elements. */
typedef struct around {
    size_t outer, length, inner;
} around;

static around around_of(tsr_shape shape, size_t dim)
{
    around a = { 1, shape.dims[dim], 1 };
    for (size_t i = 0; i < shape.n_dims; i++)
        *(i < dim ? &a.outer : &a.inner) *= i == dim ? 1 : shape.dims[i];
    return a;
}

/* Copies `run` elements a block, for every block of n samples; blocks are from_step and to_step apart. */
static void copy_blocks(size_t blocks, size_t run, size_t from_step, const float *from, size_t to_step,
                        float *to)
{
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(blocks * run))
    for (size_t i = 0; i < blocks; i++)
        memcpy(to + i * to_step, from + i * from_step, run * sizeof(float));
}

typedef struct concat_config {
    size_t dim;
} concat_config;

tsr_node *tsr_concat(tsr_graph *graph, size_t dim, size_t n, tsr_node *const *inputs)
{
    return tsr_apply(graph, &tsr_op_concat, &(concat_config){ dim }, n, inputs);
}

static void setup_concat(tsr_setup *setup)
{
    size_t dim = ((const concat_config *)tsr_setup_config(setup))->dim, n = tsr_setup_n_inputs(setup);
    tsr_shape out = tsr_setup_input(setup, 0);
    if (n == 0 || dim >= out.n_dims) {
        tsr_setup_fail(setup, "dimension %zu of %zu inputs, expected one that they have and at least 1 input",
                       dim, n);
        return;
    }
    for (size_t k = 1; k < n; k++) {
        tsr_shape in = tsr_setup_input(setup, k), same = in;
        same.dims[dim] = out.dims[dim];
        if (!tsr_shape_equal(same, out)) {
            fail_with_shape(setup, k, "the first one's shape but for the dimension that is joined");
            return;
        }
        if (__builtin_add_overflow(out.dims[dim], in.dims[dim], &out.dims[dim])) {
            fail_with_shape(setup, k, "less, so that all fit in memory");
            return;
        }
    }
    tsr_setup_output(setup, out);
}

/* Where input k's part of each block begins in the output. */
static size_t concat_start(const tsr_pass *pass, size_t dim, size_t k)
{
    size_t at = 0;
    for (size_t i = 0; i < k; i++)
        at += pass->shapes[i].dims[dim];
    return at;
}

static void forward_concat(const tsr_pass *pass)
{
    size_t dim = ((const concat_config *)pass->config)->dim;
    around out = around_of(pass->shape, dim);
    for (size_t k = 0; k < pass->n_inputs; k++) {
        size_t run = pass->shapes[k].dims[dim] * out.inner;
        copy_blocks(pass->n * out.outer, run, run, pass->inputs[k], out.length * out.inner,
                    pass->output + concat_start(pass, dim, k) * out.inner);
    }
}

static void backward_concat(const tsr_pass *pass)
{
    size_t dim = ((const concat_config *)pass->config)->dim;
    around out = around_of(pass->shape, dim);
    for (size_t k = 0; k < pass->n_inputs; k++) {
        size_t run = pass->shapes[k].dims[dim] * out.inner;
        if (pass->input_gradients[k])
            copy_blocks(pass->n * out.outer, run, out.length * out.inner,
                        pass->output_gradient + concat_start(pass, dim, k) * out.inner, run,
                        pass->input_gradients[k]);
    }
}

const tsr_op tsr_op_concat = { .size = sizeof(tsr_op),
                               .name = "concat",
                               .config_size = sizeof(concat_config),
                               .flags = TSR_OP_MOVES,
                               .setup = setup_concat,
                               .forward = forward_concat,
                               .backward = backward_concat };

typedef struct slice_config {
    size_t dim, first, n;
} slice_config;

tsr_node *tsr_slice(tsr_graph *graph, tsr_node *x, size_t dim, size_t first, size_t n)
{
    return tsr_apply(graph, &tsr_op_slice, &(slice_config){ dim, first, n }, 1, &x);
}

static void setup_slice(tsr_setup *setup)
{
    const slice_config *c = tsr_setup_config(setup);
    tsr_shape out = tsr_setup_input(setup, 0);
    size_t length = c->dim < out.n_dims ? out.dims[c->dim] : 0;
    if (c->n == 0 || c->n > length || c->first > length - c->n) {
        char text[TSR_SHAPE_TEXT];
        tsr_setup_fail(setup, "%zu from %zu on of dimension %zu of '%s', which is %s", c->n, c->first, c->dim,
                       setup->node->inputs[0]->name, tsr_shape_format(out, text, sizeof(text)));
        return;
    }
    out.dims[c->dim] = c->n;
    tsr_setup_output(setup, out);
}

static void forward_slice(const tsr_pass *pass)
{
    const slice_config *c = pass->config;
    around in = around_of(pass->shapes[0], c->dim);
    size_t run = c->n * in.inner;
    copy_blocks(pass->n * in.outer, run, in.length * in.inner, pass->inputs[0] + c->first * in.inner, run,
                pass->output);
}

static void backward_slice(const tsr_pass *pass)
{
    const slice_config *c = pass->config;
    around in = around_of(pass->shapes[0], c->dim);
    size_t run = c->n * in.inner;
    if (!pass->input_gradients[0])
        return;
    memset(pass->input_gradients[0], 0, pass->n * tsr_shape_size(pass->shapes[0]) * sizeof(float));
    copy_blocks(pass->n * in.outer, run, run, pass->output_gradient, in.length * in.inner,
                pass->input_gradients[0] + c->first * in.inner);
}

const tsr_op tsr_op_slice = { .size = sizeof(tsr_op),
                              .name = "slice",
                              .config_size = sizeof(slice_config),
                              .flags = TSR_OP_MOVES,
                              .setup = setup_slice,
                              .forward = forward_slice,
                              .backward = backward_slice };
