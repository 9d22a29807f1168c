/* Codes of a network against its pre-activations, and its loss and accuracy over a set. */
#include "codes_support.h"

#include "../nn/nets.h"
#include "base/machine.h"
#include "codes/extract.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ROWS 256
#define WIDE 1100 /* enough for threads to share */
#define NARROW 3
#define SAMPLES 600 /* two whole batches and a part */

/* Two layers of activations with breakpoints at -1 and 1. */
static tsr_node *two_layers(void *context, tsr_graph *graph, tsr_node *x, int classes)
{
    (void)context;
    x = tsr_named(graph, tsr_activate(graph, tsr_dense(graph, x, WIDE)), "wide");
    x = tsr_named(graph, tsr_activate(graph, tsr_dense(graph, x, NARROW)), "narrow");
    return tsr_dense(graph, x, classes);
}

typedef struct setting {
    tsr_instance *dataset;
    tsr_data *data;
    tsr_parts parts;
    test_net net;
} setting;

static setting open_setting(const tsr_split_options *options)
{
    setting s = { .dataset = test_instance(TSR_DATASET, "plugin = \"synthetic\"; train = 600; test = 40; "
                                                        "dimension = 11; classes = 4; separation = 2.0;") };
    ck_succeeds(tsr_data_open(s.dataset, &s.data));
    ck_succeeds(tsr_parts_new(s.data, options, &s.parts));
    s.net = net_new(two_layers, NULL, s.data->info.shape, 4, 5);
    return s;
}

static void close_setting(setting *s)
{
    net_free(&s->net);
    tsr_parts_clear(&s->parts);
    tsr_data_close(s->data);
    tsr_instance_free(s->dataset);
}

/* The pre-activations of a batch, by layer. */
typedef struct batch_seen {
    float wide[BATCH_ROWS * WIDE], narrow[BATCH_ROWS * NARROW];
} batch_seen;

static void see(void *context, const tsr_layer_values *layer)
{
    batch_seen *seen = context;
    memcpy(layer->number ? seen->narrow : seen->wide, layer->x, layer->n * layer->width * sizeof(float));
}

/* Each layer starts at a multiple of 64 columns, and so does its second breakpoint. */
static const size_t wide_at[] = { 0, 1152 }, narrow_at[] = { 2304, 2368 };
static const float breakpoints[] = { -1, 1 };

static bool expected_bit(const batch_seen *seen, size_t i, size_t j)
{
    for (size_t b = 0; b < 2; b++) {
        if (j >= wide_at[b] && j < wide_at[b] + WIDE)
            return seen->wide[i * WIDE + j - wide_at[b]] > breakpoints[b];
        if (j >= narrow_at[b] && j < narrow_at[b] + NARROW)
            return seen->narrow[i * NARROW + j - narrow_at[b]] > breakpoints[b];
    }
    return false;
}

static void check_rows(const tsr_codes *codes, size_t first, size_t n, const batch_seen *seen, size_t *ones)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < codes->stride * 64; j++) {
            wrong += get_bit(codes, first + i, j) != expected_bit(seen, i, j);
            *ones += get_bit(codes, first + i, j);
        }
    }
    ck_assert_uint_eq(wrong, 0);
}

static void check_layers(const tsr_codes *codes)
{
    ck_assert_uint_eq(codes->n_layers, 2);
    ck_assert_str_eq(codes->layers[0].name, "wide");
    ck_assert_str_eq(codes->layers[1].name, "narrow");
    ck_assert_uint_eq(codes->layers[0].first, 0);
    ck_assert_uint_eq(codes->layers[0].bits, 1152 + WIDE);
    ck_assert_uint_eq(codes->layers[1].first, 2304);
    ck_assert_uint_eq(codes->layers[1].bits, 64 + NARROW);
    ck_assert_uint_eq(codes->bits, 2368 + NARROW);
}

START_TEST(a_bit_tells_on_which_side_of_a_breakpoint_the_unit_is)
{
    setting s = open_setting(&(tsr_split_options){ .input_noise = 3, .seed = 1 });
    batch_seen *seen = malloc(sizeof(*seen));
    size_t scratch[BATCH_ROWS], ones = 0;
    tsr_codes *codes;
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &codes));
    ck_assert_uint_eq(codes->n, SAMPLES);
    check_layers(codes);
    for (size_t first = 0; first < SAMPLES; first += BATCH_ROWS) {
        size_t n = SAMPLES - first < BATCH_ROWS ? SAMPLES - first : BATCH_ROWS;
        tsr_samples_read_true(&s.parts.train, first, n, scratch, tsr_network_input_values(s.net.network),
                              NULL);
        tsr_network_forward(s.net.network, n, see, seen);
        check_rows(codes, first, n, seen, &ones);
    }
    ck_assert_uint_gt(ones, SAMPLES * 10);
    tsr_codes_free(codes);
    free(seen);
    close_setting(&s);
}
END_TEST

/* What a pass shows, gathered, and from which inputs on. */
typedef struct shown {
    float wide[SAMPLES * WIDE], narrow[SAMPLES * NARROW];
    size_t calls;
} shown;

static void gather(void *context, const tsr_layer_values *layer)
{
    shown *all = context;
    ck_assert_uint_eq(layer->width, layer->number ? NARROW : WIDE);
    memcpy((layer->number ? all->narrow : all->wide) + layer->first * layer->width, layer->x,
           layer->n * layer->width * sizeof(float));
    all->calls++;
}

START_TEST(one_pass_shows_layers_and_gives_outputs_and_codes)
{
    setting s = open_setting(&(tsr_split_options){ .seed = 1 });
    tsr_network *network = s.net.network;
    size_t size = tsr_shape_size(tsr_network_input(network)), width = (size_t)tsr_network_outputs(network);
    float *inputs = calloc(SAMPLES, size * sizeof(float)), *values = calloc(SAMPLES, WIDE * sizeof(float));
    float *outputs = calloc(SAMPLES, width * sizeof(float)), *alone = calloc(SAMPLES, width * sizeof(float));
    shown *all = calloc(1, sizeof(*all));
    size_t scratch[SAMPLES];
    tsr_codes *codes, *encoded;
    tsr_samples_read_true(&s.parts.train, 0, SAMPLES, scratch, inputs, NULL);
    ck_succeeds(tsr_network_encode(network, SAMPLES, inputs, &encoded));
    ck_succeeds(tsr_network_predict(network, SAMPLES, inputs, alone));
    ck_succeeds(tsr_network_see(network, SAMPLES, inputs, gather, all, outputs, &codes));
    ck_assert_uint_gt(all->calls, 2); /* batches */
    ck_assert_mem_eq(outputs, alone, SAMPLES * width * sizeof(float));
    ck_assert_uint_eq(codes->n, SAMPLES);
    check_layers(codes);
    ck_assert_mem_eq(codes->words, encoded->words, SAMPLES * codes->stride * sizeof(uint64_t));
    ck_succeeds(tsr_network_values(network, 0, SAMPLES, inputs, values));
    ck_assert_mem_eq(all->wide, values, sizeof(all->wide));
    ck_succeeds(tsr_network_values(network, 1, SAMPLES, inputs, values));
    ck_assert_mem_eq(all->narrow, values, sizeof(all->narrow));
    tsr_codes_free(codes);
    all->calls = 0;
    ck_succeeds(tsr_network_see(network, SAMPLES, inputs, NULL, NULL, NULL, &codes));
    ck_assert_mem_eq(codes->words, encoded->words, SAMPLES * codes->stride * sizeof(uint64_t));
    ck_succeeds(tsr_network_see(network, 3, inputs, gather, all, NULL, NULL));
    ck_assert_uint_eq(all->calls, 2);
    tsr_codes_free(codes);
    tsr_codes_free(encoded);
    free(inputs);
    free(values);
    free(outputs);
    free(alone);
    free(all);
    close_setting(&s);
}
END_TEST

/* Two activations of maps of 70 channels x 3 x 7, the second of sums. */
#define CHANNELS 70
#define POSITIONS 21
static tsr_node *maps(void *context, tsr_graph *graph, tsr_node *x, int classes)
{
    (void)context;
    tsr_node *first = tsr_named(graph, tsr_activate(graph, x), "first");
    tsr_node *second = tsr_named(graph, tsr_activate(graph, tsr_add(graph, x, first)), "second");
    tsr_node *flat = tsr_named(graph, tsr_activate(graph, tsr_dense(graph, second, NARROW)), "flat");
    return tsr_dense(graph, flat, classes);
}

#define MAPS 30 /* samples */
static float seen_maps[3][MAPS * CHANNELS * POSITIONS];

static void see_maps(void *context, const tsr_layer_values *layer)
{
    const int *layers = context;
    memcpy(seen_maps[layers[layer->number]], layer->x, layer->n * layer->width * sizeof(float));
}

START_TEST(chosen_layers_alone_give_bits_a_channel_one_for_its_sum)
{
    static const int all[] = { 0, 1, 2 };
    static float inputs[MAPS * CHANNELS * POSITIONS];
    test_net whole = net_new(maps, NULL, TSR_SHAPE(CHANNELS, 3, 7), 4, 5);
    test_net pooled = net_new(maps, NULL, TSR_SHAPE(CHANNELS, 3, 7), 4, 5);
    const char *names[] = { "flat", "second" };
    ck_succeeds(tsr_network_choose_code(pooled.network, &(tsr_code_choice){ 2, names, true }));
    ck_assert_uint_eq(tsr_network_n_layers(pooled.network), 2);
    fill_random(MAPS * CHANNELS * POSITIONS, inputs, 9);
    tsr_codes *codes;
    ck_succeeds(tsr_network_encode(pooled.network, MAPS, inputs, &codes));
    ck_succeeds(tsr_network_plan(whole.network, MAPS, false));
    memcpy(tsr_network_input_values(whole.network), inputs, sizeof(inputs));
    tsr_network_forward(whole.network, MAPS, see_maps, (void *)(uintptr_t)all);
    ck_assert_uint_eq(codes->n_layers, 2);
    ck_assert_str_eq(codes->layers[0].name, "second");
    ck_assert_uint_eq(codes->layers[0].bits, 128 + CHANNELS); /* two breakpoints */
    ck_assert_str_eq(codes->layers[1].name, "flat");
    ck_assert_uint_eq(codes->layers[1].bits, 64 + NARROW);
    for (size_t i = 0; i < MAPS; i++)
        for (size_t c = 0; c < CHANNELS; c++) {
            double sum = 0;
            for (size_t p = 0; p < POSITIONS; p++)
                sum += (double)seen_maps[1][(i * CHANNELS + c) * POSITIONS + p];
            if (fabs(sum - 1) < 1e-4 || fabs(sum + 1) < 1e-4)
                continue;
            ck_assert_int_eq(get_bit(codes, i, c), sum > -1);
            ck_assert_int_eq(get_bit(codes, i, 128 + c), sum > 1);
        }
    for (size_t i = 0; i < MAPS; i++)
        for (size_t u = 0; u < NARROW; u++)
            ck_assert_int_eq(get_bit(codes, i, codes->layers[1].first + u),
                             seen_maps[2][i * NARROW + u] > -1);
    tsr_codes_free(codes);
    net_free(&whole);
    net_free(&pooled);
}
END_TEST

START_TEST(a_layer_that_is_not_there_is_refused_with_those_that_are)
{
    test_net net = net_new(maps, NULL, TSR_SHAPE(CHANNELS, 3, 7), 4, 5);
    const char *names[] = { "first", "third" };
    ck_fails(tsr_network_choose_code(net.network, &(tsr_code_choice){ 2, names, false }), TSR_REFUSED,
             "no layer of the code is called 'third', expected of: first, second, flat");
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 3);
    ck_succeeds(tsr_network_choose_code(net.network, &(tsr_code_choice){ 0 }));
    ck_assert_uint_eq(tsr_network_n_layers(net.network), 3);
    ck_assert_uint_eq(tsr_network_code_source(net.network, 1)->units, CHANNELS * POSITIONS);
    net_free(&net);
}
END_TEST

START_TEST(codes_do_not_depend_on_the_number_of_threads)
{
    setting s = open_setting(&(tsr_split_options){ .seed = 1 });
    tsr_codes *one, *two;
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &one));
    tsr_set_threads(2);
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &two));
    ck_assert_mem_eq(one->words, two->words, one->n * one->stride * sizeof(uint64_t));
    tsr_codes_free(one);
    tsr_codes_free(two);
    close_setting(&s);
}
END_TEST

START_TEST(inputs_at_hand_get_the_codes_of_the_same_samples)
{
    setting s = open_setting(&(tsr_split_options){ .seed = 1 });
    size_t scratch[SAMPLES], size = tsr_shape_size(s.data->info.shape);
    float *inputs = malloc(SAMPLES * size * sizeof(*inputs));
    tsr_codes *extracted, *encoded;
    tsr_samples_read_true(&s.parts.train, 0, SAMPLES, scratch, inputs, NULL);
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &extracted));
    ck_succeeds(tsr_network_encode(s.net.network, SAMPLES, inputs, &encoded));
    check_layers(encoded);
    ck_assert_mem_eq(encoded->words, extracted->words, SAMPLES * encoded->stride * sizeof(uint64_t));
    tsr_codes_free(encoded);
    ck_succeeds(tsr_network_encode(s.net.network, 0, inputs, &encoded));
    ck_assert_uint_eq(encoded->n, 0);
    check_layers(encoded);
    tsr_codes_free(encoded);
    tsr_codes_free(extracted);
    free(inputs);
    close_setting(&s);
}
END_TEST

START_TEST(the_mean_is_subtracted_from_inputs_at_hand_too)
{
    setting s = open_setting(&(tsr_split_options){ .seed = 1 });
    size_t scratch[SAMPLES], size = tsr_shape_size(s.data->info.shape);
    float *inputs = malloc(SAMPLES * size * sizeof(*inputs)), logits[4], expected[4];
    tsr_codes *extracted, *encoded, *otherwise;
    tsr_samples_read_true(&s.parts.train, 0, SAMPLES, scratch, inputs, NULL);
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &otherwise));
    ck_succeeds(tsr_parts_subtract_mean(&s.parts));
    tsr_network_subtract(s.net.network, s.parts.mean);
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &extracted));
    ck_succeeds(tsr_network_encode(s.net.network, SAMPLES, inputs, &encoded));
    ck_assert_mem_eq(encoded->words, extracted->words, SAMPLES * encoded->stride * sizeof(uint64_t));
    ck_assert_mem_ne(otherwise->words, extracted->words, SAMPLES * encoded->stride * sizeof(uint64_t));
    ck_succeeds(tsr_network_predict(s.net.network, 1, inputs, logits));
    tsr_samples_read(&s.parts.train, 1, &(size_t){ 0 }, scratch, tsr_network_input_values(s.net.network),
                     NULL);
    tsr_network_forward(s.net.network, 1, NULL, NULL);
    memcpy(expected, tsr_network_logits(s.net.network), sizeof(expected));
    ck_assert_mem_eq(logits, expected, sizeof(expected));
    tsr_codes_free(otherwise);
    tsr_codes_free(encoded);
    tsr_codes_free(extracted);
    free(inputs);
    close_setting(&s);
}
END_TEST

/* Mean loss and accuracy with labels and inputs as trained on, one sample at a time. */
static tsr_evaluation evaluate_one_by_one(const setting *s, const tsr_samples *samples)
{
    double loss = 0, correct = 0;
    for (size_t i = 0; i < samples->n; i++) {
        size_t scratch, hits = 0;
        int32_t label;
        tsr_samples_read(samples, 1, &i, &scratch, tsr_network_input_values(s->net.network), &label);
        tsr_network_forward(s->net.network, 1, NULL, NULL);
        loss += tsr_network_loss(s->net.network, 1, &label, &hits);
        correct += (double)hits;
    }
    return (tsr_evaluation){ loss / (double)samples->n, correct / (double)samples->n };
}

START_TEST(evaluation_is_the_mean_over_samples_as_trained_on)
{
    setting s = open_setting(&(tsr_split_options){ .label_noise = 0.5, .input_noise = 0.5, .seed = 2 });
    tsr_evaluation evaluation;
    ck_succeeds(tsr_evaluate(s.net.network, &s.parts.train, &evaluation));
    tsr_evaluation expected = evaluate_one_by_one(&s, &s.parts.train);
    ck_assert_double_eq_tol(evaluation.loss, expected.loss, 1e-5);
    ck_assert_double_eq_tol(evaluation.accuracy, expected.accuracy, 0.5 / SAMPLES);
    ck_assert(evaluation.accuracy > 0 && evaluation.accuracy < 1);
    ck_succeeds(tsr_evaluate(s.net.network, &s.parts.holdout, &evaluation));
    ck_assert(isnan(evaluation.loss) && isnan(evaluation.accuracy));
    close_setting(&s);
}
END_TEST

START_TEST(both_at_once_give_what_each_gives)
{
    for (int noisy = 0; noisy < 3; noisy++) {
        setting s = open_setting(&(tsr_split_options){ .label_noise = 0.5,
                                                       .input_noise = noisy == 1 ? 0.5 : 0,
                                                       .instance_noise = noisy == 2 ? 0.5 : 0,
                                                       .seed = 2 });
        tsr_codes *alone, *together;
        tsr_evaluation expected, evaluation;
        ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &alone));
        ck_succeeds(tsr_evaluate(s.net.network, &s.parts.train, &expected));
        ck_succeeds(tsr_extract_and_evaluate(s.net.network, &s.parts.train, NULL, &together, &evaluation));
        ck_assert_mem_eq(alone->words, together->words, alone->n * alone->stride * sizeof(uint64_t));
        ck_assert(evaluation.loss == expected.loss && evaluation.accuracy == expected.accuracy);
        tsr_codes_free(alone);
        tsr_codes_free(together);
        close_setting(&s);
    }
}
END_TEST

START_TEST(a_network_can_train_again_after_extraction)
{
    setting s = open_setting(&(tsr_split_options){ .seed = 3 });
    tsr_codes *codes;
    ck_succeeds(tsr_network_plan(s.net.network, 32, true));
    int32_t *labels = random_batch(&s.net, 32);
    double before = tsr_network_gradient(s.net.network, 32, labels, 1, 1, NULL);
    ck_succeeds(tsr_extract(s.net.network, &s.parts.train, NULL, &codes));
    ck_succeeds(tsr_network_plan(s.net.network, 32, true));
    free(labels);
    labels = random_batch(&s.net, 32);
    ck_assert(tsr_network_gradient(s.net.network, 32, labels, 1, 1, NULL) == before);
    free(labels);
    tsr_codes_free(codes);
    close_setting(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("extract");
    TCase *tests = tcase_create("extract");
    tcase_add_test(tests, one_pass_shows_layers_and_gives_outputs_and_codes);
    tcase_add_test(tests, a_bit_tells_on_which_side_of_a_breakpoint_the_unit_is);
    tcase_add_test(tests, chosen_layers_alone_give_bits_a_channel_one_for_its_sum);
    tcase_add_test(tests, a_layer_that_is_not_there_is_refused_with_those_that_are);
    tcase_add_test(tests, codes_do_not_depend_on_the_number_of_threads);
    tcase_add_test(tests, inputs_at_hand_get_the_codes_of_the_same_samples);
    tcase_add_test(tests, the_mean_is_subtracted_from_inputs_at_hand_too);
    tcase_add_test(tests, evaluation_is_the_mean_over_samples_as_trained_on);
    tcase_add_test(tests, both_at_once_give_what_each_gives);
    tcase_add_test(tests, a_network_can_train_again_after_extraction);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
