/* What a monitor measures, against known values and by comparing all pairs. */
#include "plugins/probe_support.h"

#include "../../plugins/probes/monitor/distances.h"
#include "../../plugins/probes/monitor/ranking.h"
#include "base/machine.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ck_near(value, expected, off) ck_assert_double_eq_tol(value, expected, off)

START_TEST(known_scores_have_the_known_auroc)
{
    scored list[] = { { 1, 0 }, { 2, 0 }, { 4, 0 }, { 3, 1 }, { 5, 1 }, { 2, 1 } };
    ck_near(rank_scores(6, list).auroc, .722222, 1e-6);
    scored apart[] = { { 1, 0 }, { INFINITY, 1 }, { 2, 0 } };
    ranking r = rank_scores(3, apart);
    ck_assert(r.auroc == 1 && r.aupr == 1 && r.fpr95 == 0);
    ck_assert(isnan(rank_scores(1, apart).auroc));
}
END_TEST

START_TEST(rankings_are_those_of_all_pairs_and_thresholds)
{
    enum { N = 80 };
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_DATA, 0);
    for (int round = 0; round < 40; round++) {
        scored list[N], sorted[N];
        double wins = 0, pairs = 0, to_find = 0, aupr = 0, fpr95 = 1, before = 0;
        for (size_t i = 0; i < N; i++) {
            list[i].found = i < 2 ? (int)i : tsr_rng_below(&rng, 3) == 0;
            list[i].score = (double)tsr_rng_below(&rng, 12) + 2 * list[i].found;
            to_find += list[i].found;
        }
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                if (!list[i].found || list[j].found)
                    continue;
                pairs++;
                wins += list[i].score > list[j].score ? 1 : list[i].score == list[j].score ? .5 : 0;
            }
        for (int threshold = 14; threshold >= 0; threshold--) {
            double found = 0, wrong = 0;
            for (size_t i = 0; i < N; i++) {
                found += list[i].found && list[i].score >= threshold;
                wrong += !list[i].found && list[i].score >= threshold;
            }
            aupr += found > before ? (found - before) / to_find * found / (found + wrong) : 0;
            before = found;
            if (found >= .95 * to_find)
                fpr95 = fmin(fpr95, wrong / (N - to_find));
        }
        memcpy(sorted, list, sizeof(list));
        ranking r = rank_scores(N, sorted);
        ck_near(r.auroc, wins / pairs, 1e-12);
        ck_near(r.aupr, aupr, 1e-12);
        ck_near(r.fpr95, fpr95, 1e-12);
    }
}
END_TEST

START_TEST(a_code_between_the_stored_ones_is_out_at_0_and_in_at_1)
{
    static const char *const rows[] = { "000", "011" }, *const query[] = { "001", "011", "111" };
    int32_t right[] = { 0, 0 }, given[] = { 0, 0, 1 };
    tsr_codes *base = codes_of(2, rows), *codes = codes_of(3, query);
    const stored_codes stored = { base, right, 2 };
    distances d[3];
    ck_succeeds(measure_distances(&stored, codes, given, d));
    ck_assert(d[0].own > 0 && d[0].own <= 1);
    ck_assert(d[1].own == 0 && d[1].mean == 1); /* the mean is 0, 1/2, 1/2 */
    ck_assert(d[2].any == 1 && isinf(d[2].own) && isinf(d[2].mean));
    tsr_codes_free(base);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(distances_are_those_of_all_pairs_with_any_number_of_threads)
{
    labelled data = blobs(3, 700, 90, 20, 70, 0.2);
    for (size_t i = 0; i < 700; i += 3) /* not rightly given */
        data.train_labels[i] = -1;
    const stored_codes stored = { data.train, data.train_labels, 20 };
    distances d[90], again[90];
    ck_succeeds(measure_distances(&stored, data.test, data.test_labels, d));
    for (size_t i = 0; i < 90; i++) {
        double any = INFINITY, own = INFINITY, mean = 0, n = 0;
        for (size_t j = 0; j < 700; j++) {
            double distance = (double)naive_distance(data.test, i, data.train, j);
            any = fmin(any, distance);
            own = data.train_labels[j] == data.test_labels[i] ? fmin(own, distance) : own;
            n += data.train_labels[j] == data.test_labels[i];
        }
        for (size_t b = 0; b < 70; b++) {
            double ones = 0;
            for (size_t j = 0; j < 700; j++)
                ones += data.train_labels[j] == data.test_labels[i] && get_bit(data.train, j, b);
            mean += fabs(get_bit(data.test, i, b) - ones / n);
        }
        ck_assert(d[i].any == any && d[i].own == own);
        ck_near(d[i].mean, mean, 1e-4);
    }
    tsr_set_threads(3);
    ck_succeeds(measure_distances(&stored, data.test, data.test_labels, again));
    tsr_set_threads(1);
    ck_assert_mem_eq(d, again, sizeof(d));
    labelled_clear(&data);
}
END_TEST

START_TEST(what_it_cannot_watch_is_refused)
{
    tsr_instance *instance = test_instance(TSR_PROBE, "plugin = \"monitor\";");
    const tsr_probe_sizes sizes = {
        .n_train = 10, .n_test = 10, .classes = 2, .shape = TSR_SHAPE(1), .projection = 5
    };
    ck_fails(((const tsr_probe_ops *)tsr_instance_ops(instance))->check(tsr_instance_self(instance), &sizes),
             TSR_REFUSED, "a monitor is not made of a projection");
    tsr_instance_free(instance);
    ck_fails(probe_check("plugin = \"monitor\"; other = { plugin = \"digits\"; };", 10, 10, 2), TSR_REFUSED,
             "other: its inputs have 64 values, expected 1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tests = tcase_create("monitor");
    tcase_add_test(tests, known_scores_have_the_known_auroc);
    tcase_add_test(tests, rankings_are_those_of_all_pairs_and_thresholds);
    tcase_add_test(tests, a_code_between_the_stored_ones_is_out_at_0_and_in_at_1);
    tcase_add_test(tests, distances_are_those_of_all_pairs_with_any_number_of_threads);
    tcase_add_test(tests, what_it_cannot_watch_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
