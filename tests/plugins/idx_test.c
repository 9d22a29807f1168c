/* IDX files, good and bad: written by the tests, plain and gzip. Each fault is told with its file and place.
 */
#include "data/samples.h"
#include "support.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

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

/* Writing IDX files. */

typedef struct idx_file {
    const char *name;
    uint32_t magic;
    size_t n_dims;
    uint32_t dims[8];
    size_t length;              /* bytes behind the header */
    const unsigned char *bytes; /* NULL: 0, 1, 2 ... modulo 256 */
} idx_file;

static size_t compose(const idx_file *file, unsigned char *out)
{
    size_t used = 0;
    for (size_t i = 0; i <= file->n_dims; i++) {
        uint32_t word = i == 0 ? file->magic : file->dims[i - 1];
        for (int shift = 24; shift >= 0; shift -= 8)
            out[used++] = (unsigned char)(word >> shift);
    }
    for (size_t i = 0; i < file->length; i++)
        out[used++] = file->bytes ? file->bytes[i] : (unsigned char)i;
    return used;
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
    char *path = tsr_path_join(folder, name);
    tsr_status_free(tsr_remove_tree(path));
    ck_succeeds(tsr_write_file(path, bytes, length));
    free(path);
}

static void write_idx(const idx_file *file)
{
    unsigned char bytes[4096];
    ck_assert_uint_le(file->length, 4000);
    write_bytes(file->name, bytes, compose(file, bytes));
}

static void write_gzip(const idx_file *file)
{
    unsigned char bytes[4096];
    size_t length = compose(file, bytes);
    char *path = tsr_path_join(folder, file->name);
    gzFile out = gzopen(path, "wb");
    ck_assert_int_eq(gzwrite(out, bytes, (unsigned)length), (int)length);
    ck_assert_int_eq(gzclose(out), Z_OK);
    free(path);
}

static void remove_file(const char *name)
{
    char *path = tsr_path_join(folder, name);
    ck_assert_int_eq(unlink(path), 0);
    free(path);
}

/* A data set of 4 training and 2 test images of 2 x 3. */
static const unsigned char train_labels[] = { 3, 0, 1, 2 }, test_labels[] = { 2, 0 };
#define TRAIN_IMAGES_FILE "train-images-idx3-ubyte"
#define TRAIN_LABELS_FILE "train-labels-idx1-ubyte"
#define TEST_IMAGES_FILE "t10k-images-idx3-ubyte"
#define TEST_LABELS_FILE "t10k-labels-idx1-ubyte"
static const idx_file good[] = {
    { TRAIN_IMAGES_FILE, 0x803, 3, { 4, 2, 3 }, 24, NULL },
    { TRAIN_LABELS_FILE, 0x801, 1, { 4 }, 4, train_labels },
    { TEST_IMAGES_FILE, 0x803, 3, { 2, 2, 3 }, 12, NULL },
    { TEST_LABELS_FILE, 0x801, 1, { 2 }, 2, test_labels },
};
enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS };

static void write_good(void)
{
    for (int i = 0; i < 4; i++)
        write_idx(&good[i]);
}

/* The plugin on the folder, with more settings. */
static tsr_status *open_with(const char *settings, tsr_instance **instance, tsr_data **data)
{
    char *text = tsr_format("plugin = \"idx\"; %s", settings);
    *instance = test_instance(TSR_DATASET, text);
    free(text);
    return tsr_data_open(*instance, data);
}

static tsr_status *open_folder(const char *more, tsr_instance **instance, tsr_data **data)
{
    char *settings = tsr_format("path = \"%s\"; %s", folder, more);
    tsr_status *status = open_with(settings, instance, data);
    free(settings);
    return status;
}

static void refused_with(const char *more, const char *message)
{
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_fails(open_folder(more, &instance, &data), TSR_REFUSED, message);
    tsr_instance_free(instance);
}

/* Refused, with the file's path before the message. */
static void file_refused_with(const char *name, const char *more, const char *message)
{
    char *whole = tsr_format("%s/%s: %s", folder, name, message);
    refused_with(more, whole);
    free(whole);
}

static void opens_as_good(const char *settings)
{
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_with(settings, &instance, &data));
    ck_assert_uint_eq(data->info.n[TSR_TRAIN], 4);
    ck_assert_uint_eq(data->info.n[TSR_TEST], 2);
    ck_assert(tsr_shape_equal(data->info.shape, TSR_SHAPE(1, 2, 3)));
    ck_assert_int_eq(data->info.classes, 4);
    size_t index[] = { 3, 1 };
    float inputs[12];
    int32_t labels[2];
    data->ops->read(data->self, TSR_TRAIN, 2, index, inputs, labels);
    ck_assert_float_eq(inputs[0], 18 / 255.0f);
    ck_assert_float_eq(inputs[11], 11 / 255.0f);
    ck_assert(labels[0] == 2 && labels[1] == 0);
    data->ops->read(data->self, TSR_TEST, 1, index + 1, inputs, NULL);
    data->ops->read(data->self, TSR_TEST, 1, index + 1, NULL, labels);
    ck_assert_float_eq(inputs[5], 11 / 255.0f);
    ck_assert_int_eq(labels[0], 0);
    tsr_data_close(data);
    tsr_instance_free(instance);
}

static void folder_opens_as_good(void)
{
    char *settings = tsr_format("path = \"%s\";", folder);
    opens_as_good(settings);
    free(settings);
}

/* What is read. */

START_TEST(plain_files_in_a_folder_are_read)
{
    write_good();
    folder_opens_as_good();
}
END_TEST

START_TEST(other_spellings_and_gzip_are_read)
{
    static const char *const names[][4] = {
        { "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
          "t10k-labels-idx1-ubyte.gz" },
        { "train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte",
          "t10k-labels.idx1-ubyte" },
        { "train-images.idx3-ubyte.gz", "train-labels.idx1-ubyte", "t10k-images-idx3-ubyte.gz",
          "t10k-labels-idx1-ubyte" },
    };
    for (int i = 0; i < 4; i++) {
        idx_file file = good[i];
        file.name = names[_i][i];
        if (strstr(file.name, ".gz"))
            write_gzip(&file);
        else
            write_idx(&file);
    }
    folder_opens_as_good();
}
END_TEST

START_TEST(what_is_gzip_is_told_by_its_bytes)
{
    write_good();
    write_gzip(&good[TRAIN_IMAGES]);
    folder_opens_as_good();
}
END_TEST

START_TEST(explicit_files_need_no_folder)
{
    write_good();
    char *settings =
        tsr_format("train_images = \"%s/%s\"; train_labels = \"%s/%s\"; test_images = \"%s/%s\"; "
                   "test_labels = \"%s/%s\";",
                   folder, good[0].name, folder, good[1].name, folder, good[2].name, folder, good[3].name);
    opens_as_good(settings);
    free(settings);
}
END_TEST

START_TEST(an_explicit_file_takes_the_place_of_the_folders)
{
    write_good();
    remove_file(good[TEST_LABELS].name);
    idx_file moved = good[TEST_LABELS];
    moved.name = "answers";
    write_idx(&moved);
    char *settings = tsr_format("path = \"%s\"; test_labels = \"%s/answers\";", folder, folder);
    opens_as_good(settings);
    free(settings);
}
END_TEST

START_TEST(fallback_is_taken_where_path_is_not_there)
{
    write_good();
    char *settings = tsr_format("path = \"%s/none\"; fallback = \"%s\";", folder, folder);
    opens_as_good(settings);
    free(settings);
}
END_TEST

START_TEST(fallback_does_not_fill_up_a_folder_that_is_there)
{
    write_good();
    char *settings = tsr_format("path = \"%s/empty\"; fallback = \"%s\";", folder, folder);
    char *empty = tsr_path_join(folder, "empty");
    char *message = tsr_format("%s: no file train-images-idx3-ubyte or train-images.idx3-ubyte there", empty);
    ck_assert_int_eq(mkdir(empty, 0777), 0);
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_fails(open_with(settings, &instance, &data), TSR_REFUSED, message);
    tsr_instance_free(instance);
    free(message);
    free(empty);
    free(settings);
}
END_TEST

START_TEST(images_may_have_channels)
{
    idx_file train = { "train-images-idx4-ubyte", 0x804, 4, { 4, 3, 1, 2 }, 24, NULL };
    idx_file test = { "t10k-images-idx4-ubyte", 0x804, 4, { 2, 3, 1, 2 }, 12, NULL };
    write_idx(&train);
    write_idx(&test);
    write_idx(&good[TRAIN_LABELS]);
    write_idx(&good[TEST_LABELS]);
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_folder("", &instance, &data));
    ck_assert(tsr_shape_equal(data->info.shape, TSR_SHAPE(3, 1, 2)));
    tsr_data_close(data);
    tsr_instance_free(instance);
}
END_TEST

START_TEST(classes_may_be_more_than_the_labels_show_and_are_never_fewer_than_two)
{
    static const unsigned char zeros[4];
    write_good();
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_folder("classes = 10;", &instance, &data));
    ck_assert_int_eq(data->info.classes, 10);
    tsr_data_close(data);
    tsr_instance_free(instance);
    write_idx(&(idx_file){ good[TRAIN_LABELS].name, 0x801, 1, { 4 }, 4, zeros });
    write_idx(&(idx_file){ good[TEST_LABELS].name, 0x801, 1, { 2 }, 2, zeros });
    ck_succeeds(open_folder("", &instance, &data));
    ck_assert_int_eq(data->info.classes, 2);
    tsr_data_close(data);
    tsr_instance_free(instance);
}
END_TEST

START_TEST(files_larger_than_the_first_allocation_are_read_whole)
{
    size_t n = 3000, length = 16 + n * 784;
    unsigned char *bytes = malloc(length);
    compose(&(idx_file){ NULL, 0x803, 3, { (uint32_t)n, 28, 28 }, n * 784, NULL }, bytes);
    char *path = tsr_path_join(folder, "train-images-idx3-ubyte.gz");
    gzFile out = gzopen(path, "wb1");
    ck_assert_int_eq(gzwrite(out, bytes, (unsigned)length), (int)length);
    ck_assert_int_eq(gzclose(out), Z_OK);
    static unsigned char labels[3000];
    write_idx(&(idx_file){ "train-labels-idx1-ubyte", 0x801, 1, { (uint32_t)n }, n, labels });
    write_bytes("t10k-images-idx3-ubyte", bytes, length);
    write_idx(&(idx_file){ "t10k-labels-idx1-ubyte", 0x801, 1, { (uint32_t)n }, n, labels });
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_succeeds(open_folder("", &instance, &data));
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (size_t i = 0; i < n; i += 2999) {
            float image[784];
            data->ops->read(data->self, split, 1, &i, image, NULL);
            for (size_t j = 0; j < 784; j++)
                ck_assert_float_eq(image[j], (float)((i * 784 + j) & 0xff) / 255);
        }
    tsr_data_close(data);
    tsr_instance_free(instance);
    free(path);
    free(bytes);
}
END_TEST

/* What is refused. */

static const unsigned char label_9[] = { 3, 0, 9, 2 };
static const struct {
    idx_file file; /* in place of the good one */
    const char *settings, *message;
} bad[] = {
    { { TRAIN_IMAGES_FILE, 0x801, 3, { 4, 2, 3 }, 24, NULL },
      "",
      "offset 0: magic 0x00000801, expected 0x00000803 or 0x00000804 (images as unsigned bytes)" },
    { { TRAIN_IMAGES_FILE, 0xd03, 3, { 4, 2, 3 }, 96, NULL },
      "",
      "offset 0: magic 0x00000d03, expected 0x00000803" },
    { { TRAIN_IMAGES_FILE, 0x805, 5, { 4, 1, 1, 2, 3 }, 24, NULL },
      "",
      "offset 0: magic 0x00000805, expected" },
    { { TRAIN_LABELS_FILE, 0x803, 3, { 4, 2, 3 }, 24, NULL },
      "",
      "offset 0: magic 0x00000803, expected 0x00000801 (labels as unsigned bytes)" },
    { { TEST_LABELS_FILE, 0x6c6f7375, 0, { 0 }, 100, NULL },
      "",
      "offset 0: magic 0x6c6f7375, expected 0x00000801" },
    { { TRAIN_IMAGES_FILE, 0x803, 0, { 0 }, 3, NULL },
      "",
      "holds 7 bytes, expected at least the 16 of an IDX header" },
    { { TRAIN_IMAGES_FILE, 0x803, 3, { 0, 2, 3 }, 0, NULL },
      "",
      "offset 4: dimension 1 of 3 is 0, expected at least 1" },
    { { TEST_IMAGES_FILE, 0x803, 3, { 2, 2, 0 }, 0, NULL },
      "",
      "offset 12: dimension 3 of 3 is 0, expected at least 1" },
    { { TRAIN_LABELS_FILE, 0x801, 1, { 0 }, 0, NULL },
      "",
      "offset 4: dimension 1 of 1 is 0, expected at least 1" },
    { { TRAIN_IMAGES_FILE, 0x804, 4, { -1u, -1u, -1u, -1u }, 24, NULL },
      "",
      "offset 4: dimensions 4294967295 x 4294967295 x 4294967295 x 4294967295 are more than memory can "
      "hold" },
    { { TRAIN_IMAGES_FILE, 0x803, 3, { -1u, -1u, 1 }, 24, NULL },
      "",
      "offset 4: dimensions 4294967295 x 4294967295 x 1 are more than memory can hold" },
    { { TRAIN_IMAGES_FILE, 0x803, 3, { -1u, 28, 28 }, 24, NULL },
      "",
      "offset 4: dimensions 4294967295 x 28 x 28 promise 3367254359296 bytes in all, but the file holds 40" },
    { { TRAIN_IMAGES_FILE, 0x803, 3, { 4, 2, 3 }, 23, NULL },
      "",
      "offset 4: dimensions 4 x 2 x 3 promise 40 bytes in all, but the file holds 39" },
    { { TRAIN_IMAGES_FILE, 0x803, 3, { 4, 2, 3 }, 30, NULL },
      "",
      "offset 4: dimensions 4 x 2 x 3 promise 40 bytes in all, but the file holds 46" },
    { { TEST_LABELS_FILE, 0x801, 1, { 2 }, 0, NULL },
      "",
      "offset 4: dimensions 2 promise 10 bytes in all, but the file holds 8" },
    { { TRAIN_LABELS_FILE, 0x801, 1, { 3 }, 3, train_labels },
      "",
      "offset 4: 3 labels, expected one for each of the 4 images of " },
    { { TEST_LABELS_FILE, 0x801, 1, { 4 }, 4, train_labels },
      "",
      "offset 4: 4 labels, expected one for each of the 2 images of " },
    { { TEST_IMAGES_FILE, 0x803, 3, { 2, 3, 2 }, 12, NULL },
      "",
      "offset 8: images of shape 1 x 3 x 2, expected 1 x 2 x 3 as in " },
    { { TRAIN_LABELS_FILE, 0x801, 1, { 4 }, 4, label_9 },
      "classes = 4;",
      "offset 10: label 2 is 9, expected 0 to 3 as classes is 4" },
    { { TEST_LABELS_FILE, 0x801, 1, { 2 }, 2, test_labels },
      "classes = 2;",
      "offset 8: label 0 is 2, expected 0 to 1 as classes is 2" },
};

START_TEST(a_bad_file_is_refused_with_its_place)
{
    write_good();
    write_idx(&bad[_i].file);
    if (_i == sizeof(bad) / sizeof(bad[0]) - 1) {
        /* The training labels, which come first, must fit there. */
        static const unsigned char two[] = { 0, 1, 1, 0 };
        write_idx(&(idx_file){ good[TRAIN_LABELS].name, 0x801, 1, { 4 }, 4, two });
    }
    file_refused_with(bad[_i].file.name, bad[_i].settings, bad[_i].message);
}
END_TEST

START_TEST(a_bad_file_is_refused_the_same_in_gzip)
{
    write_good();
    if (_i == sizeof(bad) / sizeof(bad[0]) - 1) {
        static const unsigned char two[] = { 0, 1, 1, 0 };
        write_idx(&(idx_file){ good[TRAIN_LABELS].name, 0x801, 1, { 4 }, 4, two });
    }
    write_gzip(&bad[_i].file);
    file_refused_with(bad[_i].file.name, bad[_i].settings, bad[_i].message);
}
END_TEST

START_TEST(truncated_gzip_is_refused_wherever_it_ends)
{
    write_good();
    write_gzip(&good[TRAIN_IMAGES]);
    char *path = tsr_path_join(folder, good[TRAIN_IMAGES].name), *bytes;
    size_t length;
    ck_succeeds(tsr_read_file(path, 4096, &bytes, &length));
    for (size_t kept = 4; kept < length; kept++) {
        write_bytes(good[TRAIN_IMAGES].name, bytes, kept);
        char *message = tsr_format("truncated gzip: the file ends at offset %zu,", kept);
        file_refused_with(good[TRAIN_IMAGES].name, "", message);
        free(message);
    }
    free(bytes);
    free(path);
}
END_TEST

START_TEST(damaged_gzip_is_refused_by_its_checksum)
{
    write_good();
    write_gzip(&good[TRAIN_IMAGES]);
    char *path = tsr_path_join(folder, good[TRAIN_IMAGES].name), *bytes;
    size_t length;
    ck_succeeds(tsr_read_file(path, 4096, &bytes, &length));
    bytes[length - 6] ^= 1;
    write_bytes(good[TRAIN_IMAGES].name, bytes, length);
    file_refused_with(good[TRAIN_IMAGES].name, "", "damaged gzip, before offset ");
    free(bytes);
    free(path);
}
END_TEST

START_TEST(an_empty_file_is_refused)
{
    write_good();
    write_bytes(good[TEST_LABELS].name, "", 0);
    file_refused_with(good[TEST_LABELS].name, "", "holds 0 bytes, expected at least the 8 of an IDX header");
}
END_TEST

START_TEST(a_missing_file_is_named_as_it_should_be)
{
    static const char *const messages[] = {
        "no file train-images-idx3-ubyte or train-images.idx3-ubyte there, plain or .gz",
        "no file train-labels-idx1-ubyte or train-labels.idx1-ubyte there, plain or .gz",
        "no file t10k-images-idx3-ubyte or t10k-images.idx3-ubyte there, plain or .gz",
        "no file t10k-labels-idx1-ubyte or t10k-labels.idx1-ubyte there, plain or .gz",
    };
    write_good();
    remove_file(good[_i].name);
    refused_with("", messages[_i]);
}
END_TEST

START_TEST(an_explicit_file_that_is_missing_or_no_file_is_refused)
{
    write_good();
    refused_with("test_labels = \"/nowhere/labels\";", "/nowhere/labels: No such file or directory");
    refused_with("test_labels = \"/\";", "/: not a file, expected one in IDX format");
    char *fifo = tsr_path_join(folder, "fifo");
    char *settings = tsr_format("test_labels = \"%s\";", fifo);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    refused_with(settings, "fifo: not a file, expected one in IDX format");
    free(settings);
    free(fifo);
}
END_TEST

START_TEST(a_missing_folder_says_where_data_come_from)
{
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_fails(open_with("path = \"/nowhere/mnist\";", &instance, &data), TSR_REFUSED,
             "/nowhere/mnist: no such folder; tools/get-data fetches mnist");
    tsr_instance_free(instance);
    ck_fails(open_with("path = \"/nowhere/mnist\"; fallback = \"/nowhere/else\";", &instance, &data),
             TSR_REFUSED, "/nowhere/mnist: no such folder, nor is there a /nowhere/else; tools/get-data");
    tsr_instance_free(instance);
}
END_TEST

START_TEST(no_path_at_all_is_refused)
{
    tsr_instance *instance = NULL;
    tsr_data *data = NULL;
    ck_fails(open_with("", &instance, &data), TSR_REFUSED, "no data named: set path");
    tsr_instance_free(instance);
    ck_fails(open_with("path = \"\";", &instance, &data), TSR_REFUSED, "no data named: set path");
    tsr_instance_free(instance);
}
END_TEST

START_TEST(the_same_instance_opens_again_after_a_failure)
{
    write_good();
    char *settings = tsr_format("plugin = \"idx\"; path = \"%s\";", folder);
    tsr_instance *instance = test_instance(TSR_DATASET, settings);
    tsr_data *data = NULL;
    write_bytes(good[TEST_LABELS].name, "", 0);
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "holds 0 bytes");
    write_idx(&good[TEST_LABELS]);
    ck_succeeds(tsr_data_open(instance, &data));
    tsr_data_close(data);
    tsr_instance_free(instance);
    free(settings);
}
END_TEST

int main(void)
{
    int n_bad = sizeof(bad) / sizeof(bad[0]);
    Suite *suite = suite_create("idx");
    TCase *tests = tcase_create("idx");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, plain_files_in_a_folder_are_read);
    tcase_add_loop_test(tests, other_spellings_and_gzip_are_read, 0, 3);
    tcase_add_test(tests, what_is_gzip_is_told_by_its_bytes);
    tcase_add_test(tests, explicit_files_need_no_folder);
    tcase_add_test(tests, an_explicit_file_takes_the_place_of_the_folders);
    tcase_add_test(tests, fallback_is_taken_where_path_is_not_there);
    tcase_add_test(tests, fallback_does_not_fill_up_a_folder_that_is_there);
    tcase_add_test(tests, images_may_have_channels);
    tcase_add_test(tests, classes_may_be_more_than_the_labels_show_and_are_never_fewer_than_two);
    tcase_add_test(tests, files_larger_than_the_first_allocation_are_read_whole);
    tcase_add_loop_test(tests, a_bad_file_is_refused_with_its_place, 0, n_bad);
    tcase_add_loop_test(tests, a_bad_file_is_refused_the_same_in_gzip, 0, n_bad);
    tcase_add_test(tests, truncated_gzip_is_refused_wherever_it_ends);
    tcase_add_test(tests, damaged_gzip_is_refused_by_its_checksum);
    tcase_add_test(tests, an_empty_file_is_refused);
    tcase_add_loop_test(tests, a_missing_file_is_named_as_it_should_be, 0, 4);
    tcase_add_test(tests, an_explicit_file_that_is_missing_or_no_file_is_refused);
    tcase_add_test(tests, a_missing_folder_says_where_data_come_from);
    tcase_add_test(tests, no_path_at_all_is_refused);
    tcase_add_test(tests, the_same_instance_opens_again_after_a_failure);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
