/* What is kept of codes and probes: .npy files to the byte, and lists of metrics. */
#include "codes_support.h"

#include "base/file.h"
#include "codes/metrics.h"
#include "codes/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The file's bytes after checking its header against `dictionary`; the caller frees. */
static char *read_array(const char *path, const char *dictionary, size_t bytes, const char **data)
{
    char *file;
    size_t length;
    ck_succeeds(tsr_read_file(path, 1 << 20, &file, &length));
    ck_assert_mem_eq(file, "\x93NUMPY\x01\x00", 8);
    size_t header = (unsigned char)file[8] + 256u * (unsigned char)file[9];
    ck_assert_uint_eq((10 + header) % 64, 0);
    ck_assert_int_eq(file[10 + header - 1], '\n');
    ck_assert_mem_eq(file + 10, dictionary, strlen(dictionary));
    ck_assert_int_eq(file[10 + strlen(dictionary)], ' ');
    ck_assert_uint_eq(length, 10 + header + bytes);
    *data = file + 10 + header;
    return file;
}

static void check_codes(const char *path, size_t n, size_t bits)
{
    tsr_codes *codes = random_codes(bits, n, bits, 0.5);
    size_t bytes = (bits + 7) / 8;
    char dictionary[128];
    const char *data;
    snprintf(dictionary, sizeof(dictionary),
             "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, %zu), }", n, bytes);
    ck_succeeds(tsr_npy_write_codes(path, codes));
    char *file = read_array(path, dictionary, n * bytes, &data);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < bytes * 8; j++)
            ck_assert(((unsigned char)data[i * bytes + j / 8] >> j % 8 & 1) == get_bit(codes, i, j));
    free(file);
    tsr_codes_free(codes);
}

START_TEST(codes_are_saved_as_packed_bytes_in_little_bit_order)
{
    char *folder = test_folder();
    char *path = tsr_path_join(folder, "codes.npy");
    static const size_t bits[] = { 0, 1, 8, 9, 64, 100, 512, 40000 };
    for (size_t b = 0; b < 8; b++)
        check_codes(path, 5, bits[b]);
    check_codes(path, 0, 12);
    free(path);
    test_folder_remove(folder);
}
END_TEST

START_TEST(labels_are_saved_as_int32)
{
    char *folder = test_folder();
    char *path = tsr_path_join(folder, "labels.npy");
    const char *data;
    ck_succeeds(tsr_npy_write_labels(path, 3, (const int32_t[]){ 1, 258, -2 }));
    char *file = read_array(path, "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", 12, &data);
    ck_assert_mem_eq(data, "\x01\0\0\0\x02\x01\0\0\xfe\xff\xff\xff", 12);
    free(file);
    free(path);
    test_folder_remove(folder);
}
END_TEST

START_TEST(an_array_in_no_folder_is_an_error_with_its_path)
{
    ck_fails(tsr_npy_write_labels("/nowhere/labels.npy", 0, NULL), TSR_IO, "/nowhere/labels.npy");
}
END_TEST

START_TEST(metrics_keep_order_and_refuse_bad_and_repeated_names)
{
    tsr_metrics *metrics;
    ck_succeeds(tsr_metrics_new("spread", &metrics));
    tsr_probing probing = { .metrics = metrics };
    ck_succeeds(tsr_metric(&probing, "test", 0.5));
    ck_succeeds(tsr_metric_f(&probing, NAN, "layer%d.bits_%s", 3, "used"));
    for (int i = 0; i < 40; i++)
        ck_succeeds(tsr_metric_f(&probing, i, "m%d", i));
    static const char *const bad[] = { "", "Test", "a b", ".a", "a.", "a..b", "a-b" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_fails(tsr_metric(&probing, bad[i], 0), TSR_FAILED, "probe spread: the metric name");
    ck_fails(tsr_metric(&probing, "test", 0.25), TSR_FAILED,
             "probe spread: the metric 'test' was given twice");
    ck_assert_uint_eq(tsr_metrics_count(metrics), 42);
    ck_succeeds(tsr_metric_undefined(&probing, "spread", "all codes are equal"));
    ck_assert(isnan(tsr_metrics_get(metrics, 42).value));
    ck_assert_str_eq(tsr_metrics_get(metrics, 42).reason, "all codes are equal");
    ck_assert_ptr_null(tsr_metrics_get(metrics, 1).reason);
    ck_fails(tsr_metric_undefined(&probing, "spread", "twice"), TSR_FAILED, "was given twice");
    ck_assert_str_eq(tsr_metrics_get(metrics, 1).name, "layer3.bits_used");
    double value = 0;
    ck_assert(tsr_metrics_find(metrics, "test", &value));
    ck_assert(value == 0.5);
    ck_assert(tsr_metrics_find(metrics, "layer3.bits_used", &value));
    ck_assert(isnan(value));
    ck_assert(!tsr_metrics_find(metrics, "train", &value));
    ck_assert_str_eq(tsr_metrics_label(metrics), "spread");
    tsr_metrics_free(metrics);
}
END_TEST

START_TEST(saved_labels_are_named_by_the_probes_label)
{
    char *folder = test_folder();
    tsr_metrics *metrics;
    ck_succeeds(tsr_metrics_new("first", &metrics));
    tsr_probing probing = { .metrics = metrics, .folder = folder };
    ck_succeeds(tsr_save_labels(&probing, "guesses", 2, (const int32_t[]){ 7, 8 }));
    char *path = tsr_path_join(folder, "first_guesses.npy");
    const char *data;
    char *file = read_array(path, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }", 8, &data);
    ck_assert_int_eq(data[4], 8);
    free(file);
    free(path);
    tsr_metrics_free(metrics);
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_probe_saves_arrays_and_files_of_its_own)
{
    char *folder = test_folder(), *text, *file;
    const char *data;
    size_t length;
    const double values[] = { 1, 2, 3, 4, 5, 6 };
    tsr_metrics *metrics;
    ck_succeeds(tsr_metrics_new("first", &metrics));
    tsr_probing probing = { .metrics = metrics, .folder = folder };
    ck_succeeds(tsr_save_array(&probing, "lengths", TSR_ELEMENT_FLOAT64, 2, (const size_t[]){ 2, 3 }, values));
    ck_succeeds(tsr_metrics_add_prefix(metrics, "inner."));
    ck_succeeds(tsr_save_file(&probing, "tiling.svg", 6, "<svg/>"));
    char *array = tsr_path_join(folder, "first_lengths.npy"), *drawn = tsr_path_join(folder, "first_inner.tiling.svg");
    file = read_array(array, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", sizeof(values), &data);
    ck_assert_mem_eq(data, values, sizeof(values));
    ck_succeeds(tsr_read_file(drawn, 100, &text, &length));
    ck_assert_str_eq(text, "<svg/>");
    ck_fails(tsr_save_file(&probing, "../tiling.svg", 6, "<svg/>"), TSR_FAILED,
             "probe first: the file name '../tiling.svg' is not made of lower case");
    ck_fails(tsr_save_array(&probing, "", TSR_ELEMENT_FLOAT64, 0, NULL, values), TSR_FAILED, "the file name ''");
    free(text);
    free(file);
    free(array);
    free(drawn);
    tsr_metrics_free(metrics);
    test_folder_remove(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, codes_are_saved_as_packed_bytes_in_little_bit_order);
    tcase_add_test(tests, labels_are_saved_as_int32);
    tcase_add_test(tests, an_array_in_no_folder_is_an_error_with_its_path);
    tcase_add_test(tests, metrics_keep_order_and_refuse_bad_and_repeated_names);
    tcase_add_test(tests, saved_labels_are_named_by_the_probes_label);
    tcase_add_test(tests, a_probe_saves_arrays_and_files_of_its_own);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
