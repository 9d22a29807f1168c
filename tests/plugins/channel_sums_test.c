/* Sums of channels as codes of real values: the sums, nearest points and k-means against plain ways, and
 * runs. */
#include "../../plugins/probes/channel_sums/sums.h"
#include "cli/command.h"

#include "base/machine.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 120 /* seconds; the sanitizers slow everything down */

START_TEST(a_channel_is_the_sum_of_what_is_positive_at_its_positions)
{
    /* Two examples of two channels at three positions. */
    static const float values[] = { 1, -2, 3, -1, -1, -1, 0.5f, 0.25f, 0, 2, -9, 4 };
    const tsr_layer_info map = { .units = 6, .positions = 1, .channels = 2 },
                         pooled = { .units = 2, .positions = 3, .channels = 2 },
                         dense = { .units = 6, .positions = 1, .channels = 6 };
    float sums[2 * 3] = { 7, 7, 7, 7, 7, 7 };
    static const float expected[] = { 4, 0, 7, 0.75f, 6, 7 };
    sum_channels(&map, 2, values, 3, sums);
    ck_assert_mem_eq(sums, expected, sizeof(sums));
    sum_channels(&pooled, 2, values, 3, sums);
    ck_assert_mem_eq(sums, expected, sizeof(sums));
    float units[12];
    sum_channels(&dense, 2, values, 6, units);
    for (size_t i = 0; i < 12; i++)
        ck_assert_float_eq(units[i], fmaxf(values[i], 0));
}
END_TEST

START_TEST(each_layer_is_divided_by_its_range_over_the_training_examples)
{
    float a[] = { 2, 10, 5, 6, 4, 5 }, b[] = { 8, 20, 5 };
    const points train = { 2, 3, a }, test = { 1, 3, b };
    divide_by_range(0, 2, &train, &test); /* from 2 to 10 */
    divide_by_range(2, 3, &train, &test); /* 5 everywhere */
    static const float train_after[] = { 0.25f, 1.25f, 5, 0.75f, 0.5f, 5 }, test_after[] = { 1, 2.5f, 5 };
    ck_assert_mem_eq(a, train_after, sizeof(a));
    ck_assert_mem_eq(b, test_after, sizeof(b));
}
END_TEST

START_TEST(sums_whose_squares_overflow_are_told_apart)
{
    float small[] = { 1e18f, -1e18f, 0 }, large[] = { 0, 1e19f, 0 };
    ck_assert(can_be_squared(&(points){ 1, 3, small }));
    ck_assert(!can_be_squared(&(points){ 1, 3, large }));
    ck_assert(can_be_squared(&(points){ 3, 0, NULL }));
}
END_TEST

/* Points with coordinates of few values, so that distances tie. */
static points some_points(size_t n, size_t d, uint64_t seed)
{
    points p = { n, d, malloc(n * d * sizeof(float)) };
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < n * d; i++)
        p.x[i] = (float)tsr_rng_below(&rng, 4);
    return p;
}

START_TEST(nearest_points_are_those_that_sorting_all_gives)
{
    enum { N = 300, Q = 40, K = 7 };
    static const size_t widths[] = { 1, 3, 8, 21 };
    points base = some_points(N, widths[_i], 1), queries = some_points(Q, widths[_i], 2);
    uint32_t index[Q * K];
    float distance[Q * K];
    ck_succeeds(nearest_points(&base, &queries, K, index, distance));
    for (size_t q = 0; q < Q; q++) {
        bool taken[N] = { false };
        for (size_t k = 0; k < K; k++) {
            size_t best = N;
            double least = INFINITY;
            for (size_t i = 0; i < N; i++) {
                double sum = 0;
                for (size_t j = 0; j < base.d; j++)
                    sum += pow((double)(base.x[i * base.d + j] - queries.x[q * base.d + j]), 2);
                if (!taken[i] && sum < least) {
                    least = sum;
                    best = i;
                }
            }
            taken[best] = true;
            ck_assert_uint_eq(index[q * K + k], best);
            ck_assert_double_eq_tol((double)distance[q * K + k], sqrt(least), 1e-6);
        }
    }
    ck_fails(nearest_points(&base, &queries, N + 1, index, distance), TSR_REFUSED,
             "301 nearest of 300 points");
    free(base.x);
    free(queries.x);
}
END_TEST

/* Three heaps far from each other. */
static points heaps(size_t n)
{
    points p = { n, 5, malloc(n * 5 * sizeof(float)) };
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, 0);
    tsr_rng_fill_normal(&rng, n * 5, p.x);
    for (size_t i = 0; i < n; i++)
        p.x[i * 5 + i % 3] += 50;
    return p;
}

START_TEST(heaps_are_clusters_and_inertia_is_their_spread)
{
    points p = heaps(600);
    uint32_t labels[600];
    double inertia, expected = 0, centers[3][5] = { { 0 } };
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
    ck_succeeds(kmeans_points(&p, &(kmeans_options){ 3, 3, 100 }, &rng, labels, &inertia));
    for (size_t i = 0; i < 600; i++) {
        ck_assert_uint_eq(labels[i], labels[i % 3]);
        for (size_t j = 0; j < 5; j++)
            centers[i % 3][j] += (double)p.x[i * 5 + j] / 200;
    }
    ck_assert(labels[0] != labels[1] && labels[1] != labels[2] && labels[0] != labels[2]);
    for (size_t i = 0; i < 600; i++)
        for (size_t j = 0; j < 5; j++)
            expected += pow((double)p.x[i * 5 + j] - centers[i % 3][j], 2);
    ck_assert_double_eq_tol(inertia, expected, 1e-4 * expected);
    free(p.x);
}
END_TEST

START_TEST(clusters_and_neighbours_do_not_depend_on_threads)
{
    points p = some_points(700, 6, 4);
    uint32_t labels[2][700], index[2][700 * 3];
    float distance[2][700 * 3];
    double inertia[2];
    for (int t = 0; t < 2; t++) {
        tsr_rng rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
        tsr_set_threads(1 + t);
        ck_succeeds(kmeans_points(&p, &(kmeans_options){ 12, 2, 50 }, &rng, labels[t], &inertia[t]));
        ck_succeeds(nearest_points(&p, &p, 3, index[t], distance[t]));
    }
    tsr_set_threads(1);
    ck_assert_mem_eq(labels[0], labels[1], sizeof(labels[0]));
    ck_assert_mem_eq(index[0], index[1], sizeof(index[0]));
    ck_assert(inertia[0] == inertia[1]);
    free(p.x);
}
END_TEST

START_TEST(equal_points_fill_as_many_clusters_as_they_can)
{
    float x[8] = { 0 };
    const points p = { 8, 1, x };
    uint32_t labels[8];
    double inertia;
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
    ck_succeeds(kmeans_points(&p, &(kmeans_options){ 3, 2, 10 }, &rng, labels, &inertia));
    ck_assert_double_eq(inertia, 0);
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_lt(labels[i], 3);
    ck_fails(kmeans_points(&p, &(kmeans_options){ 9, 2, 10 }, &rng, labels, &inertia), TSR_REFUSED,
             "9 clusters of 8 points");
}
END_TEST

/* --- runs --- */

static char *folder;

static void setup(void)
{
    folder = test_folder();
}

static void teardown(void)
{
    test_folder_remove(folder);
}

#define CONFIG(model, probe)                                                                                 \
    "dataset = { plugin = \"digits\"; };\nmodel = { plugin = " model " };\n"                                 \
    "training = { epochs = 3; };\nprobes = ( { plugin = \"channel_sums\"; " probe " } );\n"
#define MAPS                                                                                                 \
    "\"sequential\"; layers = ( { op = \"conv2d\"; channels = 8; kernel = 3; padding = 1; }, "               \
    "{ op = \"batch_norm\"; }, { op = \"activation\"; }, { op = \"dense\"; } );"
#define MLP "\"mlp\"; width = 60; depth = 2;"

/* The value of a metric as `run` prints it, its line's last word. */
static double printed(const char *out, const char *name)
{
    const char *at = strstr(out, name);
    ck_assert_msg(at, "no %s in %s", name, out);
    return strtod(at + strlen(name), NULL);
}

START_TEST(sums_of_channels_tell_the_classes_apart)
{
    static const struct {
        const char *config;
        double channels;
    } runs[] = { { CONFIG(MLP, ""), 120 }, { CONFIG(MLP, "layers = [ 1 ];"), 60 }, { CONFIG(MAPS, ""), 8 } };
    write_text(folder, "sums.cfg", runs[_i].config);
    command_result result = command(folder, "run sums.cfg -q -o out");
    ck_assert_msg(result.status == 0, "%s", result.err);
    ck_assert_double_eq(printed(result.out, "channel_sums.channels "), runs[_i].channels);
    ck_assert_double_gt(printed(result.out, "channel_sums.knn.test "), runs[_i].channels > 8 ? 0.8 : 0.5);
    ck_assert_double_gt(printed(result.out, "channel_sums.kmeans.train "), runs[_i].channels > 8 ? 0.5 : 0.2);
    ck_assert_double_gt(printed(result.out, "channel_sums.kmeans.test "), runs[_i].channels > 8 ? 0.5 : 0.2);
    command_free(&result);
}
END_TEST

static const struct {
    const char *probe, *message;
} refused[] = {
    { "projection = 5;", "bad.cfg:4: probe channel_sums: sums of channels are of whole layers" },
    { "unit_share = 0.5;", "bad.cfg:4: probe channel_sums: sums of channels are of whole layers" },
    { "k = 5000;", "bad.cfg:4: probe channel_sums: k = 5000 neighbours, but only 1437 training examples" },
    { "clusters = 400;", "bad.cfg:4: probe channel_sums: 400 clusters, but only 360 examples" },
    { "restarts = 0;", "bad.cfg:4: probes.0.restarts = 0: expected an integer from 1 to 1000" },
};

START_TEST(what_cannot_be_is_refused_at_its_line)
{
    char text[512];
    snprintf(text, sizeof(text), CONFIG(MLP, "%s"), refused[_i].probe);
    write_text(folder, "bad.cfg", text);
    command_gives(folder, 2, NULL, refused[_i].message, "check bad.cfg");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channel_sums");
    TCase *tests = tcase_create("channel_sums");
    tcase_set_timeout(tests, PATIENCE);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_channel_is_the_sum_of_what_is_positive_at_its_positions);
    tcase_add_test(tests, sums_whose_squares_overflow_are_told_apart);
    tcase_add_test(tests, each_layer_is_divided_by_its_range_over_the_training_examples);
    tcase_add_loop_test(tests, nearest_points_are_those_that_sorting_all_gives, 0, 4);
    tcase_add_test(tests, heaps_are_clusters_and_inertia_is_their_spread);
    tcase_add_test(tests, clusters_and_neighbours_do_not_depend_on_threads);
    tcase_add_test(tests, equal_points_fill_as_many_clusters_as_they_can);
    tcase_add_loop_test(tests, sums_of_channels_tell_the_classes_apart, 0, 3);
    tcase_add_loop_test(tests, what_cannot_be_is_refused_at_its_line, 0,
                        sizeof(refused) / sizeof(refused[0]));
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
