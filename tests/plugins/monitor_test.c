/* What a monitor measures, against known values and by comparing all pairs. */
#include "plugins/probe_support.h"
#include "plugins/probed_network.h"

#include "../../plugins/probes/monitor/distances.h"
#include "../../plugins/probes/monitor/ranking.h"
#include "base/machine.h"
#include "nn/network.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* The share that is found where a share x of the others is passed, on straight lines between thresholds. */
static double naive_roc(size_t n, const scored *list, double x)
{
    double best = 0, before_x = 0, before_y = 0;
    for (int threshold = 40; threshold >= -1; threshold--) {
        double found = 0, to_find = 0, wrong = 0;
        for (size_t i = 0; i < n; i++) {
            to_find += list[i].found;
            found += list[i].found && list[i].score >= threshold;
            wrong += !list[i].found && list[i].score >= threshold;
        }
        double at_x = wrong / ((double)n - to_find), at_y = found / to_find;
        if (at_x <= x)
            best = at_y;
        else if (before_x <= x)
            best = before_y + (at_y - before_y) * (x - before_x) / (at_x - before_x);
        before_x = at_x;
        before_y = at_y;
    }
    return best;
}

START_TEST(the_roc_curve_passes_through_all_thresholds_and_has_the_auroc_below_it)
{
    enum { N = 60, POINTS = 1201 };
    tsr_rng rng = tsr_rng_stream(2, TSR_FOR_DATA, 0);
    static double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++)
        x[i] = (double)i / (POINTS - 1);
    for (int round = 0; round < 20; round++) {
        scored list[N];
        for (size_t i = 0; i < N; i++) {
            list[i].found = i < 2 ? (int)i : tsr_rng_below(&rng, 3) == 0;
            list[i].score = (double)tsr_rng_below(&rng, 12) + 2 * list[i].found;
        }
        double auroc = rank_scores(N, list).auroc, area = 0;
        ck_assert(draw_roc(N, list, POINTS, x, y));
        for (int i = 0; i < POINTS; i += 7)
            ck_near(y[i], naive_roc(N, list, x[i]), 1e-9);
        for (int i = 1; i < POINTS; i++)
            area += (y[i] + y[i - 1]) / 2 / (POINTS - 1);
        ck_near(area, auroc, 2e-3);
        ck_assert(y[POINTS - 1] == 1);
    }
    scored one_kind[] = { { 1, 1 }, { 2, 1 } };
    ck_assert(!draw_roc(2, one_kind, POINTS, x, y));
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

/* --- a whole run, against comparing all pairs --- */

#define OTHER                                                                                                \
    "plugin = \"synthetic\"; dimension = 6; train = 20; test = 60; seed = 4; only_classes = [3, 7, 8];"
enum { SIZE = 6, CLASSES = 4, MOST = 110 };

/* Some examples, their codes and the classes that the network gives them. */
typedef struct watched {
    size_t n;
    float inputs[MOST * SIZE];
    int32_t labels[MOST], given[MOST];
    tsr_codes *codes;
} watched;

static void watch(tsr_network *network, watched *w)
{
    float logits[MOST * CLASSES];
    ck_succeeds(tsr_network_encode(network, w->n, w->inputs, &w->codes));
    ck_succeeds(tsr_network_predict(network, w->n, w->inputs, logits));
    for (size_t i = 0; i < w->n; i++) {
        w->given[i] = 0;
        for (int k = 1; k < CLASSES; k++)
            if (logits[i * CLASSES + (size_t)k] > logits[i * CLASSES + (size_t)w->given[i]])
                w->given[i] = k;
    }
}

static watched read_watched(const char *settings, tsr_split split, tsr_network *network)
{
    tsr_instance *instance = test_instance(TSR_DATASET, settings);
    tsr_data *data;
    watched w = { 0 };
    size_t index[MOST];
    ck_succeeds(tsr_data_open(instance, &data));
    w.n = tsr_data_info(data)->n[split];
    ck_assert_uint_le(w.n, MOST);
    for (size_t i = 0; i < w.n; i++)
        index[i] = i;
    ck_succeeds(tsr_data_read(data, split, w.n, index, w.inputs, w.labels));
    tsr_data_close(data);
    tsr_instance_free(instance);
    watch(network, &w);
    return w;
}

/* The distance of example i to the nearest stored one, of its class, or of any where `own` is false. */
static double nearest_stored(const watched *w, size_t i, const watched *train, bool own)
{
    double least = INFINITY;
    for (size_t j = 0; j < train->n; j++) {
        bool counts = !own || (train->given[j] == train->labels[j] && train->given[j] == w->given[i]);
        if (j % 5 != 4 && counts)
            least = fmin(least, (double)naive_distance(w->codes, i, train->codes, j));
    }
    return least;
}

static double auroc(const watched *in, const watched *out, const watched *train, bool own)
{
    double wins = 0;
    for (size_t i = 0; i < in->n; i++)
        for (size_t j = 0; j < out->n; j++) {
            double a = nearest_stored(in, i, train, own), b = nearest_stored(out, j, train, own);
            wins += a < b ? 1 : a == b ? .5 : 0;
        }
    return wins / (double)(in->n * out->n);
}

/* Of held-out training examples, how many are further than gamma. */
static size_t beyond(const watched *train, double gamma, size_t *held_out)
{
    size_t n = 0;
    *held_out = 0;
    for (size_t i = 4; i < train->n; i += 5) {
        ++*held_out;
        n += nearest_stored(train, i, train, true) > gamma;
    }
    return n;
}

static void ck_monitor(const tsr_metrics *m, const watched *train, const watched *test, const watched *other)
{
    double warned = 0, wrong = 0, both = 0, gamma = metric(m, "gamma");
    size_t held_out;
    for (size_t i = 0; i < test->n; i++) {
        bool warns = nearest_stored(test, i, train, true) > 1, errs = test->given[i] != test->labels[i];
        warned += warns;
        wrong += errs;
        both += warns && errs;
    }
    ck_assert(warned > 0 && wrong > 0 && both > 0);
    ck_near(metric(m, "gamma1.warned.test"), warned / (double)test->n, 1e-12);
    ck_near(metric(m, "gamma1.precision.test"), both / warned, 1e-12);
    ck_near(metric(m, "gamma1.recall.test"), both / wrong, 1e-12);
    ck_near(metric(m, "auroc.any"), auroc(test, other, train, false), 1e-12);
    ck_near(metric(m, "auroc.own"), auroc(test, other, train, true), 1e-12);
    ck_assert(gamma >= 1 && (double)beyond(train, gamma, &held_out) <= 0.25 * (double)held_out);
    ck_assert((double)beyond(train, gamma - 1, &held_out) > 0.25 * (double)held_out);
}

/* What the monitor gives of some of the network's layers. */
typedef struct watching {
    tsr_instance *model;
    tsr_network *network;
    watched train, test, other;
} watching;

static void begin(watching *w)
{
    static const char data[] = "plugin = \"synthetic\"; dimension = 6; train = 103; test = 50; classes = 4;";
    w->model = test_instance(TSR_MODEL, "plugin = \"mlp\"; width = 20; depth = 2; batch_norm = false;");
    ck_succeeds(tsr_network_new(w->model, TSR_SHAPE(SIZE), CLASSES, 5, &w->network));
    w->train = read_watched(data, TSR_TRAIN, w->network);
    w->test = read_watched(data, TSR_TEST, w->network);
    w->other = read_watched(OTHER, TSR_TEST, w->network);
    ck_assert(w->other.n > 5 && w->other.n < 40); /* three of ten classes */
}

static void measure_and_check(const watching *w, size_t first_layer)
{
    const probed_network given = { .network = w->network,
                                   .classes = CLASSES,
                                   .first_layer = first_layer,
                                   .parts = { { w->train.n, w->train.inputs, w->train.labels },
                                              { w->test.n, w->test.inputs, w->test.labels } } };
    tsr_metrics *m =
        probe_network("plugin = \"monitor\"; rate = 0.25; gammas = [1]; other = { " OTHER " };", &given);
    ck_monitor(m, &w->train, &w->test, &w->other);
    tsr_metrics_free(m);
}

static void end(watching *w)
{
    tsr_codes_free(w->train.codes);
    tsr_codes_free(w->test.codes);
    tsr_codes_free(w->other.codes);
    tsr_network_free(w->network);
    tsr_instance_free(w->model);
}

START_TEST(a_run_is_that_of_comparing_all_pairs)
{
    watching w;
    begin(&w);
    measure_and_check(&w, 0);
    tsr_set_threads(2);
    measure_and_check(&w, 0);
    tsr_set_threads(1);
    end(&w);
}
END_TEST

/* Of the second layer: its codes are those of the whole with the first one 0. */
START_TEST(a_layer_is_watched_alone)
{
    watching w;
    begin(&w);
    watched *const all[] = { &w.train, &w.test, &w.other };
    for (int p = 0; p < 3; p++)
        for (size_t i = 0; i < all[p]->n; i++)
            for (size_t j = 0; j < 64; j++)
                set_bit(all[p]->codes, i, j, false);
    measure_and_check(&w, 1);
    end(&w);
}
END_TEST

START_TEST(what_it_cannot_watch_is_refused)
{
    tsr_instance *instance = test_instance(TSR_PROBE, "plugin = \"monitor\";");
    const tsr_probe_sizes sizes = {
        .n_train = 10, .n_test = 10, .classes = 2, .shape = TSR_SHAPE(1), .projection = 5
    };
    ck_fails(((const tsr_probe_ops *)tsr_instance_ops(instance))->check(tsr_instance_self(instance), &sizes),
             TSR_REFUSED, "a monitor is of whole layers: expected projection = 0");
    tsr_instance_free(instance);
    ck_fails(probe_check("plugin = \"monitor\";", (1 << 24) + 1, 10, 2), TSR_REFUSED,
             "expected at most 16777216");
    ck_fails(probe_check("plugin = \"monitor\"; other = { plugin = \"digits\"; };", 10, 10, 2), TSR_REFUSED,
             "other: its inputs have 64 values, expected 1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tests = tcase_create("monitor");
    tcase_add_test(tests, known_scores_have_the_known_auroc);
    tcase_add_test(tests, the_roc_curve_passes_through_all_thresholds_and_has_the_auroc_below_it);
    tcase_add_test(tests, rankings_are_those_of_all_pairs_and_thresholds);
    tcase_add_test(tests, a_code_between_the_stored_ones_is_out_at_0_and_in_at_1);
    tcase_add_test(tests, distances_are_those_of_all_pairs_with_any_number_of_threads);
    tcase_add_test(tests, a_run_is_that_of_comparing_all_pairs);
    tcase_add_test(tests, a_layer_is_watched_alone);
    tcase_add_test(tests, what_it_cannot_watch_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
