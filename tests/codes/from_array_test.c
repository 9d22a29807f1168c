/* Codes from arrays that others made: every form gives the same bits, and what does not fit is refused. */
#include "codes_support.h"

#include "codes/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An array in memory, row-major. */
static tsr_array array_of(tsr_element element, size_t size, size_t n, size_t m, const void *bytes)
{
    return (tsr_array){
        .element = element, .n_dims = 2, .dims = { n, m }, .strides = { m * size, size }, .bytes = bytes
    };
}

static void check_equal(const tsr_codes *expected, const tsr_array *array, const tsr_codes_form *form)
{
    tsr_codes *codes;
    ck_succeeds(tsr_codes_from_array(array, form, &codes));
    ck_assert_uint_eq(codes->n, expected->n);
    ck_assert_uint_eq(codes->bits, expected->bits);
    ck_assert_mem_eq(codes->words, expected->words, codes->n * codes->stride * sizeof(uint64_t));
    tsr_codes_free(codes);
}

/* One code in every form. */
static void check_forms(size_t n, size_t bits)
{
    tsr_codes *codes = random_codes(bits + 5, n, bits, 0.5);
    size_t bytes = (bits + 7) / 8;
    unsigned char *packed = calloc(n * bytes, 1), *turned = calloc(n * bytes, 1), *plain = calloc(n, bits);
    double *reals = calloc(n * bits, sizeof(*reals));
    float *floats = calloc(n * bits, sizeof(*floats));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < bits; j++) {
            bool bit = get_bit(codes, i, j);
            packed[i * bytes + j / 8] |= (unsigned char)(bit << j % 8);
            turned[i * bytes + j / 8] |= (unsigned char)(bit << (7 - j % 8));
            plain[i * bits + j] = bit;
            reals[i * bits + j] = bit;
            floats[i * bits + j] = bit ? 0.75f : 0.5f;
        }
    const tsr_array a = array_of(TSR_ELEMENT_UINT8, 1, n, bytes, packed),
                    b = array_of(TSR_ELEMENT_UINT8, 1, n, bytes, turned),
                    c = array_of(TSR_ELEMENT_BOOL, 1, n, bits, plain),
                    d = array_of(TSR_ELEMENT_FLOAT64, 8, n, bits, reals),
                    e = array_of(TSR_ELEMENT_FLOAT32, 4, n, bits, floats);
    check_equal(codes, &a, &(tsr_codes_form){ .packed = true, .bits = bits });
    check_equal(codes, &b, &(tsr_codes_form){ .packed = true, .highest_first = true, .bits = bits });
    check_equal(codes, &c, &(tsr_codes_form){ 0 });
    check_equal(codes, &d, &(tsr_codes_form){ 0 });
    check_equal(codes, &e, &(tsr_codes_form){ .has_threshold = true, .threshold = 0.5 });
    free(packed);
    free(turned);
    free(plain);
    free(reals);
    free(floats);
    tsr_codes_free(codes);
}

START_TEST(every_form_of_an_array_gives_the_same_codes)
{
    static const size_t bits[] = { 1, 7, 8, 63, 64, 65, 128, 200, 513 };
    for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++)
        check_forms(9, bits[b]);
    check_forms(3000, 130); /* by several threads */
}
END_TEST

START_TEST(a_view_gives_the_codes_of_what_it_shows)
{
    /* Every second column of the transpose. */
    static const unsigned char bytes[3][4] = { { 1, 0, 1, 1 }, { 9, 9, 9, 9 }, { 0, 0, 1, 0 } };
    const tsr_array view = { .element = TSR_ELEMENT_UINT8,
                             .n_dims = 2,
                             .dims = { 4, 2 },
                             .strides = { 1, 8 },
                             .bytes = &bytes[0][0] };
    tsr_codes *codes;
    ck_succeeds(tsr_codes_from_array(&view, &(tsr_codes_form){ 0 }, &codes));
    static const uint64_t rows[] = { 1, 0, 3, 1 };
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(tsr_codes_row(codes, i)[0], rows[i]);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(rows_of_whole_bytes_need_no_number_of_bits)
{
    static const unsigned char bytes[2][3] = { { 255, 0, 128 }, { 1, 2, 3 } };
    const tsr_array array = array_of(TSR_ELEMENT_UINT8, 1, 2, 3, bytes);
    tsr_codes *codes;
    ck_succeeds(tsr_codes_from_array(&array, &(tsr_codes_form){ .packed = true }, &codes));
    ck_assert_uint_eq(codes->bits, 24);
    ck_assert_uint_eq(tsr_codes_row(codes, 0)[0], 0x8000ff);
    ck_assert_uint_eq(tsr_codes_row(codes, 1)[0], 0x030201);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(what_is_no_code_is_refused_with_its_place)
{
    tsr_codes *codes;
    float values[2][3] = { { 0, 1, 0 }, { 1, 0.5f, 7 } };
    const tsr_array floats = array_of(TSR_ELEMENT_FLOAT32, 4, 2, 3, values);
    const tsr_codes_form plain = { 0 }, above = { .has_threshold = true, .threshold = 0.25 };
    ck_fails(tsr_codes_from_array(&floats, &plain, &codes), TSR_REFUSED,
             "row 1, column 1 is 0.5, expected 0 or 1");
    ck_succeeds(tsr_codes_from_array(&floats, &above, &codes));
    tsr_codes_free(codes);
    values[0][2] = NAN;
    ck_fails(tsr_codes_from_array(&floats, &above, &codes), TSR_REFUSED,
             "row 0, column 2 is nan, expected a finite number");
    values[0][2] = INFINITY;
    ck_fails(tsr_codes_from_array(&floats, &above, &codes), TSR_REFUSED, "row 0, column 2 is inf");
    const tsr_codes_form beyond = { .has_threshold = true, .threshold = NAN };
    ck_fails(tsr_codes_from_array(&floats, &beyond, &codes), TSR_REFUSED, "the threshold is nan");
    const tsr_codes_form packed = { .packed = true, .bits = 12 };
    ck_fails(tsr_codes_from_array(&floats, &packed, &codes), TSR_REFUSED, "float32, expected uint8");
    static const unsigned char bytes[2][2] = { { 255, 15 }, { 255, 32 } };
    const tsr_array set_behind = array_of(TSR_ELEMENT_UINT8, 1, 2, 2, bytes);
    ck_fails(tsr_codes_from_array(&set_behind, &packed, &codes), TSR_REFUSED,
             "row 1: bit 13 is 1, expected zeros behind the 12 bits");
    const tsr_codes_form too_many = { .packed = true, .bits = 17 }, too_few = { .packed = true, .bits = 8 };
    ck_fails(tsr_codes_from_array(&set_behind, &too_many, &codes), TSR_REFUSED,
             "17 bits are to lie in rows of 2");
    ck_fails(tsr_codes_from_array(&set_behind, &too_few, &codes), TSR_REFUSED,
             "8 bits are to lie in rows of 2");
    tsr_array line = set_behind;
    line.n_dims = 1;
    ck_fails(tsr_codes_from_array(&line, &plain, &codes), TSR_REFUSED, "1 dimension, expected two");
    const tsr_array empty = array_of(TSR_ELEMENT_BOOL, 1, 4, 0, bytes);
    ck_fails(tsr_codes_from_array(&empty, &plain, &codes), TSR_REFUSED, "codes of 0 bits");
}
END_TEST

START_TEST(labels_are_whole_numbers_of_one_dimension)
{
    static const int64_t values[] = { 3, 0, 9 };
    static const int16_t bad[] = { 1, -1 };
    tsr_array array = { .element = TSR_ELEMENT_INT64,
                        .n_dims = 1,
                        .dims = { 3 },
                        .strides = { 8 },
                        .bytes = (const unsigned char *)values };
    int32_t *labels;
    ck_succeeds(tsr_labels_from_array(&array, 9, &labels));
    ck_assert_int_eq(labels[0], 3);
    ck_assert_int_eq(labels[2], 9);
    free(labels);
    ck_fails(tsr_labels_from_array(&array, 8, &labels), TSR_REFUSED,
             "label 2, counted from 0, is 9, expected 0 to 8");
    array = (tsr_array){ .element = TSR_ELEMENT_INT16,
                         .n_dims = 1,
                         .dims = { 2 },
                         .strides = { 2 },
                         .bytes = (const unsigned char *)bad };
    ck_fails(tsr_labels_from_array(&array, 9, &labels), TSR_REFUSED, "label 1, counted from 0, is -1");
    array.element = TSR_ELEMENT_FLOAT16;
    ck_fails(tsr_labels_from_array(&array, 9, &labels), TSR_REFUSED, "float16, expected whole numbers");
    array.n_dims = 2;
    ck_fails(tsr_labels_from_array(&array, 9, &labels), TSR_REFUSED, "2 dimensions, expected one");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codes from arrays");
    TCase *tests = tcase_create("arrays");
    tcase_add_test(tests, every_form_of_an_array_gives_the_same_codes);
    tcase_add_test(tests, a_view_gives_the_codes_of_what_it_shows);
    tcase_add_test(tests, rows_of_whole_bytes_need_no_number_of_bits);
    tcase_add_test(tests, what_is_no_code_is_refused_with_its_place);
    tcase_add_test(tests, labels_are_whole_numbers_of_one_dimension);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
