/* Convex polygons, and cutting them by lines. */
#include "slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool grow(void **all, size_t *capacity, size_t n, size_t size)
{
    if (n < *capacity)
        return true;
    size_t more = *capacity ? 2 * *capacity : 64;
    void *grown = more <= SIZE_MAX / size ? realloc(*all, more * size) : NULL;
    if (!grown)
        return false;
    *all = grown;
    *capacity = more;
    return true;
}

tsr_status *slice_add(polygons *list, size_t n, const point *at, size_t cell, int32_t class)
{
    point *copy = malloc((n + 1) * sizeof(point));
    if (!copy || !grow((void **)&list->all, &list->capacity, list->n, sizeof(*list->all))) {
        free(copy);
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu cells", list->n);
    }
    memcpy(copy, at, n * sizeof(point));
    list->all[list->n++] = (polygon){ n, copy, cell, class };
    return NULL;
}

tsr_status *slice_move_all(polygons *to, polygons *from)
{
    tsr_status *status = NULL;
    for (size_t i = 0; !status && i < from->n; i++)
        if (grow((void **)&to->all, &to->capacity, to->n, sizeof(*to->all))) {
            to->all[to->n++] = from->all[i];
            from->all[i].at = NULL;
        } else
            status = tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu cells", to->n);
    slice_clear(from);
    return status;
}

tsr_status *slice_add_segment(segments *list, segment s)
{
    if (!grow((void **)&list->all, &list->capacity, list->n, sizeof(*list->all)))
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu segments", list->n);
    list->all[list->n++] = s;
    return NULL;
}

void slice_clear(polygons *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->all[i].at);
    free(list->all);
    *list = (polygons){ 0 };
}

/* -1 below the line, 0 on it, 1 above. */
static int side_of(const form *f, point p, double slope, double tie)
{
    double distance = form_at(f, p) / slope;
    return distance > tie ? 1 : distance < -tie ? -1 : 0;
}

static point crossing(const form *f, point a, point b)
{
    double va = form_at(f, a), vb = form_at(f, b), t = va / (va - vb);
    return (point){ a.x + t * (b.x - a.x), a.y + t * (b.y - a.y) };
}

bool slice_split(size_t n, const point *at, const form *f, double tie, point *above, size_t *n_above,
                 point *below, size_t *n_below)
{
    double slope = hypot(f->by_x, f->by_y);
    bool some_above = false, some_below = false;
    for (size_t i = 0; slope > 0 && i < n; i++) {
        int side = side_of(f, at[i], slope, tie);
        some_above |= side > 0;
        some_below |= side < 0;
    }
    if (!some_above || !some_below)
        return false;
    *n_above = *n_below = 0;
    for (size_t i = 0; i < n; i++) {
        point next = at[(i + 1) % n];
        int side = side_of(f, at[i], slope, tie), then = side_of(f, next, slope, tie);
        if (side >= 0)
            above[(*n_above)++] = at[i];
        if (side <= 0)
            below[(*n_below)++] = at[i];
        if (side * then < 0)
            above[(*n_above)++] = below[(*n_below)++] = crossing(f, at[i], next);
    }
    return true;
}

double slice_area(const polygon *p)
{
    double twice = 0;
    for (size_t i = 1; i + 1 < p->n; i++) {
        double ax = p->at[i].x - p->at[0].x, ay = p->at[i].y - p->at[0].y;
        double bx = p->at[i + 1].x - p->at[0].x, by = p->at[i + 1].y - p->at[0].y;
        twice += ax * by - ay * bx;
    }
    return fabs(twice) / 2;
}

point slice_middle(const polygon *p)
{
    point sum = { 0, 0 };
    for (size_t i = 0; i < p->n; i++) {
        sum.x += p->at[i].x / (double)p->n;
        sum.y += p->at[i].y / (double)p->n;
    }
    return sum;
}
