/* The processor's levels: every version of a function does what the plain one does, and kernels are used up
   to the level in use. */
#include "support.h"

#include "base/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1003 };

TSR_MULTIVERSION(scale, (size_t n, float a, float *restrict x), (n, a, x))
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        x[i] *= a;
}

TSR_MULTIVERSION_OF(float, sum, (size_t n, const float *restrict x), (n, x))
{
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (size_t i = 0; i < n; i++)
        total += x[i];
    return total;
}

/* The most that this processor has. */
static int best;

static void note_level(void)
{
    best = tsr_kernel_level;
}

static void restore_level(void)
{
    tsr_kernel_level = best;
}

START_TEST(every_version_computes_the_same)
{
    float x[N], twice[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)(i % 17) - 8; /* sums are exact in any order */
    for (tsr_kernel_level = 0; tsr_kernel_level <= best; tsr_kernel_level++) {
        memcpy(twice, x, sizeof(x));
        scale(N, 2, twice);
        for (int i = 0; i < N; i++)
            ck_assert(twice[i] == 2 * x[i]);
        ck_assert_msg(sum(N, x) == sum(N, twice) / 2 && sum(17, x) == 0, "%s", tsr_kernels_name());
    }
}
END_TEST

START_TEST(kernels_are_used_up_to_the_level)
{
    tsr_kernel_level = TSR_KERNELS_PORTABLE;
    ck_assert(tsr_cpu_uses(TSR_NEEDS_NOTHING));
    ck_assert(!tsr_cpu_uses(TSR_NEEDS_POPCNT) && !tsr_cpu_uses(TSR_NEEDS_AVX512));
    for (tsr_kernel_level = 1; tsr_kernel_level <= best; tsr_kernel_level++) {
        ck_assert(tsr_cpu_uses(TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2));
        ck_assert(tsr_cpu_uses(TSR_NEEDS_AVX512) == (tsr_kernel_level == TSR_KERNELS_AVX512));
        ck_assert(!tsr_cpu_uses(TSR_NEEDS_VPOPCNT) || tsr_cpu_has(TSR_NEEDS_VPOPCNT));
    }
}
END_TEST

START_TEST(a_word_that_names_no_level_is_refused)
{
    setenv("TESSERA_KERNELS", "sse9", 1);
    ck_fails(tsr_kernels_check(), TSR_USAGE, "TESSERA_KERNELS=sse9: expected portable, avx2 or avx512");
    setenv("TESSERA_KERNELS", "avx512", 1);
    tsr_kernel_level = TSR_KERNELS_AVX2;
    ck_fails(tsr_kernels_check(), TSR_USAGE, "this processor does not have it: expected at most avx2");
    unsetenv("TESSERA_KERNELS");
    ck_succeeds(tsr_kernels_check());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *tests = tcase_create("cpu");
    tcase_add_checked_fixture(tests, note_level, restore_level);
    tcase_add_test(tests, every_version_computes_the_same);
    tcase_add_test(tests, kernels_are_used_up_to_the_level);
    tcase_add_test(tests, a_word_that_names_no_level_is_refused);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
