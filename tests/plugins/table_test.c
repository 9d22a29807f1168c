/* Tables, good and bad: what is read back, and each fault told with its line. */
#include "files_check.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOTH "train = \"@/train.csv\"; test = \"@/test.csv\"; "
#define HALF "train = \"@/train.csv\"; test_fraction = 0.5; test_by = \"last\"; "

static size_t inputs_of(const files_data *opened)
{
    return tsr_shape_size(opened->data->info.shape);
}

START_TEST(numbers_are_read_and_the_last_column_is_the_label)
{
    files_write_text("train.csv", "a,b,class\n1,-2.5,yes\n+3e2,.5,no\n");
    files_write_text("test.csv", "a,b,class\n0,7,yes\n");
    files_data opened = files_open("table", BOTH);
    const tsr_dataset_info *info = &opened.data->info;
    ck_assert_uint_eq(info->n[TSR_TRAIN], 2);
    ck_assert_uint_eq(info->n[TSR_TEST], 1);
    ck_assert_int_eq(info->classes, 2);
    ck_assert_str_eq(info->class_names[0], "no");
    ck_assert_str_eq(info->class_names[1], "yes");
    files_sample_is(&opened, TSR_TRAIN, 0, 2, (const float[]){ 1, -2.5f }, 1);
    files_sample_is(&opened, TSR_TRAIN, 1, 2, (const float[]){ 300, 0.5f }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 2, (const float[]){ 0, 7 }, 1);
    files_close(&opened);
}
END_TEST

/* The same table in other spellings. */
static const struct {
    const char *text, *settings;
} spellings[] = {
    { "a,b,class\n1,x,no\n2,y,yes\n", "" },
    { "a,b,class\r\n1,x,no\r\n2,y,yes\r\n", "" },
    { "\xef\xbb\xbf"
      "a,b,class\n1,x,no\n2,y,yes",
      "" },
    { "\n  \na,b,class\n\n1,x,no\n \t\n2,y,yes\n\n", "" },
    { "a, b ,class\n 1,\tx,no\n2,y , yes \n", "" },
    { "\"a\",\"b\",\"class\"\n\"1\",\"x\",\"no\"\n \"2\" ,y,\"yes\"\n", "" },
    { "a;b;class\n1;x;no\n2;y;yes\n", "delimiter = \";\";" },
    { "a\tb\tclass\n1\tx\tno\n2\ty\tyes\n", "delimiter = \"tab\";" },
    { "a\tb\tclass\n1\t x \tno\n2\ty\tyes\n", "delimiter = \"\\\\t\";" },
    { "a\tb\tclass\n1\tx\tno\n2\ty\tyes\n", "delimiter = \"\\t\";" },
    { "a|b|class\n1|x|no\n2|y|yes\n", "delimiter = \"|\";" },
    { "a b class\n1 x no\n2 y yes\n", "delimiter = \" \";" },
    { "1,x,no\n2,y,yes\n", "header = false;" },
    { "class,a,b\nno,1,x\nyes,2,y\n", "label = \"class\";" },
    { "class,a,b\nno,1,x\nyes,2,y\n", "label = \"1\";" },
    { "a,class,b\n1,no,x\n2,yes,y\n", "label = \"2\";" },
    { "a,id,b,class\n1,55,x,no\n2,z,y,yes\n", "skip = [ \"id\" ];" },
    { "a,id,b,class,2\n1,55,x,no,\n2,z,y,yes,\n", "skip = [ \"id\", \"5\", \"2\" ]; label = \"4\";" },
};

START_TEST(a_table_may_be_spelt_in_many_ways)
{
    files_write_text("train.csv", spellings[_i].text);
    char *settings = tsr_format("%s%s", HALF, spellings[_i].settings);
    files_data opened = files_open("table", settings);
    files_sample_is(&opened, TSR_TRAIN, 0, 2, (const float[]){ 1, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 2, (const float[]){ 2, 1 }, 1);
    ck_assert_str_eq(opened.data->info.class_names[1], "yes");
    files_close(&opened);
    free(settings);
}
END_TEST

START_TEST(quoted_values_hold_delimiters_line_ends_and_doubled_quotes)
{
    files_write_text("train.csv",
                     "a,class\n\"x, y\",\"one \"\"1\"\"\"\n\"two\nlines\",\"\"\"\"\n\" x\",\"\"\"\"\n"
                     "3,\"one \"\"1\"\"\"\n");
    files_data opened = files_open("table", HALF);
    ck_assert_str_eq(opened.data->info.class_names[0], "\"");
    ck_assert_str_eq(opened.data->info.class_names[1], "one \"1\"");
    /* In order: " x", "3", "two\nlines", "x, y". */
    files_sample_is(&opened, TSR_TRAIN, 0, 4, (const float[]){ 0, 0, 0, 1 }, 1);
    files_sample_is(&opened, TSR_TRAIN, 1, 4, (const float[]){ 0, 0, 1, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 4, (const float[]){ 1, 0, 0, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 1, 4, (const float[]){ 0, 1, 0, 0 }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(text_is_one_hot_with_missing_values_as_a_category)
{
    files_write_text("train.csv", "colour,n,class\nred,1,a\n?,2,b\nblue,3,a\n");
    files_write_text("test.csv", "colour,n,class\ngreen,4,b\n,5,a\nNA,6,a\n");
    files_data opened = files_open("table", BOTH);
    ck_assert_uint_eq(inputs_of(&opened), 5); /* blue, green, red, missing, n */
    files_sample_is(&opened, TSR_TRAIN, 0, 5, (const float[]){ 0, 0, 1, 0, 1 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 5, (const float[]){ 0, 0, 0, 1, 2 }, 1);
    files_sample_is(&opened, TSR_TRAIN, 2, 5, (const float[]){ 1, 0, 0, 0, 3 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 5, (const float[]){ 0, 1, 0, 0, 4 }, 1);
    files_sample_is(&opened, TSR_TEST, 1, 5, (const float[]){ 0, 0, 0, 1, 5 }, 0);
    files_sample_is(&opened, TSR_TEST, 2, 5, (const float[]){ 0, 0, 0, 1, 6 }, 0);
    files_close(&opened);
}
END_TEST

START_TEST(two_texts_are_one_input_unless_some_are_missing)
{
    files_write_text("train.csv", "a,b,c,class\nx,x,x,0\ny,y,x,1\ny,?,x,0\nx,x,x,1\n");
    files_data opened = files_open("table", HALF);
    files_sample_is(&opened, TSR_TRAIN, 0, 5, (const float[]){ 0, 1, 0, 0, 1 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 5, (const float[]){ 1, 0, 1, 0, 1 }, 1);
    files_sample_is(&opened, TSR_TEST, 0, 5, (const float[]){ 1, 0, 0, 1, 1 }, 0);
    files_close(&opened);
}
END_TEST

/* The text comes late, after numbers that have been kept. */
START_TEST(one_text_in_either_file_makes_a_column_text)
{
    tsr_text text = { 0 };
    for (int i = 0; i < 5000; i++)
        tsr_text_add(&text, "%d,%d\n", i % 2 ? 10 : 9, i % 2);
    files_write_text("train.csv", text.chars);
    free(text.chars);
    files_write_text("test.csv", "10,1\nten,0\n");
    files_data opened = files_open("table", BOTH "header = false;");
    files_sample_is(&opened, TSR_TRAIN, 4999, 3, (const float[]){ 1, 0, 0 }, 1); /* 10, 9, ten: as text */
    files_sample_is(&opened, TSR_TRAIN, 0, 3, (const float[]){ 0, 1, 0 }, 0);
    files_sample_is(&opened, TSR_TEST, 1, 3, (const float[]){ 0, 0, 1 }, 0);
    files_close(&opened);
}
END_TEST

/* Training values 2, 4, -8, 2 and always 3; the test part has others. */
static const struct {
    const char *scale;
    float first[2], test[2];
} scales[] = {
    { "none", { 2, 3 }, { 16, 4 } },
    { "maximum", { 0.25f, 1 }, { 2, 4 / 3.0f } },
    { "range", { 10 / 12.0f, 0 }, { 2, 1 } },
    { "standard", { (float)(2 / 4.69041575982343), 0 }, { (float)(16 / 4.69041575982343), 1 } },
};

START_TEST(numbers_are_scaled_by_the_training_part)
{
    files_write_text("train.csv", "a,b,class\n2,3,x\n4,3,y\n-8,3,x\n2,3,y\n16,4,x\n16,4,y\n16,4,y\n16,4,y\n");
    char *settings = tsr_format("%s scale = \"%s\";", HALF, scales[_i].scale);
    files_data opened = files_open("table", settings);
    files_sample_is(&opened, TSR_TRAIN, 0, 2, scales[_i].first, 0);
    files_sample_is(&opened, TSR_TEST, 0, 2, scales[_i].test, 0);
    files_close(&opened);
    free(settings);
}
END_TEST

START_TEST(numbers_are_scaled_before_they_lose_digits)
{
    files_write_text("train.csv",
                     "t,class\n1700000000.25,x\n1700000001.25,y\n1700000000.75,x\n1700000000.25,y\n");
    files_data opened = files_open("table", HALF "scale = \"range\";");
    files_sample_is(&opened, TSR_TEST, 0, 1, (const float[]){ 0.5f }, 0);
    files_close(&opened);
}
END_TEST

START_TEST(missing_numbers_are_refused_or_filled)
{
    files_write_text("train.csv", "a,b,class\n1,5,x\n?,5,y\n3,5,x\n?,5,y\n8,5,x\n9,5,x\n");
    files_refused("table", HALF, "@/train.csv: line 3: column 'a': no number, expected one, fill = \"mean\"");
    files_data opened = files_open("table", HALF "fill = \"mean\";");
    files_sample_is(&opened, TSR_TRAIN, 1, 2, (const float[]){ 2, 5 }, 1);
    files_sample_is(&opened, TSR_TEST, 0, 2, (const float[]){ 2, 5 }, 1);
    files_close(&opened);
    opened = files_open("table", HALF "fill = \"zero\"; scale = \"range\";");
    files_sample_is(&opened, TSR_TRAIN, 1, 2, (const float[]){ -0.5f, 0 }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(the_words_for_missing_values_can_be_chosen)
{
    files_write_text("train.csv", "a,b,class\n-,NA,x\n1,?,y\n");
    files_data opened = files_open("table", HALF "missing = [ \"-\" ]; fill = \"zero\";");
    files_sample_is(&opened, TSR_TRAIN, 0, 2, (const float[]){ 0, 1 }, 0);
    files_sample_is(&opened, TSR_TEST, 0, 2, (const float[]){ 1, 0 }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(classes_that_are_numbers_are_in_their_order)
{
    files_write_text("train.csv", "a,class\n1,10\n2,9\n3,-1\n4,9.0\n5,9\n6,10\n");
    files_data opened = files_open("table", HALF);
    const tsr_dataset_info *info = &opened.data->info;
    ck_assert_int_eq(info->classes, 3);
    ck_assert_str_eq(info->class_names[0], "-1");
    ck_assert_str_eq(info->class_names[1], "9");
    ck_assert_str_eq(info->class_names[2], "10");
    files_sample_is(&opened, TSR_TRAIN, 0, 1, (const float[]){ 1 }, 2);
    files_sample_is(&opened, TSR_TEST, 0, 1, (const float[]){ 4 }, 1);
    files_close(&opened);
}
END_TEST

START_TEST(one_file_is_split_by_its_keys)
{
    tsr_text text = { 0 };
    for (int i = 0; i < 10; i++)
        tsr_text_add(&text, "%d,%d\n", i + 1, i % 2);
    files_write_text("train.csv", text.chars);
    free(text.chars);
    files_data opened = files_open("table", "train = \"@/train.csv\"; header = false; test_fraction = 0.3;");
    float values[10], sum = 0;
    bool last = true;
    size_t index[] = { 0, 1, 2, 3, 4, 5, 6 };
    ck_assert_uint_eq(opened.data->info.n[TSR_TRAIN], 7);
    opened.data->ops->read(opened.data->self, TSR_TRAIN, 7, index, values, NULL);
    opened.data->ops->read(opened.data->self, TSR_TEST, 3, index, values + 7, NULL);
    for (int i = 0; i < 10; i++)
        sum += values[i];
    for (int i = 7; i < 10; i++)
        last = last && values[i] > 7;
    ck_assert_float_eq(sum, 55);
    ck_assert(!last);
    files_close(&opened);
    files_refused("table", "train = \"@/train.csv\";", "@/train.csv: no test samples");
    files_refused("table", "train = \"@/train.csv\"; test = \"@/train.csv\"; test_fraction = 0.3;",
                  "both test and test_fraction are set");
    files_refused("table", "", "no data named: set train");
}
END_TEST

/* Nearest floats, whichever way the number is written. */
START_TEST(numbers_are_correctly_rounded)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = { { "0.1", 0.1 },
                    { "123456789012345678901234567890", 123456789012345678901234567890.0 },
                    { "9007199254740993", 9007199254740992.0 },
                    { "1e-30", 1e-30 },
                    { "1.17549435e-38", 1.17549435e-38 },
                    { "-0.000000000000000000000000000012345", -1.2345e-29 },
                    { "00000000000000000000000000000000000012", 12 },
                    { "3.", 3 },
                    { "1e+2", 100 },
                    { "1E2", 100 },
                    { "1e-99999999999999999999", 0 } };
    tsr_text text = { 0 };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        tsr_text_add(&text, "%s,%zu\n", numbers[i].text, i % 2);
    tsr_text_add(&text, "1,1\n");
    files_write_text("train.csv", text.chars);
    files_write_text("test.csv", "1,1\n");
    free(text.chars);
    files_data opened = files_open("table", BOTH "header = false;");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        files_sample_is(&opened, TSR_TRAIN, i, 1, (const float[]){ (float)numbers[i].value }, i % 2);
    files_close(&opened);
}
END_TEST

static const char *const words_that_are_no_numbers[] = { "1,5", "0x10", "1e", "e5",    ".",       "1.2.3",
                                                         "--1", "1 2",  "+",  "1_000", "infinit", "nano" };
START_TEST(what_is_no_decimal_number_is_text)
{
    char *text = tsr_format("1;a\n%s;b\n2;a\n", words_that_are_no_numbers[_i]);
    files_write_text("train.csv", text);
    free(text);
    files_data opened = files_open("table", HALF "header = false; delimiter = \";\";");
    ck_assert_uint_eq(inputs_of(&opened), 3);
    files_close(&opened);
}
END_TEST

static const struct {
    const char *text, *settings, *message;
} bad[] = {
    { "", "", "empty, expected a table" },
    { "\n \n", "", "holds no line but empty ones" },
    { "a,class\n", "", "no line behind the header" },
    { "a,class\n1,x\n1,2,y\n", "", "line 3: 3 values, expected 2 as in the first line" },
    { "a,class\n1,x\n\"a\nb\",y\n1\n", "", "line 5: 1 value, expected 2 as in the first line" },
    { "a,class\n1,x\n\"1,y\n", "", "line 3: a value in quotes that does not end before the file does" },
    { "a,class\n1,x\n1\"2,y\n", "", "line 3: a quote inside a value" },
    { "a,class\n1,x\n\"1\"2,y\n", "", "line 3: text behind a closing quote" },
    { "a,class\n1,x\r2,y\n", "", "line 2: a carriage return inside the line" },
    { "a,class\r1,x\r2,y\r", "", "line 1: a carriage return inside the line" },
    { "a,class\n1,x\n\xff,y\n", "", "line 3: byte 0xff is no UTF-8" },
    { "na\xefve,class\n1,x\n", "", "line 1: byte 0xef is no UTF-8" },
    { "a,class\n1,x\n\xed\xa0\x80,y\n", "", "line 3: byte 0xed is no UTF-8" },
    { "a,class\n1,\xc0\x80\n", "", "line 2: byte 0xc0 is no UTF-8" },
    { "a,class\n1,x\xe2\x82", "", "line 2: byte 0xe2 is no UTF-8" },
    { "a,b,class\n1,2,x\n1,?,\n", "", "line 3: column 'class': no label, expected a class in every line" },
    { "a,b,class\n1,?,x\n1,,y\n", "",
      "column 'b': all values are missing, expected some, or the column in skip" },
    { "a,class\n1,x\n2,x\n", "", "column 'class': every label is 'x', expected at least two classes" },
    { "a,class\n1,x\nnan,y\n", "", "line 3: column 'a': not a finite number" },
    { "a,class\n1,x\n-Infinity,y\n", "", "line 3: column 'a': not a finite number" },
    { "a,class\n1,x\n1e999,y\n", "", "line 3: column 'a': not a finite number" },
    { "a,class\n1,x\n1e39,y\n", "", "column 'a': sample 1 is 1e+39, expected at most what a float holds" },
    { "a,class\n?,x\n1,y\n", "fill = \"mean\";", "column 'a': no number in the training part" },
    { "a,class\n?,x\n1,y\n", "fill = \"zero\"; scale = \"range\";",
      "column 'a': no number in the training part" },
    { "a,class\n1,x\n2,y\n", "label = \"clas\";",
      "line 1: no column 'clas', expected a name of this line or a number from 1 to 2" },
    { "a,class\n1,x\n2,y\n", "label = \"3\";", "line 1: no column '3', expected a name" },
    { "a,class\n1,x\n2,y\n", "label = \"0\";", "line 1: no column '0', expected a name" },
    { "1,x\n2,y\n", "header = false; label = \"a\";",
      "line 1: no column 'a', expected a number from 1 to 2" },
    { "a,a,class\n1,1,x\n2,2,y\n", "skip = [ \"a\" ];",
      "line 1: 2 columns are called 'a', expected its number" },
    { "a,class\n1,x\n2,y\n", "skip = [ \"class\" ];", "column 'class' is the label and in skip" },
    { "a,class\n1,x\n2,y\n", "skip = [ \"a\" ];", "line 1: 2 columns and no input among them" },
    { "a;class\n1;x\n2;y\n", "",
      "line 1: 1 column and no input among them, expected one beside the label, and delimiter" },
};

START_TEST(a_bad_table_is_refused_with_its_line)
{
    files_write_text("train.csv", bad[_i].text);
    char *settings = tsr_format("%s%s", HALF, bad[_i].settings);
    char *message = tsr_format("@/train.csv: %s", bad[_i].message);
    files_refused("table", settings, message);
    free(settings);
    free(message);
}
END_TEST

static const char *const bad_delimiters[] = { "", "::", "\\\"", "5", ".", "-", "\\n", "\xc3\xa9" };
START_TEST(a_delimiter_is_one_character)
{
    files_write_text("train.csv", "a,class\n1,x\n2,y\n");
    char *settings = tsr_format("%sdelimiter = \"%s\";", HALF, bad_delimiters[_i]);
    files_refused("table", settings, "expected one character, such as");
    free(settings);
}
END_TEST

START_TEST(the_test_file_has_the_columns_and_the_classes_of_the_training_file)
{
    files_write_text("train.csv", "a,class\n1,x\n2,y\n");
    files_write_text("test.csv", "a,b,class\n1,1,x\n2,2,y\n");
    files_refused("table", BOTH, "@/test.csv: line 1: 3 columns, expected 2 as in @/train.csv");
    files_write_text("test.csv", "b,class\n1,x\n2,y\n");
    files_refused("table", BOTH,
                  "@/test.csv: line 1: column 1 is called 'b', expected 'a' as in @/train.csv");
    files_write_text("test.csv", "a,class\n1,x\n2,z\n");
    files_refused("table", BOTH,
                  "@/test.csv: column 'class': label 'z' is not in the training file @/train.csv");
    files_write_text("test.csv", "a,class\n1,x\n2,y,z\n");
    files_refused("table", BOTH, "@/test.csv: line 3: 3 values, expected 2");
}
END_TEST

START_TEST(too_many_different_texts_are_refused)
{
    tsr_text text = { 0 };
    for (int i = 0; i < 70000; i++)
        tsr_text_add(&text, "id%d,%d\n", i, i % 2);
    files_write_text("train.csv", text.chars);
    free(text.chars);
    files_refused(
        "table", HALF "header = false;",
        "@/train.csv: line 65536: column 1: more than 65535 different texts, expected categories, or the "
        "column in skip");
    files_refused("table", HALF "header = false; label = \"1\";",
                  "@/train.csv: line 65536: column 1: more than 65535 different labels, expected classes");
}
END_TEST

START_TEST(nonfinite_numbers_are_taken_where_allowed)
{
    files_write_text("train.csv", "a,class\n4,x\ninf,y\n2,x\n-inf,y\n1,x\n1,x\n1,x\n1,x\n");
    files_data opened = files_open("table", HALF "allow_nonfinite = true; scale = \"maximum\";");
    files_sample_is(&opened, TSR_TRAIN, 1, 1, (const float[]){ INFINITY }, 1);
    files_sample_is(&opened, TSR_TRAIN, 2, 1, (const float[]){ 0.5f }, 0);
    files_close(&opened);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    files_refused("table", HALF, "@/train.csv: no such file; tools/get-data says where");
    char *path = tsr_path_join(files_folder, "train.csv");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    files_refused("table", HALF, "@/train.csv: not a file, expected a table");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    files_refused("table", HALF, "@/train.csv: not a file, expected a table");
    free(path);
}
END_TEST

START_TEST(the_same_instance_opens_again_after_a_failure)
{
    files_write_text("train.csv", "a,class\n1,x\n1,\n");
    char *text =
        tsr_format("plugin = \"table\"; train = \"%s/train.csv\"; test_fraction = 0.5;", files_folder);
    tsr_instance *instance = test_instance(TSR_DATASET, text);
    tsr_data *data;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "line 3");
    files_write_text("train.csv", "a,class\n1,x\n1,y\n");
    ck_succeeds(tsr_data_open(instance, &data));
    tsr_data_close(data);
    tsr_instance_free(instance);
    free(text);
}
END_TEST

/* Adult's columns: numbers, texts with "?" among them, and a label of two classes behind blanks. */
START_TEST(a_table_like_adult_gives_its_inputs)
{
    files_write_text("train.csv", "39, State-gov, 77516, Male, <=50K\n50, ?, 83311, Female, >50K\n"
                                  "38, Private, 215646, Male, <=50K\n53, Private, 234721, Female, >50K\n\n");
    files_data opened = files_open("table", HALF "header = false; scale = \"maximum\";");
    files_sample_is(&opened, TSR_TRAIN, 0, 6,
                    (const float[]){ (float)(39 / 50.0), 0, 1, 0, (float)(77516 / 83311.0), 1 }, 0);
    files_sample_is(&opened, TSR_TRAIN, 1, 6, (const float[]){ 1, 0, 0, 1, 1, 0 }, 1);
    ck_assert_str_eq(opened.data->info.class_names[0], "<=50K");
    files_close(&opened);
}
END_TEST

/* How many texts Adult's columns have beside "?"; 0: numbers; and whether "?" occurs. */
static const struct {
    int texts;
    bool missing;
} adult[14] = { { 0 },        { 8, true },  { 0 },        { 16, false }, { 0 }, { 7, false }, { 14, true },
                { 6, false }, { 5, false }, { 2, false }, { 0 },         { 0 }, { 0 },        { 41, true } };

START_TEST(the_paper_s_config_of_adult_has_107_inputs)
{
    tsr_text text = { 0 };
    for (int row = 0; row < 50; row++) {
        for (int j = 0; j < 14; j++)
            if (adult[j].texts == 0)
                tsr_text_add(&text, "%d, ", 17 + row * (j + 1) % 90);
            else if (adult[j].missing && row == 45)
                tsr_text_add(&text, "?, ");
            else
                tsr_text_add(&text, "Text-%d, ", row % adult[j].texts);
        tsr_text_add(&text, "%s\n", row % 4 ? "<=50K" : ">50K");
    }
    tsr_text_add(&text, "\n");
    files_write_text("adult.data", text.chars);
    free(text.chars);
    files_config_has("adult-model-size.cfg", 3,
                     (const char *[]){ "replicates=1", "probes=()", "dataset.train=@/adult.data" },
                     TSR_SHAPE(107), 2);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(it_passes_the_kit)
{
    files_write_text("all.csv", "a,b,label\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n");
    files_pass_the_kit("table", "-s train=@/all.csv -s label=label -s test_fraction=0.5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tests = tcase_create("table");
    tcase_add_checked_fixture(tests, files_make_folder, files_remove_folder);
    tcase_add_test(tests, numbers_are_read_and_the_last_column_is_the_label);
    tcase_add_loop_test(tests, a_table_may_be_spelt_in_many_ways, 0, N(spellings));
    tcase_add_test(tests, quoted_values_hold_delimiters_line_ends_and_doubled_quotes);
    tcase_add_test(tests, text_is_one_hot_with_missing_values_as_a_category);
    tcase_add_test(tests, two_texts_are_one_input_unless_some_are_missing);
    tcase_add_test(tests, one_text_in_either_file_makes_a_column_text);
    tcase_add_loop_test(tests, numbers_are_scaled_by_the_training_part, 0, N(scales));
    tcase_add_test(tests, numbers_are_scaled_before_they_lose_digits);
    tcase_add_test(tests, missing_numbers_are_refused_or_filled);
    tcase_add_test(tests, the_words_for_missing_values_can_be_chosen);
    tcase_add_test(tests, classes_that_are_numbers_are_in_their_order);
    tcase_add_test(tests, one_file_is_split_by_its_keys);
    tcase_add_test(tests, numbers_are_correctly_rounded);
    tcase_add_loop_test(tests, what_is_no_decimal_number_is_text, 0, N(words_that_are_no_numbers));
    tcase_add_loop_test(tests, a_bad_table_is_refused_with_its_line, 0, N(bad));
    tcase_add_loop_test(tests, a_delimiter_is_one_character, 0, N(bad_delimiters));
    tcase_add_test(tests, the_test_file_has_the_columns_and_the_classes_of_the_training_file);
    tcase_add_test(tests, too_many_different_texts_are_refused);
    tcase_add_test(tests, nonfinite_numbers_are_taken_where_allowed);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, the_same_instance_opens_again_after_a_failure);
    tcase_add_test(tests, a_table_like_adult_gives_its_inputs);
    tcase_add_test(tests, the_paper_s_config_of_adult_has_107_inputs);
    tcase_add_test(tests, it_passes_the_kit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
