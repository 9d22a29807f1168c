/* Measuring the layers of the codes that a probe sees: names, columns, constant bits, reasons. */
#include "plugins/probe_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 5, ROWS = 30, FIRST = 64 };

/* A probing of two layers of 5 units, of which unit 1 of the second is always 1 and unit 2 always 0. */
typedef struct setting {
    seen_codes codes;
    tsr_probing probing;
} setting;

static tsr_codes *made(uint64_t seed)
{
    tsr_codes *codes = random_codes(seed, ROWS, FIRST + WIDTH, 0.5);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = WIDTH; j < FIRST; j++)
            set_bit(codes, i, j, false);
        set_bit(codes, i, FIRST + 1, true);
        set_bit(codes, i, FIRST + 2, false);
    }
    return codes;
}

static void open_setting(setting *s)
{
    s->codes =
        see_codes("plugin = \"mlp\"; width = 5; depth = 2; batch_norm = false;", 2, WIDTH, made(1), made(2));
    s->probing = probing_of(&s->codes);
    ck_succeeds(tsr_metrics_new("probe", &s->probing.metrics));
}

static void close_setting(setting *s)
{
    tsr_metrics_free(s->probing.metrics);
    seen_codes_clear(&s->codes);
}

static tsr_status *give(void *context, const tsr_measured *m)
{
    size_t *calls = context;
    ck_assert(m->layer == (*calls ? *calls - 1 : TSR_ALL_LAYERS));
    ++*calls;
    if (m->train) {
        ck_assert_uint_eq(m->train->bits, m->bits);
        ck_assert_ptr_null(m->test);
        for (size_t i = 0; i < m->train->n; i++)
            for (size_t j = 0; j < m->bits; j++)
                ck_assert(get_bit(m->train, i, j) == get_bit(m->probing->train, i, m->first + j));
    }
    TSR_TRY(tsr_measured_metric(m, NULL, (double)m->bits, "bits"));
    TSR_TRY(tsr_measured_metric(m, NULL, (double)(10 * m->zeros + m->ones), "constant%d", 7));
    return tsr_measured_metric(m, "for the sake of it", 3, "none");
}

static double value(const setting *s, const char *name)
{
    double out = 0;
    ck_assert_msg(tsr_metrics_find(s->probing.metrics, name, &out), "no metric %s", name);
    return out;
}

START_TEST(the_whole_code_is_measured_and_then_each_layer)
{
    setting s;
    size_t calls = 0;
    open_setting(&s);
    ck_succeeds(tsr_measure_layers(&s.probing, s.probing.train, NULL, give, &calls));
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(tsr_metrics_count(s.probing.metrics), 9);
    ck_assert(value(&s, "bits") == 8 && value(&s, "layer0.bits") == 5 && value(&s, "layer1.bits") == 3);
    ck_assert(value(&s, "constant7") == 11 && value(&s, "layer0.constant7") == 0 &&
              value(&s, "layer1.constant7") == 11);
    ck_assert(isnan(value(&s, "layer1.none")));
    ck_assert_str_eq(tsr_metrics_get(s.probing.metrics, 2).reason, "for the sake of it");
    ck_assert_ptr_null(tsr_metrics_get(s.probing.metrics, 0).reason);
    close_setting(&s);
}
END_TEST

START_TEST(a_code_of_one_layer_is_measured_once_under_both_names)
{
    setting s;
    size_t calls = 0;
    tsr_codes *layer;
    open_setting(&s);
    ck_succeeds(tsr_codes_slice(s.probing.train, 5, 3, &layer));
    s.probing.train = layer;
    ck_succeeds(tsr_measure_layers(&s.probing, NULL, NULL, give, &calls));
    ck_assert_uint_eq(calls, 1);
    ck_assert(value(&s, "bits") == 3 && value(&s, "layer0.bits") == 3 && value(&s, "layer0.constant7") == 11);
    ck_assert_uint_eq(tsr_probing_layer(&s.probing, 0), 1);
    tsr_codes_free(layer);
    close_setting(&s);
}
END_TEST

/* The columns of a layer in a row of the whole code. */
static uint64_t columns_of(const setting *s, size_t layer, size_t *n)
{
    uint64_t mask[2] = { 0 };
    *n = tsr_probing_columns(&s->probing, layer, mask);
    return mask[layer];
}

START_TEST(columns_are_those_seen_and_the_constant_ones_of_whole_layers)
{
    setting s;
    size_t n;
    open_setting(&s);
    ck_assert_uint_eq(tsr_probing_layer(&s.probing, 1), 1);
    ck_assert_uint_eq(tsr_probing_layer(&s.probing, 2), SIZE_MAX);
    ck_assert_uint_eq(columns_of(&s, 0, &n), 31);
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_eq(columns_of(&s, 1, &n), 31);
    ck_assert_uint_eq(n, 5);
    uint64_t both[2] = { 0 };
    ck_assert_uint_eq(tsr_probing_columns(&s.probing, TSR_ALL_LAYERS, both), 10);
    ck_assert(both[0] == 31 && both[1] == 31);
    ck_assert_uint_eq(tsr_probing_columns(&s.probing, 2, both), 0);
    /* A projection, without the first column. */
    tsr_codes *some[2];
    for (int part = 0; part < 2; part++)
        ck_succeeds(tsr_codes_slice(s.codes.seen[part], 1, 7, &some[part]));
    s.probing.train = some[0];
    s.probing.test = some[1];
    s.probing.columns++;
    ck_assert_uint_eq(columns_of(&s, 0, &n), 30);
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(columns_of(&s, 1, &n), 25); /* 0, 3 and 4 */
    ck_assert_uint_eq(n, 3);
    uint64_t seen[2] = { 0 };
    ck_assert_uint_eq(tsr_probing_columns(&s.probing, TSR_ALL_LAYERS, seen), 7);
    ck_assert(seen[0] == 30 && seen[1] == 25);
    s.probing.network = NULL;
    ck_assert_uint_eq(columns_of(&s, 0, &n), 0);
    ck_assert_uint_eq(tsr_probing_layer(&s.probing, 0), SIZE_MAX);
    for (int part = 0; part < 2; part++)
        tsr_codes_free(some[part]);
    close_setting(&s);
}
END_TEST

static tsr_status *fail_at_second(void *context, const tsr_measured *m)
{
    size_t *calls = context;
    (void)m;
    return ++*calls == 2 ? tsr_fail(TSR_FAILED, "the second") : NULL;
}

START_TEST(the_first_failure_ends_it)
{
    setting s;
    size_t calls = 0;
    open_setting(&s);
    ck_fails(tsr_measure_layers(&s.probing, s.probing.train, s.probing.test, fail_at_second, &calls),
             TSR_FAILED, "the second");
    ck_assert_uint_eq(calls, 2);
    close_setting(&s);
}
END_TEST

START_TEST(shares_are_the_numbers_that_are_written_for_them)
{
    for (uint64_t n = 1; n <= 1000; n++)
        if (1000 % n == 0)
            for (uint64_t count = 0; count <= n; count++) {
                char text[32];
                uint64_t thousandths = count * (1000 / n);
                snprintf(text, sizeof(text), "%d.%03d", (int)(thousandths / 1000), (int)(thousandths % 1000));
                ck_assert(tsr_share(count, n) == strtod(text, NULL));
            }
    ck_assert(isnan(tsr_share(0, 0)));
}
END_TEST

START_TEST(a_projection_is_refused_with_what_is_of_whole_layers)
{
    const tsr_probe_sizes whole = { 0 }, projected = { .projection = 4 }, pruned = { .projection = SIZE_MAX };
    ck_succeeds(tsr_refuse_projection(&whole, "lengths are"));
    ck_fails(tsr_refuse_projection(&projected, "lengths are"), TSR_REFUSED,
             "lengths are of whole layers: expected projection = 0 and unit_share = 1");
    ck_fails(tsr_refuse_projection(&pruned, "lengths are"), TSR_REFUSED, "lengths are of whole layers");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probed layers");
    TCase *tests = tcase_create("layers");
    tcase_add_test(tests, the_whole_code_is_measured_and_then_each_layer);
    tcase_add_test(tests, a_code_of_one_layer_is_measured_once_under_both_names);
    tcase_add_test(tests, columns_are_those_seen_and_the_constant_ones_of_whole_layers);
    tcase_add_test(tests, the_first_failure_ends_it);
    tcase_add_test(tests, shares_are_the_numbers_that_are_written_for_them);
    tcase_add_test(tests, a_projection_is_refused_with_what_is_of_whole_layers);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
