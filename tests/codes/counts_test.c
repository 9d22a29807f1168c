/* Counts of ones and of distances against counting bit by bit. */
#include "codes/codes_support.h"

#include "base/cpu.h"
#include "base/machine.h"
#include "codes/hamming.h"

#include <stdlib.h>
#include <string.h>

START_TEST(ones_are_those_of_counting_bit_by_bit)
{
    tsr_codes *codes = random_codes(1, 600, 131, 0.3);
    uint64_t ones[192] = { 0 };
    ones[5] = 7; /* they are added to what is there */
    tsr_codes_count_ones(codes, ones);
    for (size_t j = 0; j < 192; j++) {
        uint64_t expected = j == 5 ? 7 : 0;
        for (size_t i = 0; j < codes->bits && i < codes->n; i++)
            expected += get_bit(codes, i, j);
        ck_assert_uint_eq(ones[j], expected);
    }
    tsr_codes_free(codes);
}
END_TEST

static void check_distances(size_t n, size_t bits, bool labelled)
{
    tsr_codes *codes = random_codes(n, n, bits, 0.4);
    int32_t *labels = calloc(n + 1, sizeof(*labels));
    uint64_t *expected = calloc(2 * (bits + 1), sizeof(*expected));
    for (size_t i = 0; i < n; i++)
        labels[i] = (int32_t)(i * 7 % 3);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            expected[(labelled && labels[i] != labels[j]) * (bits + 1) +
                     naive_distance(codes, i, codes, j)]++;
    for (int threads = 1; threads <= 3; threads++) {
        uint64_t *counts = calloc(2 * (bits + 1), sizeof(*counts));
        tsr_set_threads(threads);
        ck_succeeds(tsr_codes_count_distances(codes, labelled ? labels : NULL, counts,
                                              labelled ? counts + bits + 1 : NULL));
        ck_assert_mem_eq(counts, expected, 2 * (bits + 1) * sizeof(*counts));
        free(counts);
    }
    tsr_set_threads(1);
    free(expected);
    free(labels);
    tsr_codes_free(codes);
}

START_TEST(distances_are_those_of_all_pairs_with_any_number_of_threads)
{
    check_distances(0, 5, false);
    check_distances(1, 5, true);
    check_distances(4, 0, false);
    check_distances(400, 70, false);
    check_distances(385, 129, true);
}
END_TEST

START_TEST(rows_of_two_codes_are_counted_as_one_set)
{
    static const char *const rows[] = { "01", "11", "01" }, *const more[] = { "00", "11", "00" };
    tsr_codes *a = codes_of(3, rows), *b = codes_of(3, more), *other = random_codes(1, 2, 3, 0.5);
    const uint32_t expected[] = { 0, 1, 0, 2, 1, 2 };
    uint32_t group[6];
    size_t count;
    ck_succeeds(tsr_distinct_of_both(a, b, &count, group));
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(group, expected, sizeof(group));
    ck_fails(tsr_distinct_of_both(a, other, &count, NULL), TSR_FAILED,
             "codes of 2 bits cannot be compared with codes of 3");
    tsr_codes_free(a);
    tsr_codes_free(b);
    tsr_codes_free(other);
}
END_TEST

static void check_transposed(size_t n_a, size_t n_b, size_t bits)
{
    tsr_codes *a = random_codes(1, n_a, bits, 0.5), *b = random_codes(2, n_b, bits, 0.5), *turned;
    ck_succeeds(tsr_codes_transpose(a, n_b ? b : NULL, &turned));
    ck_assert_uint_eq(turned->n, bits);
    ck_assert_uint_eq(turned->bits, n_a + n_b);
    for (size_t j = 0; j < bits; j++) {
        for (size_t i = 0; i < n_a + n_b; i++)
            ck_assert(get_bit(turned, j, i) == (i < n_a ? get_bit(a, i, j) : get_bit(b, i - n_a, j)));
        for (size_t i = n_a + n_b; i < 64 * turned->stride; i++)
            ck_assert(!get_bit(turned, j, i));
    }
    tsr_codes_free(a);
    tsr_codes_free(b);
    tsr_codes_free(turned);
}

START_TEST(rows_of_transposed_codes_are_the_columns)
{
    check_transposed(1, 0, 1);
    check_transposed(130, 70, 131);
    check_transposed(64, 64, 64);
    check_transposed(3, 500, 65);
    check_transposed(0, 5, 7);
    check_transposed(5, 0, 0);
    tsr_codes *a = random_codes(1, 2, 3, 0.5), *b = random_codes(1, 2, 4, 0.5), *turned;
    ck_fails(tsr_codes_transpose(a, b, &turned), TSR_FAILED,
             "codes of 3 bits cannot be compared with codes of 4");
    tsr_codes_free(a);
    tsr_codes_free(b);
}
END_TEST

static void check_around(size_t n, size_t n_query, size_t bits)
{
    double p = n > 1000 ? 0 : 0.4; /* very many are all alike: no counter may run over */
    tsr_codes *base = random_codes(1, n, bits, p), *query = random_codes(2, n_query, bits, p);
    int32_t *labels = calloc(n + 1, sizeof(*labels)), *query_labels = calloc(n_query + 1, sizeof(*labels));
    size_t n_kernels, size = n_query * 2 * (bits + 1) * sizeof(uint32_t);
    const tsr_hamming_ops *kernels = tsr_hamming_kernels(&n_kernels);
    uint32_t *expected = calloc(1, size + 1), *counts = malloc(size + 1);
    for (size_t j = 0; j < n; j++)
        labels[j] = (int32_t)(j * 5 % 3);
    for (size_t i = 0; i < n_query; i++)
        query_labels[i] = (int32_t)(i % 4);
    for (size_t i = 0; i < n_query; i++)
        for (size_t j = 0; j < n; j++)
            expected[(2 * i + (labels[j] != query_labels[i])) * (bits + 1) +
                     naive_distance(query, i, base, j)]++;
    for (size_t k = 0; k < n_kernels; k++) {
        if (!tsr_cpu_has(kernels[k].needs))
            continue;
        memset(counts, 0, size);
        tsr_codes_count_around_by(&kernels[k], base, labels, query, query_labels, 0, n_query / 2, counts);
        tsr_codes_count_around_by(&kernels[k], base, labels, query, query_labels, n_query / 2,
                                  n_query - n_query / 2, counts + n_query / 2 * 2 * (bits + 1));
        ck_assert_msg(memcmp(counts, expected, size) == 0, "%s at %zu bits", kernels[k].name, bits);
    }
    free(labels);
    free(query_labels);
    free(expected);
    free(counts);
    tsr_codes_free(base);
    tsr_codes_free(query);
}

START_TEST(rows_around_a_query_are_counted_by_distance_and_label_by_every_kernel)
{
    check_around(0, 3, 5);
    check_around(1, 1, 0);
    check_around(300, 77, 60);
    check_around(128, 33, 129);
    check_around(140, 9, 1700);
    check_around(600000, 1, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counts");
    TCase *tests = tcase_create("counts");
    tcase_add_test(tests, ones_are_those_of_counting_bit_by_bit);
    tcase_add_test(tests, distances_are_those_of_all_pairs_with_any_number_of_threads);
    tcase_add_test(tests, rows_of_two_codes_are_counted_as_one_set);
    tcase_add_test(tests, rows_of_transposed_codes_are_the_columns);
    tcase_add_test(tests, rows_around_a_query_are_counted_by_distance_and_label_by_every_kernel);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
