/* Slices: known arrangements of lines, and the cells of deeper networks against codes at many points. */
#include "plugins/probe_support.h"
#include "plugins/probed_network.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/line.h>

#define SLICE "plugin = \"slice\"; half_width = 20.0;"

static tsr_instance *relu;

static void setup(void)
{
    relu = test_instance(TSR_ACTIVATION, "plugin = \"relu\";");
}

static void teardown(void)
{
    tsr_instance_free(relu);
}

static float *values_of(test_net *net, size_t tensor)
{
    return tsr_network_tensor(net->network, tensor)->values;
}

static tsr_node *one_hidden_layer(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    return tsr_dense(g, tsr_activate_with(g, tsr_dense(g, x, *(const int *)context), relu), classes);
}

/* Units that are 0 on n lines of different directions, at distance `far` of the origin. */
static test_net net_of_lines(int n, double far)
{
    test_net net = net_new(one_hidden_layer, &n, TSR_SHAPE(2), 2, 1);
    for (int i = 0; i < n; i++) {
        double angle = 0.1 + M_PI * i / n;
        values_of(&net, 0)[2 * i] = (float)cos(angle);
        values_of(&net, 0)[2 * i + 1] = (float)sin(angle);
        values_of(&net, 1)[i] = (float)-far;
    }
    return net;
}

/* Two examples whose mean is the origin. */
static const float across[] = { -1, 2, 1, -2 };
static const int32_t two_labels[] = { 0, 1 };

static probed_network given_plane(const test_net *net)
{
    return (
        probed_network){ net->network, 2, NULL, { { 2, across, two_labels }, { 2, across, two_labels } }, 0 };
}

static void check_cells(int lines, double far, double cells)
{
    test_net net = net_of_lines(lines, far);
    probed_network given = given_plane(&net);
    tsr_metrics *m = probe_network(SLICE, &given);
    ck_assert_double_eq(metric(m, "cells"), cells);
    ck_assert_double_eq_tol(metric(m, "area_mean") * cells / 1600, 1, 1e-9);
    tsr_metrics_free(m);
    net_free(&net);
}

START_TEST(lines_cut_the_plane_into_as_many_cells_as_known)
{
    check_cells(3, 1, 7);
    check_cells(4, 1, 11);
    check_cells(10, 1, 56);
    for (int n = 1; n <= 12; n++) {
        check_cells(n, 1, 1 + n + n * (n - 1) / 2.0);
        check_cells(n, 0, 2 * n);
    }
}
END_TEST

START_TEST(areas_sides_and_the_boundary_between_classes_are_known)
{
    test_net net = net_of_lines(1, 0);
    probed_network given = given_plane(&net);
    memcpy(values_of(&net, 0), (const float[]){ 1, 1 }, 2 * sizeof(float)); /* the diagonal */
    memcpy(values_of(&net, 2), (const float[]){ 1, 0 }, 2 * sizeof(float)); /* relu(x + y) against 3 */
    memcpy(values_of(&net, 3), (const float[]){ 0, 3 }, 2 * sizeof(float));
    tsr_metrics *m = probe_network(SLICE, &given);
    ck_assert_double_eq(metric(m, "cells"), 2);
    ck_assert_double_eq(metric(m, "sides"), 3);
    ck_assert_double_eq_tol(metric(m, "area_mean"), 800, 1e-9);
    ck_assert_double_eq_tol(metric(m, "area_median"), 800, 1e-9);
    ck_assert_double_eq_tol(metric(m, "area_gini"), 0, 1e-12);
    ck_assert_double_eq_tol(metric(m, "decision_boundary"), (40 - 3) * sqrt(2), 1e-9);
    tsr_metrics_free(m);
    memcpy(values_of(&net, 0), (const float[]){ 1, 0 }, 2 * sizeof(float)); /* x = 10: areas 1200 and 400 */
    values_of(&net, 1)[0] = -10;
    m = probe_network(SLICE, &given);
    ck_assert_double_eq_tol(metric(m, "area_gini"), 0.25, 1e-12);
    ck_assert_double_eq(metric(m, "sides"), 4);
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

/* --- deeper networks --- */

static tsr_node *deep(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    for (int i = 0; i < 3; i++)
        x = tsr_activate_with(g, tsr_batch_norm(g, tsr_dense(g, x, *(const int *)context)), relu);
    return tsr_dense(g, x, classes);
}

static tsr_node *convolutional(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *a = tsr_activate_with(g, tsr_conv2d(g, x, 2, 3, 1, 1), relu);
    tsr_node *b = tsr_add(g, tsr_conv2d(g, a, 2, 3, 1, 1), a);
    return tsr_dense(g, tsr_average_pool(g, tsr_activate_with(g, b, relu), 2, 2), classes);
}

/* Codes on the right of points of the plane that the probe saved, in double precision. */
static tsr_codes *codes_at(tsr_network *network, const char *folder, size_t n, const double *points)
{
    size_t size = tsr_shape_size(tsr_network_input(network)), saved;
    double *plane = saved_array(folder, "label_plane.npy", &saved), *x = malloc(n * size * sizeof(double));
    double *u = malloc(n * size * sizeof(double));
    ck_assert_uint_eq(saved, 3 * size);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++) {
            x[i * size + j] =
                plane[j] + points[2 * i] * plane[size + j] + points[2 * i + 1] * plane[2 * size + j];
            u[i * size + j] = plane[size + j];
        }
    tsr_lines *lines;
    tsr_codes *codes;
    ck_succeeds(tsr_lines_new(network, n, x, u, &lines));
    ck_succeeds(tsr_lines_encode(lines, &codes));
    tsr_lines_free(lines);
    free(plane);
    free(x);
    free(u);
    return codes;
}

/* Of each cell: its middle, and points near its corners. */
static size_t points_within(const double *rows, size_t n_rows, double *points, size_t *cell_of)
{
    size_t n = 0;
    for (size_t first = 0, end; first < n_rows; first = end) {
        double x = 0, y = 0;
        for (end = first; end < n_rows && rows[3 * end] == rows[3 * first]; end++) {
            x += rows[3 * end + 1];
            y += rows[3 * end + 2];
        }
        x /= (double)(end - first);
        y /= (double)(end - first);
        for (size_t i = first; i < end; i++, n++) {
            cell_of[n] = (size_t)rows[3 * i];
            points[2 * n] = x + 0.98 * (rows[3 * i + 1] - x);
            points[2 * n + 1] = y + 0.98 * (rows[3 * i + 2] - y);
        }
    }
    return n;
}

/* In every cell one code, in any two cells different ones; and no code elsewhere in the window. */
static void check_codes(build_function *build, tsr_shape shape, double half)
{
    int width = 8;
    test_net net = net_new(build, &width, shape, 3, 4);
    size_t size = tsr_shape_size(shape), n, distinct, cells;
    float *x = malloc(6 * size * sizeof(float));
    const int32_t labels[] = { 0, 1, 2, 0, 1, 2 };
    fill_random(6 * size, x, 21);
    for (size_t i = 0; i < tsr_network_n_tensors(net.network); i++) /* biases too */
        for (size_t j = 0; j < tsr_network_tensor(net.network, i)->parameter.n; j++)
            values_of(&net, i)[j] += 0.03f * (float)((i + j) % 7) - 0.09f;
    char *folder = test_folder(), *settings = tsr_format("plugin = \"slice\"; half_width = %g;", half);
    probed_network given = { net.network, 3, folder, { { 6, x, labels }, { 6, x, labels } }, 0 };
    tsr_metrics *m = probe_network(settings, &given);
    cells = (size_t)metric(m, "cells");
    ck_assert_uint_gt(cells, 50);
    ck_assert_double_eq_tol(metric(m, "area_mean") * (double)cells / (4 * half * half), 1, 1e-9);
    double *rows = saved_array(folder, "label_vertices.npy", &n);
    double *points = malloc(n * sizeof(double));
    size_t *cell_of = malloc(n * sizeof(size_t));
    uint32_t *group = malloc((n + 10000) * sizeof(uint32_t));
    n = points_within(rows, n / 3, points, cell_of);
    tsr_codes *codes = codes_at(net.network, folder, n, points);
    ck_succeeds(tsr_distinct(codes, &distinct, group));
    ck_assert_uint_eq(distinct, cells);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(group[i], cell_of[i]);
    double *grid = malloc(2 * 10000 * sizeof(double));
    for (size_t i = 0; i < 10000; i++) {
        grid[2 * i] = half * ((double)(i % 100) / 50 - 0.99);
        grid[2 * i + 1] = half * ((double)(i / 100) / 50 - 0.99);
    }
    tsr_codes *all = codes_at(net.network, folder, 10000, grid);
    ck_succeeds(tsr_distinct_of_both(codes, all, &distinct, group));
    ck_assert_uint_eq(distinct, cells);
    tsr_codes_free(codes);
    tsr_codes_free(all);
    free(rows);
    free(points);
    free(grid);
    free(cell_of);
    free(group);
    free(x);
    free(settings);
    tsr_metrics_free(m);
    test_folder_remove(folder);
    net_free(&net);
}

START_TEST(a_cell_has_one_code_and_no_two_have_the_same)
{
    check_codes(deep, TSR_SHAPE(2), 3);
    check_codes(deep, TSR_SHAPE(20), 4);
    check_codes(convolutional, TSR_SHAPE(1, 4, 4), 3);
}
END_TEST

START_TEST(threads_change_nothing_and_the_picture_shows_all_cells)
{
    int width = 8;
    test_net net = net_new(deep, &width, TSR_SHAPE(2), 2, 4);
    char *folder = test_folder(), *path = tsr_path_join(folder, "label_tiling.svg"), *text[2];
    probed_network given = given_plane(&net);
    size_t length[2], polygons = 0;
    tsr_metrics *m[2];
    given.folder = folder;
    for (int i = 0; i < 2; i++) {
        tsr_set_threads(i + 1);
        m[i] = probe_network(SLICE, &given);
        ck_succeeds(tsr_read_file(path, 10000000, &text[i], &length[i]));
    }
    tsr_set_threads(1);
    ck_same_metrics(m[0], m[1]);
    ck_assert_str_eq(text[0], text[1]);
    const char *outlines = strstr(text[0], "stroke=\"#fff\"");
    ck_assert_ptr_nonnull(outlines);
    for (const char *end = strchr(outlines, '>'); outlines < end; outlines++)
        polygons += *outlines == 'z';
    ck_assert_double_eq((double)polygons, metric(m[0], "cells"));
    ck_assert_ptr_nonnull(strstr(text[0], "</svg>"));
    for (int i = 0; i < 2; i++) {
        tsr_metrics_free(m[i]);
        free(text[i]);
    }
    free(path);
    test_folder_remove(folder);
    net_free(&net);
}
END_TEST

/* --- what is refused, and what is undefined --- */

static tsr_node *pooled(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_activate_with(g, tsr_conv2d(g, x, 2, 3, 1, 1), relu);
    return tsr_dense(g, tsr_max_pool(g, x, 2, 2), classes);
}

static tsr_node *smooth(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    return one_hidden_layer(context, g, tsr_tanh(g, x), classes);
}

static void check_refused(build_function *build, tsr_shape shape, const char *settings, const float *x,
                          const char *message)
{
    int width = 3;
    test_net net = net_new(build, &width, shape, 2, 4);
    const int32_t labels[] = { 0, 1, 0 };
    probed_network given = { net.network, 2, NULL, { { 3, x, labels }, { 3, x, labels } }, 0 };
    tsr_metrics *m;
    ck_fails(probe_network_try(settings, &given, &m), TSR_REFUSED, message);
    net_free(&net);
}

START_TEST(what_cannot_be_tiled_is_refused)
{
    float x[48];
    fill_random(48, x, 3);
    check_refused(smooth, TSR_SHAPE(3), SLICE, x,
                  "has no exact course along a line: operator tanh is smooth");
    check_refused(pooled, TSR_SHAPE(1, 4, 4), SLICE, x, "a piece of the network ends within a cell");
}
END_TEST

/* max(100, x + y + 70) is a unit's value: only near the corner of the window at (20, 20) the second is
 * larger. */
static tsr_node *pooled_at_a_corner(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_reshape(g, tsr_dense(g, x, 2), TSR_SHAPE(1, 1, 2));
    x = tsr_max_pool_with(g, x, &(tsr_pool_options){ 1, 2, 1, 2, 0, 0, false });
    return tsr_dense(g, tsr_activate_with(g, tsr_flatten(g, x), relu), classes);
}

START_TEST(a_piece_that_ends_near_a_corner_only_is_refused)
{
    test_net net = net_new(pooled_at_a_corner, NULL, TSR_SHAPE(2), 2, 4);
    probed_network given = given_plane(&net);
    tsr_metrics *m;
    memcpy(values_of(&net, 0), (const float[]){ 0, 0, 1, 1 }, 4 * sizeof(float));
    memcpy(values_of(&net, 1), (const float[]){ 100, 50 }, 2 * sizeof(float));
    m = probe_network(SLICE, &given); /* at most 90 */
    ck_assert_double_eq(metric(m, "cells"), 1);
    tsr_metrics_free(m);
    values_of(&net, 1)[1] = 70;
    ck_fails(probe_network_try(SLICE, &given, &m), TSR_REFUSED, "a piece of the network ends within a cell");
    net_free(&net);
}
END_TEST

static void check_sizes(const char *settings, tsr_shape shape, size_t n_test, const char *message)
{
    char *text = tsr_format("plugin = \"slice\"; %s", settings);
    tsr_instance *instance = test_instance(TSR_PROBE, text);
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_probe_sizes sizes = { .n_train = 9, .n_test = n_test, .classes = 2, .shape = shape };
    ck_fails(ops->check(tsr_instance_self(instance), &sizes), TSR_REFUSED, message);
    tsr_instance_free(instance);
    free(text);
}

START_TEST(planes_that_are_none_are_refused_before_training)
{
    check_sizes("", TSR_SHAPE(1), 9, "inputs have one value, expected at least 2");
    check_sizes("", TSR_SHAPE(3), 2, "there are 2 test examples, expected at least 3");
    check_sizes("examples = [ 1, 2 ];", TSR_SHAPE(3), 9, "examples has 2 numbers, expected 3");
    check_sizes("examples = [ 0, 1, 9 ];", TSR_SHAPE(3), 9, "test example 9 is asked for");
    check_sizes("axes = [ 1 ];", TSR_SHAPE(3), 9, "axes has 1 numbers, expected 2");
    check_sizes("axes = [ 0, 3 ];", TSR_SHAPE(3), 9, "axis 3 is asked for");
    check_sizes("axes = [ 1, 1 ];", TSR_SHAPE(3), 9, "both axes are 1");
    check_sizes("axes = [ 0, 1 ];", TSR_SHAPE(3), 9, "'axes' has no effect with the plane examples");
    check_sizes("plane = \"random\"; axes = [ 0, 1 ];", TSR_SHAPE(2), 9,
                "'axes' has no effect with the plane random");
    check_sizes("examples = [ 0, 1, 2 ];", TSR_SHAPE(2), 9, "'examples' has no effect with the plane axes");
    check_sizes("plane = \"random\"; examples = [ 0, 1, 2 ];", TSR_SHAPE(3), 9, "'examples' has no effect");
}
END_TEST

START_TEST(a_projection_is_refused)
{
    static const char *const probes[] = { "plugin = \"slice\";", "plugin = \"regions\";" };
    for (int i = 0; i < 2; i++) {
        tsr_instance *instance = test_instance(TSR_PROBE, probes[i]);
        const tsr_probe_ops *ops = tsr_instance_ops(instance);
        tsr_probe_sizes sizes = { .n_train = 9, .n_test = 9, .classes = 2, .shape = TSR_SHAPE(3) };
        ck_succeeds(ops->check(tsr_instance_self(instance), &sizes));
        sizes.projection = SIZE_MAX;
        ck_fails(ops->check(tsr_instance_self(instance), &sizes), TSR_REFUSED,
                 "of whole layers: expected projection = 0 and unit_share = 1");
        tsr_instance_free(instance);
    }
}
END_TEST

START_TEST(more_cells_than_wanted_and_no_plane_are_undefined)
{
    test_net net = net_of_lines(10, 1);
    probed_network given = given_plane(&net);
    tsr_metrics *m = probe_network(SLICE "most_cells = 55;", &given);
    ck_assert_str_eq(reason_of(m, "cells"), "there are more cells than most_cells");
    ck_assert_str_eq(reason_of(m, "decision_boundary"), "there are more cells than most_cells");
    tsr_metrics_free(m);
    static const float line[] = { 0, 0, 1, 1, 2, 2 };
    static const int32_t labels[] = { 0, 1, 1 };
    given.parts[1] = (probed_part){ 3, line, labels };
    m = probe_network(SLICE "plane = \"examples\";", &given);
    ck_assert_str_eq(reason_of(m, "sides"), "the three test examples lie on a line");
    tsr_metrics_free(m);
    given.parts[1].n = 0;
    m = probe_network(SLICE, &given);
    ck_assert_str_eq(reason_of(m, "cells"), "there are no test examples");
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slice");
    TCase *tests = tcase_create("slice");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, lines_cut_the_plane_into_as_many_cells_as_known);
    tcase_add_test(tests, areas_sides_and_the_boundary_between_classes_are_known);
    tcase_add_test(tests, a_cell_has_one_code_and_no_two_have_the_same);
    tcase_add_test(tests, threads_change_nothing_and_the_picture_shows_all_cells);
    tcase_add_test(tests, what_cannot_be_tiled_is_refused);
    tcase_add_test(tests, a_piece_that_ends_near_a_corner_only_is_refused);
    tcase_add_test(tests, a_projection_is_refused);
    tcase_add_test(tests, planes_that_are_none_are_refused_before_training);
    tcase_add_test(tests, more_cells_than_wanted_and_no_plane_are_undefined);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
