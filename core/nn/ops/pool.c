/* Pooling of feature maps: the largest or the mean value of each window, and the mean of a whole map. There
   is no padding; rows and columns at the end that fill no window are left out. Every map is a task of its
   own, so threads change no bits. Max pooling keeps for backward which place of its window won: the first
   of equals, a NaN before any number. */
#include "nn/graph.h"
#include "nn/ops/ops.h"

#include <string.h>
#include <tessera/multiversion.h>

typedef struct pool_config {
    int size, stride;
} pool_config;

tsr_node *tsr_max_pool(tsr_graph *graph, tsr_node *x, int size, int stride)
{
    return tsr_apply(graph, &tsr_op_max_pool, &(pool_config){ size, stride }, 1, &x);
}

tsr_node *tsr_average_pool(tsr_graph *graph, tsr_node *x, int size, int stride)
{
    return tsr_apply(graph, &tsr_op_average_pool, &(pool_config){ size, stride }, 1, &x);
}

tsr_node *tsr_global_average_pool(tsr_graph *graph, tsr_node *x)
{
    return tsr_apply(graph, &tsr_op_global_average_pool, NULL, 1, &x);
}

/* --- windows --- */

#define MAX_SIZE 4096 /* places of a window are counted in floats, exactly */

static void setup_windows(tsr_setup *setup)
{
    const pool_config *config = tsr_setup_config(setup);
    tsr_shape shape = tsr_setup_input(setup, 0);
    tsr_maps in;
    size_t size = (size_t)config->size, stride = (size_t)config->stride;
    if (config->size < 1 || config->size > MAX_SIZE || config->stride < 1) {
        tsr_setup_fail(setup,
                       "size is %d and stride %d, expected a size of 1 to %d and a stride of at least 1",
                       config->size, config->stride, MAX_SIZE);
        return;
    }
    if (!tsr_setup_maps(setup, &in))
        return;
    if (in.h < size || in.w < size) {
        char text[TSR_SHAPE_TEXT];
        tsr_shape_format(shape, text, sizeof(text));
        tsr_setup_fail(
            setup,
            "its input, '%s', is %s, smaller than its windows of %zu x %zu: the image is too small "
            "for the network's poolings",
            setup->node->inputs[0]->name, text, size, size);
        return;
    }
    tsr_setup_output(setup, TSR_SHAPE(in.c, (in.h - size) / stride + 1, (in.w - size) / stride + 1));
}

static void setup_max(tsr_setup *setup)
{
    setup_windows(setup);
    if (!setup->graph->failure)
        tsr_setup_saved(setup, tsr_shape_size(setup->node->shape), 0);
}

/* A map and what became of it, or their gradients. */
typedef struct map {
    size_t size, stride, in_h, in_w, out_h, out_w;
} map;

static map map_of(const tsr_pass *pass)
{
    const pool_config *config = pass->config;
    const size_t *in = pass->shapes[0].dims, *out = pass->shape.dims;
    return (map){ (size_t)config->size, (size_t)config->stride, in[1], in[2], out[1], out[2] };
}

/* Offers the values x[0], x[stride] ... of one place of the windows to a row of winners. */
TSR_MULTIVERSION(keep_larger,
                 (size_t n, size_t stride, const float *restrict x, float place, float *restrict best,
                  float *restrict winner),
                 (n, stride, x, place, best, winner))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float value = x[i * stride];
        bool wins = value > best[i] || value != value;
        best[i] = wins ? value : best[i];
        winner[i] = wins ? place : winner[i];
    }
}

static void max_of_map(const map *m, const float *x, float *y, float *winner)
{
    for (size_t row = 0; row < m->out_h; row++, y += m->out_w, winner += m->out_w) {
        const float *window = x + row * m->stride * m->in_w;
        for (size_t i = 0; i < m->out_w; i++) {
            y[i] = window[i * m->stride];
            winner[i] = 0;
        }
        for (size_t place = 1; place < m->size * m->size; place++)
            keep_larger(m->out_w, m->stride, window + place / m->size * m->in_w + place % m->size,
                        (float)place, y, winner);
    }
}

/* Gives the gradient of a row of windows to the values at one place where that place won. */
TSR_MULTIVERSION(add_to_winners,
                 (size_t n, size_t stride, const float *restrict dy, const float *restrict winner,
                  float place, float *restrict dx),
                 (n, stride, dy, winner, place, dx))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i * stride] += winner[i] == place ? dy[i] : 0;
}

static void max_gradient_of_map(const map *m, const float *dy, const float *winner, float *dx)
{
    memset(dx, 0, m->in_h * m->in_w * sizeof(float));
    for (size_t row = 0; row < m->out_h; row++, dy += m->out_w, winner += m->out_w) {
        float *window = dx + row * m->stride * m->in_w;
        for (size_t place = 0; place < m->size * m->size; place++)
            add_to_winners(m->out_w, m->stride, dy, winner, (float)place,
                           window + place / m->size * m->in_w + place % m->size);
    }
}

/* y += x[0], x[stride] ... */
TSR_MULTIVERSION(gather, (size_t n, size_t stride, const float *restrict x, float *restrict y),
                 (n, stride, x, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] += x[i * stride];
}

TSR_MULTIVERSION(scale, (size_t n, float factor, float *restrict y), (n, factor, y))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] *= factor;
}

TSR_MULTIVERSION(scatter,
                 (size_t n, size_t stride, float factor, const float *restrict dy, float *restrict dx),
                 (n, stride, factor, dy, dx))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i * stride] += factor * dy[i];
}

static void mean_of_map(const map *m, const float *x, float *y)
{
    memset(y, 0, m->out_h * m->out_w * sizeof(float));
    for (size_t row = 0; row < m->out_h; row++) {
        const float *window = x + row * m->stride * m->in_w;
        for (size_t place = 0; place < m->size * m->size; place++)
            gather(m->out_w, m->stride, window + place / m->size * m->in_w + place % m->size,
                   y + row * m->out_w);
    }
    scale(m->out_h * m->out_w, 1.0f / (float)(m->size * m->size), y);
}

static void mean_gradient_of_map(const map *m, const float *dy, float *dx)
{
    float share = 1.0f / (float)(m->size * m->size);
    memset(dx, 0, m->in_h * m->in_w * sizeof(float));
    for (size_t row = 0; row < m->out_h; row++) {
        float *window = dx + row * m->stride * m->in_w;
        for (size_t place = 0; place < m->size * m->size; place++)
            scatter(m->out_w, m->stride, share, dy + row * m->out_w,
                    window + place / m->size * m->in_w + place % m->size);
    }
}

static void forward_max(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.in_h * m.in_w, out = m.out_h * m.out_w;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++)
        max_of_map(&m, pass->inputs[0] + i * in, pass->output + i * out, pass->saved + i * out);
}

static void backward_max(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.in_h * m.in_w, out = m.out_h * m.out_w;
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++)
        max_gradient_of_map(&m, pass->output_gradient + i * out, pass->saved + i * out,
                            pass->input_gradients[0] + i * in);
}

static void forward_average(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.in_h * m.in_w, out = m.out_h * m.out_w;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++)
        mean_of_map(&m, pass->inputs[0] + i * in, pass->output + i * out);
}

static void backward_average(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.in_h * m.in_w, out = m.out_h * m.out_w;
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++)
        mean_gradient_of_map(&m, pass->output_gradient + i * out, pass->input_gradients[0] + i * in);
}

/* --- whole maps --- */

static void setup_global(tsr_setup *setup)
{
    tsr_setup_output(setup, TSR_SHAPE(tsr_shape_channels(tsr_setup_input(setup, 0))));
}

TSR_MULTIVERSION_OF(float, mean, (size_t n, const float *x), (n, x))
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (float)n;
}

static void forward_global(const tsr_pass *pass)
{
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = tsr_shape_positions(pass->shapes[0]);
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++)
        pass->output[i] = mean(in, pass->inputs[0] + i * in);
}

static void backward_global(const tsr_pass *pass)
{
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = tsr_shape_positions(pass->shapes[0]);
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++) {
        float share = pass->output_gradient[i] / (float)in;
        for (size_t p = 0; p < in; p++)
            pass->input_gradients[0][i * in + p] = share;
    }
}

const tsr_op tsr_op_max_pool = {
    .size = sizeof(tsr_op),
    .name = "max_pool",
    .config_size = sizeof(pool_config),
    .setup = setup_max,
    .forward = forward_max,
    .backward = backward_max,
};

const tsr_op tsr_op_average_pool = {
    .size = sizeof(tsr_op),
    .name = "average_pool",
    .config_size = sizeof(pool_config),
    .setup = setup_windows,
    .forward = forward_average,
    .backward = backward_average,
};

const tsr_op tsr_op_global_average_pool = {
    .size = sizeof(tsr_op),
    .name = "global_average_pool",
    .setup = setup_global,
    .forward = forward_global,
    .backward = backward_global,
};
