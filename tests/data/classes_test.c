/* Datasets of which some classes are kept. */
#include "data/fixture.h"

#include "base/text.h"
#include "data/classes.h"

#include <stdlib.h>
#include <string.h>

/* Sample i of `counted` is of class i modulo classes. */
static void check_samples(const tsr_data *data, int classes, size_t n_kept, const int *kept)
{
    ck_assert_int_eq(data->info.classes, (int)n_kept);
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++) {
        size_t place = 0, all = split == TSR_TRAIN ? 1000 : 60;
        for (size_t i = 0; i < all; i++)
            for (size_t c = 0; c < n_kept; c++) {
                float input[2];
                int32_t label;
                if ((int)(i % (size_t)classes) != kept[c])
                    continue;
                tsr_data_give(data, split, 1, &place, input, &label);
                ck_assert_float_eq(split == TSR_TRAIN ? input[0] : -input[0], (float)i);
                ck_assert_int_eq(label, (int32_t)c);
                place++;
            }
        ck_assert_uint_eq(data->info.n[split], place);
    }
}

START_TEST(a_number_of_classes_is_spread_evenly_over_all)
{
    static const struct {
        int wanted, kept[10];
    } cases[] = { { 2, { 0, 5 } },
                  { 3, { 0, 3, 6 } },
                  { 4, { 0, 2, 4, 6 } },
                  { 5, { 0, 2, 4, 6, 8 } },
                  { 6, { 0, 1, 2, 3, 4, 5 } } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *settings =
            tsr_format("train = 1000; test = 60; classes = 10; class_count = %d;", cases[i].wanted);
        tsr_data *data = counted_open(settings);
        check_samples(data, 10, (size_t)cases[i].wanted, cases[i].kept);
        counted_close(data);
        free(settings);
    }
}
END_TEST

START_TEST(listed_classes_are_numbered_as_listed)
{
    tsr_data *data = counted_open("train = 1000; test = 60; classes = 10; only_classes = [ 7, 2, 9 ];");
    check_samples(data, 10, 3, (const int[]){ 7, 2, 9 });
    counted_close(data);
}
END_TEST

START_TEST(many_samples_are_read_as_one_by_one)
{
    enum { N = 500 };
    tsr_data *data = counted_open("train = 1000; classes = 4; class_count = 2; targets = 2;");
    ck_assert_uint_eq(data->info.n[TSR_TRAIN], N);
    size_t index[N];
    float *inputs = calloc(2 * N, sizeof(float)), *targets = calloc(2 * N, sizeof(float));
    int32_t labels[N];
    for (size_t i = 0; i < N; i++)
        index[i] = i * 7 % N;
    tsr_data_give(data, TSR_TRAIN, N, index, inputs, labels);
    tsr_data_give_targets(data, TSR_TRAIN, N, index, targets);
    for (size_t i = 0; i < N; i++) {
        ck_assert_float_eq(inputs[2 * i], 2 * (float)index[i]);
        ck_assert_float_eq(targets[2 * i], 20 * (float)index[i]);
        ck_assert_int_eq(labels[i], (int32_t)(index[i] % 2));
    }
    free(inputs);
    free(targets);
    counted_close(data);
}
END_TEST

START_TEST(all_classes_kept_are_the_dataset)
{
    uint64_t all, kept, fewer;
    tsr_data *data = counted_open("classes = 4;");
    ck_succeeds(tsr_data_digest(data, &all));
    counted_close(data);
    data = counted_open("classes = 4; class_count = 4;");
    ck_succeeds(tsr_data_digest(data, &kept));
    counted_close(data);
    data = counted_open("classes = 4; class_count = 3;");
    ck_succeeds(tsr_data_digest(data, &fewer));
    counted_close(data);
    ck_assert_uint_eq(all, kept);
    ck_assert_uint_ne(all, fewer);
}
END_TEST

static const struct {
    const char *settings, *message;
} refused[] = {
    { "class_count = 1;", "class_count is 1, expected 2 to the 10 classes that there are" },
    { "class_count = 11;", "class_count is 11, expected 2 to the 10 classes that there are" },
    { "only_classes = [ 3 ];", "only_classes names 1 class, expected at least 2" },
    { "only_classes = [ 3, 10 ];", "only_classes names class 10, expected 0 to 9" },
    { "only_classes = [ 3, 1, 3 ];", "only_classes names class 3 twice, expected once" },
    { "only_classes = [ 3, 1 ]; class_count = 2;", "it has class_count and only_classes, expected one" },
    { "only_classes = [ 8, 9 ]; test = 8;", "no test sample is of a class that is kept" },
    { "only_classes = [ 8, 9 ]; train = 8;", "no training sample is of a class that is kept" },
};

START_TEST(choices_that_cannot_be_are_refused)
{
    char *settings = tsr_format("classes = 10; %s", refused[_i].settings);
    tsr_instance *instance = counted_instance(settings);
    tsr_data *data = NULL;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, refused[_i].message);
    ck_assert_ptr_null(data);
    tsr_instance_free(instance);
    free(settings);
}
END_TEST

START_TEST(samples_without_labels_have_no_classes_to_keep)
{
    tsr_instance *instance = counted_instance("classes = 0; class_count = 2;");
    tsr_data *data = NULL;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "classes are to be kept, and it has no labels");
    tsr_instance_free(instance);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classes");
    TCase *tests = tcase_create("classes");
    tcase_add_test(tests, a_number_of_classes_is_spread_evenly_over_all);
    tcase_add_test(tests, listed_classes_are_numbered_as_listed);
    tcase_add_test(tests, many_samples_are_read_as_one_by_one);
    tcase_add_test(tests, all_classes_kept_are_the_dataset);
    tcase_add_loop_test(tests, choices_that_cannot_be_are_refused, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tests, samples_without_labels_have_no_classes_to_keep);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
