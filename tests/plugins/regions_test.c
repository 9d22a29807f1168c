/* Linear regions: known networks, and random ones against bisection and dense sampling of their codes. */
#include "plugins/probed_network.h"
#include "plugins/probe_support.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REGIONS "plugin = \"regions\"; sampled = 0; segments = 0; directions = 0;"

static tsr_instance *relu;

static void setup(void)
{
    relu = test_instance(TSR_ACTIVATION, "plugin = \"relu\";");
}

static void teardown(void)
{
    tsr_instance_free(relu);
}

static void set(test_net *net, size_t tensor, const float *values)
{
    const tsr_network_parameter *p = tsr_network_tensor(net->network, tensor);
    memcpy(p->values, values, p->parameter.n * sizeof(float));
}

static tsr_node *one_hidden_layer(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    return tsr_dense(g, tsr_activate_with(g, tsr_dense(g, x, *(const int *)context), relu), classes);
}

static test_net identity(void)
{
    int width = 2;
    test_net net = net_new(one_hidden_layer, &width, TSR_SHAPE(2), 2, 1);
    set(&net, 0, (const float[]){ 1, 0, 0, 1 });
    set(&net, 1, (const float[]){ 0, 0 });
    return net;
}

/* --- what is known --- */

START_TEST(the_region_of_the_identity_is_6_long_and_5_95_by_steps)
{
    test_net net = identity();
    const float x[] = { 1, 2, 2, 2 };
    const int32_t labels[] = { 0, 0 };
    probed_network given = { net.network, 1, NULL, { { 2, x, labels }, { 2, x, labels } }, 0 };
    tsr_metrics *m =
        probe_network("plugin = \"regions\"; examples = 1; segments = 0; directions = 0;", &given);
    ck_assert_double_eq(metric(m, "centre.train"), 6.0);
    ck_assert_double_eq_tol(metric(m, "centre_sampled.train"), 5.95, 1e-12);
    ck_assert_double_eq(metric(m, "boundary.train"), 1.0);
    tsr_metrics_free(m);
    m = probe_network(REGIONS "reach = 0.5;", &given);
    ck_assert_double_eq(metric(m, "pair_same.test"), 1.0);
    ck_assert_str_eq(reason_of(m, "pair_other.test"), "all examples are of one class, or equal");
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

START_TEST(boundaries_are_as_far_as_planes)
{
    test_net net = identity();
    set(&net, 0, (const float[]){ 3, 4, 0, 0.5f });
    set(&net, 1, (const float[]){ -1, 2 });
    const float x[] = { 1, 2, 7, -4.5f }; /* 10 / 5 from the first plane, 6 from the other; 2 / 5 and 0.5 */
    probed_network given = { net.network, 0, NULL, { { 2, x, NULL }, { 1, x, NULL } }, 0 };
    tsr_metrics *m = probe_network(REGIONS, &given);
    ck_assert_double_eq_tol(metric(m, "boundary.train"), (2 + 0.4) / 2, 1e-12);
    ck_assert_double_eq_tol(metric(m, "boundary.test"), 2, 1e-12);
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

/* A unit of max(x, -9), which bends left of every input near 0 alone. */
static tsr_node *bent_to_the_left(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_reshape(g, tsr_dense(g, x, 2), TSR_SHAPE(1, 1, 2));
    x = tsr_max_pool_with(g, x, &(tsr_pool_options){ 1, 2, 1, 2, 0, 0, false });
    return tsr_dense(g, tsr_activate_with(g, tsr_dense(g, x, 1), relu), classes);
}

START_TEST(a_first_layer_that_bends_to_either_side_has_no_distances)
{
    test_net net = net_new(bent_to_the_left, NULL, TSR_SHAPE(1), 2, 1);
    const float x[] = { 1, 2 };
    probed_network given = { net.network, 0, NULL, { { 2, x, NULL }, { 2, x, NULL } }, 0 };
    for (int side = 1; side >= -1; side -= 2) { /* max(x, -9), and max(-x, -9), which bends to the right */
        set(&net, 0, (const float[]){ (float)side, 0 });
        set(&net, 1, (const float[]){ 0, -9 });
        tsr_metrics *m = probe_network(REGIONS, &given);
        ck_assert_str_eq(reason_of(m, "boundary.train"),
                         "the values of the first layer are not affine in the input");
        tsr_metrics_free(m);
    }
    net_free(&net);
}
END_TEST

static tsr_node *tents(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    for (int i = 0; i < *(const int *)context; i++)
        x = tsr_dense(g, tsr_activate_with(g, tsr_dense(g, x, 2), relu), 1);
    return tsr_dense(g, x, classes);
}

START_TEST(a_tent_map_of_depth_n_has_2_to_the_n_less_1_transitions)
{
    const float x[] = { 0, 1 };
    const int32_t labels[] = { 0, 0 };
    for (int depth = 1; depth <= 10; depth++) {
        test_net net = net_new(tents, &depth, TSR_SHAPE(1), 2, 1);
        for (size_t i = 0; i < (size_t)depth; i++) {
            set(&net, 4 * i, (const float[]){ 2, 4 });
            set(&net, 4 * i + 1, (const float[]){ 0, -2 });
            set(&net, 4 * i + 2, (const float[]){ 1, -1 });
            set(&net, 4 * i + 3, (const float[]){ 0 });
        }
        probed_network given = { net.network, 2, NULL, { { 2, x, labels }, { 2, x, labels } }, 0 };
        tsr_metrics *m =
            probe_network("plugin = \"regions\"; sampled = 0; segments = 3; directions = 0;", &given);
        ck_assert_double_eq(metric(m, "transitions_within.train"), ldexp(1, depth) - 1);
        ck_assert_double_eq(metric(m, "transitions_per_length_within.train"), ldexp(1, depth) - 1);
        ck_assert_double_ge(metric(m, "flips_within.train"), ldexp(1, depth) - 1);
        ck_assert_str_eq(reason_of(m, "transitions_across.train"), "there are no such segments");
        tsr_metrics_free(m);
        net_free(&net);
    }
}
END_TEST

START_TEST(a_long_segment_crosses_each_unit_of_one_layer_once)
{
    int width = 50;
    test_net net = net_new(one_hidden_layer, &width, TSR_SHAPE(1), 2, 7);
    float *weights = tsr_network_tensor(net.network, 0)->values;
    fill_random(50, tsr_network_tensor(net.network, 1)->values, 3);
    for (size_t i = 0; i < 50; i++) {
        weights[i] = i % 10 ? weights[i] : 0; /* five that no line crosses */
        weights[i] += weights[i] < 0 ? -0.1f : weights[i] > 0 ? 0.1f : 0;
    }
    const float x[] = { -500, 500 };
    const int32_t labels[] = { 0, 1 };
    probed_network given = { net.network, 2, NULL, { { 2, x, labels }, { 2, x, labels } }, 0 };
    tsr_metrics *m =
        probe_network("plugin = \"regions\"; sampled = 0; segments = 2; directions = 0;", &given);
    ck_assert_double_eq(metric(m, "transitions_across.test"), 45);
    ck_assert_double_eq(metric(m, "flips_across.test"), 45);
    ck_assert_double_eq_tol(metric(m, "transitions_per_length_across.test"), 0.045, 1e-12);
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

START_TEST(local_complexity_is_1_where_planes_cross_and_0_far_from_them)
{
    test_net net = identity();
    const float zero[] = { 0, 0 }, far[] = { 2, 3, 1.5f, -4 };
    probed_network given = { net.network, 0, NULL, { { 1, zero, NULL }, { 2, far, NULL } }, 0 };
    tsr_metrics *m = probe_network("plugin = \"regions\"; sampled = 0; segments = 0;", &given);
    ck_assert_double_eq(metric(m, "local_complexity.train"), 1.0);
    ck_assert_double_eq(metric(m, "layer0.local_complexity.train"), 1.0);
    ck_assert_double_eq(metric(m, "local_complexity_units.train"), 2.0);
    ck_assert_double_eq(metric(m, "local_complexity.test"), 0);
    tsr_metrics_free(m);
    m = probe_network("plugin = \"regions\"; sampled = 0; segments = 0; radius = 10.0; examples = 1;",
                      &given);
    ck_assert_double_gt(metric(m, "local_complexity.test"), 0);
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

/* --- against bisection and sampling --- */

typedef struct building {
    tsr_shape shape;
    tsr_node *(*build)(tsr_graph *g, tsr_node *x);
} building;

static tsr_node *layers(tsr_graph *g, tsr_node *x)
{
    for (int i = 0; i < 3; i++)
        x = tsr_activate_with(g, tsr_batch_norm(g, tsr_dense(g, x, 12)), relu);
    return x;
}

static tsr_node *convolutions(tsr_graph *g, tsr_node *x)
{
    x = tsr_activate_with(g, tsr_batch_norm(g, tsr_conv2d(g, x, 4, 3, 1, 1)), relu);
    x = tsr_tap(g, tsr_max_pool_winners(g, x, &(tsr_pool_options){ 2, 2, 2, 2, 0, 0, false }), "winners", 1,
                (const float[]){ 0.5f });
    return x;
}

static tsr_node *vgg(tsr_graph *g, tsr_node *x)
{
    const tsr_pool_options o = { 2, 2, 2, 2, 0, 0, false };
    x = tsr_activate_with(g, tsr_batch_norm(g, tsr_conv2d(g, x, 3, 3, 1, 1)), relu);
    tsr_tap(g, tsr_max_pool_winners(g, x, &o), "winners", 1, (const float[]){ 0.5f });
    x = tsr_max_pool_with(g, x, &o);
    return tsr_activate_with(g, tsr_dense(g, tsr_flatten(g, x), 8), relu);
}

static tsr_node *residual(tsr_graph *g, tsr_node *x)
{
    tsr_node *a = tsr_activate_with(g, tsr_conv2d(g, x, 3, 3, 1, 1), relu);
    tsr_node *b = tsr_add(g, tsr_batch_norm(g, tsr_conv2d(g, a, 3, 3, 1, 1)), a);
    tsr_node *c = tsr_concat(g, 0, 2, (tsr_node *[]){ tsr_activate_with(g, b, relu), a });
    return tsr_activate_with(g, tsr_conv2d(g, tsr_average_pool(g, c, 2, 2), 4, 1, 1, 0), relu);
}

static tsr_node *build_one(void *context, tsr_graph *g, tsr_node *x, int classes)
{
    return tsr_dense(g, ((const building *)context)->build(g, x), classes);
}

static bool same_code(tsr_network *network, const float *x, const double *u, double t)
{
    size_t size = tsr_shape_size(tsr_network_input(network));
    float *both = malloc(2 * size * sizeof(float));
    tsr_codes *codes;
    memcpy(both, x, size * sizeof(float));
    for (size_t j = 0; j < size; j++)
        both[size + j] = (float)((double)x[j] + t * u[j]);
    ck_succeeds(tsr_network_encode(network, 2, both, &codes));
    bool same = naive_distance(codes, 0, codes, 1) == 0;
    tsr_codes_free(codes);
    free(both);
    return same;
}

/* The points of one code are a convex set: it ends between one that is in it and one that is not. */
static double bisect(tsr_network *network, const float *x, const double *u, double side)
{
    double in = 0, out = 5;
    if (same_code(network, x, u, side * out))
        return out;
    for (int i = 0; i < 40; i++) {
        double middle = (in + out) / 2;
        if (same_code(network, x, u, side * middle))
            in = middle;
        else
            out = middle;
    }
    return in;
}

#define N 20

/* A histogram of lengths, every fourth number: a quarter of a decade to a bin, up to 10, twice the reach. */
static void check_histogram(const char *folder, const char *name, size_t n_examples, const double *lengths)
{
    size_t cells, all = 0;
    double *bins = saved_array(folder, name, &cells);
    ck_assert(cells == 3 * 25 && bins[0] == 0 && bins[3 * 24 + 1] == 10);
    for (size_t b = 0; b < 25; b++) {
        const double *bin = bins + 3 * b;
        size_t count = 0;
        ck_assert_double_eq_tol(bin[1], pow(10, (double)b / 4 - 5), 1e-9);
        for (size_t i = 0; i < n_examples; i++)
            count += lengths[4 * i] >= bin[0] && (lengths[4 * i] < bin[1] || b == 24);
        ck_assert(bin[2] == (double)count && (b == 0 || bin[0] == bin[-2]));
        all += count;
    }
    ck_assert_uint_eq(all, n_examples);
    free(bins);
}

static void check_lengths(const building *b)
{
    test_net net = net_new(build_one, (void *)(uintptr_t)b, b->shape, 3, 5);
    size_t size = tsr_shape_size(b->shape), n;
    float *x = malloc(N * size * sizeof(float));
    double *u = malloc(size * sizeof(double));
    int32_t labels[N];
    fill_random(N * size, x, 11);
    for (size_t i = 0; i < N; i++)
        labels[i] = (int32_t)(i / 2); /* so that the other example of a pair is known */
    char *folder = test_folder();
    probed_network given = { net.network, N / 2, folder, { { N, x, labels }, { N, x, labels } }, 0 };
    tsr_metrics_free(probe_network(REGIONS, &given));
    double *lengths = saved_array(folder, "label_lengths_train.npy", &n);
    ck_assert_uint_eq(n, 4 * N);
    for (size_t i = 0; i < N; i++) {
        double squares = 0;
        for (size_t j = 0; j < size; j++) {
            u[j] = (double)x[(i ^ 1) * size + j] - (double)x[i * size + j];
            squares += u[j] * u[j];
        }
        for (size_t j = 0; j < size; j++)
            u[j] /= sqrt(squares);
        double found = bisect(net.network, x + i * size, u, 1) + bisect(net.network, x + i * size, u, -1);
        ck_assert_double_eq_tol(lengths[4 * i + 2], found, 2e-5);
    }
    check_histogram(folder, "label_centre_lengths.train.npy", N, lengths);
    check_histogram(folder, "label_pair_other_lengths.train.npy", N, lengths + 3);
    free(lengths);
    free(x);
    free(u);
    test_folder_remove(folder);
    net_free(&net);
}

static const building buildings[] = { { { 1, { 15 } }, layers },
                                      { { 3, { 2, 4, 4 } }, convolutions },
                                      { { 3, { 2, 6, 6 } }, vgg },
                                      { { 3, { 2, 6, 6 } }, residual } };

START_TEST(lengths_are_those_that_bisection_of_codes_finds_and_histograms_count_them)
{
    check_lengths(&buildings[_i]);
}
END_TEST

/* Changes of the code from one of many points of a segment to the next. */
static size_t count_changes(tsr_network *network, const float *x, size_t steps)
{
    size_t size = tsr_shape_size(tsr_network_input(network)), changes = 0;
    float *points = malloc((steps + 1) * size * sizeof(float));
    tsr_codes *codes;
    for (size_t k = 0; k <= steps; k++)
        for (size_t j = 0; j < size; j++)
            points[k * size + j] =
                (float)((double)x[j] + (double)k / (double)steps * ((double)x[size + j] - (double)x[j]));
    ck_succeeds(tsr_network_encode(network, steps + 1, points, &codes));
    for (size_t k = 0; k < steps; k++)
        changes += naive_distance(codes, k, codes, k + 1) > 0;
    tsr_codes_free(codes);
    free(points);
    return changes;
}

START_TEST(transitions_are_those_that_dense_sampling_approaches_from_below)
{
    const building *b = &buildings[_i];
    test_net net = net_new(build_one, (void *)(uintptr_t)b, b->shape, 3, 6);
    size_t size = tsr_shape_size(b->shape);
    float *x = malloc(2 * size * sizeof(float));
    const int32_t labels[] = { 0, 0 };
    fill_random(2 * size, x, 12);
    probed_network given = { net.network, 1, NULL, { { 2, x, labels }, { 2, x, labels } }, 0 };
    tsr_metrics *m =
        probe_network("plugin = \"regions\"; sampled = 0; segments = 1; directions = 0;", &given);
    double exact = metric(m, "transitions_within.test"), coarse = (double)count_changes(net.network, x, 50);
    double fine = (double)count_changes(net.network, x, 10000);
    ck_assert_double_gt(exact, 5);
    ck_assert_double_le(coarse, fine);
    ck_assert_double_le(fine, exact);
    ck_assert_double_ge(fine, exact - 1);
    tsr_metrics_free(m);
    free(x);
    net_free(&net);
}
END_TEST

/* --- what is the same, and what is not there --- */

START_TEST(threads_change_nothing)
{
    const building *b = &buildings[3];
    test_net net = net_new(build_one, (void *)(uintptr_t)b, b->shape, 3, 6);
    float *x = malloc(100 * 72 * sizeof(float));
    int32_t labels[100];
    fill_random(100 * 72, x, 13);
    for (size_t i = 0; i < 100; i++)
        labels[i] = (int32_t)(i * i % 3);
    probed_network given = { net.network, 3, NULL, { { 100, x, labels }, { 33, x, labels } }, 0 };
    static const char settings[] = "plugin = \"regions\"; random = 30; sampled = 5; segments = 20;";
    tsr_set_threads(1);
    tsr_metrics *one = probe_network(settings, &given);
    tsr_set_threads(2);
    tsr_metrics *two = probe_network(settings, &given);
    tsr_set_threads(1);
    ck_same_metrics(one, two);
    ck_assert_double_gt(metric(one, "transitions.random"), 0);
    tsr_metrics_free(one);
    tsr_metrics_free(two);
    free(x);
    net_free(&net);
}
END_TEST

static tsr_node *smooth(tsr_graph *g, tsr_node *x)
{
    return tsr_activate_with(g, tsr_tanh(g, tsr_dense(g, x, 4)), relu);
}

static tsr_node *pooled(tsr_graph *g, tsr_node *x)
{
    return tsr_activate_with(g, tsr_max_pool(g, x, 2, 2), relu);
}

START_TEST(what_bends_is_refused_by_name_and_what_is_undefined_says_why)
{
    const building bent = { { 1, { 3 } }, smooth }, uneven = { { 3, { 1, 2, 4 } }, pooled };
    const float x[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const int32_t label = 0;
    tsr_metrics *m;
    test_net net = net_new(build_one, (void *)(uintptr_t)&bent, bent.shape, 3, 6);
    probed_network given = { net.network, 1, NULL, { { 1, x, &label }, { 1, x, &label } }, 0 };
    ck_fails(probe_network_try(REGIONS, &given, &m), TSR_REFUSED, "'tanh0' has no exact course along a line");
    net_free(&net);
    net = net_new(build_one, (void *)(uintptr_t)&uneven, uneven.shape, 3, 6);
    given.network = net.network;
    m = probe_network(REGIONS, &given);
    ck_assert_str_eq(reason_of(m, "boundary.train"),
                     "the values of the first layer are not affine in the input");
    ck_assert_str_eq(reason_of(m, "centre.train"), "every example is the mean");
    ck_assert_str_eq(reason_of(m, "pair_same.test"), "no two examples are of one class");
    tsr_metrics_free(m);
    given.parts[1].n = 0;
    m = probe_network("plugin = \"regions\";", &given);
    for (size_t i = 0; i < tsr_metrics_count(m); i++)
        if (strstr(tsr_metrics_get(m, i).name, ".test"))
            ck_assert_str_eq(reason_of(m, tsr_metrics_get(m, i).name), "there are no examples");
    tsr_metrics_free(m);
    net_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("regions");
    TCase *tests = tcase_create("regions");
    const int n = sizeof(buildings) / sizeof(*buildings);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_region_of_the_identity_is_6_long_and_5_95_by_steps);
    tcase_add_test(tests, boundaries_are_as_far_as_planes);
    tcase_add_test(tests, a_first_layer_that_bends_to_either_side_has_no_distances);
    tcase_add_test(tests, a_tent_map_of_depth_n_has_2_to_the_n_less_1_transitions);
    tcase_add_test(tests, a_long_segment_crosses_each_unit_of_one_layer_once);
    tcase_add_test(tests, local_complexity_is_1_where_planes_cross_and_0_far_from_them);
    tcase_add_loop_test(tests, lengths_are_those_that_bisection_of_codes_finds_and_histograms_count_them, 0,
                        n);
    tcase_add_loop_test(tests, transitions_are_those_that_dense_sampling_approaches_from_below, 0, n);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, what_bends_is_refused_by_name_and_what_is_undefined_says_why);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
