/* Pooling of feature maps: the largest or the mean value of each window, and the mean of a whole map. Rows
   and columns at the end that fill no window are left out. A window is gone through place by place, and the
   places that lie in the padding are skipped. Every map is a task of its own, so threads change no bits. Max
   pooling keeps for backward which place of its window won: the first of equals, a NaN before any number. */
#include "base/memory.h"
#include "nn/graph.h"
#include "nn/ops/ops.h"
#include "nn/ops/pool_windows.h"

#include <string.h>
#include <tessera/multiversion.h>

static tsr_node *pool(tsr_graph *graph, const tsr_op *op, tsr_node *x, const tsr_pool_options *options,
                      size_t size)
{
    tsr_pool_options whole = { 0 };
    if (!options)
        tsr_graph_fail(graph, "the options of a pool are NULL");
    else
        memcpy(&whole, options, size < sizeof(whole) ? size : sizeof(whole));
    return tsr_apply(graph, op, &whole, 1, &x);
}

tsr_node *tsr_max_pool_sized(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options, size_t size)
{
    return pool(graph, &tsr_op_max_pool, x, options, size);
}

tsr_node *tsr_average_pool_sized(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options, size_t size)
{
    return pool(graph, &tsr_op_average_pool, x, options, size);
}

tsr_node *tsr_max_pool_winners_sized(tsr_graph *graph, tsr_node *x, const tsr_pool_options *options,
                                     size_t size)
{
    return pool(graph, &tsr_op_max_pool_winners, x, options, size);
}

static tsr_pool_options square(int size, int stride)
{
    return (tsr_pool_options){ .size_h = size, .size_w = size, .stride_h = stride, .stride_w = stride };
}

tsr_node *tsr_max_pool(tsr_graph *graph, tsr_node *x, int size, int stride)
{
    tsr_pool_options options = square(size, stride);
    return tsr_max_pool_with(graph, x, &options);
}

tsr_node *tsr_average_pool(tsr_graph *graph, tsr_node *x, int size, int stride)
{
    tsr_pool_options options = square(size, stride);
    return tsr_average_pool_with(graph, x, &options);
}

tsr_node *tsr_global_average_pool(tsr_graph *graph, tsr_node *x)
{
    return tsr_apply(graph, &tsr_op_global_average_pool, NULL, 1, &x);
}

/* --- windows --- */

#define MAX_SIZE 4096 /* places of a window are counted in floats, exactly */

static bool options_are_sound(tsr_setup *setup, const tsr_pool_options *o)
{
    const int sizes[] = { o->size_h, o->size_w }, strides[] = { o->stride_h, o->stride_w },
              paddings[] = { o->padding_h, o->padding_w };
    for (size_t i = 0; i < 2; i++) {
        if (sizes[i] < 1 || sizes[i] > MAX_SIZE || strides[i] < 1)
            tsr_setup_fail(setup,
                           "size is %d and stride %d, expected a size of 1 to %d and a stride of at least 1",
                           sizes[i], strides[i], MAX_SIZE);
        else if (paddings[i] < 0 || paddings[i] > sizes[i] / 2)
            tsr_setup_fail(setup, "padding is %d, expected 0 to %d, half of the window's size", paddings[i],
                           sizes[i] / 2);
        else
            continue;
        return false;
    }
    return true;
}

static void setup_windows(tsr_setup *setup)
{
    const tsr_pool_options *o = tsr_setup_config(setup);
    tsr_maps in;
    if (!options_are_sound(setup, o) || !tsr_setup_maps(setup, &in))
        return;
    size_t h = in.h + 2 * (size_t)o->padding_h, w = in.w + 2 * (size_t)o->padding_w; /* padding is small */
    size_t size_h = (size_t)o->size_h, size_w = (size_t)o->size_w;
    if (h < size_h || w < size_w) {
        char text[TSR_SHAPE_TEXT];
        tsr_shape_format(tsr_setup_input(setup, 0), text, sizeof(text));
        tsr_setup_fail(
            setup,
            "its input, '%s', is %s, smaller than its windows of %zu x %zu%s: the image is too small "
            "for the network's poolings",
            setup->node->inputs[0]->name, text, size_h, size_w,
            o->padding_h || o->padding_w ? " even when padded" : "");
        return;
    }
    tsr_setup_output(setup, TSR_SHAPE(in.c, (h - size_h) / (size_t)o->stride_h + 1,
                                      (w - size_w) / (size_t)o->stride_w + 1));
}

static void setup_max(tsr_setup *setup)
{
    setup_windows(setup);
    if (!setup->graph->failure)
        tsr_setup_saved(setup, tsr_shape_size(setup->node->shape), 0);
}

/* Padding that does not count gives windows at the edges a mean of fewer values: their gradients are divided
   on their own, in scratch. */
static void setup_average(tsr_setup *setup)
{
    const tsr_pool_options *o = tsr_setup_config(setup);
    setup_windows(setup);
    if (!setup->graph->failure && o->padding_ignored)
        tsr_setup_scratch(setup, tsr_shape_size(setup->node->shape), 0);
}

static map map_of(const tsr_pass *pass)
{
    return map_between(pass->config, pass->shapes[0].dims, pass->shape.dims);
}

/* One place of a row of windows: of which of them it lies in the input, `n` from `first` on, and where its
   value is in the first of those. */
typedef struct span {
    size_t first, n, at;
} span;

static span span_of(const map *m, size_t row, size_t number)
{
    const axis *h = &m->h, *w = &m->w;
    size_t y = row * h->stride + number / w->size, j = number % w->size, first = 0, end = w->out;
    if (y < h->padding || y - h->padding >= h->in || j >= w->in + w->padding)
        return (span){ 0 };
    if (w->padding) { /* else each is inside */
        first = j < w->padding ? (w->padding - j + w->stride - 1) / w->stride : 0;
        end = (w->in + w->padding - j - 1) / w->stride + 1;
        end = end < w->out ? end : w->out;
    }
    if (first >= end)
        return (span){ 0 };
    return (span){ first, end - first, (y - h->padding) * w->in + first * w->stride + j - w->padding };
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

/* The first place inside of each window of a row. */
static void begin_row(const map *m, size_t row, const float *x, float *y, float *winner)
{
    size_t i = places_of(&m->h, row).first;
    const float *line = x + (row * m->h.stride + i - m->h.padding) * m->w.in;
    for (size_t column = 0; column < m->w.out; column++) {
        size_t j = places_of(&m->w, column).first;
        y[column] = line[column * m->w.stride + j - m->w.padding];
        winner[column] = (float)(i * m->w.size + j);
    }
}

static void max_of_map(const map *m, const float *x, float *y, float *winner)
{
    for (size_t row = 0; row < m->h.out; row++, y += m->w.out, winner += m->w.out) {
        begin_row(m, row, x, y, winner);
        for (size_t i = 1; i < m->h.size * m->w.size; i++) {
            span p = span_of(m, row, i);
            keep_larger(p.n, m->w.stride, x + p.at, (float)i, y + p.first, winner + p.first);
        }
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
    memset(dx, 0, m->h.in * m->w.in * sizeof(float));
    for (size_t row = 0; row < m->h.out; row++, dy += m->w.out, winner += m->w.out)
        for (size_t i = 0; i < m->h.size * m->w.size; i++) {
            span p = span_of(m, row, i);
            add_to_winners(p.n, m->w.stride, dy + p.first, winner + p.first, (float)i, dx + p.at);
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

/* y = x, each divided by the values that its window has inside. x may be y. */
static void divide_by_counts(const map *m, const float *x, float *y)
{
    for (size_t row = 0; row < m->h.out; row++) {
        range rows = places_of(&m->h, row);
        for (size_t column = 0; column < m->w.out; column++) {
            range columns = places_of(&m->w, column);
            size_t i = row * m->w.out + column;
            y[i] = x[i] / (float)((rows.end - rows.first) * (columns.end - columns.first));
        }
    }
}

static void sum_of_map(const map *m, const float *x, float *y)
{
    memset(y, 0, m->h.out * m->w.out * sizeof(float));
    for (size_t row = 0; row < m->h.out; row++)
        for (size_t i = 0; i < m->h.size * m->w.size; i++) {
            span p = span_of(m, row, i);
            gather(p.n, m->w.stride, x + p.at, y + row * m->w.out + p.first);
        }
}

static void sum_gradient_of_map(const map *m, float factor, const float *dy, float *dx)
{
    memset(dx, 0, m->h.in * m->w.in * sizeof(float));
    for (size_t row = 0; row < m->h.out; row++)
        for (size_t i = 0; i < m->h.size * m->w.size; i++) {
            span p = span_of(m, row, i);
            scatter(p.n, m->w.stride, factor, dy + row * m->w.out + p.first, dx + p.at);
        }
}

/* One channel of winners for each place of the windows; what is left in scratch is not read. */
static void setup_winners(tsr_setup *setup)
{
    const tsr_pool_options *o = tsr_setup_config(setup);
    setup_windows(setup);
    if (setup->graph->failure)
        return;
    tsr_shape shape = setup->node->shape;
    size_t places = (size_t)o->size_h * (size_t)o->size_w, channels;
    tsr_setup_scratch(setup, 2 * tsr_shape_size(shape), 0);
    if (!tsr_checked_multiply(shape.dims[0], places, &channels))
        tsr_setup_fail(setup, "%zu channels of windows of %zu places are too many", shape.dims[0], places);
    else
        tsr_setup_output(setup, TSR_SHAPE(channels, shape.dims[1], shape.dims[2]));
}

static void forward_winners(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t in = m.h.in * m.w.in, out = m.h.out * m.w.out, places = m.h.size * m.w.size;
    size_t maps = pass->n * pass->shapes[0].dims[0];
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++) {
        float *largest = pass->scratch + 2 * i * out, *winner = largest + out;
        float *y = pass->output + i * places * out;
        max_of_map(&m, pass->inputs[0] + i * in, largest, winner);
        for (size_t place = 0; place < places; place++)
            for (size_t j = 0; j < out; j++)
                y[place * out + j] = winner[j] == (float)place ? 1 : 0;
    }
}

static void backward_winners(const tsr_pass *pass)
{
    if (pass->input_gradients[0])
        memset(pass->input_gradients[0], 0, pass->n * tsr_shape_size(pass->shapes[0]) * sizeof(float));
}

static bool padding_ignored(const tsr_pass *pass)
{
    return ((const tsr_pool_options *)pass->config)->padding_ignored;
}

static void forward_max(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.h.in * m.w.in, out = m.h.out * m.w.out;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++)
        max_of_map(&m, pass->inputs[0] + i * in, pass->output + i * out, pass->saved + i * out);
}

static void backward_max(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.h.in * m.w.in, out = m.h.out * m.w.out;
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
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.h.in * m.w.in, out = m.h.out * m.w.out;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++) {
        float *y = pass->output + i * out;
        sum_of_map(&m, pass->inputs[0] + i * in, y);
        if (padding_ignored(pass))
            divide_by_counts(&m, y, y);
        else
            scale(out, 1.0f / (float)(m.h.size * m.w.size), y);
    }
}

static void backward_average(const tsr_pass *pass)
{
    map m = map_of(pass);
    size_t maps = pass->n * tsr_shape_channels(pass->shape), in = m.h.in * m.w.in, out = m.h.out * m.w.out;
    if (!pass->input_gradients[0])
        return;
#pragma omp parallel for num_threads(tsr_threads()) schedule(static) if (tsr_worth_sharing(maps * in))
    for (size_t i = 0; i < maps; i++) {
        const float *dy = pass->output_gradient + i * out;
        float *dx = pass->input_gradients[0] + i * in;
        if (padding_ignored(pass)) {
            divide_by_counts(&m, dy, pass->scratch + i * out);
            sum_gradient_of_map(&m, 1, pass->scratch + i * out, dx);
        } else
            sum_gradient_of_map(&m, 1.0f / (float)(m.h.size * m.w.size), dy, dx);
    }
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
    .config_size = sizeof(tsr_pool_options),
    .setup = setup_max,
    .forward = forward_max,
    .backward = backward_max,
    .line = tsr_max_pool_line,
};

const tsr_op tsr_op_max_pool_winners = {
    .size = sizeof(tsr_op),
    .name = "max_pool_winners",
    .config_size = sizeof(tsr_pool_options),
    .setup = setup_winners,
    .forward = forward_winners,
    .backward = backward_winners,
    .line = tsr_max_pool_winners_line,
};

const tsr_op tsr_op_average_pool = {
    .size = sizeof(tsr_op),
    .name = "average_pool",
    .config_size = sizeof(tsr_pool_options),
    .flags = TSR_OP_AFFINE,
    .setup = setup_average,
    .forward = forward_average,
    .backward = backward_average,
    .line = tsr_average_pool_line,
};

const tsr_op tsr_op_global_average_pool = {
    .size = sizeof(tsr_op),
    .name = "global_average_pool",
    .flags = TSR_OP_AFFINE,
    .setup = setup_global,
    .forward = forward_global,
    .backward = backward_global,
    .line = tsr_global_average_pool_line,
};
