/* The dataset npy, on files that are written here: layouts, types, one set or two, archives; and what is
   refused, with its file and index. The format itself is tests/data/npy_test's. */
#include "files_check.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/npy.h>
#include <zip.h>

static void write_array(const char *name, tsr_element element, size_t n_dims, const size_t *dims,
                        const void *values)
{
    char *path = tsr_format("%s/%s", files_folder, name);
    ck_succeeds(tsr_npy_write(path, element, n_dims, dims, values));
    free(path);
}

static void write_floats(const char *name, size_t n, size_t columns, const float *values)
{
    write_array(name, TSR_ELEMENT_FLOAT32, 2, (size_t[]){ n, columns }, values);
}

static void write_labels(const char *name, size_t n, const int64_t *labels)
{
    write_array(name, TSR_ELEMENT_INT64, 1, &n, labels);
}

static const float samples[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
static const int64_t labels[] = { 0, 2, 1, 0, 1, 2 };

/* Six samples of two values, four of which train by files of their own. */
static void write_good(void)
{
    write_floats("x.npy", 4, 2, samples);
    write_labels("y.npy", 4, labels);
    write_floats("u.npy", 2, 2, samples + 8);
    write_labels("v.npy", 2, labels + 4);
}

#define TRAIN "train = \"@/x.npy\"; train_labels = \"@/y.npy\"; "
#define BOTH TRAIN "test = \"@/u.npy\"; test_labels = \"@/v.npy\"; "

START_TEST(two_sets_are_read_as_they_are)
{
    write_good();
    files_data opened = files_open("npy", BOTH);
    ck_assert(opened.data->info.n[TSR_TRAIN] == 4 && opened.data->info.n[TSR_TEST] == 2);
    ck_assert_int_eq(opened.data->info.classes, 3);
    ck_assert(tsr_shape_equal(opened.data->info.shape, TSR_SHAPE(2)));
    for (size_t i = 0; i < 4; i++)
        files_sample_is(&opened, TSR_TRAIN, i, 2, samples + 2 * i, (int32_t)labels[i]);
    for (size_t i = 0; i < 2; i++)
        files_sample_is(&opened, TSR_TEST, i, 2, samples + 8 + 2 * i, (int32_t)labels[4 + i]);
    files_close(&opened);
}
END_TEST

START_TEST(one_set_is_told_apart)
{
    write_floats("x.npy", 6, 2, samples);
    write_labels("y.npy", 6, labels);
    files_data opened = files_open("npy", TRAIN "test_fraction = 0.34; test_by = \"last\";");
    ck_assert(opened.data->info.n[TSR_TRAIN] == 3 && opened.data->info.n[TSR_TEST] == 3);
    files_sample_is(&opened, TSR_TRAIN, 2, 2, samples + 4, 1);
    files_sample_is(&opened, TSR_TEST, 0, 2, samples + 6, 0);
    files_close(&opened);
    opened = files_open("npy", TRAIN "test_fraction = 0.5;");
    float sum = 0;
    for (tsr_split split = TSR_TRAIN; split <= TSR_TEST; split++)
        for (size_t i = 0; i < 3; i++) {
            float values[2];
            opened.data->ops->read(opened.data->self, split, 1, &i, values, NULL);
            sum += values[0];
        }
    ck_assert(sum == 0 + 2 + 4 + 6 + 8 + 10); /* each once */
    files_close(&opened);
    files_refused("npy", TRAIN, "@/x.npy: no test samples: name a test file, or set test_fraction above 0");
    files_refused("npy", TRAIN "test_fraction = 0.99;",
                  "@/x.npy: of 6 samples, test_fraction = 0.99 leaves 0 for training and 6");
}
END_TEST

START_TEST(layouts_bring_channels_first)
{
    static const uint8_t bytes[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                     12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 };
    static const float last[] = { 0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11 };
    static const struct {
        const char *settings;
        size_t n_dims, dims[4];
        tsr_shape shape;
        const float *first; /* sample 0; NULL: as it is */
        float factor, less;
    } layouts[] = {
        { "", 4, { 2, 3, 2, 2 }, { 3, { 3, 2, 2 } }, NULL, 1, 0 },
        { "layout = \"channels_last\"; divide_by = 4.0; subtract = 0.5;",
          4,
          { 2, 2, 2, 3 },
          { 3, { 3, 2, 2 } },
          last,
          0.25f,
          0.5f },
        { "", 3, { 2, 3, 4 }, { 3, { 1, 3, 4 } }, NULL, 1, 0 },
        { "layout = \"as_is\";", 3, { 2, 3, 4 }, { 2, { 3, 4 } }, NULL, 1, 0 },
        { "layout = \"channels_last\";", 2, { 2, 12 }, { 1, { 12 } }, NULL, 1, 0 },
    };
    write_labels("y.npy", 2, labels);
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        float expected[12];
        for (size_t k = 0; k < 12; k++)
            expected[k] =
                (layouts[i].first ? layouts[i].first[k] : (float)k) * layouts[i].factor - layouts[i].less;
        write_array("x.npy", TSR_ELEMENT_UINT8, layouts[i].n_dims, layouts[i].dims, bytes);
        char *settings = tsr_format(TRAIN "test_fraction = 0.5; test_by = \"last\"; %s", layouts[i].settings);
        files_data opened = files_open("npy", settings);
        ck_assert(tsr_shape_equal(opened.data->info.shape, layouts[i].shape));
        files_sample_is(&opened, TSR_TRAIN, 0, 12, expected, 0);
        files_close(&opened);
        free(settings);
    }
}
END_TEST

START_TEST(labels_of_every_type_are_read)
{
    static const float as_floats[] = { 0, 1, 1, 0 };
    static const uint8_t as_bools[] = { 0, 1, 1, 0 };
    static const float as_column[] = { 0, 1, 1, 0 };
    write_good();
    for (int i = 0; i < 3; i++) {
        if (i == 0)
            write_array("y.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 4 }, as_floats);
        else if (i == 1)
            write_array("y.npy", TSR_ELEMENT_BOOL, 1, (size_t[]){ 4 }, as_bools);
        else
            write_floats("y.npy", 4, 1, as_column);
        files_data opened = files_open("npy", BOTH);
        files_sample_is(&opened, TSR_TRAIN, 1, 2, samples + 2, 1);
        files_sample_is(&opened, TSR_TRAIN, 3, 2, samples + 6, 0);
        files_close(&opened);
    }
}
END_TEST

START_TEST(targets_are_read_beside_labels_or_without_them)
{
    static const float targets[] = { 0.5f, -1, 2, 3, 4, 5 };
    write_good();
    write_array("t.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 4 }, targets);
    write_array("w.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 2 }, targets + 4);
    files_data opened =
        files_open("npy", BOTH "divide_by = 2.0; train_targets = \"@/t.npy\"; test_targets = \"@/w.npy\";");
    ck_assert(tsr_shape_equal(opened.data->info.target, TSR_SHAPE(1)) && opened.data->info.classes == 3);
    float values[4];
    opened.data->ops->read_targets(opened.data->self, TSR_TRAIN, 4, (size_t[]){ 3, 2, 1, 0 }, values);
    ck_assert(values[0] == 3 && values[1] == 2 && values[2] == -1 && values[3] == 0.5f); /* not divided */
    opened.data->ops->read_targets(opened.data->self, TSR_TEST, 1, (size_t[]){ 1 }, values);
    ck_assert(values[0] == 5);
    files_close(&opened);
    write_array("t.npy", TSR_ELEMENT_FLOAT32, 3, (size_t[]){ 4, 1, 2 }, samples);
    opened = files_open("npy", "train = \"@/x.npy\"; train_targets = \"@/t.npy\"; test_fraction = 0.5; "
                               "test_by = \"last\";");
    ck_assert(tsr_shape_equal(opened.data->info.target, TSR_SHAPE(1, 2)) && opened.data->info.classes == 0);
    opened.data->ops->read_targets(opened.data->self, TSR_TEST, 1, (size_t[]){ 1 }, values);
    ck_assert(values[0] == 6 && values[1] == 7);
    files_close(&opened);
    opened = files_open("npy", "train = \"@/x.npy\"; test_fraction = 0.5;"); /* inputs alone */
    ck_assert(opened.data->info.target.n_dims == 0 && opened.data->info.classes == 0);
    files_close(&opened);
}
END_TEST

START_TEST(targets_that_do_not_go_with_the_samples_are_refused)
{
    static const float bad[] = { 0, 1, 2, NAN };
    write_good();
    write_array("t.npy", TSR_ELEMENT_FLOAT32, 2, (size_t[]){ 3, 2 }, samples);
    files_refused("npy", TRAIN "test_fraction = 0.5; train_targets = \"@/t.npy\";",
                  "@/t.npy: 3 targets, expected one for each of the 4 samples of @/x.npy");
    write_array("t.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 4 }, bad);
    files_refused("npy", TRAIN "test_fraction = 0.5; train_targets = \"@/t.npy\";",
                  "@/t.npy: sample 3, value 0 is nan, expected a finite number");
    write_array("t.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 4 }, samples);
    write_array("w.npy", TSR_ELEMENT_FLOAT32, 2, (size_t[]){ 2, 2 }, samples);
    files_refused("npy", BOTH "train_targets = \"@/t.npy\"; test_targets = \"@/w.npy\";",
                  "@/w.npy: targets of another shape than in @/t.npy: 2 values each, expected 1");
    files_refused("npy", BOTH "train_targets = \"@/t.npy\";",
                  "train_targets and test_targets go together: test_targets is not set");
    files_refused("npy",
                  TRAIN "test_fraction = 0.5; train_targets = \"@/t.npy\"; test_targets = \"@/w.npy\";",
                  "test_targets goes with test, which is not set");
    write_array("t.npy", TSR_ELEMENT_FLOAT32, 2, (size_t[]){ 4, 0 }, samples);
    files_refused("npy", TRAIN "test_fraction = 0.5; train_targets = \"@/t.npy\";",
                  "@/t.npy: targets of no values");
}
END_TEST

START_TEST(what_does_not_go_together_is_refused)
{
    static const float bad[] = { 0, 1, 2, 3, 4, NAN, 6, 7 }, fraction[] = { 0, 0.5f, 0, 0 };
    static const int64_t negative[] = { 0, 1, -1, 0 }, large[] = { 0, 1, 1 << 20, 0 };
    files_refused("npy", "", "no data named: set train, and train_labels or train_targets, to .npy files");
    write_good();
    files_refused("npy", TRAIN "test = \"@/u.npy\";",
                  "train_labels and test_labels go together: test_labels is not set");
    files_refused("npy", BOTH "test_fraction = 0.5;", "test_fraction is for data without test files");
    files_refused("npy", "train = \"@/none.npy\"; train_labels = \"@/y.npy\";", "@/none.npy");
    files_refused("npy", BOTH "classes = 2;", "@/y.npy: label 1 is 2, expected a whole number from 0 to 1");
    write_labels("y.npy", 3, labels);
    files_refused("npy", BOTH, "@/y.npy: 3 labels, expected one for each of the 4 samples of @/x.npy");
    write_labels("y.npy", 4, negative);
    files_refused("npy", BOTH, "@/y.npy: label 2 is -1, expected a whole number from 0 to 1048575");
    write_labels("y.npy", 4, large);
    files_refused("npy", BOTH, "@/y.npy: label 2 is 1.04858e+06, expected a whole number");
    write_array("y.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 4 }, fraction);
    files_refused("npy", BOTH, "@/y.npy: label 1 is 0.5, expected a whole number");
    write_floats("y.npy", 2, 2, fraction);
    files_refused("npy", BOTH, "@/y.npy: an array of 2 dimensions, expected labels in one (or n x 1)");
    write_good();
    write_floats("u.npy", 1, 4, samples);
    files_refused("npy", BOTH,
                  "@/u.npy: samples of another shape than in @/x.npy: 4 values each, expected 2");
    write_good();
    write_floats("x.npy", 4, 2, bad);
    files_refused("npy", BOTH, "@/x.npy: sample 2, value 1 is nan, expected a finite number");
    files_data opened = files_open("npy", BOTH "allow_nonfinite = true;");
    files_close(&opened);
    write_array("x.npy", TSR_ELEMENT_FLOAT32, 1, (size_t[]){ 4 }, samples);
    files_refused("npy", BOTH, "@/x.npy: an array of 1 dimensions, expected 2 to 4");
    write_array("x.npy", TSR_ELEMENT_FLOAT32, 2, (size_t[]){ 4, 0 }, samples);
    files_refused("npy", BOTH, "@/x.npy: dimension 2 of 2 is 0");
    files_write_text("x.npy", "sepal,petal\n1,2\n");
    files_refused("npy", BOTH, "@/x.npy: offset 0: another magic, expected a .npy file");
}
END_TEST

/* --- archives --- */

typedef struct member {
    const char *name;
    tsr_element element;
    size_t n_dims, dims[2];
    const void *values;
} member;

static void write_archive(const char *name, size_t n, const member *members, int method)
{
    char *path = tsr_format("%s/%s", files_folder, name);
    int error;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &error);
    ck_assert_ptr_nonnull(zip);
    for (size_t i = 0; i < n; i++) {
        char *part = tsr_format("part%zu.npy", i), *whole = tsr_format("%s/%s", files_folder, part);
        write_array(part, members[i].element, members[i].n_dims, members[i].dims, members[i].values);
        zip_source_t *source = zip_source_file(zip, whole, 0, -1);
        zip_int64_t at = zip_file_add(zip, members[i].name, source, 0);
        ck_assert_int_ge(at, 0);
        ck_assert_int_eq(zip_set_file_compression(zip, (zip_uint64_t)at, method, 0), 0);
        free(whole);
        free(part);
    }
    ck_assert_int_eq(zip_close(zip), 0);
    free(path);
}

static const member members[] = {
    { "x.npy", TSR_ELEMENT_FLOAT32, 2, { 4, 2 }, samples },
    { "y.npy", TSR_ELEMENT_INT64, 1, { 4 }, labels },
};

#define ARCHIVE                                                                                              \
    "train = \"@/a.npz:x\"; train_labels = \"@/a.npz:y\"; test_fraction = 0.5; test_by = \"last\";"

START_TEST(archives_are_read_stored_and_deflated)
{
    static const int methods[] = { ZIP_CM_STORE, ZIP_CM_DEFLATE };
    for (size_t i = 0; i < 2; i++) {
        write_archive("a.npz", 2, members, methods[i]);
        files_data opened = files_open("npy", ARCHIVE);
        files_sample_is(&opened, TSR_TRAIN, 1, 2, samples + 2, 2);
        files_sample_is(&opened, TSR_TEST, 1, 2, samples + 6, 0);
        files_close(&opened);
    }
    write_archive("x.npz", 1, members, ZIP_CM_DEFLATE);
    write_labels("y.npy", 4, labels);
    files_data opened =
        files_open("npy", "train = \"@/x.npz\"; train_labels = \"@/y.npy\"; test_fraction = 0.5;");
    files_close(&opened);
}
END_TEST

START_TEST(archives_that_are_damaged_or_too_large_are_refused)
{
    write_archive("a.npz", 2, members, ZIP_CM_DEFLATE);
    files_refused("npy", "train = \"@/a.npz:z\"; train_labels = \"@/a.npz:y\";",
                  "@/a.npz: holds no array \"z\"; it holds x, y");
    files_refused("npy", "train = \"@/a.npz\"; train_labels = \"@/a.npz:y\";",
                  "@/a.npz: holds several arrays, expected @/a.npz:NAME, where NAME is one of x, y");
    files_write_text("b.npz", "no archive at all");
    files_refused("npy", "train = \"@/b.npz\"; train_labels = \"@/a.npz:y\";",
                  "@/b.npz: not a zip archive that can be");
    /* Two MiB of zeros, which take two KiB. */
    float *zeros = calloc(1 << 19, sizeof(float));
    const member large = { "x.npy", TSR_ELEMENT_FLOAT32, 2, { 4, 1 << 17 }, zeros };
    write_archive("a.npz", 1, &large, ZIP_CM_DEFLATE);
    free(zeros);
    files_refused("npy", "train = \"@/a.npz\"; train_labels = \"@/a.npz\"; npz_limit = 1;",
                  "@/a.npz: x.npy: expands to more than 1 MiB, the limit that npz_limit sets");
    /* Every byte behind the first entry's head, damaged: refused or read, never a crash. */
    write_archive("a.npz", 2, members, ZIP_CM_DEFLATE);
    char *path = tsr_format("%s/a.npz", files_folder);
    FILE *file = fopen(path, "rb");
    unsigned char bytes[4096];
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    write_labels("y.npy", 4, labels);
    for (size_t i = 0; i < n; i += 3) {
        bytes[i] ^= 0x55;
        files_write("c.npz", bytes, n);
        bytes[i] ^= 0x55;
        char *settings = tsr_format(
            "plugin = \"npy\"; train = \"%s/c.npz:x\"; train_labels = \"%s/y.npy\"; test_fraction = 0.5;",
            files_folder, files_folder);
        tsr_instance *instance = test_instance(TSR_DATASET, settings);
        tsr_data *data = NULL;
        tsr_status_free(tsr_data_open(instance, &data));
        tsr_data_close(data);
        tsr_instance_free(instance);
        free(settings);
    }
    free(path);
}
END_TEST

START_TEST(it_passes_the_kit)
{
    write_good();
    files_pass_the_kit("npy",
                       "-s train=@/x.npy -s train_labels=@/y.npy -s test=@/u.npy -s test_labels=@/v.npy");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *tests = tcase_create("npy");
    tcase_add_checked_fixture(tests, files_make_folder, files_remove_folder);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, two_sets_are_read_as_they_are);
    tcase_add_test(tests, one_set_is_told_apart);
    tcase_add_test(tests, layouts_bring_channels_first);
    tcase_add_test(tests, labels_of_every_type_are_read);
    tcase_add_test(tests, targets_are_read_beside_labels_or_without_them);
    tcase_add_test(tests, targets_that_do_not_go_with_the_samples_are_refused);
    tcase_add_test(tests, what_does_not_go_together_is_refused);
    tcase_add_test(tests, archives_are_read_stored_and_deflated);
    tcase_add_test(tests, archives_that_are_damaged_or_too_large_are_refused);
    tcase_add_test(tests, it_passes_the_kit);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
