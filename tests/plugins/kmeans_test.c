/* k-means on codes, and the assignment of clusters to classes. */
#include "plugins/probe_support.h"

#include "../../plugins/probes/kmeans/agreement.h"
#include "../../plugins/probes/kmeans/assignment.h"
#include "../../plugins/probes/kmeans/lloyd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The best over all ways of pairing rows from `row` on with columns not in `used`; rows <= columns. */
static int64_t try_all(size_t rows, size_t columns, const int64_t *gain, size_t row, unsigned used)
{
    int64_t best = INT64_MIN;
    if (row == rows)
        return 0;
    for (size_t j = 0; j < columns; j++) {
        if (used >> j & 1)
            continue;
        int64_t sum = gain[row * columns + j] + try_all(rows, columns, gain, row + 1, used | 1u << j);
        best = sum > best ? sum : best;
    }
    return best;
}

START_TEST(assignment_gains_what_the_best_of_all_pairings_gains)
{
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_DATA, 0);
    for (int round = 0; round < 300; round++) {
        size_t rows = 1 + tsr_rng_below(&rng, 6), columns = rows + tsr_rng_below(&rng, 7 - rows);
        int64_t gain[36], turned[36], best, best_turned;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                turned[j * rows + i] = gain[i * columns + j] = (int64_t)tsr_rng_below(&rng, 20);
        ck_succeeds(best_assignment(rows, columns, gain, &best));
        ck_succeeds(best_assignment(columns, rows, turned, &best_turned));
        int64_t expected = try_all(rows, columns, gain, 0, 0);
        ck_assert_int_eq(best, expected);
        ck_assert_int_eq(best_turned, expected);
    }
}
END_TEST

START_TEST(separable_classes_are_the_clusters)
{
    labelled data = blobs(1, 300, 200, 10, 200, 0.05);
    tsr_metrics *metrics = probe("plugin = \"kmeans\";", &data);
    static const char *const names[] = { "train", "test", "train_matched", "test_matched" };
    for (int i = 0; i < 4; i++)
        ck_assert(metric(metrics, names[i]) == 1);
    /* Each bit of 300 and 200 codes is flipped with probability 0.05. */
    ck_assert_double_eq_tol(metric(metrics, "train_inertia"), 300 * 200 * 0.05 * 0.95, 200);
    ck_assert_double_eq_tol(metric(metrics, "test_inertia"), 200 * 200 * 0.05 * 0.95, 200);
    tsr_metrics_free(metrics);
    labelled_clear(&data);
}
END_TEST

START_TEST(classes_are_found_wherever_in_a_long_code_they_show)
{
    labelled data = blobs(9, 100, 100, 5, 2500, 0.02);
    for (size_t i = 0; i < 100; i++)
        for (size_t j = 200; j < 2500; j++)
            set_bit(data.train, i, j, false);
    ck_assert(probe_metric("plugin = \"kmeans\";", &data, "train_matched") == 1);
    labelled_clear(&data);
}
END_TEST

START_TEST(two_clusters_may_share_a_class_but_not_when_matched)
{
    labelled data = blobs(2, 120, 120, 4, 100, 0.02);
    for (size_t i = 0; i < 120; i++) {
        data.train_labels[i] /= 2;
        data.test_labels[i] /= 2;
    }
    data.classes = 2;
    tsr_metrics *metrics = probe("plugin = \"kmeans\"; k = 4;", &data);
    ck_assert(metric(metrics, "train") == 1);
    ck_assert(metric(metrics, "train_matched") == 0.5);
    tsr_metrics_free(metrics);
    labelled_clear(&data);
}
END_TEST

/* Inertia of the best of all ways to cut a few points in two. */
static double best_cut(const tsr_codes *codes)
{
    double best = INFINITY;
    for (unsigned cut = 0; cut < 1u << codes->n; cut++) {
        double sum = 0;
        for (unsigned side = 0; side < 2; side++) {
            for (size_t j = 0; j < codes->bits; j++) {
                double n = 0, ones = 0;
                for (size_t i = 0; i < codes->n; i++) {
                    n += (cut >> i & 1) == side;
                    ones += (cut >> i & 1) == side && get_bit(codes, i, j);
                }
                sum += n > 0 ? ones - ones * ones / n : 0;
            }
        }
        best = fmin(best, sum);
    }
    return best;
}

START_TEST(inertia_of_few_points_is_the_least_possible)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        labelled data = blobs(seed, 10, 9, 3, 12, 0.3);
        tsr_metrics *metrics = probe("plugin = \"kmeans\"; k = 2; restarts = 50;", &data);
        ck_assert_double_eq_tol(metric(metrics, "train_inertia"), best_cut(data.train), 1e-4);
        ck_assert_double_eq_tol(metric(metrics, "test_inertia"), best_cut(data.test), 1e-4);
        tsr_metrics_free(metrics);
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(equal_codes_weigh_as_often_as_they_occur)
{
    static const char *const rows[] = { "0000", "0000", "0000", "0001", "1111", "1111", "0111", "1111" };
    static const int32_t labels[] = { 0, 0, 0, 0, 1, 1, 1, 1 };
    labelled data = { .train = codes_of(8, rows), .test = codes_of(8, rows), .classes = 2 };
    data.train_labels = data.test_labels = (int32_t *)(uintptr_t)labels;
    tsr_metrics *metrics = probe("plugin = \"kmeans\";", &data);
    ck_assert_double_eq_tol(metric(metrics, "train_inertia"), 2 * (1 - 1.0 / 4), 1e-6);
    ck_assert(metric(metrics, "train_matched") == 1);
    tsr_metrics_free(metrics);
    tsr_codes_free(data.train);
    tsr_codes_free(data.test);
}
END_TEST

/* Two groups far apart; the second and third centre are one, so the third is left empty. */
START_TEST(an_empty_cluster_takes_the_row_farthest_from_its_centre)
{
    static const char *const rows[] = { "000000", "000001", "000010", "110000", "111111", "111110" };
    static const uint32_t weight[] = { 9, 3, 3, 1, 5, 5 };
    tsr_codes *codes = codes_of(6, rows);
    clustering job = { .codes = codes,
                       .weight = weight,
                       .n = 6,
                       .d = 6,
                       .k = 3,
                       .examples = 26,
                       .max_iterations = 100,
                       .tolerance = 1e-4,
                       .n_restarts = 1 };
    ck_succeeds(clustering_start(&job));
    lloyd *restart = &job.restarts[0];
    tsr_codes_expand(codes, 0, 1, restart->centers);
    tsr_codes_expand(codes, 4, 1, restart->centers + 6);
    tsr_codes_expand(codes, 4, 1, restart->centers + 12);
    ck_succeeds(clustering_run(&job));
    static const uint32_t expected[] = { 0, 0, 0, 2, 1, 1 };
    ck_assert_mem_eq(restart->label, expected, sizeof(expected));
    ck_assert_uint_eq(restart->weight[2], 1);
    ck_assert_double_eq_tol(restart->inertia, 2 * 3 * (1 - 3.0 / 15) + 5 * 0.5, 1e-5);
    clustering_clear(&job);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(iteration_stops_where_it_is_told_to)
{
    labelled data = blobs(10, 200, 10, 2, 30, 0.5);
    uint32_t weight[200];
    double before = INFINITY;
    for (size_t i = 0; i < 200; i++)
        weight[i] = 1;
    for (int most = 1; most <= 3; most++) {
        clustering job = { .codes = data.train,
                           .weight = weight,
                           .n = 200,
                           .d = 30,
                           .k = 4,
                           .examples = 200,
                           .max_iterations = most,
                           .tolerance = 0,
                           .n_restarts = 1 };
        tsr_rng rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
        ck_succeeds(clustering_start(&job));
        ck_succeeds(clustering_seed(&job, &rng));
        ck_succeeds(clustering_run(&job));
        ck_assert_int_eq(job.restarts[0].iterations, most);
        ck_assert_double_lt(job.restarts[0].inertia, before);
        before = job.restarts[0].inertia;
        clustering_clear(&job);
    }
    labelled_clear(&data);
}
END_TEST

/* The labels of a clustering of `data` in k, by bounds or by meeting all centres each time. */
static double cluster(const labelled *data, size_t k, bool all, uint32_t *labels, int *iterations)
{
    uint32_t *weight = calloc(data->train->n, sizeof(*weight));
    for (size_t i = 0; i < data->train->n; i++)
        weight[i] = 1 + i % 3;
    clustering job = { .codes = data->train,
                       .weight = weight,
                       .n = data->train->n,
                       .d = data->train->bits,
                       .k = k,
                       .examples = 2 * data->train->n,
                       .max_iterations = 100,
                       .tolerance = 0,
                       .all = all,
                       .n_restarts = 2 };
    tsr_rng rng = tsr_rng_stream(k, TSR_FOR_PROBE, 0);
    ck_succeeds(clustering_start(&job));
    ck_succeeds(clustering_seed(&job, &rng));
    ck_succeeds(clustering_run(&job));
    double inertia = job.restarts[1].inertia;
    *iterations = job.restarts[1].iterations;
    memcpy(labels, job.restarts[1].label, job.n * sizeof(*labels));
    clustering_clear(&job);
    free(weight);
    return inertia;
}

START_TEST(bounds_change_nothing_but_the_time)
{
    static const size_t bits[] = { 7, 64, 130, 1000 }, k[] = { 2, 10, 16, 17, 40 };
    static uint32_t labels[2][3000];
    for (size_t b = 0; b < 4; b++) {
        for (size_t c = 0; c < 5; c++) {
            labelled data = blobs(b, 2997, 1, 12, bits[b], 0.35); /* no whole block, no whole vector */
            int iterations[2];
            double met = cluster(&data, k[c], false, labels[0], &iterations[0]);
            double all = cluster(&data, k[c], true, labels[1], &iterations[1]);
            ck_assert_msg(met == all && iterations[0] == iterations[1], "%zu bits, k = %zu", bits[b], k[c]);
            ck_assert_mem_eq(labels[0], labels[1], 2997 * sizeof(uint32_t));
            labelled_clear(&data);
        }
    }
}
END_TEST

/* Every row is where the plain sum of squares is least. */
START_TEST(rows_end_with_the_nearest_centre)
{
    labelled data = blobs(4, 500, 1, 5, 150, 0.35);
    uint32_t weight[500];
    for (size_t i = 0; i < 500; i++)
        weight[i] = 1;
    clustering job = { .codes = data.train,
                       .weight = weight,
                       .n = 500,
                       .d = 150,
                       .k = 18,
                       .examples = 500,
                       .max_iterations = 300,
                       .tolerance = 0,
                       .n_restarts = 1 };
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
    ck_succeeds(clustering_start(&job));
    ck_succeeds(clustering_seed(&job, &rng));
    ck_succeeds(clustering_run(&job));
    const lloyd *restart = &job.restarts[0];
    for (size_t i = 0; i < 500; i++) {
        double distance[18];
        for (size_t c = 0; c < 18; c++) {
            distance[c] = 0;
            for (size_t j = 0; j < 150; j++)
                distance[c] +=
                    pow((double)get_bit(data.train, i, j) - (double)restart->centers[c * 150 + j], 2);
        }
        for (size_t c = 0; c < 18; c++)
            ck_assert_double_ge(distance[c], distance[restart->label[i]] - 1e-4);
    }
    clustering_clear(&job);
    labelled_clear(&data);
}
END_TEST

START_TEST(more_clusters_than_distinct_codes_do_no_harm)
{
    labelled data = blobs(3, 40, 40, 3, 30, 0), none = blobs(3, 40, 40, 3, 0, 0);
    tsr_metrics *metrics = probe("plugin = \"kmeans\"; k = 12;", &data);
    ck_assert(metric(metrics, "train") == 1);
    ck_assert(metric(metrics, "train_inertia") == 0);
    tsr_metrics_free(metrics);
    metrics = probe("plugin = \"kmeans\";", &none); /* no bits at all */
    ck_assert(metric(metrics, "train_inertia") == 0);
    ck_assert(metric(metrics, "train") == 14.0 / 40);
    tsr_metrics_free(metrics);
    labelled_clear(&data);
    labelled_clear(&none);
}
END_TEST

START_TEST(every_distinct_code_its_own_cluster_leaves_no_inertia)
{
    labelled data = blobs(4, 25, 25, 25, 60, 0.3);
    tsr_metrics *metrics = probe("plugin = \"kmeans\"; k = 25; restarts = 3;", &data);
    ck_assert(metric(metrics, "train_inertia") == 0);
    ck_assert(metric(metrics, "train_matched") == 1);
    tsr_metrics_free(metrics);
    labelled_clear(&data);
}
END_TEST

START_TEST(inertia_falls_with_every_cluster_until_there_are_as_many_as_codes)
{
    labelled data = blobs(8, 400, 64, 1, 6, 0.5); /* nearly all of the 64 codes there are */
    data.classes = 2;
    double before = INFINITY;
    for (int k = 40; k < 64; k += 4) {
        char settings[64];
        snprintf(settings, sizeof(settings), "plugin = \"kmeans\"; restarts = 20; k = %d;", k);
        double inertia = probe_metric(settings, &data, "train_inertia");
        ck_assert_double_lt(inertia, before);
        before = inertia;
    }
    labelled_clear(&data);
}
END_TEST

START_TEST(a_projection_is_named_and_sees_so_many_bits)
{
    static const char settings[] = "plugin = \"kmeans\"; projection = 200;";
    labelled data = blobs(42, 300, 100, 3, 1000, 0.1);
    tsr_metrics *all = probe("plugin = \"kmeans\";", &data), *some = probe(settings, &data);
    ck_assert(metric(some, "projection") == 200);
    ck_assert(metric(some, "projected_train") == 1 && metric(some, "projected_test") == 1);
    double inertia = metric(some, "projected_train_inertia") / metric(all, "train_inertia");
    ck_assert_msg(inertia > 0.17 && inertia < 0.23, "%g", inertia); /* about 200 in 1000 */
    ck_same_with_two_threads(settings, &data);
    tsr_metrics *whole = probe("plugin = \"kmeans\"; projection = 5000;", &data);
    ck_assert(metric(whole, "projection") == 1000);
    ck_assert(metric(whole, "projected_train_inertia") == metric(all, "train_inertia"));
    tsr_metrics_free(whole);
    tsr_metrics_free(all);
    tsr_metrics_free(some);
    labelled_clear(&data);
}
END_TEST

START_TEST(kmeans_does_not_depend_on_the_number_of_threads)
{
    labelled data = blobs(5, 3000, 700, 10, 1200, 0.4);
    ck_same_with_two_threads("plugin = \"kmeans\"; restarts = 3; max_iterations = 8;", &data);
    labelled_clear(&data);
    data = blobs(6, 2000, 2000, 10, 30, 0.25);
    ck_same_with_two_threads("plugin = \"kmeans\";", &data);
    labelled_clear(&data);
}
END_TEST

START_TEST(more_restarts_never_give_more_inertia)
{
    labelled data = blobs(7, 500, 50, 10, 40, 0.3);
    double one = probe_metric("plugin = \"kmeans\"; restarts = 1;", &data, "train_inertia");
    double ten = probe_metric("plugin = \"kmeans\"; restarts = 10;", &data, "train_inertia");
    ck_assert(ten <= one);
    ck_assert(ten > 0);
    labelled_clear(&data);
}
END_TEST

START_TEST(more_clusters_than_examples_are_refused)
{
    ck_fails(probe_check("plugin = \"kmeans\";", 5, 100, 10), TSR_REFUSED,
             "k = 10 clusters, but only 5 training examples");
    ck_fails(probe_check("plugin = \"kmeans\"; k = 7;", 10, 6, 2), TSR_REFUSED,
             "k = 7 clusters, but only 6 test examples");
    ck_succeeds(probe_check("plugin = \"kmeans\";", 10, 10, 10));
}
END_TEST

START_TEST(known_clusters_have_the_known_agreement)
{
    const int64_t counts[] = { 2, 0, 0, 1, 0, 1 }; /* labels 0 0 1 1, clusters 0 0 1 2 */
    agreement a = measure_agreement(3, 2, counts);
    ck_assert_double_eq_tol(a.nmi, .8, 1e-12);
    ck_assert_double_eq_tol(a.homogeneity, 1, 1e-12);
    ck_assert_double_eq_tol(a.completeness, 2 / 3.0, 1e-12);
    ck_assert_double_eq_tol(a.ari, .571429, 1e-6);
    a = measure_agreement(2, 1, (const int64_t[]){ 3, 2 });
    ck_assert(isnan(a.homogeneity) && a.completeness == 0 && a.nmi == 0);
    a = measure_agreement(1, 1, (const int64_t[]){ 3 });
    ck_assert(isnan(a.nmi) && isnan(a.ari) && isnan(a.completeness));
}
END_TEST

/* Pairs of examples one by one; entropies as means over examples of logarithms of shares. */
START_TEST(agreement_is_that_of_comparing_examples)
{
    enum { N = 60 };
    tsr_rng rng = tsr_rng_stream(4, TSR_FOR_DATA, 0);
    for (int round = 0; round < 30; round++) {
        size_t k = 2 + tsr_rng_below(&rng, 5), classes = 2 + tsr_rng_below(&rng, 4), c[N], y[N];
        int64_t counts[6 * 5] = { 0 };
        double both = 0, one = 0, other = 0, all = N * (N - 1) / 2.0, h = 0, hy = 0, joint = 0;
        for (size_t i = 0; i < N; i++) {
            y[i] = i < 2 ? i : tsr_rng_below(&rng, classes);
            c[i] = i < 2 ? i : tsr_rng_below(&rng, 3) ? y[i] % k : tsr_rng_below(&rng, k);
            counts[c[i] * classes + y[i]]++;
        }
        for (size_t i = 0; i < N; i++) {
            double like_c = 0, like_y = 0, like = 0;
            for (size_t j = 0; j < N; j++) {
                like_c += c[i] == c[j];
                like_y += y[i] == y[j];
                like += c[i] == c[j] && y[i] == y[j];
                if (j < i) {
                    both += c[i] == c[j] && y[i] == y[j];
                    one += c[i] == c[j];
                    other += y[i] == y[j];
                }
            }
            h -= log(like_c / N) / N;
            hy -= log(like_y / N) / N;
            joint -= log(like / N) / N;
        }
        agreement a = measure_agreement(k, classes, counts);
        double expected = one * other / all;
        ck_assert_double_eq_tol(a.ari, (both - expected) / ((one + other) / 2 - expected), 1e-12);
        ck_assert_double_eq_tol(a.nmi, (h + hy - joint) / ((h + hy) / 2), 1e-12);
        ck_assert_double_eq_tol(a.homogeneity, 1 - (joint - h) / hy, 1e-12);
        ck_assert_double_eq_tol(a.completeness, 1 - (joint - hy) / h, 1e-12);
    }
}
END_TEST

START_TEST(undefined_agreement_says_why)
{
    labelled data = blobs(3, 4, 4, 4, 60, 0); /* each example its own class and cluster */
    tsr_metrics *m = probe("plugin = \"kmeans\"; k = 4;", &data);
    ck_assert_str_eq(
        reason_of(m, "ari.train"),
        "all examples are of one class and in one cluster, or each is alone in its class and cluster");
    ck_undefined_say_why(m);
    tsr_metrics_free(m);
    m = probe("plugin = \"kmeans\"; k = 1;", &data);
    ck_assert_str_eq(reason_of(m, "completeness.train"), "there is only one cluster");
    ck_assert(metric(m, "ari.train") == 0 && metric(m, "nmi.train") == 0);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(separable_classes_agree_with_their_clusters)
{
    labelled data = blobs(1, 300, 200, 10, 200, 0.05);
    tsr_metrics *m = probe("plugin = \"kmeans\";", &data);
    static const char *const names[] = { "nmi.train", "ari.train", "homogeneity.test", "completeness.test" };
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(metric(m, names[i]), 1, 1e-12);
    tsr_metrics_free(m);
    for (size_t i = 0; i < 300; i++)
        data.train_labels[i] = 0;
    m = probe("plugin = \"kmeans\";", &data);
    ck_assert(isnan(metric(m, "homogeneity.train")));
    ck_assert_double_eq_tol(metric(m, "completeness.train"), 0, 1e-12);
    ck_undefined_say_why(m);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kmeans");
    TCase *tests = tcase_create("kmeans");
    tcase_add_test(tests, assignment_gains_what_the_best_of_all_pairings_gains);
    tcase_add_test(tests, separable_classes_are_the_clusters);
    tcase_add_test(tests, classes_are_found_wherever_in_a_long_code_they_show);
    tcase_add_test(tests, two_clusters_may_share_a_class_but_not_when_matched);
    tcase_add_test(tests, inertia_of_few_points_is_the_least_possible);
    tcase_add_test(tests, equal_codes_weigh_as_often_as_they_occur);
    tcase_add_test(tests, an_empty_cluster_takes_the_row_farthest_from_its_centre);
    tcase_add_test(tests, iteration_stops_where_it_is_told_to);
    tcase_add_test(tests, bounds_change_nothing_but_the_time);
    tcase_add_test(tests, rows_end_with_the_nearest_centre);
    tcase_add_test(tests, more_clusters_than_distinct_codes_do_no_harm);
    tcase_add_test(tests, every_distinct_code_its_own_cluster_leaves_no_inertia);
    tcase_add_test(tests, inertia_falls_with_every_cluster_until_there_are_as_many_as_codes);
    tcase_add_test(tests, a_projection_is_named_and_sees_so_many_bits);
    tcase_add_test(tests, kmeans_does_not_depend_on_the_number_of_threads);
    tcase_add_test(tests, more_restarts_never_give_more_inertia);
    tcase_add_test(tests, more_clusters_than_examples_are_refused);
    tcase_add_test(tests, known_clusters_have_the_known_agreement);
    tcase_add_test(tests, agreement_is_that_of_comparing_examples);
    tcase_add_test(tests, undefined_agreement_says_why);
    tcase_add_test(tests, separable_classes_agree_with_their_clusters);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
