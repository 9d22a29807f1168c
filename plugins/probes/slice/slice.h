/* What the parts of the probe slice share: a window in a plane through the input space, its cells, and pieces
   of cells in which one logit is the largest. */
#ifndef TSR_SLICE_H
#define TSR_SLICE_H

#include <tessera/line.h>
#include <tessera/op.h>
#include <tessera/probe.h>

/* Points nearer to a line than this, by the window's width, are on it. */
#define SLICE_TIE 1e-10

typedef struct point {
    double x, y;
} point;

/* Convex; its corners in order. The structure belongs to a list, the corners to it. */
typedef struct polygon {
    size_t n;
    point *at;
    size_t cell;   /* of a piece: the cell that it is of */
    int32_t class; /* of a piece: the largest logit there */
} polygon;

typedef struct polygons {
    size_t n, capacity;
    polygon *all;
} polygons;

/* A segment where two largest logits are equal. */
typedef struct segment {
    point a, b;
} segment;

typedef struct segments {
    size_t n, capacity;
    segment *all;
} segments;

/* Coordinates are distances along two directions of length 1 at right angles, from an origin. */
typedef struct plane {
    size_t size; /* values of an input */
    double *origin, *u, *v;
    double half; /* the window: -half to half both ways */
} plane;

/* Something affine in the plane. */
typedef struct form {
    double value, by_x, by_y; /* at the point that it is about */
    point about;
} form;

static inline double form_at(const form *f, point p)
{
    return f->value + f->by_x * (p.x - f->about.x) + f->by_y * (p.y - f->about.y);
}

/* Adds a copy of n corners; fails without memory. */
tsr_status *slice_add(polygons *list, size_t n, const point *at, size_t cell, int32_t class);
/* Appends the polygons of a list, which is empty afterwards; fails without memory. */
tsr_status *slice_move_all(polygons *to, polygons *from);
tsr_status *slice_add_segment(segments *list, segment s);
void slice_clear(polygons *list);

/* The corners where the form is not below 0, and those where it is not above; both have room for n + 2. False
   where the polygon lies on one side, `tie` counted as on the line: then nothing is written. */
bool slice_split(size_t n, const point *at, const form *f, double tie, point *above, size_t *n_above,
                 point *below, size_t *n_below);

double slice_area(const polygon *p);
point slice_middle(const polygon *p);

/* All cells of the window, in an order that no number of threads changes. Fails where there would be more
   than `most`, which *too_many says, and where a piece of the network ends within a cell. */
tsr_status *slice_tile(tsr_network *network, const plane *where, size_t most, polygons *cells,
                       bool *too_many);

/* The pieces of the cells by class, and the segments between them. */
tsr_status *slice_classify(tsr_network *network, const plane *where, const polygons *cells, polygons *pieces,
                           segments *boundary);

/* An example in the plane. */
typedef struct mark {
    point at;
    int32_t class; /* -1: not known */
    bool large;
} mark;

/* The picture, for the caller to free. */
tsr_status *slice_draw(const tsr_probing *probing, const plane *where, const polygons *cells,
                       const polygons *pieces, const segments *boundary, const mark *marks, size_t n_marks,
                       char **out, size_t *length);

#endif
