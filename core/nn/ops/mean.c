/* The mean over chosen dimensions, which go; the others stay in their order. */
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <string.h>

typedef struct mean_config {
    bool over[TSR_MAX_DIMS];
    size_t n, beyond; /* chosen, and how many of these are no dimension or chosen twice */
} mean_config;

tsr_node *tsr_mean(tsr_graph *graph, tsr_node *x, size_t n, const size_t *dims)
{
    mean_config config = { .n = n };
    for (size_t i = 0; i < n; i++) {
        bool sound = dims[i] < TSR_MAX_DIMS && !config.over[dims[i]];
        config.beyond += !sound;
        if (sound)
            config.over[dims[i]] = true;
    }
    return tsr_apply(graph, &tsr_op_mean, &config, 1, &x);
}

static void setup(tsr_setup *setup)
{
    const mean_config *config = tsr_setup_config(setup);
    tsr_shape in = tsr_setup_input(setup, 0), out = { 0 };
    bool sound = config->n > 0 && config->beyond == 0;
    for (size_t i = 0; i < TSR_MAX_DIMS; i++) {
        sound = sound && (i < in.n_dims || !config->over[i]);
        if (i < in.n_dims && !config->over[i])
            out.dims[out.n_dims++] = in.dims[i];
    }
    char text[TSR_SHAPE_TEXT];
    if (!sound)
        tsr_setup_fail(setup, "'%s' is %s, expected dimensions of it, each once",
                       setup->node->inputs[0]->name, tsr_shape_format(in, text, sizeof(text)));
    tsr_setup_output(setup, out.n_dims ? out : TSR_SHAPE(1));
}

/* Walks over the elements of a sample: *at is the place in the output that an element goes to. */
typedef struct walk {
    tsr_shape shape;
    size_t index[TSR_MAX_DIMS], strides[TSR_MAX_DIMS], at;
} walk;

static walk walk_of(const mean_config *config, tsr_shape shape)
{
    walk w = { .shape = shape };
    size_t stride = 1;
    for (size_t i = w.shape.n_dims; i-- > 0;)
        if (!config->over[i]) {
            w.strides[i] = stride;
            stride *= w.shape.dims[i];
        }
    return w;
}

static void step(walk *w)
{
    for (size_t i = w->shape.n_dims; i-- > 0;) {
        w->at += w->strides[i];
        if (++w->index[i] < w->shape.dims[i])
            return;
        w->at -= w->shape.dims[i] * w->strides[i];
        w->index[i] = 0;
    }
}

static void forward(const tsr_pass *pass)
{
    const walk start = walk_of(pass->config, pass->shapes[0]);
    size_t n = pass->n, in = tsr_shape_size(pass->shapes[0]), out = tsr_shape_size(pass->shape);
    float share = (float)out / (float)in;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * in))
    for (size_t s = 0; s < n; s++) {
        const float *x = pass->inputs[0] + s * in;
        float *y = pass->output + s * out;
        walk w = start;
        memset(y, 0, out * sizeof(float));
        for (size_t i = 0; i < in; i++, step(&w))
            y[w.at] += x[i];
        for (size_t i = 0; i < out; i++)
            y[i] *= share;
    }
}

static void backward(const tsr_pass *pass)
{
    const walk start = walk_of(pass->config, pass->shapes[0]);
    size_t n = pass->n, in = tsr_shape_size(pass->shapes[0]), out = tsr_shape_size(pass->shape);
    float share = (float)out / (float)in;
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(n * in))
    for (size_t s = 0; s < n; s++) {
        walk w = start;
        for (size_t i = 0; i < in; i++, step(&w))
            pass->input_gradients[0][s * in + i] = share * pass->output_gradient[s * out + w.at];
    }
}

static void mean_of_line(const walk *start, size_t in, size_t out, const double *x, double *y)
{
    walk w = *start;
    memset(y, 0, out * sizeof(double));
    for (size_t i = 0; i < in; i++, step(&w))
        y[w.at] += x[i];
    for (size_t i = 0; i < out; i++)
        y[i] *= (double)out / (double)in;
}

static tsr_status *line(const tsr_line_pass *pass)
{
    const walk start = walk_of(pass->config, pass->shapes[0]);
    size_t in = tsr_shape_size(pass->shapes[0]), out = tsr_shape_size(pass->shape);
    for (size_t s = 0; s < pass->n; s++) {
        mean_of_line(&start, in, out, pass->values[0] + s * in, pass->value + s * out);
        mean_of_line(&start, in, out, pass->slopes[0] + s * in, pass->slope + s * out);
    }
    return NULL;
}

const tsr_op tsr_op_mean = { .size = sizeof(tsr_op),
                             .name = "mean",
                             .config_size = sizeof(mean_config),
                             .flags = TSR_OP_AFFINE,
                             .setup = setup,
                             .forward = forward,
                             .backward = backward,
                             .line = line };
