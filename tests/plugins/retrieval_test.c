/* Retrieval against known values and against every order of tied codes. */
#include "plugins/probe_support.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/npy.h>
#include <unistd.h>

#define RETRIEVAL "plugin = \"retrieval\";"

START_TEST(known_blocks_have_known_average_precision)
{
    labelled data = { .classes = 2,
                      .train_labels = calloc(32, sizeof(int32_t)),
                      .test_labels = calloc(1, sizeof(int32_t)) };
    ck_succeeds(tsr_codes_new(32, 4, &data.train));
    ck_succeeds(tsr_codes_new(1, 4, &data.test));
    for (size_t i = 0; i < 16; i++)
        data.train_labels[i] = 1;
    ck_near(probe_metric(RETRIEVAL, &data, "map"), .549331, 1e-6);
    /* Worst and best order: the relevant ones last and first, each at a distance of its own class's. */
    for (size_t i = 0; i < 16; i++)
        set_bit(data.train, 16 + i, 0, true);
    ck_near(probe_metric(RETRIEVAL, &data, "map"), .322234, 1e-6);
    data.test_labels[0] = 1;
    ck_near(probe_metric(RETRIEVAL, &data, "map"), 1, 1e-12);
    labelled_clear(&data);
    static const char *const rows[] = { "00", "01", "10", "11" }, *const query[] = { "00" };
    int32_t labels[] = { 1, 0, 1, 0 }, own[] = { 1 };
    data = (labelled){ codes_of(4, rows), codes_of(1, query), labels, own, 2 };
    ck_near(probe_metric(RETRIEVAL, &data, "map"), .916667, 1e-6);
    tsr_codes_free(data.train);
    tsr_codes_free(data.test);
}
END_TEST

/* --- every order --- */

typedef struct sums {
    double orders, map, map_k, precision_k;
} sums;

/* Of one query, the base in the order given, which is by distance. */
static void add_order(const labelled *data, size_t q, const size_t *order, size_t k, sums *s)
{
    double relevant = 0, precision = 0, precision_k = 0, in_k = 0;
    for (size_t i = 0; i < data->train->n; i++) {
        if (data->train_labels[order[i]] != data->test_labels[q])
            continue;
        relevant++;
        precision += relevant / (double)(i + 1);
        precision_k += i < k ? relevant / (double)(i + 1) : 0;
        in_k += i < k;
    }
    s->orders++;
    s->map += precision / relevant;
    s->map_k += precision_k / fmin(relevant, (double)k);
    s->precision_k += in_k / (double)k;
}

/* All orders that do not put a farther code before a nearer one. */
static void permute(const labelled *data, size_t q, size_t *order, size_t at, size_t k, sums *s)
{
    size_t n = data->train->n;
    if (at == n) {
        add_order(data, q, order, k, s);
        return;
    }
    for (size_t i = at; i < n; i++) {
        size_t chosen = order[i], d = naive_distance(data->test, q, data->train, chosen);
        bool nearest = true;
        for (size_t j = at; j < n; j++)
            nearest = nearest && naive_distance(data->test, q, data->train, order[j]) >= d;
        if (!nearest)
            continue;
        order[i] = order[at];
        order[at] = chosen;
        permute(data, q, order, at + 1, k, s);
        order[at] = order[i];
        order[i] = chosen;
    }
}

START_TEST(ties_count_as_the_mean_of_all_orders)
{
    for (size_t bits = 2; bits <= 4; bits++) {
        labelled data = blobs(bits, 8, 12, 3, bits, 0.4);
        for (int k = 1; k <= 9; k += 2) {
            double map = 0, map_k = 0, precision_k = 0;
            for (size_t q = 0; q < 12; q++) {
                size_t order[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
                sums s = { 0 };
                permute(&data, q, order, 0, (size_t)k, &s);
                map += s.map / s.orders / 12;
                map_k += s.map_k / s.orders / 12;
                precision_k += s.precision_k / s.orders / 12;
            }
            char settings[64];
            snprintf(settings, sizeof(settings), RETRIEVAL " k = %d;", k);
            tsr_metrics *m = probe(settings, &data);
            ck_near(metric(m, "map"), map, 1e-10);
            ck_near(metric(m, "map_at_k"), map_k, 1e-10);
            ck_near(metric(m, "precision_at_k"), precision_k, 1e-10);
            tsr_metrics_free(m);
        }
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(precision_and_recall_within_a_distance_are_counted)
{
    labelled data = blobs(3, 130, 70, 4, 20, 0.2);
    double precision = 0, recall = 0, all_relevant = 0, all_retrieved = 0, all = 0;
    for (size_t q = 0; q < 70; q++) {
        double relevant = 0, in = 0, relevant_in = 0;
        for (size_t j = 0; j < 130; j++) {
            bool is_in = naive_distance(data.test, q, data.train, j) <= 6;
            bool is_relevant = data.train_labels[j] == data.test_labels[q];
            relevant += is_relevant;
            in += is_in;
            relevant_in += is_in && is_relevant;
        }
        precision += in > 0 ? relevant_in / in / 70 : 0;
        recall += relevant_in / relevant / 70;
        all_relevant += relevant_in;
        all_retrieved += in;
        all += relevant;
    }
    char folder[] = "/tmp/tessera-retrieval-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    tsr_metrics *m = probe_into(RETRIEVAL " radius = 6; curve = true;", &data, folder);
    ck_near(metric(m, "precision_in_radius"), precision, 1e-12);
    ck_near(metric(m, "recall_in_radius"), recall, 1e-12);
    snprintf(path, sizeof(path), "%s/label_precision_recall.npy", folder);
    tsr_array *curve;
    ck_succeeds(tsr_npy_open(path, &curve));
    ck_assert_uint_eq(curve->dims[1], 3);
    double row[3] = { -1 };
    for (size_t i = 0; i < curve->dims[0] && row[0] < 6; i++)
        tsr_array_doubles(curve, 3 * i, 3, row);
    ck_assert(row[0] == 6);
    ck_near(row[1], all_relevant / all_retrieved, 1e-12);
    ck_near(row[2], all_relevant / all, 1e-12);
    tsr_array_doubles(curve, 3 * (curve->dims[0] - 1), 3, row);
    ck_assert(row[2] == 1);
    tsr_array_free(curve);
    tsr_metrics_free(m);
    ck_succeeds(tsr_remove_tree(folder));
    labelled_clear(&data);
}
END_TEST

/* --- the curve --- */

enum { LEVELS = 21 };

/* What the probe gives, a row of recall and precision for each level. */
static void read_curve(const labelled *data, double *rows)
{
    char folder[] = "/tmp/tessera-retrieval-XXXXXX", path[80];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    tsr_metrics_free(probe_into(RETRIEVAL, data, folder));
    snprintf(path, sizeof(path), "%s/label_precision_at_recall.npy", folder);
    tsr_array *curve;
    ck_succeeds(tsr_npy_open(path, &curve));
    ck_assert(curve->n_dims == 2 && curve->dims[0] == LEVELS && curve->dims[1] == 2);
    tsr_array_doubles(curve, 0, 2 * LEVELS, rows);
    tsr_array_free(curve);
    ck_succeeds(tsr_remove_tree(folder));
}

/* Of the codes within each radius, by the definition. */
static double naive_interpolated(const labelled *data, size_t q, int level)
{
    double best = 0, relevant = 0;
    for (size_t j = 0; j < data->train->n; j++)
        relevant += data->train_labels[j] == data->test_labels[q];
    for (size_t radius = 0; radius <= data->train->bits; radius++) {
        double in = 0, found = 0;
        for (size_t j = 0; j < data->train->n; j++) {
            bool is_in = naive_distance(data->test, q, data->train, j) <= radius;
            in += is_in;
            found += is_in && data->train_labels[j] == data->test_labels[q];
        }
        if (in > 0 && found * (LEVELS - 1) >= level * relevant)
            best = fmax(best, found / in);
    }
    return best;
}

START_TEST(the_curve_is_the_largest_precision_at_each_recall_or_beyond)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        labelled data = blobs(seed, 90, 70, 4, 3 + 5 * seed, 0.25);
        double rows[2 * LEVELS];
        read_curve(&data, rows);
        for (int level = 0; level < LEVELS; level++) {
            double sum = 0;
            for (size_t q = 0; q < 70; q++)
                sum += naive_interpolated(&data, q, level);
            ck_near(rows[2 * level], level / 20.0, 1e-15);
            ck_near(rows[2 * level + 1], sum / 70, 1e-12);
            ck_assert(level == 0 || rows[2 * level + 1] <= rows[2 * level - 1]);
        }
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(a_known_search_has_the_known_curve)
{
    static const char *const rows[] = { "00", "01", "10", "11" }, *const query[] = { "00" };
    int32_t labels[] = { 1, 0, 1, 0 }, own[] = { 1 };
    labelled data = { codes_of(4, rows), codes_of(1, query), labels, own, 2 };
    double curve[2 * LEVELS];
    read_curve(&data, curve);
    /* Of the two relevant codes one is alone at distance 0, the other one of two at distance 1. */
    for (int level = 0; level < LEVELS; level++)
        ck_near(curve[2 * level + 1], level <= 10 ? 1 : 2. / 3, 1e-12);
    tsr_codes_free(data.train);
    tsr_codes_free(data.test);
}
END_TEST

START_TEST(queries_without_a_relevant_code_do_not_count)
{
    labelled data = blobs(6, 20, 6, 2, 16, 0.1);
    double map = probe_metric(RETRIEVAL, &data, "map");
    ck_assert(map > 0);
    data.classes = 3;
    for (size_t i = 0; i < 6; i++)
        data.test_labels[i] = 2;
    tsr_metrics *m = probe(RETRIEVAL, &data);
    for (size_t i = 0; i < tsr_metrics_count(m); i++)
        ck_assert_str_eq(tsr_metrics_get(m, i).reason, "no query has a training code of its class");
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(retrieval_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(7, 1500, 700, 10, 90, 0.2);
    ck_same_when_masked(RETRIEVAL, &data);
    ck_same_with_two_threads(RETRIEVAL, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retrieval");
    TCase *tests = tcase_create("retrieval");
    tcase_add_test(tests, known_blocks_have_known_average_precision);
    tcase_add_test(tests, ties_count_as_the_mean_of_all_orders);
    tcase_add_test(tests, precision_and_recall_within_a_distance_are_counted);
    tcase_add_test(tests, the_curve_is_the_largest_precision_at_each_recall_or_beyond);
    tcase_add_test(tests, a_known_search_has_the_known_curve);
    tcase_add_test(tests, queries_without_a_relevant_code_do_not_count);
    tcase_add_test(tests, retrieval_stays_under_a_mask_and_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
