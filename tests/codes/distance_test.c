/* Distances, neighbours and distinct rows against counting bit by bit. */
#include "codes_support.h"
#include "base/cpu.h"

#include "base/machine.h"
#include "codes/distinct.h"
#include "codes/hamming.h"

#include <stdlib.h>
#include <string.h>

/* Around every width that a kernel works in, and past a tile of words. */
static const size_t lengths[] = { 0,   1,   7,   8,   9,    63,   64,   65,   127,  128,  129, 191,
                                  320, 511, 512, 513, 1535, 1536, 1537, 3201, 4096, 4097, 6000 };
#define N_LENGTHS (sizeof(lengths) / sizeof(*lengths))

START_TEST(every_kernel_gives_the_distances_counted_bit_by_bit)
{
    size_t n_kernels, tested = 0;
    const tsr_hamming_ops *kernels = tsr_hamming_kernels(&n_kernels);
    for (size_t k = 0; k < n_kernels; k++) {
        if (!tsr_cpu_has(kernels[k].needs))
            continue;
        tested++;
        for (size_t l = 0; l < N_LENGTHS; l++) {
            tsr_codes *a = random_codes(l, 12, lengths[l], 0.5),
                      *b = random_codes(l + 99, 70, lengths[l], 0.4);
            uint32_t out[11 * 67], few[3 * 67];
            tsr_hamming_block_by(&kernels[k], a, 1, 11, b, 2, 67, out);
            tsr_hamming_block_by(&kernels[k], a, 1, 3, b, 2, 67, few);
            ck_assert_mem_eq(few, out, sizeof(few));
            for (size_t i = 0; i < 11; i++) {
                for (size_t j = 0; j < 67; j++) {
                    size_t expected = naive_distance(a, 1 + i, b, 2 + j);
                    ck_assert_msg(out[i * 67 + j] == expected, "%s: %zu bits", kernels[k].name, lengths[l]);
                    ck_assert_uint_eq(kernels[k].pair(tsr_codes_row(a, 1 + i), tsr_codes_row(b, 2 + j),
                                                      tsr_codes_used_words(a)),
                                      expected);
                }
            }
            tsr_codes_free(a);
            tsr_codes_free(b);
        }
    }
    ck_assert_uint_ge(tested, 1);
    ck_assert_str_eq(kernels[n_kernels - 1].name, "portable");
}
END_TEST

START_TEST(complementary_rows_differ_in_every_bit)
{
    size_t n_kernels;
    const tsr_hamming_ops *kernels = tsr_hamming_kernels(&n_kernels);
    tsr_codes *zeros = random_codes(1, 1, 20011, 0), *ones = random_codes(1, 1, 20011, 1);
    for (size_t k = 0; k < n_kernels; k++) {
        uint32_t out;
        if (!tsr_cpu_has(kernels[k].needs))
            continue;
        tsr_hamming_block_by(&kernels[k], zeros, 0, 1, ones, 0, 1, &out);
        ck_assert_uint_eq(out, 20011);
    }
    ck_assert_uint_eq(tsr_hamming(zeros->words, ones->words, tsr_codes_used_words(zeros)), 20011);
    tsr_codes_free(zeros);
    tsr_codes_free(ones);
}
END_TEST

START_TEST(the_kernel_in_use_is_the_first_supported)
{
    size_t n_kernels, k = 0;
    const tsr_hamming_ops *kernels = tsr_hamming_kernels(&n_kernels);
    while (!tsr_cpu_uses(kernels[k].needs))
        k++;
    ck_assert_str_eq(tsr_hamming_kernel(), kernels[k].name);
}
END_TEST

/* The k nearest of one query by picking the least, k times. */
static void check_neighbours(const tsr_codes *base, const tsr_codes *query, size_t q, size_t k,
                             const uint32_t *index, const uint32_t *distance)
{
    bool *taken = calloc(base->n, 1);
    for (size_t i = 0; i < k; i++) {
        size_t best = base->n, best_distance = SIZE_MAX;
        for (size_t j = 0; j < base->n; j++) {
            size_t d = taken[j] ? SIZE_MAX : naive_distance(query, q, base, j);
            if (d < best_distance) {
                best = j;
                best_distance = d;
            }
        }
        taken[best] = true;
        ck_assert_uint_eq(index[i], best);
        ck_assert_uint_eq(distance[i], best_distance);
    }
    free(taken);
}

/* Few bits, so that most distances are ties. */
static void check_nearest(size_t n, size_t nq, size_t bits, size_t k)
{
    tsr_codes *base = random_codes(n, n, bits, 0.5), *query = random_codes(nq + 1, nq, bits, 0.5);
    uint32_t *index = calloc(nq * k + 1, sizeof(*index)), *distance = calloc(nq * k + 1, sizeof(*distance));
    size_t n_kernels;
    const tsr_hamming_ops *kernels = tsr_hamming_kernels(&n_kernels);
    for (size_t kernel = 0; kernel < n_kernels; kernel++) {
        if (!tsr_cpu_has(kernels[kernel].needs))
            continue;
        ck_succeeds(tsr_nearest_by(&kernels[kernel], base, query, k, index, distance));
        for (size_t q = 0; q < nq; q++)
            check_neighbours(base, query, q, k, index + q * k, distance + q * k);
    }
    free(index);
    free(distance);
    tsr_codes_free(base);
    tsr_codes_free(query);
}

START_TEST(nearest_rows_are_those_of_a_full_search_ties_by_index)
{
    check_nearest(1, 3, 10, 1);
    check_nearest(100, 33, 5, 9);
    check_nearest(100, 3, 70, 100);
    check_nearest(1100, 5, 3, 20);
    check_nearest(600, 7, 130, 9);
    check_nearest(130, 300, 200, 3); /* more queries than a block has */
    check_nearest(300, 5, 192, 300); /* as many bits as a byte of a kernel counts, and more */
    check_nearest(300, 5, 193, 300);
    check_nearest(90, 9, 256, 2);
    check_nearest(200, 9, 330, 2);
    check_nearest(70, 130, 1700, 2); /* more words than a tile has */
    check_nearest(50, 2, 0, 9);
    check_nearest(20, 0, 8, 9);
}
END_TEST

/* Rows near their query and far from it take turns, so that most queries leave most tiles early. */
START_TEST(neighbours_in_long_codes_are_found_among_rows_that_are_far)
{
    tsr_codes *query = random_codes(1, 8, 4000, 0.5), *base = random_codes(2, 400, 4000, 0.5);
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_DATA, 0);
    for (size_t i = 0; i < 400; i += 5)
        for (size_t j = 0; j < 4000; j++)
            set_bit(base, i, j, get_bit(query, i / 5 % 8, j) != (tsr_rng_below(&rng, 10) == 0));
    uint32_t index[16], distance[16];
    ck_succeeds(tsr_nearest(base, query, 2, index, distance));
    for (size_t q = 0; q < 8; q++)
        check_neighbours(base, query, q, 2, index + q * 2, distance + q * 2);
    tsr_codes_free(base);
    tsr_codes_free(query);
}
END_TEST

START_TEST(nearest_does_not_depend_on_the_number_of_threads)
{
    tsr_codes *base = random_codes(1, 3000, 6, 0.5), *query = random_codes(2, 100, 6, 0.5);
    uint32_t index[2][900], distance[2][900];
    for (int t = 0; t < 2; t++) {
        tsr_set_threads(t + 1);
        ck_succeeds(tsr_nearest(base, query, 9, index[t], distance[t]));
    }
    ck_assert_mem_eq(index[0], index[1], sizeof(index[0]));
    ck_assert_mem_eq(distance[0], distance[1], sizeof(distance[0]));
    tsr_codes_free(base);
    tsr_codes_free(query);
}
END_TEST

START_TEST(nearest_refuses_what_it_cannot_compare)
{
    tsr_codes *base = random_codes(1, 4, 6, 0.5), *query = random_codes(2, 4, 7, 0.5);
    uint32_t index[20], distance[20];
    ck_fails(tsr_nearest(base, query, 1, index, distance), TSR_FAILED, "6 bits");
    ck_fails(tsr_nearest(base, base, 5, index, distance), TSR_FAILED, "5 nearest of 4");
    ck_fails(tsr_nearest(base, base, 0, index, distance), TSR_FAILED, "0 nearest of 4");
    tsr_codes_free(base);
    tsr_codes_free(query);
}
END_TEST

static tsr_hash all_collide(const void *bytes, size_t length)
{
    (void)bytes;
    (void)length;
    return (tsr_hash){ 5, 5 };
}

/* Collides in the table only: the low bits choose the slot. */
static tsr_hash slots_collide(const void *bytes, size_t length)
{
    uint64_t first = 0;
    memcpy(&first, bytes, length < 8 ? length : 8);
    return (tsr_hash){ first << 32, 0 };
}

static void check_groups(const tsr_codes *codes, size_t count, const uint32_t *group)
{
    size_t met = 0;
    for (size_t i = 0; i < codes->n; i++) {
        size_t same = 0;
        while (same < i && naive_distance(codes, same, codes, i))
            same++;
        ck_assert_uint_eq(group[i], same < i ? group[same] : met);
        met += same == i;
    }
    ck_assert_uint_eq(count, met);
}

START_TEST(distinct_rows_are_grouped_exactly_whatever_the_hash)
{
    static const size_t bits[] = { 0, 1, 4, 8, 65, 130 };
    for (size_t b = 0; b < 6; b++) {
        tsr_codes *codes = random_codes(b, 300, bits[b], bits[b] > 8 ? 0.02 : 0.5);
        uint32_t group[300];
        size_t count;
        ck_succeeds(tsr_distinct(codes, &count, group));
        check_groups(codes, count, group);
        ck_succeeds(tsr_distinct_by(all_collide, codes, &count, group));
        check_groups(codes, count, group);
        ck_succeeds(tsr_distinct_by(slots_collide, codes, &count, group));
        check_groups(codes, count, group);
        size_t again;
        ck_succeeds(tsr_distinct(codes, &again, NULL));
        ck_assert_uint_eq(again, count);
        tsr_codes_free(codes);
    }
}
END_TEST

START_TEST(no_rows_have_no_distinct_ones)
{
    tsr_codes *codes = random_codes(1, 0, 10, 0.5);
    size_t count = 5;
    ck_succeeds(tsr_distinct(codes, &count, NULL));
    ck_assert_uint_eq(count, 0);
    tsr_codes_free(codes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("distance");
    TCase *tests = tcase_create("distance");
    tcase_add_test(tests, every_kernel_gives_the_distances_counted_bit_by_bit);
    tcase_add_test(tests, complementary_rows_differ_in_every_bit);
    tcase_add_test(tests, the_kernel_in_use_is_the_first_supported);
    tcase_add_test(tests, nearest_rows_are_those_of_a_full_search_ties_by_index);
    tcase_add_test(tests, neighbours_in_long_codes_are_found_among_rows_that_are_far);
    tcase_add_test(tests, nearest_does_not_depend_on_the_number_of_threads);
    tcase_add_test(tests, nearest_refuses_what_it_cannot_compare);
    tcase_add_test(tests, distinct_rows_are_grouped_exactly_whatever_the_hash);
    tcase_add_test(tests, no_rows_have_no_distinct_ones);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
