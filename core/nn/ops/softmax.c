/* Softmax along a dimension: e^(x - max) / sum. Lines are tasks of their own. */
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <math.h>

typedef struct softmax_config {
    size_t dim;
} softmax_config;

tsr_node *tsr_softmax(tsr_graph *graph, tsr_node *x, size_t dim)
{
    return tsr_apply(graph, &tsr_op_softmax, &(softmax_config){ dim }, 1, &x);
}

static void setup(tsr_setup *setup)
{
    const softmax_config *config = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    char text[TSR_SHAPE_TEXT];
    if (config->dim >= shape.n_dims)
        tsr_setup_fail(setup, "dimension %zu of '%s', which is %s", config->dim, setup->node->inputs[0]->name,
                       tsr_shape_format(shape, text, sizeof(text)));
    tsr_setup_output(setup, shape);
}

/* Elements of a line, how far they are apart, and lines of a batch. */
typedef struct lines {
    size_t length, step, n;
} lines;

static lines lines_of(const tsr_pass *pass)
{
    size_t dim = ((const softmax_config *)pass->config)->dim;
    lines l = { .length = pass->shape.dims[dim], .step = 1 };
    for (size_t i = dim + 1; i < pass->shape.n_dims; i++)
        l.step *= pass->shape.dims[i];
    l.n = pass->n * (tsr_shape_size(pass->shape) / l.length);
    return l;
}

static size_t line_start(const lines *l, size_t line)
{
    return line / l->step * l->length * l->step + line % l->step;
}

static void forward(const tsr_pass *pass)
{
    const lines l = lines_of(pass);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(l.n * l.length))
    for (size_t line = 0; line < l.n; line++) {
        const float *x = pass->inputs[0] + line_start(&l, line);
        float *y = pass->output + line_start(&l, line), largest = x[0], sum = 0;
        for (size_t i = 1; i < l.length; i++)
            largest = x[i * l.step] > largest ? x[i * l.step] : largest;
        for (size_t i = 0; i < l.length; i++)
            sum += y[i * l.step] = expf(x[i * l.step] - largest);
        for (size_t i = 0; i < l.length; i++)
            y[i * l.step] /= sum;
    }
}

/* dx = y (dy - sum(y dy)). */
static void backward(const tsr_pass *pass)
{
    const lines l = lines_of(pass);
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(l.n * l.length))
    for (size_t line = 0; line < l.n; line++) {
        size_t start = line_start(&l, line);
        const float *y = pass->output + start, *dy = pass->output_gradient + start;
        float *dx = pass->input_gradients[0] + start, sum = 0;
        for (size_t i = 0; i < l.length; i++)
            sum += y[i * l.step] * dy[i * l.step];
        for (size_t i = 0; i < l.length; i++)
            dx[i * l.step] = y[i * l.step] * (dy[i * l.step] - sum);
    }
}

const tsr_op tsr_op_softmax = { .size = sizeof(tsr_op),
                                .name = "softmax",
                                .config_size = sizeof(softmax_config),
                                .flags = TSR_OP_READS_OUTPUT,
                                .setup = setup,
                                .forward = forward,
                                .backward = backward };
