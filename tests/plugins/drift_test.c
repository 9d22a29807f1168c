/* Drift between two snapshots, against a known value and against comparing bit by bit. */
#include "plugins/probe_support.h"

#include "codes/codes.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ck_near(value, expected, off) ck_assert_double_eq_tol(value, expected, off)

typedef struct snapshots {
    seen_codes now;
    tsr_codes *before[2]; /* of training and test */
} snapshots;

static void snapshots_clear(snapshots *s)
{
    tsr_codes_free(s->before[0]);
    tsr_codes_free(s->before[1]);
    seen_codes_clear(&s->now);
}

static tsr_metrics *measure(const snapshots *s, bool first)
{
    tsr_instance *instance = test_instance(TSR_PROBE, "plugin = \"drift\";");
    tsr_metrics *metrics;
    ck_succeeds(tsr_metrics_new("drift", &metrics));
    tsr_probing probing = probing_of(&s->now);
    probing.metrics = metrics;
    probing.previous_train = first ? NULL : s->before[0];
    probing.previous_test = first ? NULL : s->before[1];
    ck_succeeds(
        ((const tsr_probe_ops *)tsr_instance_ops(instance))->run(tsr_instance_self(instance), &probing));
    tsr_instance_free(instance);
    return metrics;
}

START_TEST(known_codes_have_the_known_drift)
{
    static const char *const before[] = { "00", "01", "11" }, *const now[] = { "00", "11", "11" };
    snapshots s = { .before = { codes_of(3, before), codes_of(3, before) } };
    s.now = see_codes("plugin = \"mlp\"; width = 2; batch_norm = false;", 1, 2, codes_of(3, now),
                      codes_of(3, before));
    tsr_metrics *m = measure(&s, false);
    ck_near(metric(m, "flipped.train"), 1 / 6.0, 1e-12);
    ck_near(metric(m, "changed.train"), 1 / 3.0, 1e-12);
    ck_near(metric(m, "jaccard.train"), 2 / 3.0, 1e-12);
    ck_near(metric(m, "layer0.flipped.train"), 1 / 6.0, 1e-12);
    ck_assert(metric(m, "flipped.test") == 0 && metric(m, "changed.test") == 0 &&
              metric(m, "jaccard.test") == 1);
    tsr_metrics_free(m);
    m = measure(&s, true);
    for (size_t i = 0; i < tsr_metrics_count(m); i++)
        ck_assert_str_eq(tsr_metrics_get(m, i).reason, "there is no snapshot before this one");
    tsr_metrics_free(m);
    snapshots_clear(&s);
}
END_TEST

#define FIRST 64 /* column of the second layer */
#define UNITS 5

/* Codes of two layers of 5 units, a bit of which is constant now. */
static tsr_codes *made(uint64_t seed, size_t n, bool constant)
{
    tsr_codes *codes = random_codes(seed, n, FIRST + UNITS, 0.3);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = UNITS; j < FIRST; j++)
            set_bit(codes, i, j, false);
        if (constant)
            set_bit(codes, i, FIRST + 1, true);
    }
    return codes;
}

static bool same(const tsr_codes *a, size_t i, const tsr_codes *b, size_t k, size_t first, size_t end)
{
    for (size_t j = first; j < end; j++)
        if (get_bit(a, i, j) != get_bit(b, k, j))
            return false;
    return true;
}

/* Codes of `a` that no earlier row of it has, and that `in` has if it is given. */
static size_t count(const tsr_codes *a, const tsr_codes *in, size_t first, size_t end)
{
    size_t distinct = 0;
    for (size_t i = 0; i < a->n; i++) {
        bool is_new = true, is_in = in == NULL;
        for (size_t k = 0; k < i; k++)
            is_new = is_new && !same(a, i, a, k, first, end);
        for (size_t k = 0; in && k < in->n; k++)
            is_in = is_in || same(a, i, in, k, first, end);
        distinct += is_new && is_in;
    }
    return distinct;
}

static void check(const tsr_metrics *m, const char *prefix, const tsr_codes *now, const tsr_codes *before,
                  size_t first, size_t end, size_t bits)
{
    double flipped = 0, changed = 0, both = (double)count(now, before, first, end);
    char name[64];
    for (size_t i = 0; i < now->n; i++) {
        for (size_t j = first; j < end; j++)
            flipped += get_bit(now, i, j) != get_bit(before, i, j);
        changed += !same(now, i, before, i, first, end);
    }
    snprintf(name, sizeof(name), "%sflipped.train", prefix);
    ck_near(metric(m, name), flipped / (double)(now->n * bits), 1e-12);
    snprintf(name, sizeof(name), "%schanged.train", prefix);
    ck_near(metric(m, name), changed / (double)now->n, 1e-12);
    snprintf(name, sizeof(name), "%sjaccard.train", prefix);
    ck_near(metric(m, name),
            both / ((double)count(now, NULL, first, end) + (double)count(before, NULL, first, end) - both),
            1e-12);
}

START_TEST(drift_is_that_of_comparing_bit_by_bit)
{
    snapshots s = { .before = { made(3, 40, false), made(4, 30, false) } };
    s.now = see_codes("plugin = \"mlp\"; width = 5; depth = 2; batch_norm = false;", 2, UNITS,
                      made(1, 40, true), made(2, 30, true));
    tsr_metrics *m = measure(&s, false);
    check(m, "", s.now.whole[0], s.before[0], 0, FIRST + UNITS, 2 * UNITS);
    check(m, "layer0.", s.now.whole[0], s.before[0], 0, UNITS, UNITS);
    check(m, "layer1.", s.now.whole[0], s.before[0], FIRST, FIRST + UNITS, UNITS);
    tsr_metrics_free(m);
    snapshots_clear(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drift");
    TCase *tests = tcase_create("drift");
    tcase_add_test(tests, known_codes_have_the_known_drift);
    tcase_add_test(tests, drift_is_that_of_comparing_bit_by_bit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
