/* What disturbs the examples that train: labels that change places, inputs that are replaced, and examples
   that are spread over the data. */
#include "data/fixture.h"

#include "data/noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 200 };

/* The labels of a training part of 200, as trained on. */
static void read_labels(const tsr_data *data, const tsr_split_options *options, int32_t *labels)
{
    tsr_parts parts;
    size_t index[N];
    ck_succeeds(tsr_parts_new(data, options, &parts));
    ck_assert_uint_eq(parts.train.n, N);
    for (size_t i = 0; i < N; i++)
        index[i] = i;
    tsr_samples_read(&parts.train, N, index, index, NULL, labels);
    tsr_parts_clear(&parts);
}

static size_t different(size_t n, const int32_t *a, const int32_t *b)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += a[i] != b[i];
    return count;
}

START_TEST(permuted_labels_keep_every_class_its_number_of_examples)
{
    tsr_data *data = counted_open("train = 200; classes = 7;");
    tsr_split_options options = { .permute_labels = true, .seed = 3 };
    int32_t labels[N], truth[N];
    read_labels(data, &options, truth);
    for (int tenths = 1; tenths <= 10; tenths++) {
        int count[7] = { 0 };
        options.label_noise = tenths / 10.0;
        read_labels(data, &options, labels);
        for (int i = 0; i < N; i++)
            count[labels[i]]++;
        for (int c = 0; c < 7; c++)
            ck_assert_int_eq(count[c], (N - c + 6) / 7);
        size_t changed = different(N, labels, truth);
        ck_assert_uint_le(changed, (size_t)(N * tenths / 10));
        ck_assert_uint_gt(changed, (size_t)(N * tenths / 10) / 2); /* six of seven change, about */
    }
    counted_close(data);
}
END_TEST

/* Where all labels differ, a place that keeps its own is one that the permutation leaves alone. */
START_TEST(the_examples_whose_labels_are_permuted_are_those_that_would_be_redrawn)
{
    tsr_data *data = counted_open("train = 200; classes = 1048576;");
    int32_t redrawn[N], permuted[N], again[N], other[N];
    read_labels(data, &(tsr_split_options){ .label_noise = 0.5, .seed = 3 }, redrawn);
    tsr_split_options options = { .label_noise = 0.5, .permute_labels = true, .seed = 3 };
    read_labels(data, &options, permuted);
    read_labels(data, &options, again);
    options.seed = 4;
    read_labels(data, &options, other);
    for (int i = 0; i < N; i++)
        ck_assert(permuted[i] == i || redrawn[i] != i);
    size_t moved = 0;
    for (int i = 0; i < N; i++)
        moved += permuted[i] != i;
    ck_assert_uint_gt(moved, 90);
    ck_assert_mem_eq(permuted, again, sizeof(again));
    ck_assert_mem_ne(permuted, other, sizeof(other));
    counted_close(data);
}
END_TEST

/* Which examples of `counted` have another input than their own, which is i, i + 0.5. */
static size_t replaced(const tsr_samples *samples, bool *which)
{
    size_t n = 0;
    for (size_t i = 0; i < samples->n; i++) {
        float input[2];
        int32_t label;
        size_t scratch;
        tsr_samples_read(samples, 1, &i, &scratch, input, &label);
        size_t example = tsr_samples_example(samples, i);
        ck_assert_int_eq(label, (int32_t)(example % 3));
        which[i] = input[0] != (float)example || input[1] != (float)example + 0.5f;
        if (which[i])
            ck_assert(input[0] >= 0 && input[0] < 1 && input[1] >= 0 && input[1] < 1 && input[0] != input[1]);
        n += which[i];
    }
    return n;
}

START_TEST(instance_noise_replaces_the_fraction_of_inputs_and_keeps_labels)
{
    tsr_data *data = counted_open("train = 200;");
    bool which[N], before[N] = { false };
    static const double fractions[] = { 0, 0.0024, 0.0026, 0.1, 0.5, 1 };
    static const size_t expected[] = { 0, 0, 1, 20, 100, 200 };
    for (size_t f = 0; f < sizeof(expected) / sizeof(*expected); f++) {
        tsr_parts parts;
        ck_succeeds(
            tsr_parts_new(data, &(tsr_split_options){ .instance_noise = fractions[f], .seed = 5 }, &parts));
        ck_assert(tsr_samples_disturbed(&parts.train) == (expected[f] > 0));
        ck_assert_uint_eq(replaced(&parts.train, which), expected[f]);
        for (size_t i = 0; i < N; i++)
            ck_assert(which[i] || !before[i]); /* a larger fraction has those of a smaller one */
        memcpy(before, which, sizeof(which));
        tsr_parts_clear(&parts);
    }
    counted_close(data);
}
END_TEST

START_TEST(replaced_inputs_are_uniform_fixed_and_follow_the_seed)
{
    tsr_data *data = counted_open("train = 10000;");
    tsr_parts parts, other;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .instance_noise = 1, .seed = 5 }, &parts));
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .instance_noise = 1, .seed = 6 }, &other));
    double sum = 0, squares = 0;
    size_t same = 0;
    for (size_t i = 0; i < 10000; i++) {
        float a[2], b[2];
        size_t scratch;
        tsr_samples_read(&parts.train, 1, &i, &scratch, a, NULL);
        tsr_samples_read(&parts.train, 1, &i, &scratch, b, NULL);
        ck_assert_mem_eq(a, b, sizeof(a));
        tsr_samples_read(&other.train, 1, &i, &scratch, b, NULL);
        same += a[0] == b[0];
        sum += a[0] + a[1];
        squares += a[0] * a[0] + a[1] * a[1];
    }
    ck_assert_double_eq_tol(sum / 20000, 0.5, 0.011);
    ck_assert_double_eq_tol(squares / 20000, 1.0 / 3, 0.011);
    ck_assert_uint_lt(same, 10);
    tsr_parts_clear(&parts);
    tsr_parts_clear(&other);
    counted_close(data);
}
END_TEST

START_TEST(truth_holdout_and_test_are_not_replaced)
{
    tsr_data *data = counted_open("train = 10;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .holdout = 0.5, .instance_noise = 1 }, &parts));
    size_t index[2] = { 0, 4 };
    float inputs[4];
    tsr_samples_read_true(&parts.train, 3, 2, index, inputs, NULL);
    ck_assert(inputs[0] == 3 && inputs[2] == 4);
    tsr_samples plain = tsr_samples_undisturbed(&parts.train);
    index[0] = 2;
    tsr_samples_read(&plain, 1, index, index, inputs, NULL);
    ck_assert(inputs[0] == 2);
    index[0] = 1;
    tsr_samples_read(&parts.holdout, 1, index, index, inputs, NULL);
    ck_assert(inputs[0] == 6);
    index[0] = 3;
    tsr_samples_read(&parts.test, 1, index, index, inputs, NULL);
    ck_assert(inputs[0] == -3);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(gaussian_noise_comes_on_top_of_what_is_replaced)
{
    tsr_data *data = counted_open("train = 50;");
    tsr_parts both, instance, gaussian;
    tsr_split_options options = { .instance_noise = 1, .input_noise = 0.25, .seed = 5 };
    ck_succeeds(tsr_parts_new(data, &options, &both));
    options.input_noise = 0;
    ck_succeeds(tsr_parts_new(data, &options, &instance));
    options = (tsr_split_options){ .input_noise = 0.25, .seed = 5 };
    ck_succeeds(tsr_parts_new(data, &options, &gaussian));
    for (size_t i = 0; i < 50; i++) {
        float a[2], b[2], c[2];
        size_t scratch;
        tsr_samples_read(&both.train, 1, &i, &scratch, a, NULL);
        tsr_samples_read(&instance.train, 1, &i, &scratch, b, NULL);
        tsr_samples_read(&gaussian.train, 1, &i, &scratch, c, NULL);
        ck_assert_float_eq_tol(a[0] - b[0], c[0] - (float)i, 1e-5);
    }
    tsr_parts_clear(&both);
    tsr_parts_clear(&instance);
    tsr_parts_clear(&gaussian);
    counted_close(data);
}
END_TEST

START_TEST(spread_samples_stand_evenly_over_what_is_not_held_out)
{
    tsr_data *data = counted_open("train = 60; targets = 1;");
    static const struct {
        size_t samples, expected[3];
    } cases[] = { { 3, { 0, 16, 32 } }, { 5, { 0, 9, 19 } }, { 48, { 0, 1, 2 } }, { 0, { 0, 1, 2 } } };
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        tsr_parts parts;
        tsr_split_options options = { .holdout = 0.2, .samples = cases[c].samples, .spread = true };
        ck_succeeds(tsr_parts_new(data, &options, &parts));
        ck_assert_uint_eq(parts.train.n, cases[c].samples ? cases[c].samples : 48);
        ck_assert_uint_eq(parts.epoch_size, 48);
        size_t index[3], last = parts.train.n - 1;
        float inputs[6], targets[3];
        int32_t labels[3];
        tsr_samples_read_true(&parts.train, 0, 3, index, inputs, labels);
        tsr_samples_read_targets(&parts.train, 3, (const size_t[]){ 0, 1, 2 }, index, targets);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_float_eq(inputs[2 * i], (float)cases[c].expected[i]);
            ck_assert_int_eq(labels[i], (int32_t)(cases[c].expected[i] % 3));
            ck_assert_float_eq(targets[i], 10 * (float)cases[c].expected[i]);
        }
        ck_assert_uint_lt(tsr_samples_example(&parts.train, last), 48);
        tsr_parts_clear(&parts);
    }
    counted_close(data);
}
END_TEST

START_TEST(noise_is_of_the_spread_examples)
{
    tsr_data *data = counted_open("train = 600;");
    tsr_parts parts;
    bool which[N];
    tsr_split_options options = { .samples = N, .spread = true, .instance_noise = 0.25, .seed = 1 };
    ck_succeeds(tsr_parts_new(data, &options, &parts));
    ck_assert_uint_eq(replaced(&parts.train, which), N / 4);
    tsr_parts_clear(&parts);
    int32_t labels[N];
    options = (tsr_split_options){ .samples = N, .spread = true, .label_noise = 0.5, .permute_labels = true };
    read_labels(data, &options, labels);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(labels[i], 0); /* every third is of class 0 */
    counted_close(data);
}
END_TEST

START_TEST(fractions_that_are_none_are_refused)
{
    static const double fractions[] = { -0.1, 1.5, NAN };
    static const char *const messages[] = { "instance_noise is -0.1, expected 0 to 1",
                                            "instance_noise is 1.5, expected 0 to 1",
                                            "instance_noise is nan, expected 0 to 1" };
    tsr_data *data = counted_open("");
    tsr_parts parts;
    for (size_t i = 0; i < 3; i++)
        ck_fails(tsr_parts_new(data, &(tsr_split_options){ .instance_noise = fractions[i] }, &parts),
                 TSR_REFUSED, messages[i]);
    counted_close(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("noise");
    TCase *tests = tcase_create("noise");
    tcase_add_test(tests, permuted_labels_keep_every_class_its_number_of_examples);
    tcase_add_test(tests, the_examples_whose_labels_are_permuted_are_those_that_would_be_redrawn);
    tcase_add_test(tests, instance_noise_replaces_the_fraction_of_inputs_and_keeps_labels);
    tcase_add_test(tests, replaced_inputs_are_uniform_fixed_and_follow_the_seed);
    tcase_add_test(tests, truth_holdout_and_test_are_not_replaced);
    tcase_add_test(tests, gaussian_noise_comes_on_top_of_what_is_replaced);
    tcase_add_test(tests, spread_samples_stand_evenly_over_what_is_not_held_out);
    tcase_add_test(tests, noise_is_of_the_spread_examples);
    tcase_add_test(tests, fractions_that_are_none_are_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
