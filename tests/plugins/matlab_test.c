/* MATLAB files, good and bad, written by the tests: what is read back, and each fault told with its array. */
#include "files_check.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <matio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOTH "train = \"@/train.mat\"; test = \"@/test.mat\"; "
#define HALF "train = \"@/train.mat\"; test_fraction = 0.5; test_by = \"last\"; "

/* An array of a file. */
typedef struct array {
    const char *name;
    enum matio_classes class;
    enum matio_types type;
    int rank;
    size_t dims[4];
    const void *values;
} array;

typedef struct format {
    enum mat_ft version;
    enum matio_compression compression;
} format;

static const format plain = { MAT_FT_MAT5, MAT_COMPRESSION_NONE };
static const format formats[] = { { MAT_FT_MAT5, MAT_COMPRESSION_NONE },
                                  { MAT_FT_MAT5, MAT_COMPRESSION_ZLIB },
                                  { MAT_FT_MAT73, MAT_COMPRESSION_NONE },
                                  { MAT_FT_MAT73, MAT_COMPRESSION_ZLIB } };

static void write_mat(const char *name, format form, size_t n, const array *arrays)
{
    char *path = tsr_path_join(files_folder, name);
    unlink(path);
    mat_t *mat = Mat_CreateVer(path, NULL, form.version);
    ck_assert_ptr_nonnull(mat);
    for (size_t i = 0; i < n; i++) {
        array one = arrays[i];
        matvar_t *variable = Mat_VarCreate(one.name, one.class, one.type, one.rank, one.dims,
                                           (void *)(uintptr_t)one.values, 0);
        ck_assert_ptr_nonnull(variable);
        ck_assert_int_eq(Mat_VarWrite(mat, variable, form.compression), 0);
        Mat_VarFree(variable);
    }
    Mat_Close(mat);
    free(path);
}

/* Pixel of image n in the order in which MATLAB has them. */
static unsigned char pixel(size_t y, size_t x, size_t c, size_t n)
{
    return (unsigned char)(y + 10 * x + 60 * c + 100 * n);
}

#define H 2
#define W 3
#define C 3
#define SIZE ((size_t)H * W * C)

static unsigned char *make_pixels(size_t n)
{
    unsigned char *out = malloc(n * SIZE), *at = out;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < C; c++)
            for (size_t x = 0; x < W; x++)
                for (size_t y = 0; y < H; y++)
                    *at++ = pixel(y, x, c, i);
    return out;
}

/* n images and these labels. */
static void write_images(const char *name, format form, size_t n, const unsigned char *labels)
{
    unsigned char *pixels = make_pixels(n);
    write_mat(name, form, 2,
              (const array[]){ { "X", MAT_C_UINT8, MAT_T_UINT8, 4, { H, W, C, n }, pixels },
                               { "y", MAT_C_UINT8, MAT_T_UINT8, 2, { n, 1 }, labels } });
    free(pixels);
}

static void image_is(const files_data *opened, tsr_split split, size_t index, size_t n, float subtract,
                     int32_t label)
{
    float expected[SIZE], *at = expected;
    for (size_t c = 0; c < C; c++)
        for (size_t y = 0; y < H; y++)
            for (size_t x = 0; x < W; x++)
                *at++ = (float)(pixel(y, x, c, n) / 255.0) - subtract;
    files_sample_is(opened, split, index, SIZE, expected, label);
}

START_TEST(images_are_turned_into_rows_of_planes)
{
    write_images("train.mat", formats[_i], 3, (const unsigned char[]){ 1, 10, 2 });
    write_images("test.mat", formats[_i], 2, (const unsigned char[]){ 10, 2 });
    files_data opened = files_open("matlab", BOTH "ten_is_zero = true;");
    const tsr_dataset_info *info = &opened.data->info;
    ck_assert_uint_eq(info->n[TSR_TRAIN], 3);
    ck_assert_uint_eq(info->n[TSR_TEST], 2);
    ck_assert(tsr_shape_equal(info->shape, TSR_SHAPE(C, H, W)));
    ck_assert_int_eq(info->classes, 3);
    image_is(&opened, TSR_TRAIN, 0, 0, 0, 1);
    image_is(&opened, TSR_TRAIN, 1, 1, 0, 0);
    image_is(&opened, TSR_TRAIN, 2, 2, 0, 2);
    image_is(&opened, TSR_TEST, 1, 1, 0, 2);
    files_close(&opened);
}
END_TEST

START_TEST(pixels_may_be_moved_and_ten_may_be_ten)
{
    write_images("train.mat", plain, 3, (const unsigned char[]){ 1, 10, 2 });
    write_images("test.mat", plain, 1, (const unsigned char[]){ 1 });
    files_data opened = files_open("matlab", BOTH "subtract = 0.5;");
    ck_assert_int_eq(opened.data->info.classes, 11);
    image_is(&opened, TSR_TRAIN, 1, 1, 0.5f, 10);
    files_close(&opened);
    opened = files_open("matlab", BOTH "classes = 20;");
    ck_assert_int_eq(opened.data->info.classes, 20);
    files_close(&opened);
}
END_TEST

START_TEST(one_file_is_split_by_its_keys)
{
    unsigned char labels[10], seen[2] = { 0 };
    size_t index[] = { 0, 1, 2, 3, 4, 5, 6 };
    int32_t got[10];
    for (int i = 0; i < 10; i++)
        labels[i] = (unsigned char)i;
    write_images("train.mat", plain, 10, labels);
    files_data opened =
        files_open("matlab", "train = \"@/train.mat\"; test_fraction = 0.3; test_by = \"last\";");
    ck_assert_uint_eq(opened.data->info.n[TSR_TRAIN], 7);
    image_is(&opened, TSR_TEST, 0, 7, 0, 7);
    files_close(&opened);
    opened = files_open("matlab", "train = \"@/train.mat\"; test_fraction = 0.3; split_seed = 5;");
    opened.data->ops->read(opened.data->self, TSR_TRAIN, 7, index, NULL, got);
    opened.data->ops->read(opened.data->self, TSR_TEST, 3, index, NULL, got + 7);
    int32_t sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += got[i];
        seen[i >= 7] |= got[i] >= 7;
    }
    ck_assert_int_eq(sum, 45);
    ck_assert(seen[0]);
    image_is(&opened, TSR_TRAIN, 3, (size_t)got[3], 0, got[3]);
    image_is(&opened, TSR_TEST, 2, (size_t)got[9], 0, got[9]);
    files_close(&opened);
    files_refused("matlab", "train = \"@/train.mat\";", "@/train.mat: no test samples");
    files_refused("matlab", "train = \"@/train.mat\"; test = \"@/train.mat\"; test_fraction = 0.3;",
                  "both test and test_fraction are set");
    files_refused("matlab", "", "no data named: set train");
}
END_TEST

/* Grey images, other names, and labels of every type. */
static const struct {
    enum matio_classes class;
    enum matio_types type;
    const void *values;
} label_types[] = {
    { MAT_C_DOUBLE, MAT_T_DOUBLE, (const double[]){ 3, 0 } },
    { MAT_C_SINGLE, MAT_T_SINGLE, (const float[]){ 3, 0 } },
    { MAT_C_INT8, MAT_T_INT8, (const int8_t[]){ 3, 0 } },
    { MAT_C_UINT8, MAT_T_UINT8, (const uint8_t[]){ 3, 0 } },
    { MAT_C_INT16, MAT_T_INT16, (const int16_t[]){ 3, 0 } },
    { MAT_C_UINT16, MAT_T_UINT16, (const uint16_t[]){ 3, 0 } },
    { MAT_C_INT32, MAT_T_INT32, (const int32_t[]){ 3, 0 } },
    { MAT_C_UINT32, MAT_T_UINT32, (const uint32_t[]){ 3, 0 } },
    { MAT_C_INT64, MAT_T_INT64, (const int64_t[]){ 3, 0 } },
    { MAT_C_UINT64, MAT_T_UINT64, (const uint64_t[]){ 3, 0 } },
};

START_TEST(labels_may_be_of_any_type_and_images_grey)
{
    static const unsigned char pixels[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    for (size_t row = 0; row < 2; row++) {
        write_mat("train.mat", formats[_i % 4], 2,
                  (const array[]){ { "pictures", MAT_C_UINT8, MAT_T_UINT8, 3, { 2, 2, 2 }, pixels },
                                   { "digits",
                                     label_types[_i].class,
                                     label_types[_i].type,
                                     2,
                                     { row ? 1 : 2, row ? 2 : 1 },
                                     label_types[_i].values } });
        files_data opened = files_open("matlab", HALF "images = \"pictures\"; labels = \"digits\";");
        ck_assert(tsr_shape_equal(opened.data->info.shape, TSR_SHAPE(1, 2, 2)));
        files_sample_is(&opened, TSR_TRAIN, 0, 4,
                        (const float[]){ 1 / 255.0f, 3 / 255.0f, 2 / 255.0f, 4 / 255.0f }, 3);
        files_sample_is(&opened, TSR_TEST, 0, 4,
                        (const float[]){ 5 / 255.0f, 7 / 255.0f, 6 / 255.0f, 8 / 255.0f }, 0);
        files_close(&opened);
    }
}
END_TEST

static const unsigned char zeros[256];
static const double double_zeros[256];

#define IMAGES                                                                                               \
    {                                                                                                        \
        "X", MAT_C_UINT8, MAT_T_UINT8, 4, { 2, 2, 1, 2 }, zeros                                              \
    }
#define LABELS                                                                                               \
    {                                                                                                        \
        "y", MAT_C_UINT8, MAT_T_UINT8, 2, { 2, 1 }, "\0\1"                                                   \
    }

static const struct {
    array images, labels;
    const char *message;
} bad[] = {
    { { "Z", MAT_C_UINT8, MAT_T_UINT8, 4, { 2, 2, 1, 2 }, zeros }, LABELS, "no array 'X' that can be read" },
    { IMAGES, { "z", MAT_C_UINT8, MAT_T_UINT8, 2, { 2, 1 }, zeros }, "no array 'y' that can be read" },
    { { "X", MAT_C_DOUBLE, MAT_T_DOUBLE, 4, { 2, 2, 1, 2 }, double_zeros },
      LABELS,
      "array 'X' is not of uint8" },
    { { "X", MAT_C_INT8, MAT_T_INT8, 4, { 2, 2, 1, 2 }, zeros }, LABELS, "array 'X' is not of uint8" },
    { { "X", MAT_C_CHAR, MAT_T_UINT8, 2, { 1, 2 }, "ab" }, LABELS, "array 'X' is not of uint8" },
    { { "X", MAT_C_UINT8, MAT_T_UINT8, 2, { 4, 2 }, zeros },
      LABELS,
      "array 'X' has 2 dimensions, expected height" },
    { { "X", MAT_C_UINT8, MAT_T_UINT8, 4, { 2, 2, 2, 2 }, zeros },
      LABELS,
      "array 'X' has 4 dimensions and neither 1 nor 3 channels" },
    { IMAGES,
      { "y", MAT_C_UINT8, MAT_T_UINT8, 2, { 3, 1 }, zeros },
      "array 'y' has 3 labels, expected one for each of the 2 images of 'X'" },
    { IMAGES,
      { "y", MAT_C_UINT8, MAT_T_UINT8, 2, { 2, 2 }, zeros },
      "array 'y' is neither a row nor a column" },
    { IMAGES, { "y", MAT_C_CHAR, MAT_T_UINT8, 2, { 1, 2 }, "ab" }, "array 'y' holds no numbers" },
    { IMAGES,
      { "y", MAT_C_INT8, MAT_T_INT8, 2, { 2, 1 }, (const int8_t[]){ 0, -1 } },
      "array 'y': label 1 is -1, expected a whole number from 0 to 65535" },
    { IMAGES,
      { "y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, { 2, 1 }, (const double[]){ 0.5, 1 } },
      "array 'y': label 0 is 0.5" },
    { IMAGES,
      { "y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, { 2, 1 }, (const double[]){ 1, NAN } },
      "array 'y': label 1 is nan" },
    { IMAGES,
      { "y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, { 2, 1 }, (const double[]){ 1, INFINITY } },
      "label 1 is inf" },
    { IMAGES,
      { "y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, { 2, 1 }, (const double[]){ 1, 1e9 } },
      "label 1 is 1e+09" },
    { IMAGES,
      { "y", MAT_C_UINT8, MAT_T_UINT8, 2, { 2, 1 }, "\5\5" },
      "every label is 5, expected at least two" },
};

START_TEST(a_bad_array_is_refused_by_name)
{
    write_mat("train.mat", plain, 2, (const array[]){ bad[_i].images, bad[_i].labels });
    files_refused("matlab", HALF, bad[_i].message);
    files_refused("matlab", HALF, "@/train.mat: ");
}
END_TEST

START_TEST(a_label_beyond_classes_is_refused)
{
    write_images("train.mat", plain, 2, (const unsigned char[]){ 1, 4 });
    files_refused("matlab", HALF "classes = 4;",
                  "@/train.mat: array 'y': label 1 is 4, expected a whole number from 0 to 3");
}
END_TEST

START_TEST(images_of_two_sizes_are_refused)
{
    write_images("train.mat", plain, 2, (const unsigned char[]){ 0, 1 });
    write_mat("test.mat", plain, 2, (const array[]){ IMAGES, LABELS });
    files_refused("matlab", BOTH, "@/test.mat: images of 2 x 2 x 1, expected 2 x 3 x 3 as in @/train.mat");
}
END_TEST

/* Wherever a file ends, it is refused; what exactly is missing, the library does not say. */
START_TEST(a_file_that_is_cut_off_is_refused)
{
    write_images("train.mat", formats[_i], 4, (const unsigned char[]){ 1, 2, 3, 4 });
    char *path = tsr_path_join(files_folder, "train.mat"), *bytes;
    size_t length;
    ck_succeeds(tsr_read_file(path, 1 << 20, &bytes, &length));
    size_t step = length / 150 + 1;
    for (size_t i = 0; i + 8 < length; i += step) {
        files_write("train.mat", bytes, i);
        files_refused("matlab", HALF, "@/train.mat: ");
    }
    files_write("train.mat", bytes, length);
    files_data opened = files_open("matlab", HALF);
    files_close(&opened);
    free(bytes);
    free(path);
}
END_TEST

static const char *const no_mat[] = {
    "", "no MATLAB file at all, but a text that is long enough to be one by its length, which "
        "is what the header of 128 bytes has, and more than that"
};
START_TEST(what_is_no_matlab_file_is_refused)
{
    files_write_text("train.mat", no_mat[_i]);
    files_refused("matlab", HALF, "@/train.mat: no MATLAB file");
}
END_TEST

/* The array's dimensions, where a plain file of version 5 has them, say more than there is. */
START_TEST(an_array_that_promises_too_much_is_refused)
{
    static const uint32_t dims[][2] = { { 0x7fffffff, 0x7fffffff }, { 100000, 100 }, { 0, 2 } };
    write_mat("train.mat", plain, 2, (const array[]){ IMAGES, LABELS });
    char *path = tsr_path_join(files_folder, "train.mat"), *bytes;
    size_t length;
    ck_succeeds(tsr_read_file(path, 1 << 20, &bytes, &length));
    memcpy(bytes + 128 + 8 + 16 + 8, dims[_i], sizeof(dims[_i]));
    files_write("train.mat", bytes, length);
    files_refused("matlab", HALF, "@/train.mat: ");
    free(bytes);
    free(path);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    char *path = tsr_path_join(files_folder, "train.mat");
    files_refused("matlab", HALF, "@/train.mat: no such file; tools/get-data says where");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    files_refused("matlab", HALF, "@/train.mat: not a file, expected a MATLAB file");
    free(path);
}
END_TEST

START_TEST(the_same_instance_opens_again_after_a_failure)
{
    write_images("train.mat", plain, 2, (const unsigned char[]){ 1, 1 });
    char *text =
        tsr_format("plugin = \"matlab\"; train = \"%s/train.mat\"; test_fraction = 0.5;", files_folder);
    tsr_instance *instance = test_instance(TSR_DATASET, text);
    tsr_data *data;
    ck_fails(tsr_data_open(instance, &data), TSR_REFUSED, "every label is 1");
    write_images("train.mat", plain, 2, (const unsigned char[]){ 1, 0 });
    ck_succeeds(tsr_data_open(instance, &data));
    tsr_data_close(data);
    tsr_instance_free(instance);
    free(text);
}
END_TEST

START_TEST(the_paper_s_configs_of_svhn_take_its_form)
{
    static const char *const configs[] = { "svhn-model-size.cfg", "svhn-sample-size.cfg" };
    unsigned char *pixels = calloc(12, (size_t)32 * 32 * 3), labels[12];
    for (int i = 0; i < 12; i++)
        labels[i] = (unsigned char)(1 + i % 10);
    for (int i = 0; i < 2; i++)
        write_mat(i ? "test.mat" : "train.mat", formats[1], 2,
                  (const array[]){ { "X", MAT_C_UINT8, MAT_T_UINT8, 4, { 32, 32, 3, 12 }, pixels },
                                   { "y", MAT_C_UINT8, MAT_T_UINT8, 2, { 12, 1 }, labels } });
    files_config_has(configs[_i], 5,
                     (const char *[]){ "replicates=1", "dataset.train=@/train.mat", "dataset.test=@/test.mat",
                                       "sweep=()", "probes=()" },
                     TSR_SHAPE(3, 32, 32), 10);
    free(pixels);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(it_passes_the_kit)
{
    write_images("train.mat", plain, 3, (const unsigned char[]){ 1, 10, 2 });
    write_images("test.mat", plain, 1, (const unsigned char[]){ 1 });
    files_pass_the_kit("matlab", "-s train=@/train.mat -s test=@/test.mat");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matlab");
    TCase *tests = tcase_create("matlab");
    tcase_add_checked_fixture(tests, files_make_folder, files_remove_folder);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, images_are_turned_into_rows_of_planes, 0, N(formats));
    tcase_add_test(tests, pixels_may_be_moved_and_ten_may_be_ten);
    tcase_add_test(tests, one_file_is_split_by_its_keys);
    tcase_add_loop_test(tests, labels_may_be_of_any_type_and_images_grey, 0, N(label_types));
    tcase_add_loop_test(tests, a_bad_array_is_refused_by_name, 0, N(bad));
    tcase_add_test(tests, a_label_beyond_classes_is_refused);
    tcase_add_test(tests, images_of_two_sizes_are_refused);
    tcase_add_loop_test(tests, a_file_that_is_cut_off_is_refused, 0, N(formats));
    tcase_add_loop_test(tests, what_is_no_matlab_file_is_refused, 0, N(no_mat));
    tcase_add_loop_test(tests, an_array_that_promises_too_much_is_refused, 0, 3);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, the_same_instance_opens_again_after_a_failure);
    tcase_add_loop_test(tests, the_paper_s_configs_of_svhn_take_its_form, 0, 2);
    tcase_add_test(tests, it_passes_the_kit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
