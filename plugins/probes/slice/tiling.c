/* The cells of a window: it is cut by the lines where the first layer's units are at their breakpoints;
   within each of the cells that come of it the second layer's units are affine, and so on (Humayun et al.
   2023, Sotoudeh and Thakur 2021). What a layer's values are near the middle of a cell, two lines through it
   tell. */
#include "slice.h"

#include "../lines_at_once.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 32   /* cells that are looked at together, at most */
#define CORNERS 16 /* of a cell, to which lines are followed together, at most */

typedef struct tiling {
    tsr_network *network;
    const plane *where;
    size_t layer, most; /* which layer cuts; n_layers: none does, and the pieces are checked */
    size_t block;       /* cells that are looked at together */
    size_t corners;     /* and corners of one of them */
    size_t made;        /* cells of a layer, by all threads */
    const polygons *cells;
    float *breakpoints;
    polygons *children; /* of each block */
    tsr_status **statuses;
    polygons *pieces; /* of each block, by class; NULL where cells are cut */
    segments *boundaries;
} tiling;

/* --- lines through the middles of cells --- */

/* Lines that are to be followed, in the plane. */
typedef struct ray {
    point from, along;
} ray;

static tsr_status *follow_rays(const tiling *w, size_t n, const ray *rays, tsr_lines **out)
{
    const plane *p = w->where;
    bool fits = p->size <= SIZE_MAX / sizeof(double) / n;
    double *origins = fits ? malloc(n * p->size * sizeof(double)) : NULL;
    double *directions = fits ? malloc(n * p->size * sizeof(double)) : NULL;
    tsr_status *status =
        origins && directions ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu lines", n);
    for (size_t i = 0; !status && i < n; i++)
        for (size_t j = 0; j < p->size; j++) {
            origins[i * p->size + j] = p->origin[j] + rays[i].from.x * p->u[j] + rays[i].from.y * p->v[j];
            directions[i * p->size + j] = rays[i].along.x * p->u[j] + rays[i].along.y * p->v[j];
        }
    if (!status)
        status = w->layer < tsr_network_n_layers(w->network)
                     ? tsr_lines_new_to_layer(w->network, w->layer, n, origins, directions, out)
                     : tsr_lines_new(w->network, n, origins, directions, out);
    free(origins);
    free(directions);
    return status;
}

/* Two lines through each of n cells, at most BLOCK, along the plane's directions. */
static tsr_status *lines_through(const tiling *w, size_t first, size_t n, tsr_lines **out)
{
    ray rays[2 * BLOCK];
    for (size_t i = 0; i < n; i++) {
        point middle = slice_middle(&w->cells->all[first + i]);
        rays[2 * i] = (ray){ middle, { 1, 0 } };
        rays[2 * i + 1] = (ray){ middle, { 0, 1 } };
    }
    return follow_rays(w, 2 * n, rays, out);
}

/* --- cutting --- */

/* Cuts every polygon of the list, of which there may come more. */
static tsr_status *cut_all(polygons *list, const form *f, double tie)
{
    for (size_t i = 0, n = list->n; i < n; i++) {
        polygon *p = &list->all[i];
        size_t above, below;
        point *both = malloc(2 * (p->n + 2) * sizeof(point));
        if (!both)
            return tsr_fail(TSR_NO_MEMORY, "not enough memory for cells");
        if (slice_split(p->n, p->at, f, tie, both, &above, both + p->n + 2, &below)) {
            point *other = both + p->n + 2;
            tsr_status *status = slice_add(list, below, other, 0, -1);
            if (status) {
                free(both);
                return status;
            }
            free(list->all[i].at);
            list->all[i].at = both;
            list->all[i].n = above;
        } else
            free(both);
    }
    return NULL;
}

/* How far its corners are from the middle, at most. */
static double radius_of(const polygon *p, point middle)
{
    double radius = 0;
    for (size_t i = 0; i < p->n; i++)
        radius = fmax(radius, hypot(p->at[i].x - middle.x, p->at[i].y - middle.y));
    return radius;
}

/* Counts cells that are made; false: they are more than are wanted, and nobody will look at them. Most units
   cut no cell, and need not stop other threads for that. */
static bool count_made(tiling *w, size_t n)
{
    return n == 0 || __atomic_add_fetch(&w->made, n, __ATOMIC_RELAXED) <= w->most;
}

/* Cuts one cell by a layer's units, whose values and slopes two lines have; appends what comes of it. */
static tsr_status *cut_cell(tiling *w, const polygon *cell, const double *values, const double *by_x,
                            const double *by_y, polygons *out)
{
    tsr_layer_info layer = tsr_network_layer(w->network, w->layer);
    size_t of_channel = layer.units / layer.channels * layer.positions;
    point middle = slice_middle(cell);
    double radius = radius_of(cell, middle);
    polygons list = { 0 };
    tsr_status *status = slice_add(&list, cell->n, cell->at, 0, -1);
    bool wanted = true;
    for (size_t v = 0; !status && wanted && v < layer.units * layer.positions; v++)
        for (size_t b = 0; !status && wanted && b < layer.n_breakpoints; b++) {
            size_t before = list.n;
            double at = (double)w->breakpoints[b * layer.channels + v / of_channel];
            form f = { values[v] - at, by_x[v], by_y[v], middle };
            if (fabs(f.value) < radius * hypot(f.by_x, f.by_y))
                status = cut_all(&list, &f, SLICE_TIE * 2 * w->where->half);
            wanted = count_made(w, list.n - before);
        }
    if (!status)
        status = slice_move_all(out, &list);
    slice_clear(&list);
    return status;
}

static tsr_status *cut_block(tiling *w, size_t block, size_t first, size_t n)
{
    tsr_lines *lines;
    TSR_TRY(lines_through(w, first, n, &lines));
    tsr_layer_info layer = tsr_network_layer(w->network, w->layer);
    size_t size = layer.units * layer.positions;
    const double *values = tsr_lines_values(lines, w->layer), *slopes = tsr_lines_slopes(lines, w->layer);
    tsr_status *status = NULL;
    for (size_t i = 0; !status && i < n && __atomic_load_n(&w->made, __ATOMIC_RELAXED) <= w->most; i++)
        status = cut_cell(w, &w->cells->all[first + i], values + 2 * i * size, slopes + 2 * i * size,
                          slopes + (2 * i + 1) * size, &w->children[block]);
    tsr_lines_free(lines);
    return status;
}

/* --- pieces by class --- */

/* By how much one logit is larger than another. */
static form difference(const form *a, const form *b)
{
    return (form){ a->value - b->value, a->by_x - b->by_x, a->by_y - b->by_y, a->about };
}

/* A part of a cell, and room for what a line leaves of it on either side: each for `classes` corners more
   than the cell has, one for each line that cuts it. */
typedef struct piece {
    size_t n;
    point *at, *above, *below;
} piece;

/* Leaves of the piece where logit k is the largest, of equal ones the first. */
static void cut_piece(const form *logits, int classes, int k, double tie, piece *p)
{
    for (int other = 0; other < classes && p->n; other++) {
        form f = difference(&logits[k], &logits[other]);
        size_t above, below;
        if (other == k)
            continue;
        if (slice_split(p->n, p->at, &f, tie, p->above, &above, p->below, &below)) {
            point *left = p->above;
            p->above = p->at;
            p->at = left;
            p->n = above;
            continue;
        }
        double value = form_at(&f, slice_middle(&(polygon){ .n = p->n, .at = p->at }));
        if (value < 0 || (!(value > 0) && other < k))
            p->n = 0;
    }
}

/* Where logit k is as large as a later one. */
static tsr_status *add_boundary(const form *logits, int classes, int k, double tie, const piece *p,
                                segments *boundary)
{
    for (int other = k + 1; other < classes; other++)
        for (size_t i = 0; i < p->n; i++) {
            point a = p->at[i], b = p->at[(i + 1) % p->n];
            form f = difference(&logits[k], &logits[other]);
            double slope = hypot(f.by_x, f.by_y);
            if (slope > 0 && fabs(form_at(&f, a)) <= tie * slope && fabs(form_at(&f, b)) <= tie * slope)
                TSR_TRY(slice_add_segment(boundary, (segment){ a, b }));
        }
    return NULL;
}

static tsr_status *classify_cell(const tiling *w, size_t cell, const form *logits, int classes,
                                 polygons *pieces, segments *boundary)
{
    const polygon *whole = &w->cells->all[cell];
    double tie = SLICE_TIE * 2 * w->where->half;
    size_t corners = whole->n + (size_t)classes + 2;
    point *room = calloc(corners, 3 * sizeof(point));
    if (!room)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for cells");
    piece p = { 0, room, room + corners, room + 2 * corners };
    tsr_status *status = NULL;
    for (int k = 0; !status && k < classes; k++) {
        p.n = whole->n;
        memcpy(p.at, whole->at, whole->n * sizeof(point));
        cut_piece(logits, classes, k, tie, &p);
        status = add_boundary(logits, classes, k, tie, &p, boundary);
        if (!status && p.n)
            status = slice_add(pieces, p.n, p.at, cell, k);
    }
    free(room);
    return status;
}

/* That no piece of the network ends before the cell does: what is convex and holds the corners holds all of
 * it. */
static tsr_status *check_corners(const tiling *w, const polygon *p)
{
    point middle = slice_middle(p);
    ray rays[CORNERS];
    tsr_status *status = NULL;
    for (size_t first = 0, n; !status && first < p->n; first += n) {
        n = p->n - first < w->corners ? p->n - first : w->corners;
        for (size_t i = 0; i < n; i++) {
            point corner = p->at[first + i];
            rays[i] = (ray){ middle, { corner.x - middle.x, corner.y - middle.y } };
        }
        tsr_lines *lines;
        TSR_TRY(follow_rays(w, n, rays, &lines));
        for (size_t i = 0; !status && i < n; i++) {
            double near = 100 * SLICE_TIE * w->where->half / hypot(rays[i].along.x, rays[i].along.y);
            if (tsr_lines_next(lines)[i] < 0.999 - near)
                status = tsr_fail(
                    TSR_REFUSED, "a piece of the network ends within a cell, where no value of the code's "
                                 "layers is at a breakpoint: max pools, and activations that the code is not "
                                 "taken of, cannot be tiled");
        }
        tsr_lines_free(lines);
    }
    return status;
}

static tsr_status *classify_block(const tiling *w, size_t block, size_t first, size_t n)
{
    tsr_lines *lines;
    int classes = tsr_network_classes(w->network);
    size_t outputs = (size_t)tsr_network_outputs(w->network);
    form *logits = calloc(outputs, sizeof(*logits));
    if (!logits)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu logits", outputs);
    tsr_status *status = lines_through(w, first, n, &lines);
    if (status) {
        free(logits);
        return status;
    }
    const double *values = tsr_lines_logits(lines), *slopes = tsr_lines_logit_slopes(lines);
    for (size_t i = 0; !status && i < n; i++) {
        for (size_t k = 0; k < outputs; k++)
            logits[k] = (form){ values[2 * i * outputs + k], slopes[2 * i * outputs + k],
                                slopes[(2 * i + 1) * outputs + k], slice_middle(&w->cells->all[first + i]) };
        status = classify_cell(w, first + i, logits, classes, &w->pieces[block], &w->boundaries[block]);
    }
    tsr_lines_free(lines);
    for (size_t i = 0; !status && i < n; i++)
        status = check_corners(w, &w->cells->all[first + i]);
    free(logits);
    return status;
}

/* --- blocks of cells on all threads --- */

static void do_block(void *context, size_t block)
{
    tiling *w = context;
    size_t first = block * w->block, left = w->cells->n - first, n = left < w->block ? left : w->block;
    w->statuses[block] = w->pieces ? classify_block(w, block, first, n) : cut_block(w, block, first, n);
}

static tsr_status *do_blocks(tiling *w, size_t blocks)
{
    tsr_status *first = NULL;
    w->statuses = calloc(blocks, sizeof(tsr_status *));
    if (!w->statuses)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu cells", w->cells->n);
    tsr_parallel_for(blocks, SIZE_MAX, do_block, w);
    for (size_t b = 0; b < blocks; b++)
        if (first)
            tsr_status_free(w->statuses[b]);
        else
            first = w->statuses[b];
    free(w->statuses);
    return first;
}

static size_t count_blocks(const tiling *w)
{
    return (w->cells->n + w->block - 1) / w->block;
}

/* Two lines go through a cell. */
static void choose_blocks(tiling *w)
{
    size_t lines = lines_at_once(w->network, 2 * BLOCK);
    w->block = lines < 2 ? 1 : lines / 2;
    w->corners = lines_at_once(w->network, CORNERS);
}

static tsr_status *cut_by_layer(tiling *w, polygons *cells)
{
    size_t blocks = count_blocks(w);
    tsr_layer_info layer = tsr_network_layer(w->network, w->layer);
    polygons finer = { 0 };
    w->made = cells->n;
    w->breakpoints = calloc(layer.n_breakpoints * layer.channels + 1, sizeof(float));
    w->children = calloc(blocks, sizeof(polygons));
    tsr_status *status =
        w->breakpoints && w->children ? NULL : tsr_fail(TSR_NO_MEMORY, "not enough memory for cells");
    if (!status) {
        tsr_network_breakpoints(w->network, w->layer, w->breakpoints);
        status = do_blocks(w, blocks);
    }
    for (size_t b = 0; w->children && b < blocks; b++) {
        if (!status)
            status = slice_move_all(&finer, &w->children[b]);
        slice_clear(&w->children[b]);
    }
    free(w->breakpoints);
    free(w->children);
    slice_clear(cells);
    *cells = finer;
    return status;
}

tsr_status *slice_tile(tsr_network *network, const plane *where, size_t most, polygons *cells, bool *too_many)
{
    double h = where->half;
    const point corners[] = { { -h, -h }, { h, -h }, { h, h }, { -h, h } };
    tiling w = { .network = network, .where = where, .most = most, .cells = cells };
    *cells = (polygons){ 0 };
    *too_many = false;
    choose_blocks(&w);
    tsr_status *status = slice_add(cells, 4, corners, 0, -1);
    for (w.layer = 0; !status && !*too_many && w.layer < tsr_network_n_layers(network); w.layer++) {
        status = cut_by_layer(&w, cells);
        *too_many = w.made > most;
    }
    for (size_t i = 0; i < cells->n; i++)
        cells->all[i].cell = i;
    return status;
}

tsr_status *slice_classify(tsr_network *network, const plane *where, const polygons *cells, polygons *pieces,
                           segments *boundary)
{
    tiling w = { .network = network, .where = where, .cells = cells, .layer = tsr_network_n_layers(network) };
    choose_blocks(&w);
    size_t blocks = count_blocks(&w);
    *pieces = (polygons){ 0 };
    *boundary = (segments){ 0 };
    w.pieces = calloc(blocks, sizeof(polygons));
    w.boundaries = calloc(blocks, sizeof(segments));
    tsr_status *status = w.pieces && w.boundaries ? do_blocks(&w, blocks)
                                                  : tsr_fail(TSR_NO_MEMORY, "not enough memory for cells");
    for (size_t b = 0; w.pieces && w.boundaries && b < blocks; b++) {
        if (!status)
            status = slice_move_all(pieces, &w.pieces[b]);
        for (size_t i = 0; !status && i < w.boundaries[b].n; i++)
            status = slice_add_segment(boundary, w.boundaries[b].all[i]);
        slice_clear(&w.pieces[b]);
        free(w.boundaries[b].all);
    }
    free(w.pieces);
    free(w.boundaries);
    return status;
}
