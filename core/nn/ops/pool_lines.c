/* Pools along lines, in double precision. */
#include "nn/ops/ops.h"
#include "nn/ops/pool_windows.h"

#include <string.h>

/* Goes through the values of a window, place by place: the next one's number in the map, or SIZE_MAX. */
typedef struct window {
    range rows, columns;
    size_t y, x, i, j; /* where it begins, padding counted; the next place */
} window;

static window window_of(const map *m, size_t row, size_t column)
{
    window w = {
        places_of(&m->h, row), places_of(&m->w, column), row * m->h.stride, column * m->w.stride, 0, 0
    };
    w.i = w.rows.first;
    w.j = w.columns.first;
    return w;
}

static size_t next_value(const map *m, window *w, size_t *place)
{
    if (w->i >= w->rows.end)
        return SIZE_MAX;
    size_t at = (w->y + w->i - m->h.padding) * m->w.in + w->x + w->j - m->w.padding;
    *place = w->i * m->w.size + w->j;
    if (++w->j == w->columns.end) {
        w->j = w->columns.first;
        w->i++;
    }
    return at;
}

/* The value of a window that is the largest right of t, its place, and where another one reaches it. */
static size_t winner_of_line(const map *m, size_t row, size_t column, const double *x, const double *dx,
                             double t, size_t *place, double *next)
{
    window w = window_of(m, row, column);
    size_t best = next_value(m, &w, place), at, other;
    while ((at = next_value(m, &w, &other)) != SIZE_MAX)
        if (tsr_line_above(t, x[at] - x[best], dx[at] - dx[best], 0)) {
            best = at;
            *place = other;
        }
    w = window_of(m, row, column);
    while ((at = next_value(m, &w, &other)) != SIZE_MAX)
        if (dx[at] > dx[best])
            tsr_line_meet(t, x[at] - x[best], dx[at] - dx[best], 0, next);
    return best;
}

tsr_status *tsr_max_pool_line(const tsr_line_pass *pass)
{
    map m = map_between(pass->config, pass->shapes[0].dims, pass->shape.dims);
    size_t channels = pass->shape.dims[0], in = m.h.in * m.w.in, out = m.h.out * m.w.out, place;
    for (size_t i = 0; i < pass->n * channels; i++)
        for (size_t j = 0; j < out; j++) {
            const double *x = pass->values[0] + i * in, *dx = pass->slopes[0] + i * in;
            size_t best = winner_of_line(&m, j / m.w.out, j % m.w.out, x, dx, pass->t[i / channels], &place,
                                         &pass->next[i / channels]);
            pass->value[i * out + j] = x[best];
            pass->slope[i * out + j] = dx[best];
        }
    return NULL;
}

tsr_status *tsr_max_pool_winners_line(const tsr_line_pass *pass)
{
    map m = map_between(pass->config, pass->shapes[0].dims, pass->shape.dims);
    size_t channels = pass->shapes[0].dims[0], in = m.h.in * m.w.in, out = m.h.out * m.w.out, place;
    memset(pass->value, 0, pass->n * tsr_shape_size(pass->shape) * sizeof(double));
    memset(pass->slope, 0, pass->n * tsr_shape_size(pass->shape) * sizeof(double));
    for (size_t i = 0; i < pass->n * channels; i++)
        for (size_t j = 0; j < out; j++) {
            winner_of_line(&m, j / m.w.out, j % m.w.out, pass->values[0] + i * in, pass->slopes[0] + i * in,
                           pass->t[i / channels], &place, &pass->next[i / channels]);
            pass->value[(i * m.h.size * m.w.size + place) * out + j] = 1;
        }
    return NULL;
}

static void average_of_line(const map *m, bool ignored, const double *x, double *y)
{
    for (size_t j = 0; j < m->h.out * m->w.out; j++) {
        window w = window_of(m, j / m->w.out, j % m->w.out);
        size_t at, place, count = 0;
        double sum = 0;
        for (; (at = next_value(m, &w, &place)) != SIZE_MAX; count++)
            sum += x[at];
        y[j] = sum / (double)(ignored ? count : m->h.size * m->w.size);
    }
}

tsr_status *tsr_average_pool_line(const tsr_line_pass *pass)
{
    const tsr_pool_options *o = pass->config;
    map m = map_between(o, pass->shapes[0].dims, pass->shape.dims);
    size_t in = m.h.in * m.w.in, out = m.h.out * m.w.out;
    for (size_t i = 0; i < pass->n * pass->shape.dims[0]; i++) {
        average_of_line(&m, o->padding_ignored, pass->values[0] + i * in, pass->value + i * out);
        average_of_line(&m, o->padding_ignored, pass->slopes[0] + i * in, pass->slope + i * out);
    }
    return NULL;
}

tsr_status *tsr_global_average_pool_line(const tsr_line_pass *pass)
{
    size_t in = tsr_shape_positions(pass->shapes[0]);
    for (size_t i = 0; i < pass->n * tsr_shape_channels(pass->shape); i++) {
        double sums[2] = { 0 };
        for (size_t p = i * in; p < (i + 1) * in; p++) {
            sums[0] += pass->values[0][p];
            sums[1] += pass->slopes[0][p];
        }
        pass->value[i] = sums[0] / (double)in;
        pass->slope[i] = sums[1] / (double)in;
    }
    return NULL;
}
