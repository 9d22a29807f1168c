/* Opening datasets, cutting them into parts, and noise. */
#include "data/fixture.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(opening_gives_what_the_dataset_tells)
{
    tsr_data *data = counted_open("train = 11; test = 4; classes = 5;");
    ck_assert_uint_eq(data->info.n[TSR_TRAIN], 11);
    ck_assert_uint_eq(data->info.n[TSR_TEST], 4);
    ck_assert_uint_eq(tsr_shape_size(data->info.shape), 2);
    ck_assert_int_eq(data->info.classes, 5);
    counted_close(data);
}
END_TEST

static const struct {
    const char *fault, *message;
} faults[] = {
    { "open", "numbers.txt:3: not a number" },
    { "no_train", "counted: no training samples, expected at least 1" },
    { "no_test", "counted: no test samples, expected at least 1" },
    { "empty_shape", "samples of shape 2 x 1 x 0 hold nothing" },
    { "huge_shape", "x 1 x 3 are larger than memory" },
    { "one_class", "1 classes, expected at least 2" },
    { "empty_target", "targets of shape 3 x 0 hold nothing" },
    { "nameless", "class 1 of 3 has no name" },
    { "latin", "the name of class 1 is not UTF-8" },
    { "bad_label", "training sample 7 has label 3, expected 0 to 2" },
    { "late_label", "test sample 8999 has label 3, expected 0 to 2" },
    { "no_label", "training sample 0 has label -1, expected 0 to 2" },
};

START_TEST(a_dataset_that_tells_nonsense_is_refused)
{
    char *settings = tsr_format("test = 9000; fault = \"%s\";", faults[_i].fault);
    tsr_instance *instance = counted_instance(settings);
    tsr_data *data = NULL;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, faults[_i].message);
    ck_assert_ptr_null(data);
    tsr_instance_free(instance);
    free(settings);
}
END_TEST

START_TEST(holdout_is_the_end_of_the_training_part)
{
    tsr_data *data = counted_open("train = 60;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .holdout = 0.2 }, &parts));
    ck_assert_uint_eq(parts.train.n, 48);
    ck_assert_uint_eq(parts.epoch_size, 48);
    ck_assert_uint_eq(parts.holdout.n, 12);
    ck_assert_uint_eq(parts.test.n, 20);
    size_t index[] = { 0, 11 }, scratch[2];
    float inputs[4];
    int32_t labels[2];
    tsr_samples_read(&parts.holdout, 2, index, scratch, inputs, labels);
    ck_assert_float_eq(inputs[0], 48);
    ck_assert_float_eq(inputs[2], 59);
    ck_assert_int_eq(labels[1], 59 % 3);
    tsr_samples_read(&parts.test, 2, index, scratch, inputs, labels);
    ck_assert_float_eq(inputs[2], -11);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(holdout_is_rounded_to_whole_examples)
{
    /* 0.7 * 10 and 0.1 * 30 are not whole numbers in binary; 0.2 * 13 is 2.6. */
    static const struct {
        int n;
        double holdout;
        size_t held;
    } cases[] = { { 10, 0.7, 7 }, { 30, 0.1, 3 }, { 13, 0.2, 3 }, { 5, 0.0, 0 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *settings = tsr_format("train = %d;", cases[i].n);
        tsr_data *data = counted_open(settings);
        tsr_parts parts;
        ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .holdout = cases[i].holdout }, &parts));
        ck_assert_uint_eq(parts.holdout.n, cases[i].held);
        ck_assert_uint_eq(parts.train.n, (size_t)cases[i].n - cases[i].held);
        tsr_parts_clear(&parts);
        counted_close(data);
        free(settings);
    }
}
END_TEST

START_TEST(samples_takes_the_first_and_leaves_the_epoch)
{
    tsr_data *data = counted_open("train = 60;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .holdout = 0.2, .samples = 10 }, &parts));
    ck_assert_uint_eq(parts.train.first, 0);
    ck_assert_uint_eq(parts.train.n, 10);
    ck_assert_uint_eq(parts.epoch_size, 48);
    ck_assert_uint_eq(parts.holdout.n, 12);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

static const struct {
    tsr_split_options options;
    const char *message;
} refused[] = {
    { { .holdout = 1 }, "holdout 1 of 100 training examples leaves none to train with" },
    { { .holdout = 0.996 }, "leaves none" },
    { { .holdout = 0.5, .samples = 51 },
      "samples is 51, expected at most the 50 training examples that there are after holdout" },
    { { .samples = 101 }, "samples is 101, expected at most the 100 training examples" },
    { { .holdout = -0.1 }, "holdout is -0.1, expected 0 to 1" },
    { { .label_noise = 1.5 }, "label_noise is 1.5, expected 0 to 1" },
    { { .label_noise = NAN }, "label_noise is nan, expected 0 to 1" },
    { { .input_noise = -1 }, "input_noise is -1, expected" },
    { { .input_noise = INFINITY }, "input_noise is inf, expected" },
};

START_TEST(cuts_that_cannot_be_are_refused)
{
    tsr_data *data = counted_open("");
    tsr_parts parts;
    ck_fails(tsr_parts_new(data, &refused[_i].options, &parts), TSR_REFUSED, refused[_i].message);
    ck_assert_uint_eq(parts.train.n, 0);
    counted_close(data);
}
END_TEST

/* With so many classes a label drawn anew is another one, but for a chance of one in a million. */
#define MANY_CLASSES "classes = 1048576;"

/* The labels of a training part of 200, as trained on. */
static void noisy_labels(const tsr_data *data, double fraction, uint64_t seed, int32_t *labels)
{
    tsr_parts parts;
    size_t index[200], scratch[200];
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .label_noise = fraction, .seed = seed }, &parts));
    for (size_t i = 0; i < 200; i++)
        index[i] = i;
    tsr_samples_read(&parts.train, 200, index, scratch, NULL, labels);
    tsr_parts_clear(&parts);
}

START_TEST(label_noise_changes_the_fraction_exactly_and_grows_with_it)
{
    tsr_data *data = counted_open("train = 200; " MANY_CLASSES);
    int32_t before[200], labels[200];
    for (int i = 0; i < 200; i++)
        before[i] = i;
    static const struct {
        double fraction;
        int changed;
    } steps[] = {
        { 0, 0 }, { 0.0024, 0 }, { 0.0026, 1 }, { 0.1, 20 }, { 0.3, 60 }, { 0.8, 160 }, { 1, 200 }
    };
    for (size_t step = 0; step < sizeof(steps) / sizeof(steps[0]); step++) {
        noisy_labels(data, steps[step].fraction, 1, labels);
        int changed = 0;
        for (int i = 0; i < 200; i++) {
            changed += labels[i] != i;
            if (before[i] != i)
                ck_assert_int_eq(labels[i], before[i]);
            ck_assert(labels[i] >= 0 && labels[i] < data->info.classes);
        }
        ck_assert_int_eq(changed, steps[step].changed);
        memcpy(before, labels, sizeof(labels));
    }
    counted_close(data);
}
END_TEST

START_TEST(label_noise_follows_its_seed_alone)
{
    tsr_data *data = counted_open("train = 200; " MANY_CLASSES);
    int32_t a[200], again[200], other[200];
    noisy_labels(data, 0.5, 1, a);
    noisy_labels(data, 0.5, 1, again);
    noisy_labels(data, 0.5, 2, other);
    ck_assert_mem_eq(a, again, sizeof(a));
    ck_assert_mem_ne(a, other, sizeof(a));
    counted_close(data);
}
END_TEST

START_TEST(labels_drawn_anew_are_uniform_over_all_classes)
{
    tsr_data *data = counted_open("train = 30000; classes = 3;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .label_noise = 1, .seed = 5 }, &parts));
    int count[3][3] = { 0 }; /* by true and by new label */
    for (size_t i = 0; i < 30000; i++)
        count[i % 3][parts.train.noisy[i]]++;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            ck_assert_int_lt(abs(count[i][j] - 10000 / 3), 240); /* five standard deviations */
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(input_noise_is_fixed_per_example)
{
    tsr_data *data = counted_open("");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .input_noise = 0.25, .seed = 3 }, &parts));
    size_t forward[] = { 4, 50, 99 }, backward[] = { 99, 4 }, scratch[3];
    float a[6], b[4];
    tsr_samples_read(&parts.train, 3, forward, scratch, a, NULL);
    tsr_samples_read(&parts.train, 2, backward, scratch, b, NULL);
    ck_assert(a[0] != 4 && a[1] != 4.5f && a[0] - 4 != a[1] - 4.5f && a[0] - 4 != a[2] - 50);
    ck_assert_mem_eq(b, a + 4, 2 * sizeof(float));
    ck_assert_mem_eq(b + 2, a, 2 * sizeof(float));
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(input_noise_has_its_standard_deviation)
{
    tsr_data *data = counted_open("train = 10000;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .input_noise = 0.25, .seed = 3 }, &parts));
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 10000; i++) {
        float input[2];
        size_t scratch;
        tsr_samples_read(&parts.train, 1, &i, &scratch, input, NULL);
        double x = input[0] - (double)i, y = input[1] - (double)i - 0.5;
        sum += x + y;
        squares += x * x + y * y;
    }
    ck_assert_double_eq_tol(sum / 20000, 0, 0.01);
    ck_assert_double_eq_tol(sqrt(squares / 20000), 0.25, 0.01);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(the_mean_of_the_training_examples_is_subtracted_from_all)
{
    tsr_data *data = counted_open("train = 1000; test = 20;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .holdout = 0.2, .samples = 601 }, &parts));
    ck_succeeds(tsr_parts_subtract_mean(&parts));
    size_t index[2] = { 0, 3 };
    float inputs[4];
    int32_t labels[2];
    tsr_samples_read(&parts.train, 2, index, index, inputs, labels); /* of 0 to 600 the mean is 300 */
    ck_assert(inputs[0] == -300 && inputs[1] == -300 && inputs[2] == -297 && inputs[3] == -297);
    ck_assert_int_eq(labels[1], 0);
    tsr_samples_read(&parts.holdout, 1, &(size_t){ 0 }, index, inputs, NULL);
    ck_assert(inputs[0] == 500 && inputs[1] == 500);
    tsr_samples_read_true(&parts.test, 4, 1, index, inputs, NULL);
    ck_assert(inputs[0] == -304 && inputs[1] == -305);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(only_training_examples_are_noisy_and_their_truth_can_be_read)
{
    tsr_data *data = counted_open("train = 10;" MANY_CLASSES);
    tsr_parts parts;
    tsr_split_options options = { .holdout = 0.5, .label_noise = 1, .input_noise = 1, .seed = 9 };
    ck_succeeds(tsr_parts_new(data, &options, &parts));
    size_t index[] = { 0, 4 }, scratch[2];
    float inputs[4];
    int32_t labels[2];
    tsr_samples_read(&parts.holdout, 2, index, scratch, inputs, labels);
    ck_assert(inputs[0] == 5 && inputs[2] == 9 && labels[0] == 5 && labels[1] == 9);
    tsr_samples_read(&parts.test, 2, index, scratch, inputs, labels);
    ck_assert(inputs[0] == 0 && inputs[2] == -4 && labels[0] == 0 && labels[1] == 4);
    tsr_samples_read(&parts.train, 2, index, scratch, inputs, labels);
    ck_assert(inputs[0] != 0 && inputs[2] != 4 && labels[0] != 0 && labels[1] != 4);
    tsr_samples_read_true(&parts.train, 3, 2, scratch, inputs, labels);
    ck_assert(inputs[0] == 3 && inputs[2] == 4 && labels[0] == 3 && labels[1] == 4);
    tsr_samples_read_true(&parts.holdout, 3, 2, scratch, inputs, labels);
    ck_assert(inputs[0] == 8 && inputs[2] == 9);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(targets_are_those_of_the_examples)
{
    tsr_data *data = counted_open("targets = 3;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .holdout = 0.2, .label_noise = 0.5 }, &parts));
    ck_assert(tsr_shape_equal(data->info.target, TSR_SHAPE(3)));
    size_t index[] = { 5, 2 }, scratch[2];
    float targets[6];
    tsr_samples_read_targets(&parts.holdout, 2, index, scratch, targets);
    static const float expected[] = { 850, 851, 852, 820, 821, 822 };
    ck_assert_mem_eq(targets, expected, sizeof(targets));
    tsr_samples_read_targets(&parts.test, 1, index + 1, scratch, targets);
    ck_assert(targets[0] == -20 && targets[2] == -22);
    tsr_parts_clear(&parts);
    counted_close(data);
}
END_TEST

START_TEST(samples_need_no_labels)
{
    tsr_data *data = counted_open("classes = 0;");
    tsr_parts parts;
    ck_succeeds(tsr_parts_new(data, &(tsr_split_options){ .input_noise = 0.1 }, &parts));
    size_t index[] = { 1 }, scratch[1];
    float inputs[2];
    int32_t label = 77;
    tsr_samples_read(&parts.train, 1, index, scratch, inputs, &label);
    tsr_samples_read_true(&parts.test, 0, 1, scratch, inputs, &label);
    ck_assert_int_eq(label, 77); /* left alone */
    tsr_parts_clear(&parts);
    ck_fails(tsr_parts_new(data, &(tsr_split_options){ .label_noise = 0.5 }, &parts), TSR_REFUSED,
             "label_noise is 0.5, and the dataset has no labels");
    counted_close(data);
}
END_TEST

START_TEST(targets_and_their_shape_are_of_the_digest)
{
    static const char *const settings[] = { "", "targets = 2;", "targets = 3;", "classes = 0;",
                                            "classes = 0; targets = 2;" };
    enum { n = sizeof(settings) / sizeof(*settings) };
    uint64_t digests[n];
    for (size_t i = 0; i < n; i++) {
        tsr_data *data = counted_open(settings[i]);
        ck_succeeds(tsr_data_digest(data, &digests[i]));
        counted_close(data);
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(digests[i], digests[j]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("samples");
    TCase *tests = tcase_create("samples");
    tcase_add_test(tests, opening_gives_what_the_dataset_tells);
    tcase_add_loop_test(tests, a_dataset_that_tells_nonsense_is_refused, 0,
                        sizeof(faults) / sizeof(faults[0]));
    tcase_add_test(tests, holdout_is_the_end_of_the_training_part);
    tcase_add_test(tests, holdout_is_rounded_to_whole_examples);
    tcase_add_test(tests, samples_takes_the_first_and_leaves_the_epoch);
    tcase_add_loop_test(tests, cuts_that_cannot_be_are_refused, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tests, label_noise_changes_the_fraction_exactly_and_grows_with_it);
    tcase_add_test(tests, label_noise_follows_its_seed_alone);
    tcase_add_test(tests, labels_drawn_anew_are_uniform_over_all_classes);
    tcase_add_test(tests, input_noise_is_fixed_per_example);
    tcase_add_test(tests, input_noise_has_its_standard_deviation);
    tcase_add_test(tests, the_mean_of_the_training_examples_is_subtracted_from_all);
    tcase_add_test(tests, only_training_examples_are_noisy_and_their_truth_can_be_read);
    tcase_add_test(tests, targets_are_those_of_the_examples);
    tcase_add_test(tests, samples_need_no_labels);
    tcase_add_test(tests, targets_and_their_shape_are_of_the_digest);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
