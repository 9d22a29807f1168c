/* The redundancy ratio. */
#include "plugins/probe_support.h"

#include "base/machine.h"
#include "nn/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDUNDANCY "plugin = \"redundancy\";"
#define RANDOM 700 /* two whole blocks and a part */
#define INPUT 4

START_TEST(redundancy_of_identical_rows_is_one_minus_one_over_n)
{
    labelled data = blobs(1, 8, 5, 1, 40, 0);
    ck_assert(probe_metric(REDUNDANCY, &data, "train") == 7.0 / 8);
    ck_assert(probe_metric(REDUNDANCY, &data, "test") == 4.0 / 5);
    labelled_clear(&data);
}
END_TEST

START_TEST(redundancy_of_distinct_rows_is_zero)
{
    labelled data = blobs(2, 50, 30, 50, 100, 0);
    ck_assert(probe_metric(REDUNDANCY, &data, "train") == 0);
    ck_assert(probe_metric(REDUNDANCY, &data, "test") == 0);
    labelled_clear(&data);
}
END_TEST

START_TEST(redundancy_counts_each_set_apart)
{
    static const char *const train[] = { "011", "011", "110", "011", "000" };
    static const char *const test[] = { "011", "011", "011" };
    labelled data = { .train = codes_of(5, train), .test = codes_of(3, test), .classes = 1 };
    ck_assert(probe_metric(REDUNDANCY, &data, "train") == 2.0 / 5);
    ck_assert(probe_metric(REDUNDANCY, &data, "test") == 1 - 1.0 / 3);
    labelled_clear(&data);
}
END_TEST

START_TEST(redundancy_stays_under_a_mask_and_with_more_threads)
{
    labelled data = blobs(3, 500, 200, 10, 77, 0.01);
    double ratio = probe_metric(REDUNDANCY, &data, "train");
    ck_assert(ratio > 0.05 && ratio < 0.95);
    ck_same_when_masked(REDUNDANCY, &data);
    labelled_clear(&data);
    data = blobs(4, 5000, 200, 10, 1000, 0.0005);
    ck_same_with_two_threads(REDUNDANCY, &data);
    labelled_clear(&data);
}
END_TEST

/* Random inputs: an untrained network of two layers of three units. */
typedef struct small_net {
    tsr_instance *model;
    tsr_network *network;
    tsr_codes *seen; /* one row, for its layers */
    tsr_rng rng;
} small_net;

static small_net small_net_new(void)
{
    small_net net = { .model = test_instance(TSR_MODEL, "plugin = \"mlp\"; width = 3; depth = 2; "
                                                        "batch_norm = false;"),
                      .rng = tsr_rng_stream(5, TSR_FOR_PROBE, 1) };
    ck_succeeds(tsr_network_new(net.model, TSR_SHAPE(INPUT), 2, 3, &net.network));
    ck_succeeds(tsr_network_encode(net.network, 1, (const float[INPUT]){ 0 }, &net.seen));
    return net;
}

static void small_net_free(small_net *net)
{
    tsr_codes_free(net->seen);
    tsr_network_free(net->network);
    tsr_instance_free(net->model);
}

/* The metric `name` of a probe with these keys, on a network's codes of which `seen` are train and test. */
static double random_metric(const small_net *net, const char *keys, const char *name, const tsr_codes *train,
                            const tsr_codes *test)
{
    char settings[256];
    snprintf(settings, sizeof(settings), REDUNDANCY " %s", keys);
    tsr_instance *instance = test_instance(TSR_PROBE, settings);
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_metrics *metrics;
    ck_succeeds(tsr_metrics_new("redundancy", &metrics));
    tsr_probing probing = { .train = train,
                            .test = test,
                            .classes = 2,
                            .rng = net->rng,
                            .network = net->network,
                            .metrics = metrics };
    ck_succeeds(ops->run(tsr_instance_self(instance), &probing));
    double value = metric(metrics, name);
    tsr_metrics_free(metrics);
    tsr_instance_free(instance);
    return value;
}

static double random_redundancy(const small_net *net, const char *range)
{
    char keys[128];
    snprintf(keys, sizeof(keys), "random = %d; random_range = \"%s\";", RANDOM, range);
    return random_metric(net, keys, "random", net->seen, net->seen);
}

/* Every row compared with all before it, in the words first .. first + n - 1. */
static double counted_redundancy(const tsr_codes *codes, size_t first, size_t n)
{
    size_t repeated = 0;
    for (size_t i = 0; i < codes->n; i++)
        for (size_t j = 0; j < i; j++)
            if (memcmp(tsr_codes_row(codes, i) + first, tsr_codes_row(codes, j) + first,
                       n * sizeof(uint64_t)) == 0) {
                repeated++;
                break;
            }
    return (double)repeated / (double)codes->n;
}

/* The same inputs drawn and encoded in one go. */
static tsr_codes *encode_at_once(const small_net *net, float low, float factor)
{
    tsr_rng rng = net->rng;
    float *inputs = malloc(RANDOM * INPUT * sizeof(*inputs));
    ck_assert_ptr_nonnull(inputs);
    tsr_rng_fill_uniform(&rng, RANDOM * INPUT, inputs, low, 1);
    for (size_t i = 0; i < RANDOM * INPUT; i++)
        inputs[i] *= factor;
    tsr_codes *codes = NULL;
    ck_succeeds(tsr_network_encode(net->network, RANDOM, inputs, &codes));
    free(inputs);
    return codes;
}

static const struct {
    const char *word;
    float low, factor;
} random_ranges[] = { { "unit", 0, 1 }, { "negative", 0, -1 }, { "symmetric", -1, 1 } };

START_TEST(redundancy_of_random_inputs_is_what_counting_them_gives)
{
    small_net net = small_net_new();
    tsr_codes *codes = encode_at_once(&net, random_ranges[_i].low, random_ranges[_i].factor);
    double counted = counted_redundancy(codes, 0, codes->stride);
    ck_assert(counted > 0.5 && counted < 1 - 1.5 / RANDOM);
    ck_assert(random_redundancy(&net, random_ranges[_i].word) == counted);
    tsr_codes_free(codes);
    small_net_free(&net);
}
END_TEST

/* Some rows of the codes of the inputs that one stream gives. */
static tsr_codes *rows_of(const tsr_codes *codes, size_t first, size_t n)
{
    tsr_codes *out = NULL;
    ck_succeeds(tsr_codes_new(n, codes->bits, &out));
    for (size_t i = 0; i < n; i++)
        memcpy(out->words + i * out->stride, tsr_codes_row(codes, first + i),
               codes->stride * sizeof(uint64_t));
    return out;
}

START_TEST(random_inputs_as_parts_are_as_many_as_train_and_test_and_all_differ)
{
    enum { TRAIN = 410, TEST = RANDOM - TRAIN };
    small_net net = small_net_new();
    tsr_codes *codes = encode_at_once(&net, random_ranges[_i].low, random_ranges[_i].factor);
    tsr_codes *train = rows_of(codes, 0, TRAIN), *test = rows_of(codes, TRAIN, TEST);
    char keys[128];
    snprintf(keys, sizeof(keys), "random_as_parts = true; random_range = \"%s\";", random_ranges[_i].word);
    double of_train = random_metric(&net, keys, "random.train", train, test),
           of_test = random_metric(&net, keys, "random.test", train, test);
    ck_assert(of_train == counted_redundancy(train, 0, codes->stride));
    ck_assert(of_test == counted_redundancy(test, 0, codes->stride));
    ck_assert(of_train != of_test);
    tsr_codes_free(train);
    tsr_codes_free(test);
    tsr_codes_free(codes);
    small_net_free(&net);
}
END_TEST

START_TEST(random_inputs_as_parts_want_the_network_and_no_projection)
{
    tsr_instance *instance = test_instance(TSR_PROBE, REDUNDANCY " random_as_parts = true;");
    const tsr_probe_ops *ops = tsr_instance_ops(instance);
    tsr_probe_sizes sizes = { .n_train = 5, .n_test = 5 };
    ck_fails(ops->check(tsr_instance_self(instance), &sizes), TSR_REFUSED,
             "only codes are known here: expected random_as_parts = false");
    sizes.shape = TSR_SHAPE(4);
    ck_succeeds(ops->check(tsr_instance_self(instance), &sizes));
    sizes.projection = 3;
    ck_fails(
        ops->check(tsr_instance_self(instance), &sizes), TSR_REFUSED,
        "random inputs, for which 'random_as_parts' asks, are of whole layers: expected projection = 0 and "
        "unit_share = 1");
    tsr_instance_free(instance);
}
END_TEST

START_TEST(random_inputs_are_told_apart_by_the_layers_that_the_probe_sees)
{
    small_net net = small_net_new();
    tsr_codes *codes = encode_at_once(&net, -1, 1), *second = NULL;
    ck_succeeds(tsr_codes_slice(net.seen, net.seen->layers[1].first, net.seen->layers[1].bits, &second));
    double all = random_redundancy(&net, "symmetric");
    tsr_codes_free(net.seen);
    net.seen = second;
    double alone = random_redundancy(&net, "symmetric");
    ck_assert(alone == counted_redundancy(codes, 1, 1));
    ck_assert(alone > all);
    tsr_codes_free(codes);
    small_net_free(&net);
}
END_TEST

START_TEST(random_inputs_do_not_depend_on_threads)
{
    small_net net = small_net_new();
    tsr_set_threads(2);
    double two = random_redundancy(&net, "unit");
    tsr_set_threads(1);
    ck_assert(random_redundancy(&net, "unit") == two);
    small_net_free(&net);
}
END_TEST

START_TEST(an_empty_part_has_no_redundancy_and_says_so)
{
    small_net net = small_net_new();
    tsr_codes *none;
    tsr_metrics *metrics;
    tsr_instance *instance = test_instance(TSR_PROBE, REDUNDANCY " random_as_parts = true;");
    ck_succeeds(tsr_codes_new(0, net.seen->bits, &none));
    ck_succeeds(tsr_metrics_new("label", &metrics));
    const tsr_probing probing = {
        .train = net.seen, .test = none, .rng = net.rng, .network = net.network, .metrics = metrics
    };
    ck_succeeds(
        ((const tsr_probe_ops *)tsr_instance_ops(instance))->run(tsr_instance_self(instance), &probing));
    ck_assert(metric(metrics, "train") == 0 && metric(metrics, "random.train") == 0);
    for (size_t i = 0; i < tsr_metrics_count(metrics); i++) {
        tsr_metric_value value = tsr_metrics_get(metrics, i);
        if (strstr(value.name, "test"))
            ck_assert_str_eq(value.reason, "there are no examples");
    }
    tsr_metrics_free(metrics);
    tsr_codes_free(none);
    tsr_instance_free(instance);
    small_net_free(&net);
}
END_TEST

START_TEST(without_random_there_is_no_such_metric)
{
    labelled data = blobs(2, 5, 3, 5, 10, 0);
    tsr_metrics *metrics = probe(REDUNDANCY, &data);
    double value;
    ck_assert(!tsr_metrics_find(metrics, "random", &value));
    tsr_metrics_free(metrics);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redundancy");
    TCase *tests = tcase_create("redundancy");
    tcase_add_test(tests, redundancy_of_identical_rows_is_one_minus_one_over_n);
    tcase_add_test(tests, redundancy_of_distinct_rows_is_zero);
    tcase_add_test(tests, redundancy_counts_each_set_apart);
    tcase_add_test(tests, redundancy_stays_under_a_mask_and_with_more_threads);
    tcase_add_loop_test(tests, redundancy_of_random_inputs_is_what_counting_them_gives, 0, 3);
    tcase_add_loop_test(tests, random_inputs_as_parts_are_as_many_as_train_and_test_and_all_differ, 0, 3);
    tcase_add_test(tests, random_inputs_as_parts_want_the_network_and_no_projection);
    tcase_add_test(tests, random_inputs_are_told_apart_by_the_layers_that_the_probe_sees);
    tcase_add_test(tests, random_inputs_do_not_depend_on_threads);
    tcase_add_test(tests, an_empty_part_has_no_redundancy_and_says_so);
    tcase_add_test(tests, without_random_there_is_no_such_metric);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
