/* Sums of sixteen lanes at once against adding bit by bit. */
#include "codes/codes_support.h"

#include <stdlib.h>

#define N 150

/* Whole numbers, so that sums are exact in whatever order. */
static tsr_lanes *random_lanes(uint64_t seed, size_t n)
{
    tsr_lanes *made = tsr_lanes_new(n, 1);
    tsr_rng rng = tsr_rng_stream(seed, TSR_FOR_DATA, 9);
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < TSR_LANES; l++)
            made[i][l] = (float)tsr_rng_below(&rng, 200) - 100;
    return made;
}

static void check_dots(const tsr_codes *codes, const tsr_code_rows *rows)
{
    tsr_lanes *weights = random_lanes(1, codes->bits), *dots = random_lanes(2, N),
              *before = random_lanes(2, N);
    tsr_codes_dot(rows, weights, dots);
    for (size_t i = 0; i < rows->n; i++) {
        for (size_t l = 0; l < TSR_LANES; l++) {
            float sum = before[i][l];
            for (size_t j = 0; j < codes->bits; j++)
                sum += get_bit(codes, rows->index ? rows->index[i] : i, j) ? weights[j][l] : 0;
            ck_assert_float_eq(dots[i][l], sum);
        }
    }
    free(weights);
    free(dots);
    free(before);
}

static void check_sums(const tsr_codes *codes, const tsr_code_rows *rows)
{
    tsr_lanes *values = random_lanes(3, N), *sums = random_lanes(4, codes->bits);
    tsr_codes_sum_columns(rows, values, sums);
    for (size_t j = 0; j < codes->bits; j++) {
        for (size_t l = 0; l < TSR_LANES; l++) {
            float sum = 0;
            for (size_t i = 0; i < rows->n; i++)
                sum += get_bit(codes, rows->index ? rows->index[i] : i, j) ? values[i][l] : 0;
            ck_assert_float_eq(sums[j][l], sum);
        }
    }
    free(values);
    free(sums);
}

START_TEST(sums_over_bits_and_over_rows_are_those_of_plain_loops)
{
    static const size_t bits[] = { 0, 1, 3, 4, 5, 63, 64, 65, 127, 128, 129, 192, 300, 512, 513, 700, 1100 };
    for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++) {
        tsr_codes *codes = random_codes(b, N, bits[b], 0.4);
        uint32_t index[N - 20];
        for (uint32_t i = 0; i < N - 20; i++)
            index[i] = i * 7 % N;
        tsr_code_rows all = { codes->words, codes->stride, bits[b], N, NULL };
        tsr_code_rows some = { codes->words, codes->stride, bits[b], N - 20, index };
        check_dots(codes, &all);
        check_dots(codes, &some);
        check_sums(codes, &all);
        check_sums(codes, &some);
        tsr_codes_free(codes);
    }
}
END_TEST

/* More rows than are gathered at once: each word is passed where it lies. */
START_TEST(many_long_rows_give_what_few_at_a_time_give)
{
    enum { MANY_ROWS = 2100, BITS = 520 };
    tsr_codes *codes = random_codes(7, MANY_ROWS, BITS, 0.5);
    tsr_lanes *weights = random_lanes(1, BITS), *all = tsr_lanes_new(MANY_ROWS, 1),
              *some = tsr_lanes_new(MANY_ROWS, 1);
    for (size_t j = 0; j < BITS; j++)
        weights[j] *= 0.1f; /* rounded: only the same order gives the same sum */
    tsr_code_rows rows = { codes->words, codes->stride, BITS, MANY_ROWS, NULL };
    tsr_codes_dot(&rows, weights, all);
    rows.n = 7;
    for (size_t i = 0; i < MANY_ROWS; i += 7, rows.words += 7 * rows.stride)
        tsr_codes_dot(&rows, weights, some + i);
    ck_assert_mem_eq(all, some, MANY_ROWS * sizeof(*all));
    free(weights);
    free(all);
    free(some);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(lanes_do_not_mix)
{
    tsr_codes *codes = random_codes(1, N, 130, 0.5);
    tsr_code_rows rows = { codes->words, codes->stride, 130, N, NULL };
    tsr_lanes *weights = random_lanes(1, 130), *a = tsr_lanes_new(N, 1), *b = tsr_lanes_new(N, 1);
    for (size_t j = 0; j < 130; j++)
        weights[j] *= 0.1f; /* rounded: only the same order gives the same sum */
    tsr_codes_dot(&rows, weights, a);
    for (size_t j = 0; j < 130; j++)
        for (size_t l = 0; l < TSR_LANES; l++)
            weights[j][l] = l == 5 ? weights[j][l] : 1e30f;
    tsr_codes_dot(&rows, weights, b);
    for (size_t i = 0; i < N; i++)
        ck_assert(a[i][5] == b[i][5]);
    free(weights);
    free(a);
    free(b);
    tsr_codes_free(codes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("column sums");
    TCase *tests = tcase_create("column sums");
    tcase_add_test(tests, sums_over_bits_and_over_rows_are_those_of_plain_loops);
    tcase_add_test(tests, many_long_rows_give_what_few_at_a_time_give);
    tcase_add_test(tests, lanes_do_not_mix);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
