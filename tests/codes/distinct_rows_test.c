/* Merging equal rows, against counting them one by one. */
#include "codes/codes_support.h"

#include <string.h>

#define N 400

static bool rows_equal(const tsr_codes *a, size_t i, const tsr_codes *b, size_t j)
{
    return memcmp(tsr_codes_row(a, i), tsr_codes_row(b, j), tsr_codes_used_words(a) * sizeof(uint64_t)) == 0;
}

static void copy_row(tsr_codes *codes, size_t to, size_t from)
{
    memmove(codes->words + to * codes->stride, tsr_codes_row(codes, from), codes->stride * sizeof(uint64_t));
}

START_TEST(every_row_is_found_again_and_weights_count_its_equals)
{
    static const size_t bits[] = { 0, 1, 3, 7, 64, 65, 700 };
    for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++) {
        tsr_codes *codes = random_codes(b, N, bits[b], 0.4);
        tsr_distinct_rows rows;
        ck_succeeds(tsr_distinct_rows_new(codes, TSR_DISTINCT_COPY, &rows));
        uint32_t count[N] = { 0 }, next = 0;
        for (size_t i = 0; i < N; i++) {
            ck_assert(rows_equal(codes, i, rows.codes, rows.group[i]));
            ck_assert_uint_le(rows.group[i], next); /* in the order of first appearance */
            next += rows.group[i] == next;
            count[rows.group[i]]++;
        }
        ck_assert_uint_eq(next, rows.codes->n);
        for (size_t g = 0; g < rows.codes->n; g++) {
            ck_assert_uint_eq(rows.weight[g], count[g]);
            for (size_t h = 0; h < g; h++)
                ck_assert(!rows_equal(rows.codes, g, rows.codes, h));
        }
        ck_assert(rows.codes == codes || rows.codes == rows.copy);
        tsr_distinct_rows_clear(&rows);
        tsr_codes_free(codes);
    }
}
END_TEST

START_TEST(nothing_is_copied_where_all_rows_are_distinct)
{
    tsr_codes *codes = random_codes(3, N, 300, 0.5), *none = random_codes(3, 0, 300, 0.5);
    tsr_distinct_rows rows;
    ck_succeeds(tsr_distinct_rows_new(codes, TSR_DISTINCT_COPY, &rows));
    ck_assert(rows.codes == codes && rows.copy == NULL);
    tsr_distinct_rows_clear(&rows);
    ck_succeeds(tsr_distinct_rows_new(none, TSR_DISTINCT_COPY, &rows));
    ck_assert_uint_eq(rows.codes->n, 0);
    tsr_distinct_rows_clear(&rows);
    tsr_distinct_rows_clear(&rows); /* an empty one too */
    tsr_codes_free(codes);
    tsr_codes_free(none);
}
END_TEST

START_TEST(rows_are_not_merged_where_a_copy_would_take_much_memory)
{
    tsr_codes *codes = random_codes(41, N, 700, 0.1);
    for (size_t i = 0; i < N / 4; i++)
        copy_row(codes, 4 * i, 0);
    tsr_distinct_rows merged, apart, few;
    ck_succeeds(tsr_distinct_rows_new(codes, TSR_DISTINCT_COPY, &merged));
    ck_succeeds(tsr_distinct_rows_new(codes, 1000, &apart));
    ck_assert_uint_eq(merged.codes->n, 301);
    ck_assert_uint_eq(merged.weight[0], 100);
    ck_assert_ptr_eq(apart.codes, codes);
    for (size_t i = 0; i < N; i++)
        ck_assert(apart.group[i] == i && apart.weight[i] == 1);
    tsr_distinct_rows_clear(&merged);
    tsr_distinct_rows_clear(&apart);
    for (size_t i = 0; i < N; i++)
        copy_row(codes, i, i % 4);
    ck_succeeds(tsr_distinct_rows_new(codes, 0, &few)); /* few are always merged */
    ck_assert_uint_lt(few.codes->n, 5);
    tsr_distinct_rows_clear(&few);
    tsr_codes_free(codes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("distinct rows");
    TCase *tests = tcase_create("distinct rows");
    tcase_add_test(tests, every_row_is_found_again_and_weights_count_its_equals);
    tcase_add_test(tests, nothing_is_copied_where_all_rows_are_distinct);
    tcase_add_test(tests, rows_are_not_merged_where_a_copy_would_take_much_memory);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
