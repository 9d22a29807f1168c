/* The digits that were compiled in are those of digits.csv. */
#include "data/samples.h"
#include "support.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define PIXELS 64

START_TEST(the_first_80_percent_train_and_the_rest_test)
{
    tsr_instance *digits = test_instance(TSR_DATASET, "plugin = \"digits\";");
    tsr_data *data = NULL;
    ck_succeeds(tsr_data_open(digits, &data));
    ck_assert_uint_eq(data->info.n[TSR_TRAIN], 1437);
    ck_assert_uint_eq(data->info.n[TSR_TEST], 360);
    ck_assert(tsr_shape_equal(data->info.shape, TSR_SHAPE(1, 8, 8)));
    ck_assert_int_eq(data->info.classes, 10);
    tsr_data_close(data);
    tsr_instance_free(digits);
}
END_TEST

/* Compares sample i of all with a line of the file. */
static void compare(const tsr_data *data, size_t i, char *line)
{
    float image[PIXELS];
    int32_t label;
    bool train = i < data->info.n[TSR_TRAIN];
    size_t index = train ? i : i - data->info.n[TSR_TRAIN];
    data->ops->read(data->self, train ? TSR_TRAIN : TSR_TEST, 1, &index, image, &label);
    for (size_t j = 0; j < PIXELS; j++) {
        long pixel = strtol(line, &line, 10);
        ck_assert_int_eq(*line++, ',');
        ck_assert_float_eq(image[j], (float)pixel / 16);
        ck_assert(image[j] >= 0 && image[j] <= 1);
    }
    ck_assert_int_eq(label, strtol(line, NULL, 10));
}

START_TEST(every_pixel_and_label_is_the_files)
{
    tsr_instance *digits = test_instance(TSR_DATASET, "plugin = \"digits\";");
    tsr_data *data = NULL;
    ck_succeeds(tsr_data_open(digits, &data));
    char *path = tsr_path_join(test_source(), "plugins/datasets/digits.csv"), *text, *rest;
    size_t length, i = 0;
    ck_succeeds(tsr_read_file(path, 1 << 20, &text, &length));
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (line[0] != '#')
            compare(data, i++, line);
    ck_assert_uint_eq(i, 1797);
    free(text);
    free(path);
    tsr_data_close(data);
    tsr_instance_free(digits);
}
END_TEST

START_TEST(either_output_may_be_left_out)
{
    tsr_instance *digits = test_instance(TSR_DATASET, "plugin = \"digits\";");
    tsr_data *data = NULL;
    ck_succeeds(tsr_data_open(digits, &data));
    size_t index[] = { 359, 0 };
    float both[2 * PIXELS], inputs[2 * PIXELS];
    int32_t both_labels[2], labels[2];
    data->ops->read(data->self, TSR_TEST, 2, index, both, both_labels);
    data->ops->read(data->self, TSR_TEST, 2, index, inputs, NULL);
    data->ops->read(data->self, TSR_TEST, 2, index, NULL, labels);
    ck_assert_mem_eq(both, inputs, sizeof(both));
    ck_assert_mem_eq(both_labels, labels, sizeof(labels));
    tsr_data_close(data);
    tsr_instance_free(digits);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digits");
    TCase *tests = tcase_create("digits");
    tcase_add_test(tests, the_first_80_percent_train_and_the_rest_test);
    tcase_add_test(tests, every_pixel_and_label_is_the_files);
    tcase_add_test(tests, either_output_may_be_left_out);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
