/* Kernels for convolutions, for AVX-512 and AVX2, from convolve_kernel.h and the two that build on it; and
   which way a convolution takes. */
#include "nn/kernels/direct.h"
#include "nn/kernels/winograd.h"
#include "base/cpu.h"

#include <omp.h>
#include <string.h>
#include <tessera/multiversion.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__)

/* A loop that the compiler unrolls whole, so that an array of vectors becomes registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define EACH(i, n) UNROLL for (size_t i = 0; i < (n); i++)

#define INLINE static inline __attribute__((always_inline))
#define AHEAD 64  /* floats, four lines of a cache */
#define VECTORS 2 /* of a tile */

#define AVX512_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt")))
#define AVX2_TARGET __attribute__((target("avx2,fma,bmi,bmi2,popcnt")))

AVX512_TARGET INLINE __m512 load_avx512(const float *x, size_t n)
{
    return n < 16 ? _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), x) : _mm512_loadu_ps(x);
}

AVX512_TARGET INLINE void store_avx512(float *x, size_t n, __m512 value)
{
    if (n < 16)
        _mm512_mask_storeu_ps(x, (__mmask16)((1u << n) - 1), value);
    else
        _mm512_storeu_ps(x, value);
}

/* Pairs of rows, then of pairs, then quarters of vectors change places. */
AVX512_TARGET INLINE void transpose_avx512(void *rows)
{
    typedef __m512 __attribute__((aligned(4), may_alias)) loose;
    loose *r = rows;
    __m512 t[16], u[16];
    EACH (i, 8) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    EACH (i, 8) {
        __m512d a = _mm512_castps_pd(t[i / 2 * 4 + i % 2]), b = _mm512_castps_pd(t[i / 2 * 4 + i % 2 + 2]);
        u[i / 2 * 4 + i % 2 * 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
        u[i / 2 * 4 + i % 2 * 2 + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
    EACH (j, 4) {
        t[j] = _mm512_shuffle_f32x4(u[j], u[4 + j], 0x88);
        t[4 + j] = _mm512_shuffle_f32x4(u[j], u[4 + j], 0xdd);
        t[8 + j] = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0x88);
        t[12 + j] = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0xdd);
    }
    EACH (j, 4) {
        r[j] = _mm512_shuffle_f32x4(t[j], t[8 + j], 0x88);
        r[4 + j] = _mm512_shuffle_f32x4(t[4 + j], t[12 + j], 0x88);
        r[8 + j] = _mm512_shuffle_f32x4(t[j], t[8 + j], 0xdd);
        r[12 + j] = _mm512_shuffle_f32x4(t[4 + j], t[12 + j], 0xdd);
    }
}

AVX2_TARGET INLINE __m256i first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

AVX2_TARGET INLINE __m256 load_avx2(const float *x, size_t n)
{
    return n < 8 ? _mm256_maskload_ps(x, first_lanes(n)) : _mm256_loadu_ps(x);
}

AVX2_TARGET INLINE void store_avx2(float *x, size_t n, __m256 value)
{
    if (n < 8)
        _mm256_maskstore_ps(x, first_lanes(n), value);
    else
        _mm256_storeu_ps(x, value);
}

AVX2_TARGET INLINE void transpose_avx2(void *rows)
{
    typedef __m256 __attribute__((aligned(4), may_alias)) loose;
    loose *r = rows;
    __m256 t[8], u[8];
    EACH (i, 4) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    EACH (i, 4) {
        __m256 a = t[i / 2 * 4 + i % 2], b = t[i / 2 * 4 + i % 2 + 2];
        u[i / 2 * 4 + i % 2 * 2] = _mm256_shuffle_ps(a, b, 0x44);
        u[i / 2 * 4 + i % 2 * 2 + 1] = _mm256_shuffle_ps(a, b, 0xee);
    }
    EACH (j, 4) {
        r[j] = _mm256_permute2f128_ps(u[j], u[4 + j], 0x20);
        r[4 + j] = _mm256_permute2f128_ps(u[j], u[4 + j], 0x31);
    }
}

#define LANES 16
#define ROWS 12
#define CHANNELS 8
#define TARGET AVX512_TARGET
#define NAME(x) x##_avx512
#define FMA _mm512_fmadd_ps
#define SPREAD _mm512_set1_ps
#define LOAD load_avx512
#define STORE store_avx512
#define TRANSPOSE transpose_avx512
#include "nn/kernels/convolve_kernel.h"
#include "nn/kernels/winograd_kernel.h"
#include "nn/kernels/direct_kernel.h"
#undef LANES
#undef ROWS
#undef CHANNELS
#undef TARGET
#undef NAME
#undef FMA
#undef SPREAD
#undef LOAD
#undef STORE
#undef TRANSPOSE
#undef vector
#undef AT
#undef FROM

#define LANES 8
#define ROWS 6
#define CHANNELS 4
#define TARGET AVX2_TARGET
#define NAME(x) x##_avx2
#define FMA _mm256_fmadd_ps
#define SPREAD _mm256_set1_ps
#define LOAD load_avx2
#define STORE store_avx2
#define TRANSPOSE transpose_avx2
#include "nn/kernels/convolve_kernel.h"
#include "nn/kernels/winograd_kernel.h"
#include "nn/kernels/direct_kernel.h"

/* The algorithms of one instruction set. */
#define WAYS(isa)                                                                                            \
    static size_t scratch_##isa(const tsr_convolution *conv)                                                 \
    {                                                                                                        \
        return tsr_winograd_suits(conv) ? tsr_winograd_scratch(&winograd_##isa, conv)                        \
                                        : tsr_direct_scratch(&direct_##isa, conv);                           \
    }                                                                                                        \
    static void forward_##isa(const tsr_convolution *conv, const float *x, const float *w,                   \
                              const float *bias, float *y, float *scratch)                                   \
    {                                                                                                        \
        if (tsr_winograd_suits(conv))                                                                        \
            tsr_winograd_forward(&winograd_##isa, conv, x, w, bias, y, scratch);                             \
        else                                                                                                 \
            tsr_direct_forward(&direct_##isa, conv, x, w, bias, y, scratch);                                 \
    }                                                                                                        \
    static void weight_gradient_##isa(const tsr_convolution *conv, const float *x, const float *dy,          \
                                      float *dw, float *scratch)                                             \
    {                                                                                                        \
        if (tsr_winograd_suits(conv))                                                                        \
            tsr_winograd_weight_gradient(&winograd_##isa, conv, x, dy, dw, scratch);                         \
        else                                                                                                 \
            tsr_direct_weight_gradient(&direct_##isa, conv, x, dy, dw, scratch);                             \
    }                                                                                                        \
    static void input_gradient_##isa(const tsr_convolution *conv, const float *dy, const float *w,           \
                                     float *dx, float *scratch)                                              \
    {                                                                                                        \
        if (tsr_winograd_suits(conv))                                                                        \
            tsr_winograd_input_gradient(&winograd_##isa, conv, dy, w, dx, scratch);                          \
        else                                                                                                 \
            tsr_direct_input_gradient(&direct_##isa, conv, dy, w, dx, scratch);                              \
    }

WAYS(avx512)
WAYS(avx2)

#endif

static const tsr_convolutions kernels[] = {
#if defined(__x86_64__)
    { "avx512", TSR_NEEDS_AVX2 | TSR_NEEDS_AVX512, scratch_avx512, forward_avx512, weight_gradient_avx512,
      input_gradient_avx512 },
    { "avx2", TSR_NEEDS_AVX2, scratch_avx2, forward_avx2, weight_gradient_avx2, input_gradient_avx2 },
#endif
    { "plain", TSR_NEEDS_NOTHING, tsr_convolve_plain_scratch, tsr_convolve_plain,
      tsr_convolve_plain_weight_gradient, tsr_convolve_plain_input_gradient },
};

const tsr_convolutions *tsr_convolutions_kernels(size_t *n)
{
    *n = sizeof(kernels) / sizeof(kernels[0]);
    return kernels;
}

const tsr_convolutions *tsr_convolutions_choose(void)
{
    const tsr_convolutions *kernel = kernels;
    while (!tsr_cpu_uses(kernel->needs))
        kernel++;
    return kernel;
}
