/* Packing by the vector compares and the bit gather (BMI2's pext) of the processor, or without them. */
#include "codes/pack.h"
#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* At most 64 values. */
static inline uint64_t compare_word(const float *x, size_t n, float breakpoint)
{
    uint64_t word = 0;
    for (size_t j = 0; j < n; j++)
        word |= (uint64_t)(x[j] > breakpoint) << j;
    return word;
}

static void compare_portable(const float *x, size_t n, float breakpoint, uint64_t *out)
{
    for (size_t j = 0; j < n; j += 64)
        *out++ = compare_word(x + j, n - j < 64 ? n - j : 64, breakpoint);
}

#if defined(__x86_64__)
static void compare_sse(const float *x, size_t n, float breakpoint, uint64_t *out)
{
    __m128 bound = _mm_set1_ps(breakpoint);
    size_t j = 0;
    for (; j + 64 <= n; j += 64) {
        uint64_t word = 0;
        for (size_t i = 0; i < 64; i += 4)
            word |= (uint64_t)_mm_movemask_ps(_mm_cmpgt_ps(_mm_loadu_ps(x + j + i), bound)) << i;
        *out++ = word;
    }
    if (j < n)
        *out = compare_word(x + j, n - j, breakpoint);
}

__attribute__((target("avx512f"))) static void compare_avx512(const float *x, size_t n, float breakpoint,
                                                              uint64_t *out)
{
    __m512 bound = _mm512_set1_ps(breakpoint);
    for (size_t j = 0; j < n; j += 64) {
        uint64_t word = 0;
        for (size_t i = 0; i < 64 && j + i < n; i += 16) {
            size_t left = n - j - i;
            __mmask16 mask = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
            __m512 values = _mm512_maskz_loadu_ps(mask, x + j + i);
            word |= (uint64_t)_mm512_mask_cmp_ps_mask(mask, values, bound, _CMP_GT_OQ) << i;
        }
        *out++ = word;
    }
}
#endif

static const tsr_pack_ops kernels[] = {
#if defined(__x86_64__)
    { "avx512", TSR_NEEDS_AVX512, compare_avx512 },
    { "sse", TSR_NEEDS_NOTHING, compare_sse },
#endif
    { "portable", TSR_NEEDS_NOTHING, compare_portable },
};

const tsr_pack_ops *tsr_pack_kernels(size_t *n)
{
    *n = sizeof(kernels) / sizeof(kernels[0]);
    return kernels;
}

void tsr_pack_compare(const float *x, size_t n, float breakpoint, uint64_t *out)
{
    const tsr_pack_ops *kernel = kernels;
    while (!tsr_cpu_uses(kernel->needs))
        kernel++;
    kernel->compare(x, n, breakpoint, out);
}

static inline uint64_t extract_bits(uint64_t word, uint64_t mask)
{
    uint64_t out = 0;
    for (unsigned at = 0; mask; mask &= mask - 1, at++)
        out |= (word >> __builtin_ctzll(mask) & 1) << at;
    return out;
}

/* Never writes past what was read, as fewer bits are kept than were met. */
#define GATHER(extract)                                                                                      \
    uint64_t filling = 0;                                                                                    \
    size_t filled = 0, at = 0;                                                                               \
    for (size_t w = 0; w < words; w++) {                                                                     \
        uint64_t bits = extract(row[w], keep[w]);                                                            \
        size_t count = (size_t)__builtin_popcountll(keep[w]);                                                \
        filling |= bits << filled;                                                                           \
        if (filled + count < 64) {                                                                           \
            filled += count;                                                                                 \
            continue;                                                                                        \
        }                                                                                                    \
        row[at++] = filling;                                                                                 \
        filling = filled ? bits >> (64 - filled) : 0;                                                        \
        filled = filled + count - 64;                                                                        \
    }                                                                                                        \
    for (; at < words; filling = 0)                                                                          \
        row[at++] = filling;

void tsr_gather_portable(uint64_t *row, const uint64_t *keep, size_t words)
{
    GATHER(extract_bits)
}

#if defined(__x86_64__)
__attribute__((target("bmi2,popcnt"))) static void gather_bmi2(uint64_t *row, const uint64_t *keep,
                                                               size_t words)
{
    GATHER(_pext_u64)
}

void tsr_gather(uint64_t *row, const uint64_t *keep, size_t words)
{
    if (tsr_cpu_uses(TSR_NEEDS_POPCNT | TSR_NEEDS_AVX2))
        gather_bmi2(row, keep, words);
    else
        tsr_gather_portable(row, keep, words);
}
#else
void tsr_gather(uint64_t *row, const uint64_t *keep, size_t words)
{
    tsr_gather_portable(row, keep, words);
}
#endif
