/* What bits do, against known values and against columns compared bit by bit. */
#include "plugins/probe_support.h"

#include "codes/codes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNITS "plugin = \"units\";"
#define ck_near(value, expected, off) ck_assert_double_eq_tol(value, expected, off)

/* Every row of `columns` letters once: column j is bit letters[j] - 'a' of the row's number. Half of the rows
   are test codes. */
static labelled factorial(int bits, const char *letters)
{
    labelled data = { .classes = 2 };
    size_t n = (size_t)1 << (bits - 1), columns = strlen(letters);
    ck_succeeds(tsr_codes_new(n, columns, &data.train));
    ck_succeeds(tsr_codes_new(n, columns, &data.test));
    for (size_t i = 0; i < 2 * n; i++)
        for (size_t j = 0; j < columns; j++)
            set_bit(i < n ? data.train : data.test, i % n, j, i >> (letters[j] - 'a') & 1);
    return data;
}

static void ck_ranks(labelled data, double effective, double stable, double participation)
{
    tsr_metrics *m = probe(UNITS, &data);
    ck_near(metric(m, "effective_rank"), effective, 1e-6);
    ck_near(metric(m, "stable_rank"), stable, 1e-9);
    ck_near(metric(m, "participation_ratio"), participation, 1e-9);
    tsr_metrics_free(m);
    labelled_clear(&data);
}

START_TEST(known_singular_values_have_known_ranks)
{
    ck_ranks(factorial(3, "aaaabc"), 2.828427, 1.5, 2); /* 2, 1, 1 */
    ck_ranks(factorial(5, "abcde"), 5, 5, 5);
    ck_ranks(factorial(5, "abcdedcba"),
             exp(4 * -(sqrt(2) / (4 * sqrt(2) + 1)) * log(sqrt(2) / (4 * sqrt(2) + 1)) +
                 log(4 * sqrt(2) + 1) / (4 * sqrt(2) + 1)),
             9 / 2.0, 81 / 17.0);
}
END_TEST

START_TEST(bits_that_do_nothing_are_counted)
{
    static const char *const rows[] = { "0101010", "0110101", "0101011" }, *const more[] = { "0110100" };
    labelled data = { codes_of(3, rows), codes_of(1, more), NULL, NULL, 0 };
    tsr_metrics *m = probe(UNITS " tau = 0.5;", &data); /* columns 0000 1111 0101 1010 0101.. */
    ck_assert(metric(m, "bits") == 7);
    ck_near(metric(m, "dead"), 1 / 7.0, 1e-12);
    ck_near(metric(m, "always_on"), 1 / 7.0, 1e-12);
    ck_near(metric(m, "rare"), 1 / 7.0, 1e-12);
    /* The second constant one; 0101, its complement twice more; 0110 is new. */
    ck_near(metric(m, "duplicates"), 4 / 7.0, 1e-12);
    ck_assert(metric(m, "columns") == 5);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

/* 0.07 * 100 is more than 7. */
START_TEST(a_bit_that_is_1_for_the_share_tau_is_not_rare)
{
    labelled data = { .classes = 2 };
    ck_succeeds(tsr_codes_new(60, 2, &data.train));
    ck_succeeds(tsr_codes_new(40, 2, &data.test));
    for (size_t i = 0; i < 7; i++) {
        set_bit(data.train, i, 0, true);
        set_bit(data.test, i, 1, i < 6);
    }
    ck_assert(probe_metric(UNITS " tau = 0.07;", &data, "rare") == 0.5);
    labelled_clear(&data);
}
END_TEST

static double bit_of(const labelled *data, size_t i, size_t j)
{
    size_t n = data->train->n;
    return i < n ? get_bit(data->train, i, j) : get_bit(data->test, i - n, j);
}

/* Covariance of two columns, from deviations. */
static double covariance(const labelled *data, size_t j, size_t k)
{
    size_t n = data->train->n + data->test->n;
    double mean_j = 0, mean_k = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        mean_j += bit_of(data, i, j) / (double)n;
        mean_k += bit_of(data, i, k) / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        sum += (bit_of(data, i, j) - mean_j) * (bit_of(data, i, k) - mean_k);
    return sum;
}

/* LAPACK's: eigenvalues of a symmetric matrix. Lengths of texts follow, as Fortran passes them. */
void dsyev_(const char *vectors, const char *half, const int *n, double *matrix, const int *stride,
            double *values, double *work, const int *work_size, int *failed, size_t, size_t);

static void find_eigenvalues(size_t n, double *matrix, double *values)
{
    int size = (int)n, work_size = 3 * size, failed = 0;
    double *work = calloc((size_t)work_size, sizeof(*work));
    dsyev_("N", "U", &size, matrix, &size, values, work, &work_size, &failed, 1, 1);
    ck_assert_int_eq(failed, 0);
    free(work);
}

static void check_columns(const labelled *data)
{
    size_t n = data->train->bits, examples = data->train->n + data->test->n, duplicates = 0, rare = 0;
    double correlation = 0, sum = 0, squares = 0, fourths = 0, largest = 0, entropy = 0;
    double *c = calloc(n * n, sizeof(*c));
    for (size_t j = 0; j < n; j++) {
        double ones = 0;
        bool repeats = false;
        for (size_t i = 0; i < examples; i++)
            ones += bit_of(data, i, j);
        rare += ones < 0.01 * (double)examples;
        for (size_t k = 0; k < n; k++)
            c[j * n + k] = covariance(data, j, k);
        for (size_t k = 0; k < j; k++) {
            double r = fabs(c[j * n + k]) / sqrt(c[j * n + j] * c[k * n + k]);
            correlation += r / ((double)n * (double)(n - 1) / 2);
            repeats = repeats || r > 1 - 1e-9;
        }
        duplicates += repeats;
    }
    double *values = calloc(n, sizeof(*values));
    find_eigenvalues(n, c, values);
    for (size_t j = 0; j < n; j++) {
        double value = values[j] < 1e-9 ? 0 : values[j];
        sum += sqrt(value);
        squares += value;
        fourths += value * value;
        largest = fmax(largest, value);
    }
    for (size_t j = 0; j < n; j++) {
        double share = values[j] < 1e-9 ? 0 : sqrt(values[j]) / sum;
        entropy -= share > 0 ? share * log(share) : 0;
    }
    tsr_metrics *m = probe(UNITS, data);
    ck_near(metric(m, "duplicates"), (double)duplicates / (double)n, 1e-12);
    ck_near(metric(m, "rare"), (double)rare / (double)n, 1e-12);
    ck_near(metric(m, "correlation"), correlation, 1e-9);
    ck_near(metric(m, "effective_rank"), exp(entropy), 1e-6);
    ck_near(metric(m, "stable_rank"), squares / largest, 1e-8);
    ck_near(metric(m, "participation_ratio"), squares * squares / fourths, 1e-8);
    tsr_metrics_free(m);
    free(values);
    free(c);
}

START_TEST(columns_are_those_of_comparing_bit_by_bit)
{
    for (size_t bits = 2; bits <= 26; bits += 8) {
        labelled data = blobs(bits, 150, 83, 4, bits, 0.2);
        for (size_t i = 0; bits > 9 && i < data.train->n + data.test->n; i++) { /* repeats, and a rare one */
            tsr_codes *codes = i < 150 ? data.train : data.test;
            size_t row = i < 150 ? i : i - 150;
            set_bit(codes, row, 7, get_bit(codes, row, 2));
            set_bit(codes, row, 5, !get_bit(codes, row, 4));
            set_bit(codes, row, 3, i == 60);
        }
        check_columns(&data);
        labelled_clear(&data);
    }
}
END_TEST

START_TEST(a_layer_has_the_measures_of_its_columns)
{
    labelled data = blobs(5, 300, 100, 3, 80, 0.1), alone = data;
    const tsr_code_layer layers[] = { { "a", 0, 60 }, { "b", 60, 20 } };
    ck_succeeds(tsr_codes_set_layers(data.train, 2, layers));
    ck_succeeds(tsr_codes_set_layers(data.test, 2, layers));
    ck_succeeds(tsr_codes_slice(data.train, 60, 20, &alone.train));
    ck_succeeds(tsr_codes_slice(data.test, 60, 20, &alone.test));
    tsr_metrics *all = probe(UNITS, &data), *one = probe(UNITS, &alone);
    ck_assert(metric(all, "layer1.correlation") == metric(one, "correlation"));
    ck_assert(metric(all, "layer1.effective_rank") == metric(one, "effective_rank"));
    ck_assert(metric(all, "layer1.duplicates") == metric(one, "layer0.duplicates"));
    ck_assert(metric(all, "layer0.bits") == 60);
    tsr_metrics_free(all);
    tsr_metrics_free(one);
    tsr_codes_free(alone.train);
    tsr_codes_free(alone.test);
    labelled_clear(&data);
}
END_TEST

START_TEST(of_too_many_columns_some_are_drawn)
{
    labelled data = blobs(6, 400, 10, 3, 200, 0.3);
    tsr_metrics *m = probe(UNITS " columns = 50;", &data);
    ck_assert(metric(m, "columns") == 50);
    ck_assert_double_gt(metric(m, "effective_rank"), 25);
    ck_assert_double_le(metric(m, "effective_rank"), 50);
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(what_is_undefined_says_why)
{
    labelled data = blobs(6, 3, 2, 2, 0, 0.1);
    tsr_metrics *m = probe(UNITS, &data);
    for (size_t i = 0; i < tsr_metrics_count(m); i++)
        ck_assert(isnan(tsr_metrics_get(m, i).value) == (tsr_metrics_get(m, i).reason != NULL));
    ck_assert(isnan(metric(m, "dead")) && isnan(metric(m, "stable_rank")) && isnan(metric(m, "correlation")));
    tsr_metrics_free(m);
    labelled_clear(&data);
    data = blobs(6, 3, 2, 2, 1, 0);
    m = probe(UNITS, &data);
    ck_assert(isnan(metric(m, "correlation")));
    tsr_metrics_free(m);
    labelled_clear(&data);
}
END_TEST

START_TEST(units_stay_with_more_threads)
{
    labelled data = blobs(7, 3000, 700, 10, 400, 0.2);
    ck_same_with_two_threads(UNITS, &data);
    labelled_clear(&data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units");
    TCase *tests = tcase_create("units");
    tcase_add_test(tests, known_singular_values_have_known_ranks);
    tcase_add_test(tests, bits_that_do_nothing_are_counted);
    tcase_add_test(tests, a_bit_that_is_1_for_the_share_tau_is_not_rare);
    tcase_add_test(tests, columns_are_those_of_comparing_bit_by_bit);
    tcase_add_test(tests, a_layer_has_the_measures_of_its_columns);
    tcase_add_test(tests, of_too_many_columns_some_are_drawn);
    tcase_add_test(tests, what_is_undefined_says_why);
    tcase_add_test(tests, units_stay_with_more_threads);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
