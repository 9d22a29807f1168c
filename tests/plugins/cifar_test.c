/* CIFAR folders, good and bad, written by the tests: what is read back, and each fault told with its place.
 */
#include "data/samples.h"
#include "support.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIXELS ((size_t)3 * 32 * 32)

static char *folder; /* of the test that runs */

static void make_folder(void)
{
    folder = test_folder();
}

static void remove_folder(void)
{
    test_folder_remove(folder);
    folder = NULL;
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
    char *path = tsr_path_join(folder, name);
    ck_succeeds(tsr_write_file(path, bytes, length));
    free(path);
}

static void remove_file(const char *name)
{
    char *path = tsr_path_join(folder, name);
    ck_assert_int_eq(unlink(path), 0);
    free(path);
}

/* Pixel j of the image that starts with `start`. */
static unsigned char pixel(size_t start, size_t j)
{
    return (unsigned char)(start + j * 7 + j / 256);
}

/* A file of n records with `n_labels` label bytes each, `extra` bytes longer than it should be. Image i
   starts with start + i. */
static void write_records(const char *name, size_t n, size_t n_labels, const unsigned char *labels,
                          size_t start, int extra)
{
    size_t record = n_labels + PIXELS, length = (size_t)((long)(n * record) + extra);
    unsigned char *bytes = calloc(n * record + 16, 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++) {
        memcpy(bytes + i * record, labels + i * n_labels, n_labels);
        for (size_t j = 0; j < PIXELS; j++)
            bytes[i * record + n_labels + j] = pixel(start + i, j);
    }
    write_bytes(name, bytes, length);
    free(bytes);
}

/* Batches of 1, 2, 3, 4 and 5 images, and 2 to test. */
static const unsigned char ten_labels[] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8, 7, 6, 5 };
static void write_cifar10(void)
{
    size_t start = 0;
    for (size_t i = 1; i <= 5; i++) {
        char *name = tsr_format("data_batch_%zu.bin", i);
        write_records(name, i, 1, ten_labels + start, start, 0);
        start += i;
        free(name);
    }
    write_records("test_batch.bin", 2, 1, ten_labels, 100, 0);
}

static const unsigned char hundred_labels[] = { 19, 99, 0, 50, 7, 0 };
static void write_cifar100(void)
{
    write_records("train.bin", 3, 2, hundred_labels, 0, 0);
    write_records("test.bin", 1, 2, hundred_labels + 2, 9, 0);
}

static tsr_status *open_folder(const char *more, tsr_instance **instance, tsr_data **data)
{
    char *text = tsr_format("plugin = \"cifar\"; path = \"%s\"; %s", folder, more);
    *instance = test_instance(TSR_DATASET, text);
    free(text);
    return tsr_data_open(*instance, data);
}

static void refused_with(const char *more, const char *message)
{
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_fails(open_folder(more, &instance, &data), TSR_REFUSED, message);
    tsr_instance_free(instance);
}

static void file_refused_with(const char *name, const char *message)
{
    char *whole = tsr_format("%s/%s: %s", folder, name, message);
    refused_with("", whole);
    free(whole);
}

static void ck_image(const float *image, size_t start)
{
    for (size_t j = 0; j < PIXELS; j++)
        ck_assert_float_eq(image[j], pixel(start, j) / 255.0f);
}

START_TEST(cifar10_is_read_across_its_files)
{
    write_cifar10();
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_folder("", &instance, &data));
    ck_assert_uint_eq(data->info.n[TSR_TRAIN], 15);
    ck_assert_uint_eq(data->info.n[TSR_TEST], 2);
    ck_assert(tsr_shape_equal(data->info.shape, TSR_SHAPE(3, 32, 32)));
    ck_assert_int_eq(data->info.classes, 10);
    ck_assert_str_eq(data->info.class_names[0], "airplane");
    ck_assert_str_eq(data->info.class_names[9], "truck");
    static float images[15 * PIXELS];
    int32_t labels[15];
    size_t index[15];
    for (size_t i = 0; i < 15; i++)
        index[i] = 14 - i;
    data->ops->read(data->self, TSR_TRAIN, 15, index, images, labels);
    for (size_t i = 0; i < 15; i++) {
        ck_image(images + i * PIXELS, 14 - i);
        ck_assert_int_eq(labels[i], ten_labels[14 - i]);
    }
    data->ops->read(data->self, TSR_TEST, 1, &(size_t){ 1 }, images, NULL);
    data->ops->read(data->self, TSR_TEST, 1, &(size_t){ 1 }, NULL, labels);
    ck_image(images, 101);
    ck_assert_int_eq(labels[0], 8);
    tsr_data_close(data);
    tsr_instance_free(instance);
}
END_TEST

START_TEST(cifar100_gives_fine_or_coarse_labels)
{
    static const struct {
        const char *settings;
        int classes, labels[3];
    } kinds[] = { { "", 100, { 99, 50, 0 } },
                  { "labels = \"fine\";", 100, { 99, 50, 0 } },
                  { "labels = \"coarse\";", 20, { 19, 0, 7 } } };
    write_cifar100();
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_folder(kinds[_i].settings, &instance, &data));
    ck_assert_int_eq(data->info.classes, kinds[_i].classes);
    ck_assert_ptr_null(data->info.class_names);
    static float images[3 * PIXELS];
    int32_t labels[3];
    data->ops->read(data->self, TSR_TRAIN, 3, (const size_t[]){ 0, 1, 2 }, images, labels);
    for (size_t i = 0; i < 3; i++) {
        ck_image(images + i * PIXELS, i);
        ck_assert_int_eq(labels[i], kinds[_i].labels[i]);
    }
    tsr_data_close(data);
    tsr_instance_free(instance);
}
END_TEST

START_TEST(names_come_from_the_folder_where_it_has_them)
{
    static const char names[] = "a\nb\u00e9b\u00e9\nc\nd\ne f\r\ng\nh\ni\nj\nk\n\n";
    write_cifar10();
    write_bytes("batches.meta.txt", names, sizeof(names) - 1);
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_folder("", &instance, &data));
    ck_assert_str_eq(data->info.class_names[0], "a");
    ck_assert_str_eq(data->info.class_names[1], "b\u00e9b\u00e9");
    ck_assert_str_eq(data->info.class_names[4], "e f");
    ck_assert_str_eq(data->info.class_names[9], "k");
    tsr_data_close(data);
    tsr_instance_free(instance);
    write_bytes("batches.meta.txt", names, 10);
    file_refused_with("batches.meta.txt", "names 3 classes, expected 10 of CIFAR-10");
    write_bytes("batches.meta.txt", "a\n\1", 3);
    file_refused_with("batches.meta.txt", "offset 2: byte 0x01, expected text");
}
END_TEST

START_TEST(coarse_labels_of_cifar10_are_refused)
{
    write_cifar10();
    refused_with("labels = \"coarse\";", "CIFAR-10 has no coarse labels, expected labels = \"fine\"");
}
END_TEST

START_TEST(a_file_of_another_length_is_refused_with_the_record_size)
{
    static const int extra[] = { 1, -1, -3073 };
    static const char *const messages[] = {
        "holds 3074 bytes, expected a multiple of 3073: CIFAR-10 has records of 1 label byte and 3072 pixel "
        "bytes, "
        "and at offset 3073 there is no whole one",
        "holds 3072 bytes, expected a multiple of 3073",
        "holds 0 bytes, expected a multiple of 3073",
    };
    write_cifar10();
    write_records("data_batch_1.bin", 1, 1, ten_labels, 0, extra[_i]);
    file_refused_with("data_batch_1.bin", messages[_i]);
}
END_TEST

START_TEST(a_file_of_the_other_format_is_refused)
{
    write_records("train.bin", 3, 1, ten_labels, 0, 0);
    write_records("test.bin", 3, 1, ten_labels, 0, 0);
    file_refused_with("train.bin",
                      "holds 9219 bytes, expected a multiple of 3074: CIFAR-100 has records of 2");
}
END_TEST

START_TEST(a_label_out_of_range_is_refused_with_its_place)
{
    write_cifar10();
    write_records("test_batch.bin", 2, 1, (const unsigned char[]){ 1, 10 }, 0, 0);
    file_refused_with("test_batch.bin", "offset 3073: the fine label of image 1 is 10, expected 0 to 9");
}
END_TEST

START_TEST(both_labels_of_cifar100_are_checked)
{
    static const unsigned char bad[2][4] = { { 1, 2, 20, 3 }, { 1, 2, 3, 100 } };
    static const char *const messages[] = {
        "offset 3074: the coarse label of image 1 is 20, expected 0 to 19",
        "offset 3075: the fine label of image 1 is 100, expected 0 to 99"
    };
    write_cifar100();
    write_records("train.bin", 2, 2, bad[_i], 0, 0);
    file_refused_with("train.bin", messages[_i]);
}
END_TEST

START_TEST(a_missing_file_is_named_with_what_to_do)
{
    write_cifar10();
    remove_file("data_batch_3.bin");
    refused_with("", "no file data_batch_3.bin there, which belongs to CIFAR-10; tools/get-data cifar10");
    write_cifar10();
    remove_file("test_batch.bin");
    refused_with("", "no file test_batch.bin there, which belongs to CIFAR-10; tools/get-data cifar10");
}
END_TEST

START_TEST(an_empty_or_missing_folder_says_what_was_looked_for)
{
    refused_with(
        "", "no file data_batch_1.bin (CIFAR-10) or train.bin (CIFAR-100) there; tools/get-data cifar10");
    ck_assert_int_eq(rmdir(folder), 0);
    refused_with(
        "", "no file data_batch_1.bin (CIFAR-10) or train.bin (CIFAR-100) there; tools/get-data cifar10");
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    write_cifar100();
    remove_file("test.bin");
    char *path = tsr_path_join(folder, "test.bin");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    file_refused_with("test.bin", "not a file, expected one of CIFAR's .bin files");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    file_refused_with("test.bin", "not a file, expected one of CIFAR's .bin files");
    free(path);
}
END_TEST

START_TEST(the_same_instance_opens_again_after_a_failure)
{
    write_cifar10();
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    write_bytes("test_batch.bin", "", 0);
    ck_fails(open_folder("", &instance, &data), TSR_REFUSED, "holds 0 bytes");
    write_cifar10();
    ck_succeeds(tsr_data_open(instance, &data));
    tsr_data_close(data);
    tsr_instance_free(instance);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cifar");
    TCase *tests = tcase_create("cifar");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, cifar10_is_read_across_its_files);
    tcase_add_loop_test(tests, cifar100_gives_fine_or_coarse_labels, 0, 3);
    tcase_add_test(tests, names_come_from_the_folder_where_it_has_them);
    tcase_add_test(tests, coarse_labels_of_cifar10_are_refused);
    tcase_add_loop_test(tests, a_file_of_another_length_is_refused_with_the_record_size, 0, 3);
    tcase_add_test(tests, a_file_of_the_other_format_is_refused);
    tcase_add_test(tests, a_label_out_of_range_is_refused_with_its_place);
    tcase_add_loop_test(tests, both_labels_of_cifar100_are_checked, 0, 2);
    tcase_add_test(tests, a_missing_file_is_named_with_what_to_do);
    tcase_add_test(tests, an_empty_or_missing_folder_says_what_was_looked_for);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, the_same_instance_opens_again_after_a_failure);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
