/* Random numbers: the published vectors, and that streams are independent and reproducible. */
#include "support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(philox_gives_the_published_vector)
{
    /* Random123's known answers for philox4x32-10, all-zero and all-one counter and key. */
    tsr_rng rng = { .used = 4 };
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0x6627e8d5u);
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0xe169c58du);
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0xbc57ac4cu);
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0x9b00dbd8u);
    memset(&rng, 0xff, sizeof(rng));
    rng.used = 4;
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0x408f276du);
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0x41c83b0eu);
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0xa20bc7c6u);
    ck_assert_uint_eq(tsr_rng_u32(&rng), 0x6d5451fdu);
}
END_TEST

START_TEST(many_at_once_are_those_one_by_one)
{
    uint32_t expected[700], drawn[700];
    for (size_t offset = 0; offset < 6; offset++)
        for (size_t n = 0; n < 600; n += n < 140 ? 1 : 57) {
            tsr_rng one = tsr_rng_stream(8, TSR_FOR_DROPOUT, 1);
            one.counter[0] = UINT32_MAX - 20; /* the block number goes into its second word */
            for (size_t i = 0; i < offset; i++)
                tsr_rng_u32(&one);
            tsr_rng many = one;
            for (size_t i = 0; i < n + 1; i++)
                expected[i] = tsr_rng_u32(&one);
            tsr_rng_fill_u32(&many, n, drawn);
            drawn[n] = tsr_rng_u32(&many);
            ck_assert(memcmp(drawn, expected, (n + 1) * sizeof(uint32_t)) == 0);
        }
}
END_TEST

START_TEST(skipping_passes_over_as_many)
{
    for (size_t offset = 0; offset < 6; offset++)
        for (size_t n = 0; n < 20; n++) {
            tsr_rng one = tsr_rng_stream(8, TSR_FOR_DROPOUT, 2);
            one.counter[0] = UINT32_MAX - 2;
            for (size_t i = 0; i < offset; i++)
                tsr_rng_u32(&one);
            tsr_rng skipped = one;
            for (size_t i = 0; i < n; i++)
                tsr_rng_u32(&one);
            tsr_rng_skip(&skipped, n);
            for (size_t i = 0; i < 9; i++)
                ck_assert_uint_eq(tsr_rng_u32(&skipped), tsr_rng_u32(&one));
        }
}
END_TEST

START_TEST(streams_of_different_seed_purpose_or_index_differ)
{
    tsr_rng streams[] = { tsr_rng_stream(1, TSR_FOR_INIT, 0),
                          tsr_rng_stream(2, TSR_FOR_INIT, 0),
                          tsr_rng_stream(1, TSR_FOR_SHUFFLE, 0),
                          tsr_rng_stream(1, TSR_FOR_INIT, 1),
                          tsr_rng_stream(1, TSR_FOR_INIT, UINT64_C(1) << 40),
                          tsr_rng_stream(UINT64_C(1) << 40 | 1, TSR_FOR_INIT, 0) };
    uint64_t first[6];
    for (int i = 0; i < 6; i++)
        first[i] = tsr_rng_u64(&streams[i]);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            ck_assert(first[i] != first[j]);
    tsr_rng again = tsr_rng_stream(1, TSR_FOR_INIT, 0);
    ck_assert(tsr_rng_u64(&again) == first[0]);
}
END_TEST

START_TEST(below_stays_below_and_reaches_every_value)
{
    tsr_rng rng = tsr_rng_stream(3, TSR_FOR_PROBE, 0);
    int seen[7] = { 0 };
    for (int i = 0; i < 70000; i++)
        seen[tsr_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        ck_assert_int_lt(abs(seen[i] - 10000), 500); /* five standard deviations */
    ck_assert(tsr_rng_below(&rng, 0) == 0);
    ck_assert(tsr_rng_below(&rng, 1) == 0);
}
END_TEST

START_TEST(uniform_and_normal_have_their_moments)
{
    tsr_rng rng = tsr_rng_stream(4, TSR_FOR_PROBE, 0);
    double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
    int n = 100000;
    for (int i = 0; i < n; i++) {
        double u = tsr_rng_uniform(&rng), z = tsr_rng_normal(&rng);
        ck_assert(u >= 0 && u < 1 && isfinite(z));
        sum += u;
        squares += u * u;
        normal_sum += z;
        normal_squares += z * z;
    }
    ck_assert_double_eq_tol(sum / n, 0.5, 0.005);
    ck_assert_double_eq_tol(squares / n, 1.0 / 3, 0.005);
    ck_assert_double_eq_tol(normal_sum / n, 0, 0.02);
    ck_assert_double_eq_tol(normal_squares / n, 1, 0.03);
}
END_TEST

/* Kolmogorov and Smirnov's distance to the normal distribution; 1.95 / sqrt(n) is exceeded once in a
 * thousand. */
START_TEST(fill_normal_is_normal)
{
    enum { N = 200000, CELLS = 4000 };
    static float values[N];
    static int cells[CELLS + 1];
    tsr_rng rng = tsr_rng_stream(7, TSR_FOR_DATA, 0);
    tsr_rng_fill_normal(&rng, N, values);
    double sum = 0, squares = 0, fourths = 0, products = 0;
    for (int i = 0; i < N; i++) {
        double x = (double)values[i];
        ck_assert(fabs(x) < 5.8);
        sum += x;
        squares += x * x;
        fourths += x * x * x * x;
        products += i ? x * (double)values[i - 1] : 0;
        cells[(int)fmin(fmax((x + 4) * CELLS / 8, 0), CELLS)]++;
    }
    ck_assert_double_eq_tol(sum / N, 0, 0.01);
    ck_assert_double_eq_tol(squares / N, 1, 0.015);
    ck_assert_double_eq_tol(fourths / N, 3, 0.15);
    ck_assert_double_eq_tol(products / N, 0, 0.01);
    double below = 0, distance = 0;
    for (int i = 0; i < CELLS; i++) {
        below += cells[i];
        distance = fmax(distance, fabs(below / N - 0.5 * erfc(-((i + 1) * 8.0 / CELLS - 4) / sqrt(2))));
    }
    ck_assert_double_lt(distance, 1.95 / sqrt(N));
}
END_TEST

START_TEST(fill_normal_of_fewer_is_the_beginning_of_more)
{
    float more[300], fewer[300];
    tsr_rng a = tsr_rng_stream(8, TSR_FOR_DATA, 0);
    tsr_rng_fill_normal(&a, 300, more);
    for (size_t n = 0; n < 200; n += 7) {
        tsr_rng b = tsr_rng_stream(8, TSR_FOR_DATA, 0);
        memset(fewer, 0, sizeof(fewer));
        tsr_rng_fill_normal(&b, n, fewer);
        ck_assert(memcmp(more, fewer, n * sizeof(float)) == 0 && fewer[n] == 0);
    }
}
END_TEST

START_TEST(fill_uniform_stays_in_its_interval)
{
    float values[1000];
    tsr_rng rng = tsr_rng_stream(5, TSR_FOR_INIT, 0);
    tsr_rng_fill_uniform(&rng, 1000, values, -0.25f, 0.25f);
    double sum = 0;
    for (int i = 0; i < 1000; i++) {
        ck_assert(values[i] >= -0.25f && values[i] < 0.25f);
        sum += values[i];
    }
    ck_assert_double_eq_tol(sum / 1000, 0, 0.025);
}
END_TEST

START_TEST(shuffle_keeps_every_index_once)
{
    size_t order[100];
    bool seen[100] = { false };
    for (size_t i = 0; i < 100; i++)
        order[i] = i;
    tsr_rng rng = tsr_rng_stream(6, TSR_FOR_SHUFFLE, 1);
    tsr_rng_shuffle(&rng, 100, order);
    size_t moved = 0;
    for (size_t i = 0; i < 100; i++) {
        ck_assert_uint_lt(order[i], 100);
        ck_assert(!seen[order[i]]);
        seen[order[i]] = true;
        moved += order[i] != i;
    }
    ck_assert_uint_gt(moved, 80);
}
END_TEST

/* How a process ends that asks for this stream. */
static int end_of(tsr_purpose purpose, uint64_t index)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        tsr_rng rng = tsr_rng_stream(1, purpose, index);
        _exit(tsr_rng_u32(&rng) == 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

START_TEST(a_stream_that_could_be_another_one_is_not_made)
{
    ck_assert_int_eq(end_of(TSR_FOR_DATA, (UINT64_C(1) << TSR_INDEX_BITS) - 1), 0);
    ck_assert_int_eq(end_of(TSR_FOR_DATA, UINT64_C(1) << TSR_INDEX_BITS), -SIGABRT);
    ck_assert_int_eq(end_of((tsr_purpose)(TSR_LAST_PURPOSE + 1), 0), -SIGABRT);
    ck_assert_int_eq(end_of((tsr_purpose)0, 0), -SIGABRT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng");
    TCase *tests = tcase_create("rng");
    tcase_add_test(tests, philox_gives_the_published_vector);
    tcase_add_test(tests, many_at_once_are_those_one_by_one);
    tcase_add_test(tests, skipping_passes_over_as_many);
    tcase_add_test(tests, streams_of_different_seed_purpose_or_index_differ);
    tcase_add_test(tests, below_stays_below_and_reaches_every_value);
    tcase_add_test(tests, uniform_and_normal_have_their_moments);
    tcase_add_test(tests, fill_normal_is_normal);
    tcase_add_test(tests, fill_normal_of_fewer_is_the_beginning_of_more);
    tcase_add_test(tests, fill_uniform_stays_in_its_interval);
    tcase_add_test(tests, a_stream_that_could_be_another_one_is_not_made);
    tcase_add_test(tests, shuffle_keeps_every_index_once);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
