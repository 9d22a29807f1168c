/* Constant columns: probes do not see them, and what is defined over all bits of a layer counts them all the
   same. So a probe says the same of codes without them, whose constant columns are known, and of the same
   codes with them; and where they do not count, they change nothing. */
#include "plugins/probe_support.h"

#include "codes/codes.h"
#include "plugin/instance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS = 12, N_TRAIN = 90, N_TEST = 41, CLASSES = 3 };

/* The probes, and metrics that are of the bits in use alone: a word of their names, or NULL. */
static const struct {
    const char *settings, *of_bits_in_use[2];
} probes[] = {
    { "plugin = \"information\";", { "random_redundancy", NULL } },
    { "plugin = \"units\"; tau = 0.2;", { NULL, NULL } },
    { "plugin = \"overlap\";", { NULL, NULL } },
    { "plugin = \"class_patterns\"; delta = 0.7;", { NULL, NULL } },
    { "plugin = \"zero_cost\"; batch = 10;", { NULL, NULL } },
    { "plugin = \"intrinsic_dimension\"; alpha = 0.5;", { NULL, NULL } },
    { "plugin = \"code_statistics\";", { "bits", "entropy" } },
    { "plugin = \"retrieval\"; k = 7;", { NULL, NULL } },
    { "plugin = \"redundancy\";", { NULL, NULL } },
    { "plugin = \"knn\"; k = 5;", { NULL, NULL } },
    { "plugin = \"kmeans\";", { NULL, NULL } },
};
#define N_PROBES (sizeof(probes) / sizeof(*probes))

/* Which units of a layer are constant, and their values: some of both layers; of the second, zeros alone. */
static bool is_constant(size_t layer, size_t unit, bool *value)
{
    *value = layer == 0 && unit == 7;
    return layer == 0 ? unit == 2 || unit == 7 : unit < 3;
}

/* Codes of two layers, of classes that take turns; the second layer begins at bit `second`. */
static tsr_codes *made(uint64_t seed, size_t n, size_t second)
{
    tsr_codes *random = random_codes(seed, n, 2 * UNITS, 0.15),
              *prototypes = random_codes(5, CLASSES, 2 * UNITS, 0.5), *codes;
    ck_succeeds(tsr_codes_new(n, second + UNITS, &codes));
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < 2; l++)
            for (size_t u = 0; u < UNITS; u++) {
                bool value, bit = get_bit(random, i, l * UNITS + u) !=
                                  get_bit(prototypes, i % CLASSES, l * UNITS + u);
                set_bit(codes, i, l * second + u, is_constant(l, u, &value) ? value : bit);
            }
    tsr_codes_free(random);
    tsr_codes_free(prototypes);
    return codes;
}

static tsr_metrics *measure(const char *settings, tsr_probing probing)
{
    static int32_t labels[N_TRAIN];
    tsr_instance *instance = test_instance(TSR_PROBE, settings);
    for (size_t i = 0; i < N_TRAIN; i++)
        labels[i] = (int32_t)(i % CLASSES);
    probing.train_labels = probing.test_labels = labels;
    probing.classes = CLASSES;
    probing.rng = tsr_rng_stream(1, TSR_FOR_PROBE, 0);
    ck_succeeds(tsr_metrics_new("probe", &probing.metrics));
    ck_succeeds(
        ((const tsr_probe_ops *)tsr_instance_ops(instance))->run(tsr_instance_self(instance), &probing));
    tsr_instance_free(instance);
    return probing.metrics;
}

static bool is_of_bits_in_use(const char *const *words, const char *name)
{
    return (words[0] && strstr(name, words[0])) || (words[1] && strstr(name, words[1]));
}

/* Two layers without the constant columns, which the network tells of. */
static seen_codes without_constant(void)
{
    return see_codes("plugin = \"mlp\"; width = 12; depth = 2; batch_norm = false;", 2, UNITS,
                     made(1, N_TRAIN, 64), made(2, N_TEST, 64));
}

START_TEST(constant_columns_that_are_dropped_count_as_if_they_were_there)
{
    seen_codes dropped = without_constant();
    tsr_codes *whole[2] = { made(1, N_TRAIN, UNITS), made(2, N_TEST, UNITS) };
    const tsr_code_layer layers[] = { { dropped.seen[0]->layers[0].name, 0, UNITS },
                                      { dropped.seen[0]->layers[1].name, UNITS, UNITS } };
    for (int part = 0; part < 2; part++)
        ck_succeeds(tsr_codes_set_layers(whole[part], 2, layers));
    ck_assert_uint_eq(dropped.seen[0]->bits, 2 * UNITS - 5);
    tsr_metrics *a = measure(probes[_i].settings, probing_of(&dropped));
    tsr_metrics *b = measure(probes[_i].settings, (tsr_probing){ .train = whole[0], .test = whole[1] });
    ck_assert_uint_eq(tsr_metrics_count(a), tsr_metrics_count(b));
    for (size_t i = 0; i < tsr_metrics_count(a); i++) {
        tsr_metric_value x = tsr_metrics_get(a, i), y = tsr_metrics_get(b, i);
        ck_assert_str_eq(x.name, y.name);
        if (is_of_bits_in_use(probes[_i].of_bits_in_use, x.name))
            continue;
        bool same =
            isnan(x.value) ? isnan(y.value) : fabs(x.value - y.value) <= 1e-12 * fmax(1, fabs(y.value));
        ck_assert_msg(same, "%s of %s: %.17g without the constant columns, %.17g with them", x.name,
                      probes[_i].settings, x.value, y.value);
    }
    tsr_metrics_free(a);
    tsr_metrics_free(b);
    tsr_codes_free(whole[0]);
    tsr_codes_free(whole[1]);
    seen_codes_clear(&dropped);
}
END_TEST

/* Metrics that the definitions take over all bits, so that constant ones change them. */
static bool counts_constant_bits(const char *settings, const char *name)
{
    static const struct {
        const char *probe, *words[6];
    } those[] = {
        { "units", { "bits", "dead", "always_on", "rare", "duplicates" } },
        { "overlap", { "oui" } },
        { "class_patterns", { "fixed" } },
        { "zero_cost", { "naswot", "swap" } },
    };
    for (size_t i = 0; i < sizeof(those) / sizeof(*those); i++)
        for (size_t w = 0; strstr(settings, those[i].probe) && w < 6 && those[i].words[w]; w++)
            if (strstr(name, those[i].words[w]))
                return true;
    return false;
}

/* The same codes where nothing is known of the columns that they lack. */
START_TEST(constant_columns_change_what_is_of_all_bits_alone)
{
    seen_codes dropped = without_constant();
    tsr_metrics *a = measure(probes[_i].settings, probing_of(&dropped));
    tsr_metrics *b =
        measure(probes[_i].settings, (tsr_probing){ .train = dropped.seen[0], .test = dropped.seen[1] });
    bool changes = false;
    for (size_t i = 0; i < tsr_metrics_count(a); i++) {
        tsr_metric_value x = tsr_metrics_get(a, i), y = tsr_metrics_get(b, i);
        ck_assert_str_eq(x.name, y.name);
        bool same = isnan(x.value) ? isnan(y.value) : x.value == y.value;
        bool may_differ = counts_constant_bits(probes[_i].settings, x.name);
        ck_assert_msg(same || may_differ, "%s of %s is %g, and %g without constant columns", x.name,
                      probes[_i].settings, x.value, y.value);
        changes |= !same;
    }
    ck_assert(changes == (counts_constant_bits(probes[_i].settings, "bits dead oui fixed naswot")));
    tsr_metrics_free(a);
    tsr_metrics_free(b);
    seen_codes_clear(&dropped);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("constant bits");
    TCase *tests = tcase_create("probes");
    tcase_add_loop_test(tests, constant_columns_that_are_dropped_count_as_if_they_were_there, 0, N_PROBES);
    tcase_add_loop_test(tests, constant_columns_change_what_is_of_all_bits_alone, 0, N_PROBES);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
