/* A slice of the input space, a window in a plane, cut into the linear regions that it meets, exactly: how
   many cells, how large, with how many sides, how long the boundary between classes is; and a picture of it.
 */
#include "slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARKS 500 /* examples that are drawn, at most */
#define FAR 1.5   /* half the window, by the distance of the farthest point that it is to show */

enum { AUTOMATIC, EXAMPLES, AXES, RANDOM };
static const char *const planes[] = {
    [AUTOMATIC] = "auto", [EXAMPLES] = "examples", [AXES] = "axes", [RANDOM] = "random", NULL
};

typedef struct slice {
    int plane, most;
    tsr_int_list examples, axes;
    double half;
} slice;

typedef struct picture {
    const tsr_probing *probing;
    plane where;
    mark marks[MARKS];
    size_t n_marks;
    const char *none; /* why there is no plane; NULL: there is one */
} picture;

/* --- the plane --- */

static tsr_status *read_example(const picture *p, size_t index, float *x)
{
    return tsr_probing_read(p->probing, TSR_PART_TEST, TSR_INPUT_CLEAN, 1, &index, x, NULL);
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

/* Makes u and v directions of length 1 at right angles; false where they are none. */
static bool straighten(plane *p)
{
    double before = sqrt(dot(p->size, p->v, p->v));
    for (int i = 0; i < 2; i++) {
        double *a = i ? p->v : p->u;
        for (int again = 0; i && again < 2; again++) {
            double along = dot(p->size, p->u, p->v);
            for (size_t j = 0; j < p->size; j++)
                p->v[j] -= along * p->u[j];
        }
        double length = sqrt(dot(p->size, a, a));
        if (!(length > 1e-9 * before))
            return false;
        for (size_t j = 0; j < p->size; j++)
            a[j] /= length;
    }
    return true;
}

static void add_mark(picture *p, const float *x, int32_t class, bool large)
{
    const plane *w = &p->where;
    point at = { 0, 0 };
    for (size_t j = 0; j < w->size; j++) {
        at.x += ((double)x[j] - w->origin[j]) * w->u[j];
        at.y += ((double)x[j] - w->origin[j]) * w->v[j];
    }
    if (p->n_marks < MARKS)
        p->marks[p->n_marks++] = (mark){ at, class, large };
}

static int32_t label_of(const picture *p, size_t example)
{
    return p->probing->test_labels ? p->probing->test_labels[example] : -1;
}

/* Three examples: those that are named, or the first of three classes, or the first. */
static void choose_examples(const slice *self, const picture *p, size_t *chosen)
{
    size_t all = tsr_probing_examples(p->probing, TSR_PART_TEST), n = 0;
    for (size_t i = 0; i < self->examples.n; i++)
        chosen[n++] = (size_t)self->examples.values[i];
    for (int same = 0; same < 2; same++) /* where there are not three classes, also of the same one */
        for (size_t i = 0; n < 3 && i < all; i++) {
            bool fits = true;
            for (size_t k = 0; k < n; k++)
                fits = fits && chosen[k] != i && (same || label_of(p, chosen[k]) != label_of(p, i));
            if (fits)
                chosen[n++] = i;
        }
}

/* The plane of three examples, their middle as origin. */
static tsr_status *through_examples(picture *p, const size_t *chosen, float *x)
{
    plane *w = &p->where;
    for (size_t k = 0; k < 3; k++) {
        TSR_TRY(read_example(p, chosen[k], x));
        for (size_t j = 0; j < w->size; j++) {
            w->origin[j] += (double)x[j] / 3;
            w->u[j] += k == 0 ? -(double)x[j] : k == 1 ? (double)x[j] : 0;
            w->v[j] += k == 0 ? -(double)x[j] : k == 2 ? (double)x[j] : 0;
        }
    }
    if (!straighten(w)) {
        p->none = "the three test examples lie on a line";
        return NULL;
    }
    for (size_t k = 0; k < 3; k++) {
        TSR_TRY(read_example(p, chosen[k], x));
        add_mark(p, x, label_of(p, chosen[k]), true);
    }
    return NULL;
}

/* The mean of the examples as origin, and all of them as marks where the plane is all of the space. */
static tsr_status *through_mean(const slice *self, picture *p, int kind, float *x)
{
    plane *w = &p->where;
    size_t all = tsr_probing_examples(p->probing, TSR_PART_TEST);
    for (size_t i = 0; i < all; i++) {
        TSR_TRY(read_example(p, i, x));
        for (size_t j = 0; j < w->size; j++)
            w->origin[j] += (double)x[j] / (double)all;
    }
    tsr_rng rng = p->probing->rng;
    for (size_t j = 0; kind == RANDOM && j < w->size; j++) {
        w->u[j] = tsr_rng_normal(&rng);
        w->v[j] = tsr_rng_normal(&rng);
    }
    for (size_t k = 0; kind == AXES && k < 2; k++) {
        size_t axis = self->axes.n ? (size_t)self->axes.values[k] : k;
        (k ? w->v : w->u)[axis] = 1;
    }
    if (!straighten(w))
        p->none = "the two directions lie on a line";
    for (size_t i = 0; w->size == 2 && i < all && i < MARKS; i++) {
        TSR_TRY(read_example(p, i, x));
        add_mark(p, x, label_of(p, i), false);
    }
    return NULL;
}

static int kind_of(const slice *self, size_t size)
{
    return self->plane != AUTOMATIC ? self->plane : size == 2 ? AXES : EXAMPLES;
}

static tsr_status *lay_plane(const slice *self, picture *p, float *x)
{
    int kind = kind_of(self, p->where.size);
    size_t chosen[3] = { 0 };
    if (kind == EXAMPLES) {
        choose_examples(self, p, chosen);
        TSR_TRY(through_examples(p, chosen, x));
    } else
        TSR_TRY(through_mean(self, p, kind, x));
    double far = 0;
    for (size_t i = 0; i < p->n_marks; i++)
        far = fmax(far, kind == EXAMPLES ? hypot(p->marks[i].at.x, p->marks[i].at.y)
                                         : fmax(fabs(p->marks[i].at.x), fabs(p->marks[i].at.y)) / 1.3);
    p->where.half = self->half > 0 ? self->half : far > 0 ? FAR * far : 5;
    return NULL;
}

/* --- what is measured --- */

static int compare_areas(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static tsr_status *give_areas(const tsr_probing *probing, const polygons *cells)
{
    double n = (double)cells->n, sum = 0, weighted = 0, sides = 0;
    double *areas = calloc(cells->n + 1, sizeof(*areas));
    if (!areas)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu cells", cells->n);
    for (size_t i = 0; i < cells->n; i++) {
        areas[i] = slice_area(&cells->all[i]);
        sides += (double)cells->all[i].n;
    }
    qsort(areas, cells->n, sizeof(*areas), compare_areas);
    for (size_t i = 0; i < cells->n; i++) {
        sum += areas[i];
        weighted += (double)(i + 1) * areas[i];
    }
    double median = (areas[(cells->n - 1) / 2] + areas[cells->n / 2]) / 2;
    free(areas);
    TSR_TRY(tsr_metric(probing, "cells", n));
    TSR_TRY(tsr_metric(probing, "area_mean", sum / n));
    TSR_TRY(tsr_metric(probing, "area_median", median));
    TSR_TRY(tsr_metric(probing, "area_gini", fmax(2 * weighted / (n * sum) - (n + 1) / n, 0)));
    return tsr_metric(probing, "sides", sides / n);
}

static tsr_status *give_boundary(const tsr_probing *probing, const segments *boundary)
{
    double length = 0;
    for (size_t i = 0; i < boundary->n; i++)
        length +=
            hypot(boundary->all[i].a.x - boundary->all[i].b.x, boundary->all[i].a.y - boundary->all[i].b.y);
    if (!tsr_network_classes(probing->network))
        return tsr_metric_undefined(probing, "decision_boundary", "the network's outputs are no classes");
    return tsr_metric(probing, "decision_boundary", length);
}

/* A row for each corner of a cell: the cell's number and the place. */
static tsr_status *save_corners(const tsr_probing *probing, const polygons *cells)
{
    size_t n = 0, row = 0;
    for (size_t i = 0; i < cells->n; i++)
        n += cells->all[i].n;
    double *rows = calloc(n + 1, 3 * sizeof(*rows));
    if (!rows)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for %zu corners", n);
    for (size_t i = 0; i < cells->n; i++)
        for (size_t k = 0; k < cells->all[i].n; k++, row++) {
            rows[3 * row] = (double)i;
            rows[3 * row + 1] = cells->all[i].at[k].x;
            rows[3 * row + 2] = cells->all[i].at[k].y;
        }
    tsr_status *status =
        tsr_save_array(probing, "vertices", TSR_ELEMENT_FLOAT64, 2, (size_t[]){ n, 3 }, rows);
    free(rows);
    return status;
}

/* The plane's origin and directions, so that places can be found again in the input space. */
static tsr_status *save_plane(const tsr_probing *probing, const plane *w)
{
    double *rows = w->size <= SIZE_MAX / sizeof(double) / 3 ? malloc(3 * w->size * sizeof(*rows)) : NULL;
    if (!rows)
        return tsr_fail(TSR_NO_MEMORY, "not enough memory for the plane");
    memcpy(rows, w->origin, w->size * sizeof(double));
    memcpy(rows + w->size, w->u, w->size * sizeof(double));
    memcpy(rows + 2 * w->size, w->v, w->size * sizeof(double));
    tsr_status *status =
        tsr_save_array(probing, "plane", TSR_ELEMENT_FLOAT64, 2, (size_t[]){ 3, w->size }, rows);
    free(rows);
    return status;
}

static tsr_status *save_picture(const picture *p, const polygons *cells, const polygons *pieces,
                                const segments *boundary)
{
    char *text;
    size_t length;
    TSR_TRY(slice_draw(p->probing, &p->where, cells, pieces, boundary, p->marks, p->n_marks, &text, &length));
    tsr_status *status = tsr_save_file(p->probing, "tiling.svg", length, text);
    free(text);
    return status;
}

static const char *const names[] = { "cells",     "area_mean", "area_median",
                                     "area_gini", "sides",     "decision_boundary" };

static tsr_status *give_nothing(const tsr_probing *probing, const char *reason)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        TSR_TRY(tsr_metric_undefined(probing, names[i], reason));
    return NULL;
}

static tsr_status *measure_cells(const picture *p, const polygons *cells)
{
    polygons pieces = { 0 };
    segments boundary = { 0 };
    tsr_status *status = slice_classify(p->probing->network, &p->where, cells, &pieces, &boundary);
    if (!status)
        status = give_areas(p->probing, cells);
    if (!status)
        status = give_boundary(p->probing, &boundary);
    if (!status)
        status = save_corners(p->probing, cells);
    if (!status)
        status = save_plane(p->probing, &p->where);
    if (!status)
        status = save_picture(p, cells, &pieces, &boundary);
    slice_clear(&pieces);
    free(boundary.all);
    return status;
}

static tsr_status *measure(const slice *self, const picture *p)
{
    polygons cells;
    bool too_many;
    tsr_status *status = slice_tile(p->probing->network, &p->where, (size_t)self->most, &cells, &too_many);
    if (!status)
        status = too_many ? give_nothing(p->probing, "there are more cells than most_cells")
                          : measure_cells(p, &cells);
    slice_clear(&cells);
    return status;
}

static tsr_status *run(const void *context, const tsr_probing *probing)
{
    const slice *self = context;
    size_t size = tsr_shape_size(tsr_network_input(probing->network));
    if (!tsr_probing_examples(probing, TSR_PART_TEST))
        return give_nothing(probing, "there are no test examples");
    picture *p = calloc(1, sizeof(*p));
    float *x = calloc(size, sizeof(float));
    tsr_status *status = NULL;
    if (p) {
        p->probing = probing;
        p->where = (plane){ size, calloc(size, sizeof(double)), calloc(size, sizeof(double)),
                            calloc(size, sizeof(double)), 0 };
    }
    if (!p || !x || !p->where.origin || !p->where.u || !p->where.v)
        status = tsr_fail(TSR_NO_MEMORY, "not enough memory for a plane");
    if (!status)
        status = lay_plane(self, p, x);
    if (!status)
        status = p->none ? give_nothing(probing, p->none) : measure(self, p);
    if (p) {
        free(p->where.origin);
        free(p->where.u);
        free(p->where.v);
    }
    free(p);
    free(x);
    return status;
}

static tsr_status *check_axes(const slice *self, size_t size)
{
    if (size < 2)
        return tsr_fail(TSR_REFUSED, "inputs have one value, expected at least 2 for a plane");
    for (size_t i = 0; i < self->axes.n; i++)
        if ((uint64_t)self->axes.values[i] >= size)
            return tsr_fail(TSR_REFUSED, "axis %zu is asked for, counted from 0, and an input has %zu values",
                            (size_t)self->axes.values[i], size);
    if (self->axes.n && self->axes.values[0] == self->axes.values[1])
        return tsr_fail(TSR_REFUSED, "both axes are %zu, expected different ones",
                        (size_t)self->axes.values[0]);
    return NULL;
}

static tsr_status *check_examples(const slice *self, size_t n)
{
    if (n < 3)
        return tsr_fail(TSR_REFUSED,
                        "there are %zu test examples, expected at least 3 for a plane through them", n);
    for (size_t i = 0; i < self->examples.n; i++)
        if ((uint64_t)self->examples.values[i] >= n)
            return tsr_fail(TSR_REFUSED, "test example %zu is asked for, counted from 0, and there are %zu",
                            (size_t)self->examples.values[i], n);
    return NULL;
}

static tsr_status *check(const void *context, const tsr_probe_sizes *sizes)
{
    const slice *self = context;
    size_t size = sizes->shape.n_dims ? tsr_shape_size(sizes->shape) : 2;
    if (self->examples.n && self->examples.n != 3)
        return tsr_fail(TSR_REFUSED, "examples has %zu numbers, expected 3, or none", self->examples.n);
    if (self->axes.n && self->axes.n != 2)
        return tsr_fail(TSR_REFUSED, "axes has %zu numbers, expected 2, or none", self->axes.n);
    int kind = kind_of(self, size);
    TSR_TRY(tsr_refuse_projection(sizes, "a slice is"));
    TSR_TRY(check_axes(self, size));
    if (self->examples.n && kind != EXAMPLES)
        return tsr_fail(TSR_REFUSED,
                        "'examples' has no effect with the plane %s: expected plane = \"examples\", or none",
                        planes[kind]);
    if (self->axes.n && kind != AXES)
        return tsr_fail(TSR_REFUSED,
                        "'axes' has no effect with the plane %s: expected plane = \"axes\", or none",
                        planes[kind]);
    return kind == EXAMPLES ? check_examples(self, sizes->n_test) : NULL;
}

/* clang-format off */
#define OF(name, text, ...) TSR_METRIC(name, TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, text, .maximum = INFINITY, ##__VA_ARGS__)
static const tsr_metric_info metrics[] = {
    OF("cells", "linear regions in the slice", .unit = "cells"),
    OF("area_mean", "mean area of a linear region in the slice"),
    OF("area_median", "median area of a linear region in the slice"),
    TSR_METRIC("area_gini", TSR_METRIC_OTHER, TSR_METRIC_OF_ANY, "inequality of the areas of linear regions (Gini)", .maximum = 1),
    OF("sides", "sides of a linear region in the slice"),
    OF("decision_boundary", "length of the boundary between classes in the slice"),
    TSR_METRICS_END
};
/* clang-format on */

static const tsr_probe_ops ops = {
    .check = check, .run = run, .metrics = metrics, .needs = TSR_PROBE_NETWORK, .without_labels = true
};

static const tsr_key keys[] = {
    TSR_KEY_ENUM(slice, plane, "auto", planes,
                 "examples: through three test examples; axes: along two values of an input, through the "
                 "mean; random: "
                 "two random directions there; auto: axes for inputs of two values, else examples"),
    TSR_KEY_INT_LIST(slice, examples, NULL, 0, 0, INT64_MAX,
                     "three test examples, counted from 0; none: the first of three classes"),
    TSR_KEY_INT_LIST(slice, axes, NULL, 0, 0, INT64_MAX,
                     "two values of an input, counted from 0; none: the first two"),
    TSR_KEY_REAL_AS(
        slice, half, "half_width", 0.0, 0.0, 1e9,
        "of the window, in distances of the input space; 0: so that it shows the examples, else 5"),
    TSR_KEY_INT_AS(slice, most, "most_cells", 100000, 1, 1 << 24, "with more the metrics are undefined",
                   .unit = "cells"),
    TSR_KEY_END
};

static const tsr_plugin plugin = {
    TSR_PROBE_PLUGIN(&ops),
    .name = "slice",
    .version = "1.0.0",
    .summary = "exact tiling of a slice of the input space into linear regions, and a picture of it",
    .licence = "MIT",
    TSR_INSTANCE(slice),
    .keys = keys,
};
TSR_PLUGINS(&plugin)
