/* A share of each layer's units, as probes see it. */
#include "experiment/probed.h"

#include "nn/network.h"
#include "plugin/instance.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 70, ROWS = 40, INPUT = 5 };

/* An untrained network of two layers of 70 units, codes of random inputs, and the numbers of their columns.
 */
typedef struct setting {
    tsr_instance *model;
    tsr_network *network;
    tsr_codes *codes;
    uint32_t *columns;
} setting;

/* Every `step`-th unit of each layer has a column: the others are as if they were constant. */
static setting open_setting(size_t step)
{
    setting s = { .model = test_instance(TSR_MODEL, "plugin = \"mlp\"; width = 70; depth = 2;") };
    ck_succeeds(tsr_network_new(s.model, TSR_SHAPE(INPUT), 2, 3, &s.network));
    float inputs[ROWS * INPUT];
    tsr_rng rng = tsr_rng_stream(1, TSR_FOR_DATA, 0);
    tsr_rng_fill_uniform(&rng, ROWS * INPUT, inputs, -1, 1);
    tsr_codes *whole;
    ck_succeeds(tsr_network_encode(s.network, ROWS, inputs, &whole));
    uint64_t mask[8] = { 0 };
    s.columns = calloc(2 * WIDTH, sizeof(*s.columns));
    size_t n = 0;
    for (size_t l = 0; l < 2; l++)
        for (size_t u = 0; u < WIDTH; u += step) {
            size_t column = tsr_network_layer(s.network, l).first + u;
            mask[column / 64] |= UINT64_C(1) << column % 64;
            s.columns[n++] = (uint32_t)column;
        }
    ck_succeeds(tsr_codes_columns_in(NULL, whole, mask, &s.codes));
    ck_assert_uint_eq(s.codes->bits, n);
    tsr_codes_free(whole);
    return s;
}

static void close_setting(setting *s)
{
    tsr_codes_free(s->codes);
    free(s->columns);
    tsr_network_free(s->network);
    tsr_instance_free(s->model);
}

/* What a probe with such keys sees, by a stream of its own; `known`: where the columns are. */
static tsr_probed_codes choose(const setting *s, const tsr_probe_common *common, bool known, tsr_rng *rng)
{
    tsr_metrics *metrics;
    tsr_probed_codes out;
    ck_succeeds(tsr_metrics_new("probe", &metrics));
    *rng = tsr_rng_stream(9, TSR_FOR_PROBE, 2);
    ck_succeeds(tsr_choose_probed_codes(common, s->codes, s->codes, known ? s->columns : NULL,
                                        known ? s->network : NULL, NULL, rng, metrics, &out));
    double bits = -1;
    ck_assert(tsr_metrics_find(metrics, "pruned", &bits) == (common->unit_share < 1));
    if (common->unit_share < 1 && !common->projection)
        ck_assert_double_eq(bits, (double)out.train->bits);
    tsr_metrics_free(metrics);
    return out;
}

START_TEST(each_layer_keeps_its_share_of_units_and_at_least_one)
{
    static const struct {
        double share;
        size_t kept;
    } cases[] = { { 0.25, 18 }, { 0.5, 35 }, { 0.9, 63 }, { 0.001, 1 } };
    setting s = open_setting(1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (int known = 0; known < 2; known++) {
            tsr_rng rng;
            tsr_probed_codes seen =
                choose(&s, &(tsr_probe_common){ .unit_share = cases[i].share }, known, &rng);
            ck_assert_uint_eq(seen.train->n_layers, 2);
            ck_assert_uint_eq(seen.train->layers[0].bits, cases[i].kept);
            ck_assert_uint_eq(seen.train->layers[1].bits, cases[i].kept);
            tsr_probed_codes_clear(&seen);
        }
    close_setting(&s);
}
END_TEST

static bool bit(const tsr_codes *codes, size_t row, size_t column)
{
    return tsr_codes_row(codes, row)[column / 64] >> column % 64 & 1;
}

static size_t place_of(const uint32_t *columns, size_t n, uint32_t column)
{
    size_t at = 0;
    while (at < n && columns[at] != column)
        at++;
    return at;
}

START_TEST(the_columns_that_are_kept_are_those_of_their_numbers_in_both_codes)
{
    setting s = open_setting(1);
    tsr_rng rng;
    tsr_probed_codes seen = choose(&s, &(tsr_probe_common){ .unit_share = 0.3 }, true, &rng);
    for (size_t j = 0; j < seen.train->bits; j++) {
        size_t from = place_of(s.columns, s.codes->bits, seen.columns[j]);
        ck_assert_uint_lt(from, s.codes->bits);
        for (size_t i = 0; i < ROWS; i++) {
            ck_assert_int_eq(bit(seen.train, i, j), bit(s.codes, i, from));
            ck_assert_int_eq(bit(seen.test, i, j), bit(s.codes, i, from));
        }
    }
    tsr_probed_codes_clear(&seen);
    close_setting(&s);
}
END_TEST

START_TEST(units_are_drawn_from_all_that_a_layer_has_whatever_is_constant)
{
    setting all = open_setting(1), some = open_setting(3);
    const tsr_probe_common common = { .unit_share = 0.4 };
    tsr_rng rng;
    tsr_probed_codes of_all = choose(&all, &common, true, &rng), of_some = choose(&some, &common, true, &rng);
    size_t expected = 0;
    for (size_t j = 0; j < of_all.train->bits; j++)
        expected += place_of(some.columns, some.codes->bits, of_all.columns[j]) < some.codes->bits;
    ck_assert_uint_gt(expected, 5);
    ck_assert_uint_eq(of_some.train->bits, expected);
    for (size_t j = 0; j < of_some.train->bits; j++)
        ck_assert_uint_lt(place_of(of_all.columns, of_all.train->bits, of_some.columns[j]),
                          of_all.train->bits);
    tsr_probed_codes_clear(&of_all);
    tsr_probed_codes_clear(&of_some);
    close_setting(&all);
    close_setting(&some);
}
END_TEST

START_TEST(layers_come_before_the_share_and_a_projection_after_it)
{
    setting s = open_setting(1);
    tsr_rng rng;
    const int64_t second[] = { 1 };
    const tsr_probe_common common = { .layers = { 1, second }, .unit_share = 0.5, .projection = 10 };
    tsr_probed_codes seen = choose(&s, &common, true, &rng);
    ck_assert_uint_eq(seen.train->bits, 10);
    for (size_t j = 0; j < 10; j++)
        ck_assert_uint_eq(tsr_network_column(s.network, seen.columns[j]).layer, 1);
    ck_assert_str_eq(tsr_probed_prefix(&common), "pruned_projected_");
    ck_assert_uint_eq(tsr_probed_at_most(&common), 10);
    tsr_probed_codes_clear(&seen);
    close_setting(&s);
}
END_TEST

START_TEST(the_whole_share_is_the_codes_themselves_and_draws_nothing)
{
    setting s = open_setting(1);
    tsr_rng rng, before = tsr_rng_stream(9, TSR_FOR_PROBE, 2);
    const tsr_probe_common common = { .unit_share = 1 };
    tsr_probed_codes seen = choose(&s, &common, true, &rng);
    ck_assert_ptr_eq(seen.train, s.codes);
    ck_assert_mem_eq(&rng, &before, sizeof(rng));
    ck_assert_str_eq(tsr_probed_prefix(&common), "");
    ck_assert_uint_eq(tsr_probed_at_most(&common), 0);
    tsr_probed_codes_clear(&seen);
    close_setting(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probed");
    TCase *tests = tcase_create("probed");
    tcase_add_test(tests, each_layer_keeps_its_share_of_units_and_at_least_one);
    tcase_add_test(tests, the_columns_that_are_kept_are_those_of_their_numbers_in_both_codes);
    tcase_add_test(tests, units_are_drawn_from_all_that_a_layer_has_whatever_is_constant);
    tcase_add_test(tests, layers_come_before_the_share_and_a_projection_after_it);
    tcase_add_test(tests, the_whole_share_is_the_codes_themselves_and_draws_nothing);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
