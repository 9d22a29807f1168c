/* Bit-packed rows: their layout, slices, expansion, and the choice of columns. */
#include "codes_support.h"
#include "base/cpu.h"

#include "base/machine.h"
#include "codes/codes.h"
#include "codes/extract.h"
#include "codes/pack.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

START_TEST(rows_are_zero_and_start_on_cache_lines)
{
    static const size_t bits[] = { 0, 1, 63, 64, 65, 511, 512, 513 };
    for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++) {
        tsr_codes *codes;
        ck_succeeds(tsr_codes_new(3, bits[b], &codes));
        ck_assert_uint_eq(codes->stride % 8, 0);
        ck_assert_uint_ge(codes->stride * 64, bits[b]);
        ck_assert_uint_eq((uintptr_t)codes->words % 64, 0);
        for (size_t w = 0; w < 3 * codes->stride; w++)
            ck_assert_uint_eq(codes->words[w], 0);
        tsr_codes_free(codes);
    }
}
END_TEST

START_TEST(sizes_beyond_memory_are_refused)
{
    tsr_codes *codes;
    ck_fails(tsr_codes_new(SIZE_MAX / 2, 1000, &codes), TSR_NO_MEMORY, "codes of 1000 bits");
    ck_assert_ptr_null(codes);
    ck_fails(tsr_codes_new(1, (size_t)UINT32_MAX + 1, &codes), TSR_REFUSED, "at most 4294967295");
    ck_assert_ptr_null(codes);
}
END_TEST

/* Three layers: 10 bits, 100, 40. */
static tsr_codes *layered(uint64_t seed, size_t n)
{
    tsr_codes *codes = random_codes(seed, n, 150, 0.5);
    const tsr_code_layer layers[] = { { "a", 0, 10 }, { "b", 10, 100 }, { "c", 110, 40 } };
    ck_succeeds(tsr_codes_set_layers(codes, 3, layers));
    return codes;
}

START_TEST(rows_are_taken_in_their_order_with_their_layers)
{
    tsr_codes *codes = random_codes(4, 130, 90, 0.5), *taken;
    const tsr_code_layer layers[] = { { "a", 0, 64 }, { "b", 64, 26 } };
    uint64_t mask[3] = { 1, UINT64_C(1) << 63, 2 };
    ck_succeeds(tsr_codes_set_layers(codes, 2, layers));
    ck_succeeds(tsr_codes_take_rows(codes, mask, &taken));
    ck_assert_uint_eq(taken->n, 3);
    ck_assert_uint_eq(taken->n_layers, 2);
    ck_assert_str_eq(taken->layers[1].name, "b");
    static const size_t rows[] = { 0, 127, 129 };
    for (size_t i = 0; i < 3; i++)
        ck_assert_mem_eq(tsr_codes_row(taken, i), tsr_codes_row(codes, rows[i]), 2 * sizeof(uint64_t));
    tsr_codes_free(taken);
    memset(mask, 0, sizeof(mask));
    ck_succeeds(tsr_codes_take_rows(codes, mask, &taken));
    ck_assert_uint_eq(taken->n, 0);
    tsr_codes_free(taken);
    tsr_codes_free(codes);
}
END_TEST

START_TEST(slice_copies_columns_and_clips_layers)
{
    tsr_codes *codes = layered(1, 20);
    for (size_t first = 0; first < 150; first += 7) {
        for (size_t bits = 0; first + bits <= 150; bits += 13) {
            tsr_codes *slice;
            ck_succeeds(tsr_codes_slice(codes, first, bits, &slice));
            ck_assert_uint_eq(slice->bits, bits);
            for (size_t i = 0; i < 20; i++) {
                for (size_t j = 0; j < slice->stride * 64; j++)
                    ck_assert(get_bit(slice, i, j) == (j < bits && get_bit(codes, i, first + j)));
            }
            size_t covered = 0;
            for (size_t l = 0; l < slice->n_layers; l++)
                covered += slice->layers[l].bits;
            ck_assert_uint_eq(covered, bits);
            tsr_codes_free(slice);
        }
    }
    tsr_codes *slice;
    ck_succeeds(tsr_codes_slice(codes, 100, 20, &slice));
    ck_assert_uint_eq(slice->n_layers, 2);
    ck_assert_str_eq(slice->layers[0].name, "b");
    ck_assert_uint_eq(slice->layers[1].first, 10);
    tsr_codes_free(slice);
    ck_fails(tsr_codes_slice(codes, 100, 51, &slice), TSR_FAILED, "codes that have 150");
    tsr_codes_free(codes);
}
END_TEST

START_TEST(expand_gives_each_bit_as_a_float)
{
    tsr_codes *codes = random_codes(2, 9, 131, 0.5);
    float *out = malloc(4 * 131 * sizeof(*out));
    tsr_codes_expand(codes, 3, 4, out);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 131; j++)
            ck_assert(out[i * 131 + j] == (float)get_bit(codes, 3 + i, j));
    free(out);
    tsr_codes_free(codes);
}
END_TEST

/* Against moving one bit after the other; rows are read alike on both sides of what is worth threads. */
START_TEST(columns_of_a_mask_are_copied_in_their_order)
{
    static const size_t bits[] = { 0, 1, 63, 64, 65, 130, 700 }, rows[] = { 0, 1, 40, 6500 };
    for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++) {
        for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
            tsr_codes *codes = random_codes(b, rows[r], bits[b], 0.4), *copy;
            uint64_t mask[11] = { 0 };
            tsr_rng rng = tsr_rng_stream(b, TSR_FOR_DATA, r);
            size_t n = bits[b] / 3, column = 0, wrong = 0;
            ck_succeeds(tsr_draw_columns(&rng, bits[b], n, mask));
            ck_succeeds(tsr_codes_columns(codes, mask, &copy));
            ck_assert(copy->n == rows[r] && copy->bits == n);
            for (size_t j = 0; j < bits[b]; j++) {
                if (!(mask[j / 64] >> j % 64 & 1))
                    continue;
                for (size_t i = 0; i < rows[r]; i++)
                    wrong += get_bit(copy, i, column) != get_bit(codes, i, j);
                column++;
            }
            ck_assert_uint_eq(column, n);
            for (size_t i = 0; i < rows[r]; i++)
                for (size_t j = n; j < copy->stride * 64; j++)
                    wrong += get_bit(copy, i, j);
            ck_assert_uint_eq(wrong, 0);
            tsr_codes_free(codes);
            tsr_codes_free(copy);
        }
    }
}
END_TEST

START_TEST(columns_of_a_mask_keep_their_layers)
{
    const tsr_code_layer layers[] = { { "a", 0, 10 }, { "b", 10, 100 }, { "c", 110, 40 } };
    tsr_codes *codes = random_codes(1, 5, 150, 0.5), *copy;
    ck_succeeds(tsr_codes_set_layers(codes, 3, layers));
    const uint64_t mask[] = { 0x3ff, 0, 1 }; /* all of a, none of b, one of c */
    ck_succeeds(tsr_codes_columns(codes, mask, &copy));
    ck_assert_uint_eq(copy->n_layers, 3);
    ck_assert_str_eq(copy->layers[2].name, "c");
    static const size_t first[] = { 0, 10, 10 }, bits[] = { 10, 0, 1 };
    for (size_t l = 0; l < 3; l++)
        ck_assert(copy->layers[l].first == first[l] && copy->layers[l].bits == bits[l]);
    ck_assert_uint_eq(codes->layers[1].bits, 100); /* those given stay as they are */
    tsr_codes_free(codes);
    tsr_codes_free(copy);
}
END_TEST

START_TEST(drawn_columns_are_as_many_as_asked_for_and_alike)
{
    size_t drawn[100] = { 0 };
    tsr_rng rng = tsr_rng_stream(5, TSR_FOR_DATA, 0), again = rng;
    for (int round = 0; round < 2000; round++) {
        uint64_t mask[2] = { 0 }, same[2] = { 0 };
        ck_succeeds(tsr_draw_columns(&rng, 100, 30, mask));
        ck_succeeds(tsr_draw_columns(&again, 100, 30, same));
        ck_assert(mask[0] == same[0] && mask[1] == same[1]);
        ck_assert_int_eq(__builtin_popcountll(mask[0]) + __builtin_popcountll(mask[1]), 30);
        for (size_t j = 0; j < 100; j++)
            drawn[j] += mask[j / 64] >> j % 64 & 1;
    }
    for (size_t j = 0; j < 100; j++)
        ck_assert(drawn[j] > 480 && drawn[j] < 720); /* 600, with a deviation of 20.5 */
}
END_TEST

START_TEST(layers_are_taken_in_the_order_asked_for)
{
    tsr_codes *codes = layered(3, 12), *taken;
    ck_succeeds(tsr_codes_layers(codes, 2, (const int64_t[]){ 2, 0 }, NULL, &taken));
    ck_assert_uint_eq(taken->bits, 50);
    ck_assert_str_eq(taken->layers[0].name, "c");
    ck_assert_uint_eq(taken->layers[1].first, 40);
    for (size_t i = 0; i < 12; i++) {
        for (size_t j = 0; j < 40; j++)
            ck_assert(get_bit(taken, i, j) == get_bit(codes, i, 110 + j));
        for (size_t j = 0; j < 10; j++)
            ck_assert(get_bit(taken, i, 40 + j) == get_bit(codes, i, j));
    }
    tsr_codes_free(taken);
    ck_succeeds(tsr_codes_layers(codes, 0, NULL, NULL, &taken));
    ck_assert_uint_eq(taken->bits, 150);
    ck_assert_mem_eq(taken->words, codes->words, 12 * codes->stride * 8);
    tsr_codes_free(taken);
    ck_fails(tsr_codes_layers(codes, 1, (const int64_t[]){ 3 }, NULL, &taken), TSR_REFUSED, "no layer 3");
    ck_fails(tsr_codes_layers(codes, 1, (const int64_t[]){ -1 }, NULL, &taken), TSR_REFUSED, "no layer -1");
    tsr_codes_free(codes);
}
END_TEST

START_TEST(codes_beyond_the_limit_live_in_a_file_that_has_no_name)
{
    char *folder = test_folder();
    tsr_code_budget budget = { .limit = 1000, .folder = folder };
    tsr_codes *small, *large, *after;
    ck_succeeds(tsr_codes_new_in(&budget, 10, 500, &small)); /* 640 bytes */
    ck_assert_uint_eq(budget.used, 640);
    ck_succeeds(tsr_codes_new_in(&budget, 6, 500, &large));
    ck_assert_uint_eq(budget.used, 640); /* another 384 would be too much */
    for (size_t i = 0; i < 6 * large->stride; i++) {
        ck_assert_uint_eq(large->words[i], 0);
        large->words[i] = i;
    }
    ck_assert_int_eq(rmdir(folder), 0); /* it is empty */
    ck_assert_uint_eq(large->words[6 * large->stride - 1], 6 * large->stride - 1);
    tsr_codes_free(large);
    tsr_codes_free(small);
    ck_assert_uint_eq(budget.used, 0);
    ck_fails(tsr_codes_new_in(&budget, 100, 500, &after), TSR_IO,
             "cannot keep 0.0 GB of codes in a file: No such file");
    ck_assert_ptr_null(after);
    ck_succeeds(tsr_codes_new_in(&budget, 0, 500, &after)); /* nothing needs no file */
    tsr_codes_free(after);
    test_folder_remove(folder);
}
END_TEST

START_TEST(a_disk_that_cannot_hold_codes_is_an_error)
{
    char *folder = test_folder();
    tsr_code_budget budget = { .folder = folder };
    struct rlimit before, tight;
    tsr_codes *codes;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    tight = before;
    tight.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &tight);
    tsr_status *status = tsr_codes_new_in(&budget, 100, 500, &codes);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    ck_fails(status, TSR_IO, "of codes in a file: File too large");
    ck_assert_int_eq(rmdir(folder), 0);
    test_folder_remove(folder);
}
END_TEST

START_TEST(layers_and_constant_columns_are_the_same_in_a_file)
{
    char *folder = test_folder();
    tsr_code_budget budget = { .folder = folder };
    tsr_codes *codes = layered(3, 12), *in_file, *in_memory, *none[2];
    ck_succeeds(tsr_codes_layers(codes, 2, (const int64_t[]){ 2, 0 }, &budget, &in_file));
    ck_succeeds(tsr_codes_layers(codes, 2, (const int64_t[]){ 2, 0 }, NULL, &in_memory));
    for (size_t i = 0; i < 12; i++) /* a column of ones */
        in_file->words[i * in_file->stride] |= 1, in_memory->words[i * in_memory->stride] |= 1;
    ck_succeeds(tsr_codes_new(0, 50, &none[0]));
    ck_succeeds(tsr_codes_new(0, 50, &none[1]));
    ck_succeeds(tsr_drop_constant(in_file, none[0], NULL));
    ck_succeeds(tsr_drop_constant(in_memory, none[1], NULL));
    ck_assert_uint_lt(in_file->bits, 50);
    ck_assert_uint_eq(in_file->bits, in_memory->bits);
    ck_assert_mem_eq(in_file->words, in_memory->words, 12 * in_file->stride * 8);
    tsr_codes_free(none[0]);
    tsr_codes_free(none[1]);
    tsr_codes_free(in_file);
    tsr_codes_free(in_memory);
    tsr_codes_free(codes);
    test_folder_remove(folder);
}
END_TEST

/* Makes some columns constant in both, in a way that a look at one set alone would not show. */
static void make_columns(tsr_codes *train, tsr_codes *test)
{
    for (size_t j = 0; j < train->bits; j++) {
        for (size_t i = 0; i < train->n; i++)
            if (j % 3 != 1)
                set_bit(train, i, j, j % 5 == 0);
        for (size_t i = 0; i < test->n; i++)
            if (j % 3 != 1)
                set_bit(test, i, j, j % 3 == 0 ? j % 5 == 0 : j % 5 != 0);
    }
}

static bool varies(const tsr_codes *train, const tsr_codes *test, size_t j)
{
    size_t ones = 0;
    for (size_t i = 0; i < train->n; i++)
        ones += get_bit(train, i, j);
    for (size_t i = 0; i < test->n; i++)
        ones += get_bit(test, i, j);
    return ones > 0 && ones < train->n + test->n;
}

/* Whether column `at` of one holds column j of the other. */
static bool same_column(const tsr_codes *codes, size_t at, const tsr_codes *old, size_t j)
{
    size_t differ = 0;
    for (size_t i = 0; i < codes->n; i++)
        differ += get_bit(codes, i, at) != get_bit(old, i, j);
    return differ == 0;
}

/* Ones from column `first` to the end of the rows. */
static size_t ones_beyond(const tsr_codes *codes, size_t first)
{
    size_t ones = 0;
    for (size_t i = 0; i < codes->n; i++)
        for (size_t j = first; j < codes->stride * 64; j++)
            ones += get_bit(codes, i, j);
    return ones;
}

static void check_dropped(size_t n_train, size_t n_test, size_t bits)
{
    tsr_codes *train = random_codes(4, n_train, bits, 0.5), *test = random_codes(5, n_test, bits, 0.5);
    tsr_codes *old_train, *old_test;
    make_columns(train, test);
    const tsr_code_layer layers[] = { { "a", 0, bits / 3 }, { "b", bits / 2, bits - bits / 2 } };
    ck_succeeds(tsr_codes_set_layers(train, 2, layers));
    ck_succeeds(tsr_codes_slice(train, 0, bits, &old_train));
    ck_succeeds(tsr_codes_slice(test, 0, bits, &old_test));
    ck_succeeds(tsr_drop_constant(train, test, NULL));
    size_t at = 0, in_layer[2] = { 0 };
    for (size_t j = 0; j < bits; j++) {
        if (!varies(old_train, old_test, j))
            continue;
        ck_assert(same_column(train, at, old_train, j) && same_column(test, at, old_test, j));
        in_layer[0] += j < bits / 3;
        in_layer[1] += j >= bits / 2;
        at++;
    }
    ck_assert_uint_eq(train->bits, at);
    ck_assert_uint_eq(test->bits, at);
    ck_assert_uint_eq(train->stride, tsr_codes_stride(at));
    ck_assert_uint_eq(ones_beyond(train, at) + ones_beyond(test, at), 0);
    ck_assert_uint_eq(train->layers[0].bits, in_layer[0]);
    ck_assert_uint_eq(train->layers[1].bits, in_layer[1]);
    ck_assert_uint_eq(train->layers[1].first, at - in_layer[1]);
    tsr_codes_free(train);
    tsr_codes_free(test);
    tsr_codes_free(old_train);
    tsr_codes_free(old_test);
}

START_TEST(constant_columns_are_dropped_over_both_sets_together)
{
    static const size_t bits[] = { 0, 1, 6, 63, 64, 65, 200, 640, 1025, 5000 };
    for (size_t b = 0; b < sizeof(bits) / sizeof(*bits); b++) {
        check_dropped(17, 9, bits[b]);
        check_dropped(17, 0, bits[b]);
        check_dropped(0, 9, bits[b]);
    }
    check_dropped(0, 0, 100);
    tsr_set_threads(2);
    check_dropped(900, 100, 5000);
}
END_TEST

START_TEST(codes_of_different_lengths_are_no_pair)
{
    tsr_codes *a = random_codes(1, 2, 10, 0.5), *b = random_codes(1, 2, 11, 0.5);
    ck_fails(tsr_drop_constant(a, b, NULL), TSR_FAILED, "10 bits, test codes 11");
    tsr_codes_free(a);
    tsr_codes_free(b);
}
END_TEST

START_TEST(gathering_bits_by_instruction_and_by_loop_agree)
{
    tsr_rng rng = tsr_rng_stream(6, TSR_FOR_DATA, 0);
    for (int round = 0; round < 200; round++) {
        uint64_t a[9], b[9], keep[9];
        for (size_t w = 0; w < 9; w++) {
            a[w] = b[w] = tsr_rng_u64(&rng);
            uint64_t choice = tsr_rng_below(&rng, 4);
            keep[w] = choice == 0 ? 0 : choice == 1 ? UINT64_MAX : tsr_rng_u64(&rng);
        }
        tsr_gather(a, keep, 9);
        tsr_gather_portable(b, keep, 9);
        ck_assert_mem_eq(a, b, sizeof(a));
    }
}
END_TEST

START_TEST(every_compare_kernel_packs_as_the_portable_one)
{
    size_t n_kernels;
    const tsr_pack_ops *kernels = tsr_pack_kernels(&n_kernels);
    tsr_rng rng = tsr_rng_stream(7, TSR_FOR_DATA, 0);
    for (size_t n = 1; n < 300; n += n < 140 ? 1 : 37) {
        float *x = malloc(n * sizeof(*x)); /* of this length exactly, for the address sanitizer */
        for (size_t j = 0; j < n; j++)
            x[j] = (float)tsr_rng_below(&rng, 5) - 2;
        x[n / 2] = NAN;
        x[n - 1] = n % 2 ? -0.0f : INFINITY;
        for (size_t k = 0; k < n_kernels; k++) {
            if (!tsr_cpu_has(kernels[k].needs))
                continue;
            uint64_t out[6];
            memset(out, 0xaa, sizeof(out));
            kernels[k].compare(x, n, 0, out);
            for (size_t j = 0; j < (n + 63) / 64 * 64; j++)
                ck_assert_msg((out[j / 64] >> j % 64 & 1) == (j < n && x[j] > 0), "%s: value %zu of %zu",
                              kernels[k].name, j, n);
        }
        free(x);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codes");
    TCase *tests = tcase_create("codes");
    tcase_add_test(tests, rows_are_zero_and_start_on_cache_lines);
    tcase_add_test(tests, sizes_beyond_memory_are_refused);
    tcase_add_test(tests, rows_are_taken_in_their_order_with_their_layers);
    tcase_add_test(tests, slice_copies_columns_and_clips_layers);
    tcase_add_test(tests, expand_gives_each_bit_as_a_float);
    tcase_add_test(tests, columns_of_a_mask_are_copied_in_their_order);
    tcase_add_test(tests, columns_of_a_mask_keep_their_layers);
    tcase_add_test(tests, drawn_columns_are_as_many_as_asked_for_and_alike);
    tcase_add_test(tests, layers_are_taken_in_the_order_asked_for);
    tcase_add_test(tests, codes_beyond_the_limit_live_in_a_file_that_has_no_name);
    tcase_add_test(tests, a_disk_that_cannot_hold_codes_is_an_error);
    tcase_add_test(tests, layers_and_constant_columns_are_the_same_in_a_file);
    tcase_add_test(tests, constant_columns_are_dropped_over_both_sets_together);
    tcase_add_test(tests, codes_of_different_lengths_are_no_pair);
    tcase_add_test(tests, gathering_bits_by_instruction_and_by_loop_agree);
    tcase_add_test(tests, every_compare_kernel_packs_as_the_portable_one);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
