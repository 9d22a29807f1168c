/* Files in svmlight format, good and bad: what is read back, and each fault told with its line. */
#include "files_check.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOTH "train = \"@/train\"; test = \"@/test\"; "
#define ONE "train = \"@/train\"; test_fraction = 0.5; test_by = \"last\"; "

START_TEST(two_files_are_read)
{
    files_write_text("train", "+1 1:0.5 3:2 # a comment\n\n-1 2:-1e-1 qid:7\n");
    files_write_text("test", "-1\r\n1 4:4 1:1");
    files_data opened = files_open("svmlight", BOTH);
    const tsr_dataset_info *info = &opened.data->info;
    ck_assert_uint_eq(info->n[TSR_TRAIN], 2);
    ck_assert_uint_eq(info->n[TSR_TEST], 2);
    ck_assert_int_eq(info->classes, 2);
    ck_assert_str_eq(info->class_names[0], "-1");
    ck_assert_str_eq(info->class_names[1], "1");
    files_sample_is(&opened, TSR_TRAIN, 0, 4, (const float[]){ 0.5f, 0, 2, 0 }, 1);
    files_sample_is(&opened, TSR_TRAIN, 1, 4, (const float[]){ 0, -0.1f, 0, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 4, (const float[]){ 0, 0, 0, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 1, 4, (const float[]){ 1, 0, 0, 4 }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(the_first_index_is_found_in_both_files)
{
    static const char *const bases[] = { "", "index_base = \"auto\";", "index_base = \"0\";" };
    files_write_text("train", "0 1:1\n1 2:1\n");
    files_write_text("test", "0 0:5\n");
    files_data opened = files_open("svmlight", BOTH);
    files_sample_is(&opened, TSR_TRAIN, 0, 3, (const float[]){ 0, 1, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 3, (const float[]){ 5, 0, 0 }, 0);
    files_close(&opened);
    files_write_text("test", "0 1:5\n");
    char *settings = tsr_format("%s%s", BOTH, bases[_i]);
    opened = files_open("svmlight", settings);
    ck_assert_uint_eq(tsr_shape_size(opened.data->info.shape), _i == 2 ? 3 : 2);
    files_close(&opened);
    free(settings);
}
END_TEST

START_TEST(features_may_be_more_than_the_files_have)
{
    files_write_text("train", "0 1:1\n1 2:1\n");
    files_data opened = files_open("svmlight", ONE "features = 5;");
    files_sample_is(&opened, TSR_TRAIN, 0, 5, (const float[]){ 1, 0, 0, 0, 0 }, 0);
    files_close(&opened);
    files_refused("svmlight", ONE "features = 1;",
                  "@/train: line 2: index 2, expected at most 1 as features says");
    files_write_text("train", "0 0:1\n1 2:1\n");
    files_refused("svmlight", ONE "features = 2;", "@/train: index 2, counted from 0, expected at most 1");
}
END_TEST

START_TEST(top_keeps_the_features_with_the_largest_sums_of_the_training_part)
{
    /* Sums of the first two lines: 3, 9, 3, 0, 3; the last two do not count. */
    files_write_text("train", "0 1:3 2:4 5:3\n1 2:5 3:3\n0 4:100 5:1\n1 1:7 3:8\n");
    files_data opened = files_open("svmlight", ONE "top = 2;");
    files_sample_is(&opened, TSR_TRAIN, 0, 2, (const float[]){ 3, 4 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 2, (const float[]){ 0, 5 }, 1);
    files_sample_is(&opened, TSR_TEST, 0, 2, (const float[]){ 0, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 1, 2, (const float[]){ 7, 0 }, 1);
    files_close(&opened);
    opened = files_open("svmlight", ONE "top = 3; binary = true;");
    files_sample_is(&opened, TSR_TEST, 1, 3, (const float[]){ 1, 0, 1 }, 1);
    files_close(&opened);
    files_refused("svmlight", ONE "top = 6;", "@/train: has 5 features, expected at least the 6 of top");
}
END_TEST

START_TEST(binary_makes_every_value_one_and_drops_zeros)
{
    files_write_text("train", "0 1:-3 2:0 3:0.5\n1 2:7\n");
    files_data opened = files_open("svmlight", ONE "binary = true;");
    files_sample_is(&opened, TSR_TRAIN, 0, 3, (const float[]){ 1, 0, 1 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 3, (const float[]){ 0, 1, 0 }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(ratings_become_two_classes)
{
    files_write_text("train", "9 1:1\n5 1:2\n");
    files_write_text("test", "1 1:3\n5.5 1:4\n");
    files_data opened = files_open("svmlight", BOTH "positive_above = 5;");
    ck_assert_int_eq(opened.data->info.classes, 2);
    files_sample_is(&opened, TSR_TRAIN, 0, 1, (const float[]){ 1 }, 1);
    files_sample_is(&opened, TSR_TRAIN, 1, 1, (const float[]){ 2 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 1, (const float[]){ 3 }, 0);
    files_sample_is(&opened, TSR_TEST, 1, 1, (const float[]){ 4 }, 1);
    files_close(&opened);
    files_refused("svmlight", BOTH "positive_above = 10;", "no label is above positive_above = 10");
    files_refused("svmlight", BOTH "positive_above = 0.5;", "every label is above positive_above = 0.5");
}
END_TEST

START_TEST(classes_are_in_the_order_of_their_numbers)
{
    files_write_text("train", "10 1:1\n9 1:1\n-2.5 1:1\n9.0 1:1\n");
    files_write_text("test", "9 1:1\n");
    files_data opened = files_open("svmlight", BOTH);
    ck_assert_int_eq(opened.data->info.classes, 3);
    ck_assert_ptr_null(opened.data->info.class_names);
    files_sample_is(&opened, TSR_TRAIN, 0, 1, (const float[]){ 1 }, 2);
    files_sample_is(&opened, TSR_TRAIN, 2, 1, (const float[]){ 1 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 3, 1, (const float[]){ 1 }, 1);
    files_close(&opened);
}
END_TEST

/* Ten lines whose only value is their number. */
static void write_ten(void)
{
    tsr_text text = { 0 };
    for (int i = 0; i < 10; i++)
        tsr_text_add(&text, "%d 1:%d\n", i % 2, i + 1);
    files_write_text("train", text.chars);
    free(text.chars);
}

START_TEST(one_file_is_split_by_its_keys)
{
    write_ten();
    files_data opened =
        files_open("svmlight", "train = \"@/train\"; test_fraction = 0.3; test_by = \"last\";");
    ck_assert_uint_eq(opened.data->info.n[TSR_TRAIN], 7);
    ck_assert_uint_eq(opened.data->info.n[TSR_TEST], 3);
    files_sample_is(&opened, TSR_TEST, 0, 1, (const float[]){ 8 }, 1);
    files_close(&opened);
    opened = files_open("svmlight", "train = \"@/train\"; test_fraction = 0.3; split_seed = 5;");
    float values[10], sum = 0;
    size_t index[] = { 0, 1, 2, 3, 4, 5, 6 };
    opened.data->ops->read(opened.data->self, TSR_TRAIN, 7, index, values, NULL);
    opened.data->ops->read(opened.data->self, TSR_TEST, 3, index, values + 7, NULL);
    bool last = true;
    for (int i = 0; i < 10; i++)
        sum += values[i];
    for (int i = 7; i < 10; i++)
        last = last && values[i] > 7;
    ck_assert_float_eq(sum, 55);
    ck_assert(!last);
    files_close(&opened);
    files_refused("svmlight", "train = \"@/train\";", "@/train: no test samples");
    files_refused("svmlight", "train = \"@/train\"; test = \"@/train\"; test_fraction = 0.3;",
                  "both test and test_fraction are set");
    files_refused("svmlight", "", "no data named: set train");
}
END_TEST

static const struct {
    const char *text, *message;
} bad[] = {
    { "", "empty, expected one in svmlight format" },
    { "# nothing\n\n", "holds no sample" },
    { "0 1:1\nspam 1:1\n", "line 2: 'spam', expected a label" },
    { "0 1:1\n1,2 1:1\n", "line 2: '1,2', expected a label" },
    { "nan 1:1\n", "line 1: 'nan', expected a label, which is a finite number" },
    { "0 1:1\n1 17\n", "line 2: '17', expected INDEX:VALUE" },
    { "0 1:1\n1 1:\n", "line 2: value '', expected a number" },
    { "0 1:1\n1 :1\n", "line 2: index '', expected digits" },
    { "0 1:1\n1 -1:1\n", "line 2: index '-1', expected digits" },
    { "0 1:1\n1 1:0x10\n", "line 2: value '0x10', expected a number" },
    { "0 1:1\n1 99999999999999999999999:1\n",
      "line 2: index 99999999999999999999999, expected at most 67108864" },
    { "0 1:1\n1 2:1 2:3\n", "line 2: index 2 twice" },
    { "0 1:1\n1 2:1 1:1 2:3\n", "line 2: index 2 twice" },
    { "0 1:1\n1 2:nan\n", "line 2: value nan, expected a finite one, or allow_nonfinite = true" },
    { "0 1:1\n1 2:-inf\n", "line 2: value -inf, expected a finite one" },
    { "0 1:1\n1 2:1e39\n", "line 2: value 1e39, expected a finite one" },
    { "0 1:1\n0 2:1\n", "every label is 0, expected at least two classes" },
    { "0\n1\n", "no line has a feature" },
    { "0 1:1\n1 \xff:1\n", "line 2: byte 0xff is no UTF-8" },
    { "0 1:1\n1 1:1 \xc3", "line 2: byte 0xc3 is no UTF-8" },
};

START_TEST(a_bad_file_is_refused_with_its_line)
{
    files_write_text("train", bad[_i].text);
    char *message = tsr_format("@/train: %s", bad[_i].message);
    files_refused("svmlight", ONE, message);
    free(message);
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
    files_write("train",
                "0 1:1\n1 1:\0"
                "1\n",
                14);
    files_refused("svmlight", ONE, "@/train: line 2: byte 0x00 is no UTF-8");
}
END_TEST

START_TEST(index_0_is_refused_where_indices_begin_with_1)
{
    files_write_text("train", "0 1:1\n1 0:1\n");
    files_refused("svmlight", ONE "index_base = \"1\";", "@/train: line 2: index 0, expected at least 1");
}
END_TEST

START_TEST(a_class_of_the_test_file_alone_is_refused)
{
    files_write_text("train", "0 1:1\n1 1:1\n");
    files_write_text("test", "0 1:1\n2 1:1\n");
    files_refused("svmlight", BOTH,
                  "@/test: sample 1 has label 2, expected one of the training file @/train");
}
END_TEST

START_TEST(nonfinite_values_are_taken_where_allowed)
{
    files_write_text("train", "0 1:inf\n1 1:1\n");
    files_data opened = files_open("svmlight", ONE "allow_nonfinite = true;");
    files_sample_is(&opened, TSR_TRAIN, 0, 1, (const float[]){ INFINITY }, 0);
    files_close(&opened);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    files_refused("svmlight", ONE, "@/train: no such file; tools/get-data says where");
    char *path = tsr_path_join(files_folder, "train");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    files_refused("svmlight", ONE, "@/train: not a file, expected one in svmlight format");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    files_refused("svmlight", ONE, "@/train: not a file, expected one in svmlight format");
    free(path);
}
END_TEST

START_TEST(the_same_instance_opens_again_after_a_failure)
{
    files_write_text("train", "0 1:1\n1 1\n");
    char *text =
        tsr_format("plugin = \"svmlight\"; train = \"%s/train\"; test_fraction = 0.5;", files_folder);
    tsr_instance *instance = test_instance(TSR_DATASET, text);
    tsr_data *data;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "line 2");
    files_write_text("train", "0 1:1\n1 1:1\n");
    ck_succeeds(tsr_data_open(instance, &data));
    tsr_data_close(data);
    tsr_instance_free(instance);
    free(text);
}
END_TEST

/* Every word once, and a few of them more often: 10,001 words, of which the rarest goes. */
START_TEST(the_paper_s_config_of_imdb_takes_10000_words)
{
    tsr_text text = { 0 };
    for (int i = 0; i < 10001; i++)
        tsr_text_add(&text, "%s%d:%d", i == 0 ? "9 " : " ", i, 1 + (i != 5000));
    tsr_text_add(&text, "\n1 0:1\n");
    files_write_text("train", text.chars);
    files_write_text("test", text.chars);
    free(text.chars);
    files_config_has(
        "imdb-model-size.cfg", 4,
        (const char *[]){ "replicates=1", "probes=()", "dataset.train=@/train", "dataset.test=@/test" },
        TSR_SHAPE(10000), 2);
}
END_TEST

START_TEST(it_passes_the_kit)
{
    files_write_text("all.txt", "0 1:0.5 3:1\n1 2:0.25\n0 1:1\n1 3:2\n");
    files_pass_the_kit("svmlight", "-s train=@/all.txt -s test_fraction=0.5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("svmlight");
    TCase *tests = tcase_create("svmlight");
    tcase_add_checked_fixture(tests, files_make_folder, files_remove_folder);
    tcase_add_test(tests, two_files_are_read);
    tcase_add_loop_test(tests, the_first_index_is_found_in_both_files, 0, 3);
    tcase_add_test(tests, features_may_be_more_than_the_files_have);
    tcase_add_test(tests, top_keeps_the_features_with_the_largest_sums_of_the_training_part);
    tcase_add_test(tests, binary_makes_every_value_one_and_drops_zeros);
    tcase_add_test(tests, ratings_become_two_classes);
    tcase_add_test(tests, classes_are_in_the_order_of_their_numbers);
    tcase_add_test(tests, one_file_is_split_by_its_keys);
    tcase_add_loop_test(tests, a_bad_file_is_refused_with_its_line, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(tests, a_zero_byte_is_refused);
    tcase_add_test(tests, index_0_is_refused_where_indices_begin_with_1);
    tcase_add_test(tests, a_class_of_the_test_file_alone_is_refused);
    tcase_add_test(tests, nonfinite_values_are_taken_where_allowed);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, the_same_instance_opens_again_after_a_failure);
    tcase_add_test(tests, the_paper_s_config_of_imdb_takes_10000_words);
    tcase_add_test(tests, it_passes_the_kit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
