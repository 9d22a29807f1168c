/* Elementwise operators of two nodes. A dimension that is 1 in one of them is repeated along the other's, as
   NumPy and PyTorch do, so that a vector of scales fits maps; the gradient of what was repeated is summed in
   the elements' order. Samples are tasks of their own, so threads change no bits. */
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <string.h>
#include <tessera/multiversion.h>

typedef enum binary { ADD, SUBTRACT, MULTIPLY } binary;

typedef struct binary_config {
    binary which;
} binary_config;

/* The output's dimensions as rows, and how far each input moves from one element to the next in each of them.
 */
typedef struct rows {
    size_t n_dims, dims[TSR_MAX_DIMS], n, length; /* rows of the last dimension */
    size_t strides[2][TSR_MAX_DIMS];
} rows;

tsr_node *tsr_add_repeated(tsr_graph *graph, tsr_node *a, tsr_node *b)
{
    return tsr_apply(graph, &tsr_op_add_repeated, &(binary_config){ ADD }, 2, (tsr_node *[]){ a, b });
}

tsr_node *tsr_subtract(tsr_graph *graph, tsr_node *a, tsr_node *b)
{
    return tsr_apply(graph, &tsr_op_subtract, &(binary_config){ SUBTRACT }, 2, (tsr_node *[]){ a, b });
}

tsr_node *tsr_multiply(tsr_graph *graph, tsr_node *a, tsr_node *b)
{
    return tsr_apply(graph, &tsr_op_multiply, &(binary_config){ MULTIPLY }, 2, (tsr_node *[]){ a, b });
}

static void setup(tsr_setup *setup)
{
    tsr_shape a = tsr_setup_input(setup, 0), b = tsr_setup_input(setup, 1), out = a;
    bool fits = a.n_dims == b.n_dims;
    for (size_t i = 0; fits && i < a.n_dims; i++) {
        fits = a.dims[i] == b.dims[i] || a.dims[i] == 1 || b.dims[i] == 1;
        out.dims[i] = a.dims[i] > b.dims[i] ? a.dims[i] : b.dims[i];
    }
    if (fits) {
        tsr_setup_output(setup, out);
        return;
    }
    char a_text[TSR_SHAPE_TEXT], b_text[TSR_SHAPE_TEXT];
    tsr_setup_fail(setup, "'%s' is %s and '%s' is %s, expected one shape, or 1 where one is repeated",
                   setup->node->inputs[0]->name, tsr_shape_format(a, a_text, sizeof(a_text)),
                   setup->node->inputs[1]->name, tsr_shape_format(b, b_text, sizeof(b_text)));
}

static rows rows_between(const tsr_shape *shapes, tsr_shape shape)
{
    rows r = { .n_dims = shape.n_dims, .length = shape.dims[shape.n_dims - 1] };
    r.n = tsr_shape_size(shape) / r.length;
    memcpy(r.dims, shape.dims, sizeof(r.dims));
    for (size_t k = 0; k < 2; k++) {
        size_t stride = 1;
        for (size_t i = r.n_dims; i-- > 0;) {
            r.strides[k][i] = shapes[k].dims[i] == 1 ? 0 : stride;
            stride *= shapes[k].dims[i];
        }
    }
    return r;
}

static rows rows_of(const tsr_pass *pass)
{
    return rows_between(pass->shapes, pass->shape);
}

/* Where row number `row` of a sample begins in input k. */
static size_t row_start(const rows *r, size_t k, size_t row)
{
    size_t at = 0;
    for (size_t i = r->n_dims - 1; i-- > 0; row /= r->dims[i])
        at += row % r->dims[i] * r->strides[k][i];
    return at;
}

TSR_MULTIVERSION(combine,
                 (binary which, size_t n, const float *a, size_t step_a, const float *b, size_t step_b,
                  float *restrict y),
                 (which, n, a, step_a, b, step_b, y))
{
    if (which == ADD)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = a[i * step_a] + b[i * step_b];
    else if (which == SUBTRACT)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = a[i * step_a] - b[i * step_b];
    else
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = a[i * step_a] * b[i * step_b];
}

static void forward(const tsr_pass *pass)
{
    const binary which = ((const binary_config *)pass->config)->which;
    const rows r = rows_of(pass);
    size_t a_size = tsr_shape_size(pass->shapes[0]), b_size = tsr_shape_size(pass->shapes[1]);
    size_t n = pass->n, size = r.n * r.length;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
    for (size_t s = 0; s < n; s++)
        for (size_t row = 0; row < r.n; row++)
            combine(which, r.length, pass->inputs[0] + s * a_size + row_start(&r, 0, row),
                    r.strides[0][r.n_dims - 1], pass->inputs[1] + s * b_size + row_start(&r, 1, row),
                    r.strides[1][r.n_dims - 1], pass->output + s * size + row * r.length);
}

/* dx of input k += its share of dy; `other` are the factors of a product, else NULL. */
static void add_gradient(const rows *r, size_t k, float sign, const float *dy, const float *other, float *dx)
{
    size_t step = r->strides[k][r->n_dims - 1], other_step = r->strides[1 - k][r->n_dims - 1];
    for (size_t row = 0; row < r->n; row++, dy += r->length) {
        float *to = dx + row_start(r, k, row);
        const float *factor = other ? other + row_start(r, 1 - k, row) : NULL;
        for (size_t i = 0; i < r->length; i++)
            to[i * step] += factor ? dy[i] * factor[i * other_step] : sign * dy[i];
    }
}

static void backward(const tsr_pass *pass)
{
    const binary which = ((const binary_config *)pass->config)->which;
    const rows r = rows_of(pass);
    size_t n = pass->n, size = r.n * r.length;
    for (size_t k = 0; k < 2; k++) {
        float *dx = pass->input_gradients[k];
        size_t in = tsr_shape_size(pass->shapes[k]), other = tsr_shape_size(pass->shapes[1 - k]);
        if (!dx)
            continue;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * size))
        for (size_t s = 0; s < n; s++) {
            memset(dx + s * in, 0, in * sizeof(float));
            add_gradient(&r, k, which == SUBTRACT && k == 1 ? -1 : 1, pass->output_gradient + s * size,
                         which == MULTIPLY ? pass->inputs[1 - k] + s * other : NULL, dx + s * in);
        }
    }
}

/* Two values and their slopes; false where their product bends. */
static bool combine_line(binary which, const double *x, const double *dx, double *y, double *dy)
{
    if (which == MULTIPLY) {
        *y = x[0] * x[1];
        *dy = dx[0] * x[1] + x[0] * dx[1];
        return !((dx[0] < 0 || dx[0] > 0) && (dx[1] < 0 || dx[1] > 0));
    }
    double sign = which == ADD ? 1 : -1;
    *y = x[0] + sign * x[1];
    *dy = dx[0] + sign * dx[1];
    return true;
}

static tsr_status *line(const tsr_line_pass *pass)
{
    const binary which = ((const binary_config *)pass->config)->which;
    const rows r = rows_between(pass->shapes, pass->shape);
    size_t sizes[2] = { tsr_shape_size(pass->shapes[0]), tsr_shape_size(pass->shapes[1]) };
    bool straight = true;
    for (size_t i = 0; i < pass->n * r.n * r.length; i++) {
        size_t sample = i / (r.n * r.length), row = i / r.length % r.n, column = i % r.length;
        double x[2], dx[2];
        for (size_t k = 0; k < 2; k++) {
            size_t at = sample * sizes[k] + row_start(&r, k, row) + column * r.strides[k][r.n_dims - 1];
            x[k] = pass->values[k][at];
            dx[k] = pass->slopes[k][at];
        }
        straight &= combine_line(which, x, dx, &pass->value[i], &pass->slope[i]);
    }
    return straight ? NULL : tsr_fail(TSR_REFUSED, "it multiplies two values that both change along the line");
}

#define BINARY_OP(called, reads)                                                                             \
    {                                                                                                        \
        .size = sizeof(tsr_op), .name = (called), .config_size = sizeof(binary_config), .flags = (reads),    \
        .setup = setup, .forward = forward, .backward = backward, .line = line                               \
    }

const tsr_op tsr_op_add_repeated = BINARY_OP("add", TSR_OP_AFFINE);
const tsr_op tsr_op_subtract = BINARY_OP("subtract", TSR_OP_AFFINE);
const tsr_op tsr_op_multiply = BINARY_OP("multiply", TSR_OP_READS_INPUTS);
