/* .npy files: every element type, order and version, from bytes as NumPy writes them; faults are told with
   their place; what is written can be read again. */
#include "support.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tessera/npy.h>

static char *folder;

static void make_folder(void)
{
    folder = test_folder();
}

static void remove_folder(void)
{
    test_folder_remove(folder);
}

/* A file in memory: the header, and the bytes behind it. */
static unsigned char file[4096];

static size_t compose(int version, const char *header, const void *bytes, size_t n)
{
    size_t length = strlen(header), at = 0;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)version;
    file[7] = 0;
    for (at = 8; at < (version == 1 ? 10u : 12u); at++)
        file[at] = (unsigned char)(length >> 8 * (at - 8));
    memcpy(file + at, header, length);
    memcpy(file + at + length, bytes, n);
    return at + length + n;
}

static tsr_array *array_of(int version, const char *header, const void *bytes, size_t n)
{
    tsr_array *array = NULL;
    ck_succeeds(tsr_npy_parse("a.npy", file, compose(version, header, bytes, n), &array));
    return array;
}

static void refused(int version, const char *header, size_t n, const char *message)
{
    static const unsigned char zeros[256];
    tsr_array *array = NULL;
    ck_fails(tsr_npy_parse("a.npy", file, compose(version, header, zeros, n), &array), TSR_REFUSED, message);
    ck_assert_ptr_null(array);
}

/* The two elements -1 (or 1) and 2 in each type, little-endian. */
static const struct {
    const char *descr;
    size_t size;
    unsigned char bytes[16];
    double first;
} types[] = {
    { "|b1", 1, { 1, 0 }, 1 },
    { "|i1", 1, { 255, 2 }, -1 },
    { "|u1", 1, { 255, 2 }, 255 },
    { "<i2", 2, { 255, 255, 2, 0 }, -1 },
    { "<u2", 2, { 255, 255, 2, 0 }, 65535 },
    { "<i4", 4, { 255, 255, 255, 255, 2 }, -1 },
    { "<u4", 4, { 255, 255, 255, 255, 2 }, 4294967295.0 },
    { "<i8", 8, { 255, 255, 255, 255, 255, 255, 255, 255, 2 }, -1 },
    { "<u8", 8, { 1, 0, 0, 0, 0, 0, 0, 0, 2 }, 1 },
    { "<f2", 2, { 0, 0xbc, 0, 0x40 }, -1 },
    { "<f4", 4, { 0, 0, 0x80, 0xbf, 0, 0, 0, 0x40 }, -1 },
    { "<f8", 8, { 0, 0, 0, 0, 0, 0, 0xf0, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0x40 }, -1 },
};

START_TEST(every_type_is_read_in_either_byte_order)
{
    for (int big = 0; big < 2; big++) {
        unsigned char bytes[16];
        size_t size = types[_i].size;
        for (size_t i = 0; i < 2 * size; i++)
            bytes[i] = types[_i].bytes[big ? i / size * size + size - 1 - i % size : i];
        char *header = tsr_format("{'descr': '%c%s', 'fortran_order': False, 'shape': (2,), }",
                                  size == 1 ? '|'
                                  : big     ? '>'
                                            : '<',
                                  types[_i].descr + 1);
        tsr_array *array = array_of(1, header, bytes, 2 * size);
        float floats[2];
        double doubles[2];
        tsr_array_floats(array, 0, 2, floats);
        tsr_array_doubles(array, 0, 2, doubles);
        ck_assert_uint_eq(tsr_array_size(array), 2);
        ck_assert(doubles[0] == types[_i].first && doubles[1] == (_i == 0 ? 0 : 2));
        ck_assert(floats[0] == (float)doubles[0] && floats[1] == (float)doubles[1]);
        tsr_array_free(array);
        free(header);
    }
}
END_TEST

START_TEST(half_precision_is_exact_at_its_ends)
{
    static const uint16_t bits[] = { 0x0001, 0x03ff, 0x0400, 0x7bff, 0xfc00, 0x7e00, 0x8000 };
    tsr_array *array =
        array_of(2, "{'descr': '<f2', 'fortran_order': False, 'shape': (7,)}", bits, sizeof(bits));
    double values[7];
    tsr_array_doubles(array, 0, 7, values);
    ck_assert(values[0] == 0x1p-24 && values[1] == 1023 * 0x1p-24 && values[2] == 0x1p-14);
    ck_assert(values[3] == 65504 && values[4] == -(double)INFINITY && isnan(values[5]));
    ck_assert(values[6] == 0 && signbit(values[6]));
    tsr_array_free(array);
}
END_TEST

START_TEST(versions_orders_and_spacings_of_the_header_do_not_matter)
{
    static const char *const headers[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }          \n",
        "{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\"|u1\"}",
        " { 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , 'descr' : '|u1' } \n",
    };
    for (int version = 1; version <= 3; version++)
        for (size_t i = 0; i < 3; i++) {
            tsr_array *array = array_of(version, headers[i], "\0\1\2\3\4\5", 6);
            float values[4];
            ck_assert_uint_eq(array->n_dims, 2);
            ck_assert(array->dims[0] == 2 && array->dims[1] == 3);
            tsr_array_floats(array, 2, 4, values);
            ck_assert(values[0] == 2 && values[3] == 5);
            tsr_array_free(array);
        }
}
END_TEST

START_TEST(elements_come_in_row_major_order_whatever_the_files)
{
    tsr_array *array =
        array_of(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", "\0\1\2\3\4\5", 6);
    static const float whole[] = { 0, 2, 4, 1, 3, 5 };
    for (size_t first = 0; first < 6; first++)
        for (size_t n = 0; first + n <= 6; n++) {
            float values[6];
            tsr_array_floats(array, first, n, values);
            for (size_t i = 0; i < n; i++)
                ck_assert(values[i] == whole[first + i]);
        }
    tsr_array view = *array; /* its transpose, as the bytes lie */
    view.dims[0] = 3, view.dims[1] = 2;
    view.strides[0] = array->strides[1], view.strides[1] = array->strides[0];
    float values[6];
    tsr_array_floats(&view, 0, 6, values);
    for (size_t i = 0; i < 6; i++)
        ck_assert(values[i] == (float)i);
    tsr_array_free(array);
}
END_TEST

START_TEST(an_array_without_dimensions_is_one_element)
{
    tsr_array *array = array_of(1, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "\7", 1);
    double value;
    ck_assert_uint_eq(tsr_array_size(array), 1);
    tsr_array_doubles(array, 0, 1, &value);
    ck_assert(value == 7);
    tsr_array_free(array);
    array = array_of(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 0)}", "", 0);
    ck_assert_uint_eq(tsr_array_size(array), 0);
    tsr_array_free(array);
}
END_TEST

#define PLAIN(descr, shape) "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape "}"

static const struct {
    const char *header;
    size_t bytes;
    const char *message;
} faults[] = {
    { PLAIN("<f4", "(2,)"), 7,
      "a.npy: offset 65: 2 elements of float32 take 8 bytes, but the file is truncated and "
      "holds only 7" },
    { PLAIN("<f4", "(2,)"), 9, "2 elements of float32 take 8 bytes, but the file holds 9" },
    { PLAIN("<f4", "(4611686018427387904, 4)"), 8,
      "the header promises 4611686018427387904 x 4 elements, more than memory can hold" },
    { PLAIN("<f4", "(99999999999999999999,)"), 8, "expected a number that memory can hold" },
    { PLAIN("<f4", "(1,1,1,1,1,1,1,1,1)"), 4, "expected at most 8 dimensions" },
    { PLAIN("<f4", "(-1,)"), 8, "expected a number" },
    { PLAIN("<f4", "7"), 8, "expected a tuple of numbers" },
    { PLAIN("<f4", "(1 1)"), 8, "expected \",\" or \")\"" },
    { PLAIN("|O", "(2,)"), 8, "elements of type '|O': pickled Python objects, which are never loaded" },
    { PLAIN("<c8", "(2,)"), 16, "complex numbers" },
    { PLAIN("<U3", "(2,)"), 24, "elements of type '<U3': text; expected bool" },
    { PLAIN("<M8[s]", "(1,)"), 8, "times" },
    { PLAIN("<f16", "(1,)"), 16, "a type that is not read" },
    { PLAIN("f4", "(1,)"), 4, "a type that is not read" },
    { PLAIN("|f4", "(1,)"), 4, "a type that is not read" },
    { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4,
      "offset 20: a structured array" },
    { "{'descr': '<f4', 'shape': (1,)}", 4, "the header lacks one of" },
    { "{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", 4, "key 'descr' comes twice" },
    { "{'descr': '<f4', 'order': True, 'shape': (1,)}", 4, "key 'order' is unknown" },
    { "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}", 4, "expected True or False" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "has \"x\", expected nothing behind" },
    { "{'descr': '<f4", 0, "expected a type such as" },
    { "", 0, "the header has \"\", expected \"{\"" },
};

START_TEST(a_damaged_header_is_refused_with_its_place)
{
    refused(1, faults[_i].header, faults[_i].bytes, faults[_i].message);
}
END_TEST

START_TEST(another_file_is_refused_by_its_magic)
{
    static const struct {
        const char *bytes, *message;
    } files[] = {
        { "PK\x03\x04 and so on", "a.npy: offset 0: a zip archive (.npz), expected a .npy file" },
        { "\x80\x04\x95 pickled things", "offset 0: a Python pickle, expected" },
        { "1,2,3\n4,5,6\n", "offset 0: another magic, expected" },
        { "\x93NUMPY", "offset 0: too short" },
        { "\x93NUMPY\x04\1 and so on", "offset 6: version 4.1 of the format, expected 1.0, 2.0 or 3.0" },
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        tsr_array *array = NULL;
        ck_fails(tsr_npy_parse("a.npy", files[i].bytes, strlen(files[i].bytes), &array), TSR_REFUSED,
                 files[i].message);
    }
    refused(4, "", 0, "version 4.0 of the format");
}
END_TEST

/* Every prefix of a good file, and every byte of its head changed: refused or read, never a crash. */
START_TEST(no_damage_crashes)
{
    size_t n = compose(2, PLAIN("<i2", "(2, 2)"), "\1\0\2\0\3\0\4\0", 8);
    for (size_t length = 0; length < n; length++) {
        unsigned char *cut = malloc(length ? length : 1);
        memcpy(cut, file, length);
        tsr_array *array = NULL;
        tsr_status *status = tsr_npy_parse("a.npy", cut, length, &array);
        ck_assert_int_eq(tsr_status_error(status), TSR_REFUSED);
        tsr_status_free(status);
        free(cut);
    }
    for (size_t i = 0; i < n; i++)
        for (int value = 0; value < 256; value += 5) {
            unsigned char *changed = malloc(n);
            memcpy(changed, file, n);
            changed[i] = (unsigned char)value;
            tsr_array *array = NULL;
            tsr_status_free(tsr_npy_parse("a.npy", changed, n, &array));
            if (array) {
                double values[4];
                tsr_array_doubles(array, 0, tsr_array_size(array) < 4 ? tsr_array_size(array) : 4, values);
            }
            tsr_array_free(array);
            free(changed);
        }
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    static const size_t dims[] = { 2, 3, 4 };
    int16_t values[24];
    for (int i = 0; i < 24; i++)
        values[i] = (int16_t)(i * i - 50);
    char *path = tsr_path_join(folder, "x.npy");
    ck_succeeds(tsr_npy_write(path, TSR_ELEMENT_INT16, 3, dims, values));
    tsr_array *array = NULL;
    ck_succeeds(tsr_npy_open(path, &array));
    float floats[24];
    tsr_array_floats(array, 0, 24, floats);
    ck_assert_uint_eq(array->n_dims, 3);
    ck_assert_uint_eq(array->offset % 64, 0);
    for (int i = 0; i < 24; i++)
        ck_assert(floats[i] == (float)values[i]);
    tsr_array_free(array);
    free(path);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    tsr_array *array = NULL;
    ck_fails(tsr_npy_open(folder, &array), TSR_REFUSED, "not a file, expected one in .npy format");
    char *path = tsr_path_join(folder, "x");
    ck_fails(tsr_npy_open(path, &array), TSR_REFUSED, "x: No such file or directory");
    ck_succeeds(tsr_write_file(path, "", 0));
    ck_fails(tsr_npy_open(path, &array), TSR_REFUSED, "x: offset 0: empty");
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_fails(tsr_npy_open(path, &array), TSR_REFUSED, "x: not a file");
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *tests = tcase_create("npy");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, every_type_is_read_in_either_byte_order, 0, sizeof(types) / sizeof(*types));
    tcase_add_test(tests, half_precision_is_exact_at_its_ends);
    tcase_add_test(tests, versions_orders_and_spacings_of_the_header_do_not_matter);
    tcase_add_test(tests, elements_come_in_row_major_order_whatever_the_files);
    tcase_add_test(tests, an_array_without_dimensions_is_one_element);
    tcase_add_loop_test(tests, a_damaged_header_is_refused_with_its_place, 0,
                        sizeof(faults) / sizeof(*faults));
    tcase_add_test(tests, another_file_is_refused_by_its_magic);
    tcase_add_test(tests, no_damage_crashes);
    tcase_add_test(tests, what_is_written_is_read_again);
    tcase_add_test(tests, what_is_no_file_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
